"""The patient loop: what it waits out, what it goes on after, and what ends it."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from oracle.daemon.loops import PatientLoop
from oracle.daemon.metrics import Metrics
from oracle.errors import NotFound, RpcUnavailable, StorageFull
from tests.support.waiting import until

LOCKED = sa.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (RpcUnavailable("away"), "RpcUnavailable"),
        (StorageFull("full"), "StorageFull"),
        (NotFound("nothing"), "NotFound"),
        (LOCKED, "DatabaseUnavailable"),
    ],
)
def test_loop__error_of_ours_or_an_outage__goes_on_and_counts_it(error: Exception, counted: str) -> None:
    metrics, ended, cycles = Metrics(), list[BaseException](), list[int]()

    def cycle() -> None:
        cycles.append(1)
        if len(cycles) == 1:
            raise error

    loop = PatientLoop("loop", cycle, secs=0.001, longest_secs=0.01, metrics=metrics, on_fatal=ended.append)
    loop.start()
    until(lambda: len(cycles) > 2)
    loop.stop()
    assert ended == []
    assert metrics.registry.get_sample_value("plumbline_failures_total", {"step": "loop", "cause": counted}) == 1


@pytest.mark.parametrize(
    "error", [KeyError("a fault"), sa.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE"))]
)
def test_loop__fault__is_handed_on_and_ends_it(error: Exception) -> None:
    ended: list[BaseException] = []

    def cycle() -> None:
        raise error

    loop = PatientLoop("loop", cycle, secs=0.001, longest_secs=0.01, metrics=Metrics(), on_fatal=ended.append)
    loop.start()
    until(lambda: bool(ended))
    loop.stop()
    assert ended == [error]
