"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from oracle.errors import InvalidInput


def absolute(path: str | Path) -> Path:
    """The path in full, with a home for `~`. Raises InvalidInput for the home of nobody and a loop of links."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise InvalidInput(f"{path} is no path: {error}") from None
