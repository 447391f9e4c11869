"""Real commands on folders of their own; everything that they start ends with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command import Plumbline


@pytest.fixture(scope="module")
def plumbline(tmp_path_factory: pytest.TempPathFactory, compiled: object) -> Iterator[Plumbline]:
    """The command line on a state folder of this module's own."""
    command = Plumbline(tmp_path_factory.mktemp("plumbline") / "state")
    yield command
    command.end()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """`file(name, text)`: a file with this content."""
    folder = tmp_path_factory.mktemp("files")

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text)
        return path

    return write
