"""For every feature module: parameters to draw, and the circuit that it feeds; windows to try modules on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from oracle.domain.cascade import BUCKETS, CascadeFeatures
from oracle.domain.deployment import FeedKind
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import GarchFeatures, VectorFeatures, WindowFeatures
from oracle.domain.garch import GarchParams
from oracle.domain.gjr import GjrFeatures
from oracle.domain.har import HarFeatures
from oracle.domain.heston import RANGES, HestonFeatures
from oracle.domain.local_volatility import LocalVolatilityFeatures
from oracle.domain.option_marks import OptionMarkFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.units import WAD

MAX_PRICE = 2**64 - 1
START = 1_700_000_000 // 3600 * 3600


@dataclass(frozen=True)
class FeatureCase:
    """A module, the circuit of its model, and its outputs' typical span (WAD)."""

    circuit_id: str
    kind: FeedKind
    unit: str
    typical: WindowFeatures
    draw: Callable[[random.Random], WindowFeatures]
    outputs: tuple[tuple[int, int], ...]


def gjr_of(rng: random.Random) -> GjrFeatures:
    """Parameters that every scale from 12 bits on can hold."""
    alpha, gamma = rng.randrange(WAD // 4), rng.randrange(WAD // 3)
    beta = rng.randrange(98 * WAD // 100 - alpha - gamma // 2)
    sigma, omega = int(10 ** rng.uniform(14, 17.5)), rng.randint(WAD // 1000, WAD)
    return GjrFeatures(sigma, omega, alpha, gamma, beta, rng.choice((1, 5, 24, 365)), rng.choice((252, 365, 8766)))


def garch_of(rng: random.Random) -> GarchFeatures:
    """As gjr_of, symmetric."""
    g = gjr_of(rng)
    return GarchFeatures(
        GarchParams(g.sigma_ref_wad, g.omega_wad, g.alpha_wad, g.beta_wad, g.horizon, g.periods_per_year)
    )


def har_of(rng: random.Random) -> HarFeatures:
    """Coefficients of which the logarithms' sum to less than 1."""
    shares = sorted(rng.randrange(WAD) for _ in range(3))
    day, week, month = shares[0], shares[1] - shares[0], shares[2] - shares[1]
    rest = (rng.randint(-2 * WAD, 2 * WAD), rng.randint(-2 * WAD, 2 * WAD), rng.randint(-4 * WAD, 4 * WAD))
    return HarFeatures(int(10 ** rng.uniform(16, 18)), day, week, month, *rest)


HAR = HarFeatures(
    3 * WAD // 100,
    31 * WAD // 100,
    4 * WAD // 10,
    22 * WAD // 100,
    -71 * WAD // 100,
    38 * WAD // 100,
    24 * WAD // 100,
)
GARCH = GarchParams(6 * WAD // 1000, WAD // 50, 8 * WAD // 100, 90 * WAD // 100, 24, 8766)
GJR = GjrFeatures(6 * WAD // 1000, WAD // 50, 5 * WAD // 100, 8 * WAD // 100, 85 * WAD // 100, 24, 8766)
VARIANCES = ((0, 100 * WAD),)

CASES = (
    FeatureCase("garch-vol-32", "volatility", "annualised volatility", GarchFeatures(GARCH), garch_of, VARIANCES),
    FeatureCase("gjr-vol-32", "volatility", "annualised volatility", GJR, gjr_of, VARIANCES),
    FeatureCase(
        "realised-vol-30d",
        "realised-volatility",
        "annualised volatility of the next day",
        RealisedVolatilityFeatures(3 * WAD // 100),
        lambda rng: RealisedVolatilityFeatures(int(10 ** rng.uniform(16, 18))),
        ((WAD // 5, 4 * WAD),),
    ),
    FeatureCase(
        "har-vol-30d",
        "realised-volatility",
        "annualised volatility of the next day",
        HAR,
        har_of,
        ((-12 * WAD, 8 * WAD),),
    ),
    FeatureCase(
        "tail-risk-32",
        "tail-risk",
        "Value at Risk, 99 %, fraction of the price",
        TailRiskFeatures(GJR),
        lambda rng: TailRiskFeatures(
            gjr_of(rng), rng.randint(WAD, 16 * WAD), rng.randint(WAD, 16 * WAD), rng.choice((0, 1))
        ),
        (VARIANCES[0], VARIANCES[0]),
    ),
    FeatureCase(
        "risk-weight",
        "risk-weight",
        "risk weight, a multiplier",
        RiskWeightFeatures(8, 8 * WAD // 100, WAD // 2),
        lambda rng: RiskWeightFeatures(rng.choice((1, 2, 3)), int(10 ** rng.uniform(16, 18.5)), rng.randint(0, WAD)),
        ((0, 5 * WAD), (0, 5 * WAD)),
    ),
    FeatureCase(
        "direction-32",
        "direction",
        "probability of a rise",
        DirectionFeatures(),
        lambda _: DirectionFeatures(),
        ((-50 * WAD, 50 * WAD),),
    ),
)


@dataclass(frozen=True)
class VectorCase:
    """A module over vectors: a typical vector, and how to draw others, most of them within its domain."""

    circuit_id: str
    kind: FeedKind
    unit: str
    typical: VectorFeatures
    values: tuple[int, ...]
    draw: Callable[[random.Random], VectorFeatures]
    draw_values: Callable[[random.Random, VectorFeatures], list[int]]
    output_count: int


def wad(value: float) -> int:
    """A number as WAD."""
    return int(value * WAD)


def heston_values(rng: random.Random, _: VectorFeatures) -> list[int]:
    """Within the ranges, or one component beyond."""
    values = [rng.choice((low, high, rng.randint(low, high), rng.randint(low, high))) for low, high in RANGES.values()]
    if rng.random() < 0.1:
        place = rng.randrange(len(values))
        low, high = list(RANGES.values())[place]
        values[place] = rng.choice((low - 1, high + 1, 0, -WAD, 10 * WAD))
    return values


def smile(rng: random.Random, years: float, level: float) -> list[int]:
    """A tame SVI smile of a maturity: total variance about level^2 T."""
    total = level * level * years
    b, s = total * rng.uniform(0.05, 0.5), rng.uniform(0.1, 0.6)
    return [
        wad(total * rng.uniform(0.6, 0.9)),
        wad(b),
        wad(rng.uniform(-0.7, 0.4)),
        wad(rng.uniform(-0.1, 0.1)),
        wad(s),
    ]


def surface_values(rng: random.Random, features: VectorFeatures) -> list[int]:
    """Two smiles; one time in four any parameters, mostly with arbitrage."""
    assert isinstance(features, LocalVolatilityFeatures)
    if rng.random() < 0.25:
        return [
            wad(rng.uniform(low, high)) for low, high in ((-0.1, 0.3), (0, 1), (-1.1, 1.1), (-0.5, 0.5), (0, 1)) * 2
        ]
    level = rng.uniform(0.4, 1.0)
    later = smile(rng, features.years_wad / WAD, level)
    share = features.years_before_wad / features.years_wad * rng.uniform(0.9, 1.02)
    earlier = [int(later[0] * share), int(later[1] * share), later[2], later[3], later[4]]
    return later + earlier


def marks_values(rng: random.Random, features: VectorFeatures) -> list[int]:
    """A forward near the strikes and a usual smile, or an unusual one."""
    assert isinstance(features, OptionMarkFeatures)
    atm = rng.uniform(0.3, 1.2)
    wild = 10 if rng.random() < 0.1 else 1
    forward = features.strikes_wad[4] / WAD * rng.uniform(0.95, 1.05)
    values = [forward, atm, wild * atm * rng.uniform(-0.3, 0.2), wild * atm * rng.uniform(-0.01, 0.1)]
    if rng.random() < 0.05:
        values[rng.randrange(2)] = rng.choice((0.0, -1.0, 1e-4))
    return [wad(value) for value in values]


def marks_of(rng: random.Random) -> OptionMarkFeatures:
    """Strikes around a spot of 20,000 to 120,000, 20 to 300 days from the tests' start."""
    spot, days = rng.uniform(2e4, 1.2e5), rng.randint(20, 300)
    strikes = tuple(wad(round(spot * (1 + step / 50))) for step in range(-4, 4))
    return OptionMarkFeatures(strikes, START + days * 86_400, rng.randrange(8))


def cascade_values(rng: random.Random, _: VectorFeatures) -> list[int]:
    """A book of any shape, light or heavy against the depth; one in eight with a number that is refused."""
    sigma = math.exp(rng.uniform(math.log(0.01), math.log(0.3)))
    debts = [rng.random() ** rng.choice((1, 6)) * (rng.random() < 0.8) for _ in range(BUCKETS)]
    scale = 10 ** rng.uniform(0, 9)
    depth = scale * sum(debts) / sigma * 10 ** rng.uniform(-0.6, 1.5)
    values = [wad(sigma), wad(depth), *(wad(scale * debt) for debt in debts)]
    if rng.random() < 0.12:
        if rng.random() < 0.25:
            return values[:2] + [0] * BUCKETS
        values[rng.choice((0, 1, rng.randrange(2, 18)))] = rng.choice((-1, 0, 1, -WAD, 10**30))
    return values


def surface_of(rng: random.Random) -> LocalVolatilityFeatures:
    """A maturity of one month to a year and one before it, near the money."""
    years = rng.uniform(0.1, 1.0)
    before = years * rng.uniform(0.3, 0.8)
    return LocalVolatilityFeatures(wad(years), wad(before), wad(rng.uniform(-0.2, 0.2)))


def at_time(case: VectorCase, now: int) -> VectorCase:
    """The case with an expiry three months from now, where it has one."""
    if not isinstance(case.typical, OptionMarkFeatures):
        return case
    return replace(case, typical=replace(case.typical, expiry=now + 90 * 86_400))


VECTOR_CASES = (
    VectorCase(
        "heston-iv",
        "implied-volatility",
        "implied volatility, 3 months at the money",
        HestonFeatures(WAD // 4, 0),
        (wad(0.36), 2 * WAD, wad(0.49), WAD, -WAD // 4),
        lambda rng: HestonFeatures(rng.randint(WAD // 12 + 1, WAD), wad(rng.uniform(-0.4, 0.4))),
        heston_values,
        1,
    ),
    VectorCase(
        "local-vol-svi",
        "local-volatility",
        "local volatility, 3 months at the money",
        LocalVolatilityFeatures(WAD // 4, WAD // 6, 0),
        (wad(0.06), wad(0.08), wad(-0.3), 0, wad(0.3), wad(0.04), wad(0.0533), wad(-0.3), 0, wad(0.3)),
        surface_of,
        surface_values,
        2,
    ),
    VectorCase(
        "option-marks-8",
        "option-mark",
        "implied volatility of a strike",
        OptionMarkFeatures(tuple(wad(27_000 + 1_000 * i) for i in range(8)), START + 90 * 86_400, 3),
        (30_000 * WAD, wad(0.6), wad(-0.05), wad(0.02)),
        marks_of,
        marks_values,
        8,
    ),
    VectorCase(
        "cascade-risk",
        "cascade",
        "LaR95, debt liquidated, 95 % quantile",
        CascadeFeatures(wad(0.17)),
        (wad(0.1), 10 * WAD, *[wad(0.1)] * BUCKETS),
        lambda rng: CascadeFeatures(rng.choice((0, wad(rng.uniform(0, 0.5)), 3 * WAD)), rng.randrange(4)),
        cascade_values,
        4,
    ),
)


def market(count: int, seed: int, sigma: float = 0.006) -> list[int]:
    """A price path of a quiet market, 8 decimals."""
    rng, price, prices = random.Random(seed), 30_000e8, []
    for _ in range(count):
        prices.append(round(price))
        price *= math.exp(rng.gauss(0, sigma))
    return prices


def walk(rng: random.Random, count: int) -> list[int]:
    """A path with a volatility from 0.001 % to 30 % a step."""
    sigma, price, prices = 10 ** rng.uniform(-5, -0.5), 10 ** rng.uniform(3, 15), []
    for _ in range(count):
        prices.append(min(MAX_PRICE, max(1, int(price))))
        price = min(1e19, max(1.0, price * max(0.01, 1 + rng.gauss(0, sigma))))
    return prices


def one_jump(rng: random.Random, count: int) -> list[int]:
    """Flat but for one halving, or one rise by half, or by a factor that is refused."""
    low, at = rng.randint(2, 10**12), rng.randrange(1, count)
    high = rng.choice((2 * low, 3 * low // 2, 9 * low, 10 * low, 10**6 * low))
    levels = (low, high) if rng.random() < 0.5 else (high, low)
    return [levels[0]] * at + [levels[1]] * (count - at)


SHAPES: tuple[Callable[[random.Random, int], list[int]], ...] = (
    walk,
    walk,
    walk,
    one_jump,
    lambda rng, count: [rng.randint(1, MAX_PRICE)] * count,  # flat
    lambda rng, count: [rng.randint(1, MAX_PRICE) for _ in range(count)],
    lambda rng, count: [rng.randint(3, 6) for _ in range(count)],  # many quotients half way between integers
    lambda rng, count: [MAX_PRICE - rng.randint(0, 3) for _ in range(count)],
    lambda rng, count: [10**10 + rng.randint(-2, 2) for _ in range(count)],  # returns below the scale's resolution
    lambda rng, count: sorted(rng.randint(10**9, 8 * 10**9) for _ in range(count)),  # only rises
    lambda rng, count: sorted((rng.randint(10**9, 8 * 10**9) for _ in range(count)), reverse=True),
)
