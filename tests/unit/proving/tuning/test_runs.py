"""Executions of samples: what ends them early, and settings that ezkl need not be asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.proving.building.manifest import Domain
from oracle.proving.tuning.runs import CHUNK, MAX_BITS, Grid, Runs
from oracle.proving.tuning.shapes import Shapes
from oracle.proving.validation import ModelForm, Validation
from oracle.proving.workers.pool import Worker
from tests.support import networks

SAMPLES = 3 * CHUNK


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(memory_mb=2048) as started:
        yield started


@pytest.fixture
def runs(worker: Worker, tmp_path: Path) -> Runs:
    """Of a network of four inputs and one output, over as many samples as three chunks hold."""
    model = networks.relu(tmp_path).onnx
    form = ModelForm(["x"], ["float32"], [[1, 4]], [[1, 1]], ["float32"])
    samples = [[[index / SAMPLES, -0.5, 0.25, 1.0 - index / SAMPLES]] for index in range(SAMPLES)]
    domain = [Domain(low=-1, high=1)]
    validation = Validation.over(worker, model, form=form, domain=domain, samples=samples, magnitudes=[1.0])
    return Runs(worker, model, validation, tmp_path, Shapes(worker, model, tmp_path), 60.0)


def test_run__first_samples_too_far_off__ends_there_and_is_not_remembered(runs: Runs) -> None:
    short = runs.run(Grid(5), target=1e-9)
    assert short is not None
    assert (short.score.samples, short.score.error > 1e-9) == (CHUNK, True)
    whole = runs.run(Grid(5))
    assert whole is not None
    assert whole.score.samples == SAMPLES
    assert whole.score.error >= short.score.error


def test_run__after_one_that_ended_early__begins_with_the_samples_that_ended_it(runs: Runs) -> None:
    hard = runs.validation.turned(2 * CHUNK + 3)
    # Nothing but the last chunk's fourth sample is off the model's answer
    runs.validation.expected[2 * CHUNK + 3] = [[hard.expected[0][0][0] + 10.0]]
    first, second = (runs.run(Grid(scale), target=1.0) for scale in (10, 11))
    assert first is not None
    assert second is not None
    assert (first.score.samples, second.score.samples) == (3 * CHUNK, CHUNK)


def test_run__within_the_target__is_what_all_samples_show(runs: Runs) -> None:
    found = runs.run(Grid(12), target=1e-1)
    assert found is not None
    assert found.score.samples == SAMPLES
    assert runs.run(Grid(12)) is found


@pytest.mark.parametrize("grid", [Grid(12), Grid(9, 4)])
def test_search_settings__room_for_other_integers__are_what_ezkl_says(runs: Runs, grid: Grid) -> None:
    asked = [runs._search_settings(grid, bits)[0] for bits in (14, 30, MAX_BITS)]
    for bits, settings in zip((14, 30, MAX_BITS), asked, strict=True):
        expected = runs.shapes.settings(grid.search(bits))
        for document in (expected, settings):
            document["required_range_checks"] = sorted(document["required_range_checks"])
            document.pop("timestamp", None)
        assert settings == expected
