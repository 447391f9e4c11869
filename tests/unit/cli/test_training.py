"""`plumbline model card` and `train`: the committed card and report, names that do not exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oracle.cli.context import Invocation
from oracle.cli.main import app
from oracle.cli.training import REPORT, read_bars, read_card
from oracle.errors import InputRejected, NotFound
from oracle.settings import Settings


def test_card__committed_model__text_and_json() -> None:
    runner = CliRunner()
    text, report = (
        runner.invoke(app, ["model", "card", "garch-vol-32", *options], obj=Invocation()).stdout
        for options in ([], ["--json"])
    )
    assert "# Model card: GARCH(1,1) volatility" in text
    shown = json.loads(report)
    assert shown["circuit_id"] == "garch-vol-32"
    assert all(bar["reached"] for bar in shown["bars"])


def test_read_card__unknown_model__names_those_there_are(settings: Settings) -> None:
    with pytest.raises(NotFound, match="astrology") as caught:
        read_card(settings, "astrology")
    assert "garch-vol-32" in str(caught.value)


def test_card__all__every_bar_of_every_report(settings: Settings) -> None:
    runner = CliRunner()
    table, document = (
        runner.invoke(app, ["model", "card", "--all", *options], obj=Invocation()).stdout
        for options in ([], ["--json"])
    )
    shown = {one["model"]: one for one in json.loads(document)}
    for path in settings.circuits_dir.glob(f"*/{REPORT}"):
        bars = json.loads(path.read_text())["bars"]
        one = shown.pop(path.parent.name)
        assert (one["bars"], one["reached"]) == (bars, sum(bar["reached"] for bar in bars))
        assert path.parent.name in table
    assert not shown


def test_card__a_name_and_all__refused() -> None:
    outcome = CliRunner().invoke(app, ["model", "card", "garch-vol-32", "--all"], obj=Invocation())
    assert "give one model's name, or --all" in getattr(outcome.exception, "remedy", "")


def test_read_bars__a_broken_report__refused_with_its_path(tmp_path: Path, settings: Settings) -> None:
    moved = settings.model_copy(update={"circuits_dir": tmp_path})
    with pytest.raises(NotFound, match="no card"):
        read_bars(moved)
    for text in ("{", "[]", '{"bars": [{}]}'):
        (tmp_path / "some").mkdir(exist_ok=True)
        (tmp_path / "some" / REPORT).write_text(text)
        with pytest.raises(InputRejected, match="some"):
            read_bars(moved)
