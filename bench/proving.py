"""The GARCH circuit that ships against what ezkl calibrates for the same ONNX file, in one run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.arms import Arm, Record
from bench.windows import sp500_windows
from oracle.proving.building.keys import canonical_settings
from oracle.proving.building.manifest import NETWORK, SETTINGS
from oracle.proving.srs.store import dev_srs
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings

MEMORY_MB: Final = 16_384
CALIBRATION_SAMPLES: Final = 20
TIMEOUT_SECS: Final = 1_200.0


def compare(
    settings: Settings, circuit_id: str, *, proofs: int, samples: int, say: Callable[[str], None]
) -> list[Record]:
    """Records of both arms; their proofs are made in turn, so that a busy machine slows both."""
    circuit = settings.circuits_dir / circuit_id
    windows = sp500_windows(samples)
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        workers = [stack.enter_context(Worker(memory_mb=MEMORY_MB)) for _ in range(2)]
        say("letting ezkl calibrate (target=resources)")
        theirs_settings, calibration = _calibrated(workers[1], circuit / NETWORK, windows, folder)
        ours_settings = (circuit / SETTINGS).read_text()
        arms = []
        for name, text, worker in (
            ("plumbline", ours_settings, workers[0]),
            ("ezkl resources", theirs_settings, workers[1]),
        ):
            logrows = json.loads(text)["run_args"]["logrows"]
            say(f"building {name}: 2^{logrows} rows")
            srs = dev_srs(settings.cache_dir, logrows)
            arm = Arm(name, circuit / NETWORK, text, folder=folder / name.replace(" ", "-"), srs=srs, worker=worker)
            arm.build()
            arm.measure_error(windows)
            arms.append(arm)
        arms[1].record.calibrate_secs, arms[1].record.calibrate_cpu_secs = calibration
        for turn in range(proofs):
            say(f"proving with both, {turn + 1} of {proofs}")
            for arm in arms:
                arm.prove(windows[turn % len(windows)])
    return [arm.record for arm in arms]


def _calibrated(
    worker: Worker, model: Path, windows: list[list[float]], folder: Path
) -> tuple[str, tuple[float, float]]:
    """ezkl's settings, and the wall and CPU seconds of finding them."""
    data, path = folder / "calibration.json", folder / "calibrated.json"
    flat = [value for row in windows[:CALIBRATION_SAMPLES] for value in row]
    data.write_text(json.dumps({"input_data": [flat]}))
    result = worker.call(
        "calibrate", model=str(model), data=str(data), settings_path=str(path), target="resources", timeout=TIMEOUT_SECS
    )
    return canonical_settings(result["settings"]), (result["seconds"], result["cpu_seconds"])
