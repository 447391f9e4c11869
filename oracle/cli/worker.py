"""`plumbline worker`: takes proofs from the queues of a service, on this machine or another."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

from oracle.cli.context import Invocation
from oracle.cli.signals import termination
from oracle.cli.supervisor import POLL_SECS
from oracle.cli.wiring import connect, opened_service
from oracle.daemon.service import Role
from oracle.errors import ConfigurationError, Halt


def run_worker(call: Invocation, circuits: Sequence[str], drain_secs: float) -> None:
    """Returns when told to end (SIGINT, SIGTERM). Raises ConfigurationError without PostgreSQL, Halt when broken."""
    from oracle.daemon import logs

    settings = call.settings
    logs.configure(settings.model_copy(update={"log_level": "DEBUG"}) if call.verbose else settings)
    if not settings.database_url.startswith("postgres"):
        raise ConfigurationError(
            "workers share a PostgreSQL database with the service",
            remedy="set PLUMBLINE_DATABASE_URL to it, here and for `plumbline serve`",
        )
    role = Role(
        executor_id=f"worker-{socket.gethostname()}-{secrets.token_hex(4)}",
        leads=False,
        shares=True,
        circuits=tuple(circuits) or None,
    )
    with (
        termination() as ended,
        opened_service(settings, connect(settings), [], role=role, stop_secs=drain_secs) as service,
    ):
        while not service.fatal.is_set() and not ended.wait(POLL_SECS):
            pass
        if service.fatal.is_set():
            raise Halt("the worker cannot go on; see its log")
