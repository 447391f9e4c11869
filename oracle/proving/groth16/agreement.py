"""Whether the integers of a network are ezkl's: asked of ezkl itself, over the whole domain and at its corners."""

from __future__ import annotations

import math
import random
import tempfile
from pathlib import Path

from oracle.errors import ModelRejected
from oracle.proving.building.keys import COMPILED, compile_circuit
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.groth16.network import IntegerNetwork
from oracle.proving.quantise import domain_at
from oracle.proving.workers.pool import Worker

SEED = 20_261_122
TIMEOUT_SECS = 600.0


def samples(manifest: CircuitManifest, count: int, seed: int = SEED) -> list[list[int]]:
    """Quantised inputs: both ends of the domain, zero, values one step inside, mixed corners, then random ones."""
    rng = random.Random(seed)
    bounds = []
    for position in range(manifest.input_count):
        domain, scale = domain_at(manifest, 0, position), manifest.input_scale(position)
        bounds.append((math.ceil(math.ldexp(domain.low, scale)), math.floor(math.ldexp(domain.high, scale))))
    rows = [
        [low for low, _ in bounds],
        [high for _, high in bounds],
        [min(max(0, low), high) for low, high in bounds],
        [min(low + 1, high) for low, high in bounds],
        [max(high - 1, low) for low, high in bounds],
    ]
    rows += [[rng.choice(bound) for bound in bounds] for _ in range(count // 4)]
    while len(rows) < count:
        rows.append([rng.randint(low, high) for low, high in bounds])
    return rows[:count]


def check_agreement(
    folder: Path, manifest: CircuitManifest, network: IntegerNetwork, count: int, memory_mb: int
) -> int:
    """Compares the outputs with those of ezkl's witnesses, exactly; returns how many inputs were tried.

    Raises ModelRejected at the first that differs.
    """
    rows = samples(manifest, count)
    with tempfile.TemporaryDirectory(prefix="plumbline-groth16-") as scratch, Worker(memory_mb=memory_mb) as worker:
        compile_circuit(worker, folder, Path(scratch))
        answer = worker.call(
            "witnesses",
            circuit=str(Path(scratch) / COMPILED),
            samples=[[row] for row in rows],
            seconds=TIMEOUT_SECS,
            timeout=2 * TIMEOUT_SECS,
        )
    for row, outputs in zip(rows, answer["outputs"], strict=False):
        ours = network.evaluate(row)
        if list(outputs) != ours:
            raise ModelRejected(f"{manifest.circuit_id} gives {outputs} in ezkl and {ours} here, for inputs {row}")
    return len(answer["outputs"])
