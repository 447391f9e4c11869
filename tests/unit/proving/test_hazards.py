"""ezkl's hazards that no other page of tests holds: each ends in a named error, in time, with nothing half-made."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, InputRejected
from oracle.proving.building.keys import COMPILED, PROVING_KEY, CircuitParams
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.srs.store import dev_srs
from oracle.proving.witness import make_witness
from oracle.proving.workers.pool import ToolError, Worker
from oracle.settings import PROJECT_ROOT, Settings
from tests.support import networks
from tests.support.built_circuits import NO_TABLE, build_fixed
from tests.unit.proving.conftest import LOGISTIC, RELU, Copy

OpenEngine = Callable[[Settings], ProvingEngine]
VALUES = [300, -200, 100, 400]

# No file may grow beyond the limit: what a full disk does, without filling one
BUILD_ON_A_FULL_DISK = """
import resource, sys, types
from pathlib import Path
sys.modules["tests"] = types.ModuleType("tests")  # not another distribution's
sys.modules["tests"].__path__ = ["tests"]
from oracle.errors import StorageFull
from oracle.settings import Settings
from tests.support import networks
from tests.support.built_circuits import NO_TABLE, build_fixed
root = Path(sys.argv[1])
network = networks.relu(root)
for limit in sys.argv[3:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        build_fixed(Settings(state_dir=root / limit, cache_dir=Path(sys.argv[2])), "full", network, NO_TABLE)
    except StorageFull as error:
        print("StorageFull", error, "|", error.remedy)
"""


def test_run_args__always__check_inputs_and_outputs() -> None:
    assert NO_TABLE.run_args()["ignore_range_check_inputs_outputs"] is False
    fields = CircuitParams.__dataclass_fields__
    assert not any("ignore" in name for name in fields)


def test_settings__of_every_shipped_circuit__check_inputs_and_outputs() -> None:
    found = sorted(PROJECT_ROOT.glob("circuits/*/settings.json"))
    assert found
    for path in found:
        arguments = json.loads(path.read_text())["run_args"]
        assert arguments["ignore_range_check_inputs_outputs"] is False, path
        assert (arguments["input_visibility"], arguments["param_visibility"]) == ("Public", "Fixed"), path


def test_witness__constraints_that_do_not_hold__are_refused_before_a_proof(engine: ProvingEngine) -> None:
    """A lookup outside its table, with the earlier check told that the table is wide."""
    manifest, built, folder, _ = engine._ready(LOGISTIC, lambda *_: None)
    wide = manifest.model_copy(update={"lookup_range": (-(10**9), 10**9), "max_error": 1e9})
    with engine._worker(manifest, None) as worker:
        values = _beyond_the_table(worker, manifest, str(built.compiled))
        reach = manifest.domain[0].model_copy(update={"low": -1e9, "high": 1e9})
        told = wide.model_copy(update={"domain": [reach]})
        with pytest.raises(InputRejected, match="constraints do not hold"):
            make_witness(worker, told, values, circuit_folder=folder, built=built, timeout=60)


def _beyond_the_table(worker: Worker, manifest: CircuitManifest, compiled: str) -> list[int]:
    low, high = manifest.lookup_range
    edge = 4 * int(manifest.domain[0].high * 2 ** manifest.input_scale(0))
    for signs in product((1, -1), repeat=manifest.input_count):
        row = [edge * sign for sign in signs]
        made = worker.call("witness", circuit=compiled, inputs=[row], out=None)
        if made["lookup_min"] < low or made["lookup_max"] > high:
            return row
    raise AssertionError("the table holds everything")


def test_setup__with_too_small_a_set_up__is_a_tool_error(copy: Copy, worker: Worker) -> None:
    small = dev_srs(copy.settings.cache_dir, 4)
    with pytest.raises(ToolError):
        worker.call("setup", circuit=str(copy.keys / COMPILED), vk="vk", pk="pk", srs_path=str(small))


def test_prove__with_too_small_a_set_up__is_a_tool_error_and_the_worker_lives(
    copy: Copy, engine: ProvingEngine, worker: Worker, tmp_path: Path
) -> None:
    witness = tmp_path / "witness.json"
    witness.write_text(engine.witness(RELU, VALUES).document)
    files = {"circuit": str(copy.keys / COMPILED), "pk": str(copy.keys / PROVING_KEY)}
    small, right = (dev_srs(copy.settings.cache_dir, logrows) for logrows in (4, engine.circuit(RELU).logrows))
    with pytest.raises(ToolError):
        worker.call("prove", witness_path=str(witness), srs_path=str(small), timeout=60, **files)
    lives = worker.pid
    made = worker.call("prove", witness_path=str(witness), srs_path=str(right), timeout=60, **files)
    assert (worker.pid, made["proof"] != "") == (lives, True)


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
def test_prove__set_up_damaged_while_running__says_so(copy: Copy, open_engine: OpenEngine, damage: str) -> None:
    engine = open_engine(copy.settings)
    made = engine.witness(RELU, VALUES)
    raw = bytearray(copy.srs.read_bytes())
    raw[len(raw) // 4] ^= 1
    copy.srs.write_bytes(raw if damage == "flipped" else raw[: len(raw) // 2])
    with pytest.raises(ArtifactMismatch, match=r"\.srs has"):
        engine.prove(RELU, made)


@pytest.mark.parametrize("name", ["vk.key", "settings.json"])
def test_verify__file_damaged_while_running__is_refused(copy: Copy, open_engine: OpenEngine, name: str) -> None:
    engine = open_engine(copy.settings)
    proof = engine.prove(RELU, engine.witness(RELU, VALUES))
    path = copy.circuit / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ArtifactMismatch, match=name):
        engine.verify(RELU, proof)


def test_build__two_at_once_of_one_name__give_the_same_circuit(home: Settings, tmp_path: Path) -> None:
    settings = home.model_copy(update={"state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"})
    network = networks.relu(tmp_path)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: build_fixed(settings, "both", network, NO_TABLE), range(2))
    names = ("model_hash", "circuit_hash", "vk_hash", "pk_hash", "srs_hash", "verifier_source_hash")
    assert [getattr(first, name) for name in names] == [getattr(second, name) for name in names]
    folder = settings.state_dir / "circuits" / "both"
    assert sorted(path.name for path in folder.iterdir()) == [
        "Verifier.sol",
        "manifest.json",
        "network.onnx",
        "settings.json",
        "vk.key",
    ]
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == ["both"]


def test_build__poisoned_cache_of_ezkl__changes_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = tmp_path / "ezkl"
    (poisoned / "cache").mkdir(parents=True)
    (poisoned / "cache" / "lookup").write_bytes(b"\x07" * 4096)
    monkeypatch.setenv("EZKL_REPO_PATH", str(poisoned))
    settings = home.model_copy(update={"state_dir": tmp_path / "state"})
    manifest = build_fixed(settings, RELU, networks.relu(tmp_path), NO_TABLE)
    assert manifest.vk_hash == ProvingEngine(home).circuit(RELU).vk_hash
    assert [path.name for path in (poisoned / "cache").iterdir()] == ["lookup"]


def test_build__disk_full__leaves_no_circuit(home: Settings, tmp_path: Path) -> None:
    """Full for small files, for a verifier, for a key."""
    limits = ["2000", "30000", "100000"]
    done = subprocess.run(
        [sys.executable, "-c", BUILD_ON_A_FULL_DISK, str(tmp_path), str(home.cache_dir), *limits],
        capture_output=True,
        cwd=PROJECT_ROOT,
        text=True,
        timeout=300,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(limits), done.stdout + done.stderr
    for limit, line in zip(limits, lines, strict=True):
        assert line.startswith("StorageFull"), done.stdout + done.stderr
        assert "PLUMBLINE_STATE_DIR" in line
        left = [path for path in (tmp_path / limit).rglob("*") if path.is_file() and path.suffix != ".lock"]
        assert left == []
