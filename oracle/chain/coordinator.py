"""InferenceCoordinator: typed reads, its events, and the calls of a prover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.contract.contract import ContractFunction
from web3.logs import DISCARD
from web3.types import BlockIdentifier, LogReceipt, TxReceipt

from oracle.chain.client import ChainClient, checked_address
from oracle.domain.onchain import AskedInference, CallbackStatus, OnchainRequest, OnchainStatus

_NO_SALT: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Answer:
    """A `Fulfilled` event: who was paid what, and the outputs, WAD."""

    request_id: int
    payee: str
    fee: int
    outputs_wad: tuple[int, ...]
    tx_hash: str
    block_number: int


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """contracts/types/RequestTypes.sol, Fulfilment: inputs signed, outputs field elements, a salt of 32 bytes."""

    request_id: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    zk_proof: bytes
    payee: str
    salt: bytes = _NO_SALT

    def as_tuple(self) -> tuple[int, list[int], list[int], bytes, str, bytes]:
        """In the ABI's order."""
        return self.request_id, list(self.inputs), list(self.outputs), self.zk_proof, self.payee, self.salt


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """What a prover needs of a subscription; the fee in its token's units."""

    subscription_id: int
    ended: bool
    last_request_id: int
    balance: int
    model_id: int
    callback_gas: int
    fee_token: str
    fee_per_run: int
    prover: str


