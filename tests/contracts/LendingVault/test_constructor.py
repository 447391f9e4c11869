"""constructor: refuses every configuration that makes no sense, naming the member at fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.lending import WAD, LendingWorld
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]

WRONG: list[tuple[str, int]] = [
    ("maxPriceAge", 0),
    ("maxRiskAge", 0),
    ("minRisk", 0),
    ("maxRisk", 0),
    ("supplyCap", 0),
    ("alarmProbability", 0),
    ("alarmProbability", WAD + 1),
    ("reserveBps", 10_001),
    ("liquidationDelay", 0),
    ("capLtv", WAD * 100 // 106 + 1),
    ("floorLtv", 0),
    ("floorLtv", 5 * WAD // 100),
    ("floorLtv", 94 * WAD // 100),
    ("borrowMargin", 0),
    ("rampDownBpsPerHour", 0),
    ("rampUpBpsPerHour", 0),
    ("rampUpBpsPerHour", 51),
    ("closeFactorBps", 0),
    ("closeFactorBps", 10_001),
    ("fullCloseHealthFactor", WAD + 1),
    ("auctionStartBps", 9_999),
    ("auctionStartBps", 20_001),
    ("auctionTail", 0),
    ("auctionTail", 6 * 3600),
    ("baseRate", 10 * WAD + 1),
    ("kinkUtilisation", 0),
    ("kinkUtilisation", WAD),
    ("slopeBelowKink", 10 * WAD + 1),
    ("slopeAboveKink", 10 * WAD + 1),
]


# Each member at a limit of its own, as far as the others let it
LIMITS: dict[str, dict[str, int]] = {
    "least": {
        "liquidationDelay": 1,
        "borrowMargin": 1,
        "rampDownBpsPerHour": 1,
        "rampUpBpsPerHour": 1,
        "gracePeriod": 0,
        "alarmProbability": 1,
        "alarmPeriod": 0,
        "maxAssessmentAge": 0,
        "closeFactorBps": 1,
        "fullCloseHealthFactor": 0,
        "auctionStartBps": 10_000,
        "auctionTau": 2,
        "auctionTail": 1,
        "reserveBps": 0,
        "baseRate": 0,
        "kinkUtilisation": 1,
        "slopeBelowKink": 0,
        "slopeAboveKink": 0,
        "minDebt": 0,
        "maxPriceAge": 1,
        "maxRiskAge": 1,
        "minRisk": 1,
        "maxRisk": 1,
        "liquidationBonus": 0,
        "slippage": 0,
        "floorLtv": 2,
        "capLtv": 2,
        "supplyCap": 1,
    },
    "most": {
        "liquidationDelay": 2**32 - 1,
        "borrowMargin": WAD - 2,
        "rampDownBpsPerHour": 65_535,
        "rampUpBpsPerHour": 65_535,
        "alarmProbability": WAD,
        "closeFactorBps": 10_000,
        "fullCloseHealthFactor": WAD,
        "auctionStartBps": 20_000,
        "auctionTau": 2**32 - 1,
        "auctionTail": 2**32 - 2,
        "reserveBps": 10_000,
        "baseRate": 10 * WAD,
        "kinkUtilisation": WAD - 1,
        "slopeBelowKink": 10 * WAD,
        "slopeAboveKink": 10 * WAD,
        "minDebt": 2**112 - 1,
        "minRisk": 18 * WAD,
        "maxRisk": 18 * WAD,
        "liquidationBonus": 0,
        "slippage": 0,
        "floorLtv": WAD - 1,
        "capLtv": WAD - 1,
    },
}


@pytest.mark.parametrize("name", LIMITS)
def test_constructor__every_member_at_its_limit__taken(world: LendingWorld, name: str) -> None:
    config, first = with_change(world, LIMITS[name])
    vault = world.chain.deploy("LendingVault", tuple(config.values()), [tuple(first.values())])
    assert vault.functions.config().call() == tuple(config.values())
    assert vault.functions.collateralConfigs().call() == [tuple(first.values())]


def test_constructor__bonus_and_slippage__cap_at_what_they_leave(world: LendingWorld) -> None:
    change = {"liquidationBonus": WAD // 5, "slippage": WAD // 20, "capLtv": 8 * WAD // 10}
    config, first = with_change(world, change)
    world.chain.deploy("LendingVault", tuple(config.values()), [tuple(first.values())])


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_constructor__wrong_number__named(world: LendingWorld, reverts: Reverts, field: str, value: int) -> None:
    refused(world, reverts, field, {field: value})


@pytest.mark.parametrize("field", ["asset", "debtAsset", "priceFeed", "riskFeed", "weightFeed"])
def test_constructor__address_without_code__named(world: LendingWorld, reverts: Reverts, field: str) -> None:
    refused(world, reverts, field, {field: world.outsider})


def test_constructor__no_haircut__cap_still_below_one(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "capLtv", {"liquidationBonus": 0, "slippage": 0, "capLtv": WAD})


def test_constructor__same_asset_twice__named(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "asset", {"debtAsset": world.collateral.address})


def test_constructor__feeds_of_wrong_decimals__named(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "priceFeed", {"priceFeed": world.risk_feed.address})
    for field in ("riskFeed", "weightFeed"):
        refused(world, reverts, field, {field: world.price_feed.address})


def test_constructor__none_nine_or_the_same_collateral_twice__named(world: LendingWorld, reverts: Reverts) -> None:
    first = tuple(world.listed[0].config.values())
    for collaterals, field in (([], "collaterals"), ([first] * 9, "collaterals"), ([first] * 2, "asset")):
        with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
            world.chain.deploy("LendingVault", tuple(world.config.values()), collaterals)


@pytest.mark.parametrize("decimals", [5, 19])
@pytest.mark.parametrize("field", ["asset", "debtAsset"])
def test_constructor__asset_of_odd_decimals__named(
    chain: LocalChain, world: LendingWorld, reverts: Reverts, field: str, decimals: int
) -> None:
    token = chain.deploy("TestERC20", "Odd", "ODD", decimals)
    refused(world, reverts, field, {field: token.address})


def refused(world: LendingWorld, reverts: Reverts, field: str, change: dict[str, Any]) -> None:
    """Deploying with `change` fails and names `field`."""
    config, first = with_change(world, change)
    with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
        world.chain.deploy("LendingVault", tuple(config.values()), [tuple(first.values())])


def with_change(world: LendingWorld, change: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """LendingConfig and CollateralConfig of the shared vault with some members changed."""
    config, first = (
        {**c, **{k: v for k, v in change.items() if k in c}} for c in (world.config, world.listed[0].config)
    )
    return config, first
