"""Gas of verifying a proof: ezkl's verifier, ours, packed instances, batches; and the floor that none goes below."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rich.table import Table
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractFunction

from oracle.chain import build, solc
from oracle.chain.anvil import AnvilProcess
from oracle.chain.build import ContractArtifact
from oracle.constants import MAX_CODE_SIZE, PROOF_SYSTEM_ID
from oracle.domain.proofs import Proof
from oracle.errors import ProofRejected
from oracle.proving.building.manifest import SETTINGS as CIRCUIT_SETTINGS
from oracle.proving.building.manifest import VERIFIER, VERIFYING_KEY, CircuitManifest
from oracle.proving.building.solidity import generated_verifier, patch_verifier
from oracle.proving.engine import ProvingEngine
from oracle.proving.evm.optimise import read
from oracle.proving.family import add_batch
from oracle.proving.intake import add_model
from oracle.proving.quantise import domain_at
from oracle.proving.srs.store import find_srs
from oracle.settings import Settings

GAS_LIMIT = 29_000_000
INTRINSIC = 21_000
PAIRING = 45_000 + 2 * 34_000
SCALAR_MULTIPLICATION = 6_000
POINT_ADDITION = 150
CALL = 100
ZERO_BYTE, OTHER_BYTE = 4, 16
INPUT_BYTES, OUTPUT_BYTES = 4, 8
SAMPLE = "mlp-8-16-16-1"
WIDTHS = (8, 16, 16, 1)

Say = Callable[[str], None]


@dataclass(frozen=True)
class VerificationGas:
    """One circuit; gas of whole transactions. None: that verifier is larger than a contract may be."""

    circuit: str
    rows: int
    public_values: int
    scalar_multiplications: int
    code_bytes: int
    generated_code_bytes: int
    generated: int | None
    rewritten: int
    packed: int
    batch_contract: int
    floor: int
    packed_floor: int

    @property
    def row(self) -> float:
        """A prediction's share with public instances."""
        return self.rewritten / self.rows

    @property
    def packed_row(self) -> float:
        """A prediction's share with packed instances."""
        return self.packed / self.rows


def measure(settings: Settings, rows: Sequence[int], say: Say) -> list[VerificationGas]:
    """Every circuit that ships, then a sample network at each number of rows."""
    with tempfile.TemporaryDirectory(prefix="plumbline-gas-") as scratch:
        own = settings.model_copy(update={"state_dir": Path(scratch), "rpc_url": "", "prove_timeout_secs": 1800.0})
        own = own.model_copy(update={"prove_memory_mb": max(own.prove_memory_mb, 6000 if max(rows) > 16 else 0)})
        _make_family(own, rows, say)
        with opened(own) as (engine, bench):
            return [bench.circuit(engine, manifest, say) for manifest in engine.circuits()]


def _make_family(settings: Settings, rows: Sequence[int], say: Say) -> None:
    network, samples = settings.state_dir / "sample.onnx", settings.state_dir / "samples.json"
    onnx.save(_sample_network(), network)
    generator = np.random.default_rng(1)
    samples.write_text(json.dumps([{"input_data": [generator.uniform(-1, 1, 8).tolist()]} for _ in range(64)]))
    say(f"{SAMPLE}: one row")
    manifest = add_model(settings, SAMPLE, network, samples, objective="gas")
    for count in rows:
        if count > 1:
            say(f"{SAMPLE}: {count} rows")
            add_batch(settings, settings.state_dir / "circuits" / SAMPLE, manifest, count)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[ProvingEngine, Bench]]:
    """An engine, and contracts on an Anvil of their own."""
    build.compile_contracts(settings)
    anvil = AnvilProcess.start(settings)
    engine = ProvingEngine(settings)
    try:
        yield engine, Bench(settings, Web3(HTTPProvider(anvil.rpc_url)))
    finally:
        engine.close()
        anvil.stop()


