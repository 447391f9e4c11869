"""What `plumbline doctor` looks at: every tool, version, key and connection, each with its cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from oracle.cli.diagnosis import circuits, connections, keys, sandbox, tools
from oracle.cli.diagnosis.check import SETUP, Check, broken
from oracle.errors import OracleError
from oracle.settings import Settings

CHECKS: Final[tuple[Callable[[Settings], Iterator[Check]], ...]] = (
    tools.check_python,
    tools.check_node,
    tools.check_anvil,
    tools.check_folders,
    sandbox.check_sandbox,
    connections.check_contracts,
    circuits.check_circuits,
    keys.check_keys,
    connections.check_chain,
    connections.check_confirmations,
    connections.check_database,
    connections.check_stack,
)


def run(settings: Settings) -> Iterator[Check]:
    """All checks in order. A check never raises: what goes wrong in one becomes its own result."""
    for group in CHECKS:
        name = group.__name__.removeprefix("check_")
        try:
            yield from group(settings)
        except OracleError as error:
            yield broken(name, str(error), error.remedy or "see the message")
        except Exception as error:  # noqa: BLE001 - a diagnosis goes on whatever one part does
            yield broken(name, f"{type(error).__name__}: {error}", SETUP)
