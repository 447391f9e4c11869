"""Rows are asked twice and interpolated: what ezkl says of the legs in between must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from oracle.proving.tuning.shapes import Form, Shapes
from oracle.proving.workers.pool import Worker
from tests.support import networks


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(memory_mb=2048) as started:
        yield started


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("legs", [3, 4, 8])
def test_estimate__other_legs__is_what_ezkl_says(worker: Worker, tmp_path: Path, columns: int, legs: int) -> None:
    model = networks.relu(tmp_path).onnx
    form = Form(12, 1, columns, False)
    estimate = Shapes(worker, model, tmp_path).estimate(form, legs)
    exact = Shapes(worker, model, tmp_path).at(form, legs)
    assert estimate is not None
    assert exact is not None
    # several columns are filled in turn, which is not quite linear: what is chosen is asked for exactly
    assert estimate.rows == pytest.approx(exact.rows, rel=0.0 if columns == 1 else 0.1)
    assert estimate == replace(exact, rows=estimate.rows)


def test_at__many_legs__do_not_overflow(worker: Worker, tmp_path: Path) -> None:
    shapes = Shapes(worker, networks.relu(tmp_path).onnx, tmp_path)
    assert all(shapes.at(Form(12, 1, 1, False), legs) is not None for legs in (5, 8, 12))
