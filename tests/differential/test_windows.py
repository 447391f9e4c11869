"""One window, three computations: Python's integers, Solidity's, and the committed circuit's own witness, bit for bit.

PLUMBLINE_FUZZ_CASES sets how many random and hostile windows (150 by default).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from oracle.domain.features import WINDOW, garch_inputs
from oracle.proving.building.keys import COMPILED, cache_folder
from oracle.proving.engine import ProvingEngine
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings
from tests.differential.test_features import SHAPES, batches, fill_many
from tests.differential.test_garch_circuit import CIRCUIT, SCALE, as_ezkl, circuit_integers
from tests.support.feature_cases import GARCH
from tests.support.local_chain import LocalChain

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "150"))
BATCH = 500


@pytest.mark.slow
@pytest.mark.timeout(0)  # as long as was asked for
def test_window__random_and_adversarial__python_solidity_and_circuit_equal(
    chain: LocalChain, settings: Settings, record_property: Callable[[str, object], None]
) -> None:
    harness = chain.deploy("FeatureHarness")
    engine = ProvingEngine(settings)
    engine.prepare(CIRCUIT)
    compiled = str(cache_folder(settings.cache_dir, engine.circuit(CIRCUIT)) / COMPILED)
    rng, done = random.Random(7992), 0
    windows = [SHAPES[i % len(SHAPES)](rng) for i in range(CASES)]
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        for batch in batches(windows, BATCH):
            on_chain = fill_many(harness, [(window, GARCH.sigma_ref_wad, SCALE) for window in batch])
            rows = [garch_inputs(window, GARCH, SCALE) for window in batch]
            for row, solidity in zip(rows, on_chain, strict=True):
                assert row[:WINDOW] == solidity[:WINDOW]
                assert row[WINDOW] == solidity[WINDOW] // (WINDOW << SCALE)
            samples = [[row] for row in rows]
            made = worker.call("witnesses", circuit=compiled, samples=samples, seconds=4000.0, timeout=4100.0)
            outputs = [int(output[0]) for output in made["outputs"]]
            assert outputs == [circuit_integers(row, as_ezkl) for row in rows]
            done += len(outputs)
    engine.close()
    record_property("cases", done)
    assert done == CASES