class Bench:
    """Deploys verifiers and sends proofs to them."""

    def __init__(self, settings: Settings, web3: Web3) -> None:
        self._settings = settings
        self._web3 = web3
        self._sender = web3.eth.accounts[0]
        self._registry = self._deploy(build.load(settings, "ModelRegistry"), self._sender, self._sender, 0)
        self._batches = self._deploy(build.load(settings, "BatchVerifier"), self._registry.address)

    def circuit(self, engine: ProvingEngine, manifest: CircuitManifest, say: Say) -> VerificationGas:
        """Proves once and verifies that proof in every way."""
        say(f"{manifest.circuit_id}: proving")
        folder = engine.folder(manifest.circuit_id)
        proof = engine.prove(manifest.circuit_id, engine.witness(manifest.circuit_id, sample_inputs(manifest)))
        source = self._generated(folder, manifest)
        ours = solc.compile_verifier(self._settings, folder / VERIFIER)
        theirs = self._compiled(patch_verifier(source))
        deployed = self._deploy(ours)
        arguments = (proof.zk_proof, list(proof.instances))
        packed = (proof.zk_proof, *_packed(manifest, proof))
        fits = len(theirs.deployed_bytecode) <= MAX_CODE_SIZE
        reading = read(source)
        return VerificationGas(
            circuit=manifest.circuit_id,
            rows=manifest.rows,
            public_values=len(proof.instances),
            scalar_multiplications=len(reading.lhs) - 1,
            code_bytes=len(ours.deployed_bytecode),
            generated_code_bytes=len(theirs.deployed_bytecode),
            generated=self._gas(self._deploy(theirs).functions.verifyProof(*arguments)) if fits else None,
            rewritten=self._gas(deployed.functions.verifyProof(*arguments)),
            packed=self._gas(deployed.functions.verifyPacked(*packed)),
            batch_contract=self._through_registry(manifest, deployed, packed),
            floor=_floor(len(reading.lhs), deployed.encode_abi("verifyProof", args=arguments)),
            packed_floor=_floor(len(reading.lhs), deployed.encode_abi("verifyPacked", args=packed)),
        )

    def _through_registry(self, manifest: CircuitManifest, deployed: Contract, packed: tuple[bytes, ...]) -> int:
        """verifyAndStoreBatch: with registry, commitment, one storage slot and the event."""
        code = bytes(self._web3.keccak(self._web3.eth.get_code(deployed.address)))
        scales = (bytes(manifest.input_scale_bits), bytes(manifest.output_scale_bits))
        spec = (deployed.address, code, manifest.input_count, manifest.output_count, *scales)
        hashes = [bytes.fromhex(h[2:]) for h in (manifest.model_hash, manifest.circuit_hash, manifest.vk_hash)]
        commitment = (*hashes, PROOF_SYSTEM_ID, manifest.circuit_id)
        self._gas(self._registry.functions.registerModelWithVerifier(commitment, spec))
        model_id = self._registry.functions.modelCount().call()
        zk_proof, inputs, outputs = packed
        context = (1, 1_700_000_000, b"\x5a" * 32)
        return self._gas(self._batches.functions.verifyAndStoreBatch(model_id, context, inputs, outputs, zk_proof))

    def _generated(self, folder: Path, manifest: CircuitManifest) -> str:
        cache = self._settings.cache_dir
        srs = find_srs(cache, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        memory_mb = self._settings.prove_memory_mb
        return generated_verifier(folder / VERIFYING_KEY, folder / CIRCUIT_SETTINGS, srs, memory_mb=memory_mb)

    def _compiled(self, source: str) -> ContractArtifact:
        with tempfile.TemporaryDirectory(prefix="plumbline-gas-") as scratch:
            file = Path(scratch) / VERIFIER
            file.write_text(source)
            return solc.compile_verifier(self._settings, file)

    def _deploy(self, artifact: ContractArtifact, *arguments: Any) -> Contract:
        factory = self._web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
        receipt = self._sent(factory.constructor(*arguments))
        return self._web3.eth.contract(address=receipt["contractAddress"], abi=list(artifact.abi))

    def _gas(self, call: ContractFunction) -> int:
        return int(self._sent(call)["gasUsed"])

    def _sent(self, call: ContractFunction | ContractConstructor) -> Any:
        sent = call.transact({"from": self._sender, "gas": GAS_LIMIT})
        receipt = self._web3.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] != 1:
            raise ProofRejected("the chain refuses the transaction")
        return receipt


