"""`model tune`: the table, the chosen circuit, what its manifest says of the model's other forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.cli.tuning import tune_model
from oracle.errors import InvalidInput, ModelRejected
from oracle.proving.building.manifest import NETWORK, SETTINGS, CircuitManifest, Domain, check_folder, read_manifest
from oracle.proving.files import sha256_file
from oracle.proving.intake import silent
from oracle.proving.tuning.cost import Cost
from oracle.proving.tuning.study import Source, Tuned, existing_source, parse_domain, tune
from oracle.settings import Settings
from tests.support import networks

DOMAIN = [Domain(low=-4.0, high=4.0)]


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with folders of their own."""
    root = tmp_path_factory.mktemp("tuning")
    return Settings(state_dir=root / "state", cache_dir=root / "cache", circuits_dir=root / "none")


@pytest.fixture(scope="module")
def tuned(away: Settings) -> Tuned:
    """A logistic regression over a wide domain, where a table would be dear."""
    network = networks.logistic(away.state_dir)
    source = Source(network.onnx, network.calibration, DOMAIN, None, 2e-3)
    return tune(away, "credit", source, away.state_dir / "credit", objective="seconds", on_progress=silent)


def test_tune__wide_domain__finds_a_form_without_a_table(away: Settings, tuned: Tuned) -> None:
    assert tuned.manifest.logrows <= 10
    assert [text for text in tuned.manifest.rewrites if "rational" in text]
    assert tuned.manifest.measured.error <= tuned.manifest.max_error == 2e-3
    assert tuned.manifest.domain == DOMAIN


def test_tune__manifest__pins_the_model_before_and_after(away: Settings, tuned: Tuned) -> None:
    folder = away.state_dir / "credit"
    assert read_manifest(folder) == tuned.manifest
    check_folder(folder, tuned.manifest)
    assert tuned.manifest.model_hash == sha256_file(folder / NETWORK)
    assert tuned.manifest.source_model_hash == sha256_file(networks.logistic(away.state_dir).onnx)
    assert tuned.manifest.outputs_transform == []
    assert json.loads((folder / SETTINGS).read_text())["run_args"]["ignore_range_check_inputs_outputs"] is False


def test_tune__table__marks_what_was_measured(tuned: Tuned) -> None:
    chosen = [row for row in tuned.rows if row.chosen]
    assert len(chosen) == 1
    assert chosen[0].measured
    assert chosen[0].logrows == tuned.manifest.logrows
    assert chosen[0].proving_key_bytes == tuned.manifest.measured.proving_key_bytes
    assert any(not row.measured for row in tuned.rows)
    assert all(row.proof_bytes is None and row.prove_seconds is None for row in tuned.rows if not row.measured)
    assert all(row.error <= 2e-3 for row in tuned.rows)


def test_tune__losers__leave_nothing_behind(away: Settings, tuned: Tuned) -> None:
    assert not list(away.state_dir.glob("*finalist*"))
    assert len([path for path in (away.cache_dir / "circuits").iterdir() if path.is_dir()]) == 1


def test_tune__logits__leaves_the_sigmoid_to_the_consumer(away: Settings) -> None:
    network = networks.logistic(away.state_dir)
    source = Source(network.onnx, network.calibration, DOMAIN, None, 2e-3)
    out = away.state_dir / "logit"
    got = tune(away, "logit", source, out, objective="gas", logits=True, finalists=1, on_progress=silent).manifest
    assert got.outputs_transform == ["sigmoid"]
    assert got.source_model_hash == sha256_file(network.onnx)
    assert got.lookup_range == (-128, 128)


def test_tune__logits_of_a_model_without__is_refused(away: Settings) -> None:
    network = networks.relu(away.state_dir)
    source = Source(network.onnx, network.calibration)
    with pytest.raises(ModelRejected, match="no sigmoid"):
        tune(away, "relu", source, away.state_dir / "relu", logits=True, on_progress=silent)


