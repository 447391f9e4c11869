"""Every parameter of the feature modules, with the least and the most that it may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from oracle.domain.cascade import CascadeFeatures
from oracle.domain.feature_modules import VectorFeatures, WindowFeatures
from oracle.domain.gjr import GjrFeatures
from oracle.domain.har import HarFeatures
from oracle.domain.heston import HestonFeatures
from oracle.domain.local_volatility import LocalVolatilityFeatures
from oracle.domain.option_marks import OptionMarkFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.units import WAD
from tests.support.feature_cases import GJR, START

Features = WindowFeatures | VectorFeatures
SCALE = 14
MAX_UINT = 2**256 - 1


@dataclass(frozen=True)
class Limit:
    """A parameter's range. `unsigned`: nothing below zero can be passed to the contract.

    `at_least`, `at_most`: what the contract says of the value at that end all the same, since the scale cannot hold it.
    """

    base: Any
    field: str
    name: str
    least: int
    most: int
    unsigned: bool = True
    at_least: tuple[object, ...] = ()
    at_most: tuple[object, ...] = ()

    def at(self, value: int) -> Features:
        """The features with this parameter."""
        if isinstance(self.base, OptionMarkFeatures) and self.field.startswith("strike"):
            strikes = list(self.base.strikes_wad)
            strikes[int(self.field[-1])] = value
            return replace(self.base, strikes_wad=tuple(strikes))
        changed: Features = replace(self.base, **{self.field: value})
        return changed

    def __str__(self) -> str:
        return f"{type(self.base).__name__}-{self.field}"


QUIET_GJR = GjrFeatures(6 * WAD // 1000, WAD, 0, 0, 0, 24, 8766)
HAR = HarFeatures(3 * WAD // 100, 0, 0, 0, 0, 0, 0)
TAIL = TailRiskFeatures(GJR)
MARKS = OptionMarkFeatures(tuple((27_000 + 1_000 * i) * WAD for i in range(8)), START + 90 * 86_400, 3)
SURFACE = LocalVolatilityFeatures(WAD // 4, WAD // 6, 0)
TWICE = ("2alpha+gamma+2beta", 2 << SCALE, 0, (2 << SCALE) - 1)

LIMITS = (
    Limit(QUIET_GJR, "sigma_ref_wad", "sigmaRefWad", 1, 10 * WAD),
    Limit(QUIET_GJR, "omega_wad", "omegaWad", 1, 1024 * WAD, at_least=("omega", 0, 1, MAX_UINT)),
    Limit(QUIET_GJR, "alpha_wad", "alphaWad", 0, WAD - 1, at_most=TWICE),
    Limit(QUIET_GJR, "gamma_wad", "gammaWad", 0, 2 * WAD - 1, at_most=TWICE),
    Limit(QUIET_GJR, "beta_wad", "betaWad", 0, WAD - 1, at_most=TWICE),
    Limit(QUIET_GJR, "horizon", "horizon", 1, 365),
    Limit(QUIET_GJR, "periods_per_year", "periodsPerYear", 1, 31_557_600),
    Limit(TAIL, "quantile_squared_wad", "quantileSquaredWad", WAD, 16 * WAD),
    Limit(TAIL, "shortfall_squared_wad", "shortfallSquaredWad", WAD, 16 * WAD),
    Limit(TAIL, "place", "place", 0, 1),
    Limit(RealisedVolatilityFeatures(1), "sigma_ref_wad", "sigmaRefWad", 1, WAD),
    Limit(HAR, "sigma_ref_wad", "sigmaRefWad", 1, WAD),
    Limit(replace(HAR, week_wad=-2 * WAD), "day_wad", "dayWad", -2 * WAD, 2 * WAD, unsigned=False),
    Limit(replace(HAR, day_wad=-2 * WAD), "week_wad", "weekWad", -2 * WAD, 2 * WAD, unsigned=False),
    Limit(replace(HAR, day_wad=-2 * WAD), "month_wad", "monthWad", -2 * WAD, 2 * WAD, unsigned=False),
    Limit(HAR, "weekend_ahead_wad", "weekendAheadWad", -2 * WAD, 2 * WAD, unsigned=False),
    Limit(HAR, "weekend_behind_wad", "weekendBehindWad", -2 * WAD, 2 * WAD, unsigned=False),
    Limit(HAR, "constant_wad", "constantWad", -4 * WAD, 4 * WAD, unsigned=False),
    Limit(RiskWeightFeatures(1, WAD, 0), "stride", "stride", 1, 8),
    Limit(RiskWeightFeatures(1, WAD, 0), "sigma_ref_wad", "sigmaRefWad", 1, 10 * WAD),
    Limit(RiskWeightFeatures(1, WAD, 0), "confidence_wad", "confidenceWad", 0, WAD),
    Limit(HestonFeatures(WAD, 0), "years_wad", "yearsWad", WAD // 12, WAD, unsigned=False),
    Limit(HestonFeatures(WAD, 0), "log_moneyness_wad", "logMoneynessWad", -3 * WAD, 3 * WAD, unsigned=False),
    Limit(replace(SURFACE, years_before_wad=10**14), "years_wad", "yearsWad", 10**15, 10 * WAD, unsigned=False),
    Limit(SURFACE, "years_before_wad", "yearsBeforeWad", 10**14, WAD // 4 - 10**14, unsigned=False),
    Limit(SURFACE, "log_moneyness_wad", "logMoneynessWad", -3 * WAD, 3 * WAD, unsigned=False),
    *(Limit(MARKS, f"strike{i}", "strikeWad", 1, 10**36, unsigned=False) for i in range(8)),
    Limit(MARKS, "place", "place", 0, 7),
    Limit(CascadeFeatures(0), "buffer_wad", "bufferWad", 0, 3 * WAD, unsigned=False),
    Limit(CascadeFeatures(0), "place", "place", 0, 3),
)
