"""The command line itself: help, bad input at every command, exit codes, no tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from oracle.cli.main import app, main

COMMANDS = [
    [],
    ["demo"],
    ["up"],
    ["down"],
    ["serve"],
    ["status"],
    ["deploy"],
    ["feed"],
    ["feed", "list"],
    ["feed", "push"],
    ["feed", "rounds"],
    ["feed", "verify"],
    ["model"],
    ["model", "add"],
    ["model", "list"],
    ["model", "show"],
    ["model", "verify"],
    ["model", "rebuild"],
    ["srs"],
    ["srs", "list"],
    ["srs", "check"],
    ["srs", "import"],
    ["bench"],
    ["prove"],
    ["request"],
    ["verify"],
    ["evidence"],
    ["doctor"],
]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def plumbline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs the command line in this process, on an empty state folder."""
    for name in [name for name in os.environ if name.startswith("PLUMBLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, state_dir: Path = tmp_path, **environment: str) -> Done:
        monkeypatch.setenv("PLUMBLINE_STATE_DIR", str(state_dir))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["plumbline", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


def test_help__quick__imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['plumbline', '--help']\n"
        "from oracle.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'web3', 'ezkl', 'dbos', 'pandas', 'numpy', 'sqlalchemy', 'fastapi', 'onnx', 'pydantic'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_help__every_command__describes_itself_with_an_example() -> None:
    from typer.testing import CliRunner

    runner = CliRunner(env={"COLUMNS": "200"})
    for command in COMMANDS:
        shown = runner.invoke(app, [*command, "--help"])
        assert shown.exit_code == 0, command
        assert "Usage" in shown.output
        if command not in ([], ["feed"], ["model"], ["srs"]):
            assert "Example" in shown.output, command


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense"], 2, "nonsense"),
        (["up", "--rpc-port", "70000"], 2, "rpc-port"),
        (["verify"], 2, "nothing to verify"),
        (["feed", "rounds", "x", "--limit", "0"], 2, "limit"),
        (["status"], 2, "plumbline up"),
        (["feed", "push", "spx-usd"], 2, "plumbline up"),
        (["up", "--source", "nowhere"], 2, "no market source"),
        (["demo", "--source", "csv:/nowhere.csv"], 2, "no file /nowhere.csv"),
        (["demo", "--start", "soon"], 2, "'soon'"),
        (["model", "show", "nothing"], 2, "nothing"),
        (["prove", "nothing", "--input", "/nowhere.json"], 2, "nothing"),
        (["verify", "--rpc-url", "http://127.0.0.1:9", "--feed", "0x" + "11" * 20], 4, "127.0.0.1:9"),
        (["verify", "--rpc-url", "http://127.0.0.1:9", "--feed", "0x11"], 2, "0x11"),
        (["verify", "--proof", "/nowhere.json", "--model", "garch-vol-32"], 2, "/nowhere.json"),
        (["deploy", "--rpc-url", "http://127.0.0.1:9"], 4, "127.0.0.1:9"),
    ],
)
def test_bad_input__clear_line_and_code(
    plumbline: Callable[..., Done], arguments: list[str], code: int, words: str
) -> None:
    done = plumbline(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_setting__names_the_variable(plumbline: Callable[..., Done]) -> None:
    done = plumbline("status", PLUMBLINE_API_PORT="99999999")
    assert done.returncode == 3
    assert "PLUMBLINE_API_PORT" in done.stderr


def test_error_with_json__one_document_on_stderr(plumbline: Callable[..., Done]) -> None:
    for arguments in (["status", "--json"], ["--json", "status"]):
        done = plumbline(*arguments)
        assert done.stdout == ""
        assert json.loads(done.stderr)["error"] == "NotFound"


def test_down__nothing_runs__fine(plumbline: Callable[..., Done]) -> None:
    done = plumbline("down", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"ended": []}


def test_doctor__json__every_check_has_a_state(plumbline: Callable[..., Done]) -> None:
    done = plumbline("doctor", "--json")
    found = json.loads(done.stdout)
    assert {check["status"] for check in found["checks"]} <= {"ok", "note", "broken"}
    assert done.returncode == (0 if found["healthy"] else 1)
    assert "ezkl" in {check["name"] for check in found["checks"]}


def test_doctor__folder_that_cannot_be_used__broken_with_its_cure(
    tmp_path: Path, plumbline: Callable[..., Done]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = plumbline("doctor", "--json", state_dir=blocked / "state")
    assert done.returncode == 1
    check = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "state folder")
    assert check["status"] == "broken"
    assert "PLUMBLINE_STATE_DIR" in check["remedy"]
