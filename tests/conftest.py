"""Fixtures that every suite shares: settings, one Anvil for the session, deployment, decoded reverts, gas snapshots."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from oracle.chain import build
from oracle.errors import ArtifactMismatch
from oracle.settings import Settings
from tests.support.gas import check_gas
from tests.support.local_chain import ACCOUNT_COUNT, GAS_TIME, AnvilServer, LocalChain, account
from tests.support.reverts import RevertDecoder, RevertError

pytest_plugins = [
    "tests.support.inference",
    "tests.support.postgres",
    "tests.support.risk_feed",
    "tests.support.service_fixtures",
]

collect_ignore = ["ape"]  # scripts/ape test runs these

KEPT_VARIABLES = {
    "PLUMBLINE_DATA",
    "PLUMBLINE_CACHE_DIR",
    "PLUMBLINE_BUILD_DIR",
    "PLUMBLINE_UPDATE_GAS",
    "PLUMBLINE_FUZZ_CASES",
    "PLUMBLINE_FUZZ_PIECE",
}


def pytest_configure() -> None:
    """The user's own configuration must not reach the tests."""
    for name in [n for n in os.environ if n.startswith("PLUMBLINE_") and n not in KEPT_VARIABLES]:
        del os.environ[name]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a state folder of this session's own; the cache of set-ups and keys is the user's."""
    return Settings(state_dir=tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def compiled(settings: Settings) -> ArtifactMismatch | None:
    """Brings build/ up to date; a failure is returned, so that contracts which do compile can be tested."""
    try:
        build.compile_contracts(settings)
    except ArtifactMismatch as error:
        return error
    return None


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilServer]:
    """A real Anvil on a free port, for the whole session."""
    server = AnvilServer.start(tmp_path_factory.mktemp("anvil") / "anvil.log")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chain(settings: Settings, anvil: AnvilServer, compiled: object) -> LocalChain:
    """The session's chain: deploy, send, clock."""
    return LocalChain(settings, anvil.rpc_url)


@pytest.fixture(scope="session")
def web3(chain: LocalChain) -> Web3:
    """web3 on the session's chain."""
    return chain.web3


@pytest.fixture(scope="session")
def accounts() -> list[LocalAccount]:
    """Development accounts: 0 admin, 1 operator, 2-6 publishers, 7 lender, 8 borrower, 9 liquidator, others free."""
    return [account(i) for i in range(ACCOUNT_COUNT)]


@pytest.fixture(scope="session")
def deploy(chain: LocalChain) -> Callable[..., Contract]:
    """`deploy(name, *args, sender=None)`: a compiled contract of this project on the session's chain."""
    return chain.deploy


@pytest.fixture(scope="session")
def decoder(settings: Settings, compiled: object) -> RevertDecoder:
    """Decodes reverts by the ABIs in build/."""
    return RevertDecoder(settings)


@pytest.fixture(scope="session")
def reverts(decoder: RevertDecoder) -> Callable[..., AbstractContextManager[None]]:
    """`with reverts("NotPublisher", signer): ...`: the body must revert with exactly that."""
    return decoder.expect


@pytest.fixture(scope="session")
def reverts_any(decoder: RevertDecoder) -> Callable[..., AbstractContextManager[None]]:
    """`with reverts_any("NotPublisher", "SignersNotSorted"): ...`: one of these errors, whatever its arguments."""
    return decoder.expect_any


@pytest.fixture(scope="session")
def revert_error(decoder: RevertDecoder) -> Callable[[BaseException], RevertError]:
    """`revert_error(exception)`: name and arguments of the contract's error."""
    return decoder.of


@pytest.fixture(scope="session")
def gas_snapshot() -> Callable[[str, int], None]:
    """`gas_snapshot("ObservationFeed.submit/3-of-5", gas)`: exact comparison with tests/gas/snapshots."""
    return check_gas


@pytest.fixture
def gas_chain(chain: LocalChain) -> LocalChain:
    """The chain at a fixed time. Where an address enters calldata or a signature, deploy from account GAS_DEPLOYER."""
    chain.mine(GAS_TIME)
    return chain


@pytest.fixture(autouse=True)
def _chain_restored(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test leaves the session's chain as it found it; what wider fixtures deployed stays."""
    if "chain" not in request.fixturenames:
        yield
        return
    chain: LocalChain = request.getfixturevalue("chain")
    with chain.undone():
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the market data; a test that needs it is skipped without it."""
    folder = Path(os.environ.get("PLUMBLINE_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no market data at {folder} (PLUMBLINE_DATA)")
    return folder


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Slow tests last, so that a plain fault shows early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
