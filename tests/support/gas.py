"""Gas snapshots: named scenarios, compared exactly with tests/gas/snapshots/<Contract>.json.

PLUMBLINE_UPDATE_GAS=1 writes what is measured instead.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from filelock import FileLock

SNAPSHOTS = Path(__file__).resolve().parents[1] / "gas" / "snapshots"
UPDATE = "PLUMBLINE_UPDATE_GAS"


def check_gas(name: str, gas: int, folder: Path = SNAPSHOTS) -> None:
    """Compares `gas` with the snapshot of `name`, such as "ObservationFeed.submit/3-of-5"."""
    file = folder / f"{name.partition('.')[0]}.json"
    if os.environ.get(UPDATE) == "1":
        record(file, name, gas)
        return
    recorded = json.loads(file.read_text()).get(name) if file.exists() else None
    assert recorded is not None, f"no gas snapshot of {name} (now {gas}): run with {UPDATE}=1"
    assert gas == recorded, f"gas of {name}: {gas}, snapshot {recorded} ({gas - recorded:+}); {UPDATE}=1 accepts it"


def record(file: Path, name: str, gas: int) -> None:
    """Writes one figure, leaving the others."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(Path(tempfile.gettempdir()) / f"plumbline-gas-{file.name}.lock"):
        content = json.loads(file.read_text()) if file.exists() else {}
        content[name] = gas
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(dict(sorted(content.items())), indent=2) + "\n")
        temporary.replace(file)
