"""Strangers' models: taken in and proven, or refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from oracle.constants import MAX_CODE_SIZE
from oracle.domain.proofs import ModelInputs
from oracle.errors import Conflict, InputRejected, InvalidInput, ModelRejected
from oracle.proving import intake
from oracle.proving.building.manifest import CircuitManifest, Domain
from oracle.proving.engine import ProvingEngine
from oracle.proving.intake import add_model, build_circuit
from oracle.proving.quantise import real_outputs
from oracle.proving.samples import bind_shapes, read_calibration, split_samples
from oracle.proving.tuning import selection
from oracle.settings import Settings
from tests.support import networks
from tests.support.networks import Network
from tests.unit.proving.conftest import RELU

OpenEngine = Callable[[Settings], ProvingEngine]


@pytest.fixture
def away(home: Settings, tmp_path: Path) -> Settings:
    """Settings with a state of their own and the session's cache."""
    return home.model_copy(update={"state_dir": tmp_path / "state"})


def _prove(engine: ProvingEngine, name: str, rows: list[list[float]]) -> list[float]:
    proof = engine.prove(name, engine.witness(name, engine.quantise(name, rows)))
    engine.verify(name, proof)
    return engine.outputs(name, proof)


def _build(settings: Settings, folder: Path, **arguments: Any) -> CircuitManifest:
    """A circuit over one domain, its own samples'."""
    made = networks.relu(folder)
    domain = [Domain(low=-5, high=5)]
    return build_circuit(settings, "built", made.onnx, made.calibration, folder / "out", domain=domain, **arguments)


def test_add_model__two_inputs_one_sample__is_provable(away: Settings, tmp_path: Path, open_engine: OpenEngine) -> None:
    made = networks.two_tensors(tmp_path)
    manifest = add_model(away, "two", made.onnx, made.calibration)
    assert (manifest.input_names, manifest.input_shapes) == (["a", "b"], [[1, 3], [1, 2]])
    assert (manifest.input_count, manifest.output_count) == (5, 4)
    y_and_z = _prove(open_engine(away), "two", [[0.5, -1.25, 0.75], [1.0, -0.5]])
    assert y_and_z[2:] == pytest.approx([max(value, 0.0) for value in y_and_z[:2]], abs=1e-3)


def test_add_model__integer_inputs_by_relative_paths__stay_integers(
    away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_engine: OpenEngine
) -> None:
    """Relative paths are the caller's: the worker has a folder of its own."""
    made = networks.embedding(tmp_path)
    monkeypatch.chdir(tmp_path)
    manifest = add_model(away, "embedding", made.onnx.relative_to(tmp_path), made.calibration.relative_to(tmp_path))
    assert manifest.circuit_id == "embedding"
    assert manifest.input_scale_bits == [0]
    assert manifest.domain == [Domain(low=0, high=7)]
    engine = open_engine(away)
    assert engine.quantise("embedding", [[7, 0, 3]]) == [7, 0, 3]
    _prove(engine, "embedding", [[7, 0, 3]])
    with pytest.raises(InputRejected, match="not an integer"):
        engine.quantise("embedding", [[0.5, 0, 3]])


def test_add_model__symbolic_batch__is_fixed_to_one(away: Settings, tmp_path: Path, open_engine: OpenEngine) -> None:
    made = networks.relu(tmp_path, rows="batch")
    manifest = add_model(away, "batch", made.onnx, made.calibration, max_error=2e-2)
    assert (manifest.input_shapes, manifest.output_shapes) == ([[1, 4]], [[1, 1]])
    _prove(open_engine(away), "batch", [[0.5, 0.5, -0.5, 0.25]])


def test_add_model__code_size__is_asked_of_every_candidate(away: Settings, tmp_path: Path) -> None:
    made, sizes = networks.relu(tmp_path), iter([MAX_CODE_SIZE + 1, MAX_CODE_SIZE])
    manifest = add_model(away, "small", made.onnx, made.calibration, code_size=lambda path: next(sizes), max_error=2e-2)
    assert manifest.measured.code_size == MAX_CODE_SIZE


def test_build_circuit__no_verifier_small_enough__names_both_sizes(
    away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "ATTEMPTS", 1)
    with pytest.raises(ModelRejected, match=r"has 30000 bytes, a contract may have 24576"):
        _build(away, tmp_path, max_error=2e-2, code_size=lambda path: 30_000)
    assert not (tmp_path / "out").exists()


