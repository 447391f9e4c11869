"""ezkl's own calibration: the fallback when nothing of ours is sound, and what a benchmark compares with.

oracle.proving.intake.ezkl_default_circuit builds a whole circuit of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from oracle.proving.building.build import Plan
from oracle.proving.tuning.cost import predict
from oracle.proving.validation import Validation
from oracle.proving.workers.pool import Worker

CALIBRATE_TIMEOUT_SECS: Final = 900.0
CALIBRATION_SAMPLES: Final = 20

Target: TypeAlias = Literal["resources", "accuracy"]


def calibrated_plan(
    worker: Worker,
    *,
    circuit_id: str,
    model: Path,
    validation: Validation,
    max_error: float,
    scratch: Path,
    target: Target = "resources",
) -> Plan:
    """A plan with the settings that ezkl's calibrate_settings chooses on validation samples. Raises ToolError."""
    calibrated = calibrate(worker, model, validation, scratch, target)
    settings: dict[str, Any] = calibrated["settings"]
    arguments = settings["run_args"]
    cost = predict(
        logrows=arguments["logrows"],
        columns=arguments["num_inner_cols"],
        lookups=len(settings["required_lookups"]),
        public_values=validation.form.input_count + validation.form.output_count,
        einsum=bool(settings["einsum_params"]["total_einsum_col_size"]),
    )
    return Plan(circuit_id, model, settings, validation, max_error, cost.gas)


def calibrate(worker: Worker, model: Path, validation: Validation, scratch: Path, target: Target) -> dict[str, Any]:
    """ezkl's calibrated settings (`settings`), and the wall and CPU seconds that it took."""
    samples = validation.samples[:CALIBRATION_SAMPLES]
    tensors = range(len(validation.form.input_shapes))
    data = {"input_data": [[value for sample in samples for value in sample[tensor]] for tensor in tensors]}
    path = scratch / "calibration.json"
    path.write_text(json.dumps(data))
    result: dict[str, Any] = worker.call(
        "calibrate",
        model=str(model),
        data=str(path),
        settings_path=str(scratch / "calibrated.json"),
        target=target,
        timeout=CALIBRATE_TIMEOUT_SECS,
    )
    return result
