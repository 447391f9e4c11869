"""oracle.chain.solc and scripts/solc: the compiler behind its native command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from oracle.chain.build import ContractArtifact
from oracle.chain.solc import (
    SOLC_SCRIPT,
    check_code_size,
    compile_standard_json,
    compile_verifier,
    compiler_settings,
    compiler_version,
)
from oracle.constants import MAX_CODE_SIZE
from oracle.errors import ArtifactMismatch, ModelRejected, ToolMissing
from oracle.settings import PROJECT_ROOT, Settings

HEADER = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0;\n"
VERIFIER = (
    HEADER
    + """contract Halo2Verifier {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) { return true; }
}"""
)


def solc(*arguments: str, cwd: Path = PROJECT_ROOT, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = ["node", str(SOLC_SCRIPT), *arguments]
    return subprocess.run(command, input=text, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_compile_verifier__generated_source__artifact(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "Verifier.sol"
    source.write_text(VERIFIER)
    artifact = compile_verifier(settings, source)
    assert artifact.name == "Halo2Verifier"
    assert [entry["name"] for entry in artifact.abi] == ["verifyProof"]
    assert 0 < len(artifact.deployed_bytecode) < len(artifact.bytecode)


def test_compile_verifier__same_source_elsewhere__same_code(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "Verifier.sol", tmp_path / "a" / "Other.sol"):
        path.write_text(VERIFIER)
    first, second = (compile_verifier(settings, p) for p in (tmp_path / "Verifier.sol", tmp_path / "a" / "Other.sol"))
    assert first == second


def test_compile_verifier__other_contract__rejected(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "Verifier.sol"
    source.write_text(HEADER + "contract Other {}")
    with pytest.raises(ModelRejected, match="no contract Halo2Verifier"):
        compile_verifier(settings, source)


def test_compile_standard_json__syntax_error__compilers_message(settings: Settings) -> None:
    with pytest.raises(ArtifactMismatch, match="ParserError"):
        compile_standard_json(settings, {"A.sol": HEADER + "contract {"})


def test_compile_standard_json__file_beside_the_project__not_readable(settings: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "Secret.sol"
    secret.write_text(HEADER + "contract Secret {}")
    with pytest.raises(ArtifactMismatch, match="outside of allowed directories"):
        compile_standard_json(settings, {"A.sol": HEADER + f'import "{secret}";'})


def test_compile_standard_json__no_node__tool_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="node"):
        compile_standard_json(settings, {"A.sol": HEADER})


def test_check_code_size__limit__inclusive() -> None:
    check_code_size(ContractArtifact("A", (), b"", bytes(MAX_CODE_SIZE)))
    with pytest.raises(ModelRejected, match="24577 bytes of code, a chain accepts 24576"):
        check_code_size(ContractArtifact("A", (), b"", bytes(MAX_CODE_SIZE + 1)))


def test_version__as_native__pinned() -> None:
    output = solc("--version").stdout
    assert output.startswith("solc, the solidity compiler commandline interface\nVersion: ")
    assert re.search(rf"^Version: {re.escape(compiler_version())}\+commit\.[0-9a-f]{{8}}\.Linux\.g\+\+$", output, re.M)


def test_standard_json__imports_and_remappings__resolved(tmp_path: Path) -> None:
    (tmp_path / "lib" / "x").mkdir(parents=True)
    (tmp_path / "lib" / "x" / "B.sol").write_text(HEADER + "contract B {}")
    request = {
        "language": "Solidity",
        "sources": {"A.sol": {"content": HEADER + 'import {B} from "@b/B.sol"; contract A is B {}'}},
        "settings": {"remappings": ["@b/=lib/x/"], "outputSelection": {"*": {"*": ["abi"]}}},
    }
    output = json.loads(solc("--standard-json", cwd=tmp_path, text=json.dumps(request)).stdout)
    assert "errors" not in output
    assert set(output["contracts"]) == {"A.sol", "lib/x/B.sol"}


def test_standard_json__not_json__errors_as_json() -> None:
    output = json.loads(solc("--standard-json", text="{").stdout)
    assert output["errors"][0]["severity"] == "error"


def test_combined_json__contract__native_layout(tmp_path: Path) -> None:
    (tmp_path / "A.sol").write_text(HEADER + "contract A { function f() external {} }")
    done = solc("--combined-json", "abi,bin,bin-runtime,srcmap,hashes,ast", "A.sol", "--optimize", cwd=tmp_path)
    output = json.loads(done.stdout)
    assert output["contracts"]["A.sol:A"]["hashes"] == {"f()": "26121ff0"}
    assert output["contracts"]["A.sol:A"]["bin"]
    assert output["sources"]["A.sol"]["AST"]["nodeType"] == "SourceUnit"
    assert output["sourceList"] == ["A.sol"]


def test_combined_json__error__exit_code_and_message(tmp_path: Path) -> None:
    (tmp_path / "A.sol").write_text(HEADER + "contract A {")
    done = solc("--combined-json", "abi", "A.sol", cwd=tmp_path)
    assert (done.returncode, "ParserError" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("--combined-json", "nothing", "A.sol"), ("--what",)])
def test_solc__arguments_it_does_not_know__exit_code(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "A.sol").write_text(HEADER)
    assert solc(*arguments, cwd=tmp_path).returncode == 1


def test_compiler_settings__same_for_forge_and_ape() -> None:
    foundry = (PROJECT_ROOT / "foundry.toml").read_text()
    ape = (PROJECT_ROOT / "ape-config.yaml").read_text()
    settings = compiler_settings()
    assert f'evm_version = "{settings["evmVersion"]}"' in foundry
    assert f"optimizer_runs = {settings['optimizer']['runs']}" in foundry
    assert f"evm_version: {settings['evmVersion']}" in ape
    assert f"version: {compiler_version()}" in ape
