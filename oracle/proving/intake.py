"""Any ONNX file with sample inputs, brought to a circuit folder.

    manifest = build_circuit(settings, "garch-vol-32", onnx, calibration, out_dir, max_error=1e-3, domain=[...])
    manifest = add_model(settings, "my-model", onnx, calibration, on_progress)

`calibration` is a JSON file in ezkl's form {"input_data": [[...], ...]} with one sample or many one after another, or
a list of such objects.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.domain.proofs import ModelInputs
from oracle.errors import Conflict, InputRejected, InvalidInput, ModelRejected
from oracle.proving.baseline import calibrated_plan
from oracle.proving.build import CandidateFailed, CodeSize, CodeTooLarge, OnProgress, Plan, Site, build
from oracle.proving.cost import Objective
from oracle.proving.diagnosis import PROBE, blame_unsound, blame_unsupported
from oracle.proving.files import storage_guard
from oracle.proving.manifest import MANIFEST, CircuitManifest, Domain
from oracle.proving.pool import ToolError, Worker, WorkerFailed, WorkerOutOfMemory, WorkerTimeout
from oracle.proving.tuner import Grid, Tuner, cheapest_first
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
from oracle.settings import Settings

MAX_MODEL_BYTES: Final = 64 << 20
MAX_CALIBRATION_BYTES: Final = 64 << 20
MAX_PUBLIC_VALUES: Final = 4_096
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Error budgets for a model whose owner names none: relative to the outputs' magnitude
DEFAULT_BUDGETS: Final = (2e-3, 2e-2)
# The tuner aims at this share of the budget, so that inputs it never saw stay within
TARGET_SHARE: Final = 0.5
ATTEMPTS: Final = 6
DOMAIN_PROBE_SAMPLES: Final = 24
PROBE_SCALES: Final = (12, 9, 15, 18)
INSPECT_SECS: Final = 300.0


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
    magnitudes: Sequence[float] | None = None,
    objective: Objective = "balanced",
    max_columns: int = 4,
    validation_samples: int = 128,
    code_size: CodeSize | None = None,
    on_progress: OnProgress | None = None,
) -> CircuitManifest:
    """The cheapest sound circuit of a model within an error budget, as a circuit folder at `out_dir`.

    max_error: largest error |circuit - model| / max(magnitude of the output tensor, |model|) that is promised; the
    tuner aims at half of it. None: 2e-3, and if that cannot be had 2e-2. magnitudes: one for each output tensor;
    None: the upper quartile of the calibration's outputs. domain: intervals for each input tensor, or for each input
    value; then the calibration samples alone are the validation set and must reach the domain's extremes. None: a
    domain around the samples, wider by a factor of 2 to 4. code_size: bytes of a compiled verifier source, to refuse
    what is larger than a contract may be. on_progress(stage, fraction, detail).

    Raises ModelRejected, InputRejected (the calibration), StorageFull, WorkerFailed.
    """
    report = on_progress or silent
    _check_file(onnx_path, MAX_MODEL_BYTES, ModelRejected, "model")
    _check_file(calibration_path, MAX_CALIBRATION_BYTES, InputRejected, "calibration file")
    site = Site(settings.cache_dir, settings.prove_memory_mb, settings.prove_timeout_secs, code_size, report)
    scratch_root = Path(tempfile.gettempdir())
    with (
        storage_guard(scratch_root),
        tempfile.TemporaryDirectory(prefix="plumbline-intake-") as scratch,
        Worker(memory_mb=settings.prove_memory_mb) as worker,
    ):
        job = _Job(worker, Path(scratch), name, out_dir, site, objective, max_columns, validation_samples)
        report("inspect", 0.0, f"{onnx_path.name}")
        calibration = _read_calibration(calibration_path)
        form, model, samples = job.bind(onnx_path, calibration)
        lookups = job.needs_tables(model)
        report("validate", 0.0, f"{len(samples)} samples, {form.input_count} inputs, {form.output_count} outputs")
        validation = job.validation(form, model, samples, domain, magnitudes, lookups=lookups)
        return job.build_best(model, validation, _budgets(max_error))


def _budgets(max_error: float | None) -> tuple[float, ...]:
    if max_error is None:
        return DEFAULT_BUDGETS
    if not (math.isfinite(max_error) and max_error > 0):
        raise InvalidInput(f"max_error must be positive, not {max_error}")
    return (max_error,)


def _check_file(path: Path, limit: int, kind: type[InvalidInput], what: str) -> None:
    if not path.is_file():
        raise kind(f"there is no {what} {path}")
    size = path.stat().st_size
    if size > limit:
        raise kind(f"the {what} has {size} bytes, more than {limit}", remedy="prove a smaller part of it")
    if size == 0:
        raise kind(f"the {what} {path} is empty")


def _read_calibration(path: Path) -> list[ModelInputs]:
    text = path.read_bytes()
    if text.lstrip()[:1] == b"[":
        try:
            documents = json.loads(text)
        except ValueError as error:
            raise InputRejected(f"the calibration file is not JSON: {error}") from error
        return [ModelInputs.from_document(document) for document in documents]
    return [ModelInputs.from_json(text)]


@dataclass(slots=True)
class _Job:
    """One model on its way to a circuit."""

    worker: Worker
    scratch: Path
    name: str
    out_dir: Path
    site: Site
    objective: Objective
    max_columns: int
    validation_samples: int

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

    def validation(
        self,
        form: ModelForm,
        model: Path,
        samples: list[Rows],
        domain: Sequence[Domain] | None,
        magnitudes: Sequence[float] | None,
        *,
        lookups: bool,
    ) -> Validation:
        """What the circuit is measured against, over the given domain or the widest that can be executed soundly."""
        sizes = list(magnitudes or output_magnitudes(ask_reference(self.worker, str(model), form, samples[:256])))
        if domain is not None:
            if len(domain) not in {len(form.input_shapes), form.input_count}:
                raise InvalidInput(f"the domain has {len(domain)} intervals for {form.input_count} inputs")
            return Validation.over(
                self.worker, model, form=form, domain=list(domain), samples=samples, magnitudes=sizes
            )
        values = [[v for sample in samples for v in sample[tensor]] for tensor in range(len(form.input_shapes))]
        failure: Exception | None = None
        for attempt in candidate_domains(values, form.input_dtypes):
            edges = 0 if lookups else EDGE_SAMPLES
            drawn = draw_samples(form, attempt, samples, self.validation_samples, edges=edges)
            try:
                validation = Validation.over(
                    self.worker, model, form=form, domain=attempt, samples=drawn, magnitudes=sizes
                )
            except InputRejected as error:
                failure = error
                continue
            if self._executable(model, validation.first(DOMAIN_PROBE_SAMPLES)):
                return validation
            failure = None
        if failure is not None:
            raise InputRejected(f"the model gives no finite answer on the calibration samples: {failure}")
        raise self._unsound(model, form, samples, sizes)

    def _executable(self, model: Path, validation: Validation) -> bool:
        """Whether some usual scale gives answers within the loosest budget."""
        tuner = Tuner(self.worker, model, validation, self.scratch)
        for scale in PROBE_SCALES:
            result = tuner.run(Grid(scale))
            if result is not None and result.score.error <= DEFAULT_BUDGETS[-1]:
                return True
        return False

    def _unsound(self, model: Path, form: ModelForm, samples: list[Rows], sizes: list[float]) -> ModelRejected:
        return blame_unsound(self.worker, model, self.scratch, form, samples)

    def build_best(self, model: Path, validation: Validation, budgets: Sequence[float]) -> CircuitManifest:
        """Builds the cheapest candidate that turns out sound; ezkl's own calibration when none of ours is."""
        tuner = Tuner(self.worker, model, validation, self.scratch)
        failures: list[str] = []
        too_large = False
        for budget in budgets:
            self.site.report("tune", 0.0, f"error budget {budget:g}")
            candidates = tuner.candidates(budget * TARGET_SHARE, self.objective, self.max_columns)
            self.site.report("tune", 1.0, f"{len(candidates)} circuits within {budget * TARGET_SHARE:g}")
            for candidate in cheapest_first(candidates, ATTEMPTS):
                document = tuner.settings(candidate.params)
                plan = Plan(self.name, model, document, validation, budget, candidate.cost.gas)
                try:
                    return build(plan, self.site, self.out_dir)
                except CandidateFailed as error:
                    failures.append(str(error))
                    too_large = too_large or isinstance(error, CodeTooLarge)
                    self.site.report("tune", 1.0, f"next candidate: {error}")
                except (WorkerTimeout, WorkerOutOfMemory) as error:
                    raise ModelRejected(f"the model is too large to be proven here: {error}") from error
        if not too_large:  # ezkl's own choice has no smaller a verifier
            self.site.report("calibrate", 0.0, "ezkl's own calibration")
            try:
                return build(self._calibrated(model, validation, budgets[-1]), self.site, self.out_dir)
            except (CandidateFailed, ToolError, WorkerTimeout, WorkerOutOfMemory) as error:
                failures.append(str(error))
        raise ModelRejected(
            f"no sound circuit was found: {'; '.join(dict.fromkeys(failures))}",
            remedy="allow a larger error, or simplify the model; recurrent operators cost less when unrolled",
        )

    def _calibrated(self, model: Path, validation: Validation, budget: float) -> Plan:
        return calibrated_plan(
            self.worker,
            circuit_id=self.name,
            model=model,
            validation=validation,
            max_error=budget,
            scratch=self.scratch,
        )


