"""What is written into a circuit's folder: the rewritten verifier, or the plain one with its check."""

from __future__ import annotations

import re

import pytest

from oracle.errors import ArtifactMismatch
from oracle.proving.building.solidity import OFFSET_CHECK, input_count, patch_verifier
from oracle.proving.engine import ProvingEngine
from tests.unit.proving.conftest import LOGISTIC, RELU

LINE = "                success := and(success, eq(0x0c00, proof.length))\n"


@pytest.mark.parametrize("circuit", [RELU, LOGISTIC])
def test_generate_verifier__source__refuses_other_offsets_and_has_both_entries(
    engine: ProvingEngine, circuit: str
) -> None:
    source = (engine.folder(circuit) / "Verifier.sol").read_text()
    assert "function verifyProof(bytes calldata proof, uint256[] calldata instances)" in source
    assert "function verifyPacked(bytes calldata proof, bytes calldata inputs, bytes calldata outputs)" in source
    assert len(re.findall(r"eq\(at, 0x64\)", source)) == 1
    assert input_count(engine.folder(circuit) / "settings.json") == engine.circuit(circuit).input_count


def test_patch_verifier__one_length_check__is_followed_by_the_offset_check() -> None:
    assert patch_verifier(f"a\n{LINE}b\n") == f"a\n{LINE}                {OFFSET_CHECK}\nb\n"


@pytest.mark.parametrize("source", ["", "nothing\n", LINE * 2, LINE.replace("proof.length", "instances.length")])
def test_patch_verifier__no_one_place__fails_the_build(source: str) -> None:
    with pytest.raises(ArtifactMismatch, match=r"checks of proof\.length, not one"):
        patch_verifier(source)


def test_patch_verifier__patched_already__fails_the_build() -> None:
    with pytest.raises(ArtifactMismatch, match="already"):
        patch_verifier(patch_verifier(LINE))
