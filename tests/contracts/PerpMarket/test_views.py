"""What the reads say at their limits: each against the call that it foretells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.local_chain import LocalChain
from tests.support.perp import FOREVER, MAX_UINT, WAD, PerpWorld, deploy_perp

Reverts = Callable[..., Any]
MOST = 2**112 - 1
SPENT = 2_001 + 3  # wei, for one wei of base and the fee


@pytest.fixture(scope="module")
def _tiny(chain: LocalChain) -> PerpWorld:
    return deploy_perp(chain, decimals=18, minPosition=0, fund=100)


@pytest.fixture
def tiny(_tiny: PerpWorld) -> PerpWorld:
    """A market in which every wei can be paid: a position may be as small as one wei of base."""
    _tiny.refresh()
    return _tiny


def test_position__one_wei_of_base__to_the_wei(tiny: PerpWorld, reverts: Reverts) -> None:
    tiny.call("deposit", SPENT - 2_000 + 147, tiny.trader)
    with tiny.chain.undone():
        tiny.call("withdraw", 1, tiny.trader)
        with reverts("InsufficientMargin", 146, 147):
            tiny.increase(True, 2_001)
    tiny.increase(True, 2_001)
    assert tiny.position() == {
        "base": 1,
        "cash": 147 - 2_000,
        "equity": 147,
        "closingEquity": 147,
        "notional": 2_000,
        "initialMargin": 147,  # 7.3 %, which is 146.1
        "maintenanceMargin": 118,
        "liquidatable": False,
    }
    with reverts("InsufficientMargin", 146, 147):
        tiny.call("withdraw", 1, tiny.trader)


@pytest.mark.parametrize("missing", [0, 1])
def test_liquidatable__equity_of_the_maintenance_margin__from_one_wei_less(
    tiny: PerpWorld, reverts: Reverts, missing: int
) -> None:
    maintenance = 88  # .8 of 110, of 1,500
    tiny.call("deposit", SPENT - 1_500 + maintenance - missing, tiny.trader)
    tiny.increase(True, 2_001)
    tiny.set_price(1_500 * 10**8)
    position = tiny.position()
    assert (position["equity"], position["maintenanceMargin"]) == (maintenance - missing, maintenance)
    assert position["liquidatable"] == (missing == 1)
    if missing:
        tiny.call("liquidate", tiny.trader, sender=tiny.keeper)
        assert tiny.position()["base"] == 0
    else:
        with reverts("AccountHealthy", maintenance, maintenance):
            tiny.call("liquidate", tiny.trader, sender=tiny.keeper)


def test_decrease__one_wei_of_base_to_nothing__taken_and_not_a_wei_below(tiny: PerpWorld, reverts: Reverts) -> None:
    tiny.call("deposit", SPENT - 2_000 + 147, tiny.trader)
    tiny.increase(True, 2_001)
    for price in (1_855, 1_856):  # a wei less is paid, of which the fee is 2
        tiny.set_price(price * 10**8)
        left = 147 - 2_000 + price - 1 - 2
        if left < 0:
            with reverts("InsufficientMargin", left, 0):
                tiny.call("decrease", 1, 0, FOREVER)
            continue
        (event,) = tiny.events(tiny.call("decrease", 1, price - 1, FOREVER), "PositionDecreased")
        assert (event["isLong"], event["base"], event["quote"], event["fee"]) == (True, 1, 1_855, 2)
    assert (tiny.position()["base"], tiny.position()["cash"]) == (0, 0)


def test_liquidatable__price_gone__not_until_it_is_back(tiny: PerpWorld) -> None:
    tiny.call("deposit", SPENT - 1_500, tiny.trader)
    tiny.increase(True, 2_001)
    for price, expected in ((1_500, True), (0, False), (1_500, True)):
        tiny.set_price(price * 10**8)
        assert tiny.position()["liquidatable"] == expected
        tiny.call("poke")


def test_previewIncrease__largest_amounts__up_to_their_limits(world: PerpWorld, reverts: Reverts) -> None:
    state = world.state()
    b, q = state["baseReserve"], state["quoteReserve"]
    assert world.read("previewIncrease", True, MOST) == b - (-(-b * q // (q + MOST)))
    assert world.read("previewIncrease", False, q - 1) == b * q - b
    assert world.read("previewIncrease", True, 0) == world.read("previewIncrease", False, 0) == 0
    for is_long in (True, False):
        with reverts("AmountTooLarge", MOST + 1, MOST):
            world.read("previewIncrease", is_long, MOST + 1)
    for quote in (q, MOST):
        with reverts("DepthExceeded", quote, q):
            world.read("previewIncrease", False, quote)
        with reverts("DepthExceeded", quote, q):
            world.call("increase", False, quote, MAX_UINT, FOREVER)


def test_depth__whole_price__up_to_its_limit(world: PerpWorld, reverts: Reverts) -> None:
    quote = world.state()["quoteReserve"]
    assert quote == 40_000_000 * WAD
    assert world.read("depth", 10_000, False) == quote
    assert world.read("depth", 0, True) == world.read("depth", 0, False) == 0
    for up in (True, False):
        with reverts("AmountTooLarge", 10_001, 10_000):
            world.read("depth", 10_001, up)
