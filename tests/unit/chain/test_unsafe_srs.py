"""A set-up under which proofs can be forged is refused by what the verifier holds, whatever a manifest says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from oracle.chain.deploy import refuse_unsafe_srs
from oracle.constants import DEV_S_G2_X
from oracle.errors import UnsafeSetup
from oracle.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Facts:
    """What the check reads of a manifest."""

    circuit_id: str = "model"
    srs_kind: str = "public"


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "Verifier.sol"
    path.write_text("mstore(0x0220, 0x17cb08598d7d1bbdf168ae6dde544462e08199af30dd25f5defa5096624acbe0)")
    return path


@pytest.mark.parametrize("kind", ["public", "trusted"])
def test_refuse_unsafe_srs__a_ceremonys_verifier__passes(clean: Path, kind: str) -> None:
    refuse_unsafe_srs(Facts(srs_kind=kind), clean)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["dev", "imported", "", "PUBLIC"])
def test_refuse_unsafe_srs__any_other_kind__is_refused(clean: Path, kind: str) -> None:
    with pytest.raises(UnsafeSetup, match="can forge proofs"):
        refuse_unsafe_srs(Facts(srs_kind=kind), clean)  # type: ignore[arg-type]


@pytest.mark.parametrize("coordinate", DEV_S_G2_X)
@pytest.mark.parametrize("upper", [True, False])
def test_refuse_unsafe_srs__development_secret_called_public__is_refused(
    clean: Path, coordinate: str, upper: bool
) -> None:
    clean.write_text(f"mstore(0x0220, 0x{coordinate.upper() if upper else coordinate})")
    with pytest.raises(UnsafeSetup, match="set up with a dev SRS"):
        refuse_unsafe_srs(Facts(), clean)  # type: ignore[arg-type]


def test_refuse_unsafe_srs__every_shipped_verifier_of_the_development_set_up__is_recognised() -> None:
    import json

    found = 0
    for path in sorted(PROJECT_ROOT.glob("circuits/*/Verifier.sol")):
        if json.loads((path.parent / "manifest.json").read_text())["srs_kind"] == "dev":
            found += 1
            with pytest.raises(UnsafeSetup, match="set up with a dev SRS"):
                refuse_unsafe_srs(dataclasses.replace(Facts(), circuit_id=path.parent.name), path)  # type: ignore[arg-type]
    assert found
