"""`plumbline deploy` onto a chain that somebody else runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oracle.chain.anvil import AnvilProcess
from oracle.settings import Settings
from tests.support.command import Plumbline

pytestmark = pytest.mark.slow

START = "2008-09-02"
BEFORE_START = 1_220_043_600  # 2008-08-29 21:00 UTC, the last close before it


@pytest.fixture(scope="module")
def rpc_url(settings: Settings) -> Iterator[str]:
    anvil = AnvilProcess.start(settings, timestamp=BEFORE_START)
    yield anvil.rpc_url
    anvil.stop()


def test_deploy__twice__second_finds_everything_there(plumbline: Plumbline, rpc_url: str) -> None:
    plumbline.environment["PLUMBLINE_RPC_URL"] = rpc_url
    first = plumbline("deploy", "--start", START, "--json").facts
    second = plumbline("deploy", "--start", START)
    assert second.returncode == 0, second.stderr
    assert "deploying" not in second.stderr
    assert plumbline("status", "--json").facts["contracts"] == first["contracts"]


def test_deploy__then_status__history_recorded_and_no_round_yet(plumbline: Plumbline, rpc_url: str) -> None:
    feeds = {feed["name"]: feed for feed in plumbline("status", "--json").facts["feeds"]}
    assert feeds["spx-usd"]["roundId"] == 33
    assert feeds["spx-usd"]["observedAt"] == BEFORE_START
    assert feeds["spx-volatility"]["roundId"] == 0
    assert feeds["spx-volatility"]["answer"] is None


def test_deploy__wrong_chain_id__refused(plumbline: Plumbline, rpc_url: str) -> None:
    plumbline.environment["PLUMBLINE_CHAIN_ID"] = "1"
    try:
        done = plumbline("deploy", "--start", START)
    finally:
        del plumbline.environment["PLUMBLINE_CHAIN_ID"]
    assert done.returncode == 3
    assert "31337" in done.stderr


def test_deploy__quorum_above_publishers__refused_by_the_feed(plumbline: Plumbline, rpc_url: str) -> None:
    publisher = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    done = plumbline("deploy", "--source", "simulator", "--publisher", publisher, "--quorum", "2")
    assert done.returncode == 5
    assert "InvalidConfiguration" in done.stderr
