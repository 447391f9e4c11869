"""What a market can be fixed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import margin
from tests.support.local_chain import LocalChain
from tests.support.perp import WAD, PerpWorld, deploy_perp

Reverts = Callable[..., Any]
WRONG = [
    ("maxPriceAge", 0),
    ("maxRiskAge", 0),
    ("marginPeriod", 0),
    ("maxMargin", 0),
    ("maxMargin", WAD + 1),
    ("minMargin", 0),
    ("minMargin", WAD),
    ("rampInterval", 0),
    ("minRisk", 0),
    ("minRisk", 11 * WAD),
    ("maxRisk", 0),
    ("feeBps", 1_001),
    ("protocolShareBps", 10_001),
    ("liquidationFeeBps", 120),  # half of .8 of 3 %
    ("liquidatorShareBps", 10_001),
    ("closeFactorBps", 0),
    ("closeFactorBps", 10_001),
    ("maxDivergenceBps", 0),
    ("maxDivergenceBps", 10_000),
    ("fundingPeriod", 0),
    ("maxPremiumBps", 0),
    ("maxPremiumBps", 10_001),
    ("referenceRisk", 0),
    ("maxDepthRatio", WAD // 5),
    ("baseDepth", 2**95 + 1),  # twice that may be the reserve
    ("minDepthRatio", 0),
    ("maxOpenInterest", 0),
    ("maxOpenInterest", 1_251 * WAD),
    ("premiumDecayBpsPerHour", 10_001),
    ("depthRampBpsPerHour", 251),
    ("fundUseBps", 10_001),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_constructor__wrong_member__named(chain: LocalChain, reverts: Reverts, field: str, value: int) -> None:
    with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
        deploy_perp(chain, fund=0, **{field: value})


# Each member at a limit of its own, as far as the others let it
LIMITS: dict[str, dict[str, int]] = {
    "least": {
        "maxRiskAge": 1,
        "marginPeriod": 1,
        "maxMargin": 2,  # of 1, half of .8 leaves no room for a fee of 0
        "minMargin": 2,
        "rampInterval": 1,
        "minRisk": 1,
        "maxRisk": 1,
        "feeBps": 0,
        "protocolShareBps": 0,
        "liquidationFeeBps": 0,
        "liquidatorShareBps": 0,
        "closeFactorBps": 1,
        "maxDivergenceBps": 1,
        "fundingPeriod": 1,
        "maxPremiumBps": 1,
        "maxOpenInterest": 1,
        "maxSkewFundBps": 0,
        "minPosition": 0,
        "baseDepth": 4 * WAD,
        "referenceRisk": 1,
        "minDepthRatio": WAD // 4,  # a whole unit of base
        "maxDepthRatio": WAD // 4,
        "depthRampBpsPerHour": 0,
        "premiumDecayBpsPerHour": 0,
        "fundUseBps": 0,
        "fundCooldown": 0,
    },
    "most": {
        "maxMargin": WAD,
        "minMargin": WAD,
        "minRisk": 10 * WAD,
        "feeBps": 1_000,
        "protocolShareBps": 10_000,
        "liquidationFeeBps": 3_999,  # below half of .8
        "liquidatorShareBps": 10_000,
        "closeFactorBps": 10_000,
        "maxDivergenceBps": 9_999,
        "maxPremiumBps": 10_000,
        "maxOpenInterest": 2**94,
        "baseDepth": 2**96,
        "minDepthRatio": WAD,
        "maxDepthRatio": WAD,
        "depthRampBpsPerHour": 10_000,
        "premiumDecayBpsPerHour": 10_000,
        "fundUseBps": 10_000,
    },
}


@pytest.mark.parametrize("name", LIMITS)
def test_constructor__every_member_at_its_limit__taken(chain: LocalChain, name: str) -> None:
    world = deploy_perp(chain, fund=0, **LIMITS[name])
    assert world.read("config") == world.config


@pytest.mark.parametrize("field", ["collateralAsset", "priceFeed", "riskFeed", "weightFeed", "feeRecipient"])
def test_constructor__wrong_address__named(chain: LocalChain, reverts: Reverts, field: str) -> None:
    nobody = "0x" + ("0" * 40 if field == "feeRecipient" else "1" * 40)
    with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
        deploy_perp(chain, fund=0, feeds={field: nobody})


@pytest.mark.parametrize("decimals", [5, 19])
def test_constructor__decimals_out_of_range__refused(chain: LocalChain, reverts: Reverts, decimals: int) -> None:
    with reverts("InvalidConfig", b"collateralAsset".ljust(32, b"\0")):
        deploy_perp(chain, fund=0, decimals=decimals)


def test_constructor__feed_of_other_decimals__refused(chain: LocalChain, reverts: Reverts) -> None:
    wrong = chain.deploy("StubFeed", 9).address
    for field in ("priceFeed", "riskFeed", "weightFeed"):
        with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
            deploy_perp(chain, fund=0, feeds={field: wrong})


def test_constructor__no_price_yet__refused(chain: LocalChain, reverts: Reverts) -> None:
    silent = chain.deploy("StubFeed", 8).address
    with reverts("PriceUnavailable"):
        deploy_perp(chain, fund=0, feeds={"priceFeed": silent})


def test_constructor__no_risk_yet__largest_margin(chain: LocalChain) -> None:
    silent = chain.deploy("StubFeed", 18).address
    state = deploy_perp(chain, fund=0, feeds={"riskFeed": silent}).state()
    assert (state["riskFresh"], state["marginInForce"]) == (False, WAD // 2)


def test_constructor__figures__as_the_feeds_say(world: PerpWorld) -> None:
    state, config = world.state(), world.read("config")
    assert config == world.config
    assert state["baseReserve"] == 20_000 * WAD
    assert state["quoteReserve"] == 40_000_000 * WAD
    quantile = margin.quantile(6 * WAD // 10, margin.quantile_scale(86_400, 0))
    assert state["marginInForce"] == state["marginTarget"] == quantile
    assert world.read("markPrice") == 2_000 * WAD
    first = world.market.events.Synced().get_logs(from_block=0)[0]
    assert dict(first["args"]) == {
        "indexPrice": 2_000 * WAD,
        "priceFresh": True,
        "riskFresh": True,
        "margin": quantile,
        "depthRatio": WAD,
        "fundPaid": 0,
    }


def test_constructor__quantile_feed__its_own_answer_at_its_own_horizon(chain: LocalChain) -> None:
    world = deploy_perp(chain, fund=0, riskHorizon=86_400)
    assert world.state()["marginInForce"] == WAD // 2  # 60 % in a day: above maxMargin
    world = deploy_perp(chain, fund=0, riskHorizon=4 * 86_400, maxMargin=WAD)
    assert world.state()["marginInForce"] == 3 * WAD // 10
