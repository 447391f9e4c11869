"""Who signs transactions: a key in this process, or a signer elsewhere that never gives its key away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from rlp.exceptions import RLPException

from oracle.errors import ConfigurationError, SignerUnavailable

TIMEOUT_SECS: Final = 10.0
_QUANTITIES: Final = ("type", "chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value")


class SignedTransaction(Protocol):
    """What a signer gives back."""

    @property
    def raw_transaction(self) -> HexBytes:
        """What is broadcast."""

    @property
    def hash(self) -> HexBytes:
        """The transaction's hash."""


class Signer(Protocol):
    """An account that signs; eth_account's LocalAccount is one."""

    @property
    def address(self) -> Any:
        """The account's checksummed address."""

    def sign_transaction(self, transaction_dict: Any) -> SignedTransaction:
        """The signed form of an EIP-1559 transaction."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that a remote signer signed."""

    raw_transaction: HexBytes
    hash: HexBytes


class RemoteSigner:
    """A signer behind JSON-RPC's eth_signTransaction, such as web3signer or clef.

    It is not believed: what comes back has to be the transaction that was asked for, signed by `address`.
    """

    def __init__(self, url: str, address: str) -> None:
        self._url = url
        self.address: Final = to_checksum_address(address)
        self._client = httpx.Client(timeout=TIMEOUT_SECS, trust_env=False)

    def sign_transaction(self, transaction_dict: Mapping[str, Any]) -> Signed:
        """The signed form of an EIP-1559 transaction.

        Raises SignerUnavailable where nothing answers, ConfigurationError where it refuses or signs something else.
        """
        raw = self._ask(_request(self.address, transaction_dict))
        self._require_same(raw, transaction_dict)
        return Signed(raw, HexBytes(keccak(raw)))

    def _ask(self, transaction: dict[str, str]) -> HexBytes:
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [transaction]}
        try:
            response = self._client.post(self._url, json=call)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignerUnavailable(
                f"the signer at {self._url} does not answer: {type(error).__name__}",
                remedy="see that it runs and that PLUMBLINE_SIGNER_URL is its address",
            ) from None
        result = answer.get("result") if isinstance(answer, dict) else None
        if isinstance(result, dict):  # clef and geth tell the transaction beside it
            result = result.get("raw")
        try:
            return HexBytes(str(result)) if result else self._refused(answer)
        except ValueError:
            return self._refused(answer)

    def _refused(self, answer: Any) -> HexBytes:
        error = answer.get("error") if isinstance(answer, dict) else None
        detail = error.get("message") if isinstance(error, dict) else "an answer of another form"
        raise ConfigurationError(
            f"the signer did not sign for {self.address}: {str(detail)[:200]}",
            remedy="see that it holds this account's key and allows the transaction",
        )

    def _require_same(self, raw: HexBytes, wanted: Mapping[str, Any]) -> None:
        try:
            fields = TypedTransaction.from_bytes(raw).as_dict()
            signer = Account.recover_transaction(raw)
        except (ValueError, TypeError, KeyError, BadSignature, RLPException) as error:
            raise self._other("something that is no signed transaction") from error
        if signer != self.address:
            raise self._other(f"for {signer}")
        told = {name: int(fields[name]) for name in _QUANTITIES}
        asked = {name: int(wanted[name]) for name in _QUANTITIES}
        same_call = (HexBytes(fields["to"] or b""), HexBytes(fields["data"])) == (
            HexBytes(wanted["to"] or b""),
            HexBytes(wanted["data"]),
        )
        if told != asked or not same_call or fields.get("accessList"):
            raise self._other("another transaction")

    def _other(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"the signer at {self._url} signed {what}, not what {self.address} was to send",
            remedy="do not use this signer",
        )


def _request(address: str, transaction: Mapping[str, Any]) -> dict[str, str]:
    call = {name: hex(int(transaction[name])) for name in _QUANTITIES}
    call |= {"from": address, "data": HexBytes(transaction["data"]).to_0x_hex()}
    if transaction["to"]:
        call["to"] = HexBytes(transaction["to"]).to_0x_hex()
    return call
