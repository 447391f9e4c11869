"""deprecateModel: the owner withdraws every version at once."""

from __future__ import annotations

import pytest

from tests.support.status import DEPRECATED, REVOKED


def test_deprecate_model__all_versions_but_revoked_ones__deprecated(registry):
    model = registry.model(active=True)
    registry.next_version(model, 7)
    registry.next_version(model, 8)
    registry.send("revokeVersion", model, 2)
    events = registry.send("deprecateModel", model)
    assert dict(events["ModelDeprecated"][0]) == {"modelId": model}
    assert [registry.status(model, v) for v in (1, 2, 3)] == [DEPRECATED, REVOKED, DEPRECATED]
    assert registry.read.getModel(model).call()[1:] == [True, registry.chain.address(registry.owner)]


@pytest.mark.parametrize("role", ["admin", "guardian", "stranger"])
def test_deprecate_model__not_the_owner__refused(registry, reverts, role):
    model, caller = registry.model(), getattr(registry, role)
    with reverts("NotModelOwner", model, registry.chain.address(caller)):
        registry.send("deprecateModel", model, role=caller)


def test_deprecate_model__twice__refused(registry, reverts):
    model = registry.model()
    registry.send("deprecateModel", model)
    with reverts("ModelIsDeprecated", model):
        registry.send("deprecateModel", model)


def test_deprecate_model__unknown__not_found(registry, reverts):
    with reverts("ModelNotFound", 1):
        registry.send("deprecateModel", 1)


def test_deprecate_model__afterwards_revoked__is_revoked(registry):
    model = registry.model(active=True)
    registry.send("deprecateModel", model)
    registry.send("revokeVersion", model, 1, role=registry.guardian)
    assert registry.status(model, 1) == REVOKED
