"""Any ONNX file with sample inputs, brought to a circuit folder.

    manifest = build_circuit(settings, "garch-vol-32", onnx, calibration, out_dir, max_error=1e-3, domain=[...])
    manifest = add_model(settings, "my-model", onnx, calibration, on_progress)

`calibration` is a JSON file in ezkl's form {"input_data": [[...], ...]} with one sample or many one after another, or
a list of such objects.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from oracle.domain.proofs import ModelInputs
from oracle.errors import Conflict, InputRejected, InvalidInput, ModelRejected
from oracle.proving.building.build import CodeSize, OnProgress, Site, VerificationGas
from oracle.proving.building.manifest import MANIFEST, CircuitManifest, Domain, OutputTransform
from oracle.proving.files import storage_guard
from oracle.proving.samples import bind_shapes, check_file, read_calibration, split_samples
from oracle.proving.tuning.baseline import Target
from oracle.proving.tuning.cost import Objective
from oracle.proving.tuning.diagnosis import PROBE, blame_unsound, blame_unsupported
from oracle.proving.tuning.selection import DEFAULT_BUDGETS, Limits, Selection, executable
from oracle.proving.tuning.tuner import Tuner
from oracle.proving.tuning.variants import variants
from oracle.proving.validation import (
    EDGE_SAMPLES,
    ModelForm,
    Rows,
    Validation,
    ask_reference,
    candidate_domains,
    draw_samples,
    output_magnitudes,
)
from oracle.proving.workers.confinement import Confinement
from oracle.proving.workers.pool import ToolError, Worker, WorkerFailed
from oracle.settings import Settings

MAX_MODEL_BYTES: Final = 64 << 20
MAX_CALIBRATION_BYTES: Final = 64 << 20
MAX_PUBLIC_VALUES: Final = 4_096
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# For what is measured, not promised
IDENTITY: Final = "identity"
ANY_ERROR: Final = 1e9
INSPECT_SECS: Final = 300.0
ADMIT_SECS: Final = 60.0


def silent(stage: str, fraction: float, detail: str) -> None:
    """A progress callback that does nothing."""


def add_model(
    settings: Settings,
    name: str,
    onnx_path: Path,
    calibration_path: Path,
    on_progress: OnProgress | None = None,
    *,
    code_size: CodeSize | None = None,
    max_error: float | None = None,
    objective: Objective = "balanced",
) -> CircuitManifest:
    """A stranger's model as a circuit in state_dir/circuits/<name>; see build_circuit.

    Raises InvalidInput for a bad name and Conflict when the name is taken.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name: use lower-case letters, digits and hyphens, at most 63")
    for folder in (settings.circuits_dir, settings.state_dir / "circuits"):
        if (folder / name / MANIFEST).exists():
            raise Conflict(f"there is a circuit {name!r} already in {folder}", remedy="choose another name")
    return build_circuit(
        settings,
        name,
        onnx_path,
        calibration_path,
        settings.state_dir / "circuits" / name,
        code_size=code_size,
        max_error=max_error,
        objective=objective,
        on_progress=on_progress,
    )


def build_circuit(
    settings: Settings,
    name: str,
    onnx_path: Path,
    calibration_path: Path,
    out_dir: Path,
    *,
    max_error: float | None = None,
    domain: Sequence[Domain] | None = None,
    widen: bool = True,
    magnitudes: Sequence[float] | None = None,
    objective: Objective = "balanced",
    max_columns: int = 4,
    validation_samples: int = 128,
    code_size: CodeSize | None = None,
    on_progress: OnProgress | None = None,
    confinement: Confinement | None = None,
    drawn: bool = False,
) -> CircuitManifest:
    """The cheapest sound circuit of a model within an error budget, as a circuit folder at `out_dir`.

    max_error: largest error |circuit - model| / max(magnitude of the output tensor, |model|) that is promised; the
    tuner aims at half of it. None: 2e-3, or 1e-2 where that is too dear. magnitudes: one for each output tensor;
    None: the upper quartile of the calibration's outputs. domain: intervals for each input tensor, or for each input
    value; then the calibration samples alone are the validation set and must reach the domain's extremes. None: a
    domain around the samples, wider by a factor of 2 to 4; without `widen` their own range. code_size: bytes of a
    compiled verifier source, to refuse what is larger than a contract may be. on_progress(stage, fraction, detail).
    confinement: of every process that reads a stranger's model; the model and `out_dir` lie in its folder. drawn: with
    a domain, validate on samples drawn from all of it.

    Raises ModelRejected, InputRejected (the calibration), StorageFull, WorkerFailed.
    """
    budgets = budgets_for(max_error)
    limits = Limits(objective, max_columns, validation_samples, widen=widen)
    site = site_for(settings, code_size, on_progress, confinement=confinement)
    with opened_job(name, out_dir, limits, site, drawn=drawn) as job:
        model, tuners = job.take_in(onnx_path, calibration_path, domain, magnitudes)
        return job.selection(model).build_best(tuners, budgets)


