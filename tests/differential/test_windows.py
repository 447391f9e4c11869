"""One window, three computations: Python's integers, Solidity's, and the committed circuit's arithmetic, bit for bit.

The circuit's arithmetic is its twin in Python's integers for every window, and ezkl's own witness, some hundred times
long, for every 50th and at least 150 of them; both equal wherever both are. What it makes of every window is
held against the model in floats. PLUMBLINE_FUZZ_CASES sets how many windows, random and hostile (150 by default).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import numpy as np
import pytest

from models.garch import recursion
from oracle.domain.features import WINDOW, garch_inputs
from oracle.proving.building.keys import COMPILED, cache_folder
from oracle.proving.engine import ProvingEngine
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings
from tests.differential.test_features import SHAPES, batches, fill_many
from tests.differential.test_garch_circuit import CIRCUIT, ONE, SCALE, as_ezkl, circuit_integers, errors_of
from tests.support.feature_cases import GARCH
from tests.support.local_chain import LocalChain

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "150"))
BATCH = 500
# Of the circuit's rescalings alone, as tests/differential/test_garch_circuit.py has it for what the chain gives
TWIN_ERROR = 1e-6
EVERY = max(1, min(50, CASES // 150))  # so many windows to a witness


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
    witnessed = 0
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        for batch in batches(windows, BATCH):
            on_chain = fill_many(harness, [(window, GARCH.sigma_ref_wad, SCALE) for window in batch])
            rows = [garch_inputs(window, GARCH, SCALE) for window in batch]
            for row, solidity in zip(rows, on_chain, strict=True):
                assert row[:WINDOW] == solidity[:WINDOW]
                assert row[WINDOW] == solidity[WINDOW] // (WINDOW << SCALE)
            outputs = [circuit_integers(row, as_ezkl) for row in rows]
            assert errors_of(outputs, recursion(np.array(rows) / ONE)).max() <= TWIN_ERROR
            chosen = range(done % EVERY, len(rows), EVERY)
            samples = [[rows[i]] for i in chosen]
            made = worker.call("witnesses", circuit=compiled, samples=samples, seconds=4000.0, timeout=4100.0)
            assert [int(output[0]) for output in made["outputs"]] == [outputs[i] for i in chosen]
            done, witnessed = done + len(outputs), witnessed + len(chosen)
    engine.close()
    record_property("cases", done)
    record_property("witnesses", witnessed)
    assert done == CASES
    assert witnessed >= min(150, CASES)
