"""One chain behind one RPC: typed reads, with the node's and the contracts' refusals as our own errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.exceptions import (
    BadFunctionCallOutput,
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.types import BlockIdentifier, FilterParams, LogReceipt, RPCEndpoint, TxData, TxParams, TxReceipt

from oracle.chain import build, reverts
from oracle.chain.heads import HeadWatch
from oracle.chain.provider import TRIES, PatientProvider
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.errors import (
    ArtifactMismatch,
    ConfigurationError,
    ContractRevert,
    InvalidInput,
    OracleError,
    RpcRefused,
    WrongChain,
)
from oracle.settings import Settings

DEFAULT_TIP_WEI: Final = 10**9
LOG_RANGE_BLOCKS: Final = 50_000  # halved as often as a node asks for it
# Executions that end without a revert, as Anvil and geth tell them
_HALTS: Final = ("evm error", "out of gas", "invalid opcode", "invalid jump", "stack underflow", "stack limit reached")


@dataclass(frozen=True, slots=True)
class Block:
    """A block's head; timestamp in unix seconds, base fee in wei per gas."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    base_fee: int
    gas_limit: int


class ChainClient:
    """Reads of one chain. Safe for threads. Make it with `connect`."""

    def __init__(self, settings: Settings, web3: Web3, chain_id: int, chain_key: str) -> None:
        self.settings = settings
        self.web3 = web3
        self.chain_id = chain_id
        self.heads = HeadWatch(self._newest, settings.chain_poll_secs)
        self.chain_key = chain_key  # "<chain id>:<hash of block 1>": an Anvil started anew is another chain

    @classmethod
    def connect(cls, settings: Settings, rpc_url: str, *, tries: int = TRIES) -> ChainClient:
        """A client of the chain at `rpc_url`.

        Raises RpcUnavailable when it does not answer, WrongChain when it is not `settings.chain_id`.
        """
        web3 = Web3(PatientProvider(rpc_url, tries=tries))
        web3.middleware_onion.remove("validation")  # asks for the chain id with every call; it is checked here, once
        with node_errors():
            actual = web3.eth.chain_id
        if actual != settings.chain_id:
            raise WrongChain(
                f"the RPC serves chain {actual}, configured is chain {settings.chain_id}",
                remedy="Set PLUMBLINE_CHAIN_ID or PLUMBLINE_RPC_URL.",
            )
        return cls(settings, web3, actual, f"{actual}:{_first_block_hash(web3, actual)}")

    @property
    def is_local(self) -> bool:
        """True on a development chain."""
        return self.chain_id in LOCAL_CHAIN_IDS

    # --- contracts

    def contract(self, name: str, address: str) -> Contract:
        """Contract `name` of build/ at an address. Raises InvalidInput for what is no address, ArtifactMismatch."""
        return self._contract_class(name)(address=checked_address(address))

    def constructor(self, artifact: build.ContractArtifact, *args: object) -> ContractConstructor:
        """The creation of a compiled contract, with its constructor's arguments."""
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=HexBytes(artifact.bytecode))
        return factory.constructor(*args)

    def call(self, function: ContractFunction, *, sender: str | None = None, block: BlockIdentifier = "latest") -> Any:
        """What a contract's function returns. Raises the ContractRevert that it reverts with."""
        transaction: TxParams = {"from": checked_address(sender)} if sender else {}
        with node_errors():
            return function.call(transaction, block_identifier=block, ccip_read_enabled=False)

    def simulate(self, transaction: TxParams, block: BlockIdentifier | None = None) -> bytes:
        """What a transaction would return at a block, by default the next one.

        On a local chain the next block has its set time; elsewhere, where not all nodes have a pending block, it is
        the latest state and time.
        """
        with node_errors():
            return bytes(self.web3.eth.call(transaction, block or self._next, ccip_read_enabled=False))

    def estimate(self, transaction: TxParams) -> int:
        """Gas that a transaction needs in the next block, as `simulate` sees it."""
        with node_errors():
            return int(self.web3.eth.estimate_gas(transaction, self._next))

    # --- chain

    def block(self, identifier: BlockIdentifier = "latest") -> Block | None:
        """A block's head; None when the chain has no such block."""
        with node_errors():
            try:
                data = self.web3.eth.get_block(identifier)
            except BlockNotFound:
                return None
        return Block(
            number=int(data["number"]),
            hash=bytes(data["hash"]),
            parent_hash=bytes(data["parentHash"]),
            timestamp=int(data["timestamp"]),
            base_fee=int(data.get("baseFeePerGas", 0)),
            gas_limit=int(data["gasLimit"]),
        )

    def head(self) -> Block:
        """The latest block."""
        latest = self.block("latest")
        if latest is None:
            raise RpcRefused(0, "the node has no latest block")
        return latest

    def _newest(self) -> Block:
        """As `head`, for who asks many times a second: without web3's formatters, which take longer than the node."""
        response = self.web3.provider.make_request(RPCEndpoint("eth_getBlockByNumber"), ["latest", False])
        found = response.get("result")
        if not isinstance(found, dict) or not found.get("hash"):
            return self.head()
        return Block(
            number=int(found["number"], 16),
            hash=bytes.fromhex(found["hash"].removeprefix("0x")),
            parent_hash=bytes.fromhex(found["parentHash"].removeprefix("0x")),
            timestamp=int(found["timestamp"], 16),
            base_fee=int(found.get("baseFeePerGas", "0x0"), 16),
            gas_limit=int(found["gasLimit"], 16),
        )

    def code(self, address: str) -> bytes:
        """A contract's code; empty for none."""
        with node_errors():
            return bytes(self.web3.eth.get_code(checked_address(address)))

    def code_hash(self, address: str) -> bytes:
        """keccak256 of the code, as EXTCODEHASH gives for a contract."""
        return keccak(self.code(address))

    def balance(self, address: str) -> int:
        """Balance in wei."""
        with node_errors():
            return int(self.web3.eth.get_balance(checked_address(address)))

    def nonce(self, address: str, block: BlockIdentifier = "latest") -> int:
        """How many transactions of an account are in the chain; at "pending" those in the pool count too."""
        with node_errors():
            return int(self.web3.eth.get_transaction_count(checked_address(address), block))

    def tip(self) -> int:
        """The priority fee that the node suggests, wei per gas."""
        try:
            with node_errors():
                return int(self.web3.eth.max_priority_fee)
        except RpcRefused:
            return DEFAULT_TIP_WEI

    def receipt(self, tx_hash: bytes) -> TxReceipt | None:
        """The receipt of a mined transaction whose block is in the chain now; else None."""
        with node_errors():
            try:
                receipt = self.web3.eth.get_transaction_receipt(HexBytes(tx_hash))
            except TransactionNotFound:
                return None
        block = self.block(receipt["blockNumber"])
        return receipt if block is not None and block.hash == bytes(receipt["blockHash"]) else None

    def transaction(self, tx_hash: bytes) -> TxData | None:
        """A transaction in the pool or in a block; None when the node does not know it."""
        with node_errors():
            try:
                return self.web3.eth.get_transaction(HexBytes(tx_hash))
            except TransactionNotFound:
                return None

    def broadcast(self, raw: bytes) -> None:
        """Hands a signed transaction to the node. Raises RpcRefused with the node's message."""
        with node_errors():
            self.web3.eth.send_raw_transaction(HexBytes(raw))

    def logs(
        self, address: str, topics: Sequence[Sequence[bytes]], from_block: int = 0, to_block: int | None = None
    ) -> list[LogReceipt]:
        """Events of a contract in order; asks in smaller ranges when the node refuses large ones.

        Each topic is one of several; an empty choice is any.
        """
        last = self.head().number if to_block is None else to_block
        found: list[LogReceipt] = []
        start, step = from_block, LOG_RANGE_BLOCKS
        while start <= last:
            end = min(start + step - 1, last)
            wanted: FilterParams = {
                "address": checked_address(address),
                "topics": [[HexBytes(topic) for topic in choice] or None for choice in topics],
                "fromBlock": start,
                "toBlock": end,
            }
            try:
                with node_errors():
                    found += self.web3.eth.get_logs(wanted)
            except RpcRefused:
                if step == 1:
                    raise
                step = max(1, step // 2)
            else:
                start = end + 1
        return found

    def logs_of(self, address: str, topics: Sequence[Sequence[bytes]], block_hash: bytes) -> list[LogReceipt]:
        """As `logs`, of one block. Raises RpcRefused when the node does not have it, or no longer."""
        wanted: FilterParams = {
            "address": checked_address(address),
            "topics": [[HexBytes(topic) for topic in choice] or None for choice in topics],
            "blockHash": HexBytes(block_hash),
        }
        with node_errors():
            return self.web3.eth.get_logs(wanted)

    def rpc(self, method: str, *params: object) -> Any:
        """The result of any RPC method. Raises RpcRefused, or ContractRevert when it executed a call."""
        with node_errors():
            return self.web3.manager.request_blocking(RPCEndpoint(method), list(params))

    # --- local chains only

    def set_next_block_timestamp(self, timestamp: int) -> None:
        """Sets the next block's time, unix seconds, which then runs on from there.

        Raises ConfigurationError off local chains, InvalidInput for a time before the latest block's.
        """
        self._require_local("set the time")
        latest = self.head().timestamp
        if timestamp < latest:
            raise InvalidInput(f"the next block's time {timestamp} lies before the latest block's, {latest}")
        self.rpc("evm_setNextBlockTimestamp", timestamp)

    def mine(self, blocks: int = 1) -> None:
        """Mines empty blocks, and what waits in the pool. Raises ConfigurationError off local chains."""
        self._require_local("mine")
        self.rpc("anvil_mine", hex(blocks))

    @property
    def _next(self) -> BlockIdentifier:
        return "pending" if self.is_local else "latest"

    def _require_local(self, what: str) -> None:
        if not self.is_local:
            raise ConfigurationError(f"cannot {what} on chain {self.chain_id}: it is not a local one")

    @lru_cache(maxsize=256)  # noqa: B019  one client lives as long as the process
    def _contract_class(self, name: str) -> type[Contract]:
        return self.web3.eth.contract(abi=self._artifact(name).abi)

    @lru_cache(maxsize=256)  # noqa: B019  one client lives as long as the process
    def _artifact(self, name: str) -> build.ContractArtifact:
        return build.load(self.settings, name)


def calldata(function: ContractFunction) -> bytes:
    """Selector and encoded arguments of a call."""
    return bytes.fromhex(function._encode_transaction_data().removeprefix("0x"))


def checked_address(address: str) -> ChecksumAddress:
    """The address in its checksum form. Raises InvalidInput."""
    if not isinstance(address, str) or not is_address(address):
        raise InvalidInput(f"{address!r} is not an address")
    return to_checksum_address(address)


@contextmanager
def node_errors() -> Iterator[None]:
    """Turns web3's exceptions into ours: ContractRevert, RpcRefused, ArtifactMismatch for no or another contract."""
    try:
        yield
    except OracleError:
        raise
    except ContractLogicError as error:
        raise _revert(error) from None
    except BadFunctionCallOutput as error:
        raise ArtifactMismatch(
            f"no such contract there: {error}", remedy="The addresses may belong to another chain: deploy again."
        ) from None
    except (TransactionNotFound, BlockNotFound):
        raise
    except Web3RPCError as error:
        response = error.rpc_response or {}
        details: Any = response.get("error") or {}
        if isinstance(details, str):
            details = {"message": details}
        message = str(details.get("message", error))
        if any(halt in message.lower() for halt in _HALTS):
            raise ContractRevert("Halted", (message,)) from None
        raise RpcRefused(int(details.get("code", 0)), message) from None
    except KeyError as error:  # web3 7.16 has no text for panic codes that Solidity does not use
        if re.fullmatch("[0-9a-f]{2}", str(error.args[0])) is None:
            raise
        raise reverts.Panic(int(error.args[0], 16)) from None


def _revert(error: ContractLogicError) -> ContractRevert:
    data: Any = error.data
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if isinstance(data, str):
        text = data.removeprefix("Reverted ").removeprefix("0x")
        try:
            return reverts.decode_revert(bytes.fromhex(text))
        except ValueError:
            pass
    return reverts.decode_revert(b"")


def _first_block_hash(web3: Web3, chain_id: int) -> str:
    # Not block 0: Anvil makes itself another one each time it loads a saved state
    with node_errors():
        if web3.eth.block_number == 0 and chain_id in LOCAL_CHAIN_IDS:
            web3.manager.request_blocking(RPCEndpoint("evm_mine"), [])
        return HexBytes(web3.eth.get_block(min(1, web3.eth.block_number))["hash"]).hex()
