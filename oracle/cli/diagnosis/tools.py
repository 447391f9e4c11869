"""The interpreter, packages, Node, the Solidity compiler, Anvil, and the folders that are written to."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from oracle.cli.diagnosis.check import SETUP, Check, broken, ok
from oracle.constants import EZKL_VERSION
from oracle.errors import ToolMissing
from oracle.settings import Settings

MIN_NODE_MAJOR: Final = 20
# Proving keys and set-ups of circuits up to k = 17, with room to write new ones beside the old
MIN_FREE_BYTES: Final = 1 << 30
VERSION_TIMEOUT_SECS: Final = 60.0
PINNED: Final = {"ezkl": EZKL_VERSION}
# Distribution -> the module whose import shows that it works here
PACKAGES: Final = {
    "ezkl": "ezkl",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "arch": "arch",
    "pyarrow": "pyarrow",
    "web3": "web3",
    "dbos": "dbos",
    "SQLAlchemy": "sqlalchemy",
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
}


def check_python(_: Settings) -> Iterator[Check]:
    """The interpreter and the packages, the pinned ones at exactly their version."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        yield ok("python", version)
    else:
        yield broken("python", version, "use Python 3.11 or 3.12, then " + SETUP)
    for package, module in PACKAGES.items():
        yield _package(package, module)


def _package(package: str, module: str) -> Check:
    try:
        found = importlib.metadata.version(package)
        importlib.import_module(module)
    except importlib.metadata.PackageNotFoundError:
        return broken(package, "not installed", SETUP)
    except ImportError as error:
        return broken(package, f"{found} does not load: {error}", SETUP)
    pinned = PINNED.get(package)
    if pinned is not None and found != pinned:
        return broken(package, f"{found}, but circuits and verifiers are made for {pinned}", SETUP)
    return ok(package, found)


def check_node(_: Settings) -> Iterator[Check]:
    """Node, and the Solidity compiler that it runs."""
    from oracle.chain.solc import SOLC_SCRIPT, compiler_version

    output = _version(["node"])
    remedy = f"install Node.js {MIN_NODE_MAJOR} or newer"
    if output is None:
        yield broken("node", "not on PATH", remedy)
        return
    major = int(output.lstrip("v").split(".")[0])
    yield ok("node", output) if major >= MIN_NODE_MAJOR else broken("node", output, remedy)
    compiler = _version(["node", str(SOLC_SCRIPT)])
    wanted = compiler_version()
    if compiler is None or wanted not in compiler:
        yield broken("solc", f"{compiler or 'does not run'}; wanted is {wanted}", SETUP)
    else:
        yield ok("solc", compiler.splitlines()[-1])


def check_anvil(_: Settings) -> Iterator[Check]:
    """The local chain's program."""
    from oracle.chain.anvil import find_anvil

    try:
        program = find_anvil()
    except ToolMissing as error:
        yield broken("anvil", str(error), error.remedy)
        return
    output = _version([str(program)])
    if output is None:
        yield broken("anvil", f"{program} does not run", "install Foundry for this platform (getfoundry.sh)")
    else:
        yield ok("anvil", f"{output.splitlines()[0]} ({program})")


def _version(program: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            [*program, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_SECS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def check_folders(settings: Settings) -> Iterator[Check]:
    """Folders that are written to, and the space that is left in them."""
    yield _folder("state folder", settings.state_dir, "PLUMBLINE_STATE_DIR")
    yield _folder("cache folder", settings.cache_dir, "PLUMBLINE_CACHE_DIR")


def _folder(name: str, folder: Path, setting: str) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return broken(name, f"{existing} is not a folder that can be written to", f"mend its rights, or set {setting}")
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return broken(name, f"{folder}: {free >> 20} MB free", f"make room, or set {setting}")
    return ok(name, f"{folder} ({free >> 30} GB free)")
