"""Watches a coordinator: follows its blocks over reorgs, and has every request that pays answered.

What was seen is in the database (oracle/store/coordinator.py); whether a request is open, for whom, until when and for
how much is asked from the contract each time. Two listeners over one database do no harm: they accept the same request
under the same key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from oracle.chain.client import Block
from oracle.chain.coordinator import Coordinator, inputs_hash
from oracle.daemon.circuits import CircuitFinder
from oracle.daemon.loops import PatientLoop
from oracle.daemon.parts import ServiceParts
from oracle.daemon.subscriptions import SubscriptionRunner
from oracle.domain.onchain import NATIVE, AskedInference, FeeRule, OnchainRequest, OnchainStatus
from oracle.domain.requests import Request, RequestKind, RequestState
from oracle.errors import ConfigurationError, NotFound
from oracle.store.coordinator import AskedState, AskedStore, Watched

LONGEST_PAUSE_SECS: Final = 15.0
# An answer that is so deep, or so old, is not taken back any more
SETTLED_BLOCKS: Final = 12
SETTLED_SECS: Final = 60.0
LOOK_SECS: Final = 0.5
LOOK_AGAIN_SECS: Final = 1.0
FEE_AGAIN_SECS: Final = 5.0
MAX_ATTEMPTS: Final = 5
# From the proof to its landing; a request whose deadline is nearer is left alone
LANDING_SECS: Final = 3

_log = structlog.get_logger(__name__)

Accept = Callable[[RequestKind, str, Mapping[str, Any], str], Request]


class BlockFollower:
    """Reads a coordinator's requests block by block, `confirmations` behind the head, and notices reorgs."""

    def __init__(self, parts: ServiceParts, coordinator: Coordinator, store: AskedStore, first_block: int) -> None:
        self._client = parts.client
        self._confirmations = parts.settings.confirmations
        self._coordinator = coordinator
        self._store = store
        self._first_block = first_block
        self._tip: tuple[int, str] | None = None
        self.head: Block | None = None

    def advance(self) -> list[Watched]:
        """Reads what is new, up to `head`; the requests that a reorg took back since the last time."""
        self.head = head = self._client.head()
        safe = head.number - self._confirmations
        if self._tip is not None and self._confirmations == 0:
            if self._tip == (head.number, _hex(head.hash)):
                return []
            if self._tip == (head.number - 1, _hex(head.parent_hash)):
                self._follow(head, self._coordinator.asked_at(head.hash))
                return []
        followed = self._store.followed()
        dropped: list[Watched] = []
        common = self._common(followed)
        if followed and common != followed[0][0]:
            dropped = self._store.unfollow(common)
            _log.warning("reorg followed", back_to=common, from_block=followed[0][0], dropped=len(dropped))
        tip = self._client.block(safe) if safe >= self._first_block else None
        if tip is None or safe <= common:
            return dropped
        asked = self._coordinator.asked(common + 1, safe)
        again = self._client.block(safe)
        if again is None or again.hash != tip.hash:  # it reorganised while it was read: the next time
            return dropped
        self._follow(tip, asked)
        return dropped

    def _follow(self, tip: Block, asked: list[AskedInference]) -> None:
        self._store.follow([(tip.number, _hex(tip.hash))], asked)
        self._tip = tip.number, _hex(tip.hash)
        for one in asked:
            _log.info("asked on chain", onchain_id=one.request_id, model_id=one.model_id, block=one.block_number)

    def _common(self, followed: list[tuple[int, str]]) -> int:
        """The newest followed block that the chain still has."""
        for number, block_hash in followed:
            block = self._client.block(number)
            if block is not None and _hex(block.hash) == block_hash:
                return number
        return self._first_block - 1


