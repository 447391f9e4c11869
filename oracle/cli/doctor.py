"""What `plumbline doctor` looks at: every tool, version, key and connection, each with its cure."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from oracle.constants import EZKL_VERSION, LOCAL_CHAIN_IDS
from oracle.errors import OracleError
from oracle.settings import PROJECT_ROOT, Settings

SETUP: Final = "run `make setup`"
MIN_NODE_MAJOR: Final = 18
# Proving keys and set-ups of circuits up to k = 17, with room to write new ones beside the old
MIN_FREE_BYTES: Final = 1 << 30
PINNED: Final = {"ezkl": EZKL_VERSION}
PACKAGES: Final = ("ezkl", "onnx", "onnxruntime", "arch", "web3", "dbos", "SQLAlchemy", "fastapi", "uvicorn", "pyarrow")


class Status(StrEnum):
    """How a check ended; only BROKEN makes the command fail."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For --json."""
        return {key: str(value) for key, value in asdict(self).items()}


def _ok(name: str, detail: str) -> Check:
    return Check(name, Status.OK, detail)


def _broken(name: str, detail: str, remedy: str) -> Check:
    return Check(name, Status.BROKEN, detail, remedy)


def _note(name: str, detail: str, remedy: str = "") -> Check:
    return Check(name, Status.NOTE, detail, remedy)


def run(settings: Settings) -> Iterator[Check]:
    """All checks in order. A check never raises: what goes wrong in one becomes its own result."""
    for group in CHECKS:
        try:
            yield from group(settings)
        except OracleError as error:
            yield _broken(group.__name__.removeprefix("check_"), str(error), error.remedy)
        except Exception as error:  # noqa: BLE001 - a diagnosis goes on whatever one part does
            yield _broken(group.__name__.removeprefix("check_"), f"{type(error).__name__}: {error}", SETUP)


def check_python(_: Settings) -> Iterator[Check]:
    """The interpreter and the packages, the pinned ones at exactly their version."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        yield _ok("python", version)
    else:
        yield _broken("python", version, "use Python 3.11 or 3.12, then " + SETUP)
    for package in PACKAGES:
        yield _package(package)


def _package(package: str) -> Check:
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return _broken(package, "not installed", SETUP)
    pinned = PINNED.get(package)
    if pinned is not None and found != pinned:
        return _broken(package, f"{found}, but circuits and verifiers are made for {pinned}", SETUP)
    return _ok(package, found)


def check_node(_: Settings) -> Iterator[Check]:
    """Node, which runs the Solidity compiler."""
    output = _version_of("node")
    if output is None:
        yield _broken("node", "not on PATH", f"install Node.js {MIN_NODE_MAJOR} or newer")
    elif int(output.lstrip("v").split(".")[0]) < MIN_NODE_MAJOR:
        yield _broken("node", output, f"install Node.js {MIN_NODE_MAJOR} or newer")
    else:
        yield _ok("node", output)


def check_anvil(_: Settings) -> Iterator[Check]:
    """The local chain's program."""
    program = tool("anvil")
    output = _version_of(program) if program else None
    if program is None:
        yield _broken("anvil", "neither in node_modules/.bin nor on PATH", f"{SETUP}, or install Foundry")
    elif output is None:
        yield _broken("anvil", f"{program} does not run", "install Foundry for this platform (getfoundry.sh)")
    else:
        yield _ok("anvil", f"{output.splitlines()[0]} ({program})")


def tool(name: str) -> str | None:
    """A program's path: of this project's node_modules, else on PATH."""
    folders = f"{PROJECT_ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which(name, path=folders)


def _version_of(program: str) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def check_disk(settings: Settings) -> Iterator[Check]:
    """Folders that are written to, and the space that is left in them."""
    for name, folder in (("state folder", settings.state_dir), ("cache folder", settings.cache_dir)):
        yield _folder(name, folder)


def _folder(name: str, folder: Path) -> Check:
    setting = "PLUMBLINE_STATE_DIR" if name.startswith("state") else "PLUMBLINE_CACHE_DIR"
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return _broken(name, f"{existing} is not a folder that can be written to", f"mend its rights or set {setting}")
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return _broken(name, f"{folder}: {free >> 20} MB free", f"make room or set {setting}")
    return _ok(name, f"{folder} ({free >> 30} GB free)")


def on_local_chain(settings: Settings) -> bool:
    """Whether the configured chain is one that development keys may be used on."""
    return settings.chain_id in LOCAL_CHAIN_IDS


CHECKS: list[Callable[[Settings], Iterator[Check]]] = [check_python, check_node, check_anvil, check_disk]
