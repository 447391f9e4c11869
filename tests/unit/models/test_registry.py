"""What every model family promises; a new family is tested by being there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models._export import (
    CALIBRATION_SEED,
    INPUT_NAME,
    calibration_inputs,
    committed,
    committed_hash,
    export_onnx,
    model_hash,
    read_training,
    write_training,
)
from models._registry import Family, families, family
from oracle.proving.building.manifest import read_manifest
from oracle.settings import Settings

ALL = list(families().values())
SAMPLES = 150
CARD_HEADINGS = (
    "## Bars",
    "## Circuit",
    "**In-circuit error**",
    "## Out-of-sample score",
    "## Data",
    "## Known limits",
)


@pytest.fixture(params=ALL, ids=[one.name for one in ALL])
def model(request: pytest.FixtureRequest) -> Family:
    """Each family in turn."""
    chosen: Family = request.param
    return chosen


def test_families__one_a_file__named_alike() -> None:
    files = {path.stem for path in Path("models").glob("[!_]*.py")}
    assert set(families()) == files


def test_family__unknown__names_those_there_are() -> None:
    with pytest.raises(KeyError, match="garch"):
        family("astrology")


def test_module__samples__equals_its_reference(model: Family) -> None:
    weights = committed(model).weights
    inputs = model.samples(SAMPLES, 11)
    module = model.module(weights).double()
    with torch.no_grad():
        got = [module(torch.tensor(row.reshape(model.input_shape))).numpy().ravel() for row in inputs]
    expected = model.reference(inputs, weights)
    assert expected.shape == (SAMPLES, model.output_count)
    assert model.errors(np.array(got), expected).max() < 1e-9


def test_samples__any_seed__inside_the_domain(model: Family) -> None:
    inputs = model.samples(600, 5)
    low, high = (np.array(bound) for bound in zip(*model.flat_domain, strict=True))
    assert inputs.shape == (600, model.input_count)
    assert (inputs >= low).all()
    assert (inputs <= high).all()


def test_samples__same_seed__same_rows(model: Family) -> None:
    np.testing.assert_array_equal(model.samples(200, 3), model.samples(200, 3))
    assert not np.array_equal(model.samples(200, 3), model.samples(200, 4))


def test_calibration__held_out_seeds__differ(model: Family) -> None:
    edges = 100
    assert CALIBRATION_SEED not in {3, 4, 5, 11}
    assert not np.array_equal(calibration_inputs(model)[edges:], model.samples(512, 5)[edges:])


def test_export_onnx__twice__same_bytes(model: Family, tmp_path: Path) -> None:
    weights = committed(model).weights
    first = export_onnx(model.module(weights), model.input_shape, tmp_path / "one.onnx")
    assert export_onnx(model.module(weights), model.input_shape, tmp_path / "two.onnx") == first
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_export__from_its_record__is_the_committed_model(model: Family, settings: Settings) -> None:
    assert model_hash(model, committed(model)) == committed_hash(settings.circuits_dir / model.circuit_id)


def test_network__onnxruntime__equals_its_reference(model: Family, settings: Settings) -> None:
    session = onnxruntime.InferenceSession(str(settings.circuits_dir / model.circuit_id / "network.onnx"))
    inputs = model.samples(SAMPLES, 12).astype(np.float32)
    got = np.array([session.run(None, {INPUT_NAME: row.reshape(model.input_shape)})[0].ravel() for row in inputs])
    expected = model.reference(inputs.astype(np.float64), committed(model).weights)
    assert model.errors(got, expected).max() < 1e-4


def test_training__written_and_read__same_bits(model: Family, tmp_path: Path) -> None:
    fitted = committed(model)
    write_training(fitted, tmp_path)
    again = read_training(tmp_path)
    assert again.seed_scores == fitted.seed_scores
    assert set(again.weights) == set(fitted.weights)
    for name, value in fitted.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)


def test_manifest__committed__has_the_familys_form(model: Family, settings: Settings) -> None:
    manifest = read_manifest(settings.circuits_dir / model.circuit_id)
    assert manifest.input_shapes == [list(model.input_shape)]
    assert manifest.output_count == model.output_count
    assert manifest.max_error == model.max_error
    assert [(one.low, one.high) for one in manifest.domain] == [tuple(map(float, one)) for one in model.flat_domain]


def test_report__committed__is_of_the_committed_model(model: Family, settings: Settings) -> None:
    folder = settings.circuits_dir / model.circuit_id
    report = json.loads((folder / "report.json").read_text())
    assert report["model_hash"] == read_manifest(folder).model_hash
    assert report["held_out_inputs"] >= 1_000
    # nothing ships outside its budget; other bars may be missed, and the card says so
    assert report["bars"][-1]["reached"]
    assert len(committed(model).seed_scores) >= 5 or committed(model).seed is None


def test_card__committed__says_every_bar(model: Family, settings: Settings) -> None:
    folder = settings.circuits_dir / model.circuit_id
    card = (folder / "CARD.md").read_text()
    for heading in CARD_HEADINGS:
        assert heading in card
    for bar in json.loads((folder / "report.json").read_text())["bars"]:
        assert bar["name"] in card