class Listener:
    """A loop in a thread of its own. An error that is no OracleError goes to `on_fatal` and ends it."""

    def __init__(
        self,
        parts: ServiceParts,
        coordinator: Coordinator,
        store: AskedStore,
        *,
        first_block: int,
        accept: Accept,
        drop: Callable[[str], None],
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._parts = parts
        self._coordinator = coordinator
        self._store = store
        self._follower = BlockFollower(parts, coordinator, store, first_block)
        self._circuits = CircuitFinder(parts)
        self._rule = FeeRule.parsed(parts.settings.fee_over_gas, parts.settings.fee_token_wei)
        self._subscriptions = SubscriptionRunner(parts, coordinator, self._circuits, self._rule)
        self._accept = accept
        self._drop = drop
        self._seen = b""
        self._loop = PatientLoop(
            "listener",
            self._next,
            secs=parts.settings.chain_poll_secs,
            longest_secs=LONGEST_PAUSE_SECS,
            metrics=parts.metrics,
            on_fatal=on_fatal,
        )

    def start(self) -> None:
        """Begins."""
        self._loop.start()

    def stop(self, timeout_secs: float = 10.0) -> None:
        """Ends after the cycle that runs now, or after the timeout."""
        self._loop.stop(timeout_secs)
        self._subscriptions.stop()

    def _next(self) -> None:
        """A cycle at every new block, and now and then without one: turns come by the clock too."""
        self._seen = self._parts.client.heads.wait(self._seen, LOOK_SECS)
        self.cycle()

    def cycle(self) -> None:
        """Reads new blocks, looks at every request whose turn it is, starts the subscriptions' runs that are due."""
        for dropped in self._follower.advance():
            if dropped.request_id is not None:
                self._drop(dropped.request_id)
        for watched in self._store.due():
            if self._loop.stopping.is_set():
                return
            self._look(watched)
        self._subscriptions.run_due()
        for state, count in self._store.counts().items():
            self._parts.metrics.onchain.labels(state).set(count)

    def _look(self, watched: Watched) -> None:
        asked = watched.asked
        facts = self._coordinator.request_of(asked.request_id)
        if not _is_of(facts, asked):
            self._gone(asked)
        elif watched.state is AskedState.UNDERWAY:
            self._look_after(watched, facts)
        elif facts.status is not OnchainStatus.OPEN:
            self._close(asked, facts.status.name.lower())
        else:
            self._consider(watched, facts)

    def _gone(self, asked: AskedInference) -> None:
        """The contract does not know such a request: it was in a block that is gone, or this node is behind."""
        block = self._parts.client.block(asked.block_number)
        if block is not None and _hex(block.hash) == asked.block_hash:
            self._store.move(asked, AskedState.WATCHED, wait_secs=LOOK_AGAIN_SECS, detail="unknown to the contract")
        else:
            self._store.move(asked, AskedState.DROPPED, detail="its block is gone")

    def _look_after(self, watched: Watched, facts: OnchainRequest) -> None:
        """After the service's request has ended: closed once the answer is settled, tried again if there is none."""
        asked = watched.asked
        request = self._parts.requests.get(str(watched.request_id))
        if not request.finished or request.finished_at is None:
            self._store.move(asked, AskedState.UNDERWAY, wait_secs=LOOK_AGAIN_SECS)
        elif facts.status is OnchainStatus.OPEN:
            lost = request.state is RequestState.FULFILLED
            if watched.attempts >= MAX_ATTEMPTS:
                self._close(asked, f"given up after {watched.attempts} attempts")
                return
            detail = "the answer was taken back by a reorg" if lost else _cause(request)
            wait = 0.0 if lost else float(2**watched.attempts)
            self._store.move(asked, AskedState.WATCHED, wait_secs=wait, detail=detail[:255])
        elif facts.status is OnchainStatus.FULFILLED and not self._settled(request):
            self._store.move(asked, AskedState.UNDERWAY, wait_secs=LOOK_AGAIN_SECS)
        else:
            self._close(asked, facts.status.name.lower())

    def _settled(self, request: Request) -> bool:
        landed = int((request.result or {}).get("blockNumber", 0))
        deep = landed and self._parts.client.head().number - landed >= SETTLED_BLOCKS
        return bool(deep) or time.time() - (request.finished_at or 0.0) > SETTLED_SECS

    def _consider(self, watched: Watched, facts: OnchainRequest) -> None:
        """Has an open request answered, or says why not now, or why never."""
        head = self._follower.head or self._parts.client.head()
        asked, now = watched.asked, head.timestamp
        provers = frozenset(self._parts.sender.addresses)
        try:
            circuit = self._circuits.find(asked.model_id, asked.version)
        except (NotFound, ConfigurationError) as error:
            self._close(asked, str(error))
            return
        if facts.assigned_to_another(provers, now):
            detail = f"assigned to {facts.prover} until {facts.assigned_until}"
            wait = max(LOOK_AGAIN_SECS, float(facts.assigned_until + 1 - now))
            self._store.move(asked, AskedState.WATCHED, wait_secs=wait, detail=detail)
        elif facts.deadline < now + circuit.prove_seconds + LANDING_SECS:
            self._close(asked, f"too late: the deadline is {facts.deadline}, it is {now}")
        elif not self._rule.pays(facts, head.base_fee + self._parts.client.tip()):
            detail = f"a fee of {facts.fee} does not cover its gas"
            self._store.move(asked, AskedState.WATCHED, wait_secs=FEE_AGAIN_SECS, detail=detail)
        else:
            self._begin(watched, circuit.circuit_id)

    def _begin(self, watched: Watched, circuit_id: str) -> None:
        asked, attempt = watched.asked, watched.attempts + 1
        body = {**asked.as_json(), "coordinator": self._coordinator.address, "attempt": attempt}
        key = f"onchain:{self._coordinator.address}:{asked.request_id}:{asked.block_hash}:{attempt}"
        request = self._accept(RequestKind.INFERENCE, circuit_id, body, key)
        self._store.move(asked, AskedState.UNDERWAY, wait_secs=LOOK_AGAIN_SECS, attempts=attempt, request_id=request.id)

    def _close(self, asked: AskedInference, detail: str) -> None:
        _log.info("closed", onchain_id=asked.request_id, detail=detail)
        self._store.move(asked, AskedState.CLOSED, detail=detail[:255])


def _is_of(facts: OnchainRequest, asked: AskedInference) -> bool:
    """Whether the contract's request is the one of the event: made then, over these inputs, for this model."""
    return (
        facts.status is not OnchainStatus.NONE
        and facts.payer != NATIVE
        and facts.created_at == asked.observed_at
        and (facts.model_id, facts.version) == (asked.model_id, asked.version)
        and facts.inputs_hash == inputs_hash(asked.inputs)
    )


def _cause(request: Request) -> str:
    return f"{request.cause.error}: {request.cause.message}" if request.cause else request.state.value


def _hex(block_hash: bytes) -> str:
    return "0x" + block_hash.hex()
