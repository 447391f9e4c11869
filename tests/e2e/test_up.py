"""The embedded stack's whole life: started, pushed, verified, killed in every part, and taken down."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oracle.cli.processes import ProcessRef
from tests.support.command import Plumbline
from tests.support.waiting import until

pytestmark = pytest.mark.slow

FEED = "spx-volatility"


@pytest.fixture(scope="module")
def status(plumbline: Plumbline) -> dict[str, Any]:
    """The status of a fresh stack."""
    return plumbline.up("--start", "2008-09-02")


def _feed(plumbline: Plumbline, name: str = FEED) -> dict[str, Any]:
    feeds = plumbline("status", "--json").facts["feeds"]
    return dict(next(feed for feed in feeds if feed["name"] == name))


def test_status__fresh_stack__chain_contracts_feeds_and_models(status: dict[str, Any]) -> None:
    assert status["chainId"] == 31337
    assert status["service"]["ready"]
    assert {"registry", "inference-verifier", "feed/spx-usd", f"feed/{FEED}", "lending/spx-lending"} <= set(
        status["contracts"]
    )
    by_name = {feed["name"]: feed for feed in status["feeds"]}
    assert by_name["spx-usd"]["kind"] == "price"
    assert by_name["spx-usd"]["answer"] == 127_757_995_600  # the close of 2008-09-02, 8 decimals
    assert by_name[FEED]["roundId"] == 1
    assert [model["status"] for model in status["models"]] == ["Active"]


def test_up__second_on_the_same_folder__conflict(plumbline: Plumbline, status: dict[str, Any]) -> None:
    done = plumbline("up")
    assert done.returncode == 2
    assert "plumbline down" in done.stderr


def test_feed_push__volatility__next_round_on_chain(plumbline: Plumbline, status: dict[str, Any]) -> None:
    before = _feed(plumbline)
    made = plumbline("feed", "push", FEED, "--json").facts
    after = _feed(plumbline)
    assert made["roundId"] == before["roundId"] + 1 == after["roundId"]
    assert made["answer"] == after["answer"]
    assert after["observedAt"] > before["observedAt"]


def test_feed_push__price__only_the_price_moves(plumbline: Plumbline, status: dict[str, Any]) -> None:
    volatility, price = _feed(plumbline), _feed(plumbline, "spx-usd")
    made = plumbline("feed", "push", "spx-usd", "--json").facts
    assert made["roundId"] == price["roundId"] + 1
    assert _feed(plumbline) == volatility


def test_verify__by_name_and_by_address__every_check(plumbline: Plumbline, status: dict[str, Any]) -> None:
    by_name = plumbline("feed", "verify", FEED, "1", "--json").facts
    address = status["contracts"][f"feed/{FEED}"]
    by_address = plumbline("verify", "--rpc-url", status["rpcUrl"], "--feed", address, "--round", "1", "--json").facts
    assert by_name == by_address
    assert by_name["verified"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["feed", "push", "nothing"], "nothing"),
        (["feed", "rounds", "nothing"], "nothing"),
        (["feed", "verify", FEED, "999"], "no round 999"),
        (["feed", "verify", "spx-usd"], "price feed"),
        (["verify", "--feed", "0x" + "11" * 20], "no contract"),
        (["request", "nothing", "--input", "{inputs}"], "nothing"),
        (["request", "garch-vol-32", "--input", "{inputs}"], "38"),
        (["prove", "garch-vol-32", "--input", "{inputs}", "--submit"], "38"),
    ],
)
def test_bad_input__running_stack__clear_line(
    plumbline: Plumbline, status: dict[str, Any], file: Callable[[str, str], Path], arguments: list[str], words: str
) -> None:
    inputs = str(file("inputs.json", '{"input_data": [[1.0, 2.0]]}'))
    done = plumbline(*(argument.format(inputs=inputs) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr


def test_request__same_key_twice__one_request(
    plumbline: Plumbline, status: dict[str, Any], file: Callable[[str, str], Path]
) -> None:
    returns, h0, omega, alpha, beta, a, b = [0.5, -0.5] * 16, 0.25, 0.05, 0.05, 0.9, 0.9, 0.1
    inputs = file("garch.json", json.dumps({"input_data": [[*returns, h0, omega, alpha, beta, a, b]]}))
    ask = ("request", "garch-vol-32", "--input", str(inputs), "--idempotency-key", "monday", "--json")
    accepted = plumbline(*ask).facts
    ended = plumbline(*ask, "--wait").facts
    assert ended["id"] == accepted["id"]
    assert ended["proofBytes"] > 0
    variance = h0
    for value in returns:
        variance = omega + alpha * value**2 + beta * variance
    assert ended["outputReals"] == pytest.approx([a * variance + b], rel=1e-3)


def test_kill_service__while_pushing__round_lands_exactly_once(plumbline: Plumbline, status: dict[str, Any]) -> None:
    before = _feed(plumbline)
    pid = plumbline("status", "--json").facts["service"]["pid"]
    service = ProcessRef.of(pid)
    push = plumbline.spawn("feed", "push", FEED, "--json")
    try:
        assert push.stdout is not None
        os.kill(pid, signal.SIGKILL)
        out, err = push.communicate(timeout=200)
    finally:
        push.kill()
    assert push.returncode == 0, err
    assert f'"roundId": {before["roundId"] + 1}' in out
    assert _feed(plumbline)["roundId"] == before["roundId"] + 1
    assert not service.alive()


def test_kill_up__then_up_again__takes_over_chain_and_rounds(plumbline: Plumbline, status: dict[str, Any]) -> None:
    before = _feed(plumbline)
    plumbline.kill_up()
    again = plumbline.up("--start", "2008-09-02")
    assert again["rpcUrl"] == status["rpcUrl"]
    assert again["apiUrl"] == status["apiUrl"]
    assert again["contracts"] == status["contracts"]
    assert _feed(plumbline) == before
    assert plumbline("feed", "push", FEED, "--json").facts["roundId"] == before["roundId"] + 1


def test_down__then_up_again__goes_on_from_the_saved_chain(plumbline: Plumbline, status: dict[str, Any]) -> None:
    before = _feed(plumbline)
    running = plumbline("status", "--json").facts
    processes = [ProcessRef.of(running[name]["pid"]) for name in ("supervisor", "service", "anvil")]
    assert plumbline.end() == 0
    until(lambda: not any(process.alive() for process in processes))
    assert plumbline("status").returncode == 2

    conflict = plumbline("up", "--source", "simulator")
    assert conflict.returncode == 2
    assert "--fresh" in conflict.stderr

    plumbline.up("--start", "2008-09-02")
    assert _feed(plumbline) == before
