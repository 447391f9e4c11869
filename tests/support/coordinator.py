"""An InferenceCoordinator over the tiny model, and what tests do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from web3.contract import Contract
from web3.types import TxReceipt

from oracle.units import int_from_felt, wad_from_scaled
from tests.support.inference import Inference
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import SCALE_BITS, TinyProof

NATIVE: Final = "0x" + "00" * 20
NOBODY: Final = NATIVE
SALT: Final = bytes.fromhex("5a" * 32)
BASE_FEE: Final = 10**15
GAS_PRICE: Final = 2 * 10**9
FEE: Final = 5 * 10**15
LIFE: Final = 3600
CALLBACK_GAS: Final = 200_000
STATUS: Final = ("none", "open", "expired", "fulfilled", "refunded")
CALLBACK: Final = ("none", "delivered", "failed")
MANNERS: Final = ("accept", "revert", "eat_gas", "return_bomb", "reenter", "ask_again")


@dataclass
class World:
    """The coordinator, a token, a consumer, and who plays which part."""

    chain: LocalChain
    inference: Inference
    contract: Contract
    token: Contract
    consumer: Contract
    proof: TinyProof
    requester: str = field(init=False)
    prover: str = field(init=False)
    stranger: str = field(init=False)
    payee: str = field(init=False)

    def __post_init__(self) -> None:
        self.requester, self.prover, self.stranger, self.payee = (self.chain.address(i) for i in (7, 1, 9, 12))

    @property
    def read(self) -> Any:
        """The coordinator's functions."""
        return self.contract.functions

    def terms(self, **changed: Any) -> tuple[Any, ...]:
        """RequestTerms: native fee, no callback, nobody assigned; `changed` replaces members."""
        values = {
            "model_id": 1,
            "consumer": NOBODY,
            "callback_gas": 0,
            "token": NATIVE,
            "fee": FEE,
            "deadline": self.chain.now() + LIFE,
            "prover": NOBODY,
            "assigned_until": 0,
        }
        assert not set(changed) - set(values)
        return tuple((values | changed).values())

    def assigned(self, **changed: Any) -> tuple[Any, ...]:
        """RequestTerms that assign the prover until the deadline."""
        deadline = changed.pop("deadline", self.chain.now() + LIFE)
        return self.terms(deadline=deadline, prover=self.prover, assigned_until=deadline, **changed)

    def request(self, terms: tuple[Any, ...] | None = None) -> int:
        """The id of a request over the proof's inputs, made by the requester."""
        terms = terms or self.terms()
        value = terms[4] if terms[3] == NATIVE else 0
        receipt = self.send(self.read.request(terms, self.proof.signed_inputs), self.requester, value=value)
        return int(self.events("Requested", receipt)[0]["requestId"])

    def fulfilment(self, request_id: int, **changed: Any) -> tuple[Any, ...]:
        """A Fulfilment of the request by the true proof."""
        values = {
            "request_id": request_id,
            "inputs": self.proof.signed_inputs,
            "outputs": self.proof.outputs,
            "zk_proof": self.proof.zk_proof,
            "payee": self.payee,
            "salt": SALT,
        }
        assert not set(changed) - set(values)
        return tuple((values | changed).values())

    def commit(self, request_id: int, **changed: Any) -> bytes:
        """Commits to `fulfilment(request_id, **changed)`; one more block follows, on which calls are tried."""
        made = self.fulfilment(request_id, **changed)
        proof_hash = self.chain.web3.keccak(made[3])
        commitment = bytes(self.read.fulfilmentCommitment(request_id, made[4], proof_hash, made[5]).call())
        self.send(self.read.commitFulfilment(request_id, commitment), self.prover)
        self.chain.mine()
        return commitment

    def fulfil(self, request_id: int, sender: str | None = None, **changed: Any) -> TxReceipt:
        """Fulfils, by the prover unless told."""
        return self.send(self.read.fulfil(self.fulfilment(request_id, **changed)), sender or self.prover)

    def send(self, call: Any, sender: str, *, value: int = 0) -> TxReceipt:
        """Sends a call."""
        return self.chain.send(call, sender, value=value)

    def events(self, name: str, receipt: TxReceipt) -> list[dict[str, Any]]:
        """The coordinator's events of that name in a receipt."""
        return self.chain.events(self.contract, name, receipt)

    def status(self, request_id: int) -> str:
        """The derived status, by name."""
        return STATUS[self.read.statusOf(request_id).call()]

    def callback(self, request_id: int) -> str:
        """What became of the callback, by name."""
        return CALLBACK[self.read.requestOf(request_id).call()[13]]

    def credit(self, owner: str, token: str = NATIVE) -> int:
        """What the owner can withdraw."""
        return int(self.read.creditOf(owner, token).call())

    def balance(self) -> int:
        """Native coin that the coordinator holds."""
        return int(self.chain.web3.eth.get_balance(self.contract.address))

    def set_manner(self, manner: str) -> None:
        """How the consumer behaves when called back."""
        self.chain.send(self.consumer.functions.setManner(MANNERS.index(manner)))

    @property
    def outputs_wad(self) -> list[int]:
        """The proof's outputs as the coordinator decodes them."""
        return [wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in self.proof.outputs]


@pytest.fixture(scope="session")
def coordinator_base(inference: Inference, chain: LocalChain, tiny_proof: TinyProof) -> World:
    """Coordinator with prices for the native coin and a token of 6 decimals; the requester has tokens."""
    contract = chain.deploy("InferenceCoordinator", inference.verifier.address, chain.address(0))
    token = chain.deploy("TestERC20", "Fee Dollar", "FUSD", 6)
    consumer = chain.deploy("InferenceConsumer", contract.address)
    world = World(chain, inference, contract, token, consumer, tiny_proof)
    for address in (NATIVE, token.address):
        chain.send(contract.functions.setPrice(1, address, (True, BASE_FEE, GAS_PRICE)))
    chain.send(token.functions.mint(world.requester, 10**30))
    chain.send(token.functions.approve(contract.address, 10**30), world.requester)
    chain.send(consumer.functions.setInputs(tiny_proof.signed_inputs))
    chain.web3.provider.make_request("anvil_setBalance", [consumer.address, hex(10**18)])  # type: ignore[arg-type]
    return world


@pytest.fixture
def world(coordinator_base: World) -> Iterator[World]:
    """The coordinator before any request; undone after the test."""
    with coordinator_base.chain.undone():
        yield coordinator_base
