"""Inferences asked for on chain: what the coordinator's events and views say, and whether an answer pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from oracle.errors import ConfigurationError

NATIVE: Final = "0x" + "00" * 20
"""The chain's own coin, where a token's address is asked for; and nobody, where an account's is."""

# Gas of a fulfilment beside verification, callback and calldata, measured for garch-vol-32; see docs/gas.md
FULFIL_GAS: Final = 700_000


class OnchainStatus(IntEnum):
    """RequestStatus of contracts/types/RequestTypes.sol: derived from facts by the contract, stored nowhere."""

    NONE = 0
    OPEN = 1
    EXPIRED = 2
    FULFILLED = 3
    REFUNDED = 4


class CallbackStatus(IntEnum):
    """CallbackStatus of contracts/types/RequestTypes.sol."""

    NONE = 0
    DELIVERED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class AskedInference:
    """A `Requested` event. `inputs` at the model's input scale; times unix seconds of the chain; fee in its token."""

    request_id: int
    model_id: int
    version: int
    payer: str
    observed_at: int
    inputs: tuple[int, ...]
    block_number: int
    block_hash: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; integers that may be large as decimal strings."""
        return {
            "onchainId": str(self.request_id),
            "modelId": str(self.model_id),
            "version": self.version,
            "payer": self.payer,
            "observedAt": self.observed_at,
            "inputs": [str(value) for value in self.inputs],
            "blockNumber": self.block_number,
            "blockHash": self.block_hash,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of as_json."""
        return cls(
            request_id=int(fields["onchainId"]),
            model_id=int(fields["modelId"]),
            version=int(fields["version"]),
            payer=str(fields["payer"]),
            observed_at=int(fields["observedAt"]),
            inputs=tuple(int(value) for value in fields["inputs"]),
            block_number=int(fields["blockNumber"]),
            block_hash=str(fields["blockHash"]),
        )


@dataclass(frozen=True, slots=True)
class OnchainRequest:
    """The facts of a request now, with the status that the contract derives from them."""

    request_id: int
    status: OnchainStatus
    payer: str
    created_at: int
    version: int
    model_id: int
    inputs_hash: bytes
    fee_token: str
    deadline: int
    callback_gas: int
    fee: int
    prover: str
    assigned_until: int
    callback: CallbackStatus
    consumer: str
    fulfilled_at: int

    def assigned_to_another(self, provers: frozenset[str], now: int) -> bool:
        """Whether somebody else alone may fulfil it at this time."""
        return self.prover != NATIVE and now <= self.assigned_until and self.prover not in provers


@dataclass(frozen=True, slots=True)
class FeeRule:
    """When a fee is worth an answer: `fee_over_gas` times what its gas costs; 0 answers for nothing.

    `token_wei`: what one base unit of an ERC-20 is worth in wei. Fees in other tokens are worth nothing.
    """

    fee_over_gas: float = 1.0
    token_wei: Mapping[str, float] | None = None

    def pays(self, request: OnchainRequest, gas_price: int) -> bool:
        """Whether the fee covers an answer at this price of gas, wei per gas."""
        return self.covers(request.fee, request.fee_token, request.callback_gas, gas_price)

    def covers(self, fee: int, token: str, callback_gas: int, gas_price: int) -> bool:
        """Whether a fee in a token covers an answer with such a callback."""
        if self.fee_over_gas == 0:
            return True
        worth = 1.0 if token == NATIVE else (self.token_wei or {}).get(token.lower(), 0.0)
        return fee * worth >= self.fee_over_gas * gas_price * (FULFIL_GAS + callback_gas)

    @classmethod
    def parsed(cls, fee_over_gas: float, token_wei: str) -> Self:
        """From settings: `0xtoken=1e12,0xother=...`. Raises ConfigurationError."""
        worths: dict[str, float] = {}
        for part in filter(None, (item.strip() for item in token_wei.split(","))):
            token, _, worth = part.partition("=")
            try:
                worths[token.strip().lower()] = float(worth)
            except ValueError:
                raise ConfigurationError(
                    f"{part!r} is not TOKEN=WEI", remedy="set PLUMBLINE_FEE_TOKEN_WEI as 0xtoken=1e12,0xother=..."
                ) from None
        return cls(fee_over_gas, worths)
