"""Circuits of fixed parameters, built once a session, and copies of them to damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oracle.proving.building.keys import cache_folder
from oracle.proving.building.manifest import read_manifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings
from tests.support import networks
from tests.support.built_circuits import NO_TABLE, TABLE, build_fixed

RELU = "relu"
LOGISTIC = "logistic"
TWO_TABLES = "two-tables"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with folders of their own, and circuits without a lookup table, with one and with two."""
    root = tmp_path_factory.mktemp("proving")
    made = Settings(state_dir=root / "state", cache_dir=root / "cache", circuits_dir=root / "none")
    build_fixed(made, RELU, networks.relu(root), NO_TABLE)
    build_fixed(made, LOGISTIC, networks.logistic(root), TABLE)
    build_fixed(made, TWO_TABLES, networks.two_tables(root), TABLE)
    return made


@pytest.fixture(scope="session")
def engine(home: Settings) -> Iterator[ProvingEngine]:
    """An engine over these circuits."""
    opened = ProvingEngine(home)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Copy:
    """A copy of the circuits and their caches, which a test may damage."""

    settings: Settings

    @property
    def circuit(self) -> Path:
        """The folder of the circuit without a table."""
        return self.settings.state_dir / "circuits" / RELU

    @property
    def keys(self) -> Path:
        """Its folder in the cache."""
        return cache_folder(self.settings.cache_dir, read_manifest(self.circuit))

    @property
    def srs(self) -> Path:
        """Its set-up."""
        logrows = ProvingEngine(self.settings).circuit(RELU).logrows
        return next(self.settings.cache_dir.glob(f"srs/dev-k{logrows}-*.srs"))


@pytest.fixture
def copy(home: Settings, tmp_path: Path) -> Copy:
    """A copy of the circuits."""
    settings = home.model_copy(update={"state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"})
    shutil.copytree(home.state_dir, settings.state_dir)
    shutil.copytree(home.cache_dir, settings.cache_dir)
    return Copy(settings)


@pytest.fixture
def open_engine() -> Iterator[Callable[[Settings], ProvingEngine]]:
    """`open_engine(settings)`: an engine that is closed when the test ends."""
    opened: list[ProvingEngine] = []

    def start(settings: Settings) -> ProvingEngine:
        opened.append(ProvingEngine(settings))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker process."""
    with Worker(memory_mb=2048) as started:
        yield started
