"""`plumbline up`: chain, contracts, service; then watching over them until it is told to end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from oracle.chain.anvil import AnvilProcess
from oracle.cli import render
from oracle.cli import stack as records
from oracle.cli.context import Invocation
from oracle.cli.deployment import history_for
from oracle.cli.embedded import (
    CHAIN_FILE,
    forget_chain,
    prepare_chain,
    prove_first_round,
    require_same_market,
)
from oracle.cli.markets import Market, MarketWords
from oracle.cli.signals import termination
from oracle.cli.stack import ProcessRecord, Stack
from oracle.cli.supervisor import (
    POLL_SECS,
    STOP_TIMEOUT_SECS,
    Say,
    ServiceProcess,
    free_port,
    stop_leftovers,
)
from oracle.daemon import logs
from oracle.errors import ConfigurationError, Halt, RpcUnavailable
from oracle.settings import Settings

# How often Anvil writes its state, so that even its own sudden death loses little
CHAIN_SAVE_SECS: Final = 30


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the user asked `up` for. Ports of 0 are chosen freely."""

    words: MarketWords
    rpc_port: int
    api_port: int
    fresh: bool
    board: str = ""


def run_up(call: Invocation, options: UpOptions) -> None:
    """Returns when told to end, with everything ended. Raises Conflict when the folder's stack runs already."""
    settings = call.settings
    logs.configure(settings if call.verbose else settings.model_copy(update={"log_level": "WARNING"}))
    say = _speaker(call)
    with records.exclusive(settings), termination() as ended:
        market = options.words.open()
        previous = records.find(settings)
        stop_leftovers(previous, chain_too=options.fresh)
        if options.fresh or not _has_chain(settings, previous):
            forget_chain(settings)
        require_same_market(settings, options.words)
        api_port = _api_port(settings, options, previous)
        with _chain(settings, options, market, previous, say) as stack:
            prepare_chain(settings, stack.rpc_url, market, say, options.board)
            prove_first_round(settings, stack.rpc_url, market, say, options.board)
            api_url = f"http://{settings.api_host}:{api_port}"
            _watch(call, stack.model_copy(update={"api_url": api_url}), ended, say)
        records.forget(settings)
    say("ended")


def _speaker(call: Invocation) -> Say:
    if call.as_json:
        return lambda _: None
    console = render.stderr()
    return lambda text: console.print(text, markup=False)


def _has_chain(settings: Settings, previous: Stack | None) -> bool:
    runs = previous is not None and previous.anvil is not None and previous.anvil.ref.alive()
    return runs or (settings.state_dir / CHAIN_FILE).exists() or bool(settings.rpc_url)


def _api_port(settings: Settings, options: UpOptions, previous: Stack | None) -> int:
    """The port asked for; else that of an `up` that was killed, so that its clients go on; else a free one."""
    wanted = options.api_port or settings.api_port
    if not wanted and previous is not None and previous.api_url:
        with suppress(ConfigurationError):
            return free_port(int(previous.api_url.rsplit(":", 1)[1]), settings.api_host)
    return free_port(wanted, settings.api_host)


@contextmanager
def _chain(settings: Settings, options: UpOptions, market: Market, previous: Stack | None, say: Say) -> Iterator[Stack]:
    """The chain to use, recorded: the configured one, the one that an earlier `up` left running, or an own one."""
    stack = Stack(
        rpc_url=settings.rpc_url,
        chain_id=settings.chain_id,
        **options.words.model_dump(),
        embedded=not settings.rpc_url,
        supervisor=ProcessRecord.of(os.getpid()),
    )
    if settings.rpc_url:
        records.save(settings, stack)
        yield stack
        return
    anvil = _adopted(previous, options, say) or _started(settings, options, market, say)
    process = ProcessRecord.of(anvil.pid)
    try:
        stack = stack.model_copy(update={"rpc_url": anvil.rpc_url, "anvil": process})
        records.save(settings, stack)
        yield stack
    finally:
        say("ending the chain")
        process.ref.stop(STOP_TIMEOUT_SECS)


def _adopted(previous: Stack | None, options: UpOptions, say: Say) -> AnvilProcess | None:
    if previous is None or previous.anvil is None or options.fresh or not previous.anvil.ref.alive():
        return None
    try:
        anvil = AnvilProcess.adopt(previous.rpc_url, previous.anvil.pid)
    except RpcUnavailable:
        previous.anvil.ref.stop()
        return None
    say(f"taking over the chain at {anvil.rpc_url} (pid {anvil.pid})")
    return anvil


def _started(settings: Settings, options: UpOptions, market: Market, say: Say) -> AnvilProcess:
    say("starting the chain")
    return AnvilProcess.start(
        settings,
        port=options.rpc_port,
        timestamp=market.chain_start(history_for(market.source, options.board)),
        state_file=settings.state_dir / CHAIN_FILE,
        state_interval_secs=CHAIN_SAVE_SECS,
    )


def _watch(call: Invocation, stack: Stack, ended: threading.Event, say: Say) -> None:
    """Runs the service until told to end, and starts it again whenever it dies. Raises Halt when the chain dies."""
    settings = call.settings
    service = ServiceProcess(settings, stack.api_url, say, verbose=call.verbose)
    try:
        stack = _recorded(settings, stack, service.start())
        service.wait_ready(ended)
        if not ended.is_set():
            _announce(call, stack, say)
        while not ended.wait(POLL_SECS):
            if stack.anvil is not None and not stack.anvil.ref.alive():
                raise Halt("the chain (anvil) has ended", remedy="run `plumbline up` again: it goes on from its state")
            if service.died():
                again = service.restart(ended)
                if again is not None:
                    stack = _recorded(settings, stack, again)
    finally:
        say("ending the service")
        service.stop()


def _recorded(settings: Settings, stack: Stack, service: ProcessRecord) -> Stack:
    stack = stack.model_copy(update={"service": service})
    records.save(settings, stack)
    return stack


def _announce(call: Invocation, stack: Stack, say: Say) -> None:
    if call.as_json:
        render.print_json({"rpcUrl": stack.rpc_url, "chainId": stack.chain_id, "apiUrl": stack.api_url})
        return
    say(f"RPC  {stack.rpc_url} (chain {stack.chain_id})")
    say(f"API  {stack.api_url}/v1, described at {stack.api_url}/openapi.json")
    say(f"Log  {call.settings.state_dir / 'logs' / 'service.log'}")
    say("Ready. `plumbline status` shows feeds, `plumbline feed push NAME` makes a round, Ctrl-C ends all.")
