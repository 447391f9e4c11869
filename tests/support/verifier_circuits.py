"""Small real circuits whose generated verifiers differ in form: lookups, columns, random checks of matrix products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.building.solidity import input_count, patch_verifier
from oracle.proving.evm.optimise import optimise
from oracle.settings import Settings
from tests.support import ezkl_folder

INPUT_BYTES = 4
OUTPUT_BYTES = 8


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
        ezkl_folder.make(folder, _network(form), _run_args(form), Settings().cache_dir, least=1)
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
        return Proven(*ezkl_folder.prove(self.folder, values), self.input_count)


def _run_args(form: Form) -> ezkl.PyRunArgs:
    table = 8 << form.scale
    return ezkl_folder.run_args(
        form.scale,
        scale_rebase_multiplier=form.rebase,
        decomp_base=form.base,
        decomp_legs=form.legs,
        num_inner_cols=form.columns,
        lookup_range=(-table, table),
        disable_freivalds=not form.random_check,
    )


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
