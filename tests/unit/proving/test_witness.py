"""Witnesses: exact integers in, nothing outside tables or error budget out."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, InputRejected
from oracle.proving.engine import ProvingEngine
from oracle.proving.witness import check_outputs
from oracle.settings import Settings
from tests.unit.proving.conftest import LOGISTIC, RELU


def test_witness__any_integers__are_put_into_the_circuit_unchanged(engine: ProvingEngine) -> None:
    edge = math.floor(engine.circuit(RELU).domain[0].high * 2 ** engine.circuit(RELU).input_scale(0))
    for values in ([0, 1, -1, 7], [edge, -edge, 0, 1], [1234, -4321, 3, -3]):
        made = engine.witness(RELU, values)
        assert list(made.inputs) == values
        assert made.instances[: len(values)] == tuple(
            value % 21888242871839275222246405745257275088548364400416034343698204186575808495617 for value in values
        )


def test_witness__same_integers__gives_the_same_outputs(engine: ProvingEngine) -> None:
    assert engine.witness(RELU, [1000, 2000, -3000, 0]) == engine.witness(RELU, [1000, 2000, -3000, 0])


def test_witness__wrong_count__is_refused(engine: ProvingEngine) -> None:
    with pytest.raises(InputRejected, match="takes 4 values, not 5"):
        engine.witness(RELU, [0] * 5)


@pytest.mark.parametrize("factor", [10, 100, 10**9, -100])
@pytest.mark.parametrize("circuit", [RELU, LOGISTIC])
def test_witness__far_outside_the_domain__is_refused(engine: ProvingEngine, circuit: str, factor: int) -> None:
    manifest = engine.circuit(circuit)
    value = int(manifest.domain[0].high * 2 ** manifest.input_scale(0)) * factor
    with pytest.raises(InputRejected, match=r"outside its domain"):
        engine.witness(circuit, [value, 0, 0, 0])


def test_witness__lookup_outside_its_table__is_refused(home: Settings, tmp_path: Path) -> None:
    """A domain wider than the table: what each input may be, all four together may not."""
    engine = ProvingEngine(home)
    try:
        manifest = engine.circuit(LOGISTIC)
        wide = manifest.model_copy(update={"lookup_range": (-1, 1)})
        ready = engine._ready(LOGISTIC, lambda *_: None)
        engine._prepared[LOGISTIC] = (manifest, *ready[1:])
        with (
            pytest.raises(InputRejected, match=r"need lookups in \[.*tables hold \[-1, 1\]"),
            engine._worker(manifest, None) as worker,
        ):
            from oracle.proving.witness import make_witness

            values = [int(manifest.domain[0].high * 2 ** manifest.input_scale(0)) // 2] * 4
            make_witness(worker, wide, values, circuit_folder=ready[2], built=ready[1], timeout=60)
    finally:
        engine.close()


def test_check_outputs__within_the_budget__passes(engine: ProvingEngine) -> None:
    manifest = engine.circuit(RELU)
    one = 1 << manifest.output_scale(0)
    check_outputs(manifest, [one], [[1.0 + manifest.max_error / 2]])


@pytest.mark.parametrize("reference", [2.0, -1.0, math.nan, math.inf])
def test_check_outputs__further_than_the_budget__names_both(engine: ProvingEngine, reference: float) -> None:
    manifest = engine.circuit(RELU)
    with pytest.raises(InputRejected, match="output 0 is 1 in the circuit and"):
        check_outputs(manifest, [1 << manifest.output_scale(0)], [[reference]])


def test_check_outputs__other_count__is_refused(engine: ProvingEngine) -> None:
    with pytest.raises(ArtifactMismatch, match="has 2 outputs, the model 1"):
        check_outputs(engine.circuit(RELU), [0, 0], [[0.0]])
