"""Small real circuits whose generated verifiers differ in form: lookups, columns, random checks of matrix products."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.building.solidity import input_count, patch_verifier
from oracle.proving.evm.optimise import optimise

INPUT_BYTES = 4
OUTPUT_BYTES = 8
_VERIFIER_SCRIPT = """
import asyncio, ezkl
async def make():
    await ezkl.create_evm_verifier("vk.key", "settings.json", "Verifier.sol", "Verifier.abi", "kzg.srs")
asyncio.run(make())
"""


@dataclass(frozen=True)
class Form:
    """What decides the form of a verifier."""

    name: str
    columns: int = 1
    sigmoid: bool = False
    rows: int = 1
    random_check: bool = False
    widths: tuple[int, ...] = (4, 4, 2)
    scale: int = 7
    base: int = 64
    legs: int = 4
    rebase: int = 2


FORMS = (
    Form("plain"),
    Form("lookup", sigmoid=True, rebase=1, legs=5),
    Form("columns", columns=3),
    Form("random-check", columns=2, rows=4, random_check=True),
)


@dataclass(frozen=True)
class Proven:
    """A proof with its instances; the first `input_count` are inputs."""

    zk_proof: bytes
    instances: tuple[int, ...]
    input_count: int

    def packed(self, signed: list[int] | None = None) -> tuple[bytes, bytes]:
        """The instances as the two arguments of verifyPacked."""
        values = signed if signed is not None else self.signed
        ins, outs = values[: self.input_count], values[self.input_count :]
        return _pack(ins, INPUT_BYTES), _pack(outs, OUTPUT_BYTES)

    @property
    def signed(self) -> list[int]:
        """The instances as signed integers."""
        return [v if v < BN254_SCALAR_FIELD // 2 else v - BN254_SCALAR_FIELD for v in self.instances]

    def claiming(self, signed: list[int]) -> Proven:
        """The same proof with other instances."""
        return replace(self, instances=tuple(v % BN254_SCALAR_FIELD for v in signed))


def _pack(values: list[int], width: int) -> bytes:
    return b"".join(value.to_bytes(width, "big", signed=True) for value in values)


@dataclass(frozen=True)
class VerifierCircuit:
    """A circuit in its folder, with its generated verifier, patched and rewritten."""

    folder: Path
    form: Form

    @classmethod
    def make(cls, folder: Path, form: Form) -> VerifierCircuit:
        """Exports, compiles, sets up and generates."""
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(_network(form), folder / "network.onnx")
        at = {name: str(folder / name) for name in ("network.onnx", "settings.json", "network.compiled", "kzg.srs")}
        arguments = _run_args(form)
        ezkl.gen_settings(at["network.onnx"], at["settings.json"], py_run_args=arguments)
        arguments.logrows = _logrows(json.loads((folder / "settings.json").read_text()), form)
        ezkl.gen_settings(at["network.onnx"], at["settings.json"], py_run_args=arguments)
        ezkl.compile_circuit(at["network.onnx"], at["network.compiled"], at["settings.json"])
        ezkl.gen_srs(at["kzg.srs"], arguments.logrows)
        ezkl.setup(at["network.compiled"], str(folder / "vk.key"), str(folder / "pk.key"), at["kzg.srs"])
        # In a process of its own: it may crash at its end, and it wants a compiler's download after its work is done
        script = [sys.executable, "-c", _VERIFIER_SCRIPT]
        subprocess.run(script, cwd=folder, capture_output=True, timeout=60, check=False)
        circuit = cls(folder, form)
        (folder / "Patched.sol").write_text(patch_verifier(circuit.generated))
        (folder / "Rewritten.sol").write_text(optimise(circuit.generated, circuit.input_count))
        return circuit

    @property
    def generated(self) -> str:
        """ezkl's source."""
        return (self.folder / "Verifier.sol").read_text()

    @property
    def input_count(self) -> int:
        """How many instances are inputs."""
        return input_count(self.folder / "settings.json")

    def prove(self, seed: int) -> Proven:
        """A proof for random inputs in [-1, 1]."""
        values = np.random.default_rng(seed).uniform(-1, 1, self.input_count).tolist()
        (self.folder / "input.json").write_text(json.dumps({"input_data": [values]}))
        names = ("input.json", "network.compiled", "witness.json", "pk.key", "proof.json", "kzg.srs")
        inputs, compiled, witness, key, proof_at, srs = (str(self.folder / name) for name in names)
        ezkl.gen_witness(inputs, compiled, witness)
        proof = ezkl.prove(witness, compiled, key, proof_at, srs)
        instances = tuple(int.from_bytes(bytes.fromhex(felt), "little") for felt in proof["instances"][0])
        return Proven(bytes.fromhex(proof["proof"][2:]), instances, self.input_count)


def _logrows(settings: dict, form: Form) -> int:
    table = 2 * _table(form) if settings["required_lookups"] else 0
    needed = (settings["num_rows"], form.base, table, settings["total_dynamic_col_size"])
    return math.ceil(math.log2(max(needed) + 10))


def _table(form: Form) -> int:
    return 8 << form.scale


def _run_args(form: Form) -> ezkl.PyRunArgs:
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.input_scale = arguments.param_scale = form.scale
    arguments.scale_rebase_multiplier = form.rebase
    arguments.decomp_base, arguments.decomp_legs = form.base, form.legs
    arguments.num_inner_cols = form.columns
    arguments.lookup_range = (-_table(form), _table(form))
    arguments.disable_freivalds = not form.random_check
    arguments.logrows = 18
    return arguments


def _network(form: Form) -> onnx.ModelProto:
    rng = np.random.default_rng(7)
    nodes, weights, last = [], [], "x"
    for layer, (wide, narrow) in enumerate(zip(form.widths, form.widths[1:], strict=False)):
        weights.append(
            numpy_helper.from_array(rng.normal(size=(wide, narrow)).astype(np.float32) / wide**0.5, f"w{layer}")
        )
        nodes.append(helper.make_node("MatMul", [last, f"w{layer}"], [f"m{layer}"]))
        nodes.append(helper.make_node("Relu", [f"m{layer}"], [f"h{layer}"]))
        last = f"h{layer}"
    nodes[-1] = helper.make_node("Sigmoid" if form.sigmoid else "Identity", [nodes[-1].input[0]], [last])
    if not form.sigmoid:
        nodes.pop()
        last = nodes[-1].output[0]
    shapes = ([form.rows, form.widths[0]], [form.rows, form.widths[-1]])
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shapes[1])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
