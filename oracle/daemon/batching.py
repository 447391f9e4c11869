"""Fulfilments that are ready within one block go in one transaction: its fixed gas is paid once.

What nobody can join is sent at once, by itself. Each fulfilment of a batch stands for itself on chain: one that cannot
be is skipped there, and the others are paid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import TxReceipt

from oracle.chain.client import calldata, checked_address
from oracle.chain.coordinator import Coordinator, Fulfilment
from oracle.chain.reverts import decode_revert
from oracle.daemon.parts import ServiceParts
from oracle.errors import RpcUnavailable

TRANSACTION_GAS: Final = 21_000
# EIP-7825: no transaction may have more
MOST_GAS: Final = 1 << 24
# From the decision to send to the block: one call, one signature, one broadcast
LEAD_SECS: Final = 0.3
LONGEST_WAIT_SECS: Final = 6.0
# A fulfilment that was simulated longer ago, because it waited for others, is simulated again
FRESH_SECS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A fulfilment on chain: its transaction, the key of the outbox that it went under, its share of the gas."""

    receipt: TxReceipt
    key: str
    gas_used: int
    together: int


@dataclass(slots=True, eq=False)
class _Item:
    request_id: str
    fulfilment: Fulfilment
    gas: int = 0
    estimated_at: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)
    sent: Sent | None = None
    error: BaseException | None = None

    @property
    def key(self) -> str:
        return f"fulfil:{self.request_id}"


