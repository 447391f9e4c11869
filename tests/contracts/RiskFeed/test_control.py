"""constructor, pause, unpause, setGuards, setModelVersion: who may, and what makes sense."""

from __future__ import annotations

import pytest

from oracle.units import WAD
from tests.support.risk_feed import CALM, Guards

ZERO = "0x" + "0" * 40
SENSELESS = [
    {"min_answer": 5 * WAD},
    {"min_answer": 5 * WAD + 1},
    {"fallback_answer": 5 * WAD + 1},
    {"fallback_answer": WAD // 100 - 1},
    {"heartbeat": 0},
    {"max_answer": 2**111, "fallback_answer": WAD},
    {"min_answer": -(2**111) - 1},
]


@pytest.mark.parametrize("missing", ["admin", "guardian"])
def test_constructor__without_a_role__refused(empty_risk_feed, reverts, missing):
    with reverts("InvalidConfiguration"):
        empty_risk_feed.deploy(**{missing: ZERO})


def test_constructor__unknown_model__refused(empty_risk_feed, reverts):
    with reverts("ModelNotFound", 2**200):
        empty_risk_feed.deploy(model_id=2**200)


def test_constructor__version_that_never_was__refused(empty_risk_feed, reverts):
    with reverts("VersionNotFound", empty_risk_feed.model_id, 9):
        empty_risk_feed.deploy(model_version=9)


@pytest.mark.parametrize("changes", SENSELESS, ids=str)
def test_constructor__senseless_guards__refused(empty_risk_feed, reverts, changes):
    with reverts("InvalidGuards"):
        empty_risk_feed.deploy(guards=Guards(**changes).as_tuple())


@pytest.mark.parametrize("changes", SENSELESS, ids=str)
def test_set_guards__senseless__refused(risk_feed, reverts, changes):
    with reverts("InvalidGuards"):
        risk_feed.set_guards(**changes)


def test_set_guards__by_the_admin__read_back_and_told(risk_feed):
    guards = Guards(-WAD, 7 * WAD, 6 * WAD, 123, 45, 678, 9)
    receipt = risk_feed.chain.send(risk_feed.read.setGuards(guards.as_tuple()))
    assert risk_feed.read.guards().call() == guards.as_tuple()
    (event,) = risk_feed.events(receipt, "GuardsChanged")
    assert tuple(event["guards"].values()) == guards.as_tuple()


@pytest.mark.parametrize("edge", [-(2**111), 2**111 - 1])
def test_set_guards__widest_bounds__read_back(risk_feed, edge):
    guards = Guards(min_answer=-(2**111), max_answer=2**111 - 1, fallback_answer=edge)
    risk_feed.chain.send(risk_feed.read.setGuards(guards.as_tuple()))
    assert risk_feed.read.guards().call() == guards.as_tuple()


@pytest.mark.parametrize("role", ["guardian", "anybody"])
@pytest.mark.parametrize(
    ("call", "arguments"), [("setGuards", (Guards().as_tuple(),)), ("setModelVersion", (1,)), ("unpause", ())]
)
def test_admin_calls__by_others__refused(risk_feed, reverts, role, call, arguments):
    caller = risk_feed.chain.address(getattr(risk_feed, role))
    with reverts("AccessControlUnauthorizedAccount", caller, bytes(32)):
        risk_feed.chain.send(getattr(risk_feed.read, call)(*arguments), caller)


@pytest.mark.parametrize("role", ["admin", "anybody"])
def test_pause__by_others_than_the_guardian__refused(risk_feed, reverts, role):
    caller = risk_feed.chain.address(getattr(risk_feed, role))
    with reverts("AccessControlUnauthorizedAccount", caller, risk_feed.read.GUARDIAN_ROLE().call()):
        risk_feed.chain.send(risk_feed.read.pause(), caller)


def test_unpause__after_a_pause__rounds_go_on(risk_feed):
    risk_feed.chain.send(risk_feed.read.pause(), risk_feed.chain.address(risk_feed.guardian))
    assert risk_feed.read.paused().call()
    risk_feed.chain.send(risk_feed.read.unpause())
    risk_feed.push(CALM[0])
    assert risk_feed.read.latestRound().call() == 2


def test_set_model_version__new_version__rounds_name_it(risk_feed):
    registry, model = risk_feed.inference.registry.functions, risk_feed.model_id
    commitment, spec, *_ = registry.getVersion(model, 1).call()
    for call in (
        registry.updateModel(model, (commitment[0][::-1], *commitment[1:])),
        registry.bindVerifier(model, spec),
        registry.activate(model),
    ):
        risk_feed.chain.send(call)
    (old,) = risk_feed.events(risk_feed.push(CALM[0]), "RoundProven")
    receipt = risk_feed.chain.send(risk_feed.read.setModelVersion(2))
    assert risk_feed.events(receipt, "ModelVersionChanged") == [{"version": 2}]
    (new,) = risk_feed.events(risk_feed.push(CALM[1]), "RoundProven")
    assert (old["version"], new["version"], risk_feed.read.modelVersion().call()) == (1, 2, 2)


def test_set_model_version__not_active__refused(risk_feed, reverts):
    registry, model = risk_feed.inference.registry.functions, risk_feed.model_id
    with reverts("VersionNotFound", model, 2):
        risk_feed.chain.send(risk_feed.read.setModelVersion(2))
    risk_feed.chain.send(registry.updateModel(model, registry.getVersion(model, 1).call()[0]))
    with reverts("WrongModelStatus", model, 2, 1):
        risk_feed.chain.send(risk_feed.read.setModelVersion(2))
