"""What is deployed where, and with which parameters: records of a chain, and the plans they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.domain.garch import GarchParams
from oracle.domain.lending_types import CollateralTerms, VaultTerms
from oracle.errors import ConfigurationError, NotFound

FeedKind = Literal[
    "price",
    "vector",
    "volatility",
    "realised-volatility",
    "tail-risk",
    "risk-weight",
    "cascade",
    "implied-volatility",
    "local-volatility",
    "option-mark",
    "direction",
    "liquidation",
]
OBSERVED_KINDS: Final = frozenset({"price", "vector"})
"""Kinds whose rounds are signed reports; every other kind's are proofs."""

POSITIONS_KIND: Final = "liquidation"
"""The kind whose rounds are proven batches of a LiquidationBoard; the other proven kinds are RiskFeeds."""

T = TypeVar("T")
ZERO_ADDRESS: Final = "0x" + 40 * "0"


class CircuitFacts(Protocol):
    """What a deployment needs of a circuit's manifest. Hashes are 32 bytes in hex, with or without 0x."""

    @property
    def circuit_id(self) -> str: ...
    @property
    def model_hash(self) -> str: ...
    @property
    def circuit_hash(self) -> str: ...
    @property
    def vk_hash(self) -> str: ...
    @property
    def srs_kind(self) -> str: ...
    @property
    def input_count(self) -> int: ...
    @property
    def output_count(self) -> int: ...
    @property
    def input_scale_bits(self) -> Sequence[int]: ...
    @property
    def output_scale_bits(self) -> Sequence[int]: ...


# --- plans: what to deploy


@dataclass(frozen=True, slots=True)
class ObservationLimits:
    """IObservationFeed.Limits: seconds and basis points."""

    min_interval: int
    max_interval: int
    max_report_age: int
    max_spread_bps: int = 100
    max_move_bps: int = 2_000

    def as_tuple(self) -> tuple[int, ...]:
        """In the ABI's order."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class PriceFeedPlan:
    """An ObservationFeed. `capacity`: rounds kept, a power of two."""

    name: str
    description: str
    publishers: tuple[str, ...]
    quorum: int
    limits: ObservationLimits
    capacity: int = 1024


@dataclass(frozen=True, slots=True)
class FeedGuards:
    """IRiskFeed.Guards; answers at the feed's 18 decimals."""

    min_answer: int
    max_answer: int
    fallback_answer: int
    rise_bps_per_hour: int
    fall_bps_per_hour: int
    heartbeat: int
    max_observation_lag: int

    def as_tuple(self) -> tuple[int, ...]:
        """In the ABI's order."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class VolatilityFeedPlan:
    """A GarchVolatilityModule over the price feed named `observations`, and a RiskFeed that proves it with `model`."""

    name: str
    description: str
    observations: str
    model: str
    params: GarchParams
    guards: FeedGuards


@dataclass(frozen=True, slots=True)
class VectorComponent:
    """One component of a vector feed: its name of at most 31 letters, and its bounds at the feed's decimals."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class VectorFeedPlan:
    """A VectorObservationFeed. `capacity`: rounds kept. Limits' basis points are of each component's span."""

    name: str
    description: str
    components: tuple[VectorComponent, ...]
    publishers: tuple[str, ...]
    quorum: int
    limits: ObservationLimits
    capacity: int = 64
    decimals: int = 18


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """In a module's constructor arguments: the address of the feed of that name."""

    feed: str


@dataclass(frozen=True, slots=True)
class InputScale:
    """In a module's constructor arguments: the binary scale of its model's inputs."""


@dataclass(frozen=True, slots=True)
class ContractPlan:
    """In a module's constructor arguments: the address of a contract that is deployed for it, once for each `name`."""

    name: str
    contract: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class FeatureFeedPlan:
    """A RiskFeed over any feature module.

    `module` is the module's contract, `arguments` its constructor's, in which FeedAddress, InputScale and ContractPlan
    stand for what the deployment knows or makes. `observations` names the feed that the module reads rounds of. `unit`
    says what the answer at `decimals` means. Feeds of one `group` have the same model and inputs, and one proof serves
    them all.
    """

    name: str
    description: str
    kind: FeedKind
    unit: str
    observations: str
    model: str
    module: str
    arguments: tuple[object, ...]
    guards: FeedGuards
    decimals: int = 18
    group: str = ""
    params: GarchParams | None = None  # of a GARCH module, for those who forecast its answers


@dataclass(frozen=True, slots=True)
class CollateralPlan:
    """A collateral of a LendingVault: its token and feeds by their names in the deployment."""

    symbol: str
    price_feed: str
    risk_feed: str
    terms: CollateralTerms
    weight_feed: str = ""


