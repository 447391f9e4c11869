"""Paths as users write them, and those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.cli.context import load_settings
from oracle.errors import ConfigurationError, InvalidInput
from oracle.market.sources import open_source
from oracle.paths import absolute


def test_absolute__home_and_relative__in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert absolute("~/a") == absolute(Path("b/../a")) == tmp_path / "a"


def test_absolute__no_path__refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in ("~nobody-of-that-name/a", tmp_path / "loop"):
        with pytest.raises(InvalidInput, match="is no path"):
            absolute(path)


def test_load_settings__home_of_nobody__names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_STATE_DIR", "~nobody-of-that-name")
    with pytest.raises(ConfigurationError, match="PLUMBLINE_STATE_DIR: ~nobody-of-that-name is no path"):
        load_settings()


def test_open_source__home_of_nobody__refused() -> None:
    with pytest.raises(InvalidInput, match=r"a\.csv is no path"):
        open_source("csv:~nobody-of-that-name/a.csv", None, None, None)