def bind_shapes(
    names: Sequence[str], declared: Sequence[Sequence[int | None]], counts: Sequence[int]
) -> list[list[int]]:
    """Input shapes with symbolic axes fixed to fit a sample: a symbolic first axis is 1, another takes the rest.

    Raises InputRejected with both numbers when the sample does not fit.
    """
    if len(declared) != len(counts):
        raise InputRejected(
            f"the model has {len(declared)} inputs ({', '.join(names)}), the sample has {len(counts)}",
            remedy='give one list for each input in "input_data"',
        )
    shapes = []
    for name, shape, count in zip(names, declared, counts, strict=True):
        bound = list(shape)
        free = [axis for axis, size in enumerate(bound) if size is None]
        if free and free[0] == 0:
            bound[free.pop(0)] = 1
        known = math.prod(size for size in bound if size is not None)
        if free:
            if count % known or len(free) > 1:
                raise InputRejected(f"input {name!r} of shape {list(shape)} cannot be fixed from {count} values")
            bound[free[0]] = count // known
        fixed = [int(size or 1) for size in bound]
        if count == 0 or count % math.prod(fixed):
            raise InputRejected(
                f"input {name!r} takes {math.prod(fixed)} values (shape {fixed}), the sample has {count}"
            )
        shapes.append(fixed)
    return shapes


def split_samples(inputs: ModelInputs, names: Sequence[str], shapes: Sequence[Sequence[int]]) -> list[Rows]:
    """Samples that stand one after another in each input's list. Raises InputRejected when the inputs disagree."""
    sizes = [math.prod(shape) for shape in shapes]
    if len(inputs.tensors) != len(sizes):
        raise InputRejected(
            f"the model has {len(sizes)} inputs ({', '.join(names)}), a sample has {len(inputs.tensors)}"
        )
    counts = [divmod(len(row), size) for row, size in zip(inputs.tensors, sizes, strict=True)]
    if any(rest for _, rest in counts) or len({count for count, _ in counts}) != 1 or counts[0][0] == 0:
        lengths = [len(row) for row in inputs.tensors]
        raise InputRejected(f"a sample takes {sizes} values, the calibration file has {lengths}")
    return [
        [list(row[index * size : (index + 1) * size]) for row, size in zip(inputs.tensors, sizes, strict=True)]
        for index in range(counts[0][0])
    ]
