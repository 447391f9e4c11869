"""Chaos: a cluster under load whose processes, chain, database and RPC fail at random; then the accounts are read.

Seeded: the same seed draws the same disturbances. What they hit depends on the machine.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import httpx
import sqlalchemy as sa

from oracle.chain.anvil import AnvilProcess
from oracle.domain.onchain import OnchainStatus
from oracle.errors import OracleError
from oracle.store.db import open_engine, outbox, request_events, requests
from tests.support.cluster import Cluster, Member
from tests.support.onchain_stack import FEE

KILLS: Final = ("kill serve", "kill worker")
OTHERS: Final = ("restart chain", "reorg", "restart database", "crash database", "stall", "lie", "limit", "drop")
FINAL: Final = ("fulfilled", "failed", "cancelled")
SETTLE_SECS: Final = 240.0
# JSON members of an answer that no chain gave
_LIE: Final = b'"result": "0x"'
_LIMIT: Final = b'"error": {"code": -32005, "message": "rate limit exceeded"}'
# A node that lies about blocks or receipts is believed by nobody's design; about calls it is caught
_LIED_ABOUT: Final = frozenset({"eth_call", "eth_estimateGas"})


@dataclass
class Report:
    """What was done, and what the accounts say. Amounts in wei."""

    seed: int
    seconds: float = 0.0
    kills: int = 0
    disturbances: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)  # of those that failed
    asked_on_chain: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    fees_paid: int = 0
    held: int = 0
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


class Chaos:
    """Over a cluster that is ready."""

    def __init__(self, cluster: Cluster, seed: int, say: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._stack = cluster.stack
        self._random = random.Random(seed)
        self._say = say
        self._calm = threading.Event()
        self._lock = threading.Lock()  # the chain is not asked for a request while it restarts
        self._accepted: set[str] = set()
        self._proofs = 0
        self.report = Report(seed)

    def run(self, *, kills: int, limit_secs: float, pause_secs: float = 1.0) -> Report:
        """Disturbs until so many kills, or the time is over; then calms, waits until all has ended, and checks."""
        started = time.monotonic()
        load = [threading.Thread(target=self._load, args=(kind,), daemon=True) for kind in ("proof", "onchain")]
        for thread in load:
            thread.start()
        counted: Counter[str] = Counter()
        while self.report.kills < kills and time.monotonic() - started < limit_secs:
            time.sleep(self._random.uniform(0, 2 * pause_secs))
            what = self._random.choice(KILLS if self._random.random() < 0.7 else OTHERS)
            self._say(f"{time.monotonic() - started:.0f} s: {what}")
            self._disturb(what)
            counted[what] += 1
            self.report.kills += what.startswith("kill")
        self._calm.set()
        for thread in load:
            thread.join(60)
        self._cluster.proxy.disturb = None
        self.report.disturbances = dict(sorted(counted.items()))
        self.settle()
        self.report.seconds = round(time.monotonic() - started, 1)
        return self.report

    def settle(self) -> Report:
        """Starts what is dead, waits until every request has ended, and reads the accounts."""
        self._revive()
        self._wait_ended()
        self._check()
        return self.report

    # --- load

    def _load(self, kind: str) -> None:
        while not self._calm.is_set():
            try:
                if kind == "proof":
                    self._accept()
                else:
                    with self._lock:
                        self._stack.ask()
            except (OracleError, httpx.HTTPError, AssertionError, OSError):
                pass
            self._calm.wait(self._random.uniform(0.5, 2.5))

    def _accept(self) -> None:
        self._proofs += 1
        body = {"model": "tiny-linear", "inputData": [[self._proofs % 7 / 8, -1.0, 0.25]], "submit": True}
        headers = {"Idempotency-Key": f"chaos-{self._proofs}"}
        for _ in range(3):  # the same request again, as callers do who had no answer
            with suppress(httpx.HTTPError):
                url = f"{self._cluster.api_url}/v1/proof-requests"
                response = httpx.post(url, json=body, headers=headers, trust_env=False, timeout=10)
                if response.status_code in {200, 202}:
                    self._accepted.add(str(response.json()["id"]))
                    return
            self._calm.wait(0.5)

    # --- disturbances

    def _disturb(self, what: str) -> None:
        if what == "kill serve":
            self._kill([member for member in self._cluster.members if member.name == "serve"])
        elif what == "kill worker":
            self._kill([member for member in self._cluster.members if member.name != "serve"])
        elif what == "restart chain":
            self._restart_chain()
        elif what == "reorg":
            with self._lock, suppress(OracleError):
                self._stack.client.rpc("anvil_reorg", self._random.randint(1, 5), [])
        elif what.endswith("database"):
            self._cluster.postgres.stop("immediate" if what.startswith("crash") else "fast")
            time.sleep(self._random.uniform(0, 2))
            self._cluster.postgres.start()
        else:
            self._rpc_fault(what)

    def _kill(self, members: list[Member]) -> None:
        victim = self._random.choice(members)
        if victim.alive():
            victim.kill()
        victim.start()

    def _restart_chain(self) -> None:
        with self._lock:
            settings, port = self._stack.settings, int(self._stack.anvil.rpc_url.rsplit(":", 1)[1])
            self._stack.anvil.stop()
            self._stack.anvil = AnvilProcess.start(
                settings, port=port, state_file=settings.state_dir / "chain.json", block_time=1
            )

    def _rpc_fault(self, what: str) -> None:
        chance, until = self._random.uniform(0.1, 0.6), time.monotonic() + self._random.uniform(1, 4)

        def disturb(method: str) -> bytes | None:
            if time.monotonic() > until:
                self._cluster.proxy.disturb = None
            elif random.random() < chance:
                if what == "stall":
                    time.sleep(1.0)
                elif what == "drop":
                    raise ConnectionResetError
                elif what == "limit":
                    return _LIMIT
                elif method in _LIED_ABOUT:
                    return _LIE
            return None

        self._cluster.proxy.disturb = disturb

    def _revive(self) -> None:
        for member in self._cluster.members:
            if not member.alive():
                member.start()

    # --- the accounts

    def _wait_ended(self) -> None:
        deadline = time.monotonic() + SETTLE_SECS
        while time.monotonic() < deadline:
            self._revive()
            with suppress(OracleError, sa.exc.DBAPIError):
                if not self._open_requests() and not self._open_on_chain() and not self._pending():
                    return
            time.sleep(2)

    def _open_on_chain(self) -> list[int]:
        count = self._stack.coordinator.count()
        return [i for i in range(1, count + 1) if self._stack.facts(i).status is OnchainStatus.OPEN]

    def _query(self, statement: sa.Select[Any]) -> list[Any]:
        engine = open_engine(self._cluster.database_url)
        try:
            with engine.connect() as connection:
                return list(connection.execute(statement))
        finally:
            engine.dispose()

    def _open_requests(self) -> list[Any]:
        return self._query(sa.select(requests.c.id, requests.c.step).where(requests.c.state.not_in(FINAL)))

    def _pending(self) -> list[Any]:
        return self._query(sa.select(outbox.c.key, outbox.c.nonce).where(outbox.c.state == "pending"))

    def _check(self) -> None:
        """Every accepted request ended once; no fee paid twice; no nonce left out; every wei is where it belongs."""
        report, broken = self.report, self.report.broken
        ends = Counter(
            str(row[0])
            for row in self._query(sa.select(request_events.c.request_id).where(request_events.c.event.in_(FINAL)))
        )
        known = {str(row.id): str(row.state) for row in self._query(sa.select(requests.c.id, requests.c.state))}
        report.accepted, report.ended = len(known), dict(Counter(known.values()))
        failed = self._query(sa.select(requests.c.cause).where(requests.c.state == "failed"))
        report.causes = dict(Counter(str(row.cause["error"]) for row in failed))
        broken += [f"request {one} was accepted and is gone" for one in self._accepted - set(known)]
        broken += [f"request {one} is still {state}" for one, state in known.items() if state not in FINAL]
        broken += [f"request {one} ended {ends[one]} times" for one in known if known[one] in FINAL and ends[one] != 1]
        self._check_chain()
        broken += [f"transaction {row.key} with nonce {row.nonce} is pending" for row in self._pending()]
        client, operator = self._stack.client, self._stack.operator
        if client.nonce(operator) != client.nonce(operator, "pending"):
            broken.append("a transaction of the operator waits behind a gap")

    def _check_chain(self) -> None:
        report, stack = self.report, self._stack
        facts = [stack.facts(i) for i in range(1, stack.coordinator.count() + 1)]
        report.asked_on_chain = len(facts)
        report.statuses = dict(Counter(one.status.name.lower() for one in facts))
        report.broken += [f"{one.request_id} is open" for one in facts if one.status is OnchainStatus.OPEN]
        events = stack.coordinator.contract.events.Fulfilled()
        topic = bytes.fromhex(events.topic.removeprefix("0x"))
        paid = Counter(log["topics"][1].hex() for log in stack.client.logs(stack.coordinator.address, [[topic]]))
        report.broken += [f"{one} was paid {times} times" for one, times in paid.items() if times != 1]
        fulfilled = sum(one.fee for one in facts if one.status is OnchainStatus.FULFILLED)
        report.fees_paid, report.held = stack.credit(stack.operator), stack.client.balance(stack.coordinator.address)
        if report.fees_paid != fulfilled or fulfilled != FEE * report.statuses.get("fulfilled", 0):
            report.broken.append(f"{report.fees_paid} wei are credited, the answers' fees are {fulfilled}")
        if report.held != sum(one.fee for one in facts):
            report.broken.append(
                f"the coordinator holds {report.held} wei, its requests paid {sum(o.fee for o in facts)}"
            )
