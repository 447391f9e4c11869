"""The fit: against published parameters, without look-ahead, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput
from oracle.market import open_source
from oracle.market.base import HOURS, SeriesSource, day_start
from oracle.market.calibration import (
    ALPHA_RANGE,
    BETA_RANGE,
    MAX_PERSISTENCE,
    calibrate,
    calibrate_source,
    fit_garch,
)
from oracle.units import SECS_PER_HOUR, WAD

PRICE = 10**12


def prices_of(returns: np.ndarray) -> list[int]:
    """Prices of 8 decimals with these simple returns."""
    return [PRICE, *(int(p) for p in PRICE * np.cumprod(1 + returns))]


def garch_returns(alpha: float, beta: float, count: int = 4_000, seed: int = 1) -> np.ndarray:
    """Gaussian GARCH returns of 1 % a step."""
    generator = np.random.default_rng(seed)
    h, out = 1e-4, []
    for _ in range(count):
        r = float(np.sqrt(h) * generator.standard_normal())
        out.append(r)
        h = 1e-4 * (1 - alpha - beta) + alpha * r * r + beta * h
    return np.array(out)


def test_fit_garch__simulated__finds_its_parameters() -> None:
    params = fit_garch(prices_of(garch_returns(0.1, 0.85)), periods_per_year=252, horizon=5)
    assert params.alpha_wad / WAD == pytest.approx(0.1, abs=0.025)
    assert params.beta_wad / WAD == pytest.approx(0.85, abs=0.04)
    assert params.sigma_ref_wad / WAD == pytest.approx(0.01, rel=0.1)
    assert (params.periods_per_year, params.horizon) == (252, 5)


def test_fit_garch__mark_pound__within_a_standard_error_of_the_benchmark(data_dir: Path) -> None:
    import pandas as pd

    path = data_dir / "gpl/dem_gbp_bollerslev_ghysels.csv.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    returns = pd.read_csv(path)["ret_pct"].to_numpy() / 100
    params = fit_garch(prices_of(returns), periods_per_year=252, horizon=1)
    # Fiorentini, Calzolari, Panattoni (1996): .153134 and .805974, standard errors .0264 and .0334
    assert params.alpha_wad / WAD == pytest.approx(0.153134, abs=0.0264)
    assert params.beta_wad / WAD == pytest.approx(0.805974, abs=0.0334)


def test_calibrate__long_run_variance__is_the_unit() -> None:
    params = calibrate(prices_of(garch_returns(0.1, 0.85)), periods_per_year=252, horizon=5).params
    assert params.omega_wad + params.alpha_wad + params.beta_wad == pytest.approx(WAD, rel=1e-12)


def test_calibrate_source__sp500__plain_parameters() -> None:
    source = open_source("sp500")
    calibration = calibrate_source(source, source.start_time)
    params = calibration.params
    assert calibration.returns == 2_010
    assert not calibration.moved_into_domain
    assert 0.04 < params.alpha_wad / WAD < 0.09
    assert 0.90 < params.beta_wad / WAD < 0.96
    assert 0.15 < params.sigma_ref_wad / WAD * np.sqrt(252) < 0.22


def test_calibrate_source__future_changed__nothing_changes() -> None:
    source = open_source("sp500")
    assert isinstance(source, SeriesSource)
    series = source.history(2**40, 10_000)
    generator = np.random.default_rng(3)
    shuffled = [
        o if o.observed_at < source.start_time else replace(o, price=int(o.price * generator.uniform(0.5, 2)))
        for o in series
    ]
    other = SeriesSource("SPX", source.cadence, shuffled, source.start_time)
    assert calibrate_source(other, source.start_time) == calibrate_source(source, source.start_time)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_calibrate_source__hourly_coins__inside_the_domain(data_dir: Path, symbol: str) -> None:
    path = data_dir / "open/spot_binance_1h_2020-09_2025-09.parquet"
    source = open_source(f"csv:{path}", symbol, start="2021-05-10", end="2021-05-24")
    params = calibrate_source(source, day_start("2021-05-10")).params
    alpha, beta = params.alpha_wad / WAD, params.beta_wad / WAD
    assert ALPHA_RANGE[0] <= alpha <= ALPHA_RANGE[1]
    assert BETA_RANGE[0] <= beta <= BETA_RANGE[1]
    assert alpha + beta <= MAX_PERSISTENCE + 1e-9
    assert params.horizon == 24


def test_calibrate__integrated_series__moved_into_the_domain() -> None:
    generator = np.random.default_rng(2)
    calm, wild = generator.normal(0, 0.002, 2_000), generator.normal(0, 0.02, 2_000)
    calibration = calibrate(prices_of(np.concatenate([calm, wild])), periods_per_year=252, horizon=5)
    persistence = (calibration.params.alpha_wad + calibration.params.beta_wad) / WAD
    assert calibration.moved_into_domain
    assert persistence <= MAX_PERSISTENCE + 1e-9
    calibration.params.validate()


def flat() -> list[int]:
    return [PRICE] * 400


def one_jump() -> list[int]:
    noise = np.random.default_rng(0).normal(0, 0.001, 400)
    noise[200] = 0.5
    return prices_of(noise)


def with_zero() -> list[int]:
    return [*prices_of(garch_returns(0.1, 0.8, 300)), 0]


def short() -> list[int]:
    return prices_of(garch_returns(0.1, 0.8, 200))


@pytest.mark.parametrize(
    ("series", "problem"),
    [
        (flat, "flat series"),
        (one_jump, r"one return of \+50\.0% makes up most of the variance"),
        (with_zero, "positive prices, here is 0"),
        (short, "at least 250 prices, here are 201"),
    ],
)
def test_fit_garch__bad_series__invalid_input(series: Callable[[], list[int]], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        fit_garch(series(), periods_per_year=252, horizon=5)


def test_fit_garch__impossible_horizon__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="horizon is 0"):
        fit_garch(prices_of(garch_returns(0.1, 0.85, 500)), periods_per_year=252, horizon=0)


def test_calibrate_source__too_little_history__says_so() -> None:
    series = [Observation(i * SECS_PER_HOUR, PRICE + i) for i in range(300)]
    with pytest.raises(InvalidInput, match="at least 250 prices, here are 100"):
        calibrate_source(SeriesSource("X", HOURS, series, 100 * SECS_PER_HOUR), 100 * SECS_PER_HOUR)
