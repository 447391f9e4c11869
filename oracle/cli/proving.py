"""The proving engine for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings


@contextmanager
def opened_engine(settings: Settings) -> Iterator[ProvingEngine]:
    """The proving engine, its workers ended at the end."""
    engine = ProvingEngine(settings)
    try:
        yield engine
    finally:
        engine.close()
