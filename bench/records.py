"""What is written down of one network in one arm."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

OURS: Final = "plumbline"
RESOURCES: Final = "ezkl resources"
ACCURACY: Final = "ezkl accuracy"
ARMS: Final = (RESOURCES, ACCURACY, OURS)
# While an arm makes the development set-up, which is made once for all, its clock stands
SRS_STAGE: Final = "making the development set-up"
TOOK_LONGER: Final = "took longer than"


@dataclass
class ArmRecord:
    """Every figure of one network in one arm; None where the arm did not come so far.

    Seconds and CPU seconds are this machine's; `tune` is ezkl's calibrate_settings, or our whole search, which builds
    and proves its finalists. `error`: the largest over the test samples, relative to the larger of the model's answer
    and the upper quartile of its answers. `failure`: why the arm did not come to its end; `stage`: where.
    """

    network: str
    arm: str
    shipped: bool = False
    stage: str = "start"
    failure: str | None = None
    notes: list[str] = field(default_factory=list)
    max_error: float | None = None
    error: float | None = None
    error_no_worse: bool | None = None
    samples: int = 0
    logrows: int | None = None
    rows: int | None = None
    columns: int | None = None
    lookups: int | None = None
    tune_secs: float | None = None
    tune_cpu_secs: float | None = None
    setup_secs: float | None = None
    setup_cpu_secs: float | None = None
    witness_secs: float | None = None
    witness_cpu_secs: float | None = None
    prove_secs: float | None = None
    prove_cpu_secs: float | None = None
    proofs: int = 0
    verify_secs: float | None = None
    peak_memory_mb: int | None = None
    proving_key_bytes: int | None = None
    verifying_key_bytes: int | None = None
    proof_bytes: int | None = None
    public_values: int | None = None
    gas: int | None = None
    code_bytes: int | None = None

    @property
    def finished(self) -> bool:
        """Whether the arm gave a circuit whose proof a chain accepted."""
        return self.failure is None and self.stage == "done"

    @property
    def timed_out(self) -> bool:
        """Whether the arm was ended at its time limit: a longer one may serve it."""
        return self.failure is not None and TOOK_LONGER in self.failure


def write_record(record: ArmRecord, path: Path) -> None:
    """Writes the record whole, so that a killed arm leaves what it had."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(dataclasses.asdict(record), indent=2) + "\n")
    draft.replace(path)


def read_record(path: Path) -> ArmRecord:
    """A record that write_record wrote."""
    return ArmRecord(**json.loads(path.read_text()))
