"""What every model family promises; a new family is tested by being there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models._export import CALIBRATION_SEED, INPUT_NAME, calibration_inputs, export_family, export_onnx
from models._registry import Family, families, family
from oracle.settings import Settings

ALL = list(families().values())


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
    inputs = model.samples(500, 11)
    module = model.module().double()
    with torch.no_grad():
        got = [float(module(torch.tensor(row[None]))) for row in inputs]
    np.testing.assert_allclose(got, model.reference(inputs), rtol=1e-12)


def test_samples__any_seed__inside_the_domain(model: Family) -> None:
    inputs = model.samples(2_000, 5)
    low, high = (np.array(bound) for bound in zip(*model.domain, strict=True))
    assert inputs.shape == (2_000, model.input_count)
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
    first = export_onnx(model.module(), model.input_count, tmp_path / "one.onnx")
    assert export_onnx(model.module(), model.input_count, tmp_path / "two.onnx") == first
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_export_family__again__is_the_committed_network(model: Family, tmp_path: Path, settings: Settings) -> None:
    network, _ = export_family(model, tmp_path)
    assert network.read_bytes() == (settings.circuits_dir / model.circuit_id / "network.onnx").read_bytes()


def test_network__onnxruntime__equals_its_reference(model: Family, settings: Settings) -> None:
    session = onnxruntime.InferenceSession(str(settings.circuits_dir / model.circuit_id / "network.onnx"))
    inputs = model.samples(500, 12).astype(np.float32)
    got = np.array([session.run(None, {INPUT_NAME: row[None]})[0].item() for row in inputs])
    expected = model.reference(inputs.astype(np.float64))
    assert np.max(np.abs(got - expected) / np.maximum(np.abs(expected), model.magnitude)) < 1e-5


def test_card__committed__names_its_circuit(model: Family, settings: Settings) -> None:
    card = (settings.circuits_dir / model.circuit_id / "CARD.md").read_text()
    for heading in ("## Circuit", "**In-circuit error**", "## Out-of-sample score", "## Known limits", "**Domain.**"):
        assert heading in card
