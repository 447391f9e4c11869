"""SVI, its local volatility and its tests for arbitrage: Solidity equals the Python twin on a real chain."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from eth_utils import keccak
from web3.contract import Contract

from oracle.domain import svi
from oracle.domain.svi import CalendarArbitrage, Slice, SurfaceRejected
from oracle.units import WAD
from tests.support.local_chain import LocalChain

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "400"))
PLANTED = 500
CALL_GAS = 2_000_000_000
BATCH = 100


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> Contract:
    """The library behind array arguments."""
    return chain.deploy("PricingHarness")


def words(p: Slice) -> tuple[int, int, int, int, int]:
    return (p.a, p.b, p.rho, p.m, p.s)


def draw(rng: random.Random) -> Slice:
    """A smile from everyday to violent, its vertex barely above zero variance or well above."""
    b, s, rho = 10 ** rng.uniform(-2, 0.25), 10 ** rng.uniform(-2, 0.3), rng.uniform(-0.99, 0.99)
    a = -b * s * (1 - rho * rho) ** 0.5 + 10 ** rng.uniform(-3.5, 0)
    return Slice(*(round(value * WAD) for value in (a, b, rho, rng.gauss(0, 0.3), s)))


def refusal(check: Callable[[], None]) -> bytes:
    """The selector of the contract's error of the same name, zero where nothing is refused."""
    try:
        check()
    except SurfaceRejected as refused:
        return SELECTORS[type(refused).__name__]
    return bytes(4)


SELECTORS = {
    name: keccak(text=f"{name}({arguments})")[:4]
    for name, arguments in (
        ("SviParameterOutOfRange", "bytes32,int256,int256,int256"),
        ("VarianceTooSmall", "int256,int256"),
        ("WingTooSteep", "int256,int256"),
        ("ButterflyArbitrage", "int256,int256,int256"),
        ("CalendarArbitrage", "int256,int256,int256"),
    )
}


