"""Which forms of a model are searched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.proving.rewrites.names import RATIONAL
from oracle.proving.tuning.variants import variants
from oracle.proving.workers.pool import Worker
from tests.support import networks


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(memory_mb=2048) as started:
        yield started


def test_variants__nothing_to_rewrite__is_the_model_as_it_came(worker: Worker, tmp_path: Path) -> None:
    model = networks.relu(tmp_path).onnx
    (only,) = variants(worker, model, tmp_path)
    assert (only.model, only.rewrites, only.exact) == (model, (), True)


def test_variants__sigmoid__has_a_rational_form_of_each_level(worker: Worker, tmp_path: Path) -> None:
    found = variants(worker, networks.logistic(tmp_path).onnx, tmp_path)
    assert [one.rewrites for one in found] == [(), *((name,) for name in RATIONAL)]
    assert [one.exact for one in found] == [True, False, False, False]


def test_variants__rewrites_off__is_the_model_alone(worker: Worker, tmp_path: Path) -> None:
    assert len(variants(worker, networks.logistic(tmp_path).onnx, tmp_path, rewrite=False)) == 1
