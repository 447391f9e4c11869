"""updateModel: a new version behind the current one, one at a time."""

from __future__ import annotations

import pytest

from tests.support.status import ACTIVE, PROPOSED, TIMELOCKED


def test_update_model__active__stages_version_2_and_leaves_the_current(registry):
    model = registry.model(active=True)
    new = registry.changed_commitment(7)
    events = registry.send("updateModel", model, new)
    assert set(events) == {"ModelUpdateProposed"}
    assert events["ModelUpdateProposed"][0]["version"] == 2
    assert tuple(events["ModelUpdateProposed"][0]["commitment"].values()) == new
    assert (registry.status(model, 1), registry.status(model, 2)) == (ACTIVE, PROPOSED)
    assert (registry.read.currentVersion(model).call(), registry.read.latestVersion(model).call()) == (1, 2)
    assert registry.read.getModel(model).call()[0] == registry.commitment
    assert registry.read.verifierOf(model, 1).call() == registry.spec


@pytest.mark.parametrize("role", ["admin", "guardian", "stranger"])
def test_update_model__not_the_owner__refused(registry, reverts, role):
    model, caller = registry.model(active=True), getattr(registry, role)
    with reverts("NotModelOwner", model, registry.chain.address(caller)):
        registry.send("updateModel", model, registry.commitment, role=caller)


def test_update_model__unknown_model__not_found(registry, reverts):
    with reverts("ModelNotFound", 3):
        registry.send("updateModel", 3, registry.commitment)


def test_update_model__deprecated__refused(registry, reverts):
    model = registry.model(active=True)
    registry.send("deprecateModel", model)
    with reverts("ModelIsDeprecated", model):
        registry.send("updateModel", model, registry.commitment)


@pytest.mark.parametrize(("bound", "status"), [(False, PROPOSED), (True, TIMELOCKED)])
def test_update_model__first_version_not_active_yet__refused(registry, reverts, bound, status):
    model = registry.model(bound=bound)
    with reverts("WrongModelStatus", model, 1, status):
        registry.send("updateModel", model, registry.changed_commitment(7))


def test_update_model__staged_one_revoked__makes_room(registry):
    model = registry.model(active=True)
    registry.send("updateModel", model, registry.changed_commitment(7))
    registry.send("revokeVersion", model, 2)
    registry.send("updateModel", model, registry.changed_commitment(8))
    assert registry.status(model, 3) == PROPOSED


def test_update_model__zero_hash__invalid_commitment(registry, reverts):
    model = registry.model(active=True)
    with reverts("InvalidCommitment"):
        registry.send("updateModel", model, registry.changed_commitment(0))
