"""bindVerifier: once for each version, by the owner, to code that is there."""

from __future__ import annotations

import pytest

from tests.contracts.ModelRegistry.conftest import DELAY
from tests.support.inference import verifier_spec
from tests.support.status import ACTIVE, REVOKED, TIMELOCKED


def test_bind_verifier__proposed__starts_the_timelock(registry):
    model = registry.model()
    events = registry.send("bindVerifier", model, registry.spec)
    activatable_at = registry.chain.now() + DELAY
    assert dict(events["VerifierBound"][0]) == {
        "modelId": model,
        "version": 1,
        "verifier": registry.spec[0],
        "activatableAt": activatable_at,
    }
    commitment, spec, status, at = registry.read.getVersion(model, 1).call()
    assert (commitment, spec, status, at) == (registry.commitment, registry.spec, TIMELOCKED, activatable_at)


@pytest.mark.parametrize("role", ["admin", "guardian", "stranger"])
def test_bind_verifier__not_the_owner__refused(registry, reverts, role):
    model, caller = registry.model(), getattr(registry, role)
    with reverts("NotModelOwner", model, registry.chain.address(caller)):
        registry.send("bindVerifier", model, registry.spec, role=caller)


def test_bind_verifier__unknown_model__not_found(registry, reverts):
    with reverts("ModelNotFound", 1):
        registry.send("bindVerifier", 1, registry.spec)


def test_bind_verifier__timelocked__cannot_be_bound_again(registry, other_spec, reverts):
    model = registry.model(bound=True)
    with reverts("WrongModelStatus", model, 1, TIMELOCKED):
        registry.send("bindVerifier", model, other_spec)


def test_bind_verifier__active__cannot_be_bound_again(registry, other_spec, reverts):
    model = registry.model(active=True)
    with reverts("WrongModelStatus", model, 1, ACTIVE):
        registry.send("bindVerifier", model, other_spec)


def test_bind_verifier__revoked_while_proposed__refused(registry, reverts):
    model = registry.model()
    registry.send("revokeVersion", model, 1)
    with reverts("WrongModelStatus", model, 1, REVOKED):
        registry.send("bindVerifier", model, registry.spec)


def test_bind_verifier__deprecated__refused(registry, reverts):
    model = registry.model()
    registry.send("deprecateModel", model)
    with reverts("ModelIsDeprecated", model):
        registry.send("bindVerifier", model, registry.spec)


def test_bind_verifier__other_code_hash__mismatch(registry, reverts):
    model = registry.model()
    verifier, code_hash, *rest = registry.spec
    with reverts("VerifierCodeMismatch", verifier, b"\x01" * 32, code_hash):
        registry.send("bindVerifier", model, (verifier, b"\x01" * 32, *rest))


def test_bind_verifier__account_without_code__mismatch(registry, reverts):
    model, account = registry.model(), registry.chain.address(12)
    spec = verifier_spec(registry.chain.web3, account)
    with reverts("VerifierCodeMismatch", account, spec[1], spec[1]):
        registry.send("bindVerifier", model, spec)


def test_bind_verifier__account_that_never_was__mismatch(registry, reverts):
    model, nobody = registry.model(), "0x00000000000000000000000000000000DeaDBeef"
    spec = verifier_spec(registry.chain.web3, nobody, code_hash=bytes(32))
    with reverts("VerifierCodeMismatch", nobody, bytes(32), bytes(32)):
        registry.send("bindVerifier", model, spec)


@pytest.mark.parametrize(
    "changed",
    [
        {"input_count": 0},
        {"output_count": 0},
        {"input_scales": b""},
        {"output_scales": b""},
        {"input_scales": bytes([13, 13])},
        {"output_scales": bytes([13, 13, 13])},
        {"input_scales": bytes([64])},
        {"output_scales": bytes([13, 64])},
        {"output_scales": bytes([255])},
    ],
    ids=str,
)
def test_bind_verifier__senseless_spec__invalid(registry, reverts, changed):
    model = registry.model()
    spec = verifier_spec(registry.chain.web3, registry.spec[0], **changed)
    with reverts("InvalidVerifierSpec"):
        registry.send("bindVerifier", model, spec)


@pytest.mark.parametrize(
    "changed",
    [{"input_scales": bytes([0, 13, 63])}, {"output_scales": bytes([14, 15])}, {"input_scales": bytes([0])}],
    ids=str,
)
def test_bind_verifier__scale_for_each_value__reads_back(registry, changed):
    model = registry.model()
    spec = verifier_spec(registry.chain.web3, registry.spec[0], **changed)
    registry.send("bindVerifier", model, spec)
    assert registry.read.getVersion(model, 1).call()[1] == spec
