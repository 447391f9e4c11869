"""A registry of one's own: with a delay, and roles that tests can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from web3.contract import Contract
from web3.logs import DISCARD
from web3.types import EventData

from tests.support.inference import verifier_spec
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import TinyCircuit

DELAY = 86_400


@dataclass(frozen=True)
class Registry:
    """A registry with DELAY, and calls by role: 0 admin, 1 owner of models, 10 guardian, 11 stranger."""

    chain: LocalChain
    contract: Contract
    commitment: tuple[Any, ...]
    spec: tuple[Any, ...]

    admin, owner, guardian, stranger = 0, 1, 10, 11

    @property
    def read(self) -> Any:
        """The contract's functions, to be called."""
        return self.contract.functions

    def send(self, function: str, *arguments: Any, role: int = owner) -> dict[str, list[EventData]]:
        """Sends a call and returns what was emitted, by the event's name."""
        call = getattr(self.contract.functions, function)(*arguments)
        receipt = self.chain.send(call, self.chain.address(role))
        return emitted(self.contract, receipt)

    def changed_commitment(self, mark: int) -> tuple[Any, ...]:
        """Another commitment."""
        return (bytes([mark] * 32), *self.commitment[1:])

    def model(self, *, bound: bool = False, active: bool = False) -> int:
        """Registers a model of `owner` and brings it as far as asked."""
        self.send("registerModel", self.commitment)
        model_id: int = self.read.modelCount().call()
        if bound or active:
            self.send("bindVerifier", model_id, self.spec)
        if active:
            self.pass_delay()
            self.send("activate", model_id, role=self.stranger)
        return model_id

    def next_version(self, model_id: int, mark: int = 7) -> None:
        """Stages, binds and activates a further version."""
        self.send("updateModel", model_id, self.changed_commitment(mark))
        self.send("bindVerifier", model_id, self.spec)
        self.pass_delay()
        self.send("activate", model_id)

    def pass_delay(self) -> None:
        """Lets the timelock run out."""
        self.chain.mine(self.chain.now() + DELAY)

    def status(self, model_id: int, version: int) -> int:
        """The ModelStatus of a version."""
        status: int = self.read.getVersion(model_id, version).call()[2]
        return status


def emitted(contract: Contract, receipt: Any) -> dict[str, list[EventData]]:
    """The arguments of the contract's events in a receipt, by name."""
    found: dict[str, list[EventData]] = {}
    for event in contract.events:
        for log in event().process_receipt(receipt, errors=DISCARD):
            found.setdefault(log["event"], []).append(log["args"])
    return found


@pytest.fixture(scope="session")
def delayed_registry(chain: LocalChain) -> Contract:
    """A registry whose activations wait for DELAY seconds."""
    return chain.deploy("ModelRegistry", chain.address(Registry.admin), chain.address(Registry.guardian), DELAY)


@pytest.fixture
def registry(delayed_registry: Contract, circuit: TinyCircuit, spec: tuple[Any, ...], chain: LocalChain) -> Registry:
    """The registry with its roles."""
    return Registry(chain, delayed_registry, circuit.commitment, spec)


@pytest.fixture
def other_spec(chain: LocalChain, registry: Registry) -> tuple[Any, ...]:
    """A well-formed spec that points to another contract."""
    return verifier_spec(chain.web3, registry.contract.address)