def factor_floats(p: Slice, k: float) -> float:
    """The density factor in floats, by the definition."""
    a, b, rho, m, s = (value / WAD for value in words(p))
    root = ((k - m) ** 2 + s * s) ** 0.5
    w, slope, bend = a + b * (rho * (k - m) + root), b * (rho + (k - m) / root), b * s * s / root**3
    return (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + bend / 2


def smallest_factor(p: Slice) -> float:
    """Over 2,001 strikes, more than the test's own knots and none of them the same but the middle."""
    centre, s = p.m / WAD, p.s / WAD
    return min(factor_floats(p, centre + s * (x - 1 / x) / 2) for x in (1.0052 ** (i - 1_000) for i in range(2_001)))


def test_point_at__random_smiles__equal(harness: Contract) -> None:
    rng = random.Random(1)
    for _ in range(CASES // 20):
        p = next(p for p in iter(lambda: draw(rng), None) if p.b * (WAD + abs(p.rho)) < svi.MAX_WING_SLOPE * WAD)
        ks = [rng.randint(-3 * WAD, 3 * WAD) for _ in range(20)] + [p.m, 0, svi.MAX_K, -svi.MAX_K]
        got = harness.functions.sviMany(words(p), ks).call({"gas": CALL_GAS})
        for k, row in zip(ks, got, strict=True):
            point = svi.point_at(p, k)
            assert row == [point.variance, point.slope, point.curvature, svi.density_factor(point, k)]


def test_require_butterfly_free__random_smiles__same_verdict(harness: Contract) -> None:
    rng = random.Random(2)
    smiles = [draw(rng) for _ in range(CASES // 2)]
    expected = [refusal(lambda p=p: svi.require_butterfly_free(p)) for p in smiles]
    assert butterfly_refusals(harness, smiles) == expected
    assert {SELECTORS["ButterflyArbitrage"], SELECTORS["WingTooSteep"], bytes(4)} <= set(expected)


def test_require_calendar_free__random_pairs__same_verdict(harness: Contract) -> None:
    rng = random.Random(3)
    pairs = [pair(rng) for _ in range(CASES // 2)]
    expected = [refusal(lambda p=p, q=q: svi.require_calendar_free(p, q)) for p, q in pairs]
    assert calendar_refusals(harness, pairs) == expected
    assert {SELECTORS["CalendarArbitrage"], bytes(4)} == set(expected)


def pair(rng: random.Random) -> tuple[Slice, Slice]:
    """A smile and a later one, grown in every direction or crossed somewhere."""
    p = draw(rng)
    growth = rng.uniform(0.9, 1.6)
    later = Slice(
        round(p.a * growth),
        round(p.b * growth),
        p.rho + rng.choice((0, WAD // 50)),
        p.m,
        round(p.s * rng.uniform(0.8, 1.3)),
    )
    return p, later


def test_require_butterfly_free__five_hundred_planted__all_refused(harness: Contract) -> None:
    rng = random.Random(4)
    planted: list[Slice] = []
    while len(planted) < PLANTED:
        p = draw(rng)
        # the last fifth only where the violation is shallow
        worst = smallest_factor(p)
        if -0.2 < worst < 0 or (worst < 0 and len(planted) < PLANTED * 4 // 5):
            planted.append(p)
    assert all(refusal(lambda p=p: svi.require_butterfly_free(p)) != bytes(4) for p in planted)
    assert bytes(4) not in butterfly_refusals(harness, planted)


def test_require_calendar_free__five_hundred_planted__all_refused(harness: Contract) -> None:
    rng = random.Random(5)
    planted: list[tuple[Slice, Slice]] = []
    while len(planted) < PLANTED:
        p = draw(rng)
        if refusal(lambda p=p: svi.require_parameters(Slice(p.a, round(p.b * 1.05), p.rho, p.m, p.s))) != bytes(4):
            continue
        q = Slice(p.a, round(p.b * 1.05), p.rho, p.m, p.s)
        # lowered so that the two touch at one strike, then by a little more
        k = p.m + round(p.s * rng.uniform(-3, 3))
        gap = svi.point_at(q, k).variance - svi.point_at(p, k).variance
        lowered = Slice(q.a - gap - round(10 ** rng.uniform(9, 15)), q.b, q.rho, q.m, q.s)
        planted.append((p, lowered))
    assert all(refusal(lambda p=p, q=q: svi.require_calendar_free(p, q)) != bytes(4) for p, q in planted)
    assert bytes(4) not in calendar_refusals(harness, planted)


def test_require_calendar_free__growing_variance__accepted(harness: Contract) -> None:
    p = Slice(WAD // 100, WAD // 10, -3 * WAD // 10, WAD // 50, WAD // 5)
    later = Slice(p.a * 3 // 2, p.b * 3 // 2, p.rho, p.m, p.s)
    svi.require_calendar_free(p, later)
    harness.functions.requireCalendarFree(words(p), words(later)).call()


def wad(value: float) -> int:
    return round(value * WAD)


EARLIER = Slice(wad(0.02), wad(0.1), wad(-0.3), wad(0.02), wad(0.4))


def pointed(between: int, share: float, above: float) -> Slice:
    """A smile with a kink at a share of the way between two knots of EARLIER, by so much above it there."""
    m, s = EARLIER.m / WAD, EARLIER.s / WAD
    low, high = (m + s * math.sinh(step / 16) for step in (between, between + 1))
    vertex = low + share * (high - low)
    least = svi.point_at(EARLIER, wad(vertex)).variance / WAD + above
    return Slice(wad(least - 0.6 * 0.0005), wad(0.6), wad(-0.1), wad(vertex), wad(0.0005))


@pytest.mark.parametrize(("between", "share"), [(3, 0.3), (-5, 0.62), (0, 0.5), (-40, 0.4), (30, 0.7)])
def test_require_calendar_free__crossing_between_two_knots_alone__refused_there(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]], between: int, share: float
) -> None:
    later = pointed(between, share, -0.0003)
    with pytest.raises(CalendarArbitrage) as refused:
        svi.require_calendar_free(EARLIER, later)
    k, earlier_variance, later_variance = refused.value.fields
    # at the kink, where one lies above the other by .0003, the earlier on its chord and the later on its tangents
    assert k == pytest.approx(later.m, abs=wad(2e-5) * max(1, abs(later.m) // WAD * 40))
    assert earlier_variance == pytest.approx(svi.point_at(EARLIER, k).variance, rel=1e-3)
    assert later_variance == pytest.approx(svi.point_at(later, later.m).variance, abs=wad(0.00035))
    with reverts("CalendarArbitrage", k, earlier_variance, later_variance):
        harness.functions.requireCalendarFree(words(EARLIER), words(later)).call()
    above = pointed(between, share, 0.002)
    svi.require_calendar_free(EARLIER, above)
    harness.functions.requireCalendarFree(words(EARLIER), words(above)).call()


def test_require_calendar_free__at_a_knot_and_in_the_wings__refused_there(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]]
) -> None:
    lower = Slice(EARLIER.a - 1, EARLIER.b, EARLIER.rho, EARLIER.m, EARLIER.s)
    # slopes .1 (1 +- .3); by a wing that is flatter by a billionth
    right = Slice(wad(0.5), EARLIER.b, EARLIER.rho - wad(1e-9), EARLIER.m, EARLIER.s)
    left = Slice(wad(0.5), EARLIER.b, EARLIER.rho + wad(1e-9), EARLIER.m, EARLIER.s)
    cases = (
        (right, (2**255 - 1, 7 * WAD // 100, 7 * WAD // 100 - 10**8)),
        (left, (-(2**255), 13 * WAD // 100, 13 * WAD // 100 - 10**8)),
    )
    for later, fields in cases:
        with pytest.raises(CalendarArbitrage) as refused:
            svi.require_calendar_free(EARLIER, later)
        assert refused.value.fields == fields
        with reverts("CalendarArbitrage", *fields):
            harness.functions.requireCalendarFree(words(EARLIER), words(later)).call()
    with pytest.raises(CalendarArbitrage) as refused:
        svi.require_calendar_free(EARLIER, lower)
    k, earlier_variance, later_variance = refused.value.fields
    assert (k / WAD, earlier_variance - later_variance) == (pytest.approx(0.02 - 0.4 * math.sinh(5), rel=1e-9), 1)
    with reverts("CalendarArbitrage", k, earlier_variance, later_variance):
        harness.functions.requireCalendarFree(words(EARLIER), words(lower)).call()


def test_require_calendar_free__flat__accepted(harness: Contract) -> None:
    flat, higher = (Slice(wad(level), 0, 0, 0, WAD) for level in (0.1, 0.2))
    for earlier, later in ((flat, higher), (flat, flat)):
        svi.require_calendar_free(earlier, later)
        harness.functions.requireCalendarFree(words(earlier), words(later)).call()


def butterfly_refusals(harness: Contract, smiles: Sequence[Slice]) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(smiles), BATCH):
        rows = [words(p) for p in smiles[start : start + BATCH]]
        found += [bytes(one) for one in harness.functions.butterflyMany(rows).call({"gas": CALL_GAS})]
    return found


def calendar_refusals(harness: Contract, pairs: Sequence[tuple[Slice, Slice]]) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(pairs), BATCH):
        rows = [[words(p), words(q)] for p, q in pairs[start : start + BATCH]]
        found += [bytes(one) for one in harness.functions.calendarMany(rows).call({"gas": CALL_GAS})]
    return found


# Axel Vogt's smile with a butterfly, Gatheral and Jacquier (2014), 3.1
VOGT = Slice(*(round(value * WAD) for value in (-0.0410, 0.1331, 0.3060, 0.3586, 0.4153)))
GOOD = Slice(WAD // 100, WAD // 10, -3 * WAD // 10, WAD // 50, WAD // 5)


def test_local_volatility__good_smile__equal(harness: Contract) -> None:
    rng = random.Random(6)
    for _ in range(20):
        k, rate = rng.randint(-WAD // 2, WAD // 2), rng.randint(1, 2 * WAD)
        expected = svi.local_volatility(GOOD, k, rate)
        assert harness.functions.localVolatility(words(GOOD), k, rate).call() == expected


@pytest.mark.parametrize(
    ("smile", "k", "rate"),
    [
        (GOOD, 0, 0),
        (GOOD, 0, -1),
        (GOOD, 21 * WAD, WAD),
        (Slice(-WAD, WAD // 10, 0, 0, WAD), 0, WAD),
        (Slice(0, 0, 0, 0, WAD), 0, WAD),
        (Slice(WAD, 2 * WAD, WAD // 2, 0, WAD), 0, WAD),
        (Slice(WAD, -1, 0, 0, WAD), 0, WAD),
        (Slice(WAD, WAD // 10, 2 * WAD, 0, WAD), 0, WAD),
        (Slice(WAD, WAD // 10, 0, 0, 0), 0, WAD),
        (
            Slice(-41 * WAD // 1000, 1331 * WAD // 10000, 306 * WAD // 1000, 3586 * WAD // 10000, 4153 * WAD // 10000),
            WAD,
            WAD,
        ),
    ],
)
def test_local_volatility__refused__same_error_with_same_values(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]], smile: Slice, k: int, rate: int
) -> None:
    with pytest.raises(SurfaceRejected) as refused:
        svi.local_volatility(smile, k, rate)
    fields = [f.encode().ljust(32, b"\0") if isinstance(f, str) else f for f in refused.value.fields]
    with reverts(type(refused.value).__name__, *fields):
        harness.functions.localVolatility(words(smile), k, rate).call()