class FulfilmentBatcher:
    """Sends the fulfilments of this process. Safe for threads: the first to come sends for those that join it."""

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts
        self._change = threading.Condition()
        self._coming = 0
        self._waiting: dict[tuple[str, str], list[_Item]] = {}
        self._sent_under: dict[str, str] = {}

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Within it a fulfilment is being made that others may wait for."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._change:
            self._coming += change
            self._change.notify_all()

    def send(self, request_id: str, coordinator: Coordinator, fulfilment: Fulfilment, by: str) -> Sent:
        """The fulfilment once it has landed; what was sent before is found again by its key.

        Raises the ContractRevert that it has, or would have; as Sender.send.
        """
        item = _Item(request_id, fulfilment)
        key = self._sent_under.get(request_id) or self._left(coordinator, fulfilment.request_id) or item.key
        if self._parts.sender.known(key):
            return self.found(coordinator, fulfilment.request_id, self._parts.sender.again(key), key)
        if not by and len(self._parts.sender.addresses) == 1:
            by = self._parts.sender.address
        item.gas = self._parts.sender.estimate(coordinator.fulfil(fulfilment), by=by)
        item.estimated_at = time.monotonic()
        self._join(item, coordinator, by)
        if item.error is not None:
            raise item.error
        assert item.sent is not None
        _require_done(coordinator, item.sent.receipt, fulfilment.request_id)
        return item.sent

    def _left(self, coordinator: Coordinator, onchain_id: int) -> str:
        """The key of a batch with this request that is signed and not recorded as landed, here or elsewhere; or "".

        Whoever signed it may have died: then it is nobody's but that of the requests in it.
        """
        left = self._parts.sender.pending(coordinator.address)
        return next((entry.key for entry in left if onchain_id in coordinator.batched_in(entry.data)), "")

    @staticmethod
    def found(coordinator: Coordinator, onchain_id: int, receipt: TxReceipt, key: str = "") -> Sent:
        """What a transaction that was sent before is for a request: an equal part of its gas, where several share it.

        Raises the ContractRevert for which it was left out.
        """
        _require_done(coordinator, receipt, onchain_id)
        together = max(1, coordinator.answered_in(receipt))
        return Sent(receipt, key, int(receipt["gasUsed"]) // together, together)

    def _join(self, item: _Item, coordinator: Coordinator, by: str) -> None:
        group = coordinator.address, by
        with self._change:
            first = group not in self._waiting
            self._waiting.setdefault(group, []).append(item)
            self._change.notify_all()
        if not first:
            item.done.wait()
            return
        items = self._collected(group)
        try:
            for batch in self._bounded(items):
                self._go(batch, coordinator, by)
        except Exception as error:  # noqa: BLE001  each of them raises it where its step can be repeated
            for one in items:
                one.error = one.error or (error if one.sent is None else None)
        finally:
            for one in items:
                one.done.set()

    def _collected(self, group: tuple[str, str]) -> list[_Item]:
        """What has joined until the next block is near, or until nobody else is coming."""
        left = self._parts.client.heads.next_in()
        deadline = time.monotonic() + min((left or 0.0) - LEAD_SECS, LONGEST_WAIT_SECS)
        with self._change:
            self._change.wait_for(lambda: self._coming == 0, max(0.0, deadline - time.monotonic()))
            return self._waiting.pop(group)

    def _bounded(self, items: list[_Item]) -> Iterator[list[_Item]]:
        """The items in batches that fit into a transaction, half of a block at most."""
        most = min(MOST_GAS, self._parts.client.head().gas_limit // 2) if len(items) > 1 else MOST_GAS
        batch: list[_Item] = []
        for item in items:
            if batch and _limit([*batch, item]) > most:
                yield batch
                batch = []
            batch.append(item)
        yield batch

    def _go(self, batch: list[_Item], coordinator: Coordinator, by: str) -> None:
        """Sends a batch; what its simulation would skip is tried by itself afterwards, and so learns why."""
        try:
            skipped = self._skipped(batch, coordinator, by) if len(batch) > 1 else batch
            together = [item for item in batch if item not in skipped]
            if together:
                self._send(together, coordinator, by)
        except Exception as error:  # noqa: BLE001  each of them raises it where its step can be repeated
            for item in batch:
                item.error = error
            return
        for item in skipped:
            try:
                if time.monotonic() - item.estimated_at > FRESH_SECS or len(batch) > 1:
                    item.gas = self._parts.sender.estimate(coordinator.fulfil(item.fulfilment), by=by)
                self._send([item], coordinator, by)
            except Exception as error:  # noqa: BLE001  as above
                item.error = error

    def _skipped(self, batch: list[_Item], coordinator: Coordinator, by: str) -> list[_Item]:
        call = coordinator.fulfil_many([item.fulfilment for item in batch])
        sender = checked_address(by or self._parts.sender.address)
        answer = self._parts.client.simulate(
            {"from": sender, "to": checked_address(coordinator.address), "data": HexBytes(calldata(call))}
        )
        try:
            (done,) = decode(["bool[]"], answer)
            return [item for item, fits in zip(batch, done, strict=True) if not fits]
        except (DecodingError, OverflowError, ValueError):
            raise RpcUnavailable(f"what the node says of a batch of {len(batch)} is not of that batch") from None

    def _send(self, batch: list[_Item], coordinator: Coordinator, by: str) -> None:
        fulfilments = [item.fulfilment for item in batch]
        one = len(batch) == 1
        call = coordinator.fulfil(fulfilments[0]) if one else coordinator.fulfil_many(fulfilments)
        key = batch[0].key if one else "fulfil-many:" + keccak(text=",".join(item.key for item in batch)).hex()
        for item in batch:
            self._sent_under[item.request_id] = key
        gas = _limit(batch) + int.from_bytes(keccak(text=key)[:4]) % 1_000
        receipt = self._parts.sender.send(key, coordinator.address, calldata(call), by=by, gas=gas)
        total, used = sum(item.gas for item in batch), int(receipt["gasUsed"])
        for item in batch:
            item.sent = Sent(receipt, key, used * item.gas // total, len(batch))
            self._sent_under.pop(item.request_id, None)


def _require_done(coordinator: Coordinator, receipt: TxReceipt, onchain_id: int) -> None:
    """Raises why a batch left a fulfilment out, as when somebody else was faster in the same block."""
    reason = coordinator.skipped_in(receipt, onchain_id)
    if reason is not None:
        raise decode_revert(reason)


def _limit(batch: list[_Item]) -> int:
    """A limit of gas: a quarter over the estimates. The node's own estimate of a batch would let all be skipped."""
    return (sum(item.gas - TRANSACTION_GAS for item in batch) + TRANSACTION_GAS) * 5 // 4
