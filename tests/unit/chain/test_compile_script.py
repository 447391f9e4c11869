"""scripts/compile.mjs on small projects: what is rebuilt, what is refused, what survives a broken file."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from oracle.settings import PROJECT_ROOT

HEADER = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0;\n"


class Project:
    """A folder with the project's build script and contracts of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "contracts" / "sub").mkdir(parents=True)
        (root / "scripts").mkdir()
        shutil.copy(PROJECT_ROOT / "scripts" / "compile.mjs", root / "scripts")
        shutil.copy(PROJECT_ROOT / "contracts" / "compiler.json", root / "contracts")
        (root / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")

    def write(self, path: str, body: str) -> None:
        """A source file under contracts/."""
        (self.root / "contracts" / path).write_text(HEADER + body)

    def compile(self) -> tuple[int, str]:
        """Exit code and messages of one build."""
        command = ["node", str(self.root / "scripts" / "compile.mjs")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stderr

    def artifacts(self) -> set[str]:
        """Names of the contracts that have an artifact."""
        return {path.stem for path in (self.root / "build" / "artifacts").glob("*.json")}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("A.sol", 'import {B} from "./sub/B.sol"; contract A is B { uint256 public a; }')
    made.write("sub/B.sol", "contract B { uint256 public b; }")
    made.write("C.sol", "contract C {}")
    return made


def test_compile__first_time__artifacts_with_everything(project: Project) -> None:
    assert project.compile()[0] == 0
    assert project.artifacts() == {"A", "B", "C"}
    content = json.loads((project.root / "build" / "artifacts" / "A.json").read_text())
    assert content["source"] == "contracts/A.sol"
    assert [entry["label"] for entry in content["storageLayout"]["storage"]] == ["b", "a"]
    assert content["bytecode"].startswith("0x60")
    assert content["deployedBytecode"].startswith("0x60")
    assert {entry["name"] for entry in content["abi"]} == {"a", "b"}


def test_compile__again__only_what_changed_or_is_missing(project: Project) -> None:
    project.compile()
    assert "3 files up to date" in project.compile()[1]
    project.write("sub/B.sol", "contract B { uint256 public other; }")
    assert "compiled 2 of 3 files" in project.compile()[1]
    (project.root / "build" / "artifacts" / "C.json").unlink()
    assert "compiled 1 of 3 files" in project.compile()[1]
    assert project.artifacts() == {"A", "B", "C"}
    (project.root / "contracts" / "C.sol").unlink()
    assert project.compile()[0] == 0
    assert project.artifacts() == {"A", "B"}


def test_compile__broken_file__others_survive(project: Project) -> None:
    project.compile()
    project.write("C.sol", "contract C {")
    code, messages = project.compile()
    assert (code, "ParserError" in messages) == (1, True)
    assert project.artifacts() == {"A", "B"}
    assert project.compile()[0] == 1
    project.write("C.sol", "contract C { uint256 public mended; }")
    assert project.compile()[0] == 0
    assert project.artifacts() == {"A", "B", "C"}


def test_compile__warning_in_own_code__is_an_error(project: Project) -> None:
    project.write("C.sol", "contract C { function f() external { uint256 unused; } }")
    code, messages = project.compile()
    assert (code, "Unused local variable" in messages) == (1, True)
    assert project.artifacts() == {"A", "B"}


def test_compile__code_above_the_limit__is_an_error(project: Project) -> None:
    literal = "00" * 24_577
    project.write(
        "C.sol", f'contract C {{ function f() external pure returns (bytes memory) {{ return hex"{literal}"; }} }}'
    )
    code, messages = project.compile()
    assert code == 1
    assert "the limit is 24576" in messages or "24576 bytes" in messages
    assert "C" not in project.artifacts()


def test_compile__one_name_twice__is_an_error(project: Project) -> None:
    project.write("sub/C.sol", "contract C {}")
    code, messages = project.compile()
    assert (code, "C is also in contracts/" in messages) == (1, True)


def test_compile__external_library__is_an_error(project: Project) -> None:
    library = "library L { function f() external pure returns (uint256) { return 1; } }"
    project.write(
        "C.sol", f"{library} contract C {{ function g() external pure returns (uint256) {{ return L.f(); }} }}"
    )
    code, messages = project.compile()
    assert (code, "needs linking" in messages) == (1, True)


def test_compile__lock_of_a_dead_build__taken_over(project: Project) -> None:
    (project.root / "build").mkdir()
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout
    (project.root / "build" / ".lock").write_text(gone)
    assert project.compile()[0] == 0
    assert not (project.root / "build" / ".lock").exists()
