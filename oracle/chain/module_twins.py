"""Which feature module stands at an address, and its Python twin with the parameters that it was deployed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from oracle.chain.client import ChainClient
from oracle.chain.code_match import matches_artifact
from oracle.chain.feeds import FeatureModule
from oracle.domain.cascade import CascadeFeatures
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import VECTOR_TWINS, GarchFeatures, VectorFeatures, WindowFeatures
from oracle.domain.garch import GarchParams
from oracle.domain.garch_batch import GarchBatchFeatures
from oracle.domain.gjr import GjrFeatures
from oracle.domain.har import HarFeatures
from oracle.domain.heston import HestonFeatures
from oracle.domain.local_volatility import LocalVolatilityFeatures
from oracle.domain.option_marks import OptionMarkFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.errors import NotFound

Read = Callable[[str], Any]

_READERS: Final[dict[str, Callable[[Read], WindowFeatures | VectorFeatures]]] = {
    "GarchVolatilityModule": lambda read: GarchFeatures(GarchParams(*read("params"))),
    "GjrVolatilityModule": lambda read: GjrFeatures(*read("params")),
    "TailRiskModule": lambda read: TailRiskFeatures(
        GjrFeatures(*read("params")), read("quantileSquaredWad"), read("shortfallSquaredWad"), read("place")
    ),
    "RealisedVolatilityModule": lambda read: RealisedVolatilityFeatures(read("sigmaRefWad")),
    "HarVolatilityModule": lambda read: HarFeatures(*read("params")),
    "DirectionModule": lambda _: DirectionFeatures(),
    "RiskWeightModule": lambda read: RiskWeightFeatures(read("stride"), read("sigmaRefWad"), read("confidenceWad")),
    "HestonModule": lambda read: HestonFeatures(read("yearsWad"), read("logMoneynessWad")),
    "LocalVolatilityModule": lambda read: LocalVolatilityFeatures(
        read("yearsWad"), read("yearsBeforeWad"), read("logMoneynessWad")
    ),
    "CascadeModule": lambda read: CascadeFeatures(read("bufferWad"), read("place")),
    "OptionMarkModule": lambda read: OptionMarkFeatures(tuple(read("strikes")), read("expiry"), read("place")),
}


@dataclass(frozen=True, slots=True)
class ModuleTwin:
    """A module on chain, recomputed off chain: `features` over a window of prices, over several, or over one vector."""

    contract: str
    features: WindowFeatures | VectorFeatures | GarchBatchFeatures
    scale_bits: int
    batch: str = ""  # the GarchBatchInputs of a GarchBatchModule
    others: tuple[str, ...] = ()  # sources of its windows but the first
    max_skew: int = 0

    @property
    def reads_vectors(self) -> bool:
        """Whether its source is a VectorObservationFeed."""
        return self.contract in VECTOR_TWINS

    @property
    def window(self) -> int:
        """Observations that its inputs take."""
        return 1 if self.reads_vectors else cast(WindowFeatures, self.features).prices

    def inputs(self, observed: list[int], observed_at: int) -> list[int]:
        """The model's inputs for these prices, one source's window after the other's, or for this vector."""
        if isinstance(self.features, GarchBatchFeatures):
            windows = [observed[at : at + self.window] for at in range(0, len(observed), self.window)]
            return self.features.inputs(windows, observed_at, self.scale_bits)
        return self.features.inputs(observed, observed_at, self.scale_bits)

    def answer(self, outputs_wad: list[int], inputs: list[int], observed: list[int]) -> int:
        """The feed's answer."""
        if isinstance(self.features, GarchBatchFeatures):
            return self.features.answer(outputs_wad, self.scale_bits)
        if self.reads_vectors:
            return cast(VectorFeatures, self.features).answer(outputs_wad, inputs, self.scale_bits, observed)
        return cast(WindowFeatures, self.features).answer(outputs_wad, inputs, self.scale_bits)


@dataclass(frozen=True, slots=True)
class ModuleReads:
    """What a module was deployed with, by the name of its getter: enough to have its twin without a chain."""

    contract: str
    values: dict[str, Any]

    def twin(self) -> ModuleTwin:
        """The module's twin. Raises NotFound for a contract that is none of this release's, or lacks a value."""
        try:
            features = _READERS[self.contract](lambda name: self.values[name])
            return ModuleTwin(self.contract, features, int(self.values["inputScaleBits"]))
        except KeyError as error:
            raise NotFound(f"no feature module of this release: {error}") from None


def module_reads(client: ChainClient, address: str) -> ModuleReads | None:
    """What the module at an address was deployed with; None for one that stands on others, or is none of ours."""
    for contract, reader in _READERS.items():
        if matches_artifact(client, contract, address):
            functions, values = client.contract(contract, address).functions, dict[str, Any]()

            def read(name: str, functions: Any = functions, values: dict[str, Any] = values) -> Any:
                values[name] = client.call(functions[name]())
                return values[name]

            reader(read)
            read("inputScaleBits")
            return ModuleReads(contract, values)
    return None


def module_twin(client: ChainClient, address: str) -> ModuleTwin:
    """The twin of the module at an address. Raises NotFound for code that is no module of this release."""
    found = module_reads(client, address)
    if found is not None:
        return found.twin()
    if matches_artifact(client, "GarchBatchModule", address):
        return _batch_twin(client, address)
    raise NotFound(f"the code at {address} is no feature module of this release")


def _batch_twin(client: ChainClient, address: str) -> ModuleTwin:
    module = client.contract("GarchBatchModule", address).functions
    batch = str(client.call(module.batch()))
    if not matches_artifact(client, "GarchBatchInputs", batch):
        raise NotFound(f"the batch of {address} is no GarchBatchInputs of this release")
    shared = client.contract("GarchBatchInputs", batch).functions
    singles = [str(single) for single in client.call(shared.modules())]
    twins = [module_twin(client, single) for single in singles]
    assets = tuple(cast(GarchFeatures, twin.features) for twin in twins)
    sources = [FeatureModule(client, single).source() for single in singles]
    return ModuleTwin(
        "GarchBatchModule",
        GarchBatchFeatures(assets, int(client.call(module.place()))),
        twins[0].scale_bits,
        batch=batch,
        others=tuple(sources[1:]),
        max_skew=int(client.call(shared.maxSkew())),
    )
