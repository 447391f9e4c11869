"""`plumbline replay` on the real contracts: a crash drawn from a seed, its worst hours really proven."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from oracle.cli.replay.run import ReplayOptions, run_replay
from oracle.domain.replay.report import Report
from oracle.errors import InvalidInput
from oracle.settings import Settings
from tests.support.command import Plumbline
from tests.support.waiting import until

pytestmark = pytest.mark.slow

HISTORY, SAMPLE = 1_100, 26
START = 1_609_459_200  # 2021-01-01
PROVEN = 6  # the first hour and the five of the largest moves


def candles() -> str:
    """A calm market that falls by a quarter in the sample's second half."""
    draw, price, rows = Random(5), 2_000.0, ["ts,close"]
    for hour in range(-HISTORY, SAMPLE - 1):
        falls = SAMPLE // 2 < hour < SAMPLE // 2 + 4
        price *= math.exp(draw.gauss(-0.09 if falls else 0.0, 0.006))
        rows.append(f"{START + 3600 * hour},{price:.2f}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def market(file: Callable[[str, str], Path]) -> Path:
    """Its hours in a file."""
    return file("candles.csv", candles())


def arguments(market: Path, protocol: str, *more: str) -> list[str]:
    """The command for this market."""
    return ["replay", "--protocol", protocol, "--source", f"csv:{market}", "--start", "2021-01-01", *more]


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a folder of the test's own."""
    return settings.model_copy(update={"state_dir": tmp_path})


def silent(text: str) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def sampled(
    plumbline: Plumbline, market: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """What a replay with proofs came to, and the folder of its files."""
    out = tmp_path_factory.mktemp("replay") / "perp"
    run = arguments(market, "perp", "--every", "1000", "--out", str(out), "--json")
    return plumbline(*run).facts, out


def test_replay__perp_sampled__contracts_end_where_the_twins_do(sampled: tuple[dict[str, Any], Path]) -> None:
    facts, _ = sampled
    assert facts["hours"] == SAMPLE
    assert facts["calls"] > 100
    assert facts["figures_equal"] > 3 * 60


def test_replay__perp_sampled__says_what_is_proven(sampled: tuple[dict[str, Any], Path]) -> None:
    facts, _ = sampled
    assert (facts["proofs"]["proven"], facts["proofs"]["rounds"]) == (PROVEN, SAMPLE)
    assert facts["proofs"]["text"].startswith(
        f"{PROVEN} of {SAMPLE} rounds of tail-risk-32, the worst hours among them"
    )


def test_replay__perp_sampled__crash_liquidates_in_its_worst_hours(sampled: tuple[dict[str, Any], Path]) -> None:
    facts, _ = sampled
    static = next(v for v in facts["variants"] if v["variant"] == "static")
    assert static["liquidations"] > 0
    assert facts["worst"][0]["move"] < -0.05
    assert static["mean_requirement"] == pytest.approx(facts["statics"]["margin"] / 1e18)


def test_report_of__what_was_written__is_the_report(sampled: tuple[dict[str, Any], Path]) -> None:
    facts, out = sampled
    written = json.loads((out / "report.json").read_text())
    assert json.loads(json.dumps(Report.of(written).document())) == written == facts


def test_replay__out__writes_report_and_plots_without_prices(sampled: tuple[dict[str, Any], Path]) -> None:
    _, out = sampled
    written = {path.name for path in out.iterdir()}
    assert written == {"report.json", "requirement.svg", "collateral.svg", "bad-debt.svg", "liquidations.svg"}
    last = candles().splitlines()[-1].split(",")[1]
    assert all(last not in path.read_text() for path in out.iterdir())


@pytest.mark.parametrize("protocol", ["options", "lending"])
def test_replay__without_proofs__says_that_nothing_is_proven(own: Settings, market: Path, protocol: str) -> None:
    report = run_replay(own, ReplayOptions(protocol, f"csv:{market}", start="2021-01-01", proofs="none"), silent).report
    assert report.proofs.text.startswith("Nothing is proven")
    assert report.figures_equal > 100
    assert all(variant.mean_exposure > 0 for variant in report.variants)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"protocol": "casino"}, "--protocol 'casino' is not one of"),
        ({"proofs": "some"}, "--proofs 'some' is not one of all, sampled, none"),
        ({"source": "csv:/nowhere.csv"}, "there is no file /nowhere.csv"),
        ({"source": "sp500", "start": "2008-09-02"}, "needs hours"),
        ({"start": "2020-12-15"}, "hours before the sample, its constants need at least 1000"),
        ({"start": "2021-01-02"}, "the sample has 2 hours"),
    ],
)
def test_replay__bad_input__is_refused_by_name(own: Settings, market: Path, changed: dict[str, str], says: str) -> None:
    given = {"protocol": "perp", "source": f"csv:{market}", "start": "2021-01-01", "proofs": "none"} | changed
    with pytest.raises(InvalidInput, match=says):
        run_replay(own, ReplayOptions(**given), silent)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_replay__told_to_end__its_chain_ends_with_it(
    plumbline: Plumbline, market: Path, number: signal.Signals, code: int
) -> None:
    with plumbline.spawn(*arguments(market, "perp")) as running:
        process = psutil.Process(running.pid)
        until(lambda: any("anvil" in child.name() for child in process.children()))
        chain = next(child for child in process.children() if "anvil" in child.name())
        running.send_signal(number)
        assert (running.wait(60), chain.is_running()) == (code, False)
