"""The verifiers that ship, compiled again from source: the same bytes as recorded, whoever compiles them.

All of them where PLUMBLINE_FUZZ_CASES is set (`make assurance`), else one; that every circuit's verifier, compiled and
deployed, is the one on record is in tests/e2e/test_models_on_chain.py. PLUMBLINE_UPDATE_GAS=1 records them.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import Final

from eth_utils.crypto import keccak

from oracle.chain.solc import compile_verifier
from oracle.settings import PROJECT_ROOT, Settings
from tests.support.gas import UPDATE

SNAPSHOT: Final = PROJECT_ROOT / "tests" / "contracts" / "verifiers.json"


def test_verifiers__compiled_from_source__code_hash_as_recorded(settings: Settings) -> None:
    recorded: dict[str, str] = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    sources = {path.parent.name: path for path in sorted(PROJECT_ROOT.glob("circuits/*/Verifier.sol"))}
    everything = os.environ.get(UPDATE) or os.environ.get("PLUMBLINE_FUZZ_CASES")
    chosen = sources if everything else {"garch-vol-32": sources["garch-vol-32"]}
    found = {
        name: "0x" + keccak(compile_verifier(settings, path).deployed_bytecode).hex() for name, path in chosen.items()
    }
    if os.environ.get(UPDATE):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
        recorded = found
    assert set(recorded) == set(sources)
    assert {name: recorded.get(name) for name in found} == found


def test_verifiers__every_source__is_the_one_in_its_manifest() -> None:
    for path in sorted(PROJECT_ROOT.glob("circuits/*/Verifier.sol")):
        pinned = json.loads((path.parent / "manifest.json").read_text())["verifier_source_hash"]
        assert "0x" + sha256(path.read_bytes()).hexdigest() == pinned, path
