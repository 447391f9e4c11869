"""Black-76 on integers against scipy's floats and mpmath, over the domain that it promises."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from scipy.special import ndtr

from oracle.domain import black76
from oracle.domain.black76 import Option
from oracle.domain.normal import cdf_wad, pdf_wad
from oracle.domain.transcendental import exp_wad, ln_wad, sqrt_wad
from oracle.units import WAD

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "3000"))
HOUR, YEAR = 3_600, black76.YEAR_SECS


def options(seed: int) -> list[tuple[Option, float, int]]:
    """(option, volatility, seconds): 10 to 300 %, an hour to two years, within 6 deviations and a factor of 12."""
    rng = random.Random(seed)
    drawn = []
    for i in range(CASES):
        vol = rng.choice((0.1, 3.0)) if i % 10 == 0 else rng.uniform(0.1, 3.0)
        secs = rng.choice((HOUR, 2 * YEAR)) if i % 7 == 0 else int(HOUR * 17_532 ** rng.random())
        forward = int(10 ** rng.uniform(17, 23))
        k = max(-2.5, min(2.5, rng.uniform(-6, 6) * vol * (secs / YEAR) ** 0.5))
        strike = max(1, int(forward * np.exp(k)))
        drawn.append((Option(forward, strike, rng.random() < 0.5), vol, secs))
    return drawn


def floats(option: Option, vol: float, secs: int) -> tuple[float, float, float, float]:
    """Value over the forward, delta, gamma times the forward, vega over the forward."""
    t = secs / YEAR
    v, k = vol * np.sqrt(t), np.log(option.strike / option.forward)
    d1 = -k / v + v / 2
    sign = 1 if option.is_call else -1
    worth = sign * (ndtr(sign * d1) - option.strike / option.forward * ndtr(sign * (d1 - v)))
    density = np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi)
    return float(worth), float(sign * ndtr(sign * d1)), float(density / v), float(density * np.sqrt(t))


def test_value__domain__within_1e9_of_the_forward() -> None:
    for option, vol, secs in options(1):
        deviation = black76.deviation_wad(round(vol * WAD), secs, 0)
        expected = floats(option, vol, secs)
        assert abs(black76.value(option, deviation) / option.forward - expected[0]) <= 1e-9
        g = black76.greeks(option, deviation, black76.root_years_wad(secs, 0))
        assert g.delta / WAD == pytest.approx(expected[1], abs=1e-9)
        assert g.gamma / WAD * (option.forward / WAD) == pytest.approx(expected[2], rel=1e-6, abs=1e-6)
        assert g.vega / option.forward == pytest.approx(expected[3], abs=1e-9)


def test_value__call_and_put__parity_to_the_unit() -> None:
    for option, vol, secs in options(2):
        deviation = black76.deviation_wad(round(vol * WAD), secs, 0)
        call = black76.value(Option(option.forward, option.strike, True), deviation)
        put = black76.value(Option(option.forward, option.strike, False), deviation)
        assert call - put == option.forward - option.strike
        assert min(call, put) >= 0
        assert call >= option.forward - option.strike
        assert black76.greeks(option, deviation, black76.root_years_wad(secs, 0)).vega >= 0


def test_implied_volatility__of_a_value__comes_back() -> None:
    for option, vol, secs in options(3)[: CASES // 4]:
        deviation = black76.deviation_wad(round(vol * WAD), secs, 0)
        price = black76.value(option, deviation)
        vega = floats(option, vol, secs)[3]
        if vega < 1e-6:
            continue  # one unit of value is more than the volatility asked for
        got = black76.implied_volatility_wad(option, secs, 0, price)
        assert got / WAD == pytest.approx(vol, abs=1e-9 + 100 / (vega * option.forward))


def test_value__hull_and_haug__published() -> None:
    # S, K, q, r, T, vol, price, is call: Hull; Haug's are rounded to 4 digits
    cases = [(42, 40, 0, 0.1, 0.5, 0.2, 4.7594, True), (42, 40, 0, 0.1, 0.5, 0.2, 0.8086, False)]
    cases += [(60, 65, 0, 0.08, 0.25, 0.3, 2.1334, True), (100, 95, 0.05, 0.1, 0.5, 0.2, 2.4648, False)]
    for spot, strike, q, r, t, vol, price, is_call in cases:
        forward = spot * np.exp((r - q) * t)
        option = Option(round(forward * WAD), strike * WAD, is_call)
        got = black76.value(option, black76.deviation_wad(round(vol * WAD), round(t * YEAR), 0)) / WAD
        assert got * np.exp(-r * t) == pytest.approx(price, abs=6e-5)


def test_functions__mpmath__to_the_last_decimals() -> None:
    mpmath = pytest.importorskip("mpmath")
    rng = random.Random(4)
    with mpmath.workdps(60):
        for _ in range(500):
            x = rng.randint(-9 * WAD, 9 * WAD)
            exact = mpmath.mpf(x) / WAD
            assert abs(cdf_wad(x) - mpmath.ncdf(exact) * WAD) <= 2
            assert abs(pdf_wad(x) - mpmath.npdf(exact) * WAD) <= 2
            assert abs(exp_wad(x) - mpmath.exp(exact) * WAD) <= 1
            y = rng.getrandbits(rng.randint(1, 127)) + 1
            assert abs(ln_wad(y) - mpmath.log(mpmath.mpf(y) / WAD) * WAD) <= 1
            assert 0 <= mpmath.sqrt(mpmath.mpf(y) / WAD) * WAD - sqrt_wad(y) < 1


def test_cdf__both_sides__sum_to_one_and_rise() -> None:
    xs = sorted(random.Random(6).randint(-10 * WAD, 10 * WAD) for _ in range(500))
    values = [cdf_wad(x) for x in xs]
    assert values == sorted(values)
    assert all(cdf_wad(x) + cdf_wad(-x) == WAD for x in xs)


def test_deviation__volatility_and_expiry_at_their_limits__taken_and_one_beyond_refused() -> None:
    # of a year of 365.25 days, and of four of them
    assert [black76.deviation_wad(vol, YEAR, 0) for vol in (WAD // 100, 10 * WAD)] == [WAD // 100, 10 * WAD]
    assert black76.deviation_wad(WAD // 2, 4 * YEAR, 0) == WAD
    for vol in (WAD // 100 - 1, 10 * WAD + 1):
        with pytest.raises(black76.VolatilityOutOfRange) as refused:
            black76.deviation_wad(vol, YEAR, 0)
        assert refused.value.fields == (vol, WAD // 100, 10 * WAD)
    assert black76.root_years_wad(20 * YEAR, 0) == sqrt_wad(20 * WAD)
    with pytest.raises(black76.ExpiryTooFar) as far:
        black76.root_years_wad(20 * YEAR + 1, 0)
    assert far.value.fields == (20 * YEAR + 1, 20 * YEAR)
    for expiry in (5, 4):
        with pytest.raises(black76.ExpiryPassed) as passed:
            black76.root_years_wad(expiry, 5)
        assert passed.value.fields == (expiry, 5)


def test_value__forward_and_strike_at_their_limits__taken_and_one_beyond_refused() -> None:
    most = 2**120 - 1
    assert black76.value(Option(most, most, True), WAD) > 0
    assert black76.value(Option(1, 1, False), WAD) == 0
    for option, error in (
        (Option(2**120, WAD, True), black76.ForwardOutOfRange),
        (Option(0, WAD, True), black76.ForwardOutOfRange),
        (Option(WAD, 2**120, True), black76.StrikeOutOfRange),
        (Option(WAD, 0, True), black76.StrikeOutOfRange),
    ):
        with pytest.raises(error):
            black76.value(option, WAD)
