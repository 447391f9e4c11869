"""The workflow of an uploaded model: tuned and built in the sandbox, its verifier deployed and registered."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from oracle.chain.verifier_cache import compiled_verifier
from oracle.daemon.cancelling import Cancels
from oracle.daemon.circuit_sharing import keep_circuit
from oracle.daemon.parts import ServiceParts
from oracle.daemon.steps import Facts, Steps
from oracle.domain.json_text import parse_shallow
from oracle.domain.proofs import ModelInputs
from oracle.domain.requests import Request, RequestKind
from oracle.errors import ConfigurationError, Conflict, InputRejected, InvalidInput, ServiceUnavailable, UnsafeSetup
from oracle.proving.building.manifest import VERIFIER, Domain
from oracle.proving.intake import budgets_for
from oracle.proving.tuning.cost import Objective
from oracle.proving.tuning.study import check_domain
from oracle.proving.uploaded import require_sandbox, upload_of
from oracle.proving.uploads import MAX_SAMPLES_BYTES, MAX_UPLOAD_BYTES, build_upload, check_name, upload_record

MAX_WAITING: Final = 16
MAX_DEPTH: Final = 16
MAX_SAMPLE_VALUES: Final = 1_000_000
# Within one stage no oftener than this
PROGRESS_SECS: Final = 0.25
# What went wrong with a stranger's file goes wrong again
BUILD_ATTEMPTS: Final = 1


@dataclass(frozen=True, slots=True)
class UploadedModel:
    """An ONNX file as it came, with samples in ezkl's form and what is asked of its circuit.

    `max_error`: in units of the outputs' magnitude, None: the tuner's own. `domain`: intervals (low, high), one for
    all, for each input tensor or for each value; None: around the samples. `deploy`: also onto the chain.
    """

    name: str
    onnx: bytes
    samples: bytes
    objective: Objective = "balanced"
    max_error: float | None = None
    domain: tuple[tuple[float, float], ...] | None = None
    deploy: bool = True


class UploadWorkflow:
    """build and, for one that is to be deployed, submit; then the model can be proven."""

    def __init__(self, parts: ServiceParts, steps: Steps, cancels: Cancels) -> None:
        self._parts = parts
        self._steps = steps
        self._cancels = cancels

    def keep(self, upload: UploadedModel) -> Facts:
        """Keeps the files; the body of their request. Nothing of the ONNX file is read here. Raises as upload."""
        require_sandbox(self._parts.settings)
        self._check_target(upload)
        if not 0 < len(upload.onnx) <= MAX_UPLOAD_BYTES:
            raise InvalidInput(f"the ONNX file has {len(upload.onnx)} bytes, it must have 1 to {MAX_UPLOAD_BYTES}")
        _check_samples(upload.samples)
        budgets_for(upload.max_error)
        if upload.domain is not None:
            check_domain(upload.domain)
        put = self._parts.artifacts.put
        return {
            "onnx": put(upload.onnx),
            "samples": put(upload.samples),
            "objective": upload.objective,
            "maxError": upload.max_error,
            "domain": None if upload.domain is None else [list(pair) for pair in upload.domain],
            "deploy": upload.deploy,
        }

    def _check_target(self, upload: UploadedModel) -> None:
        if upload.deploy and not self._parts.client.is_local:
            raise UnsafeSetup(
                "a circuit is built on a development set-up, which has no place on this chain",
                remedy="upload with deploy=false, then `plumbline model rebuild NAME --srs public` and `model deploy`",
            )
        if upload.deploy and self._parts.deployer is None:
            raise ConfigurationError("this process deploys no models", remedy="ask the one that leads")

    def check_room(self, name: str) -> None:
        """Raises InvalidInput, Conflict for a name that is or will be taken, ServiceUnavailable when many wait."""
        check_name(self._parts.settings, name)
        waiting = [one for one in self._parts.requests.unfinished() if one.kind is RequestKind.MODEL]
        if any(one.subject == name for one in waiting):
            raise Conflict(f"another upload is about to become {name!r}", remedy="choose another name")
        if len(waiting) >= MAX_WAITING:
            raise ServiceUnavailable(f"{len(waiting)} uploads wait already", remedy="try again when some have ended")

    def add(self, request: Request) -> Facts:
        """The model's circuit, and where it is registered."""
        built = self._steps.run(request, "build", lambda: self._build(request), attempts=BUILD_ATTEMPTS)
        steps = {"build": built}
        result: Facts = {"model": request.subject, **{k: v for k, v in built.items() if k != "seconds"}}
        if request.body["deploy"]:
            submitted = self._steps.run(request, "submit", lambda: self._register(request))
            steps["submit"] = submitted
            result |= {name: value for name, value in submitted.items() if name != "seconds"}
        return {**result, "seconds": {name: facts["seconds"] for name, facts in steps.items()}}

    def _build(self, request: Request) -> Facts:
        parts, body = self._parts, request.body
        onnx, samples = parts.artifacts.get(body["onnx"]), parts.artifacts.get(body["samples"])
        domain = None if body["domain"] is None else [Domain(low=low, high=high) for low, high in body["domain"]]
        with self._cancels.during(request.id) as cancel:
            manifest = build_upload(
                parts.settings,
                request.subject,
                upload_record(request.id, onnx, samples),
                onnx,
                samples,
                max_error=body["maxError"],
                domain=domain,
                objective=body["objective"],
                code_size=lambda source: len(compiled_verifier(parts.settings, source).deployed_bytecode),
                on_progress=_Progress(self._steps, request).report,
                cancel=cancel,
            )
        return {
            "files": keep_circuit(parts.artifacts, parts.engine.folder(request.subject)),
            "circuitId": manifest.circuit_id,
            "modelHash": manifest.model_hash,
            "circuitHash": manifest.circuit_hash,
            "vkHash": manifest.vk_hash,
            "logrows": manifest.logrows,
            "error": manifest.measured.error,
            "maxError": manifest.max_error,
            "proveCpuSeconds": manifest.measured.prove_cpu_seconds,
            "predictedGas": manifest.measured.predicted_gas,
        }

    def _register(self, request: Request) -> Facts:
        parts = self._parts
        assert parts.deployer is not None
        folder, manifest = parts.engine.folder(request.subject), parts.engine.circuit(request.subject)
        upload = upload_of(folder)
        if upload is None or upload.request_id != request.id:
            raise InvalidInput(f"{request.subject!r} is another's model by now")
        record = parts.deployer().deploy_model(manifest, folder / VERIFIER)
        return {
            "modelId": str(record.model_id),
            "version": record.version,
            "verifier": record.verifier,
            "active": record.active,
        }


