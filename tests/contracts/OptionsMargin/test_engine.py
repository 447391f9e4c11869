"""The scenario engine on its own: figures worked out by hand, and portfolios of every shape as the reference."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from web3.contract import Contract

from oracle.domain import options_scenarios
from oracle.domain.options_types import Market, Series
from tests.support.local_chain import LocalChain
from tests.support.options import DAY, WAD

NOW = 1_700_000_000
PILLARS = ((7 * DAY, 9 * WAD // 10), (30 * DAY, 6 * WAD // 10), (180 * DAY, 5 * WAD // 10))
SHOCK = 15 * WAD // 100


@pytest.fixture(scope="module")
def engine(chain: LocalChain) -> Contract:
    """It has no state."""
    return chain.deploy("ScenarioEngine")


def market(rate: int = 0, pillars: tuple[tuple[int, int], ...] = PILLARS) -> Market:
    """2,000, collateral and marks beyond doubt."""
    return Market(NOW, 2_000 * WAD, rate, WAD, WAD, True, True, pillars)


def words(m: Market) -> tuple[object, ...]:
    """OptionsMarket of contracts/types/OptionTypes.sol."""
    tenors, volatilities = [tenor for tenor, _ in m.pillars], [volatility for _, volatility in m.pillars]
    return (m.timestamp, m.spot, m.rate, m.peg, m.confidence, m.risk_fresh, m.marks_fresh, volatilities, tenors)


def risk(engine: Contract, positions: Mapping[Series, int], m: Market, shock: int = SHOCK) -> tuple[int, int, int]:
    """Value, loss and gross of the contract, which are the twin's."""
    rows = [(s.expiry, s.is_call, s.strike, amount) for s, amount in positions.items()]
    found = tuple(engine.functions.riskOf(rows, len(rows), words(m), shock).call())
    expected = options_scenarios.risk_of(positions, m, shock)
    assert found == (expected.value, expected.loss, expected.gross)
    assert engine.functions.valueOf(rows, len(rows), words(m)).call() == options_scenarios.value_of(positions, m)
    return found


def call_at(days: float, strike: int, is_call: bool = True) -> Series:
    return Series(NOW + round(days * DAY), is_call, strike * WAD)


def test_risk_of__one_call_of_thirty_days__as_worked_out_by_hand(engine: Contract) -> None:
    # The figures of tests/unit/domain/test_options_scenarios.py: Derive's own moves, worst +20 % and -15 %
    short, long = ({call_at(30, 2_000): amount} for amount in (-WAD, WAD))
    value, loss, gross = risk(engine, short, market())
    assert (value / WAD, loss / WAD, gross) == (
        pytest.approx(-137.0788, abs=1e-4),
        pytest.approx(-394.2068, abs=1e-4),
        WAD,
    )
    value, loss, gross = risk(engine, long, market())
    assert (value / WAD, loss / WAD, gross) == (
        pytest.approx(137.0788, abs=1e-4),
        pytest.approx(-128.5427, abs=1e-4),
        WAD,
    )


def test_risk_of__a_wei_of_a_call__floored_in_each_scenario(engine: Contract) -> None:
    # 65.4 at the mark; at -15 % with volatility down 1,700 N(-2.081) - 2,200 N(-2.201) = 1.31, of which .94 count
    assert risk(engine, {call_at(30, 2_200): 1}, market()) == (65, -65, 1)
    # short, each is rounded against the account; and 2 % of 2,000 for the wei that is naked
    value, loss, gross = risk(engine, {call_at(30, 2_200): -1}, market())
    assert (value, gross) == (-66, 1)
    assert loss < -40


def test_risk_of__nothing__is_nothing(engine: Contract) -> None:
    assert risk(engine, {}, market()) == (0, 0, 0)


def test_risk_of__calls_covered_by_calls__no_contingency_for_naked_ones(engine: Contract) -> None:
    # 2 % of 2,000 each for two puts and one call without a long of the same kind and expiry
    near, far = call_at(30, 2_000), call_at(60, 2_000)
    spread = {near: -3 * WAD, call_at(30, 2_100): 2 * WAD}
    both = {**spread, call_at(30, 1_900, is_call=False): -2 * WAD, far: 5 * WAD}
    for positions, naked in ((spread, 1), (both, 3)):
        _, loss, _ = risk(engine, positions, market())
        covered = {**positions, call_at(30, 30_000): WAD}
        if naked == 3:
            covered[call_at(30, 10, is_call=False)] = 2 * WAD
        _, without, _ = risk(engine, covered, market())
        assert (without - loss) / WAD == pytest.approx(40 * naked, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_value_of__days_before_between_and_beyond_the_pillars__volatility_of_each(engine: Contract, count: int) -> None:
    m = market(rate=WAD // 20, pillars=PILLARS[:count])
    for days in (0.5, 7, 7.01, 20, 30, 30.5, 100, 180, 181, 700):
        risk(engine, {call_at(days, 2_000): WAD}, m)


def test_risk_of__random_portfolios__as_the_reference(engine: Contract) -> None:
    rng = random.Random(23)
    for _ in range(12):
        m = market(rng.choice((0, WAD // 20, WAD)), PILLARS[: rng.randint(1, 3)])
        positions = {}
        for _ in range(rng.randint(1, 5)):
            series = call_at(rng.choice((0.02, 1, 6, 30, 45, 200)), rng.randint(100, 900) * 5, rng.random() < 0.5)
            positions[series] = rng.choice((-1, 1)) * rng.choice((1, 10**15, WAD, 37 * WAD + 1))
        risk(engine, positions, m, rng.choice((1, WAD // 100, SHOCK, 7 * WAD // 10)))