def test_build_circuit__same_model_twice__gives_the_same_keys(away: Settings, tmp_path: Path) -> None:
    made = networks.relu(tmp_path)
    first, again = (
        build_circuit(away, RELU, made.onnx, made.calibration, tmp_path / name, max_error=2e-2) for name in ("a", "b")
    )
    names = ("model_hash", "circuit_hash", "vk_hash", "pk_hash", "srs_hash", "verifier_source_hash")
    assert [getattr(again, name) for name in names] == [getattr(first, name) for name in names]


def test_build_circuit__own_domain_for_each_value__is_kept(
    away: Settings, tmp_path: Path, open_engine: OpenEngine
) -> None:
    made = networks.relu(tmp_path)
    domain = [Domain(low=-5, high=5), Domain(low=-5, high=5), Domain(low=-5, high=5), Domain(low=0.0, high=1.0)]
    build_circuit(
        away,
        "own",
        made.onnx,
        made.calibration,
        away.state_dir / "circuits" / "own",
        domain=domain,
        magnitudes=[1.0],
        max_error=2e-2,
    )
    engine = open_engine(away)
    engine.quantise("own", [[-5.0, 0.0, 0.0, 0.0]])
    with pytest.raises(InputRejected, match=r"input 3 of own is -1, outside its domain \[0, 1\]"):
        engine.quantise("own", [[0.0, 0.0, 0.0, -1.0]])


def test_add_model__unsupported_operator__is_named(away: Settings, tmp_path: Path) -> None:
    made = networks.unsupported(tmp_path)
    with pytest.raises(ModelRejected, match=r"operator Mod \(node 'the_remainder'\) is not supported") as caught:
        add_model(away, "mod", made.onnx, made.calibration)
    assert "rewrite that part" in caught.value.remedy


def test_add_model__silently_wrong_circuit__names_the_node(away: Settings, tmp_path: Path) -> None:
    made = networks.silently_wrong(tmp_path)
    with pytest.raises(
        ModelRejected, match=r"not the model's: the first to differ is operator Cast .*the_cast"
    ) as caught:
        add_model(away, "wrong", made.onnx, made.calibration)
    assert "casts" in caught.value.remedy


@pytest.mark.parametrize("make", [networks.compared, networks.tiny_constants, networks.large_squares])
def test_add_model__graph_that_ezkl_often_gets_wrong__is_refused_or_right(
    away: Settings, tmp_path: Path, open_engine: OpenEngine, make: Callable[[Path], Network]
) -> None:
    made = make(tmp_path)
    try:
        manifest = add_model(away, "doubtful", made.onnx, made.calibration)
    except ModelRejected as error:
        assert "not the model's" in str(error)
        return
    engine, session = open_engine(away), ort.InferenceSession(str(made.onnx), providers=["CPUExecutionProvider"])
    numbers = np.asarray(json.loads(made.calibration.read_text())["input_data"][0], np.float32).reshape(-1, 4)
    for row in numbers:
        witness = engine.witness("doubtful", engine.quantise("doubtful", [row.tolist()]))
        want = session.run(None, {"x": row[None]})[0].ravel()
        allowed = manifest.max_error * np.maximum(manifest.output_magnitudes[0], np.abs(want))
        assert (np.abs(np.asarray(real_outputs(manifest, witness.outputs)) - want) <= allowed).all()


def test_add_model__weights_in_another_file__is_refused(away: Settings, tmp_path: Path) -> None:
    made = networks.external(tmp_path)
    with pytest.raises(ModelRejected, match="'w1' is stored in another file"):
        add_model(away, "external", made.onnx, made.calibration)


@pytest.mark.parametrize("content", [b"not onnx", b"\x08\x07", b"\x00" * 1000, b"{}"])
def test_add_model__malformed_onnx__is_refused(away: Settings, tmp_path: Path, content: bytes) -> None:
    made = networks.relu(tmp_path)
    made.onnx.write_bytes(content)
    with pytest.raises(ModelRejected, match="not an ONNX file"):
        add_model(away, "bad", made.onnx, made.calibration)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_add_model__truncated_onnx__is_refused(away: Settings, tmp_path: Path, share: float) -> None:
    made = networks.relu(tmp_path)
    raw = made.onnx.read_bytes()
    made.onnx.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(ModelRejected):
        add_model(away, "bad", made.onnx, made.calibration)


def test_add_model__empty_file__is_refused(away: Settings, tmp_path: Path) -> None:
    made = networks.relu(tmp_path)
    made.onnx.write_bytes(b"")
    with pytest.raises(ModelRejected, match="is empty"):
        add_model(away, "bad", made.onnx, made.calibration)


