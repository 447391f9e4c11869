"""One sender for each key: what is sent under an idempotency key lands at most once, whatever dies in between.

A transaction is signed and in the outbox before it is broadcast. After a crash the same key finds it there and
broadcasts the same bytes, or finds them mined. All replacements share the nonce, so one of them lands at most; only
when that nonce went to a foreign transaction is the call signed again with another.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import TxParams, TxReceipt, Wei

from oracle.chain.accounts import refuse_well_known
from oracle.chain.client import Block, ChainClient, calldata, checked_address
from oracle.chain.fees import GWEI, Fees, initial_fees, replacement_fees
from oracle.chain.reverts import TransactionReverted
from oracle.chain.signers import Signer
from oracle.domain.outbox import Outbox, OutboxEntry, OutboxState, SignedAttempt
from oracle.errors import (
    Conflict,
    ContractRevert,
    InvalidInput,
    NonceTaken,
    NotFound,
    RpcRefused,
    TransactionNotMined,
    UnfundedKey,
)

GAS_MARGIN_NUMERATOR: Final = 5  # a quarter over the estimate: state may differ a little when it is mined
GAS_MARGIN_DENOMINATOR: Final = 4
KEY_GAS: Final = 1_000
NONCE_TRIES: Final = 16
POLL_SECS: Final = 1.0  # between two looks at a transaction while no block comes
TIMEOUTS_BEFORE_GIVING_UP: Final = 10  # times tx_timeout_secs; the entry stays pending and the next send goes on
POLLS_BEFORE_NONCE_IS_LOST: Final = 3  # behind one URL there may be several nodes, not all at the same block

_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown")
_NONCE_USED: Final = ("nonce too low", "nonce has already been used", "old nonce", "oldnonce")
_FEE_TOO_LOW: Final = ("underpriced", "less than block base fee", "fee too low", "feetoolow")
_NO_FUNDS: Final = ("insufficient funds",)


@dataclass(frozen=True, slots=True)
class _Call:
    to: str | None
    data: bytes
    value: int


class Sender:
    """Sends transactions of one key. Safe for threads; waits happen outside its lock."""

    def __init__(self, client: ChainClient, account: Signer, outbox: Outbox) -> None:
        refuse_well_known(account.address, client.chain_id)
        self.address: Final = account.address
        self._client = client
        self._account = account
        self._outbox = outbox
        self._cap = client.settings.max_fee_gwei * GWEI
        self._timeout_secs = client.settings.tx_timeout_secs
        self._confirmations = client.settings.confirmations
        self._lock = threading.Lock()

    def send(self, idempotency_key: str, to: str | None, data: bytes, value: int = 0, *, gas: int = 0) -> TxReceipt:
        """The receipt of the one transaction under this key, `confirmations` blocks deep; `to` None creates a contract.

        Sends only what a simulation accepts, unless it comes with its own limit of `gas`. Raises ContractRevert (from
        the simulation: nothing was sent, the key is free; from a mined transaction: the key is used up), UnfundedKey,
        FeeAboveCap, TransactionNotMined (send again under the same key to go on waiting), Conflict when the key stands
        for another call.
        """
        call = _Call(None if to is None else checked_address(to), bytes(data), value)
        if not idempotency_key or value < 0:
            raise InvalidInput("a transaction needs an idempotency key and a value that is not negative")
        with self._lock:
            entry = self._outbox.get(self._client.chain_key, idempotency_key)
            if entry is None or entry.state is OutboxState.ABANDONED:
                entry = self._enqueue(idempotency_key, call, entry, gas)
                self._fill_gap(entry)
                self._push(entry)
        if (entry.to, entry.data, entry.value) != (call.to, call.data, call.value):
            raise Conflict(f"the key {idempotency_key!r} stands for another transaction already")
        return self._settle(entry)

    def transact(self, idempotency_key: str, function: ContractFunction, value: int = 0) -> TxReceipt:
        """`send` for a contract's function."""
        return self.send(idempotency_key, function.address, calldata(function), value)

    def again(self, idempotency_key: str) -> TxReceipt:
        """The receipt of what was sent under a key before; as `send`, without the call. Raises NotFound."""
        entry = self._outbox.get(self._client.chain_key, idempotency_key)
        if entry is None or entry.state is OutboxState.ABANDONED:
            raise NotFound(f"nothing was sent under the key {idempotency_key!r}")
        return self._settle(entry)

    def estimate(self, function: ContractFunction) -> int:
        """Gas that a call by this key needs in the next block. Raises the ContractRevert that it would have."""
        return self._estimated(_Call(str(function.address), calldata(function), 0))

    def create(self, idempotency_key: str, constructor: ContractConstructor) -> TxReceipt:
        """`send` for a contract's creation; the receipt's contractAddress is where it is."""
        return self.send(idempotency_key, None, bytes(HexBytes(constructor.data_in_transaction)))

    def resume(self) -> list[OutboxEntry]:
        """Broadcasts again every pending transaction that the node does not know, and returns all pending ones."""
        with self._lock:
            entries = self._outbox.pending(self._client.chain_key, self.address)
            for entry in entries:
                if self._client.transaction(entry.attempts[-1].tx_hash) is None:
                    self._push(entry)
        return entries

    # --- first broadcast

    def _enqueue(self, key: str, call: _Call, abandoned: OutboxEntry | None, gas: int) -> OutboxEntry:
        gas, head, tip, pool_nonce, balance = self._facts(call, key, gas)
        fees = initial_fees(head.base_fee, tip, self._cap)
        self._require_funds(gas * fees.max_fee + call.value, balance)
        for tried in range(NONCE_TRIES):
            attempt = self._sign(call, gas, self._free_nonce(None if tried else pool_nonce), fees)
            try:
                if abandoned is not None:
                    return self._update(_pending_again(abandoned, gas=gas, attempt=attempt))
                entry = OutboxEntry(
                    key, self._client.chain_key, self.address, call.to, call.data, call.value, gas, (attempt,)
                )
                self._outbox.insert(entry)
                return entry
            except NonceTaken:
                continue
            except Conflict:  # another process was faster under the same key
                return self._stored(key)
        raise TransactionNotMined(f"no free nonce for {self.address} after {NONCE_TRIES} tries")

    def _facts(self, call: _Call, key: str, gas: int) -> tuple[int, Block, int, int, int]:
        """Gas limit, head, tip, the nonce after the pool's, balance: asked for at once, the estimate takes longest."""
        client = self._client
        with ThreadPoolExecutor(4, thread_name_prefix="plumbline-facts") as pool:
            head, tip = pool.submit(client.head), pool.submit(client.tip)
            nonce = pool.submit(client.nonce, self.address, "pending")
            balance = pool.submit(client.balance, self.address)
            gas = gas or self._simulated_gas(call, key)
            return gas, head.result(), tip.result(), nonce.result(), balance.result()

    def _simulated_gas(self, call: _Call, key: str) -> int:
        """The gas limit, a little different for each key: no two keys ever sign the same transaction."""
        limit = self._estimated(call) * GAS_MARGIN_NUMERATOR // GAS_MARGIN_DENOMINATOR
        return min(limit, self._client.head().gas_limit - KEY_GAS) + int.from_bytes(keccak(text=key)[:4]) % KEY_GAS

    def _estimated(self, call: _Call) -> int:
        transaction = self._parameters(call)
        try:
            return self._client.estimate(transaction)
        except ContractRevert:
            self._client.simulate(transaction)  # some nodes tell the reason to a call alone
            raise
        except RpcRefused as error:
            if _says(error, _NO_FUNDS):
                self._require_funds(call.value + 1)
            raise

    def _free_nonce(self, pooled: int | None = None) -> int:
        """The lowest nonce that neither the node's pool, whose next one is `pooled`, nor a pending entry has."""
        taken = {entry.nonce for entry in self._outbox.pending(self._client.chain_key, self.address)}
        nonce = self._client.nonce(self.address, "pending") if pooled is None else pooled
        while nonce in taken:
            nonce += 1
        return nonce

    def _fill_gap(self, entry: OutboxEntry) -> None:
        """Broadcasts pending entries before this one that never reached the node, else this one waits for ever."""
        if self._client.nonce(self.address, "pending") >= entry.nonce:
            return
        for earlier in self._outbox.pending(entry.chain, self.address):
            if earlier.nonce < entry.nonce and self._client.transaction(earlier.attempts[-1].tx_hash) is None:
                self._push(earlier)

    def _push(self, entry: OutboxEntry) -> None:
        """Broadcasts the newest attempt. What the node holds against it is left to `_settle`, except missing funds."""
        try:
            self._client.broadcast(entry.attempts[-1].raw)
        except RpcRefused as error:
            if _says(error, _NO_FUNDS):
                self._require_funds(entry.gas * entry.attempts[-1].max_fee_per_gas + entry.value)
            elif not _says(error, _KNOWN + _NONCE_USED + _FEE_TOO_LOW):
                raise

    # --- until it is deep enough

    def _settle(self, entry: OutboxEntry) -> TxReceipt:
        started = broadcast_at = time.monotonic()
        seen, nonce_lost_polls = b"", 0
        while True:
            receipt = self._landed(entry)
            if receipt is not None:
                entry = self._record(entry, receipt)
                if self._client.head().number >= receipt["blockNumber"] + self._confirmations:
                    return self._conclude(entry, receipt)
            else:
                entry = self._back_to_pending(entry)
                nonce_lost_polls = nonce_lost_polls + 1 if self._nonce_went_elsewhere(entry) else 0
                if nonce_lost_polls >= POLLS_BEFORE_NONCE_IS_LOST:
                    entry, broadcast_at = self._sign_again(entry), time.monotonic()
                elif nonce_lost_polls == 0:
                    stuck = time.monotonic() - broadcast_at > self._timeout_secs
                    alive = self._keep_alive(entry, stuck=stuck)
                    if stuck or alive is not entry:
                        entry, broadcast_at = alive, time.monotonic()
            if time.monotonic() - started > TIMEOUTS_BEFORE_GIVING_UP * self._timeout_secs:
                raise TransactionNotMined(
                    f"transaction {_hex(entry.attempts[-1].tx_hash)} with nonce {entry.nonce} is not mined",
                    remedy="It stays in the outbox: send again under the same key, or raise PLUMBLINE_MAX_FEE_GWEI.",
                )
            seen = self._client.heads.wait(seen, min(POLL_SECS, self._timeout_secs))

    def _landed(self, entry: OutboxEntry) -> TxReceipt | None:
        for attempt in reversed(entry.attempts):
            receipt = self._client.receipt(attempt.tx_hash)
            if receipt is not None:
                return receipt
        if entry.block_number is not None:
            block = self._client.block(entry.block_number)
            if block is not None and block.hash == entry.block_hash:
                raise TransactionNotMined(
                    f"{_hex(entry.tx_hash or b'')} is in block {entry.block_number}, the node has no receipt for it",
                    remedy="Use a node that keeps the receipts of old transactions.",
                )
        return None

    def _record(self, entry: OutboxEntry, receipt: TxReceipt) -> OutboxEntry:
        block_hash = bytes(receipt["blockHash"])
        if entry.block_hash == block_hash and entry.state is not OutboxState.PENDING:
            return entry
        return self._update(
            replace(
                entry,
                state=OutboxState.MINED if receipt["status"] == 1 else OutboxState.REVERTED,
                tx_hash=bytes(receipt["transactionHash"]),
                block_number=int(receipt["blockNumber"]),
                block_hash=block_hash,
            )
        )

    def _back_to_pending(self, entry: OutboxEntry) -> OutboxEntry:
        """After a reorg that dropped it."""
        if entry.state is OutboxState.PENDING:
            return entry
        pending = replace(entry, state=OutboxState.PENDING, tx_hash=None, block_number=None, block_hash=None)
        try:
            return self._update(pending)
        except NonceTaken:  # its nonce was given away while it was mined
            return self._sign_again(entry)

    def _nonce_went_elsewhere(self, entry: OutboxEntry) -> bool:
        deep = max(0, self._client.head().number - self._confirmations)
        return self._client.nonce(self.address, deep) > entry.nonce

    def _keep_alive(self, entry: OutboxEntry, *, stuck: bool) -> OutboxEntry:
        """Broadcasts what the node does not know; replaces what it does not mine. The entry that is then current."""
        newest = entry.attempts[-1]
        if not stuck and self._client.transaction(newest.tx_hash) is not None:
            return entry
        if not stuck:
            try:
                self._client.broadcast(newest.raw)
            except RpcRefused as error:
                if _says(error, _NO_FUNDS):
                    self._require_funds(entry.gas * newest.max_fee_per_gas + entry.value)
                if not _says(error, _FEE_TOO_LOW):
                    return entry
            else:
                return entry
        return self._bump(entry)

    def _bump(self, entry: OutboxEntry) -> OutboxEntry:
        old = Fees(entry.attempts[-1].max_fee_per_gas, entry.attempts[-1].max_priority_fee_per_gas)
        fees = replacement_fees(old, self._client.head().base_fee, self._client.tip(), self._cap)
        if fees is None:
            return entry
        self._require_funds(entry.gas * fees.max_fee + entry.value)
        attempt = self._sign(_call_of(entry), entry.gas, entry.nonce, fees)
        bumped = self._update(replace(entry, attempts=(*entry.attempts, attempt)))
        self._push(bumped)
        return bumped

    def _sign_again(self, entry: OutboxEntry) -> OutboxEntry:
        """The call under a new nonce, after its own went to a transaction that is not ours."""
        with self._lock:
            call = _call_of(entry)
            try:
                gas = max(self._simulated_gas(call, entry.key), entry.gas)
            except ContractRevert:
                self._update(replace(entry, state=OutboxState.ABANDONED))
                raise
            fees = initial_fees(self._client.head().base_fee, self._client.tip(), self._cap)
            attempt = self._sign(call, gas, self._free_nonce(), fees)
            again = self._update(_pending_again(entry, gas=gas, attempt=attempt))
            self._push(again)
        return again

    def _update(self, entry: OutboxEntry) -> OutboxEntry:
        """Stores a changed entry; when another thread or process changed it first, theirs is returned and holds."""
        changed = replace(entry, revision=entry.revision + 1)
        try:
            self._outbox.replace(changed)
        except NonceTaken:
            raise
        except Conflict:
            return self._stored(entry.key)
        return changed

    def _stored(self, key: str) -> OutboxEntry:
        entry = self._outbox.get(self._client.chain_key, key)
        if entry is None:
            raise NotFound(f"the outbox has lost the key {key!r}")
        return entry

    def _conclude(self, entry: OutboxEntry, receipt: TxReceipt) -> TxReceipt:
        if receipt["status"] == 1:
            return receipt
        transaction = self._parameters(_call_of(entry))
        with suppress(RpcRefused):  # a node may have dropped the state of that block
            for block in (receipt["blockNumber"] - 1, receipt["blockNumber"]):
                self._client.simulate(transaction, block)
        remedy = "It ran out of gas." if receipt["gasUsed"] >= entry.gas else ""
        raise TransactionReverted(_hex(bytes(receipt["transactionHash"])), remedy=remedy)

    # --- small parts

    def _parameters(self, call: _Call) -> TxParams:
        parameters: TxParams = {"from": self.address, "data": HexBytes(call.data), "value": Wei(call.value)}
        if call.to is not None:
            parameters["to"] = checked_address(call.to)
        return parameters

    def _sign(self, call: _Call, gas: int, nonce: int, fees: Fees) -> SignedAttempt:
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self._client.chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.max_fee,
            "maxPriorityFeePerGas": fees.max_priority_fee,
            "to": b"" if call.to is None else call.to,
            "data": call.data,
            "value": call.value,
        }
        signed = self._account.sign_transaction(transaction)
        return SignedAttempt(
            nonce, bytes(signed.raw_transaction), bytes(signed.hash), fees.max_fee, fees.max_priority_fee
        )

    def _require_funds(self, needed: int, balance: int | None = None) -> None:
        if balance is None:
            balance = self._client.balance(self.address)
        if balance < needed:
            raise UnfundedKey(
                f"{self.address} has {balance} wei, the transaction may need {needed} wei",
                remedy=f"Send funds to {self.address} on chain {self._client.chain_id}.",
            )


def _pending_again(entry: OutboxEntry, *, gas: int, attempt: SignedAttempt) -> OutboxEntry:
    return replace(
        entry,
        gas=gas,
        attempts=(*entry.attempts, attempt),
        state=OutboxState.PENDING,
        tx_hash=None,
        block_number=None,
        block_hash=None,
    )


def _call_of(entry: OutboxEntry) -> _Call:
    return _Call(entry.to, entry.data, entry.value)


def _says(error: RpcRefused, texts: tuple[str, ...]) -> bool:
    return any(text in error.message.lower() for text in texts)


def _hex(tx_hash: bytes) -> str:
    return "0x" + tx_hash.hex()
