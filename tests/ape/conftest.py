"""Fixtures of the eth-ape suite: the core contracts on ape's own Anvil. Separate from the main suite's."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data

from oracle.domain.observations import Report, ReportDomain
from oracle.market.publishers import typed_data

LIMITS = (1800, 6 * 3600, 3600, 100, 1000)  # minInterval, maxInterval, maxReportAge, maxSpreadBps, maxMoveBps
GARCH = (6 * 10**15, 2 * 10**16, 8 * 10**16, 90 * 10**16, 24, 8766)
SCALE_BITS = 16
QUORUM = 3


@pytest.fixture(scope="session")
def owner(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def publishers(accounts):
    """Five publishers in rising order of address, as the feed wants signatures."""
    return sorted(accounts[2:7], key=lambda account: int(account.address, 16))


@pytest.fixture(scope="session")
def feed(project, owner, publishers):
    return project.ObservationFeed.deploy("TEST / USD", 64, owner, publishers, QUORUM, LIMITS, sender=owner)


@pytest.fixture(scope="session")
def module(project, owner, feed):
    return project.GarchVolatilityModule.deploy(feed, GARCH, SCALE_BITS, sender=owner)


@pytest.fixture(scope="session")
def sign(feed, chain):
    """`sign(report, signers)`: the arguments of `submit`; a report as (roundId, observedAt, price, setVersion)."""
    domain = ReportDomain(chain.chain_id, feed.address)

    def signed(report, signers):
        message = encode_typed_data(full_message=typed_data(domain, Report(*report)))
        return [report] * len(signers), [signer.sign_message(message).encode_rsv() for signer in signers]

    return signed