def _floor(points: int, calldata: str) -> int:
    """Intrinsic price, calldata, one pairing of two, and a scalar multiplication for each point but one, added up."""
    data = bytes.fromhex(calldata.removeprefix("0x"))
    zeros = data.count(0)
    bytes_price = ZERO_BYTE * zeros + OTHER_BYTE * (len(data) - zeros)
    each = SCALAR_MULTIPLICATION + POINT_ADDITION + 2 * CALL
    return INTRINSIC + bytes_price + PAIRING + CALL + (points - 1) * each


def sample_inputs(manifest: CircuitManifest) -> list[int]:
    """Random values of the domain's middle half, as the circuit's integers."""
    generator = np.random.default_rng(2)
    values, position = [], 0
    for tensor, size in enumerate(manifest.input_sizes):
        for _ in range(size):
            domain = domain_at(manifest, tensor, position)
            share = generator.uniform(0.25, 0.75)
            value = domain.low + (domain.high - domain.low) * share
            values.append(math.floor(value * 2.0 ** manifest.input_scale(position)))
            position += 1
    return values


def _packed(manifest: CircuitManifest, proof: Proof) -> tuple[bytes, bytes]:
    values = proof.integers()
    ins, outs = values[: manifest.input_count], values[manifest.input_count :]
    return (
        b"".join(value.to_bytes(INPUT_BYTES, "big", signed=True) for value in ins),
        b"".join(value.to_bytes(OUTPUT_BYTES, "big", signed=True) for value in outs),
    )


def _sample_network() -> onnx.ModelProto:
    """An MLP of three layers with ReLU, whose output is a logit."""
    generator = np.random.default_rng(1)
    nodes, weights, last = [], [], "x"
    for layer, (wide, narrow) in enumerate(pairwise(WIDTHS)):
        matrix = (generator.normal(size=(wide, narrow)) / math.sqrt(wide)).astype(np.float32)
        weights += [numpy_helper.from_array(matrix, f"w{layer}")]
        weights += [numpy_helper.from_array((generator.normal(size=narrow) / 10).astype(np.float32), f"b{layer}")]
        nodes += [helper.make_node("MatMul", [last, f"w{layer}"], [f"m{layer}"])]
        last = f"z{layer}"
        nodes += [helper.make_node("Add", [f"m{layer}", f"b{layer}"], [last])]
        if layer + 2 < len(WIDTHS):
            nodes += [helper.make_node("Relu", [last], [f"a{layer}"])]
            last = f"a{layer}"
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, WIDTHS[0]])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, WIDTHS[-1]])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def table(records: Sequence[VerificationGas]) -> Table:
    """Gas of whole transactions; a row's share under each."""
    shown = Table(title="gas of verifying one proof, whole transactions (a row's share)")
    names = ("circuit", "rows", "values", "muls", "code", "ezkl's", "ours", "packed", "batch contract", "above floor")
    for name in names:
        shown.add_column(name, justify="left" if name == "circuit" else "right")
    for one in records:
        theirs = f"{one.generated:,}" if one.generated else f"{one.generated_code_bytes:,} bytes: too large"
        above = f"{one.rewritten - one.floor:,} / {one.packed - one.packed_floor:,}"
        shown.add_row(
            one.circuit,
            str(one.rows),
            str(one.public_values),
            str(one.scalar_multiplications),
            f"{one.code_bytes:,}",
            theirs,
            f"{one.rewritten:,} ({one.row:,.0f})",
            f"{one.packed:,} ({one.packed_row:,.0f})",
            f"{one.batch_contract:,}",
            above,
        )
    return shown
