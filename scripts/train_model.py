"""One model family from nothing to its committed folder: ONNX, circuit, keys, verifier, manifest, model card.

    python scripts/train_model.py garch [--out circuits/garch-vol-32] [--data FOLDER] [--card-only]

Everything is drawn from fixed seeds: the same machine writes the same network.onnx, settings.json and vk.key again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from web3 import HTTPProvider, Web3

from models._export import INPUT_NAME, calibration_inputs, export_family
from models._registry import Array, CircuitShape, Family, families, family
from oracle.chain.anvil import AnvilProcess
from oracle.chain.solc import compile_verifier
from oracle.proving.build import Plan, Site, build
from oracle.proving.circuit import COMPILED, CircuitParams, cache_folder
from oracle.proving.cost import predict
from oracle.proving.engine import ProvingEngine
from oracle.proving.intake import build_circuit
from oracle.proving.manifest import VERIFIER, CircuitManifest, Domain, read_manifest
from oracle.proving.pool import Worker
from oracle.proving.quantise import quantise_value
from oracle.proving.tuner import Tuner
from oracle.proving.validation import ModelForm, Validation
from oracle.settings import PROJECT_ROOT, Settings

HELD_OUT_SEED = 20_260_101
HELD_OUT_COUNT = 2_000
DEFAULT_DATA = PROJECT_ROOT.parent / "shared" / "data"
WITNESS_SECS = 600.0
NO_TABLE = (-128, 128)


def main() -> int:
    """Builds and writes the card, or the card alone."""
    arguments = _arguments()
    chosen = family(arguments.name)
    settings = Settings()
    out = (arguments.out or settings.circuits_dir / chosen.circuit_id).resolve()
    if not arguments.card_only:
        with tempfile.TemporaryDirectory(prefix="plumbline-train-") as scratch:
            _build(chosen, settings, Path(scratch), out)
    manifest = read_manifest(out)
    settings = settings.model_copy(update={"circuits_dir": out.parent})
    with _engine(settings) as engine:
        engine.prepare(manifest.circuit_id)
        errors = held_out_errors(chosen, settings, manifest)
        gas = verification_gas(chosen, settings, engine, out)
    if errors.max() > chosen.max_error:
        print(f"held-out error {errors.max():.2g} exceeds the budget {chosen.max_error:.2g}", file=sys.stderr)
        return 1
    measured = manifest.model_dump(mode="json") | {"errors": errors.tolist(), "gas": gas}
    (out / "CARD.md").write_text(chosen.card(measured, arguments.data))
    print(f"{out}: k {manifest.logrows}, gas {gas:,}, held-out error {errors.max():.2g} over {len(errors)} inputs")
    return 0


def held_out_errors(chosen: Family, settings: Settings, manifest: CircuitManifest) -> Array:
    """|circuit - reference| / max(reference, magnitude) on inputs that neither tuning nor the build has seen."""
    inputs = chosen.samples(HELD_OUT_COUNT, HELD_OUT_SEED)
    rows = [[_quantised(manifest, row)] for row in inputs]
    compiled = cache_folder(settings.cache_dir, manifest) / COMPILED
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        run = worker.call(
            "witnesses", circuit=str(compiled), samples=rows, seconds=WITNESS_SECS, timeout=2 * WITNESS_SECS
        )
    got = np.array([float(row[0]) for row in run["outputs"]]) / 2.0 ** manifest.output_scale(0)
    if len(got) != len(inputs):
        raise TimeoutError(f"only {len(got)} of {len(inputs)} witnesses in {WITNESS_SECS} s")
    expected = chosen.reference(inputs)
    return np.asarray(np.abs(got - expected) / np.maximum(np.abs(expected), chosen.magnitude))


def verification_gas(chosen: Family, settings: Settings, engine: ProvingEngine, folder: Path) -> int:
    """Gas of a transaction that verifies a proof of one held-out input with the compiled verifier, on an Anvil."""
    manifest = read_manifest(folder)
    row = chosen.samples(HELD_OUT_COUNT, HELD_OUT_SEED)[-1]
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
    return [quantise_value(float(value), manifest.input_scale(0), dtype) for value in row]


def _build(chosen: Family, settings: Settings, scratch: Path, out: Path) -> None:
    network, calibration = export_family(chosen, scratch)
    domain = [Domain(low=low, high=high) for low, high in chosen.domain]
    if chosen.shape is None:
        build_circuit(
            settings,
            chosen.circuit_id,
            network,
            calibration,
            out,
            max_error=chosen.max_error,
            domain=domain,
            magnitudes=[chosen.magnitude],
            code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
            on_progress=_report,
        )
        return
    with Worker(memory_mb=settings.prove_memory_mb) as worker:
        plan = _pinned_plan(worker, chosen, chosen.shape, domain, network)
    build(plan, _site(settings), out)


def _pinned_plan(worker: Worker, chosen: Family, shape: CircuitShape, domain: list[Domain], network: Path) -> Plan:
    """The plan with the family's own run arguments, measured on its calibration samples."""
    form = ModelForm([INPUT_NAME], ["float32"], [[1, chosen.input_count]], [[1, 1]], ["float32"])
    samples = [[[float(value) for value in row.astype(np.float32)]] for row in calibration_inputs(chosen)]
    validation = Validation.over(
        worker, network, form=form, domain=domain, samples=samples, magnitudes=[chosen.magnitude]
    )
    params = CircuitParams(
        shape.input_scale,
        shape.input_scale,
        shape.scale_rebase_multiplier,
        shape.decomp_base,
        shape.decomp_legs,
        shape.num_inner_cols,
        NO_TABLE,
        shape.logrows,
    )
    document = Tuner(worker, network, validation, network.parent).settings(params)
    cost = predict(
        logrows=shape.logrows,
        columns=shape.num_inner_cols,
        lookups=len(document["required_lookups"]),
        public_values=chosen.input_count + 1,
        einsum=bool(document["einsum_params"]["total_einsum_col_size"]),
    )
    return Plan(chosen.circuit_id, network, document, validation, chosen.max_error, cost.gas)


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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(families()))
    parser.add_argument("--out", type=Path, help="folder to write; default circuits/<circuit id>")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PLUMBLINE_DATA", DEFAULT_DATA)))
    parser.add_argument("--card-only", action="store_true", help="keep the circuit, write its card again")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
