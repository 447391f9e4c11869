"""registerModel and registerModelWithVerifier."""

from __future__ import annotations

import pytest

from tests.support.status import ACTIVE, PROPOSED, TIMELOCKED


def test_register_model__first__has_id_1_and_is_proposed(registry):
    events = registry.send("registerModel", registry.commitment)
    assert events["ModelRegistered"][0]["modelId"] == 1
    assert events["ModelRegistered"][0]["owner"] == registry.chain.address(registry.owner)
    assert tuple(events["ModelRegistered"][0]["commitment"].values()) == registry.commitment
    assert registry.status(1, 1) == PROPOSED
    assert (registry.read.currentVersion(1).call(), registry.read.latestVersion(1).call()) == (0, 1)


def test_register_model__many__ids_are_consecutive(registry):
    assert [registry.model() for _ in range(3)] == [1, 2, 3]
    assert registry.read.modelCount().call() == 3


def test_register_model__the_same_commitment_twice__two_models(registry):
    first, second = registry.model(), registry.model()
    assert first != second
    assert registry.read.getModel(first).call() == registry.read.getModel(second).call()


@pytest.mark.parametrize("index", [0, 1, 2], ids=["modelHash", "circuitHash", "vkHash"])
def test_register_model__zero_hash__invalid_commitment(registry, reverts, index):
    commitment = list(registry.commitment)
    commitment[index] = bytes(32)
    with reverts("InvalidCommitment"):
        registry.send("registerModel", tuple(commitment))


@pytest.mark.parametrize("system", [bytes(4), b"\x30\x1c\x92\xed", b"\xff" * 4])
def test_register_model__unknown_proof_system__invalid_commitment(registry, reverts, system):
    commitment = (*registry.commitment[:3], system, "uri")
    with reverts("InvalidCommitment"):
        registry.send("registerModel", commitment)


def test_register_model_with_verifier__with_a_delay__is_timelocked(registry):
    events = registry.send("registerModelWithVerifier", registry.commitment, registry.spec)
    assert set(events) == {"ModelRegistered", "VerifierBound"}
    assert registry.status(1, 1) == TIMELOCKED


def test_register_model_with_verifier__without_a_delay__is_active_at_once(inference):
    registry = inference.registry.functions
    assert registry.getVersion(1, 1).call()[2] == ACTIVE
    assert registry.currentVersion(1).call() == 1
    assert registry.activationDelay().call() == 0


def test_register_model_with_verifier__bad_spec__registers_nothing(registry, reverts):
    with reverts("InvalidVerifierSpec"):
        registry.send("registerModelWithVerifier", registry.commitment, (*registry.spec[:2], 0, *registry.spec[3:]))
    assert registry.read.modelCount().call() == 0
