"""activate: anyone, after the timelock, to the same code."""

from __future__ import annotations

import pytest

from tests.support.status import ACTIVE, PROPOSED, REVOKED, SUPERSEDED


def test_activate__after_the_timelock__anyone_may(registry):
    model = registry.model(bound=True)
    registry.pass_delay()
    events = registry.send("activate", model, role=registry.stranger)
    assert dict(events["ModelActivated"][0]) == {"modelId": model, "version": 1}
    assert "ModelUpdated" not in events
    assert (registry.status(model, 1), registry.read.currentVersion(model).call()) == (ACTIVE, 1)


def test_activate__one_second_early__too_early(registry, reverts):
    model = registry.model(bound=True)
    at = registry.read.getVersion(model, 1).call()[3]
    registry.chain.mine(at - 1)
    with reverts("ActivationTooEarly", model, 1, at):
        registry.read.activate(model).call()


def test_activate__on_the_second__active(registry):
    model = registry.model(bound=True)
    registry.chain.mine(registry.read.getVersion(model, 1).call()[3])
    registry.read.activate(model).call()


def test_activate__no_verifier_bound__refused(registry, reverts):
    model = registry.model()
    with reverts("WrongModelStatus", model, 1, PROPOSED):
        registry.send("activate", model)


def test_activate__twice__refused(registry, reverts):
    model = registry.model(active=True)
    with reverts("WrongModelStatus", model, 1, ACTIVE):
        registry.send("activate", model)


def test_activate__unknown_model__not_found(registry, reverts):
    with reverts("ModelNotFound", 1):
        registry.send("activate", 1)


def test_activate__deprecated__refused(registry, reverts):
    model = registry.model(bound=True)
    registry.send("deprecateModel", model)
    registry.pass_delay()
    with reverts("ModelIsDeprecated", model):
        registry.send("activate", model)


def test_activate__revoked_while_timelocked__refused(registry, reverts):
    model = registry.model(bound=True)
    registry.send("revokeVersion", model, 1, role=registry.guardian)
    registry.pass_delay()
    with reverts("WrongModelStatus", model, 1, REVOKED):
        registry.send("activate", model)


def test_activate__verifier_changed_its_code__mismatch(registry, reverts):
    model = registry.model(bound=True)
    verifier, code_hash = registry.spec[:2]
    registry.pass_delay()
    registry.chain.rpc("anvil_setCode", verifier, "0x00")
    actual = bytes(registry.chain.web3.keccak(b"\x00"))
    with reverts("VerifierCodeMismatch", verifier, code_hash, actual):
        registry.send("activate", model)


def test_activate__second_version__supersedes_the_first(registry):
    model = registry.model(active=True)
    second = registry.changed_commitment(7)
    registry.send("updateModel", model, second)
    registry.send("bindVerifier", model, registry.spec)
    registry.pass_delay()
    event = registry.send("activate", model)["ModelUpdated"][0]
    assert tuple(event["oldCommitment"].values()) == registry.commitment
    assert tuple(event["newCommitment"].values()) == second
    assert (registry.status(model, 1), registry.status(model, 2)) == (SUPERSEDED, ACTIVE)
    assert registry.read.getModel(model).call()[0] == second
    assert registry.read.getVersion(model, 1).call()[0] == registry.commitment


def test_activate__after_the_current_was_revoked__it_stays_revoked(registry):
    model = registry.model(active=True)
    registry.send("revokeVersion", model, 1)
    registry.next_version(model)
    assert (registry.status(model, 1), registry.status(model, 2)) == (REVOKED, ACTIVE)


@pytest.mark.parametrize("count", [3])
def test_activate__many_versions__only_the_newest_is_active(registry, count):
    model = registry.model(active=True)
    for mark in range(1, count):
        registry.next_version(model, mark)
    assert [registry.status(model, v) for v in range(1, count + 1)] == [SUPERSEDED] * (count - 1) + [ACTIVE]
    assert registry.read.currentVersion(model).call() == registry.read.latestVersion(model).call() == count
