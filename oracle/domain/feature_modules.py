"""The feature modules' Python twins, by contract: what recomputes any feed's inputs and answers off chain.

A twin is a frozen dataclass of the module's parameters. A new module adds its twin to `TWINS`; evidence, deployment and
the tests that hold twin and contract together take it from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from oracle.domain.cascade import CascadeFeatures
from oracle.domain.deployment import FeedAddress, InputScale
from oracle.domain.direction import DirectionFeatures
from oracle.domain.features import MODEL_INPUTS, PRICES, garch_inputs
from oracle.domain.garch import GarchParams, annualised_vol_wad
from oracle.domain.gjr import GjrFeatures
from oracle.domain.har import HarFeatures
from oracle.domain.heston import HestonFeatures
from oracle.domain.local_volatility import LocalVolatilityFeatures
from oracle.domain.option_marks import OptionMarkFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures


class WindowFeatures(Protocol):
    """Inputs and answer of a module over a window of `prices` prices."""

    contract: ClassVar[str]

    @property
    def prices(self) -> int:
        """Prices that a window takes."""
        ...

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between the source's address and the input scale."""
        ...

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The model's inputs at 2^scale_bits; raises an InvalidInput of the name that the module reverts with."""
        ...

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """The feed's answer that the model's outputs stand for on these inputs."""
        ...


class VectorFeatures(Protocol):
    """Inputs and answer of a module over vectors of these `components`; values at 18 decimals."""

    contract: ClassVar[str]
    components: ClassVar[tuple[str, ...]]

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between the source's address and the input scale."""
        ...

    def inputs(self, values: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The model's inputs at 2^scale_bits; raises an InvalidInput of the name that the module reverts with."""
        ...

    def answer(
        self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int, values: Sequence[int] = ()
    ) -> int:
        """The feed's answer that the model's outputs stand for on this vector."""
        ...


@dataclass(frozen=True, slots=True)
class GarchFeatures:
    """GarchVolatilityModule; the answer is an annualised volatility."""

    params: GarchParams

    contract: ClassVar[str] = "GarchVolatilityModule"
    prices: ClassVar[int] = PRICES
    model_inputs: ClassVar[int] = MODEL_INPUTS

    def arguments(self) -> tuple[object, ...]:
        """The struct. Raises InvalidInput."""
        p = self.params
        p.validate()
        return ((p.sigma_ref_wad, p.omega_wad, p.alpha_wad, p.beta_wad, p.horizon, p.periods_per_year),)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 38 integers for a window of 33 prices."""
        return garch_inputs(prices, self.params, scale_bits)

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """The annualised volatility as WAD."""
        (variance,) = outputs_wad
        return annualised_vol_wad(variance, self.params)


_OVER_WINDOWS: Final[tuple[type[WindowFeatures], ...]] = (
    GarchFeatures,
    GjrFeatures,
    TailRiskFeatures,
    RealisedVolatilityFeatures,
    HarFeatures,
    DirectionFeatures,
    RiskWeightFeatures,
)
TWINS: Final = {twin.contract: twin for twin in _OVER_WINDOWS}
VECTOR_TWINS: Final[dict[str, type[VectorFeatures]]] = {
    twin.contract: twin for twin in (HestonFeatures, LocalVolatilityFeatures, OptionMarkFeatures, CascadeFeatures)
}


def module_arguments(features: WindowFeatures | VectorFeatures, observations: str) -> tuple[object, ...]:
    """A FeatureFeedPlan's `arguments` for a module over the feed named `observations`."""
    return (FeedAddress(observations), *features.arguments(), InputScale())
