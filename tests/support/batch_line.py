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


class BatchLine:
    """Before a batch there must be a block that the worker has seen, two fulfilments ready, and one to wait for.

    So of four requests the first to be ready passes alone, two are held until it has landed, and the last is held
    while it is begun. `hold` says where the worker then finds the batch held: before the chain has it, or after.
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

    def ask(self) -> list[int]:
        """Four requests on chain."""
        return [self._stack.ask(prover=self._stack.operator) for _ in range(4)]

    def hold(self, last: int, *, after: bool) -> None:
        """Prepares for the requests up to `last`."""
        self._landed.clear()
        self._over.clear()
        self._first, self._last = "", last
        self.proxy.hold(self._point, after=after)

    def wait_held(self) -> None:
        """Returns once a batch is held."""
        for _ in range(2):
            assert self._ready.acquire(timeout=TIMEOUT_SECS), "no two fulfilments were ready"
        nonce = self._stack.client.nonce(self._stack.operator)
        until(lambda: self._stack.client.nonce(self._stack.operator) > nonce or self._answered(), TIMEOUT_SECS)
        self._landed.set()
        self.proxy.wait_held()

    def _answered(self) -> bool:
        return bool(self._first) and self._stack.facts(int(self._first, 16)).fulfilled_at > 0

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
