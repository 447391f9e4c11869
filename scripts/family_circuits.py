"""A model family's circuit: built, executed on held-out inputs, its verifier's gas. What train_model.py calls."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from web3 import HTTPProvider, Web3

from models._card import CircuitFacts
from models._export import INPUT_NAME, calibration_inputs, export_family
from models._registry import Array, CircuitShape, Family, Fitted
from oracle.chain.anvil import AnvilProcess
from oracle.chain.solc import compile_verifier
from oracle.proving.building.build import Plan, Site, build
from oracle.proving.building.keys import COMPILED, CircuitParams, cache_folder
from oracle.proving.building.manifest import VERIFIER, CircuitManifest, Domain, read_manifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.intake import build_circuit
from oracle.proving.quantise import quantise_value
from oracle.proving.tuning.cost import predict
from oracle.proving.tuning.tuner import Tuner
from oracle.proving.validation import ModelForm, Validation
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings

HELD_OUT_SEED = 20_260_101
HELD_OUT_COUNT = 2_000
HELD_OUT_LARGE = 1_000
LARGE_INPUT = 256
WITNESS_SECS = 600.0
NO_TABLE = (-128, 128)


def build_family(family: Family, fitted: Fitted, settings: Settings, out: Path) -> None:
    """Exports the model and publishes its circuit folder at `out`. Raises ModelRejected, CandidateFailed."""
    with tempfile.TemporaryDirectory(prefix="plumbline-train-") as scratch:
        _build(family, fitted, settings, Path(scratch), out)


def measure(family: Family, fitted: Fitted, settings: Settings, folder: Path) -> CircuitFacts:
    """What the circuit in `folder` does on inputs that neither tuning nor the build has seen, and its gas."""
    manifest = read_manifest(folder)
    settings = settings.model_copy(update={"circuits_dir": folder.parent})
    with _engine(settings) as engine:
        engine.prepare(manifest.circuit_id)
        errors = held_out_errors(family, fitted, settings, manifest)
        gas = verification_gas(family, settings, engine, folder)
    return CircuitFacts(manifest.model_dump(mode="json"), errors, gas)


def held_out_errors(family: Family, fitted: Fitted, settings: Settings, manifest: CircuitManifest) -> Array:
    """|circuit - reference| / max(reference, magnitude), shape (inputs, outputs)."""
    inputs = family.samples(HELD_OUT_COUNT if family.input_count < LARGE_INPUT else HELD_OUT_LARGE, HELD_OUT_SEED)
    rows = [[_quantised(manifest, row)] for row in inputs]
    compiled = cache_folder(settings.cache_dir, manifest) / COMPILED
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        run = worker.call(
            "witnesses", circuit=str(compiled), samples=rows, seconds=WITNESS_SECS, timeout=2 * WITNESS_SECS
        )
    if len(run["outputs"]) != len(inputs):
        raise TimeoutError(f"only {len(run['outputs'])} of {len(inputs)} witnesses in {WITNESS_SECS} s")
    scales = np.array([manifest.output_scale(i) for i in range(manifest.output_count)])
    got = np.array([[float(value) for value in row] for row in run["outputs"]]) / 2.0**scales
    return family.errors(got, family.reference(inputs, fitted.weights))


def verification_gas(family: Family, settings: Settings, engine: ProvingEngine, folder: Path) -> int:
    """Gas of a transaction that verifies a proof of one held-out input with the compiled verifier, on an Anvil."""
    manifest = read_manifest(folder)
    row = family.samples(HELD_OUT_COUNT, HELD_OUT_SEED)[-1]
    proof = engine.prove(manifest.circuit_id, engine.witness(manifest.circuit_id, _quantised(manifest, row)))
    artifact = compile_verifier(settings, folder / VERIFIER)
    with tempfile.TemporaryDirectory(prefix="plumbline-gas-") as state:
        anvil = AnvilProcess.start(settings.model_copy(update={"state_dir": Path(state)}))
        try:
            web3 = Web3(HTTPProvider(anvil.rpc_url))
            sender = {"from": web3.eth.accounts[0]}
            deployed = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode).constructor().transact(sender)
            address = web3.eth.wait_for_transaction_receipt(deployed)["contractAddress"]
            call = web3.eth.contract(address, abi=artifact.abi).functions.verifyProof(proof.zk_proof, proof.instances)
            return int(web3.eth.wait_for_transaction_receipt(call.transact(sender))["gasUsed"])
        finally:
            anvil.stop()


def _quantised(manifest: CircuitManifest, row: Array) -> list[int]:
    dtype = manifest.input_dtypes[0]
    return [quantise_value(float(value), manifest.input_scale(i), dtype) for i, value in enumerate(row)]


def _build(family: Family, fitted: Fitted, settings: Settings, scratch: Path, out: Path) -> None:
    network, calibration = export_family(family, fitted, scratch)
    domain = [Domain(low=low, high=high) for low, high in family.flat_domain]
    # one tensor, one magnitude: the smallest is the strictest
    magnitudes = [float(family.magnitudes.min())]
    if family.shape is None:
        build_circuit(
            settings,
            family.circuit_id,
            network,
            calibration,
            out,
            max_error=family.max_error,
            domain=domain,
            magnitudes=magnitudes,
            objective=family.objective,
            code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
            on_progress=_report,
        )
        return
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        plan = _pinned_plan(worker, family, family.shape, domain=domain, magnitudes=magnitudes, network=network)
    build(plan, _site(settings), out)


def _pinned_plan(
    worker: Worker,
    family: Family,
    shape: CircuitShape,
    *,
    domain: list[Domain],
    magnitudes: list[float],
    network: Path,
) -> Plan:
    """The plan with the family's own run arguments, measured on its calibration samples."""
    outputs = [[family.rows, len(family.outputs)]]
    form = ModelForm([INPUT_NAME], ["float32"], [list(family.input_shape)], outputs, ["float32"])
    samples = [[[float(value) for value in row.astype(np.float32)]] for row in calibration_inputs(family)]
    validation = Validation.over(worker, network, form=form, domain=domain, samples=samples, magnitudes=magnitudes)
    params = CircuitParams(
        shape.input_scale,
        shape.input_scale,
        shape.scale_rebase_multiplier,
        shape.decomp_base,
        shape.decomp_legs,
        shape.num_inner_cols,
        NO_TABLE,
        shape.logrows,
        shape.disable_freivalds,
    )
    document = Tuner(worker, network, validation, network.parent).settings(params)
    cost = predict(
        logrows=shape.logrows,
        columns=shape.num_inner_cols,
        lookups=len(document["required_lookups"]),
        public_values=family.input_count + family.output_count,
        einsum=bool(document["einsum_params"]["total_einsum_col_size"]),
    )
    return Plan(family.circuit_id, network, document, validation, family.max_error, cost.gas)


def _site(settings: Settings) -> Site:
    return Site(
        settings.cache_dir,
        settings.prove_memory_mb,
        settings.prove_timeout_secs,
        lambda source: len(compile_verifier(settings, source).deployed_bytecode),
        _report,
    )


def _report(stage: str, done: float, detail: str) -> None:
    if done in (0.0, 1.0):
        print(f"{stage:9s} {done:4.0%}  {detail}", flush=True)


@contextmanager
def _engine(settings: Settings) -> Iterator[ProvingEngine]:
    engine = ProvingEngine(settings)
    try:
        yield engine
    finally:
        engine.close()
