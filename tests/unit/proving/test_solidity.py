"""The generated verifier carries the check that refuses forged layouts."""

from __future__ import annotations

import pytest

from oracle.errors import ArtifactMismatch
from oracle.proving.engine import ProvingEngine
from oracle.proving.solidity import OFFSET_CHECK, patch_verifier
from tests.unit.proving.conftest import LOGISTIC, RELU

LINE = "                success := and(success, eq(0x0c00, proof.length))\n"


@pytest.mark.parametrize("circuit", [RELU, LOGISTIC])
def test_generate_verifier__source__checks_the_offset_right_after_the_length(
    engine: ProvingEngine, circuit: str
) -> None:
    lines = (engine.folder(circuit) / "Verifier.sol").read_text().splitlines()
    places = [number for number, line in enumerate(lines) if OFFSET_CHECK in line]
    assert len(places) == 1
    assert "proof.length" in lines[places[0] - 1]


def test_patch_verifier__one_length_check__is_followed_by_the_offset_check() -> None:
    assert patch_verifier(f"a\n{LINE}b\n") == f"a\n{LINE}                {OFFSET_CHECK}\nb\n"


@pytest.mark.parametrize("source", ["", "nothing\n", LINE * 2, LINE.replace("proof.length", "instances.length")])
def test_patch_verifier__no_one_place__fails_the_build(source: str) -> None:
    with pytest.raises(ArtifactMismatch, match=r"checks of proof\.length, not one"):
        patch_verifier(source)


def test_patch_verifier__patched_already__fails_the_build() -> None:
    with pytest.raises(ArtifactMismatch, match="already"):
        patch_verifier(patch_verifier(LINE))
