"""verifyBatch and verifyAndStoreBatch: what is accepted, what is bound, what is kept."""

from __future__ import annotations

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from tests.contracts.BatchVerifier.conftest import Batch


def expected_commitment(batch: Batch, inputs: bytes) -> bytes:
    version, observed_at, nonce = batch.context
    types = ["bytes32", "uint256", "address", "uint256", "uint32", "bytes32", "uint64", "bytes32"]
    tag = keccak(text="plumbline.batch-commitment.v1")
    values = [tag, batch.chain.web3.eth.chain_id, batch.contract.address, batch.model_id]
    return keccak(encode(types, [*values, version, nonce, observed_at, keccak(inputs)]))


def test_verify_batch__honest_proof__returns_the_commitment_to_all_rows(batch):
    commitment = batch.contract.functions.verifyBatch(*batch.arguments()).call()
    inputs, _ = batch.proven.packed()
    assert commitment == expected_commitment(batch, inputs)
    assert commitment == batch.contract.functions.batchCommitment(1, batch.context, inputs).call()


@pytest.mark.parametrize("place", [0, 5, 15])
def test_verify_batch__another_input_of_any_row__is_refused(batch, reverts, place):
    inputs, _ = batch.proven.packed()
    changed = bytearray(inputs)
    changed[4 * place + 3] ^= 1
    with reverts("InvalidBatchProof"):
        batch.contract.functions.verifyBatch(*batch.arguments(inputs=bytes(changed))).call()


@pytest.mark.parametrize("place", [0, 7])
def test_verify_batch__another_output_of_any_row__is_refused(batch, reverts, place):
    _, outputs = batch.proven.packed()
    changed = bytearray(outputs)
    changed[8 * place + 7] ^= 1
    with reverts("InvalidBatchProof"):
        batch.contract.functions.verifyBatch(*batch.arguments(outputs=bytes(changed))).call()


def test_verify_batch__rows_in_another_order__are_refused(batch, reverts):
    inputs, outputs = batch.proven.packed()
    with reverts("InvalidBatchProof"):
        swapped = batch.arguments(inputs=inputs[16:] + inputs[:16], outputs=outputs)
        batch.contract.functions.verifyBatch(*swapped).call()


def test_verify_batch__wrong_lengths__are_named(batch, reverts):
    inputs, outputs = batch.proven.packed()
    with reverts("PackedLengthMismatch", len(inputs) - 4, len(inputs)):
        batch.contract.functions.verifyBatch(*batch.arguments(inputs=inputs[4:])).call()
    with reverts("PackedLengthMismatch", len(outputs) + 1, len(outputs)):
        batch.contract.functions.verifyBatch(*batch.arguments(outputs=outputs + b"\0")).call()


def test_verify_batch__empty_proof__is_refused(batch, reverts):
    with reverts("InvalidBatchProof"):
        batch.contract.functions.verifyBatch(*batch.arguments(zk_proof=b"")).call()


def test_verify_batch__unknown_version__is_refused(batch, reverts):
    with reverts("VersionNotFound", 1, 2):
        batch.contract.functions.verifyBatch(*batch.arguments(context=(2, *batch.context[1:]))).call()


def test_verify_batch__deprecated_model__is_refused(batch, chain, reverts):
    chain.send(batch.registry.functions.deprecateModel(1))
    with reverts("ModelIsDeprecated", 1):
        batch.contract.functions.verifyBatch(*batch.arguments()).call()


def test_verify_and_store_batch__honest_proof__is_kept_once(batch, chain):
    call = batch.contract.functions.verifyAndStoreBatch(*batch.arguments())
    batch_id = call.call()
    assert not batch.contract.functions.isStored(batch_id).call()
    (event,) = chain.events(batch.contract, "BatchStored", chain.send(call))
    inputs, outputs = batch.proven.packed()
    assert event["batchId"] == batch_id
    assert event["inputCommitment"] == expected_commitment(batch, inputs)
    assert event["outputs"] == outputs
    assert batch.contract.functions.isStored(batch_id).call()
    assert chain.events(batch.contract, "BatchStored", chain.send(call)) == []


def test_verify_and_store_batch__false_output__keeps_nothing(batch, reverts):
    _, outputs = batch.proven.packed()
    with reverts("InvalidBatchProof"):
        batch.contract.functions.verifyAndStoreBatch(
            *batch.arguments(outputs=bytes([outputs[0] ^ 1]) + outputs[1:])
        ).call()
