"""The incident runbook of docs/security.md: each step is the command that it names, on a chain deployed for it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from oracle.chain import reverts
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.reverts import EnforcedPause, PublisherSetChanged, WrongModelStatus
from oracle.cli.context import Invocation
from oracle.cli.main import app
from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, OracleError
from oracle.market.publishers import sign_reports
from oracle.settings import PROJECT_ROOT, Settings
from tests.support.local_chain import AnvilServer, LocalChain, account
from tests.support.market import PRICE, VOLATILITY, Market, sender_of
from tests.support.window_circuit import WindowCircuit

MODEL = "window-variance"
Command = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def chain(settings: Settings, compiled: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """A chain that only these commands use."""
    server = AnvilServer.start(tmp_path_factory.mktemp("anvil") / "anvil.log")
    yield LocalChain(settings, server.rpc_url)
    server.stop()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of these commands."""
    return tmp_path_factory.mktemp("incidents")


@pytest.fixture(scope="module")
def market(state: Path, chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """A market with one round and an observation to prove, recorded in that folder."""
    client = ChainClient.connect(Settings(state_dir=state), chain.rpc_url)
    market = Market.deploy(client, WindowCircuit.make(tmp_path_factory.mktemp("window")))
    market.fill_window()
    market.prove_round()
    market.observe(104.0)
    return market


@pytest.fixture
def run(state: Path, chain: LocalChain, market: Market) -> Command:
    """`run("feed", "pause", ...)`: the command in this process; what it prints as JSON, or the error that ends it."""

    def ran(*words: str) -> dict[str, Any]:
        call = Invocation(overrides={"state_dir": state, "rpc_url": chain.rpc_url})
        done = CliRunner().invoke(app, [*words, "--json"], obj=call, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    return ran


@pytest.fixture(autouse=True)
def _record_restored(state: Path, market: Market, tmp_path: Path) -> Iterator[None]:
    """As the chain, the record of what is deployed is left as it was."""
    shutil.copytree(state, tmp_path / "kept")
    yield
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "kept", state)


def test_pause__then_unpause__rounds_stop_and_go_on(run: Command, market: Market) -> None:
    done = run("feed", "pause", VOLATILITY, "--yes")
    assert (done["changed"], done["paused"], done["stale"]) == (True, True, True)
    assert done["answer"] == market.volatility.guards().fallback_answer
    with pytest.raises(EnforcedPause):
        market.prove_round()
    again = run("feed", "pause", VOLATILITY, "--yes")
    assert (again["changed"], again["paused"]) == (False, True)
    assert run("feed", "unpause", VOLATILITY, "--yes")["paused"] is False
    assert market.prove_round()["status"] == 1


def test_rotate__pending_report_of_the_old_set__refused(run: Command, market: Market) -> None:
    feed = market.prices
    pending = feed.next_report(Observation(market.client.head().timestamp + 1, 104 * 10**8))
    signed = sign_reports([bytes(account(i).key) for i in range(2, 7)], feed.report_domain(), pending)
    chosen = [word for i in (2, 3, 8) for word in ("--publisher", account(i).address)]
    done = run("publisher", "rotate", PRICE, *chosen, "--yes")
    assert (done["fromSetVersion"], done["setVersion"], done["quorum"]) == (1, 2, 2)
    assert feed.publishers() == [account(i).address for i in (2, 3, 8)]
    with pytest.raises(PublisherSetChanged):
        market.client.call(feed.submit(*signed))
    assert run("publisher", "rotate", PRICE, *chosen, "--yes")["changed"] is False


def test_revoke_then_migrate__new_version__rounds_go_on(run: Command, market: Market, tmp_path: Path) -> None:
    done = run("model", "revoke", MODEL, "--yes")
    assert (done["status"], done["version"], done["feedsWithoutVersion"]) == ("revoked", 1, [VOLATILITY])
    with pytest.raises(WrongModelStatus):
        market.prove_round()
    mended = WindowCircuit.make(tmp_path / "mended", weight=0.5)
    deployer = Deployer(market.client, sender_of(market.client))
    assert deployer.deploy_model(mended, mended.verifier_source).version == 2
    moved = run("feed", "migrate", VOLATILITY, "--yes")
    assert (moved["version"], market.volatility.model_version()) == (2, 2)
    newest = market.prices.latest_round()
    proof = mended.prove(market.volatility.expected_inputs(newest).inputs)
    call = market.volatility.submit_round(newest, proof.outputs, proof.zk_proof)
    assert market.operator.transact("mended", call)["status"] == 1


def test_migrate__version_that_is_not_active__refused_by_the_registry(run: Command, market: Market) -> None:
    with pytest.raises(reverts.VersionNotFound):
        run("feed", "migrate", VOLATILITY, "--version", "7", "--yes")


@pytest.mark.parametrize(
    "words",
    [
        ("feed", "pause", VOLATILITY),
        ("feed", "migrate", VOLATILITY, "--version", "9"),
        ("model", "revoke", MODEL),
        ("publisher", "rotate", PRICE, "--publisher", account(2).address),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_dry_run__any_step__prints_the_transaction_and_sends_none(
    run: Command, market: Market, words: tuple[str, ...]
) -> None:
    before = market.client.head().number
    done = run(*words, "--dry-run")
    assert (done["changed"], market.client.head().number) == (False, before)
    assert re.fullmatch(r"0x[0-9a-f]{8,}", done["data"])
    assert len(done["to"]) == 42


def test_any_step__nobody_to_ask__refused_without_yes(run: Command) -> None:
    with pytest.raises(InvalidInput) as caught:
        run("model", "revoke", MODEL)
    assert caught.value.remedy == "add --yes"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("feed", "pause", PRICE), "publisher rotate"),
        (("publisher", "rotate", VOLATILITY, "--publisher", account(2).address), PRICE),
        (("publisher", "rotate", PRICE, *("--publisher", account(2).address) * 2), "different"),
        (("model", "revoke", "nobody"), "not registered"),
    ],
)
def test_any_step__of_the_wrong_thing__says_what_to_do(run: Command, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(OracleError) as caught:
        run(*words, "--yes")
    assert said in f"{caught.value} {caught.value.remedy}"


def test_runbook__every_command_that_it_names__exists() -> None:
    page = (PROJECT_ROOT / "docs" / "security.md").read_text()
    runbook = page[page.index("## Incident runbook") :]
    named = {tuple(words.split()[:2]) for words in re.findall(r"`plumbline ([a-z][^`]*)`", runbook)}
    assert {("feed", "pause"), ("publisher", "rotate"), ("model", "revoke"), ("feed", "migrate")} <= named
    for words in sorted(named):
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, words
