"""For every feature module: parameters to draw, and the circuit that it feeds; windows to try modules on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from oracle.domain.deployment import FeedKind
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import GarchFeatures, WindowFeatures
from oracle.domain.garch import GarchParams
from oracle.domain.gjr import GjrFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
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
        "direction-32",
        "direction",
        "probability of a rise",
        DirectionFeatures(),
        lambda _: DirectionFeatures(),
        ((-50 * WAD, 50 * WAD),),
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
