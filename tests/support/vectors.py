"""A VectorObservationFeed with publishers who sign, for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.observations import VECTOR_DOMAIN_NAME, ReportDomain, VectorReport
from oracle.market.publishers import assemble, sign_report, sign_reports
from oracle.units import WAD
from tests.support.local_chain import LocalChain, account
from tests.support.observations import PUBLISHERS, QUORUM, FeedLimits

COMPONENTS = (("depth", 0, 100 * WAD), ("skew", -WAD, WAD), ("rho", -WAD, WAD))
VALUES = (3 * WAD, -WAD // 4, 0)


@dataclass
class VectorPublishers:
    """Signs vectors with development accounts and brings them to a feed."""

    chain: LocalChain
    contract: Contract
    members: Sequence[int] = PUBLISHERS
    domain: ReportDomain = field(init=False)

    def __post_init__(self) -> None:
        self.domain = ReportDomain(self.chain.web3.eth.chain_id, self.contract.address, VECTOR_DOMAIN_NAME)

    def report(self, values: Sequence[int] = VALUES, **changes: Any) -> VectorReport:
        """The report that fits as the feed's next round, observed in the newest block, with fields changed as given."""
        feed = self.contract.functions
        report = VectorReport(
            round_id=feed.latestRound().call() + 1,
            observed_at=self.chain.now(),
            values=tuple(values),
            publisher_set_version=feed.publisherSetVersion().call(),
        )
        return replace(report, **changes)

    def sign(self, report: VectorReport, signers: Sequence[int] | int = QUORUM) -> tuple[list[Any], list[bytes]]:
        """`submit`'s arguments: the same report signed by the given accounts, or by the first n publishers."""
        members = self.members[:signers] if isinstance(signers, int) else signers
        reports, signatures = sign_reports([account(i).key for i in members], self.domain, report)
        return [r.as_tuple() for r in reports], signatures

    def sign_each(self, reports: dict[int, VectorReport]) -> tuple[list[Any], list[bytes]]:
        """`submit`'s arguments: a report of its own for each signing account."""
        signed = [(*sign_report(account(i).key, self.domain, report), report) for i, report in reports.items()]
        ordered, signatures = assemble(signed)
        return [r.as_tuple() for r in ordered], signatures

    def sign_values(self, rows: Sequence[Sequence[int]]) -> tuple[list[Any], list[bytes]]:
        """`submit`'s arguments: each publisher reports a row of its own."""
        report = self.report()
        rows_of = zip(self.members, rows, strict=False)
        return self.sign_each({member: replace(report, values=tuple(row)) for member, row in rows_of})

    def submit(self, arguments: tuple[list[Any], list[bytes]]) -> Any:
        """The call, to be sent or tried."""
        return self.contract.functions.submit(*arguments)

    def observe(self, values: Sequence[int] = VALUES, *, after: int = 3600, signers: int = QUORUM) -> TxReceipt:
        """Records `values` observed `after` seconds from the newest block."""
        self.chain.mine(self.chain.now() + after)
        return self.chain.send(self.submit(self.sign(self.report(values), signers)))


def bytes32(name: str) -> bytes:
    """A short text as Solidity's bytes32."""
    return name.encode().ljust(32, b"\0")


def deploy_vector_feed(
    chain: LocalChain,
    components: Sequence[tuple[str, int, int]] = COMPONENTS,
    limits: FeedLimits | None = None,
    *,
    capacity: int = 8,
    members: Sequence[int] = PUBLISHERS,
    quorum: int = QUORUM,
    deployer: int = 0,
) -> VectorPublishers:
    """Deploys a VectorObservationFeed owned by account 0 and returns its publishers, whose `contract` it is."""
    addresses = [account(i).address for i in members]
    rows = [(bytes32(name), low, high) for name, low, high in components]
    limit_values = (limits or FeedLimits(max_spread_bps=500, max_move_bps=1000)).as_tuple()
    arguments = ("TEST vector", 18, capacity, rows, chain.address(0), addresses, quorum, limit_values)
    feed = chain.deploy("VectorObservationFeed", *arguments, sender=chain.address(deployer))
    return VectorPublishers(chain, feed, members)
