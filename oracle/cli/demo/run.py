"""The demo from beginning to end: an own chain, the replay, the table, and the proof that anyone can check it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.cli import render
from oracle.cli import stack as records
from oracle.cli.context import Invocation
from oracle.cli.demo.loan import Loan
from oracle.cli.demo.outcome import outcome, print_outcome
from oracle.cli.demo.replay import Progress, Replay
from oracle.cli.demo.screen import Screen
from oracle.cli.demo.window import SP500_END, SP500_START, worst_fall
from oracle.cli.deployment import bring_up_lending
from oracle.cli.embedded import CHAIN_FILE, forget_chain, prepare_chain
from oracle.cli.market_plan import lending_plan, names
from oracle.cli.markets import Market
from oracle.cli.stack import ProcessRecord, Stack
from oracle.cli.supervisor import demo_folder, stop_leftovers
from oracle.cli.verification import verify_round
from oracle.cli.wiring import opened_database, opened_service
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.errors import InvalidInput
from oracle.market.base import MarketSource, SeriesSource
from oracle.market.calibration import MIN_PRICES
from oracle.market.sources import open_source
from oracle.settings import Settings

DEMO_CHAIN_ID: Final = min(LOCAL_CHAIN_IDS - {1337})
# Of a live exchange its last candles are replayed: so many steps, after enough history to fit on
LIVE_STEPS: Final = 96
FAR_FUTURE: Final = 1 << 40
ALL: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asked the demo for."""

    source: str
    symbol: str | None
    start: str | None
    end: str | None
    rounds: int
    keep: bool


def run_demo(call: Invocation, options: DemoOptions) -> None:
    """Runs the demo and prints its table. The chain stays on disk, and with `keep` also running."""
    began = time.monotonic()
    market = Market(_demo_source(options))
    settings = demo_settings(call.settings)
    screen = Screen(market.source, quiet=call.as_json)
    with records.exclusive(settings):
        stop_leftovers(records.find(settings), chain_too=True)
        forget_chain(settings)
        with _chain(settings, market, options) as rpc_url:
            set_up = time.monotonic()
            prepare_chain(settings, rpc_url, market, screen.say)
            screen.say(f"set up in {time.monotonic() - set_up:.1f} s")
            replay = _replay(settings, rpc_url, market, options, screen)
            verified = verify_round(settings, replay.names.volatility, replay.rows[-1].round_id, rpc_url=rpc_url)
    where = ["--rpc-url", rpc_url] if options.keep else ["--state", str(settings.state_dir / CHAIN_FILE)]
    result = outcome(replay, verified, where, time.monotonic() - began)
    if call.as_json:
        render.print_json(result)
    else:
        print_outcome(replay, result)


def demo_settings(settings: Settings) -> Settings:
    """Settings of the demo: its own folder, chain and database, whatever else is configured."""
    return demo_folder(settings).model_copy(
        update={
            "rpc_url": "",
            "chain_id": DEMO_CHAIN_ID,
            "database_url": "",
            "operator_key": None,
            "keystore": None,
            "confirmations": 0,
            "log_level": "ERROR" if settings.log_level == "INFO" else settings.log_level,
        }
    )


def _demo_source(options: DemoOptions) -> MarketSource:
    """The source with the demo's window: the one asked for, else the default's or the worst fall of the file."""
    start, end = options.start, options.end
    if options.source == "sp500" and start is None:
        start, end = SP500_START, end or SP500_END
    source = open_source(options.source, options.symbol, start, end)
    if not source.replay:
        series = source.history(FAR_FUTURE, MIN_PRICES + LIVE_STEPS)
        if len(series) <= LIVE_STEPS:
            raise InvalidInput(f"{source.symbol} gave {len(series)} candles, the demo needs more than {LIVE_STEPS}")
        return SeriesSource(source.symbol, source.cadence, series, series[-LIVE_STEPS].observed_at)
    if options.source.startswith("csv:") and start is None and isinstance(source, SeriesSource):
        series = source.history(ALL if end is None else source.end_time, ALL)
        window = worst_fall(series, MIN_PRICES, source.max_interval_secs)
        return SeriesSource(source.symbol, source.cadence, series, window.start, window.end)
    return source


@contextmanager
def _chain(settings: Settings, market: Market, options: DemoOptions) -> Iterator[str]:
    """The RPC of the demo's Anvil, which is ended, or with `keep` recorded and left."""
    anvil = AnvilProcess.start(settings, timestamp=market.chain_start(), state_file=settings.state_dir / CHAIN_FILE)
    with ExitStack() as cleanup:
        cleanup.callback(anvil.stop)
        yield anvil.rpc_url
        if options.keep:
            records.save(settings, _record(settings, anvil, options))
            cleanup.pop_all()


def _record(settings: Settings, anvil: AnvilProcess, options: DemoOptions) -> Stack:
    return Stack(
        rpc_url=anvil.rpc_url,
        chain_id=settings.chain_id,
        source=options.source,
        symbol=options.symbol,
        start=options.start,
        end=options.end,
        anvil=ProcessRecord.of(anvil.pid),
    )


def _replay(settings: Settings, rpc_url: str, market: Market, options: DemoOptions, screen: Screen) -> Replay:
    from oracle.daemon import logs

    logs.configure(settings)
    client = ChainClient.connect(settings, rpc_url)
    called = names(market.source)
    with opened_service(settings, client, [market.source]) as service, opened_database(settings) as database:

        def open_loan() -> Loan:
            deployment = bring_up_lending(client, database, market.source, screen.say)
            vault = deployment.vault(called.lending)
            terms = lending_plan(market.source, called.collateral, vault.debt).terms
            return Loan(
                client, deployment=deployment, vault=vault.name, terms=terms, database=database, say=screen.event
            )

        replay = Replay(service, market.source, called, open_loan, Progress(screen.observation, screen.round))
        with screen:
            replay.run(options.rounds)
    return replay
