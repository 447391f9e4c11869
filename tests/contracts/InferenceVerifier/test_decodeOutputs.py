"""decodeOutputs and inputCommitment: field elements against their Python twins."""

from __future__ import annotations

import random

import pytest

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.errors import FieldElementError
from oracle.units import felt_from_int, wad_from_scaled
from tests.support.inference import Inference, verifier_spec

EDGES = [0, 1, -1, 2, 2**62, -(2**62), 2**63 - 1, 1 - 2**63, 5, -5]
BATCH = 500


@pytest.fixture(scope="module")
def wide(inference: Inference) -> dict[int, int]:
    """Models with BATCH outputs, by output scale. Only their decoding is used: no proof could be made for them."""
    return {scale: register(inference, output_scales=bytes([scale])) for scale in (0, 1, 13, 30, 62, 63)}


def register(inference: Inference, **changed) -> int:
    """A model whose spec says BATCH outputs, at the tiny verifier."""
    spec = verifier_spec(inference.chain.web3, inference.halo2.address, output_count=BATCH, **changed)
    inference.chain.send(inference.registry.functions.registerModelWithVerifier(inference.circuit.commitment, spec))
    model_id: int = inference.registry.functions.modelCount().call()
    return model_id


def values(seed: int) -> list[int]:
    """Edges and random integers of every size."""
    numbers = random.Random(seed)
    drawn = [numbers.randrange(-(2**bits) + 1, 2**bits) for bits in numbers.choices(range(1, 64), k=BATCH - len(EDGES))]
    return EDGES + drawn


@pytest.mark.parametrize("scale", [0, 1, 13, 30, 62, 63])
def test_decode_outputs__edges_and_random_values__as_the_twin(inference, wide, scale):
    signed = values(scale)
    felts = [felt_from_int(value) for value in signed]
    decoded = inference.verifier.functions.decodeOutputs(wide[scale], 1, felts).call()
    assert decoded == [wad_from_scaled(value, scale) for value in signed]


def test_decode_outputs__a_scale_for_each_value__as_the_twin(inference):
    scales = bytes(i % 64 for i in range(BATCH))
    model = register(inference, output_scales=scales)
    signed = values(99)
    decoded = inference.verifier.functions.decodeOutputs(model, 1, [felt_from_int(v) for v in signed]).call()
    assert decoded == [wad_from_scaled(value, scale) for value, scale in zip(signed, scales, strict=True)]


@pytest.mark.parametrize(
    ("felt", "error"),
    [
        (2**63, "ValueOutOfRange"),
        (P - 2**63, "ValueOutOfRange"),
        (P // 2, "ValueOutOfRange"),
        (P // 2 + 1, "ValueOutOfRange"),
        (P, "InstanceNotInField"),
        (P + 1, "InstanceNotInField"),
        (2 * P, "InstanceNotInField"),
        (2**256 - 1, "InstanceNotInField"),
    ],
)
@pytest.mark.parametrize("index", [0, 1])
def test_decode_outputs__no_value__says_which_and_why(inference, reverts, felt, error, index):
    felts = [0, 0]
    felts[index] = felt
    with reverts(error, index, felt):
        inference.verifier.functions.decodeOutputs(1, 1, felts).call()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_decode_outputs__wrong_number__says_how_many(inference, reverts, count):
    with reverts("InstanceCountMismatch", count, 2):
        inference.verifier.functions.decodeOutputs(1, 1, [0] * count).call()


def test_input_commitment__outside_the_field__refused_here_and_by_the_twin(inference, tiny_proof, reverts):
    felts = [tiny_proof.inputs[0] + P, *tiny_proof.inputs[1:]]
    with reverts("InstanceNotInField", 0, felts[0]):
        inference.verifier.functions.inputCommitment(1, inference.context(), felts).call()
    with pytest.raises(FieldElementError):
        inference.commitment(tiny_proof, input_instances=felts)


@pytest.mark.parametrize("felts", [[], [0], [P - 1] * 100], ids=["none", "zero", "hundred"])
def test_input_commitment__any_length__as_the_twin(inference, tiny_proof, felts):
    read = inference.verifier.functions.inputCommitment(1, inference.context(), felts).call()
    assert read == inference.commitment(tiny_proof, input_instances=felts)
