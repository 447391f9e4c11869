"""The line of one worker to the chain, which brings it to a batch of fulfilments and holds it there."""

from __future__ import annotations

import threading
from typing import Any

from eth_utils.crypto import keccak

from tests.support.onchain_stack import OnchainStack
from tests.support.rpc_proxy import RpcProxy
from tests.support.waiting import until

_FULFILMENT = "(uint256,int256[],uint256[],bytes,address,bytes32)"
FULFIL = keccak(text=f"fulfil({_FULFILMENT})")[:4].hex()
FULFIL_MANY = keccak(text=f"fulfilMany({_FULFILMENT}[])")[:4].hex()
REQUEST_OF = keccak(text="requestOf(uint256)")[:4].hex()
TIMEOUT_SECS = 60.0
BLOCK_SECS = 4
ATTEMPTS = 5


class BatchLine:
    """Before a batch there must be a block that the worker has seen come, two fulfilments ready, and one to wait for.

    So of four requests the first to be ready passes alone, two are held until it has landed, and the last is held
    while it is begun. A worker on a busy machine may not know when the next block comes, and then nothing waits for
    another: four more are asked for.
    """

    def __init__(self, stack: OnchainStack, target: str) -> None:
        self._stack = stack
        self.proxy = RpcProxy(target)
        self._ready = threading.Semaphore(0)
        self._landed = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._first = ""
        self._last = 0

    def hold_batch(self, *, after: bool) -> list[int]:
        """The requests that were asked for until a batch is held: before the chain has it, or `after`."""
        asked: list[int] = []
        while len(asked) < 4 * ATTEMPTS:
            self._landed.clear()
            self._over.clear()
            self._first, self._last = "", self._stack.coordinator.count() + 4
            self.proxy.hold(self._point, after=after)
            four = [self._stack.ask(prover=self._stack.operator) for _ in range(4)]
            asked += four
            self._stack.client.rpc("evm_setIntervalMining", BLOCK_SECS)
            for _ in range(2):
                assert self._ready.acquire(timeout=TIMEOUT_SECS), "no two fulfilments were ready"
            until(lambda one=int(self._first, 16): self._stack.facts(one).fulfilled_at > 0, TIMEOUT_SECS)  # type: ignore[misc]
            self._landed.set()
            if self._held_or_answered(four):
                return asked
            self.release()
            for one in four:
                self._stack.answered(one)
            self._stack.client.rpc("evm_setAutomine", True)
        raise AssertionError(f"{len(asked)} requests were all answered alone")

    def _held_or_answered(self, four: list[int]) -> bool:
        """Whether a batch is held, once that is known: else three of four are answered."""

        def answered() -> bool:
            return sum(self._stack.facts(one).fulfilled_at > 0 for one in four) == 3

        until(lambda: self.proxy.held or answered(), TIMEOUT_SECS)
        return self.proxy.held

    def release(self) -> None:
        """Lets everything pass again, but for a batch that the chain does not have yet: it never gets it."""
        self._over.set()
        self._landed.set()
        self.proxy.release(drop=True)

    def _point(self, method: str, params: list[Any]) -> bool:
        data = str(params[0].get("data", "")).removeprefix("0x") if params and isinstance(params[0], dict) else ""
        if data.startswith(REQUEST_OF) and int(data[8:72], 16) == self._last:
            self._over.wait(TIMEOUT_SECS)
        if method == "eth_estimateGas" and data.startswith(FULFIL):
            self._line_up(data[8 + 64 : 8 + 128])
        return method == "eth_sendRawTransaction" and FULFIL_MANY in params[0]

    def _line_up(self, request: str) -> None:
        """`request`: its id, the first word of the fulfilment."""
        with self._lock:
            self._first = self._first or request
        if request != self._first and not self._landed.is_set():
            self._ready.release()
            self._landed.wait(TIMEOUT_SECS)
