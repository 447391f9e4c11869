"""A real ezkl circuit with the shape of the volatility model, small enough for a test session: it returns h0.

38 inputs, one output: the window's own variance, so that the whole way of a number runs with real proofs in a second.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import ezkl
import onnx
from numpy import float32, zeros
from onnx import TensorProto, helper, numpy_helper

from oracle.domain.features import MODEL_INPUTS, WINDOW
from oracle.proving.building.keys import canonical_settings
from oracle.proving.evm.optimise import optimise
from oracle.proving.srs.store import dev_srs
from oracle.settings import Settings

SCALE_BITS = 13
LOGROWS = 10

_VERIFIER_SCRIPT = """
import asyncio, ezkl
async def make():
    await ezkl.create_evm_verifier("vk.key", "settings.json", "Verifier.sol", "Verifier.abi", "kzg.srs")
asyncio.run(make())
"""


@dataclass(frozen=True)
class WindowProof:
    """A proof as a prover hands it over."""

    zk_proof: bytes
    instances: tuple[int, ...]

    @property
    def outputs(self) -> list[int]:
        """The output field elements."""
        return list(self.instances[MODEL_INPUTS:])


@dataclass(frozen=True)
class WindowCircuit:
    """The circuit in its folder; has what a deployment reads of a manifest."""

    folder: Path
    circuit_id: str = "window-variance"
    srs_kind: str = "dev"
    input_count: int = MODEL_INPUTS
    output_count: int = 1
    input_scale_bits: tuple[int, ...] = (SCALE_BITS,)

    @classmethod
    def make(cls, folder: Path, circuit_id: str = "window-variance", weight: float = 1.0) -> WindowCircuit:
        """Exports, compiles and sets up the circuit; its output is `weight` times h0."""
        folder.mkdir(parents=True, exist_ok=True)
        at = {name: str(folder / name) for name in ("network.onnx", "settings.json", "network.compiled")}
        keys = {name: str(folder / name) for name in ("kzg.srs", "vk.key", "pk.key")}
        onnx.save(_network(weight), at["network.onnx"])
        ezkl.gen_settings(at["network.onnx"], at["settings.json"], py_run_args=_run_args())
        canonical = canonical_settings(json.loads(Path(at["settings.json"]).read_text()))
        Path(at["settings.json"]).write_text(canonical)  # else its keys, and so its gas, differ from run to run
        ezkl.compile_circuit(at["network.onnx"], at["network.compiled"], at["settings.json"])
        shutil.copyfile(dev_srs(Settings().cache_dir, LOGROWS), keys["kzg.srs"])
        ezkl.setup(at["network.compiled"], keys["vk.key"], keys["pk.key"], keys["kzg.srs"])
        # In a process of its own: it may crash at its end, and it wants to download a compiler after its work is done
        subprocess.run(
            [sys.executable, "-c", _VERIFIER_SCRIPT], cwd=folder, capture_output=True, timeout=60, check=False
        )
        source = (folder / "Verifier.sol").read_text()
        (folder / "Verifier.sol").write_text(optimise(source, MODEL_INPUTS))
        return cls(folder, circuit_id)

    def prove(self, inputs: Sequence[int]) -> WindowProof:
        """A proof for signed integers at SCALE_BITS."""
        values = [value / 2**SCALE_BITS for value in inputs]
        (self.folder / "input.json").write_text(json.dumps({"input_data": [values]}))
        at = {
            name: str(self.folder / name) for name in ("input.json", "witness.json", "proof.json", "network.compiled")
        }
        ezkl.gen_witness(at["input.json"], at["network.compiled"], at["witness.json"])
        srs, key = str(self.folder / "kzg.srs"), str(self.folder / "pk.key")
        proof = ezkl.prove(at["witness.json"], at["network.compiled"], key, at["proof.json"], srs)
        instances = tuple(int.from_bytes(bytes.fromhex(felt), "little") for felt in proof["instances"][0])
        return WindowProof(bytes.fromhex(proof["proof"][2:]), instances)

    @property
    def verifier_source(self) -> Path:
        """The rewritten verifier."""
        return self.folder / "Verifier.sol"

    @cached_property
    def output_scale_bits(self) -> tuple[int, ...]:
        """What ezkl made of it."""
        return tuple(json.loads((self.folder / "settings.json").read_text())["model_output_scales"])

    @property
    def model_hash(self) -> str:
        return self._hash("network.onnx")

    @property
    def circuit_hash(self) -> str:
        return self._hash("settings.json")

    @property
    def vk_hash(self) -> str:
        return self._hash("vk.key")

    def _hash(self, name: str) -> str:
        return "0x" + sha256((self.folder / name).read_bytes()).hexdigest()


def _run_args() -> ezkl.PyRunArgs:
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.input_scale = arguments.param_scale = SCALE_BITS
    arguments.scale_rebase_multiplier = 1
    arguments.decomp_base, arguments.decomp_legs = 128, 6
    arguments.num_inner_cols = 1
    arguments.logrows = LOGROWS
    return arguments


def _network(weight: float) -> onnx.ModelProto:
    weights = zeros((MODEL_INPUTS, 1), dtype=float32)
    weights[WINDOW, 0] = weight
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "window",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, MODEL_INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