class Coordinator:
    """One coordinator."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("InferenceCoordinator", address)
        self._requested = bytes(HexBytes(self.contract.events.Requested().topic))
        self._fulfil_many = bytes(function_abi_to_4byte_selector(self.contract.functions.fulfilMany.abi))
        self._fulfilled = bytes(HexBytes(self.contract.events.Fulfilled().topic))

    @property
    def address(self) -> str:
        """The contract."""
        return str(self.contract.address)

    # --- reads

    def count(self) -> int:
        """How many requests there are; ids run from 1."""
        return int(self._read("requestCount"))

    def subscription_count(self) -> int:
        """How many subscriptions there are; ids run from 1."""
        return int(self._read("subscriptionCount"))

    def request_of(self, request_id: int) -> OnchainRequest:
        """A request's facts and status; the status is NONE for one that does not exist, or no longer."""
        facts = self._read("requestOf", request_id)
        return OnchainRequest(
            request_id=request_id,
            status=OnchainStatus(self._read("statusOf", request_id)),
            payer=str(facts[0]),
            created_at=int(facts[1]),
            version=int(facts[2]),
            model_id=int(facts[3]),
            inputs_hash=bytes(facts[4]),
            fee_token=str(facts[5]),
            deadline=int(facts[6]),
            callback_gas=int(facts[7]),
            fee=int(facts[8]),
            prover=str(facts[10]),
            assigned_until=int(facts[11]),
            callback=CallbackStatus(facts[13]),
            consumer=str(facts[14]),
            fulfilled_at=int(facts[15]),
        )

    def subscription(self, subscription_id: int) -> SubscriptionFacts:
        """A subscription's facts."""
        _, _, ended, last_request_id, _, balance, terms = self._read("subscriptionOf", subscription_id)
        return SubscriptionFacts(
            subscription_id=subscription_id,
            ended=bool(ended),
            last_request_id=int(last_request_id),
            balance=int(balance),
            model_id=int(terms[0]),
            callback_gas=int(terms[2]),
            fee_token=str(terms[3]),
            fee_per_run=int(terms[4]),
            prover=str(terms[9]),
        )

    def is_due(self, subscription_id: int) -> bool:
        """Whether a run may be started in the next block."""
        return bool(self._read("isDue", subscription_id))

    def quote(self, model_id: int, token: str, callback_gas: int) -> int:
        """The least fee, in the token's units. Raises reverts.ModelNotOffered."""
        return int(self._read("quote", model_id, checked_address(token), callback_gas))

    def asked(self, from_block: int, to_block: int) -> list[AskedInference]:
        """The requests that were made in these blocks, in order."""
        logs = self._client.logs(self.address, [[self._requested]], from_block, to_block)
        return [self._asked(log) for log in logs]

    def asked_at(self, block_hash: bytes) -> list[AskedInference]:
        """The requests that were made in one block. Raises RpcRefused when the node does not have it."""
        return [self._asked(log) for log in self._client.logs_of(self.address, [[self._requested]], block_hash)]

    def asked_in(self, receipt: TxReceipt) -> list[AskedInference]:
        """The requests that a transaction made."""
        return [self._asked(log) for log in self._own(receipt, self._requested)]

    def answer(self, request_id: int, from_block: int) -> Answer | None:
        """How a request was fulfilled; None when it was not."""
        topics = [[self._fulfilled], [request_id.to_bytes(32, "big")]]
        logs = self._client.logs(self.address, topics, from_block)
        return self._answer(logs[0]) if logs else None

    def answer_in(self, receipt: TxReceipt, request_id: int) -> Answer | None:
        """How a transaction fulfilled a request; None when it did not."""
        found = (self._answer(log) for log in self._own(receipt, self._fulfilled))
        return next((answer for answer in found if answer.request_id == request_id), None)

    def answered_in(self, receipt: TxReceipt) -> int:
        """How many requests a transaction fulfilled."""
        return len(self._own(receipt, self._fulfilled))

    def skipped_in(self, receipt: TxReceipt, request_id: int) -> bytes | None:
        """Why a batch left a request out, as revert data; None when it did not."""
        for event in self.contract.events.FulfilmentSkipped().process_receipt(receipt, errors=DISCARD):
            if event["address"] == self.address and event["args"]["requestId"] == request_id:
                return bytes(event["args"]["reason"])
        return None

    def batched_in(self, data: bytes) -> tuple[int, ...]:
        """The requests that a call of fulfilMany is to fulfil; none for any other call."""
        if not data.startswith(self._fulfil_many):
            return ()
        _, arguments = self.contract.decode_function_input(HexBytes(data))
        return tuple(int(one["requestId"]) for one in arguments["fulfilments"])

    # --- calls

    def request(self, terms: Sequence[Any], inputs: Sequence[int]) -> ContractFunction:
        """Asks; `terms` in the order of RequestTerms."""
        return self.contract.functions.request(tuple(terms), list(inputs))

    def commit(self, fulfilment: Fulfilment) -> ContractFunction:
        """Commits to a fulfilment, a block before it."""
        return self.contract.functions.commitFulfilment(fulfilment.request_id, self.commitment(fulfilment))

    def fulfil(self, fulfilment: Fulfilment) -> ContractFunction:
        """Fulfils."""
        return self.contract.functions.fulfil(fulfilment.as_tuple())

    def fulfil_many(self, fulfilments: Sequence[Fulfilment]) -> ContractFunction:
        """Fulfils several; one that cannot be is skipped."""
        return self.contract.functions.fulfilMany([fulfilment.as_tuple() for fulfilment in fulfilments])

    def run(self, subscription_id: int) -> ContractFunction:
        """Starts a subscription's next run."""
        return self.contract.functions.run(subscription_id)

    def set_price(self, model_id: int, token: str, base: int, per_callback_gas: int) -> ContractFunction:
        """Sets the least fee for a model. The coordinator's owner only."""
        return self.contract.functions.setPrice(model_id, checked_address(token), (True, base, per_callback_gas))

    def commitment(self, fulfilment: Fulfilment) -> bytes:
        """Twin of fulfilmentCommitment."""
        types = ("uint256", "address", "uint256", "address", "bytes32", "bytes32")
        proof_hash = keccak(fulfilment.zk_proof)
        values = (self._client.chain_id, self.address, fulfilment.request_id, fulfilment.payee, proof_hash)
        return bytes(keccak(encode(types, (*values, fulfilment.salt))))

    def _read(self, function: str, *arguments: object, block: BlockIdentifier = "latest") -> Any:
        return self._client.call(self.contract.functions[function](*arguments), block=block)

    def _own(self, receipt: TxReceipt, topic: bytes) -> list[LogReceipt]:
        logs = (log for log in receipt["logs"] if log["address"] == self.address)
        return [log for log in logs if bytes(log["topics"][0]) == topic]

    def _asked(self, log: LogReceipt) -> AskedInference:
        args = self.contract.events.Requested().process_log(log)["args"]
        return AskedInference(
            request_id=int(args["requestId"]),
            model_id=int(args["modelId"]),
            version=int(args["version"]),
            payer=str(args["payer"]),
            observed_at=int(args["observedAt"]),
            inputs=tuple(int(value) for value in args["inputs"]),
            block_number=int(log["blockNumber"]),
            block_hash=HexBytes(log["blockHash"]).to_0x_hex(),
        )

    def _answer(self, log: LogReceipt) -> Answer:
        args = self.contract.events.Fulfilled().process_log(log)["args"]
        return Answer(
            request_id=int(args["requestId"]),
            payee=str(args["payee"]),
            fee=int(args["fee"]),
            outputs_wad=tuple(int(value) for value in args["outputsWad"]),
            tx_hash=HexBytes(log["transactionHash"]).to_0x_hex(),
            block_number=int(log["blockNumber"]),
        )


def inputs_hash(inputs: Sequence[int]) -> bytes:
    """keccak256(abi.encode(int256[] inputs)): what the coordinator keeps of a request's inputs."""
    return bytes(keccak(encode(("int256[]",), (list(inputs),))))
