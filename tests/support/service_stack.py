"""A whole service on a chain of its own: Anvil, contracts, the S&P 500's autumn of 2008, real proofs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import onnx
from numpy import array, float32
from numpy.random import default_rng
from onnx import TensorProto, helper, numpy_helper

from oracle.chain.anvil import AnvilProcess
from oracle.chain.build import compile_contracts
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed, RiskFeed
from oracle.cli.deployment import bring_up
from oracle.cli.market_plan import GARCH_CIRCUIT
from oracle.cli.wiring import deployer, deployment, opened_database, opened_engine, opened_service
from oracle.daemon.service import OracleService
from oracle.market.base import MarketSource
from oracle.market.sources import open_source
from oracle.proving.building.manifest import VERIFIER
from oracle.proving.intake import add_model
from oracle.settings import Settings

START = "2008-09-02"
PRICE, VOLATILITY = "spx-usd", "spx-volatility"
TINY = "tiny-linear"
# outputs = x @ WEIGHTS
WEIGHTS = ((1.5, -2.0), (0.25, 0.75), (-1.0, 0.5))


@dataclass
class ServiceStack:
    """A deployed market and, between `start` and `stop`, its service."""

    settings: Settings
    anvil: AnvilProcess
    source: MarketSource
    client: ChainClient
    running: ClassVar[ServiceStack | None] = None
    _service: OracleService | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def deploy(cls, settings: Settings) -> ServiceStack:
        """Starts a chain and deploys the market on it."""
        compile_contracts(settings)
        source = open_source("sp500", None, START, None)
        anvil = AnvilProcess.start(settings, timestamp=source.history(source.start_time - 1, 1)[0].observed_at)
        try:
            client = ChainClient.connect(settings, anvil.rpc_url)
            with opened_database(settings) as database, opened_engine(settings) as engine:
                engine.prepare(GARCH_CIRCUIT)
                bring_up(client, database, engine, source, _quietly)
        except BaseException:
            anvil.stop()
            raise
        return cls(settings, anvil, source, client)

    @property
    def service(self) -> OracleService:
        """The service; starts it when it is not running."""
        return self._service or self.start()

    def start(self) -> OracleService:
        """The service, started."""
        pause_running()
        ServiceStack.running = self
        self._service = self._open.enter_context(opened_service(self.settings, self.client, [self.source]))
        return self._service

    def stop(self) -> None:
        """Ends the service; `start` may follow."""
        self._open.close()
        self._service = None
        if ServiceStack.running is self:
            ServiceStack.running = None

    def price_feed(self) -> ObservationFeed:
        """The price feed's contract."""
        return ObservationFeed(self.client, deployment(self.client).feed(PRICE).address)

    def risk_feed(self) -> RiskFeed:
        """The proven feed's contract."""
        return RiskFeed(self.client, deployment(self.client).feed(VOLATILITY).address)

    @contextmanager
    def deployer(self) -> Iterator[Deployer]:
        """What deploys more."""
        with opened_database(self.settings) as database:
            yield deployer(self.client, database, _quietly)

    def add_tiny_model(self) -> None:
        """A second model, TINY, by the product's own intake, registered."""
        folder = self.settings.state_dir / "tiny"
        network, calibration = tiny_files(folder)
        manifest = add_model(self.settings, TINY, network, calibration)
        with self.deployer() as deploying:
            deploying.deploy_model(manifest, self.settings.state_dir / "circuits" / TINY / VERIFIER)

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        self.anvil.stop()


def pause_running() -> None:
    """Ends the service that runs in this process, which can hold one; whoever needs it starts it again."""
    if ServiceStack.running is not None:
        ServiceStack.running.stop()


def tiny_files(folder: Path) -> tuple[Path, Path]:
    """An ONNX file of a linear model, and samples for it."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, len(WEIGHTS)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(WEIGHTS[0])])],
        [numpy_helper.from_array(array(WEIGHTS, dtype=float32), "weights")],
    )
    network, calibration = folder / "tiny.onnx", folder / "samples.json"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(network))
    samples = default_rng(7).uniform(-2, 2, 16 * len(WEIGHTS))
    calibration.write_text(json.dumps({"input_data": [samples.tolist()]}))
    return network, calibration


def _quietly(_: str) -> None:
    pass
