"""`plumbline serve`: the service and its API in one process."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from typing import Final

from oracle.chain.client import ChainClient
from oracle.cli import stack as records
from oracle.cli.context import Invocation
from oracle.cli.embedded import open_market
from oracle.cli.stack import Stack
from oracle.cli.supervisor import free_port
from oracle.cli.wiring import opened_service
from oracle.daemon.service import OracleService
from oracle.errors import ConfigurationError, Halt, NotFound
from oracle.settings import Settings

FATAL_POLL_SECS: Final = 0.5
# Open answers, such as long polls, get so long when the process is told to end
SHUTDOWN_SECS: Final = 3


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The market to serve, where it is not the running stack's."""

    source: str | None
    symbol: str | None
    start: str | None
    end: str | None


def run_serve(call: Invocation, options: ServeOptions) -> None:
    """Returns when told to end (SIGINT, SIGTERM). Raises Halt when the service is broken."""
    from oracle.daemon import logs

    settings = call.settings
    if call.verbose:
        settings = settings.model_copy(update={"log_level": "DEBUG"})
    logs.configure(settings)
    stack = _stack(settings, options)
    market = open_market(stack.source, stack.symbol, stack.start, stack.end)
    client = ChainClient.connect(settings, stack.rpc_url)
    listener = _listen(settings)
    with opened_service(settings, client, [market.source]) as service, listener:
        _run_api(service, listener)
        if service.fatal.is_set():
            raise Halt("the service cannot go on; see its log", remedy="`plumbline up` starts it again")


def _stack(settings: Settings, options: ServeOptions) -> Stack:
    """The chain and market to serve: of the settings and options, else of the running stack."""
    if settings.rpc_url and options.source:
        return Stack(
            rpc_url=settings.rpc_url,
            chain_id=settings.chain_id,
            source=options.source,
            symbol=options.symbol,
            start=options.start,
            end=options.end,
            embedded=False,
        )
    found = records.find(settings)
    if found is None:
        raise NotFound(
            "there is no stack to serve",
            remedy="run `plumbline up`, or set PLUMBLINE_RPC_URL and give --source",
        )
    if options.source and options.source != found.source:
        raise ConfigurationError(f"the stack runs {found.source}", remedy="leave --source out")
    return found


def _listen(settings: Settings) -> socket.socket:
    port = free_port(settings.api_port, settings.api_host)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.api_host, port))
    return listener


def _run_api(service: OracleService, listener: socket.socket) -> None:
    """Answers until a signal comes, or the service is broken."""
    import uvicorn

    from oracle.api.app import create_app

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_SECS,
        )
    )
    watcher = threading.Thread(target=_end_when_broken, args=(service, server), daemon=True)
    watcher.start()
    server.run(sockets=[listener])


def _end_when_broken(service: OracleService, server: object) -> None:
    while not service.stopping.is_set():
        if service.fatal.wait(FATAL_POLL_SECS):
            server.should_exit = True  # type: ignore[attr-defined]
            return
