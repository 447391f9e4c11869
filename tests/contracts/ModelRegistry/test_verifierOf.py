"""verifierOf, getVersion, getModel: what a verification reads."""

from __future__ import annotations

import pytest

from tests.support.status import PROPOSED, TIMELOCKED


def test_verifier_of__active__the_spec(registry):
    assert registry.read.verifierOf(registry.model(active=True), 1).call() == registry.spec


def test_verifier_of__superseded__still_there_for_those_who_pinned_it(registry):
    model = registry.model(active=True)
    registry.next_version(model)
    assert registry.read.verifierOf(model, 1).call() == registry.spec


@pytest.mark.parametrize(("bound", "status"), [(False, PROPOSED), (True, TIMELOCKED)])
def test_verifier_of__not_active_yet__refused(registry, reverts, bound, status):
    model = registry.model(bound=bound)
    with reverts("WrongModelStatus", model, 1, status):
        registry.read.verifierOf(model, 1).call()


def test_verifier_of__deprecated__refused(registry, reverts):
    model = registry.model(active=True)
    registry.send("deprecateModel", model)
    with reverts("ModelIsDeprecated", model):
        registry.read.verifierOf(model, 1).call()


def test_verifier_of__code_changed_since__refused(registry, reverts):
    model = registry.model(active=True)
    verifier, code_hash = registry.spec[:2]
    registry.chain.rpc("anvil_setCode", verifier, "0x6001600052602060" + "00f3")
    actual = bytes(registry.chain.web3.keccak(registry.chain.web3.eth.get_code(verifier)))
    with reverts("VerifierCodeMismatch", verifier, code_hash, actual):
        registry.read.verifierOf(model, 1).call()


@pytest.mark.parametrize("read", ["verifierOf", "getVersion"])
@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_verifier_of__unknown_version__not_found(registry, reverts, read, version):
    model = registry.model(active=True)
    with reverts("VersionNotFound", model, version):
        getattr(registry.read, read)(model, version).call()


@pytest.mark.parametrize(
    ("read", "arguments"),
    [("verifierOf", (1,)), ("getVersion", (1,)), ("getModel", ()), ("currentVersion", ()), ("latestVersion", ())],
)
@pytest.mark.parametrize("model", [0, 1, 2**256 - 1])
def test_reads__unknown_model__not_found(registry, reverts, read, arguments, model):
    with reverts("ModelNotFound", model):
        getattr(registry.read, read)(model, *arguments).call()


def test_get_version__no_verifier_bound__empty_spec(registry):
    model = registry.model()
    empty = ("0x" + "0" * 40, bytes(32), 0, 0, b"", b"")
    assert registry.read.getVersion(model, 1).call() == (registry.commitment, empty, PROPOSED, 0)


def test_get_model__before_the_first_activation__the_proposed_commitment(registry):
    model = registry.model()
    assert registry.read.getModel(model).call() == [
        registry.commitment,
        False,
        registry.chain.address(registry.owner),
    ]
