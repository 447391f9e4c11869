"""The benchmark: every network in every arm, failures among them, and what is made of the figures."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import sys
from pathlib import Path

import pytest

from bench import summary
from bench.arm_process import largest_error, transformed
from bench.cases import read_case, shipped, shipped_case, stranger_case, strangers, write_case
from bench.examples import write_examples
from bench.networks import compare
from bench.plot import draw
from bench.records import ACCURACY, OURS, RESOURCES, ArmRecord, read_record, write_record
from oracle.errors import InvalidInput
from oracle.proving.workers.pool import Worker
from oracle.settings import PROJECT_ROOT, Settings
from tests.support import networks
from tests.support.networks import Network


def _folder_of(made: Network, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copyfile(made.onnx, folder / "network.onnx")
    shutil.copyfile(made.calibration, folder / "input.json")


@pytest.fixture
def alone(settings: Settings, tmp_path: Path) -> Settings:
    """Settings under which nothing ships."""
    return settings.model_copy(update={"circuits_dir": tmp_path / "none", "state_dir": tmp_path / "state"})


@pytest.fixture
def onnx_dir(tmp_path: Path) -> Path:
    _folder_of(networks.relu(tmp_path / "made", rows="batch"), tmp_path / "nets" / "relu")
    return tmp_path / "nets"


@pytest.mark.slow
def test_compare__a_strangers_network__is_proven_on_chain_with_every_figure(alone: Settings, onnx_dir: Path) -> None:
    (record,) = compare(alone, onnx_dir=onnx_dir, limit_secs=500, say=print, arms=[OURS])
    assert record.finished, record.failure
    figures = dataclasses.asdict(record)
    missing = [name for name, value in figures.items() if value is None]
    assert missing == ["failure", "max_error", "error_no_worse"]
    assert record.public_values == 5
    assert record.error is not None
    assert record.error < 1e-2


def test_compare__limit_passed__is_recorded_and_the_next_goes_on(alone: Settings, onnx_dir: Path) -> None:
    shutil.copytree(onnx_dir / "relu", onnx_dir / "second")
    records = compare(alone, onnx_dir=onnx_dir, limit_secs=0.3, say=print, arms=[RESOURCES])
    assert [record.network for record in records] == ["relu", "second"]
    assert all("took longer than 0 s" in (record.failure or "") for record in records)
    assert all(record.timed_out for record in records)


def test_compare__network_that_ezkl_refuses__is_recorded_with_the_reason(alone: Settings, tmp_path: Path) -> None:
    _folder_of(networks.unsupported(tmp_path / "made"), tmp_path / "nets" / "mod")
    record, ours = compare(alone, onnx_dir=tmp_path / "nets", limit_secs=300, say=print, arms=[RESOURCES, OURS])
    assert (record.stage, record.finished) == ("tune", False)
    assert "Mod" in (ours.failure or "")


def test_compare__file_that_is_no_network__is_recorded(alone: Settings, onnx_dir: Path) -> None:
    (onnx_dir / "relu" / "network.onnx").write_bytes(b"no")
    records = compare(alone, onnx_dir=onnx_dir, limit_secs=300, say=print)
    assert [record.arm for record in records] == [RESOURCES, ACCURACY, OURS]
    assert all("not an ONNX file" in (record.failure or "") for record in records)


def test_compare__earlier_records__are_taken_over(alone: Settings, onnx_dir: Path) -> None:
    known = [ArmRecord("relu", arm, stage="done", gas=1) for arm in (RESOURCES, ACCURACY, OURS)]
    assert compare(alone, onnx_dir=onnx_dir, limit_secs=1, say=print, known=known) == known


def test_compare__records_of_other_networks_and_arms__are_kept(alone: Settings, onnx_dir: Path) -> None:
    known = [ArmRecord("relu", arm, stage="done", gas=1) for arm in (RESOURCES, OURS)]
    known += [ArmRecord("elsewhere", RESOURCES, stage="done"), ArmRecord("garch", OURS, shipped=True, stage="done")]
    found = compare(alone, onnx_dir=onnx_dir, limit_secs=1, say=print, arms=[OURS], only=["relu"], known=known)
    assert found == [known[3], known[2], known[0], known[1]]


def test_write_examples__all__are_networks_with_inputs(tmp_path: Path) -> None:
    made = [path.name for path in write_examples(tmp_path)]
    assert [path.name for path in strangers(tmp_path)] == sorted(made)
    with Worker(memory_mb=2048) as worker:
        case = stranger_case(worker, tmp_path / "trees", tmp_path)
    assert (len(made), case.shapes, len(case.test[0][0])) == (22, [[1, 6]], 6)


def test_strangers__none_there__says_what_a_folder_holds(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds network\.onnx and input\.json"):
        strangers(tmp_path)


def test_shipped_case__of_every_circuit__lies_in_its_domain() -> None:
    folders = list(shipped(PROJECT_ROOT / "circuits"))
    assert folders
    for folder in folders:
        case = shipped_case(folder)
        assert len(case.calibration) >= 4
        assert [len(row) for row in case.test[0]] == [math.prod(shape) for shape in case.shapes]
        assert case.circuit == folder


def test_stranger_case__written_and_read__is_the_same(onnx_dir: Path, tmp_path: Path) -> None:
    with Worker(memory_mb=2048) as worker:
        case = stranger_case(worker, onnx_dir / "relu", tmp_path)
    assert case.shapes == [[1, 4]]
    assert case.calibration[:16] == [[row] for row in _rows(onnx_dir / "relu" / "input.json")]
    write_case(case, tmp_path / "case.json")
    assert read_case(tmp_path / "case.json") == case


def _rows(path: Path) -> list[list[float]]:
    values = json.loads(path.read_text())["input_data"][0]
    return [values[start : start + 4] for start in range(0, len(values), 4)]


def test_record__written_and_read__is_the_same(tmp_path: Path) -> None:
    record = ArmRecord("net", OURS, shipped=True, notes=["a"], gas=7)
    write_record(record, tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == record


def test_largest_error__is_relative_to_the_larger_of_answer_and_quartile() -> None:
    reference = [[[0.0, 1.0]], [[2.0, 4.0]]]
    answers = [[[0.5, 1.0]], [[2.0, 5.0]]]
    assert largest_error(reference, answers) == pytest.approx(1 / 4)
    assert largest_error(reference, reference) == 0.0
    assert largest_error([[[0.0]]], [[[1.0]]]) == pytest.approx(1e9)


def test_transformed__what_was_left_out__is_applied() -> None:
    (row,) = transformed([[0.0, math.log(3.0)]], ["softmax"], [[1, 2]])
    assert row == pytest.approx([0.25, 0.75])
    assert transformed([[0.0]], ["sigmoid"], [[1]]) == [[0.5]]
    assert transformed([[3.0]], [], [[1]]) == [[3.0]]
    (logs,) = transformed([[0.0, math.log(3.0)]], ["log_softmax"], [[1, 2]])
    assert logs == pytest.approx([math.log(0.25), math.log(0.75)])


def _records() -> list[ArmRecord]:
    base = {"stage": "done", "setup_secs": 1.0, "tune_secs": 1.0, "peak_memory_mb": 100, "proofs": 1}
    return [
        ArmRecord("a", RESOURCES, prove_cpu_secs=8.0, prove_secs=4.0, gas=600_000, **base),
        ArmRecord("a", OURS, prove_cpu_secs=1.0, prove_secs=1.0, gas=400_000, **base),
        ArmRecord("b", RESOURCES, prove_cpu_secs=2.0, prove_secs=2.0, gas=600_000, **base),
        ArmRecord("b", OURS, prove_cpu_secs=1.0, prove_secs=1.0, gas=400_000, error_no_worse=False, **base),
        ArmRecord("c", RESOURCES, failure="prove: the proof does not verify"),
        ArmRecord("c", OURS, prove_cpu_secs=1.0, prove_secs=1.0, gas=400_000, **base),
    ]


def test_means__of_networks_that_both_finished__are_geometric() -> None:
    rows = {row["figure"]: row for row in summary.means(_records()) if row["against"] == RESOURCES}
    cpu = rows["prove, CPU seconds"]
    assert (cpu["geometric_mean"], cpu["least"], cpu["count"]) == (pytest.approx(4.0), 2.0, 2)
    assert rows["gas"]["geometric_mean"] == pytest.approx(1.5)
    first = rows["from ONNX to a first proof, seconds"]
    assert first["geometric_mean"] == pytest.approx(math.sqrt(6.0 * 4.0))


def test_outcomes__failures_and_worse_errors__are_said() -> None:
    lines = summary.outcomes(_records())
    assert lines == [
        "ezkl resources: 2 of 3 networks proven on chain",
        "plumbline: 3 of 3 networks proven on chain",
        "our error is worse on: b",
    ]
    assert summary.table(_records()).row_count == 6


def test_draw__records_with_failures__writes_a_picture(tmp_path: Path) -> None:
    draw(_records(), tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_bench_command__folder_without_networks__says_so(tmp_path: Path) -> None:
    import subprocess

    command = [sys.executable, "-m", "oracle.cli", "bench", "--onnx-dir", str(tmp_path), "--only", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=120, check=False)
    assert done.returncode == 2
    assert "holds network.onnx and input.json" in done.stderr
