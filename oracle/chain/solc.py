"""The Solidity compiler: npm's solc behind scripts/solc, with the settings of contracts/compiler.json."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from oracle.chain.build import ContractArtifact
from oracle.constants import GROTH16_SYSTEM_ID, MAX_CODE_SIZE, PROOF_SYSTEM_ID
from oracle.errors import ArtifactMismatch, ModelRejected, ToolMissing
from oracle.settings import PROJECT_ROOT, Settings

COMPILER_SETTINGS_FILE: Final = PROJECT_ROOT / "contracts" / "compiler.json"
SOLC_SCRIPT: Final = PROJECT_ROOT / "scripts" / "solc"
COMPILE_TIMEOUT_SECS: Final = 180.0
OUTPUTS: Final = ("abi", "evm.bytecode.object", "evm.deployedBytecode.object")
VERIFIER_CONTRACT: Final = "Halo2Verifier"
# The contract in a Verifier.sol, by ERC-7992's proofSystemId
VERIFIER_CONTRACTS: Final = {PROOF_SYSTEM_ID: VERIFIER_CONTRACT, GROTH16_SYSTEM_ID: "Groth16Verifier"}


def compile_standard_json(
    settings: Settings, sources: Mapping[str, str] | Sequence[Path], *, outputs: Sequence[str] = OUTPUTS
) -> dict[str, Any]:
    """solc's standard JSON output for sources by unit name, or for files; imports resolve as in contracts/.

    Raises ToolMissing without node or node_modules, ArtifactMismatch with the compiler's messages on errors.
    """
    units = sources if isinstance(sources, Mapping) else {path.name: path.read_text() for path in sources}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": content} for name, content in units.items()},
        "settings": {**compiler_settings(), "outputSelection": {"*": {"*": list(outputs)}}},
    }
    output: dict[str, Any] = json.loads(_run_solc(json.dumps(request)))
    errors = [e["formattedMessage"].strip() for e in output.get("errors", []) if e["severity"] == "error"]
    if errors:
        raise ArtifactMismatch("solc: " + "\n".join(errors))
    return output


def compile_verifier(settings: Settings, source: Path, name: str = VERIFIER_CONTRACT) -> ContractArtifact:
    """The compiled verifier of a circuit's Verifier.sol; `name`: its contract.

    Its code may be larger than EIP-170 allows (`check_code_size`). Raises ModelRejected when there is no verifier.
    """
    output = compile_standard_json(settings, {"Verifier.sol": source.read_text()})
    contract = output["contracts"]["Verifier.sol"].get(name)
    if contract is None:
        raise ModelRejected(f"{source} has no contract {name}")
    return ContractArtifact(
        name=name,
        abi=tuple(contract["abi"]),
        bytecode=bytes.fromhex(contract["evm"]["bytecode"]["object"]),
        deployed_bytecode=bytes.fromhex(contract["evm"]["deployedBytecode"]["object"]),
    )


def check_code_size(artifact: ContractArtifact) -> None:
    """Raises ModelRejected when the artifact's code is larger than a chain accepts (EIP-170)."""
    size = len(artifact.deployed_bytecode)
    if size > MAX_CODE_SIZE:
        raise ModelRejected(
            f"{artifact.name} has {size} bytes of code, a chain accepts {MAX_CODE_SIZE}",
            remedy="Tune the circuit for fewer columns, or make the model smaller.",
        )


def compiler_settings() -> dict[str, Any]:
    """The standard JSON settings (optimizer, EVM version) that every contract of the project is compiled with."""
    settings: dict[str, Any] = json.loads(COMPILER_SETTINGS_FILE.read_text())["settings"]
    return settings


def compiler_version() -> str:
    """The pinned solc version, such as 0.8.37."""
    return str(json.loads(COMPILER_SETTINGS_FILE.read_text())["version"])


def _run_solc(request: str) -> str:
    node = shutil.which("node")
    if node is None:
        raise ToolMissing("node is not on PATH", remedy="Install Node.js 20 or newer.")
    modules = PROJECT_ROOT / "node_modules"
    command = [
        node,
        str(SOLC_SCRIPT),
        "--standard-json",
        "--base-path",
        str(PROJECT_ROOT),
        "--include-path",
        str(modules),
    ]
    done = subprocess.run(
        command, input=request, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_SECS, check=False
    )
    if done.returncode != 0:
        raise ToolMissing(
            f"scripts/solc failed: {done.stderr.strip()[-500:]}", remedy="Run npm ci in the project's folder."
        )
    return done.stdout
