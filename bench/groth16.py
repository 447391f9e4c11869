"""Two proof systems on the same integers: ezkl's circuit and Groth16, for every circuit that both can prove."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.evm import sample_inputs
from oracle.chain import solc
from oracle.chain.verification_gas import verification_gas
from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InvalidInput, ProofRejected
from oracle.proving.building.manifest import VERIFIER, CircuitManifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.felts import hex_from_int
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.proving.groth16.folder import network_circuit
from oracle.proving.groth16.keys import canonical, proving_document
from oracle.proving.groth16.prover import prove
from oracle.proving.groth16.setup import Secrets, key_from_secrets
from oracle.proving.groth16.solidity import CONTRACT, verifier_source
from oracle.proving.srs.store import DEV
from oracle.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class SystemRecord:
    """One circuit under one proof system; medians of seconds, gas of a whole transaction."""

    circuit: str
    system: str
    size: int
    prove_seconds: float
    prove_cpu_seconds: float
    proof_bytes: int
    proving_key_bytes: int
    gas: int
    code_bytes: int


def measure(settings: Settings, proofs: int, say: Say) -> list[SystemRecord]:
    """Both systems on the same inputs. Raises ProofRejected where their public values differ."""
    records: list[SystemRecord] = []
    engine = ProvingEngine(settings)
    try:
        for manifest in engine.circuits():
            folder = engine.folder(manifest.circuit_id)
            try:
                circuit = network_circuit(folder, manifest)
            except InvalidInput as error:
                say(f"{manifest.circuit_id}: not for Groth16: {error}")
                continue
            records += _both(settings, engine, (manifest, folder, circuit), proofs, say)
    finally:
        engine.close()
    return records


def _both(
    settings: Settings,
    engine: ProvingEngine,
    one: tuple[CircuitManifest, Path, NetworkCircuit],
    proofs: int,
    say: Say,
) -> list[SystemRecord]:
    manifest, folder, circuit = one
    name, values = manifest.circuit_id, sample_inputs(manifest)
    say(f"{name}: ezkl")
    made = [engine.prove(name, engine.witness(name, values)) for _ in range(proofs)]
    instances = [hex_from_int(felt) for felt in made[0].instances]
    compiled = solc.compile_verifier(settings, folder / VERIFIER)
    ezkl = SystemRecord(
        name,
        "ezkl",
        1 << manifest.logrows,
        statistics.median(proof.seconds["prove"] for proof in made),
        statistics.median(proof.seconds["prove_cpu"] for proof in made),
        len(made[0].zk_proof),
        manifest.measured.proving_key_bytes,
        verification_gas(settings, compiled, {"proof": made[0].zk_proof.hex(), "instances": instances}),
        len(compiled.deployed_bytecode),
    )
    say(f"{name}: Groth16")
    return [ezkl, _groth16(settings, name, circuit, values, made[0].instances, proofs)]


def _groth16(  # noqa: PLR0917
    settings: Settings,
    name: str,
    circuit: NetworkCircuit,
    values: list[int],
    expected: tuple[int, ...],
    proofs: int,
) -> SystemRecord:
    key = key_from_secrets(circuit.build()[0], Secrets.development())
    walls, cpus = [], []
    for _ in range(proofs):
        wall, cpu = time.monotonic(), time.process_time()
        builder, layout, outputs = circuit.build(values)
        proof = prove(key, builder)
        walls.append(time.monotonic() - wall)
        cpus.append(time.process_time() - cpu)
    instances = tuple(value % BN254_SCALAR_FIELD for value in (*values, *outputs))
    if instances != expected:
        raise ProofRejected(f"{name}: Groth16 speaks of {instances}, ezkl of {expected}")
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
        source = Path(scratch) / VERIFIER
        source.write_text(verifier_source(key.verifying, layout, DEV))
        compiled = solc.compile_verifier(settings, source, CONTRACT)
    shown = {"proof": proof.encode().hex(), "instances": [hex_from_int(felt) for felt in instances]}
    return SystemRecord(
        name,
        "groth16",
        key.size,
        statistics.median(walls),
        statistics.median(cpus),
        len(proof.encode()),
        len(canonical(proving_document(key))),
        verification_gas(settings, compiled, shown),
        len(compiled.deployed_bytecode),
    )


def table(records: list[SystemRecord]) -> Table:
    """One line for each circuit and system."""
    shown = Table(title="ezkl and Groth16 on the same integers")
    for name in ("circuit", "system", "size", "prove s", "CPU s", "proof bytes", "key bytes", "gas", "code"):
        shown.add_column(name, justify="left" if name in ("circuit", "system") else "right")
    for one in records:
        shown.add_row(
            one.circuit,
            one.system,
            f"{one.size:,}",
            f"{one.prove_seconds:.2f}",
            f"{one.prove_cpu_seconds:.2f}",
            f"{one.proof_bytes:,}",
            f"{one.proving_key_bytes:,}",
            f"{one.gas:,}",
            f"{one.code_bytes:,}",
        )
    return shown
