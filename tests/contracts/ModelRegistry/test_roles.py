"""Who may change who may what, and what the contract says it is."""

from __future__ import annotations


def test_constructor__roles__as_given(registry):
    guardian_role = registry.read.GUARDIAN_ROLE().call()
    assert registry.read.hasRole(bytes(32), registry.chain.address(registry.admin)).call()
    assert registry.read.hasRole(guardian_role, registry.chain.address(registry.guardian)).call()
    assert not registry.read.hasRole(guardian_role, registry.chain.address(registry.admin)).call()


def test_grant_role__by_the_admin__moves_the_guardian(registry, reverts):
    role, old, new = registry.read.GUARDIAN_ROLE().call(), registry.guardian, registry.stranger
    model = registry.model(active=True)
    registry.send("grantRole", role, registry.chain.address(new), role=registry.admin)
    registry.send("revokeRole", role, registry.chain.address(old), role=registry.admin)
    with reverts("NotModelOwner", model, registry.chain.address(old)):
        registry.send("revokeVersion", model, 1, role=old)
    registry.send("revokeVersion", model, 1, role=new)


def test_grant_role__by_the_guardian__refused(registry, reverts):
    guardian = registry.chain.address(registry.guardian)
    with reverts("AccessControlUnauthorizedAccount", guardian, bytes(32)):
        registry.send("grantRole", bytes(32), guardian, role=registry.guardian)


def test_supports_interface__erc_165_and_the_registry__yes(registry):
    assert registry.read.supportsInterface(bytes.fromhex("d28519b1")).call()
    assert registry.read.supportsInterface(bytes.fromhex("01ffc9a7")).call()
    assert not registry.read.supportsInterface(b"\xff" * 4).call()
