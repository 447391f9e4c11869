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
class ReportDomain:
    """The EIP-712 domain of one ObservationFeed."""

    chain_id: int
    verifying_contract: str
    name: str = REPORT_DOMAIN_NAME
    version: str = REPORT_DOMAIN_VERSION
