"""`plumbline serve`: the service and its API in one process."""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

from oracle.chain.client import ChainClient
from oracle.cli import stack as records
from oracle.cli.context import Invocation
from oracle.cli.markets import MarketWords
from oracle.cli.signals import termination
from oracle.cli.supervisor import POLL_SECS, free_port
from oracle.cli.wiring import opened_book, opened_database, opened_service
from oracle.daemon.book import BookService
from oracle.daemon.service import OracleService
from oracle.errors import ConfigurationError, Halt, NotFound
from oracle.settings import Settings

if TYPE_CHECKING:
    from oracle.store.keys import KeyStore

# Open answers, such as long polls, get so long when the process is told to end
SHUTDOWN_SECS: Final = 3
# A thread that computes leaves the interpreter so soon to the one that answers; Python's own 5 ms add up to its delay
SWITCH_SECS: Final = 0.0005


def run_serve(call: Invocation, words: MarketWords | None) -> None:
    """Returns when told to end (SIGINT, SIGTERM). Raises Halt when the service is broken."""
    from oracle.api.access import wants_keys
    from oracle.daemon import logs
    from oracle.store.keys import KeyStore

    settings = call.settings
    keyed = wants_keys(settings)
    if call.verbose:
        settings = settings.model_copy(update={"log_level": "DEBUG"})
    logs.configure(settings)
    rpc_url, words = _to_serve(settings, words)
    market = words.open()
    client = ChainClient.connect(settings, rpc_url)
    listener = _listen(settings)
    with (
        opened_database(settings) as database,
        opened_service(settings, client, [market.source]) as service,
        listener,
        opened_book(client, service.parts.sender.operator) as book,
    ):
        _run_api(service, listener, KeyStore(database) if keyed else None, book)
        if service.fatal.is_set():
            raise Halt("the service cannot go on; see its log", remedy="`plumbline up` starts it again")


def _to_serve(settings: Settings, words: MarketWords | None) -> tuple[str, MarketWords]:
    """The chain's RPC and the market: of settings and options, else of the running stack."""
    if settings.rpc_url and words is not None:
        return settings.rpc_url, words
    found = records.find(settings)
    if found is None:
        raise NotFound(
            "there is no stack to serve",
            remedy="run `plumbline up`, or set PLUMBLINE_RPC_URL and give --source",
        )
    running = MarketWords(source=found.source, symbol=found.symbol, start=found.start, end=found.end)
    if words is not None and words != running:
        raise ConfigurationError(f"the stack runs {found.source}", remedy="leave --source out")
    return found.rpc_url, running


def _listen(settings: Settings) -> socket.socket:
    port = free_port(settings.api_port, settings.api_host)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.api_host, port))
    return listener


def _run_api(service: OracleService, listener: socket.socket, keys: KeyStore | None, book: BookService | None) -> None:
    """Answers until a signal comes, or the service is broken.

    The server runs in a thread: in the main one it would end the process by the signal, before the service has stopped.
    """
    import uvicorn

    from oracle.api.app import create_app

    sys.setswitchinterval(SWITCH_SECS)
    config = uvicorn.Config(
        create_app(service, keys, book), log_config=None, access_log=False, timeout_graceful_shutdown=SHUTDOWN_SECS
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="plumbline-api")
    with termination() as ended:
        thread.start()
        while thread.is_alive() and not service.fatal.is_set() and not ended.wait(POLL_SECS):
            pass
        service.stopping.set()
        server.should_exit = True
        thread.join()
