"""Every family's committed circuit: within its budget on inputs that no build has seen, and proven once.

Closes the chain of equalities that tests/unit/models begins: reference = torch = ONNX, and here reference = circuit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from models._export import committed
from models._registry import Family, families
from oracle.proving.building.keys import COMPILED, cache_folder
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.quantise import quantise_value
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings

pytestmark = pytest.mark.slow

HELD_OUT_SEED = 4_711
EDGES = 24
CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "48"))
WITNESS_SECS = 300.0
ALL = list(families().values())


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ProvingEngine]:
    """One engine for all circuits."""
    running = ProvingEngine(settings)
    yield running
    running.close()


@pytest.fixture(params=ALL, ids=[one.name for one in ALL])
def model(request: pytest.FixtureRequest) -> Family:
    """Each family in turn."""
    chosen: Family = request.param
    return chosen


def quantised(manifest: CircuitManifest, row: np.ndarray) -> list[int]:
    """A row of floats on the circuit's grid."""
    dtype = manifest.input_dtypes[0]
    return [quantise_value(float(value), manifest.input_scale(i), dtype) for i, value in enumerate(row)]


def test_circuit__held_out_inputs__within_budget_and_proven(
    model: Family, engine: ProvingEngine, settings: Settings
) -> None:
    engine.prepare(model.circuit_id)
    manifest = engine.circuit(model.circuit_id)
    drawn = model.samples(EDGES + 2 * CASES + 200, HELD_OUT_SEED)
    inputs = np.concatenate([drawn[:EDGES], drawn[-CASES:]])
    rows = [quantised(manifest, row) for row in inputs]
    compiled = str(cache_folder(settings.cache_dir, manifest) / COMPILED)
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        run = worker.call(
            "witnesses",
            circuit=compiled,
            samples=[[row] for row in rows],
            seconds=WITNESS_SECS,
            timeout=2 * WITNESS_SECS,
        )
    scales = np.array([manifest.output_scale(i) for i in range(manifest.output_count)])
    got = np.array([[float(value) for value in row] for row in run["outputs"]]) / 2.0**scales
    assert len(got) == len(inputs)
    expected = model.reference(inputs, committed(model).weights)
    assert model.errors(got, expected).max() <= model.max_error

    proof = engine.prove(model.circuit_id, engine.witness(model.circuit_id, rows[-1]))
    engine.verify(model.circuit_id, proof)
    np.testing.assert_allclose(engine.outputs(model.circuit_id, proof), got[-1], rtol=1e-12)
