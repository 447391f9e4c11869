"""`plumbline up`: chain, contracts, service; then watching over them until it is told to end."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.chain.anvil import AnvilProcess
from oracle.cli import render
from oracle.cli import stack as records
from oracle.cli.context import Invocation
from oracle.cli.embedded import Market, open_market, prepare_chain
from oracle.cli.processes import ProcessRef
from oracle.cli.stack import ProcessRecord, Stack
from oracle.cli.supervisor import POLL_SECS, Say, ServiceProcess, free_port, stop_leftovers, termination
from oracle.errors import Conflict, Halt, RpcUnavailable
from oracle.settings import Settings

CHAIN_FILE: Final = "chain.json"
# How often Anvil writes its state, so that even its own sudden death loses little
CHAIN_SAVE_SECS: Final = 30


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the user asked `up` for. Ports of 0 are chosen freely."""

    source: str
    symbol: str | None
    start: str | None
    end: str | None
    rpc_port: int
    api_port: int
    fresh: bool


def run_up(call: Invocation, options: UpOptions) -> None:
    """Returns when told to end, with everything ended. Raises Conflict when the folder's stack runs already."""
    settings = call.settings
    market = open_market(options.source, options.symbol, options.start, options.end)
    say = _speaker(call)
    with records.exclusive(settings), termination() as ended, ExitStack() as cleanup:
        cleanup.callback(records.forget, settings)
        previous = records.find(settings)
        stop_leftovers(previous, chain_too=options.fresh)
        if options.fresh:
            _forget_everything(settings)
        stack, anvil = _chain(settings, options, market, previous, say)
        if anvil is not None:
            cleanup.callback(anvil.stop)
        records.save(settings, stack)
        prepare_chain(settings, stack.rpc_url, market, say)
        if not ended.is_set():
            _serve(call, stack, anvil, ended, say, cleanup)
        say("ending")


def _speaker(call: Invocation) -> Say:
    console = render.stderr()
    return (lambda text: None) if call.as_json else (lambda text: console.print(text, markup=False))


def _chain(
    settings: Settings, options: UpOptions, market: Market, previous: Stack | None, say: Say
) -> tuple[Stack, AnvilProcess | None]:
    """The chain to use: the configured one, the one that an earlier `up` left running, or a new one."""
    facts = {
        "chain_id": settings.chain_id,
        "source": market.spec,
        "symbol": options.symbol,
        "start": options.start,
        "end": options.end,
        "supervisor": ProcessRecord.of(_own_pid()),
    }
    if settings.rpc_url:
        return Stack(rpc_url=settings.rpc_url, embedded=False, **facts), None  # type: ignore[arg-type]
    anvil = _adopted(previous, options, market, say)
    if anvil is None:
        say("starting the chain")
        anvil = AnvilProcess.start(
            settings,
            port=free_port(options.rpc_port),
            timestamp=market.chain_start(),
            state_file=settings.state_dir / CHAIN_FILE,
            state_interval_secs=CHAIN_SAVE_SECS,
        )
    return Stack(rpc_url=anvil.rpc_url, anvil=ProcessRecord.of(anvil.pid), **facts), anvil  # type: ignore[arg-type]


def _own_pid() -> int:
    import os

    return os.getpid()


def _adopted(previous: Stack | None, options: UpOptions, market: Market, say: Say) -> AnvilProcess | None:
    if previous is None or previous.anvil is None or not previous.anvil.ref.alive():
        return None
    if previous.source != market.spec or previous.symbol != options.symbol:
        raise Conflict(
            f"the chain that an earlier `up` left runs {previous.source} {previous.symbol or ''}, not {market.spec}",
            remedy="give the same --source and --symbol, or --fresh to start anew",
        )
    try:
        anvil = AnvilProcess.adopt(previous.rpc_url, previous.anvil.pid)
    except RpcUnavailable:
        previous.anvil.ref.stop()
        return None
    say(f"taking over the chain at {anvil.rpc_url} (pid {anvil.pid})")
    return anvil


def _forget_everything(settings: Settings) -> None:
    for name in (CHAIN_FILE, "deployments", "artifacts"):
        path = settings.state_dir / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in settings.state_dir.glob("plumbline.db*"):
        path.unlink()


def _serve(
    call: Invocation, stack: Stack, anvil: AnvilProcess | None, ended: threading.Event, say: Say, cleanup: ExitStack
) -> None:
    """Runs the service until told to end."""
