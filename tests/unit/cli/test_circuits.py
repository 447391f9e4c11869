"""`plumbline srs` and `plumbline model verify | rebuild`: facts, tables, exit codes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oracle.cli.main import main
from oracle.settings import Settings
from tests.support import networks
from tests.support.built_circuits import NO_TABLE, build_fixed
from tests.support.ceremony import Ceremony

NAME = "relu"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def facts(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.stdout)


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Folders with one circuit."""
    root = tmp_path_factory.mktemp("circuits")
    settings = Settings(state_dir=root / "state", cache_dir=root / "cache", circuits_dir=root / "none")
    build_fixed(settings, NAME, networks.relu(root), NO_TABLE)
    return settings


@pytest.fixture
def folders(made: Settings, tmp_path: Path) -> Settings:
    """A copy of them."""
    settings = made.model_copy(update={"state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"})
    shutil.copytree(made.state_dir, settings.state_dir)
    shutil.copytree(made.cache_dir, settings.cache_dir)
    return settings


@pytest.fixture
def run(folders: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process on these folders."""
    for name in ("state_dir", "cache_dir", "circuits_dir"):
        monkeypatch.setenv(f"PLUMBLINE_{name.upper()}", str(getattr(folders, name)))

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["plumbline", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture(scope="module")
def ptau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ceremony") / "final.ptau"
    path.write_bytes(Ceremony.hold(4).ptau())
    return path


def test_model_verify__untouched__every_hash_is_the_same(run: Run) -> None:
    done = run("model", "verify", NAME, "--json")
    assert done.returncode == 0
    assert done.facts["verified"]
    assert [one["name"] for one in done.facts["hashes"] if one["same"]] == [
        "ezkl",
        "modelHash",
        "circuitHash",
        "srsHash",
        "vkHash",
        "pkHash",
        "verifierSource",
    ]


def test_model_verify_all__one_differs_one_unreadable__names_both_and_fails(run: Run, folders: Settings) -> None:
    circuit = folders.state_dir / "circuits" / NAME
    shutil.copytree(circuit, circuit.with_name("broken"))
    (circuit.with_name("broken") / "manifest.json").write_text("{")
    manifest = json.loads((circuit / "manifest.json").read_text())
    (circuit / "manifest.json").write_text(json.dumps(manifest | {"vk_hash": "0x" + "22" * 32}))
    done = run("model", "verify", "--all", "--json")
    assert done.returncode == 3
    differs, broken = done.facts
    assert [one["name"] for one in differs["hashes"] if not one["same"]] == ["vkHash"]
    assert (broken["model"], broken["verified"]) == ("broken", False)
    assert "is not a manifest" in broken["failure"]
    shown = run("model", "verify", "--all")
    assert shown.returncode == 3
    assert "DIFFERS" in shown.stdout
    assert "0x2222" in shown.stdout
    listed = run("model", "list", "--json")
    assert [one["name"] for one in listed.facts] == [NAME]
    assert "broken cannot be used" in listed.stderr


@pytest.mark.parametrize("arguments", [[], [NAME, "--all"]])
def test_model_verify__no_or_two_choices__is_refused(run: Run, arguments: list[str]) -> None:
    done = run("model", "verify", *arguments)
    assert done.returncode == 2
    assert "--all" in done.stderr


def test_srs_import__ptau_of_unknown_origin__is_stored_and_listed(run: Run, ptau: Path) -> None:
    done = run("srs", "import", str(ptau), "--logrows", "4", "--json")
    assert done.returncode == 0, done.stderr
    assert (done.facts["kind"], done.facts["localChainsOnly"]) == ("imported", True)
    listed = run("srs", "list", "--json").facts
    assert done.facts["hash"] in [one["hash"] for one in listed if one["kind"] == "imported" and one["intact"]]


def test_srs_import__with_its_hash_vouched_for__may_leave_local_chains(run: Run, ptau: Path) -> None:
    digest = run("srs", "check", str(ptau), "--logrows", "4", "--json").facts["sha256"]
    done = run("srs", "import", str(ptau), "--logrows", "4", "--trust", digest, "--json")
    assert (done.facts["kind"], done.facts["localChainsOnly"]) == ("trusted", False)


def test_srs_list__damaged_file__says_so(run: Run, folders: Settings) -> None:
    path = next(folders.cache_dir.glob("srs/*.srs"))
    path.write_bytes(path.read_bytes()[:-1])
    assert "DAMAGED" in run("srs", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "/nowhere.srs"], "cannot be read"),
        (["check", "{ptau}"], "--logrows"),
        (["import", "{ptau}", "--logrows", "5"], "reaches 2^4 rows, not 2^5"),
        (["import", "{ptau}", "--logrows", "4", "--trust", "0x00"], "the trusted hash is 0x00"),
    ],
)
def test_srs__bad_input__is_one_clear_line(run: Run, ptau: Path, arguments: list[str], words: str) -> None:
    done = run("srs", *(argument.format(ptau=ptau) for argument in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_model_rebuild__no_such_set_up__says_how_to_import_one(run: Run) -> None:
    done = run("model", "rebuild", NAME, "--srs", "public")
    assert done.returncode == 2
    assert "plumbline srs import FILE --logrows 7" in done.stderr


def test_model_rebuild__on_the_set_up_it_has__is_the_same_circuit(run: Run, folders: Settings) -> None:
    path = folders.state_dir / "circuits" / NAME / "manifest.json"
    before = json.loads(path.read_text())
    done = run("model", "rebuild", NAME, "--srs", "dev", "--json")
    assert done.returncode == 0, done.stderr
    after = json.loads(path.read_text())
    assert (after["vk_hash"], after["pk_hash"], after["srs_kind"]) == (before["vk_hash"], before["pk_hash"], "dev")
    assert after["measured"]["code_size"] > 0
