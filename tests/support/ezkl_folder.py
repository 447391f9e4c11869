"""A folder with a real ezkl circuit of fixed parameters: set-up, keys, ezkl's own verifier source, proofs.

What the small circuits of the tests have in common; their models and what is made of the source are their own.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ezkl
import onnx
from numpy import array, float32
from onnx import TensorProto, helper, numpy_helper

from oracle.proving.building.keys import canonical_settings
from oracle.proving.srs.store import dev_srs

NETWORK, SETTINGS, COMPILED, VERIFIER = "network.onnx", "settings.json", "network.compiled", "Verifier.sol"
SRS, VERIFYING_KEY, PROVING_KEY = "kzg.srs", "vk.key", "pk.key"

_VERIFIER_SCRIPT = """
import asyncio, ezkl
async def make():
    await ezkl.create_evm_verifier("vk.key", "settings.json", "Verifier.sol", "Verifier.abi", "kzg.srs")
asyncio.run(make())
"""


def run_args(scale: int, **changed: Any) -> ezkl.PyRunArgs:
    """One column of one kind of block, public inputs and outputs; `changed`: other attributes."""
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.input_scale = arguments.param_scale = scale
    arguments.scale_rebase_multiplier = 1
    arguments.decomp_base, arguments.decomp_legs = 128, 6
    arguments.num_inner_cols = 1
    for name, value in changed.items():
        setattr(arguments, name, value)
    return arguments


def linear_model(weights: Sequence[Sequence[float]]) -> onnx.ModelProto:
    """x @ weights, one row for each input."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(weights[0])])],
        [numpy_helper.from_array(array(weights, dtype=float32), "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def make(folder: Path, model: onnx.ModelProto, arguments: ezkl.PyRunArgs, cache_dir: Path, *, least: int) -> str:
    """Compiles and sets up the model in `folder`; the source of ezkl's verifier. `least`: logrows, more if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / NETWORK)
    network, settings, compiled = (str(folder / name) for name in (NETWORK, SETTINGS, COMPILED))
    arguments.logrows = 18
    ezkl.gen_settings(network, settings, py_run_args=arguments)
    arguments.logrows = max(least, _logrows(json.loads((folder / SETTINGS).read_text())))
    ezkl.gen_settings(network, settings, py_run_args=arguments)
    # Else the keys, and so the gas, differ from run to run
    (folder / SETTINGS).write_text(canonical_settings(json.loads((folder / SETTINGS).read_text())))
    ezkl.compile_circuit(network, compiled, settings)
    srs, verifying, proving = (str(folder / name) for name in (SRS, VERIFYING_KEY, PROVING_KEY))
    shutil.copyfile(dev_srs(cache_dir, arguments.logrows), srs)
    ezkl.setup(compiled, verifying, proving, srs)
    # In a process of its own: it may crash at its end, and it wants a compiler's download after its work is done
    subprocess.run([sys.executable, "-c", _VERIFIER_SCRIPT], cwd=folder, capture_output=True, timeout=60, check=False)
    return (folder / VERIFIER).read_text()


def prove(folder: Path, inputs: Sequence[float]) -> tuple[bytes, tuple[int, ...]]:
    """A fresh proof, and its instances: inputs, then outputs. Proofs are blinded: no two are the same."""
    (folder / "input.json").write_text(json.dumps({"input_data": [list(inputs)]}))
    names = ("input.json", COMPILED, "witness.json", PROVING_KEY, "proof.json", SRS)
    inputs_at, compiled, witness, key, proof_at, srs = (str(folder / name) for name in names)
    ezkl.gen_witness(inputs_at, compiled, witness)
    proof = ezkl.prove(witness, compiled, key, proof_at, srs)
    instances = tuple(int.from_bytes(bytes.fromhex(felt), "little") for felt in proof["instances"][0])
    return bytes.fromhex(proof["proof"][2:]), instances


def _logrows(settings: dict[str, Any]) -> int:
    low, high = settings["run_args"]["lookup_range"]
    table = high - low if settings["required_lookups"] else 0
    needed = (settings["num_rows"], settings["run_args"]["decomp_base"], table, settings["total_dynamic_col_size"])
    return math.ceil(math.log2(max(needed) + 10))