def ezkl_default_circuit(
    settings: Settings,
    name: str,
    onnx_path: Path,
    calibration_path: Path,
    out_dir: Path,
    *,
    target: Target = "resources",
    on_progress: OnProgress | None = None,
) -> CircuitManifest:
    """The circuit that ezkl's calibrate_settings chooses, whatever its error: what ours is compared with.

    Raises ModelRejected when that circuit does not prove, or its proof does not verify.
    """
    with opened_job(name, out_dir, Limits(rewrites=False), site_for(settings, None, on_progress)) as job:
        model, tuners = job.take_in(onnx_path, calibration_path, None, None)
        return job.selection(model).build_theirs(next(tuners)[0].validation, ANY_ERROR, target)


def site_for(
    settings: Settings,
    code_size: CodeSize | None,
    on_progress: OnProgress | None,
    gas: VerificationGas | None = None,
    confinement: Confinement | None = None,
) -> Site:
    """Where and under what limits circuits are built."""
    return Site(
        settings.cache_dir,
        settings.upload_memory_mb if confinement else settings.prove_memory_mb,
        settings.prove_timeout_secs,
        code_size,
        on_progress or silent,
        gas,
        confinement,
    )


@contextmanager
def opened_job(
    name: str,
    out_dir: Path,
    limits: Limits,
    site: Site,
    *,
    logits: bool = False,
    drawn: bool = False,
) -> Iterator[_Job]:
    """A job with a worker and a folder of its own. logits: without the model's last sigmoid or softmax; drawn: over a
    given domain, validate on samples drawn from all of it, not on the calibration's alone."""
    confinement = site.confinement
    home = confinement.folder if confinement else Path(tempfile.gettempdir())
    with (
        storage_guard(home),
        tempfile.TemporaryDirectory(dir=home, prefix="plumbline-intake-") as scratch,
        # Its witnesses are too small to share
        Worker(memory_mb=site.memory_mb, threads=1, confinement=confinement) as worker,
    ):
        yield _Job(worker, Path(scratch), name, out_dir, site, limits, logits=logits, drawn=drawn)


def budgets_for(max_error: float | None) -> tuple[float, ...]:
    """Error budgets to try, in order. Raises InvalidInput."""
    if max_error is None:
        return DEFAULT_BUDGETS
    if not (math.isfinite(max_error) and max_error > 0):
        raise InvalidInput(f"max_error must be positive, not {max_error}")
    return (max_error,)


