"""Attack 18, coupled fields applied in part: the LTV in force, its target and its time only ever move as one.

Aave's CAPO in March 2026 limited a ratio but not the timestamp that belonged to it, and positions were liquidated.
"""

from __future__ import annotations

import pytest

from oracle.domain import margin
from tests.support.lending import DEFAULTS, SUPPLIED, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

RATES = (DEFAULTS["rampDownBpsPerHour"], DEFAULTS["rampUpBpsPerHour"])


def ramped(ltv: int, target: int, secs: int) -> int:
    """The LTV in force after some seconds."""
    return margin.ramped(ltv, target, secs, RATES[target >= ltv] * WAD // 10_000, 3_600)


@pytest.fixture
def world(chain: LocalChain) -> LendingWorld:
    """A vault with a position."""
    world = deploy_world(chain)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


def test_attack_18__time_saved_up_under_an_old_target__not_spent_on_a_new_one(world: LendingWorld) -> None:
    start = world.ltv()
    world.pass_time(100 * 3600)
    world.set_volatility(6 * WAD)
    world.sync()
    first = world.chain.now()
    assert world.ltv() == start
    world.sync()
    elapsed = world.chain.now() - first
    assert start - world.ltv() == RATES[0] * elapsed * 10**14 // 3600


def test_attack_18__poked_every_second_or_once__same_ltv_but_for_rounding(world: LendingWorld) -> None:
    world.set_volatility(6 * WAD)
    world.sync()
    start, ltv = world.chain.now(), world.ltv()
    with world.chain.undone():
        for _ in range(20):
            world.sync()
        often = world.ltv()
        assert world.chain.now() == start + 20
    world.chain.mine(start + 20)
    once = world.ltv()
    assert 0 <= often - once <= 20
    assert once == ramped(ltv, 0, 20)


def test_attack_18__feed_flaps__each_stretch_under_the_target_of_its_own(world: LendingWorld) -> None:
    ltv, target, at = world.ltv(), world.ltv("targetLiquidationLtv"), world.chain.now()
    for volatility, wait in ((6 * WAD, 5_000), (0, 7_000), (WAD // 10, 900), (2 * WAD, 60), (WAD // 2, 1)):
        world.set_volatility(volatility)
        world.sync()
        now = world.chain.now()
        ltv, target, at = ramped(ltv, target, now - at), world.ltv("targetLiquidationLtv"), now
        assert world.ltv() == ltv
        world.chain.mine(now + wait)
        assert world.ltv() == ramped(ltv, target, wait)
