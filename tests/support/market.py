"""A whole market on a test chain, deployed by the product's own deployer: feeds, a provable model, a lending vault."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from web3.types import TxReceipt

from oracle.chain.accounts import LocalRoles, local_roles
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed, RiskFeed
from oracle.chain.sender import Sender
from oracle.domain.deployment import (
    CollateralPlan,
    FeedGuards,
    LendingPlan,
    ObservationLimits,
    PriceFeedPlan,
    VolatilityFeedPlan,
)
from oracle.domain.features import PRICES
from oracle.domain.garch import GarchParams
from oracle.domain.lending_types import CollateralTerms, VaultTerms
from oracle.domain.observations import Observation, Report
from oracle.domain.outbox import MemoryOutbox
from oracle.market.publishers import sign_reports
from oracle.settings import Settings
from oracle.units import PRICE_UNIT, SECS_PER_DAY, WAD
from tests.support.window_circuit import WindowCircuit

PARAMS = GarchParams(WAD // 100, WAD // 20, WAD // 10, 85 * WAD // 100, 5, 252)
LIMITS = ObservationLimits(SECS_PER_DAY // 2, 7 * SECS_PER_DAY, SECS_PER_DAY, 100, 5_000)
GUARDS = FeedGuards(WAD // 1000, 10 * WAD, 2 * WAD, 10_000, 100, 3 * SECS_PER_DAY, 2)
TERMS = CollateralTerms(max_price_age=3 * SECS_PER_DAY, max_risk_age=4 * SECS_PER_DAY, min_risk=1)
CAPACITY = 64  # rounds that the price feed keeps
PRICE, VOLATILITY, VAULT = "test-usd", "test-volatility", "test-vault"


def price_plan(roles: LocalRoles, **changed: object) -> PriceFeedPlan:
    """The price feed: five publishers, three needed."""
    values = {
        "name": PRICE,
        "description": "TEST / USD",
        "publishers": tuple(account.address for account in roles.publishers),
        "quorum": 3,
        "limits": LIMITS,
        "capacity": CAPACITY,
    }
    return PriceFeedPlan(**(values | changed))  # type: ignore[arg-type]


def volatility_plan(model: str = "window-variance") -> VolatilityFeedPlan:
    """The volatility feed over it."""
    return VolatilityFeedPlan(VOLATILITY, "TEST volatility", PRICE, model, PARAMS, GUARDS)


def lending_plan() -> LendingPlan:
    """The vault."""
    return LendingPlan(VAULT, "USD", VaultTerms(), (CollateralPlan("TEST", PRICE, VOLATILITY, TERMS),))


def sender_of(client: ChainClient, index: int = 0) -> Sender:
    """A sender of a role, by the account's number, with an outbox of its own."""
    roles = local_roles(client.chain_id)
    return Sender(client, (roles.deployer, roles.operator)[index], MemoryOutbox())


@dataclass
class Market:
    """A deployed market, and what publishers and prover do to it."""

    client: ChainClient
    deployer: Deployer
    operator: Sender
    circuit: WindowCircuit
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def deploy(cls, client: ChainClient, circuit: WindowCircuit) -> Market:
        """Everything, in the order in which one thing needs the other."""
        deployer = Deployer(client, sender_of(client))
        deployer.deploy_core()
        deployer.deploy_token("TEST", "Test", 18)
        deployer.deploy_token("USD", "Dollar", 6)
        deployer.deploy_model(circuit, circuit.verifier_source)
        deployer.deploy_feed(price_plan(local_roles(client.chain_id)), volatility_plan(circuit.circuit_id))
        deployer.deploy_lending(lending_plan())
        return cls(client, deployer, sender_of(client, 1), circuit)

    @property
    def prices(self) -> ObservationFeed:
        """The price feed."""
        return ObservationFeed(self.client, self.deployer.deployment.feed(PRICE).address)

    @property
    def volatility(self) -> RiskFeed:
        """The volatility feed."""
        return RiskFeed(self.client, self.deployer.deployment.feed(VOLATILITY).address)

    def observe(self, price: float) -> TxReceipt:
        """One observation a day after the last, by all five publishers."""
        at = self._next_time()
        self.client.set_next_block_timestamp(at)
        report = self.prices.next_report(Observation(at, round(price * PRICE_UNIT)))
        signed = sign_reports(self._publisher_keys, self.prices.report_domain(), report)
        return self.operator.transact(f"observe-{next(self._keys)}", self.prices.submit(*signed))

    def fill_window(self, prices: list[float] | None = None) -> None:
        """As many observations as a window takes, in one transaction."""
        series = prices or [100 * (1 + 0.01 * (-1) ** i) for i in range(PRICES)]
        start, domain = self._next_time(), self.prices.report_domain()
        first, version = self.prices.latest_round() + 1, self.prices.publisher_set_version()
        signed = [
            sign_reports(
                self._publisher_keys,
                domain,
                Report(first + i, start + i * SECS_PER_DAY, round(price * PRICE_UNIT), version),
            )
            for i, price in enumerate(series)
        ]
        self.client.set_next_block_timestamp(start + (len(series) - 1) * SECS_PER_DAY)
        call = self.prices.submit_many([reports for reports, _ in signed], [signatures for _, signatures in signed])
        self.operator.transact(f"fill-{next(self._keys)}", call)

    def prove_round(self) -> TxReceipt:
        """The next round over the newest window, with a real proof."""
        observation_round = self.prices.latest_round()
        expected = self.volatility.expected_inputs(observation_round)
        proof = self.circuit.prove(expected.inputs)
        call = self.volatility.submit_round(observation_round, proof.outputs, proof.zk_proof)
        return self.operator.transact(f"round-{next(self._keys)}", call)

    def _next_time(self) -> int:
        latest = self.prices.latest()
        after = self.client.head().timestamp + 1
        return after if latest is None else max(after, latest.observed_at + SECS_PER_DAY)

    @property
    def _publisher_keys(self) -> list[bytes]:
        return [bytes(account.key) for account in local_roles(self.client.chain_id).publishers]


def settings_in(folder: Path, **changed: object) -> Settings:
    """Settings with a state folder of their own; compiled verifiers are kept beside it, for the tests that follow."""
    values = {"state_dir": folder, "cache_dir": folder.parent / "plumbline-cache"}
    return Settings(**(values | changed))  # type: ignore[arg-type]
