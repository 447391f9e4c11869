"""`plumbline model card` and `train`: the committed card and report, names that do not exist."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from oracle.cli.context import Invocation
from oracle.cli.main import app
from oracle.cli.training import read_card
from oracle.errors import NotFound
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
    assert "garch-vol-32" in caught.value.remedy
