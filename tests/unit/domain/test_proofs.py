"""Inputs, witnesses and proofs as plain values: their JSON, and what is none."""

from __future__ import annotations

import pytest

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.domain.proofs import INPUT_FORM, ModelInputs, Proof, Witness
from oracle.errors import FieldElementError, InputRejected, ProofRejected, ValueOutOfRange

DOCUMENT = {
    "circuit_id": "toy",
    "proof": "0x00ff",
    "instances": ["0x" + "0" * 63 + "5", "0x" + "0" * 64],
    "seconds": {"prove": 1.5},
}


@pytest.mark.parametrize(
    ("text", "tensors"),
    [
        ('{"input_data": [[1, 2.5, -3e2]]}', ((1.0, 2.5, -300.0),)),
        ('{"input_data": [[1], [2, 3]]}', ((1.0,), (2.0, 3.0))),
        ('{"input_data": [1, 2], "other": "x"}', ((1.0, 2.0),)),
        ('{"input_data": [[[1, 2], [3, [4]]], [5]]}', ((1.0, 2.0, 3.0, 4.0), (5.0,))),
        ('{"input_data": [1, [2]]}', ((1.0,), (2.0,))),
        ('{"input_data": [[true, false]]}', ((1.0, 0.0),)),
        ('{"input_data": [[]]}', ((),)),
    ],
)
def test_from_json__numbers_in_lists__flat_and_in_order(text: str, tensors: tuple[tuple[float, ...], ...]) -> None:
    inputs = ModelInputs.from_json(text)
    assert inputs == ModelInputs(tensors)
    assert all(type(number) is float for row in inputs.tensors for number in row)
    assert ModelInputs.from_document(inputs.to_document()) == inputs


NO_LIST = 'the inputs have no "input_data" list'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the inputs are not JSON"),
        ("[" * 100_000, "the inputs are not JSON"),
        ("[[1]]", NO_LIST),
        ("{}", NO_LIST),
        ('{"input_data": []}', NO_LIST),
        ('{"input_data": {"a": 1}}', NO_LIST),
        ('{"input_data": 5}', NO_LIST),
        ('{"input_data": [[1, "2"]]}', "input 0 has '2' at position 1"),
        ('{"input_data": [[1], [2, 3, null]]}', "input 1 has None at position 2"),
        ('{"input_data": [[1, NaN]]}', "the inputs contain NaN"),
        ('{"input_data": [[-Infinity]]}', "the inputs contain -Infinity"),
        ('{"input_data": [[1], [2, 1e999]]}', "input 1 is not finite at position 1"),
        ('{"input_data": [[1, ' + "9" * 400 + "]]}", "input 0 is not finite at position 1"),
    ],
)
def test_from_json__anything_else__refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputRejected) as found:
        ModelInputs.from_json(text)
    assert str(found.value).startswith(message)
    assert found.value.remedy in {INPUT_FORM, "every input must be a finite number"}


def test_instances__negative_numbers__as_field_elements_inputs_first() -> None:
    assert Witness("toy", (1, -1), (-(2**40), 7), "{}").instances == (1, P - 1, P - 2**40, 7)


def test_integers__instances__signed_again() -> None:
    assert Proof("toy", b"", (5, P - 5, 2**63 - 1, P - 2**63 + 1, 0)).integers() == (5, -5, 2**63 - 1, 1 - 2**63, 0)
    for felt in (2**63, P - 2**63):
        with pytest.raises(ValueOutOfRange):
            Proof("toy", b"", (felt,)).integers()
    with pytest.raises(FieldElementError):
        Proof("toy", b"", (P,)).integers()


def test_to_document__proof__there_and_back() -> None:
    proof = Proof("toy", b"\x00\xff", (5, 0), {"prove": 1.5})
    assert proof.to_document() == DOCUMENT
    assert Proof.from_document(DOCUMENT) == proof
    bare = {"circuit_id": "toy", "proof": "00ff", "instances": ["5", f"{P - 1:x}"]}
    assert Proof.from_document(bare) == Proof("toy", b"\x00\xff", (5, P - 1), {})


@pytest.mark.parametrize(
    "changed",
    [
        {"instances": ["0x" + f"{P:x}"]},
        {"instances": ["-0x1"]},
        {"instances": ["g"]},
        {"instances": [5]},
        {"instances": None},
        {"proof": "0x1"},
        {"proof": 5},
        {"seconds": {"prove": "long"}},
        {"seconds": []},
    ],
)
def test_from_document__malformed__refused(changed: dict[str, object]) -> None:
    with pytest.raises(ProofRejected, match="not a proof document"):
        Proof.from_document(DOCUMENT | changed)


@pytest.mark.parametrize("missing", ["circuit_id", "proof", "instances"])
def test_from_document__without_a_member__refused(missing: str) -> None:
    with pytest.raises(ProofRejected, match=missing):
        Proof.from_document({name: value for name, value in DOCUMENT.items() if name != missing})
    with pytest.raises(ProofRejected):
        Proof.from_document(None)
