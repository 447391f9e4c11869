"""Observations and the reports in which publishers sign them; the twins of IObservationFeed's structs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REPORT_DOMAIN_NAME: Final = "Plumbline ObservationFeed"
REPORT_DOMAIN_VERSION: Final = "1"

# contracts/interfaces/IObservationFeed.sol, Report; the order of the fields is the typed data's
REPORT_FIELDS: Final = (
    ("roundId", "uint64"),
    ("observedAt", "uint64"),
    ("price", "uint64"),
    ("publisherSetVersion", "uint32"),
)


VECTOR_DOMAIN_NAME: Final = "Plumbline VectorObservationFeed"

# contracts/interfaces/IVectorObservationFeed.sol, VectorReport; the order of the fields is the typed data's
VECTOR_REPORT_FIELDS: Final = (
    ("roundId", "uint64"),
    ("observedAt", "uint64"),
    ("values", "int256[]"),
    ("publisherSetVersion", "uint32"),
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One price at one time: `observed_at` in unix seconds, `price` with 8 decimals."""

    observed_at: int
    price: int


@dataclass(frozen=True, slots=True)
class Report:
    """What one publisher signs: an observation, the round it is for, and the publisher set it counts under."""

    round_id: int
    observed_at: int
    price: int
    publisher_set_version: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        """The fields in the ABI's order, as IObservationFeed.submit takes them."""
        return (self.round_id, self.observed_at, self.price, self.publisher_set_version)


@dataclass(frozen=True, slots=True)
class VectorReport:
    """What one publisher signs for a vector feed: `values` in the components' order, at the feed's decimals."""

    round_id: int
    observed_at: int
    values: tuple[int, ...]
    publisher_set_version: int

    def as_tuple(self) -> tuple[int, int, tuple[int, ...], int]:
        """The fields in the ABI's order, as IVectorObservationFeed.submit takes them."""
        return (self.round_id, self.observed_at, self.values, self.publisher_set_version)


AnyReport = Report | VectorReport


@dataclass(frozen=True, slots=True)
class ReportDomain:
    """The EIP-712 domain of one feed of signed reports; the name tells a price feed from a vector feed."""

    chain_id: int
    verifying_contract: str
    name: str = REPORT_DOMAIN_NAME
    version: str = REPORT_DOMAIN_VERSION