def test_existing_source__circuit_that_stands__is_its_network_over_its_domain(
    away: Settings, tuned: Tuned, tmp_path: Path
) -> None:
    source = existing_source(tuned.manifest, away.state_dir / "credit", tmp_path)
    samples = json.loads(source.calibration.read_text())
    assert source.domain == DOMAIN
    assert source.max_error == 2e-3
    assert all(len(sample["input_data"][0]) == tuned.manifest.input_count for sample in samples)
    assert all(-4 <= value <= 4 for sample in samples for value in sample["input_data"][0])


def test_manifest__without_the_new_fields__still_reads(tuned: Tuned) -> None:
    document = tuned.manifest.model_dump(mode="json")
    for name in ("source_model_hash", "rewrites", "outputs_transform"):
        del document[name]
    older = CircuitManifest.model_validate(document)
    assert (older.source_model_hash, older.rewrites, older.outputs_transform) == (None, [], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-4:4", [(-4.0, 4.0)]),
        ("0:1,-2:3.5", [(0.0, 1.0), (-2.0, 3.5)]),
        ("1e-3:1e3", [(1e-3, 1e3)]),
    ],
)
def test_parse_domain__intervals__in_order(text: str, expected: list[tuple[float, float]]) -> None:
    assert [(one.low, one.high) for one in parse_domain(text)] == expected


def test_parse_domain__file__is_read(tmp_path: Path) -> None:
    path = tmp_path / "domain.json"
    path.write_text("[[0, 1], [-2, 2]]")
    assert [(one.low, one.high) for one in parse_domain(str(path))] == [(0.0, 1.0), (-2.0, 2.0)]


@pytest.mark.parametrize("text", ["", "4", "4:-4", "1:1", "nan:1", "0:inf", "a:b", "1:2:3", "none.json"])
def test_parse_domain__malformed__is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no domain|the interval"):
        parse_domain(text)


def test_tune__silently_wrong_circuit__names_the_node(away: Settings, tmp_path: Path) -> None:
    network = networks.silently_wrong(tmp_path)
    source = Source(network.onnx, network.calibration, DOMAIN)
    with pytest.raises(ModelRejected, match=r"the first to differ is operator Cast .*the_cast"):
        tune(away, "wrong", source, away.state_dir / "wrong", on_progress=silent)
    assert not (away.state_dir / "wrong").exists()


def test_tune__domain_of_another_number_of_inputs__is_refused(away: Settings) -> None:
    network = networks.relu(away.state_dir)
    source = Source(network.onnx, network.calibration, DOMAIN * 3)
    with pytest.raises(InvalidInput, match="3 intervals for 4 inputs"):
        tune(away, "relu", source, away.state_dir / "relu", on_progress=silent)


def test_tune_model__onnx_without_calibration__says_what_belongs_together(away: Settings) -> None:
    with pytest.raises(InvalidInput, match="belong together"):
        tune_model(
            away,
            "credit",
            onnx=away.state_dir / "logistic.onnx",
            calibration=None,
            objective="gas",
            max_error=None,
            domain=None,
            logits=False,
            out=None,
            say=lambda _: None,
        )


def test_tune_model__finalists__have_the_gas_of_a_transaction(away: Settings, tmp_path: Path) -> None:
    network = networks.relu(tmp_path)
    facts = tune_model(
        away,
        "measured",
        onnx=network.onnx,
        calibration=network.calibration,
        objective="gas",
        max_error=1e-2,
        domain="-4:4",
        logits=False,
        out=tmp_path / "out",
        say=lambda _: None,
    )
    finalists = [row for row in facts["table"] if row["measured"]]
    assert len(finalists) == 2
    assert all(row["gas_measured"] for row in finalists)
    (chosen,) = [row for row in finalists if row["chosen"]]
    # CPU seconds decide between finalists that cost about the same gas
    weights = {
        row["chosen"]: Cost(row["logrows"], row["prove_cpu_seconds"], row["gas"], row["memory_mb"]).weight("gas")
        for row in finalists
    }
    assert weights[True] <= weights[False]
    assert read_manifest(tmp_path / "out").measured.gas == chosen["gas"]
    assert not any(row["gas_measured"] for row in facts["table"] if not row["measured"])
