"""Seconds from a request on chain to its answer on chain, on a local Anvil that mines a block every so many seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path
from statistics import median, quantiles

from rich.table import Table

from bench.windows import sp500_windows
from oracle.chain.accounts import anvil_account
from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.coordinator import Coordinator
from oracle.chain.sender import Sender
from oracle.cli.market_plan import GARCH_CIRCUIT
from oracle.cli.proving import opened_engine
from oracle.cli.wiring import deployer, deployment, opened_database, opened_service
from oracle.daemon import logs
from oracle.daemon.service import OracleService
from oracle.domain.onchain import NATIVE, OnchainStatus
from oracle.domain.outbox import MemoryOutbox
from oracle.domain.requests import RequestKind
from oracle.proving.building.manifest import VERIFIER
from oracle.settings import Settings

LONGEST_SECS = 120.0
LIFE_SECS = 3_600
WINDOWS = 64
# Long enough for several proofs in a block, on two cores
BURST_BLOCK_SECS = 6


@dataclass
class Latency:
    """Of one way to ask: seconds between the two blocks as a watcher sees them, medians of the steps."""

    assigned: bool
    count: int
    block_secs: int
    seconds: list[float] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def p50(self) -> float:
        """Median seconds."""
        return median(self.seconds)

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else self.seconds[0]


@dataclass
class Burst:
    """Requests that are asked at once: gas and companions of each answer, in the order asked."""

    gas: list[int]
    together: list[int]
    seconds: float

    @property
    def single_gas(self) -> float:
        """Median gas of an answer that went by itself; 0 without one."""
        return median([gas for gas, n in zip(self.gas, self.together, strict=True) if n == 1] or [0])

    @property
    def batched_gas(self) -> float:
        """Median gas of an answer that shared its transaction; 0 without one."""
        return median([gas for gas, n in zip(self.gas, self.together, strict=True) if n > 1] or [0])


def measure(
    settings: Settings, *, count: int, block_secs: int, burst: int, say: Callable[[str], None]
) -> tuple[list[Latency], Burst]:
    """`count` requests one after another for the GARCH model, assigned to the prover, and open to anybody; then a
    burst of assigned ones, and one by itself."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
        own = settings.model_copy(
            update={"state_dir": Path(scratch), "rpc_url": "", "database_url": "", "log_level": "WARNING"}
        )
        logs.configure(own)
        anvil = AnvilProcess.start(own)
        try:
            client = ChainClient.connect(own, anvil.rpc_url)
            coordinator = deploy(own, client, say)
            with opened_service(own, client, []) as service:
                requester = Requester(client, coordinator)
                requester.answered(requester.ask(""))  # warms the worker
                client.rpc("evm_setIntervalMining", block_secs)
                say(f"{count} requests at blocks of {block_secs} s, each way")
                ways = [_series(service, requester, Latency(assigned, count, block_secs)) for assigned in (True, False)]
                client.rpc("evm_setIntervalMining", BURST_BLOCK_SECS)
                say(f"{burst} requests at once at blocks of {BURST_BLOCK_SECS} s, and one by itself")
                return ways, _burst(service, requester, burst)
        finally:
            anvil.stop()


def _series(service: OracleService, requester: Requester, found: Latency) -> Latency:
    for _ in range(found.count):
        asked_in = requester.ask(service.parts.sender.address if found.assigned else "")
        began = time.monotonic()
        landed = requester.answered(asked_in)
        found.seconds.append(time.monotonic() - began)
        found.blocks.append(landed - requester.asked_block)
    _wait_noted(service)
    made = service.parts.requests.recent(kind=RequestKind.INFERENCE, limit=found.count)
    results = [one.result for one in made if one.result is not None]
    found.steps = {step: median(result["seconds"][step] for result in results) for step in results[0]["seconds"]}
    return found


def _wait_noted(service: OracleService) -> None:
    """Returns once the service has written down what the chain knows already."""
    while service.parts.requests.unfinished():
        time.sleep(0.05)