@dataclass(frozen=True, slots=True)
class LendingPlan:
    """A LendingVault of a debt token by its symbol. `board_setter` names its LiquidationBoard, once; zero: nobody."""

    name: str
    debt: str
    terms: VaultTerms
    collaterals: tuple[CollateralPlan, ...]
    board_setter: str = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """A LiquidationBoard over the vault named `lending`, with the prices of the feed named `observations`.

    `stride`: prices that make 8 hours. `max_age`: seconds from the newest price to a snapshot. `heartbeat`: seconds
    after which readers take an assessment for stale.
    """

    name: str
    description: str
    lending: str
    observations: str
    model: str
    stride: int
    max_age: int
    heartbeat: int


# --- records: what stands on a chain


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ContractRecord(_Record):
    """One contract of the deployment: keccak256 of its creation code with arguments, and of its code on chain."""

    contract: str
    address: str
    creation_hash: str
    code_hash: str


class ModelRecord(_Record):
    """One version of a registered model. Scales: one for each value, or a single one for all."""

    name: str
    model_id: int
    version: int
    active: bool
    verifier: str
    verifier_code_hash: str
    model_hash: str
    circuit_hash: str
    vk_hash: str
    srs_kind: str
    input_count: int
    output_count: int
    input_scale_bits: tuple[int, ...]
    output_scale_bits: tuple[int, ...]


class FeedRecord(_Record):
    """One feed. Observed ones have `publishers` and `quorum`; proven ones the fields below them.

    `unit`: what the answer means. `verifier`: where not the deployment's own, the SharedProofVerifier of its group.
    `lending`, `first_block`: of a LiquidationBoard, its vault and the block before the events of both.
    """

    name: str
    kind: FeedKind
    address: str
    decimals: int
    description: str
    publishers: tuple[str, ...] = ()
    quorum: int = 0
    observations: str = ""  # name of the price feed that the inputs come from
    model: str = ""  # name of the model
    first_model_version: int = 0  # that the feed was deployed with
    feature_module: str = ""
    heartbeat: int = 0
    unit: str = ""
    group: str = ""
    verifier: str = ""
    lending: str = ""
    first_block: int = 0
    params: GarchParams | None = None
    guards: FeedGuards | None = None
    limits: ObservationLimits | None = None

    @property
    def proven(self) -> bool:
        """Whether its rounds are proofs."""
        return self.kind not in OBSERVED_KINDS

    @property
    def assesses_positions(self) -> bool:
        """Whether it is a LiquidationBoard, whose rounds are batches of a vault's positions."""
        return self.kind == POSITIONS_KIND


class CollateralRecord(_Record):
    """One collateral of a vault, and the names of what it stands on; no `weight_feed`: its weight is 1."""

    symbol: str
    price_feed: str
    risk_feed: str
    weight_feed: str = ""


class LendingRecord(_Record):
    """One lending vault, the symbol of what it lends, its collaterals in their order, the block before its events."""

    name: str
    address: str
    debt: str
    collaterals: tuple[CollateralRecord, ...] = ()
    first_block: int = 0


class TokenRecord(_Record):
    """A token that lending uses."""

    symbol: str
    address: str
    decimals: int


class Deployment(_Record):
    """Everything of one chain. `chain_key` is `<chain id>:<hash of block 1>`; addresses in checksum form."""

    chain_id: int
    chain_key: str
    deployer: str = ""
    registry: str = ""
    inference_verifier: str = ""
    coordinator: str = ""
    coordinator_block: int = 0  # before its first request
    contracts: dict[str, ContractRecord] = Field(default_factory=dict)
    tokens: dict[str, TokenRecord] = Field(default_factory=dict)
    models: dict[str, ModelRecord] = Field(default_factory=dict)
    feeds: dict[str, FeedRecord] = Field(default_factory=dict)
    lending: dict[str, LendingRecord] = Field(default_factory=dict)

    def with_(self, **changes: Any) -> Self:
        """A copy with some members replaced."""
        return self.model_copy(update=changes)

    def feed(self, name: str) -> FeedRecord:
        """A feed by its name. Raises NotFound."""
        return _named(self.feeds, "feed", name)

    def group(self, name: str) -> list[FeedRecord]:
        """The feeds that one proof serves, by name; empty for no group."""
        return [feed for _, feed in sorted(self.feeds.items()) if name and feed.group == name]

    def model(self, name: str) -> ModelRecord:
        """A model by its name. Raises NotFound."""
        return _named(self.models, "model", name)

    def vault(self, name: str) -> LendingRecord:
        """A lending vault by its name. Raises NotFound."""
        return _named(self.lending, "lending vault", name)

    def token(self, symbol: str) -> TokenRecord:
        """A token by its symbol. Raises NotFound."""
        return _named(self.tokens, "token", symbol)

    def to_json(self) -> str:
        """As text that `from_json` reads."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of to_json. Raises ConfigurationError for anything else."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigurationError(f"not a deployment record: {error.errors()[0]['msg']}") from error


def _named(records: dict[str, T], what: str, name: str) -> T:
    if name not in records:
        known = ", ".join(sorted(records)) or "none"
        raise NotFound(f"no {what} is named {name!r}", remedy=f"There are: {known}.")
    return records[name]
