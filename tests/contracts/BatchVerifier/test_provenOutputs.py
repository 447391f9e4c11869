"""provenOutputs: rows of a batch that is kept, and nothing else."""

from __future__ import annotations

import pytest

from oracle.units import wad_from_scaled


@pytest.fixture
def kept(batch, chain):
    """The batch, stored; what provenOutputs takes before the range."""
    chain.send(batch.contract.functions.verifyAndStoreBatch(*batch.arguments()))
    inputs, outputs = batch.proven.packed()
    commitment = batch.contract.functions.batchCommitment(1, batch.context, inputs).call()
    return 1, 1, commitment, outputs


def test_proven_outputs__each_row__is_decoded(batch, kept):
    read = batch.contract.functions.provenOutputs
    expected = [wad_from_scaled(value, batch.output_scale_bits) for value in batch.outputs]
    assert read(*kept, 0, len(expected)).call() == expected
    for row in range(4):
        assert read(*kept, 2 * row, 2).call() == expected[2 * row : 2 * row + 2]
    assert read(*kept, len(expected), 0).call() == []


def test_proven_outputs__range_outside__is_named(batch, kept, reverts):
    count = len(batch.outputs)
    for first, wanted in ((count, 1), (0, count + 1), (2**256 - 1, 2), (1, 2**256 - 1)):
        with reverts("OutputsOutOfRange", first, wanted, count):
            batch.contract.functions.provenOutputs(*kept, first, wanted).call()


def test_proven_outputs__anything_else__is_not_found(batch, kept, reverts_any):
    model_id, version, commitment, outputs = kept
    others = (
        (model_id, version, commitment, outputs[:-1] + b"\x01"),
        (model_id, version, b"\x01" * 32, outputs),
        (model_id, 2, commitment, outputs),
        (2, version, commitment, outputs),
        (model_id, version, commitment, b""),
    )
    for other in others:
        with reverts_any("BatchNotFound"):
            batch.contract.functions.provenOutputs(*other, 0, 1).call()
