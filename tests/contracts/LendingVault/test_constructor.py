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
    ("maxVolatilityAge", 0),
    ("liquidationDelay", 0),
    ("capLtv", WAD * 100 // 106 + 1),
    ("floorLtv", 0),
    ("floorLtv", 94 * WAD // 100),
    ("borrowMargin", 0),
    ("borrowMargin", WAD // 2),
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


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_constructor__wrong_number__named(world: LendingWorld, reverts: Reverts, field: str, value: int) -> None:
    refused(world, reverts, field, {field: value})


@pytest.mark.parametrize("field", ["collateralAsset", "debtAsset", "priceFeed", "volatilityFeed"])
def test_constructor__address_without_code__named(world: LendingWorld, reverts: Reverts, field: str) -> None:
    refused(world, reverts, field, {field: world.outsider})


def test_constructor__no_haircut__cap_still_below_one(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "capLtv", {"liquidationBonus": 0, "slippage": 0, "capLtv": WAD})


def test_constructor__same_asset_twice__named(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "debtAsset", {"debtAsset": world.collateral.address})


def test_constructor__feeds_of_wrong_decimals__named(world: LendingWorld, reverts: Reverts) -> None:
    refused(world, reverts, "priceFeed", {"priceFeed": world.volatility_feed.address})
    refused(world, reverts, "volatilityFeed", {"volatilityFeed": world.price_feed.address})


@pytest.mark.parametrize("decimals", [5, 19])
@pytest.mark.parametrize("field", ["collateralAsset", "debtAsset"])
def test_constructor__asset_of_odd_decimals__named(
    chain: LocalChain, world: LendingWorld, reverts: Reverts, field: str, decimals: int
) -> None:
    token = chain.deploy("TestERC20", "Odd", "ODD", decimals)
    refused(world, reverts, field, {field: token.address})


def refused(world: LendingWorld, reverts: Reverts, field: str, change: dict[str, Any]) -> None:
    """Deploying with `change` fails and names `field`."""
    with reverts("InvalidConfig", field.encode().ljust(32, b"\0")):
        world.chain.deploy("LendingVault", tuple({**world.config, **change}.values()))
