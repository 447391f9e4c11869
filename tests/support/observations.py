"""An ObservationFeed with publishers who sign, for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.observations import Report, ReportDomain
from oracle.market.publishers import assemble, sign_report, sign_reports
from tests.support.local_chain import LocalChain, account

PRICE = 100 * 10**8
PUBLISHERS = tuple(range(2, 7))
QUORUM = 3


@dataclass(frozen=True)
class FeedLimits:
    """IObservationFeed.Limits; seconds and basis points."""

    min_interval: int = 1800
    max_interval: int = 6 * 3600
    max_report_age: int = 3600
    max_spread_bps: int = 100
    max_move_bps: int = 1000

    def as_tuple(self) -> tuple[int, int, int, int, int]:
        """The fields in the ABI's order."""
        return (self.min_interval, self.max_interval, self.max_report_age, self.max_spread_bps, self.max_move_bps)


@dataclass
class Publishers:
    """Signs reports with development accounts and brings them to a feed."""

    chain: LocalChain
    contract: Contract
    members: Sequence[int] = PUBLISHERS
    domain: ReportDomain = field(init=False)

    def __post_init__(self) -> None:
        self.domain = ReportDomain(self.chain.web3.eth.chain_id, self.contract.address)

    def report(self, price: int = PRICE, **changes: int) -> Report:
        """The report that fits as the feed's next round, observed in the next block, with fields changed as given."""
        feed = self.contract.functions
        report = Report(
            round_id=feed.latestRound().call() + 1,
            observed_at=self.chain.now(),
            price=price,
            publisher_set_version=feed.publisherSetVersion().call(),
        )
        return replace(report, **changes)

    def sign(self, report: Report, signers: Sequence[int] | int = QUORUM) -> tuple[list[Any], list[bytes]]:
        """`submit`'s arguments: the same report signed by the given accounts, or by the first n publishers."""
        members = self.members[:signers] if isinstance(signers, int) else signers
        reports, signatures = sign_reports([account(i).key for i in members], self.domain, report)
        return [r.as_tuple() for r in reports], signatures

    def sign_each(self, reports: dict[int, Report]) -> tuple[list[Any], list[bytes]]:
        """`submit`'s arguments: a report of its own for each signing account."""
        signed = [(*sign_report(account(i).key, self.domain, report), report) for i, report in reports.items()]
        ordered, signatures = assemble(signed)
        return [r.as_tuple() for r in ordered], signatures

    def signer_order(self, members: Sequence[int]) -> list[int]:
        """Accounts in rising order of address."""
        return sorted(members, key=lambda i: int(account(i).address, 16))

    def observe(self, price: int = PRICE, *, after: int = 3600, signers: int = QUORUM) -> TxReceipt:
        """Records `price` observed `after` seconds from the newest block, published in that block's second plus one."""
        self.chain.mine(self.chain.now() + after)
        return self.chain.send(self.contract.functions.submit(*self.sign(self.report(price), signers)))

    def history(self, prices: Sequence[int], *, interval: int = 3600, signers: int = QUORUM) -> TxReceipt:
        """Records many prices by `submitMany`, the last one observed now."""
        self.chain.mine(self.chain.now() + interval * len(prices))
        first = self.contract.functions.latestRound().call() + 1
        version = self.contract.functions.publisherSetVersion().call()
        start = self.chain.now() - interval * (len(prices) - 1)
        signed = [
            self.sign(Report(first + i, start + interval * i, price, version), signers)
            for i, price in enumerate(prices)
        ]
        batch = self.contract.functions.submitMany([r for r, _ in signed], [s for _, s in signed])
        return self.chain.send(batch)


def deploy_feed(
    chain: LocalChain,
    limits: FeedLimits | None = None,
    *,
    capacity: int = 64,
    members: Sequence[int] = PUBLISHERS,
    quorum: int = QUORUM,
    description: str = "TEST / USD",
    deployer: int = 0,
) -> Publishers:
    """Deploys an ObservationFeed owned by account 0 and returns its publishers, whose `contract` it is."""
    addresses = [account(i).address for i in members]
    limit_values = (limits or FeedLimits()).as_tuple()
    arguments = (description, capacity, chain.address(0), addresses, quorum, limit_values)
    feed = chain.deploy("ObservationFeed", *arguments, sender=chain.address(deployer))
    return Publishers(chain, feed, members)
