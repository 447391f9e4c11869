"""The integers that Groth16 proves are those of ezkl's witness: over whole domains, at corners, at every exact half."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle.errors import InvalidInput, ModelRejected
from oracle.proving.building.keys import CircuitParams, canonical_settings
from oracle.proving.building.manifest import NETWORK, SETTINGS, read_manifest
from oracle.proving.groth16.agreement import check_agreement
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.proving.groth16.folder import network_circuit
from oracle.proving.groth16.network import Matrix, Offset, Relu, Shift, read_network
from oracle.proving.workers import ezkl_operations
from oracle.settings import PROJECT_ROOT
from tests.support.networks import network

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "48"))
CIRCUITS = PROJECT_ROOT / "circuits"


@pytest.mark.parametrize("name", ["direction-32", "realised-vol-30d"])
def test_read_network__shipped_circuit__outputs_are_those_of_ezkls_witness(name):
    folder = CIRCUITS / name
    manifest = read_manifest(folder)
    assert check_agreement(folder, manifest, read_network(folder), CASES, 4000) == CASES
    builder, _, outputs = network_circuit(folder, manifest).build()
    assert builder.holds()
    assert outputs == read_network(folder).evaluate([0] * manifest.input_count)


def test_check_agreement__another_weight__refused():
    folder = CIRCUITS / "direction-32"
    honest = read_network(folder)
    first = honest.steps[0]
    assert isinstance(first, Matrix)
    rows = ((first.rows[0][0] + 4096, *first.rows[0][1:]), *first.rows[1:])
    wrong = replace(honest, steps=(Matrix(rows), *honest.steps[1:]))
    with pytest.raises(ModelRejected, match="in ezkl"):
        check_agreement(folder, read_manifest(folder), wrong, 8, 4000)


def test_read_network__recursive_model__named_as_unfit():
    with pytest.raises(InvalidInput, match="Gather"):
        read_network(CIRCUITS / "garch-vol-32")


def test_read_network__every_exact_half_on_either_side_of_zero__as_ezkl_rounds(tmp_path: Path, monkeypatch):
    """Two roundings at scale 3 over all inputs from -1 to 1: a quarter of all quotients are ties."""
    monkeypatch.chdir(tmp_path)
    made = network(
        tmp_path,
        "network",
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, 2])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={
            "w1": np.array([[0.5, -0.5, 1.5], [1.0, 0.5, -0.5]], np.float32),
            "b1": np.array([0.125, 0.3, -0.0625], np.float32),
            "w2": np.array([[0.5, -0.5], [-1.5, 0.5], [0.25, -0.5]], np.float32),
            "b2": np.array([-0.125, 0.6], np.float32),
        },
    )
    assert made.onnx == tmp_path / NETWORK
    params = CircuitParams(3, 3, 1, 64, 4, 1, (-128, 128), 12)
    document = ezkl_operations.settings(str(made.onnx), SETTINGS, params.run_args())
    Path(SETTINGS).write_text(canonical_settings(document))
    ezkl_operations.compile_circuit(NETWORK, "network.compiled", SETTINGS)
    read = read_network(tmp_path)
    assert [type(step) for step in read.steps] == [Matrix, Shift, Offset, Relu, Matrix, Shift, Offset]
    rows = [list(pair) for pair in itertools.product(range(-8, 9), repeat=2)]
    found = ezkl_operations.witnesses("network.compiled", [[row] for row in rows], 300.0)["outputs"]
    assert found == [read.evaluate(row) for row in rows]
    circuit = NetworkCircuit(read, (4, 4))
    for row, outputs in zip(rows[::7], found[::7], strict=True):
        builder, _, ours = circuit.build(row)
        assert builder.holds()
        assert ours == outputs