class _Progress:
    """Notes each stage, and within one no more than four a second."""

    def __init__(self, steps: Steps, request: Request) -> None:
        self._steps = steps
        self._request = request
        self._stage = ""
        self._noted = 0.0

    def report(self, stage: str, fraction: float, detail: str) -> None:
        """See oracle.proving.building.build.OnProgress."""
        now = time.monotonic()
        if stage == self._stage and fraction < 1.0 and now - self._noted < PROGRESS_SECS:
            return
        self._stage, self._noted = stage, now
        data: dict[str, Any] = {"step": "build", "stage": stage, "fraction": fraction, "detail": detail}
        self._steps.progress(self._request, data)


def _check_samples(content: bytes) -> None:
    """Raises InputRejected for what is not samples in ezkl's form; they are JSON of a stranger."""
    if not 0 < len(content) <= MAX_SAMPLES_BYTES:
        raise InputRejected(f"the samples have {len(content)} bytes, they must have 1 to {MAX_SAMPLES_BYTES}")
    try:
        document = parse_shallow(content, MAX_DEPTH)
    except ValueError as error:
        raise InputRejected(f"the samples are not JSON: {error}") from None
    documents = document if isinstance(document, list) else [document]
    values = sum(len(row) for one in documents for row in ModelInputs.from_document(one).tensors)
    if not 0 < values <= MAX_SAMPLE_VALUES:
        raise InputRejected(f"the samples hold {values} numbers, they must hold 1 to {MAX_SAMPLE_VALUES}")
