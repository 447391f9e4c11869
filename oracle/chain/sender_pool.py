"""Several sending keys as one: each transaction by one of them, a repeat by the same, none by a key that runs dry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.client import ChainClient, calldata
from oracle.chain.sender import Sender
from oracle.domain.outbox import Outbox, OutboxEntry, OutboxState
from oracle.errors import ConfigurationError, NotFound, UnfundedKey
from oracle.units import WAD

# What some ten rounds cost at 30 gwei; below it a person has to act soon
BALANCE_FLOOR_WEI: Final = WAD // 5


class SenderPool:
    """Senders over one outbox, the first of them the operator. Safe for threads."""

    def __init__(
        self, client: ChainClient, senders: Sequence[Sender], outbox: Outbox, floor_wei: int = BALANCE_FLOOR_WEI
    ) -> None:
        self._client = client
        self._senders: dict[str, Sender] = {sender.address: sender for sender in senders}
        if len(self._senders) != len(senders) or not senders:
            raise ConfigurationError(
                "the sending keys are none, or not all different", remedy="see PLUMBLINE_SENDER_KEYS"
            )
        self._outbox = outbox
        self.floor_wei: Final = floor_wei
        self.address: Final = senders[0].address

    @property
    def operator(self) -> Sender:
        """The operator's own sender, for what no other key may send."""
        return self._senders[self.address]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every key's address, the operator's first."""
        return tuple(self._senders)

    def send(
        self, idempotency_key: str, to: str | None, data: bytes, value: int = 0, *, by: str = "", gas: int = 0
    ) -> TxReceipt:
        """See Sender.send. `by` names the key that has to send; else one is chosen.

        Raises NotFound when `by` is none of the keys, UnfundedKey when all are below the floor.
        """
        return self._for(idempotency_key, by).send(idempotency_key, to, data, value, gas=gas)

    def again(self, idempotency_key: str) -> TxReceipt:
        """See Sender.again; by the key that sent it."""
        return self._for(idempotency_key, "").again(idempotency_key)

    def known(self, idempotency_key: str) -> bool:
        """Whether something was sent, or is about to be, under a key."""
        entry = self._outbox.get(self._client.chain_key, idempotency_key)
        return entry is not None and entry.state is not OutboxState.ABANDONED

    def pending(self, to: str) -> list[OutboxEntry]:
        """What is signed for a contract and in no block yet, or not deep enough, of every key."""
        entries = (self._outbox.pending(self._client.chain_key, address) for address in self._senders)
        return [entry for own in entries for entry in own if entry.to == to]

    def estimate(self, function: ContractFunction, *, by: str = "") -> int:
        """See Sender.estimate; by the operator, unless another key is named."""
        return self._senders[by or self.address].estimate(function)

    def transact(self, idempotency_key: str, function: ContractFunction, value: int = 0, *, by: str = "") -> TxReceipt:
        """`send` for a contract's function."""
        return self.send(idempotency_key, function.address, calldata(function), value, by=by)

    def resume(self) -> list[OutboxEntry]:
        """See Sender.resume; of every key."""
        return [entry for sender in self._senders.values() for entry in sender.resume()]

    def balances(self) -> dict[str, int]:
        """Wei by address."""
        return {address: self._client.balance(address) for address in self._senders}

    def _for(self, idempotency_key: str, by: str) -> Sender:
        if len(self._senders) == 1 and not by:
            return self._senders[self.address]
        known = self._outbox.get(self._client.chain_key, idempotency_key)
        if known is not None and known.state is not OutboxState.ABANDONED:
            by = known.sender
        if by:
            if by not in self._senders:
                raise NotFound(f"{by} is none of the sending keys here", remedy="see PLUMBLINE_SENDER_KEYS")
            return self._senders[by]
        return self._senders[min(self._funded(), key=lambda address: self._load(address, idempotency_key))]

    def _load(self, address: str, idempotency_key: str) -> tuple[int, bytes]:
        """How busy a key is; among keys as busy as each other the transaction's own key decides."""
        return len(self._outbox.pending(self._client.chain_key, address)), keccak(text=address + idempotency_key)

    def _funded(self) -> list[str]:
        funded = [address for address, balance in self.balances().items() if balance >= self.floor_wei]
        if not funded:
            raise UnfundedKey(
                f"each of the {len(self._senders)} sending keys is below the floor of {self.floor_wei} wei",
                remedy=f"send funds to {', '.join(self._senders)} on chain {self._client.chain_id}",
            )
        return funded
