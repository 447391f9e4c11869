"""The committed circuits of liquidation, risk weight and cascade, executed on inputs that their builds never saw."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from models._export import committed
from models._registry import Family, family
from oracle.proving.building.keys import COMPILED, cache_folder
from oracle.proving.engine import ProvingEngine
from oracle.proving.quantise import quantise_value
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings

pytestmark = pytest.mark.slow

NAMES = ("liquidation", "liquidation_16", "liquidation_64", "risk_weight", "cascade")
SEED = 4_242
CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "60"))
MOST_SECONDS = 400.0


@pytest.fixture(scope="module")
def worker(settings: Settings) -> Iterator[Worker]:
    """One worker for all."""
    with Worker(memory_mb=settings.prove_memory_mb) as running:
        yield running


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ProvingEngine]:
    """The engine, with keys in the user's cache."""
    running = ProvingEngine(settings)
    yield running
    running.close()


def executed(engine: ProvingEngine, worker: Worker, settings: Settings, one: Family, inputs: np.ndarray) -> np.ndarray:
    """The compiled circuit's outputs in real numbers."""
    engine.prepare(one.circuit_id)
    manifest = engine.circuit(one.circuit_id)
    dtype = manifest.input_dtypes[0]
    rows = [[[quantise_value(float(v), manifest.input_scale(0), dtype) for v in row]] for row in inputs]
    compiled = str(cache_folder(settings.cache_dir, manifest) / COMPILED)
    run = worker.call("witnesses", circuit=compiled, samples=rows, seconds=MOST_SECONDS, timeout=2 * MOST_SECONDS)
    assert len(run["outputs"]) == len(inputs)
    scales = np.array([manifest.output_scale(i) for i in range(manifest.output_count)])
    return np.array([[float(value) for value in row] for row in run["outputs"]]) / 2.0**scales


@pytest.mark.parametrize("name", NAMES)
def test_circuit__held_out_and_corners__within_budget(
    engine: ProvingEngine, worker: Worker, settings: Settings, name: str
) -> None:
    one = family(name)
    inputs = one.samples(100 + CASES, SEED)[-(20 + CASES) :]
    got = executed(engine, worker, settings, one, inputs)
    assert one.errors(got, one.reference(inputs, committed(one).weights)).max() <= one.max_error


def test_circuit__64_positions__the_circuit_of_16_four_times(
    engine: ProvingEngine, worker: Worker, settings: Settings
) -> None:
    few, many = family("liquidation_16"), family("liquidation_64")
    row = many.samples(200, SEED)[-1]
    together = executed(engine, worker, settings, many, row[None])[0]
    parts = np.column_stack([np.tile(row[:4], (4, 1)), row[4:].reshape(4, 16)])
    apart = executed(engine, worker, settings, few, parts)
    # both circuits are exact at their scales, which are one
    np.testing.assert_array_equal(together[:-1], apart[:, :-1].ravel())
    assert set(apart[:, -1]) == {together[-1]}
