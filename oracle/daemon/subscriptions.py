"""Starts the runs of subscriptions that are due, can be paid, and can be proven here."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import structlog

from oracle.chain.coordinator import Coordinator, SubscriptionFacts
from oracle.daemon.circuits import CircuitFinder
from oracle.daemon.parts import ServiceParts
from oracle.domain.onchain import NATIVE, FeeRule
from oracle.errors import NotFound, OracleError

LOOK_SECS: Final = 1.0

_log = structlog.get_logger(__name__)


class SubscriptionRunner:
    """Looks at every subscription once a second; a run's transaction is sent beside the listener's loop."""

    def __init__(self, parts: ServiceParts, coordinator: Coordinator, circuits: CircuitFinder, rule: FeeRule) -> None:
        self._parts = parts
        self._coordinator = coordinator
        self._circuits = circuits
        self._rule = rule
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plumbline-runs")
        self._sending: dict[int, Future[None]] = {}
        self._look_at = 0.0

    def stop(self) -> None:
        """Sends no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run_due(self) -> None:
        """Starts what is due."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECS
        self._sending = {key: future for key, future in self._sending.items() if not future.done()}
        for subscription_id in range(1, self._coordinator.subscription_count() + 1):
            if subscription_id in self._sending or not self._coordinator.is_due(subscription_id):
                continue
            facts = self._coordinator.subscription(subscription_id)
            if self._worthwhile(facts):
                self._sending[subscription_id] = self._pool.submit(self._start, facts)

    def _worthwhile(self, facts: SubscriptionFacts) -> bool:
        if facts.balance < facts.fee_per_run or facts.prover not in {NATIVE, *self._parts.sender.addresses}:
            return False
        try:
            registry_version = self._version(facts.model_id)
            self._circuits.find(facts.model_id, registry_version)
        except NotFound:
            return False
        head = self._parts.client.head()
        price = head.base_fee + self._parts.client.tip()
        return self._rule.covers(facts.fee_per_run, facts.fee_token, facts.callback_gas, price)

    def _version(self, model_id: int) -> int:
        for record in self._parts.deployment().models.values():
            if record.model_id == model_id:
                return record.version
        raise NotFound(f"the model {model_id} is not of this deployment")

    def _start(self, facts: SubscriptionFacts) -> None:
        # One key for each run: two listeners, or one that died, start the same run once
        key = f"run:{self._coordinator.address}:{facts.subscription_id}:{facts.last_request_id}"
        try:
            self._parts.sender.transact(key, self._coordinator.run(facts.subscription_id))
        except OracleError as error:
            self._parts.metrics.failures.labels("subscription", type(error).__name__).inc()
            _log.warning("a run was not started", subscription=facts.subscription_id, detail=str(error))
