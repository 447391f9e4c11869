"""A real ezkl circuit small enough to be made in a test session: outputs = x @ weights.

Everything is real: set-up, keys, proofs and the generated verifier. Only the model is tiny.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import ezkl
import onnx
from numpy import array, float32
from onnx import TensorProto, helper, numpy_helper

from oracle.chain import solc
from oracle.chain.build import ContractArtifact
from oracle.constants import BN254_SCALAR_FIELD, PROOF_SYSTEM_ID
from oracle.proving.building.keys import canonical_settings
from oracle.proving.building.solidity import patch_verifier
from oracle.proving.evm.optimise import optimise
from oracle.proving.srs.store import dev_srs
from oracle.settings import Settings

SCALE_BITS = 13
MIN_LOGROWS = 8

_VERIFIER_SCRIPT = """
import asyncio, ezkl, sys
async def make():
    await ezkl.create_evm_verifier("vk.key", "settings.json", "Verifier.sol", "Verifier.abi", "kzg.srs")
asyncio.run(make())
"""


@dataclass(frozen=True)
class TinyProof:
    """A proof as a prover hands it over; `instances` are inputs, then outputs."""

    zk_proof: bytes
    instances: tuple[int, ...]
    input_count: int

    @property
    def inputs(self) -> list[int]:
        """The input field elements."""
        return list(self.instances[: self.input_count])

    @property
    def outputs(self) -> list[int]:
        """The output field elements."""
        return list(self.instances[self.input_count :])

    @property
    def signed_inputs(self) -> list[int]:
        """The inputs as signed integers at SCALE_BITS."""
        return [felt if felt < BN254_SCALAR_FIELD // 2 else felt - BN254_SCALAR_FIELD for felt in self.inputs]


@dataclass(frozen=True)
class TinyCircuit:
    """A circuit in its folder, with proving key and SRS."""

    folder: Path
    settings: Settings
    input_count: int
    output_count: int
    _proofs: dict[tuple[float, ...], TinyProof] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, settings: Settings, weights: Sequence[Sequence[float]]) -> TinyCircuit:
        """Exports, compiles and sets up a circuit for `weights`, one row for each input."""
        folder.mkdir(parents=True, exist_ok=True)
        path = {name: str(folder / name) for name in ("network.onnx", "settings.json", "network.compiled")}
        keys = {name: str(folder / name) for name in ("kzg.srs", "vk.key", "pk.key")}
        onnx.save(_linear_model(weights), path["network.onnx"])
        logrows = _gen_settings(path["network.onnx"], path["settings.json"])
        canonical = canonical_settings(json.loads(Path(path["settings.json"]).read_text()))
        Path(path["settings.json"]).write_text(canonical)  # else its keys, and so its gas, differ from run to run
        ezkl.compile_circuit(path["network.onnx"], path["network.compiled"], path["settings.json"])
        shutil.copyfile(dev_srs(settings.cache_dir, logrows), keys["kzg.srs"])
        ezkl.setup(path["network.compiled"], keys["vk.key"], keys["pk.key"], keys["kzg.srs"])
        # In a process of its own: it may crash at its end, and it wants a compiler's download after its work is done.
        script = [sys.executable, "-c", _VERIFIER_SCRIPT]
        subprocess.run(script, cwd=folder, capture_output=True, timeout=60, check=False)
        generated = (folder / "Verifier.sol").read_text()
        (folder / "Patched.sol").write_text(patch_verifier(generated))
        (folder / "Rewritten.sol").write_text(optimise(generated, len(weights)))
        return cls(folder, settings, len(weights), len(weights[0]))

    def prove(self, inputs: Sequence[float]) -> TinyProof:
        """A proof for `inputs`; the same object for the same inputs."""
        key = tuple(inputs)
        if key not in self._proofs:
            self._proofs[key] = self.prove_anew(inputs)
        return self._proofs[key]

    def prove_anew(self, inputs: Sequence[float]) -> TinyProof:
        """A fresh proof: proofs are blinded, so no two are the same."""
        (self.folder / "input.json").write_text(json.dumps({"input_data": [list(inputs)]}))
        files = ("input.json", "network.compiled", "witness.json", "pk.key", "proof.json", "kzg.srs")
        inputs_at, compiled, witness, key, proof_at, srs = (str(self.folder / name) for name in files)
        ezkl.gen_witness(inputs_at, compiled, witness)
        proof = ezkl.prove(witness, compiled, key, proof_at, srs)
        instances = tuple(int.from_bytes(bytes.fromhex(felt), "little") for felt in proof["instances"][0])
        return TinyProof(bytes.fromhex(proof["proof"][2:]), instances, self.input_count)

    @cached_property
    def verifier(self) -> ContractArtifact:
        """The verifier that ships: rewritten."""
        return solc.compile_verifier(self.settings, self.folder / "Rewritten.sol")

    @cached_property
    def patched_verifier(self) -> ContractArtifact:
        """The generated verifier with the check of proof.offset."""
        return solc.compile_verifier(self.settings, self.folder / "Patched.sol")

    @cached_property
    def unpatched_verifier(self) -> ContractArtifact:
        """The verifier as ezkl generates it."""
        return solc.compile_verifier(self.settings, self.folder / "Verifier.sol")

    @property
    def commitment(self) -> tuple[bytes, bytes, bytes, bytes, str]:
        """The ModelCommitment of ERC-7992: SHA-256 of the files."""
        files = ("network.onnx", "network.compiled", "vk.key")
        model, circuit, key = (sha256((self.folder / name).read_bytes()).digest() for name in files)
        return model, circuit, key, PROOF_SYSTEM_ID, "test:tiny"


def _gen_settings(network: str, settings: str) -> int:
    """Writes settings whose columns are one block of rows each, which keeps the verifier small; returns logrows."""
    ezkl.gen_settings(network, settings, py_run_args=_run_args(MIN_LOGROWS))
    rows = json.loads(Path(settings).read_text())["num_rows"]
    logrows = max(MIN_LOGROWS, math.ceil(math.log2(rows + 10)))
    ezkl.gen_settings(network, settings, py_run_args=_run_args(logrows))
    return logrows


def _run_args(logrows: int) -> ezkl.PyRunArgs:
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.input_scale = arguments.param_scale = SCALE_BITS
    arguments.scale_rebase_multiplier = 1
    arguments.decomp_base, arguments.decomp_legs = 128, 6
    arguments.num_inner_cols = 1
    arguments.logrows = logrows
    return arguments


def _linear_model(weights: Sequence[Sequence[float]]) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(weights[0])])],
        [numpy_helper.from_array(array(weights, dtype=float32), "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
