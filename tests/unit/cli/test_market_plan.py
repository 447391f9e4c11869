"""What is deployed for a market follows from its rhythm."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.cli.deployment import history_for
from oracle.cli.embedded import require_same_market
from oracle.cli.market_plan import board_plan, lending_plan, names, price_plan, volatility_plan
from oracle.cli.markets import MarketWords
from oracle.domain.garch import GarchParams
from oracle.errors import Conflict, InvalidInput
from oracle.market.base import MarketSource
from oracle.settings import Settings
from oracle.units import WAD

PARAMS = GarchParams(WAD // 100, WAD // 100, WAD // 20, 9 * WAD // 10, 5, 252)


@pytest.fixture(scope="module")
def daily() -> MarketSource:
    return MarketWords.of("sp500", None, "2008-09-02", "2008-10-31").open().source


@pytest.fixture(scope="module")
def hourly() -> MarketSource:
    return MarketWords.of("simulator", None, None, None).open().source


def test_names__symbols__lower_case_base(daily: MarketSource, hourly: MarketSource) -> None:
    assert (names(daily).price, names(daily).volatility, names(daily).collateral) == (
        "spx-usd",
        "spx-volatility",
        "SPX",
    )
    assert names(hourly).lending == "sim-lending"


def test_price_plan__limits__the_markets_own(daily: MarketSource, hourly: MarketSource) -> None:
    plan = price_plan(daily, ("0x" + "11" * 20,), 1)
    assert (plan.limits.min_interval, plan.limits.max_interval) == (43_200, 604_800)
    assert price_plan(hourly, (), 1).limits.max_interval == 21_600


def test_volatility_plan__rates__double_up_and_a_tenth_down_in_a_step(
    daily: MarketSource, hourly: MarketSource
) -> None:
    assert volatility_plan(daily, PARAMS).guards.rise_bps_per_hour == 10_000 // 24
    assert volatility_plan(daily, PARAMS).guards.fall_bps_per_hour == 1_000 // 24
    guards = volatility_plan(hourly, PARAMS).guards
    assert (guards.rise_bps_per_hour, guards.fall_bps_per_hour) == (10_000, 1_000)
    assert guards.min_answer < guards.fallback_answer < guards.max_answer


def test_board_plan__hourly_prices__eight_a_step_over_the_loan_market(
    daily: MarketSource, hourly: MarketSource
) -> None:
    plan = board_plan(hourly, "liquidation-16")
    assert (plan.name, plan.lending, plan.observations) == ("sim-liquidation", "sim-lending", "sim-usd")
    assert (plan.stride, history_for(hourly, "liquidation-16"), history_for(hourly, "")) == (8, 721, 33)
    with pytest.raises(InvalidInput, match="every 86400 s") as refused:
        board_plan(daily, "liquidation-16")
    assert "--board" in refused.value.remedy


def test_lending_plan__delay__three_steps_and_a_day_at_least(daily: MarketSource, hourly: MarketSource) -> None:
    assert lending_plan(daily, "SPX", "USDX").terms.liquidation_delay == 3 * 86_400
    terms = lending_plan(hourly, "SIM", "USDX").terms
    assert terms.liquidation_delay == 86_400
    assert terms.ramp_up_bps_per_hour <= terms.ramp_down_bps_per_hour == 50


def test_chain_start__replay__the_last_price_before_it(daily: MarketSource) -> None:
    assert MarketWords.of("sp500", None, "2008-09-02", None).open().chain_start() == 1_220_043_600


def test_market_words__file__absolute_path() -> None:
    assert MarketWords.of("csv:data.csv", None, None, None).source == f"csv:{Path('data.csv').resolve()}"
    with pytest.raises(InvalidInput):
        MarketWords.of("csv:data.csv", None, None, None).open()


def test_require_same_market__another__conflict(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    require_same_market(settings, MarketWords(source="sp500"))
    require_same_market(settings, MarketWords(source="sp500"))
    with pytest.raises(Conflict, match="sp500"):
        require_same_market(settings, MarketWords(source="simulator"))