def _burst(service: OracleService, requester: Requester, count: int) -> Burst:
    began = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        asked = list(pool.map(lambda _: requester.ask(service.parts.sender.address), range(count)))
    for request_id in asked:
        requester.answered(request_id)
    seconds = time.monotonic() - began
    requester.answered(requester.ask(service.parts.sender.address))
    _wait_noted(service)
    made = service.parts.requests.recent(kind=RequestKind.INFERENCE, limit=count + 1)
    results = [one.result for one in reversed(made) if one.result is not None]
    gas, together = ([int(result[name]) for result in results] for name in ("gasUsed", "together"))
    return Burst(gas, together, seconds)


def burst_lines(burst: Burst) -> list[str]:
    """The burst's figures for people."""
    saved = 100 * (1 - burst.batched_gas / burst.single_gas) if burst.single_gas and burst.batched_gas else 0.0
    return [
        f"{len(burst.gas) - 1} requests at once were answered in {burst.seconds:.1f} s, "
        f"fulfilments in a transaction: {', '.join(map(str, burst.together[:-1]))}",
        f"gas of an answer: by itself {burst.single_gas:,.0f}, "
        f"in a batch {burst.batched_gas:,.0f} ({saved:.1f} % less)",
    ]


def table(measured: list[Latency]) -> Table:
    """Seconds and blocks of each way, and the medians of its steps."""
    shown = Table(title="From a request on chain to its answer on chain", title_justify="left")
    for column in ("asked of", "requests", "block s", "p50 s", "p95 s", "blocks, median", "steps, median s"):
        shown.add_column(column)
    for one in measured:
        steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in one.steps.items())
        who = "the prover" if one.assigned else "anybody"
        numbers = (f"{one.block_secs:g}", f"{one.p50:.2f}", f"{one.p95:.2f}", f"{median(one.blocks):g}")
        shown.add_row(who, str(one.count), *numbers, steps)
    return shown


def deploy(settings: Settings, client: ChainClient, say: Callable[[str], None], circuit: str = GARCH_CIRCUIT) -> str:
    """Registry, verifier, one model and a coordinator that offers it; the coordinator's address."""
    with opened_database(settings) as database, opened_engine(settings) as engine:
        engine.prepare(circuit)
        manifest = engine.circuit(circuit)
        deploying = deployer(client, database, say)
        deploying.deploy_core()
        model = deploying.deploy_model(manifest, engine.folder(circuit) / VERIFIER)
        address = deploying.deploy_coordinator().coordinator
    owner = Sender(client, anvil_account(0), MemoryOutbox())
    owner.transact("price", Coordinator(client, address).set_price(model.model_id, NATIVE, 1, 0))
    return address


class Requester:
    """Asks the coordinator about real windows of the S&P 500, and watches for the answers as anybody would."""

    def __init__(self, client: ChainClient, coordinator: str, circuit: str = GARCH_CIRCUIT) -> None:
        self._client = client
        with opened_engine(client.settings) as engine:
            self._inputs = [engine.quantise(circuit, [row]) for row in sp500_windows(WINDOWS)]
        self._coordinator = Coordinator(client, coordinator)
        self._sender = Sender(client, anvil_account(7), MemoryOutbox())
        self._model = deployment(client).model(circuit)
        self._numbers = numbers(1)
        self.asked_block = 0

    def ask(self, prover: str, fee: int = 10**16) -> int:
        """A request over small inputs of its own, in a block; its id."""
        number = next(self._numbers)
        head = self._client.head()
        deadline = head.timestamp + LIFE_SECS
        terms = (self._model.model_id, NATIVE, 0, NATIVE, fee, deadline, prover or NATIVE, deadline if prover else 0)
        call = self._coordinator.request(terms, self._inputs[number % WINDOWS])
        receipt = self._sender.transact(f"ask-{number}", call, fee)
        asked = self._coordinator.asked_in(receipt)[0]
        self.asked_block = asked.block_number
        return asked.request_id

    def answered(self, request_id: int) -> int:
        """The block of its answer, once it is there."""
        deadline = time.monotonic() + LONGEST_SECS
        while self._coordinator.request_of(request_id).status is not OnchainStatus.FULFILLED:
            if time.monotonic() > deadline:
                raise RuntimeError(f"request {request_id} is not answered after {LONGEST_SECS} s")
            time.sleep(0.02)
        answer = self._coordinator.answer(request_id, 0)
        return answer.block_number if answer else 0
