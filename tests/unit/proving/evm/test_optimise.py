"""What the rewriter refuses: every source that is not exactly of the form it knows; and what it gives, again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from oracle.errors import VerifierNotUnderstood
from oracle.proving.evm.optimise import optimise, read
from tests.support.tiny_circuit import TinyCircuit

INPUTS = 3


@pytest.fixture(scope="module")
def source(circuit: TinyCircuit) -> str:
    """A generated verifier."""
    return (circuit.folder / "Verifier.sol").read_text()


def test_optimise__same_source__same_text(source) -> None:
    assert optimise(source, INPUTS) == optimise(source, INPUTS)


def test_read__transcript__is_the_proof_in_its_order(source) -> None:
    reading = read(source)
    words = [word for squeeze in reading.squeezes for word in squeeze.absorbed]
    instances = [f"instance:{index}" for index in range(reading.instance_count)]
    # all but the last commitment, which no challenge depends on
    assert words == instances + [f"proof:{at}" for at in range(0, reading.proof_length - 64, 32)]


def test_read__sum_of_points__opens_every_commitment(source) -> None:
    reading = read(source)
    assert {point.offset for point in reading.lhs if hasattr(point, "offset")} == set(reading.points)


@pytest.mark.parametrize("count", [0, 5, 6, -1])
def test_optimise__impossible_input_count__is_refused(source, count) -> None:
    with pytest.raises(VerifierNotUnderstood, match="inputs among 5 instances"):
        optimise(source, count)


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def without(pattern: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed, count = re.subn(pattern, "", text, count=1)
        assert count == 1
        return changed

    return change


def with_accumulator(text: str) -> str:
    changed, count = re.subn(r"0(\) // has_accumulator)", r"1\1", text)
    assert count == 1
    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "no function verifyProof"),
        (replaced("uint256[] calldata instances", "uint256[] memory instances"), "no function verifyProof"),
        (replaced("success := and(success, lt(eval, r))", ""), "checks of ranges"),
        (replaced("success := and(success, lt(instance, r))", ""), "checks of ranges"),
        (without(r"success := and\(success, eq\(0x[0-9a-f]+, proof\.length\)\)"), "no check of the proof's length"),
        (replaced("ret0 := and(success, lt(x, q))", "ret0 := success"), "function read_ec_point is not as it is known"),
        (replaced("let hash := keccak256(0x00, hash_mptr)", "let hash := 1"), "squeeze_challenge is not as"),
        (replaced("mstore(0x00, mload(VK_DIGEST_MPTR))", "mstore(0x00, calldataload(0x64))"), "does not follow"),
        (with_accumulator, "with an accumulator"),
        (replaced("let quotient_eval_numer\n", "let quotient_eval_numer := origin()\n"), "operation origin"),
        (replaced("pop(y)", "sstore(0, 1)"), "operation sstore"),
        (replaced("pop(y)", "y"), "does nothing"),
        (replaced("pop(y)", "pop(unheard)"), "name unheard"),
        (replaced("pop(y)", "pop(mload(0xfffff0))"), "read before it is written"),
        (replaced("pop(y)", "for {} 1 {} {}"), "loop without end"),
        (
            replaced("mstore(0x00, 1)\n            return", "mstore(0x00, 2)\n            return"),
            "result that is not 1",
        ),
        (replaced("uint256 internal constant        R = 2", "uint256 internal constant        R = 3"), "another field"),
    ],
)
def test_optimise__changed_source__is_refused_by_name(source, change, said) -> None:
    with pytest.raises(VerifierNotUnderstood, match=said):
        optimise(change(source), INPUTS)
