"""What the contracts say they are: the ids are computed here from the ERC's own text."""

from __future__ import annotations

from functools import reduce

import pytest
from eth_utils.crypto import keccak

from oracle.constants import PROOF_SYSTEM_ID, PROOF_SYSTEM_NAME

COMMITMENT = "(bytes32,bytes32,bytes32,bytes4,string)"
REGISTRY = (
    f"registerModel({COMMITMENT})",
    f"updateModel(uint256,{COMMITMENT})",
    "deprecateModel(uint256)",
    "getModel(uint256)",
)
VERIFIER = ("verifyInference(uint256,bytes32,bytes,bytes)", "proofSystemOf(uint256)", "registry()")
STORAGE = ("verifyAndStoreInference(uint256,bytes32,bytes,bytes)", "getInference(bytes32)")


def interface_id(signatures: tuple[str, ...]) -> bytes:
    """The XOR of the functions' selectors (ERC-165)."""
    selectors = (int.from_bytes(keccak(text=s)[:4], "big") for s in signatures)
    return reduce(int.__xor__, selectors).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("signatures", "expected", "contract"),
    [
        (REGISTRY, "d28519b1", "registry"),
        (VERIFIER, "5df65472", "verifier"),
        (STORAGE, "29c6ba89", "verifier"),
        (("supportsInterface(bytes4)",), "01ffc9a7", "registry"),
        (("supportsInterface(bytes4)",), "01ffc9a7", "verifier"),
    ],
)
def test_supports_interface__ids_of_the_erc__recomputed_and_supported(inference, signatures, expected, contract):
    assert interface_id(signatures).hex() == expected
    assert getattr(inference, contract).functions.supportsInterface(interface_id(signatures)).call()


@pytest.mark.parametrize("contract", ["registry", "verifier"])
@pytest.mark.parametrize("other", [b"\xff" * 4, b"\x00" * 4])
def test_supports_interface__others__no(inference, contract, other):
    assert not getattr(inference, contract).functions.supportsInterface(other).call()


def test_proof_system_of__tiny_model__is_the_hash_of_its_name(inference):
    assert keccak(text=PROOF_SYSTEM_NAME)[:4] == PROOF_SYSTEM_ID
    assert inference.verifier.functions.proofSystemOf(1).call() == PROOF_SYSTEM_ID


def test_proof_system_of__unknown_model__not_found(inference, reverts):
    with reverts("ModelNotFound", 2**200):
        inference.verifier.functions.proofSystemOf(2**200).call()


def test_registry__address__of_the_registry(inference):
    assert inference.verifier.functions.registry().call() == inference.registry.address
