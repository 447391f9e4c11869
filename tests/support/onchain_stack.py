"""A service that answers requests on chain: Anvil, registry, a tiny model, a coordinator; no market."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.chain.accounts import anvil_account
from oracle.chain.anvil import AnvilProcess
from oracle.chain.build import compile_contracts
from oracle.chain.client import ChainClient
from oracle.chain.coordinator import Coordinator
from oracle.chain.sender import Sender
from oracle.cli.wiring import deployer, deployment, opened_database, opened_service
from oracle.daemon.service import OracleService
from oracle.domain.onchain import NATIVE, OnchainRequest, OnchainStatus
from oracle.domain.outbox import MemoryOutbox
from oracle.proving.building.manifest import VERIFIER
from oracle.proving.intake import add_model
from oracle.settings import Settings
from tests.support.service_stack import TINY, pause_running, tiny_files
from tests.support.waiting import until

FEE: Final = 10**16
LIFE_SECS: Final = 3_600
REQUESTER: Final = 7
OPERATOR: Final = 1


@dataclass
class OnchainStack:
    """A chain with a coordinator, and who asks it."""

    settings: Settings
    anvil: AnvilProcess
    client: ChainClient
    coordinator: Coordinator
    requester: Sender
    asked: int = 0
    _running: tuple[dict[str, Any], OracleService] | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def deploy(cls, settings: Settings, **anvil: Any) -> OnchainStack:
        """Starts a chain and deploys on it; the clock is the wall's."""
        compile_contracts(settings)
        process = AnvilProcess.start(settings, **anvil)
        try:
            client = ChainClient.connect(settings, process.rpc_url)
            manifest = add_model(settings, TINY, *tiny_files(settings.state_dir / "tiny"))
            with opened_database(settings) as database:
                deploying = deployer(client, database, lambda _: None)
                deploying.deploy_core()
                deploying.deploy_model(manifest, settings.state_dir / "circuits" / TINY / VERIFIER)
                address = deploying.deploy_coordinator().coordinator
            coordinator = Coordinator(client, address)
            owner = Sender(client, anvil_account(0), MemoryOutbox())
            model_id = deployment(client).model(TINY).model_id
            owner.transact("price", coordinator.set_price(model_id, NATIVE, 1, 0))
            requester = Sender(client, anvil_account(REQUESTER), MemoryOutbox())
        except BaseException:
            process.stop()
            raise
        return cls(settings, process, client, coordinator, requester)

    def service(self, **changed: Any) -> OracleService:
        """The service, running; `changed` replaces settings. It goes on running until other settings are asked for."""
        if self._running is None or self._running[0] != changed:
            self.pause()
            pause_running()
            settings = self.settings.model_copy(update=changed)
            client = ChainClient.connect(settings, settings.rpc_url or self.anvil.rpc_url)
            self._running = changed, self._open.enter_context(opened_service(settings, client, []))
        return self._running[1]

    def pause(self) -> None:
        """Ends the service, if it runs."""
        self._running = None
        self._open.close()

    def ask(
        self, *, prover: str = NATIVE, assigned_secs: int = LIFE_SECS, fee: int = FEE, life: int = LIFE_SECS
    ) -> int:
        """The id of a new request over inputs of its own."""
        self.asked += 1
        now = self.client.head().timestamp
        record = deployment(self.client).model(TINY)
        inputs = [self.asked, -1, 2]
        until_ = now + assigned_secs if prover != NATIVE else 0
        terms = (record.model_id, NATIVE, 0, NATIVE, fee, now + life, prover, until_)
        key = f"ask-{self.asked}-{time.time_ns()}"
        receipt = self.requester.transact(key, self.coordinator.request(terms, inputs), fee)
        return self.coordinator.asked_in(receipt)[0].request_id

    def facts(self, request_id: int) -> OnchainRequest:
        """A request's facts."""
        return self.coordinator.request_of(request_id)

    def answered(self, request_id: int, timeout_secs: float = 60.0) -> OnchainRequest:
        """The facts of a request once it is fulfilled."""
        until(lambda: self.facts(request_id).status is OnchainStatus.FULFILLED, timeout_secs)
        return self.facts(request_id)

    def credit(self, address: str) -> int:
        """What an account can withdraw from the coordinator."""
        return int(self.client.call(self.coordinator.contract.functions.creditOf(address, NATIVE)))

    @property
    def operator(self) -> str:
        """The operator's address."""
        return str(anvil_account(OPERATOR).address)

    def close(self) -> None:
        """Ends service and chain."""
        self.pause()
        self.anvil.stop()
