"""revokeVersion: owner or guardian, at once and for ever."""

from __future__ import annotations

import pytest

from tests.support.status import REVOKED


@pytest.mark.parametrize("role", ["owner", "guardian"])
@pytest.mark.parametrize("stage", [{}, {"bound": True}, {"active": True}], ids=["proposed", "timelocked", "active"])
def test_revoke_version__in_any_live_state__is_revoked(registry, role, stage):
    model, caller = registry.model(**stage), getattr(registry, role)
    events = registry.send("revokeVersion", model, 1, role=caller)
    assert dict(events["ModelRevoked"][0]) == {"modelId": model, "version": 1, "by": registry.chain.address(caller)}
    assert registry.status(model, 1) == REVOKED


@pytest.mark.parametrize("role", ["admin", "stranger"])
def test_revoke_version__others__refused(registry, reverts, role):
    model, caller = registry.model(active=True), getattr(registry, role)
    with reverts("NotModelOwner", model, registry.chain.address(caller)):
        registry.send("revokeVersion", model, 1, role=caller)


def test_revoke_version__twice__refused(registry, reverts):
    model = registry.model(active=True)
    registry.send("revokeVersion", model, 1)
    with reverts("WrongModelStatus", model, 1, REVOKED):
        registry.send("revokeVersion", model, 1)


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_revoke_version__unknown_version__not_found(registry, reverts, version):
    model = registry.model(active=True)
    with reverts("VersionNotFound", model, version):
        registry.send("revokeVersion", model, version)


def test_revoke_version__unknown_model__not_found(registry, reverts):
    with reverts("ModelNotFound", 9):
        registry.send("revokeVersion", 9, 1)


def test_revoke_version__current_one__stays_the_current_and_no_older_takes_its_place(registry, reverts):
    model = registry.model(active=True)
    registry.next_version(model)
    registry.send("revokeVersion", model, 2, role=registry.guardian)
    assert registry.read.currentVersion(model).call() == 2
    with reverts("WrongModelStatus", model, 2, REVOKED):
        registry.read.verifierOf(model, 2).call()


def test_revoke_version__superseded_one__the_current_lives_on(registry, reverts):
    model = registry.model(active=True)
    registry.next_version(model)
    registry.send("revokeVersion", model, 1)
    assert registry.read.verifierOf(model, 2).call() == registry.spec
    with reverts("WrongModelStatus", model, 1, REVOKED):
        registry.read.verifierOf(model, 1).call()