def test_add_model__too_large__is_refused(away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_MODEL_BYTES", 100)
    made = networks.relu(tmp_path)
    with pytest.raises(ModelRejected, match="bytes, more than 100"):
        add_model(away, "bad", made.onnx, made.calibration)


def test_add_model__missing_file__is_refused(away: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match="there is no model"):
        add_model(away, "bad", tmp_path / "absent.onnx", tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("{", "not JSON"),
        ("3", 'no "input_data" list'),
        ('{"input_data": []}', 'no "input_data" list'),
        ('{"input_data": [[]]}', "the sample has 0"),
        ('{"input_data": [[1, 2, 3]]}', r"takes 4 values \(shape \[1, 4\]\), the sample has 3"),
        ('{"input_data": [[1, 2, 3, 4], [1]]}', r"the model has 1 inputs \(x\), the sample has 2"),
        ('{"input_data": [[1, 2, 3, NaN]]}', "contain NaN"),
        ('{"input_data": [[1, 2, 3, Infinity]]}', "contain Infinity"),
        ('{"input_data": [[1, 2, 3, 1e400]]}', "not finite at position 3"),
        ('{"input_data": [[1, 2, 3, null]]}', "has None at position 3"),
        ('{"input_data": [[1, 2, 3, "4"]]}', "has '4' at position 3"),
        ("[1]", 'no "input_data" list'),
    ],
)
def test_add_model__bad_calibration__says_what_is_wrong(away: Settings, tmp_path: Path, text: str, reason: str) -> None:
    made = networks.relu(tmp_path)
    made.calibration.write_text(text)
    with pytest.raises(InputRejected, match=reason):
        add_model(away, "bad", made.onnx, made.calibration)
    assert not (away.state_dir / "circuits" / "bad").exists()


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "-a", "a" * 64, "a b"])
def test_add_model__bad_name__is_refused(away: Settings, tmp_path: Path, name: str) -> None:
    made = networks.relu(tmp_path)
    with pytest.raises(InvalidInput, match="is no name"):
        add_model(away, name, made.onnx, made.calibration)


def test_add_model__name_taken__is_refused(home: Settings, tmp_path: Path) -> None:
    made = networks.relu(tmp_path)
    with pytest.raises(Conflict, match="there is a circuit 'relu' already"):
        add_model(home, RELU, made.onnx, made.calibration)


@pytest.mark.parametrize("max_error", [0.0, -1.0, float("nan"), float("inf")])
def test_add_model__budget_that_is_none__is_refused(away: Settings, tmp_path: Path, max_error: float) -> None:
    made = networks.relu(tmp_path)
    with pytest.raises(InvalidInput, match="max_error must be positive"):
        add_model(away, "bad", made.onnx, made.calibration, max_error=max_error)


def test_build_circuit__budget_that_cannot_be_met__is_refused(away: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match="no sound circuit was found: the circuit's error is"):
        _build(away, tmp_path, max_error=1e-9)


@pytest.mark.parametrize(
    ("declared", "counts", "expected"),
    [
        ([[None, 4]], [4], [[1, 4]]),
        ([[None, 4]], [20], [[1, 4]]),
        ([[None, None, 4]], [20], [[1, 5, 4]]),
        ([[2, None]], [6], [[2, 3]]),
        ([[]], [1], [[]]),
        ([[None]], [8], [[8]]),
        ([[None, 3], [None, 2]], [3, 2], [[1, 3], [1, 2]]),
    ],
)
def test_bind_shapes__symbolic_axes__fit_the_sample(
    declared: list[list[int | None]], counts: list[int], expected: list[list[int]]
) -> None:
    assert bind_shapes(["a", "b"][: len(declared)], declared, counts) == expected


@pytest.mark.parametrize(("declared", "count"), [([3, None, None], 12), ([2, None], 5), ([4], 5)])
def test_bind_shapes__no_fit__is_refused(declared: list[int | None], count: int) -> None:
    with pytest.raises(InputRejected, match=f"{count}"):
        bind_shapes(["a"], [declared], [count])


def test_split_samples__many__are_cut_in_order() -> None:
    rows = split_samples(ModelInputs(((1, 2, 3, 4), (5, 6))), ["a", "b"], [[2], [1]])
    assert rows == [[[1, 2], [5]], [[3, 4], [6]]]


def test_split_samples__counts_that_differ__are_refused() -> None:
    with pytest.raises(InputRejected, match=r"takes \[2, 1\] values, the calibration file has \[4, 1\]"):
        split_samples(ModelInputs(((1, 2, 3, 4), (5,))), ["a", "b"], [[2], [1]])


def test_read_calibration__list_of_documents__is_many_samples(tmp_path: Path) -> None:
    made: Network = networks.relu(tmp_path)
    made.calibration.write_text(json.dumps([{"input_data": [[1, 2, 3, 4]]}, {"input_data": [[5, 6, 7, 8]]}]))
    assert len(read_calibration(made.calibration)) == 2