@dataclass(slots=True)
class _Job:
    """One model on its way to a circuit."""

    worker: Worker
    scratch: Path
    name: str
    out_dir: Path
    site: Site
    limits: Limits
    logits: bool = False
    drawn: bool = False
    source: Path | None = None
    transforms: tuple[OutputTransform, ...] = ()

    def take_in(
        self,
        onnx_path: Path,
        calibration_path: Path,
        domain: Sequence[Domain] | None,
        magnitudes: Sequence[float] | None,
    ) -> tuple[Path, Iterator[list[Tuner]]]:
        """The model with fixed shapes and what its circuit is measured against. Raises ModelRejected, InputRejected."""
        check_file(onnx_path, MAX_MODEL_BYTES, ModelRejected, "model")
        check_file(calibration_path, MAX_CALIBRATION_BYTES, InputRejected, "calibration file")
        self.site.report("inspect", 0.0, onnx_path.name)
        if self.site.confinement:
            self.worker.call("admit", path=str(onnx_path.resolve()), timeout=ADMIT_SECS)
        # The worker has a folder of its own: a relative path would mean another file there
        form, model, samples = self.bind(onnx_path.resolve(), read_calibration(calibration_path))
        if self.logits:
            form, model = self.without_last_activation(form, model, samples)
        lookups = self.needs_tables(model)
        counts = f"{len(samples)} samples, {form.input_count} inputs, {form.output_count} outputs"
        self.site.report("validate", 0.0, counts)
        return model, self.tuners(form, model, samples, domain, magnitudes, lookups=lookups)

    def selection(self, model: Path) -> Selection:
        """The choice among circuits of the model."""
        return Selection(
            self.worker,
            model,
            self.scratch,
            self.name,
            self.out_dir,
            self.site,
            self.limits,
            self.source or model,
            self.transforms,
        )

    def bind(self, onnx_path: Path, calibration: Sequence[ModelInputs]) -> tuple[ModelForm, Path, list[Rows]]:
        """The model with all shapes fixed, its form, and the calibration as samples of those shapes."""
        description = self.worker.call("inspect", path=str(onnx_path))
        declared = [value["shape"] for value in description["inputs"]]
        names = [value["name"] for value in description["inputs"]]
        shapes = bind_shapes(names, declared, [len(row) for row in calibration[0].tensors])
        model = onnx_path
        if any(None in shape for shape in declared) or any(None in value["shape"] for value in description["outputs"]):
            model = self.scratch / "bound.onnx"
            self.worker.call("bind", path=str(onnx_path), out=str(model), shapes=shapes)
        samples = [sample for inputs in calibration for sample in split_samples(inputs, names, shapes)]
        answer = self.worker.call("reference", path=str(model), samples=samples[:1], shapes=shapes)
        public = sum(math.prod(shape) for shape in (*shapes, *answer["shapes"]))
        if public > MAX_PUBLIC_VALUES:
            raise ModelRejected(
                f"the model has {public} input and output values, a verifier takes at most {MAX_PUBLIC_VALUES}",
                remedy="prove a model with a smaller input, or one that pools it",
            )
        dtypes = [value["dtype"] for value in description["inputs"]]
        return ModelForm(names, dtypes, shapes, answer["shapes"], answer["dtypes"]), model, samples

    def without_last_activation(self, form: ModelForm, model: Path, samples: list[Rows]) -> tuple[ModelForm, Path]:
        """The model up to its last sigmoid or softmax. Raises ModelRejected where it ends in neither."""
        out = self.scratch / "logits.onnx"
        transforms = self.worker.call("logits", path=str(model), out=str(out))["transforms"]
        if set(transforms) == {IDENTITY}:
            raise ModelRejected("the model ends in no sigmoid and no softmax", remedy="leave out --logits")
        answer = self.worker.call("reference", path=str(out), samples=samples[:1], shapes=form.input_shapes)
        if answer["shapes"] != form.output_shapes:
            raise ModelRejected(f"without its last operator the model's outputs are {answer['shapes']}")
        self.source, self.transforms = model, tuple(transforms)
        return replace(form, output_dtypes=answer["dtypes"]), out

    def needs_tables(self, model: Path) -> bool:
        """Whether the circuit looks values up in tables. Raises ModelRejected, naming the operator ezkl cannot take."""
        out = str(self.scratch / "support.json")
        try:
            document = self.worker.call(
                "settings", model=str(model), out=out, run_args=PROBE.run_args(), timeout=INSPECT_SECS
            )
        except (ToolError, WorkerFailed) as error:
            raise blame_unsupported(self.worker, model, self.scratch, error) from error
        return bool(document["required_lookups"])

    def tuners(
        self,
        form: ModelForm,
        model: Path,
        samples: list[Rows],
        domain: Sequence[Domain] | None,
        magnitudes: Sequence[float] | None,
        *,
        lookups: bool,
    ) -> Iterator[list[Tuner]]:
        """Searches of the model's forms, over the given domain or those with sound answers, the widest first.

        Raises InputRejected or ModelRejected when there is none.
        """
        sizes = list(magnitudes or output_magnitudes(ask_reference(self.worker, str(model), form, samples[:256])))
        forms = variants(self.worker, model, self.scratch, rewrite=self.limits.rewrites)
        edges, count = 0 if lookups else EDGE_SAMPLES, self.limits.validation_samples

        def searches(validation: Validation) -> list[Tuner]:
            found = [one.tuner(self.worker, validation, self.scratch) for one in forms]
            return [tuner for tuner in found if math.isfinite(tuner.model_error)]

        if domain is not None:
            if self.drawn and len(domain) == 1:
                domain = [*domain] * len(form.input_shapes)
            if len(domain) not in {len(form.input_shapes), form.input_count}:
                raise InvalidInput(f"the domain has {len(domain)} intervals for {form.input_count} inputs")
            if self.drawn:
                samples = draw_samples(form, domain, samples, count, edges=EDGE_SAMPLES)
            search = searches(
                Validation.over(self.worker, model, form=form, domain=list(domain), samples=samples, magnitudes=sizes)
            )
            if self.drawn and not any(executable(one) for one in search):
                raise blame_unsound(self.worker, model, self.scratch, form, samples)
            yield search
            return
        values = [[v for sample in samples for v in sample[tensor]] for tensor in range(len(form.input_shapes))]
        failure: InputRejected | None = None
        sound = False
        for attempt in candidate_domains(values, form.input_dtypes, widen=self.limits.widen):
            drawn = draw_samples(form, attempt, samples, count, edges=edges)
            try:
                validation = Validation.over(
                    self.worker, model, form=form, domain=attempt, samples=drawn, magnitudes=sizes
                )
            except InputRejected as error:
                failure = error
                continue
            failure = None
            search = searches(validation)
            if any(executable(one) for one in search):
                sound = True
                yield search
        if failure is not None:
            raise InputRejected(f"the model gives no finite answer on the calibration samples: {failure}")
        if not sound:
            raise blame_unsound(self.worker, model, self.scratch, form, samples)
