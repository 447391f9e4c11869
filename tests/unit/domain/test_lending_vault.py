"""The lending vault's reference by itself: several collaterals, grace, alarms, broken feeds, reserve and bad debt."""

from __future__ import annotations

import copy
from dataclasses import asdict, astuple

import pytest

from oracle.domain import lending
from oracle.domain.lending import PositionState
from oracle.domain.lending_types import (
    MAX_AMOUNT,
    Account,
    Collateral,
    CollateralTerms,
    LendingRefusal,
    Totals,
    VaultTerms,
)
from oracle.domain.lending_vault import LendingVault
from oracle.domain.perp_types import FeedAnswer

WAD, HOUR, CASH = 10**18, 3_600, 10**6
ETH, BTC = 10**18, 10**8
START = 1_700_000_000


def collateral(decimals: int, price: int, **terms: int) -> Collateral:
    """A collateral at `price` whole dollars and a volatility of 60 %."""
    return Collateral(
        CollateralTerms(**terms), decimals, FeedAnswer(price * 10**8, START), FeedAnswer(WAD * 6 // 10, START)
    )


@pytest.fixture
def vault() -> LendingVault:
    """A million lent to nobody yet, against ETH at 2,000 and BTC at 30,000."""
    found = LendingVault(VaultTerms(), 6, {"ETH": collateral(18, 2_000), "BTC": collateral(8, 30_000)}, START)
    found.supply("lender", 10**6 * CASH, "lender")
    return found


def set_price(vault: LendingVault, asset: str, price: int) -> None:
    """A fresh price, whole dollars."""
    vault.collaterals[asset].price = FeedAnswer(price * 10**8, vault.now)


def refresh(vault: LendingVault) -> None:
    """All feeds repeat their answers as of now."""
    for c in vault.collaterals.values():
        c.price.observed_at = c.risk.observed_at = vault.now


def refused(vault: LendingVault, name: str, function: str, *args: object) -> tuple[object, ...]:
    """The call is refused with this error and changes nothing; the error's arguments."""
    before = copy.deepcopy((vault.totals, vault.accounts, vault.sales, vault.shares, vault.collaterals))
    with pytest.raises(LendingRefusal) as refusal:
        getattr(vault, function)(*args)
    assert refusal.value.name == name
    assert before == (vault.totals, vault.accounts, vault.sales, vault.shares, vault.collaterals)
    return refusal.value.values


def open_both(vault: LendingVault, debt: int) -> None:
    """100 ETH and 10 BTC against `debt` whole dollars."""
    vault.addCollateral("b", "ETH", 100 * ETH, "b")
    vault.addCollateral("b", "BTC", 10 * BTC, "b")
    vault.borrow("b", debt * CASH, "b")


def test_terms__unless_told__the_published_figures() -> None:
    assert asdict(VaultTerms()) == {
        "liquidation_delay": 21_600,
        "borrow_margin": 50_000_000_000_000_000,
        "ramp_down_bps_per_hour": 50,
        "ramp_up_bps_per_hour": 5,
        "grace_period": 3_600,
        "alarm_probability": 200_000_000_000_000_000,
        "alarm_period": 28_800,
        "max_assessment_age": 28_800,
        "close_factor_bps": 5_000,  # Aave v3's, as the next
        "full_close_health_factor": 950_000_000_000_000_000,
        "auction_start_bps": 10_500,
        "auction_tau": 21_600,
        "auction_tail": 3_600,
        "reserve_bps": 1_000,
        "base_rate": 10_000_000_000_000_000,
        "kink_utilisation": 800_000_000_000_000_000,
        "slope_below_kink": 40_000_000_000_000_000,
        "slope_above_kink": 600_000_000_000_000_000,
        "min_debt": 100_000_000,
    }
    assert asdict(CollateralTerms()) == {
        "risk_horizon": 0,
        "max_price_age": 7_200,
        "max_risk_age": 86_400,
        "min_risk": 10_000_000_000_000_000,
        "max_risk": 10_000_000_000_000_000_000,
        "liquidation_bonus": 50_000_000_000_000_000,
        "slippage": 10_000_000_000_000_000,
        "depth": 0,
        "floor_ltv": 500_000_000_000_000_000,
        "cap_ltv": 930_000_000_000_000_000,
        "supply_cap": 5_192_296_858_534_827_628_530_496_329_220_095,  # uint112
    }


def test_records__new__nothing_in_them() -> None:
    assert not any((*astuple(Totals()), *astuple(Account())))
    fresh = Collateral(CollateralTerms(), 18, FeedAnswer(), FeedAnswer())
    stored = (fresh.ltv_in_force, fresh.ltv_target, fresh.synced_at, fresh.last_price, fresh.total)
    assert (fresh.weight, *stored) == (None, 0, 0, 0, 0, 0)


def test_supply__more_than_the_vault_may_own__refused_with_what_it_would_own(vault: LendingVault) -> None:
    vault.totals.reserve = 7
    assert refused(vault, "AmountTooLarge", "supply", "l", MAX_AMOUNT + 1, "l") == (MAX_AMOUNT + 1, MAX_AMOUNT)
    room = MAX_AMOUNT - 10**12 - 7
    assert refused(vault, "AmountTooLarge", "supply", "l", room + 1, "l") == (MAX_AMOUNT + 1, MAX_AMOUNT)
    vault.supply("l", room, "l")
    assert vault.totals.idle == MAX_AMOUNT


def test_cancelAuction__from_the_price_at_which_it_is_healthy__and_no_lower(vault: LendingVault) -> None:
    assert refused(vault, "NoAuction", "cancelAuction", "k", "b") == ("b",)
    vault.addCollateral("b", "ETH", 100 * ETH, "b")
    vault.borrow("b", 150_000 * CASH, "b")
    set_price(vault, "ETH", 1_600)
    vault.startAuction("k", "b")
    ltv = vault.liquidation_ltv("ETH")
    least = lending.liquidation_price(100 * ETH, 150_000 * CASH, ltv, lending.Units(18, 6))
    vault.collaterals["ETH"].price = FeedAnswer(least - 1, vault.now)
    factor = (least - 1) * ltv // (150_000 * CASH)  # a hundred at 8 decimals are as many units of 6
    assert refused(vault, "PositionUnhealthy", "cancelAuction", "k", "b") == (factor,)
    assert factor < WAD
    vault.collaterals["ETH"].price = FeedAnswer(least, vault.now)
    vault.cancelAuction("k", "b")
    assert (vault.sales, vault.state("b")) == ({}, PositionState.OPEN)


def test_take__nothing_left_of_a_collateral__refused(vault: LendingVault) -> None:
    open_both(vault, 400_000)
    set_price(vault, "ETH", 500)
    vault.startAuction("k", "b")
    vault.take("k", "b", "ETH", 100 * ETH, MAX_AMOUNT, "k")
    assert vault.held("b") == ["BTC"]
    assert refused(vault, "ZeroAmount", "take", "k", "b", "ETH", ETH, MAX_AMOUNT, "k") == ()


CALLS: dict[str, tuple[object, ...]] = {
    "supply": ("lender", CASH, "lender"),
    "withdraw": ("lender", CASH, "lender"),
    "redeem": ("lender", 10**12, "lender"),
    "addCollateral": ("b", "ETH", 1, "b"),
    "withdrawCollateral": ("b", "ETH", 1, "b"),
    "borrow": ("b", CASH, "b"),
    "repay": ("friend", CASH, "b"),
    "poke": ("k", "b"),
    "sync": ("k", "ETH"),
    "warn": ("k", "b"),
    "startAuction": ("k", "b"),
    "cancelAuction": ("k", "b"),
    "take": ("k", "b", "ETH", ETH, MAX_AMOUNT, "k"),
}


@pytest.mark.parametrize("function", CALLS)
def test_calls__half_an_hour_later__interest_first(vault: LendingVault, function: str) -> None:
    vault.addCollateral("b", "ETH", 100 * ETH, "b")
    vault.borrow("b", 150_000 * CASH, "b")
    vault.probabilities["b"] = 0
    if function in ("startAuction", "cancelAuction", "take"):
        set_price(vault, "ETH", 1_600)
    if function in ("cancelAuction", "take"):
        vault.startAuction("k", "b")
    if function == "cancelAuction":
        set_price(vault, "ETH", 2_000)
    vault.now += 1_800
    getattr(vault, function)(*CALLS[function])
    # 150,000 at 1.75 % a year: .149829, of which a tenth is the reserve's
    assert (vault.totals.accrued_at, vault.totals.reserve) == (vault.now, 14_982)


def test_health_factor__two_collaterals__the_weighted_sum_over_the_debt(vault: LendingVault) -> None:
    open_both(vault, 300_000)
    ltvs = [vault.liquidation_ltv(a) for a in ("ETH", "BTC")]
    assert vault.health_factor("b") == (200_000 * CASH * ltvs[0] + 300_000 * CASH * ltvs[1]) // (300_000 * CASH)


def test_sized_ltv__more_for_sale__as_if_the_impact_were_part_of_the_haircut() -> None:
    ltv, depth = WAD * WAD // (WAD * 11 // 10), 1_000 * ETH
    assert lending.sized_ltv(ltv, 0, depth) == ltv
    assert lending.sized_ltv(ltv, 10**30, 0) == ltv
    assert abs(lending.sized_ltv(ltv, 10_000 * ETH, depth) - WAD * 10 // 12) <= 2
    sizes = [lending.sized_ltv(ltv, n * ETH, depth) for n in range(0, 5_000, 100)]
    assert sizes == sorted(set(sizes), reverse=True)


def test_startAuction__only_the_ramp_made_it_unhealthy__after_the_grace_alone(vault: LendingVault) -> None:
    open_both(vault, 400_000)
    vault.now += HOUR
    refresh(vault)
    for c in vault.collaterals.values():
        c.risk.answer = 9 * WAD
    vault.poke("k", "b")
    assert vault.state("b") is PositionState.WARNED
    vault.accounts["b"].warned_at = 0  # as if nobody had looked
    vault.now += 80 * HOUR
    refresh(vault)
    assert vault.health_factor("b") < WAD
    refused(vault, "GraceNotOver", "startAuction", "k", "b")
    vault.poke("k", "b")
    vault.now += HOUR
    assert vault.liquidatable("b")
    vault.startAuction("k", "b")
    assert vault.state("b") is PositionState.AUCTION


def test_startAuction__the_price_alone_made_it_unhealthy__at_once(vault: LendingVault) -> None:
    open_both(vault, 400_000)
    set_price(vault, "ETH", 1_000)
    set_price(vault, "BTC", 24_000)
    vault.startAuction("k", "b")
    assert set(vault.sales["b"].start_prices) == {"ETH", "BTC"}
    lot, paid = vault.take("k", "b", "BTC", 10 * BTC, MAX_AMOUNT, "k")
    assert (lot, paid) == (10 * BTC, 10 * 24_000 * 105 // 100 * CASH)


def test_startAuction__one_feed_is_gone__what_is_left_is_sold_and_the_other_counts_at_its_last_price(
    vault: LendingVault,
) -> None:
    open_both(vault, 400_000)
    vault.collaterals["BTC"].price.alive = False
    set_price(vault, "ETH", 1_900)
    refused(vault, "PositionHealthy", "startAuction", "k", "b")
    refused(vault, "PriceUnavailable", "withdrawCollateral", "b", "ETH", ETH, "b")
    set_price(vault, "ETH", 900)
    vault.startAuction("k", "b")
    refused(vault, "NotForSale", "take", "k", "b", "BTC", BTC, MAX_AMOUNT, "k")
    vault.take("k", "b", "ETH", 100 * ETH, MAX_AMOUNT, "k")
    assert vault.state("b") is PositionState.WARNED
    assert vault.totals.bad_debt == 0


def test_borrow__other_collateral_is_broken__the_sound_one_still_lends(vault: LendingVault) -> None:
    open_both(vault, 1_000)
    vault.collaterals["BTC"].price.alive = False
    vault.borrow("b", 50_000 * CASH, "b")
    vault.withdrawCollateral("b", "BTC", 10 * BTC, "b")
    vault.collaterals["ETH"].risk.alive = False
    refused(vault, "RiskUnavailable", "borrow", "b", CASH, "b")
    vault.withdrawCollateral("b", "ETH", ETH, "b")


def test_warn__at_the_threshold__restricts_and_never_sells(vault: LendingVault) -> None:
    open_both(vault, 200_000)
    vault.probabilities["b"] = VaultTerms().alarm_probability
    vault.warn("k", "b")
    assert vault.state("b") is PositionState.WARNED
    refused(vault, "PositionAlarmed", "borrow", "b", CASH, "b")
    refused(vault, "PositionAlarmed", "withdrawCollateral", "b", "ETH", 1, "b")
    refused(vault, "PositionHealthy", "startAuction", "k", "b")
    vault.probabilities["b"] -= 1
    vault.warn("k", "b")
    vault.borrow("b", CASH, "b")


def test_take__collateral_runs_out__the_reserve_bears_it_before_the_lenders(vault: LendingVault) -> None:
    open_both(vault, 400_000)
    vault.now += 100 * 24 * HOUR
    refresh(vault)
    vault.poke("k", "b")
    reserve, supplied = vault.totals.reserve, vault.totals.supply_assets
    assert reserve > 0
    set_price(vault, "ETH", 500)
    set_price(vault, "BTC", 10_000)
    vault.startAuction("k", "b")
    debt = vault.debt("b")
    paid = vault.take("k", "b", "ETH", 100 * ETH, MAX_AMOUNT, "k")[1]
    paid += vault.take("k", "b", "BTC", 10 * BTC, MAX_AMOUNT, "k")[1]
    loss = vault.totals.bad_debt
    assert vault.state("b") is PositionState.INSOLVENT
    assert loss in (debt - paid, debt - paid - 1)
    assert (vault.totals.reserve, vault.totals.supply_assets) == (0, supplied - (loss - reserve))


def test_addCollateral__beyond_the_cap__refused(vault: LendingVault) -> None:
    vault.collaterals["BTC"] = collateral(8, 30_000, supply_cap=BTC)
    vault.addCollateral("b", "BTC", BTC, "b")
    refused(vault, "SupplyCapExceeded", "addCollateral", "b", "BTC", 1, "b")
    refused(vault, "UnknownCollateral", "addCollateral", "b", "DOGE", 1, "b")
