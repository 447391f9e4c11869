"""Rounds published by the real service on a local Anvil: seconds of each step, and where the gas goes."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.gas import split_round_gas
from oracle.cli.embedded import MarketWords, prepare_chain
from oracle.cli.market_plan import names
from oracle.cli.wiring import opened_service
from oracle.daemon import logs
from oracle.daemon.service import OracleService
from oracle.domain.requests import RequestState
from oracle.settings import Settings

START = "2008-09-02"
LONGEST_ROUND_SECS = 300.0


@dataclass
class Rounds:
    """Medians over the rounds. `seconds` by step; `gas` by purpose, the parts of a round and then its observation's."""

    count: int
    seconds: dict[str, float] = field(default_factory=dict)
    gas: dict[str, int] = field(default_factory=dict)


def publish(settings: Settings, *, count: int, say: Callable[[str], None]) -> Rounds:
    """Deploys the S&P 500 market on a chain of its own and publishes `count` rounds."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
        own = settings.model_copy(
            update={"state_dir": Path(scratch), "rpc_url": "", "database_url": "", "log_level": "WARNING"}
        )
        logs.configure(own)
        market = MarketWords.of("sp500", None, START, None).open()
        anvil = AnvilProcess.start(own, timestamp=market.chain_start())
        try:
            began = time.monotonic()
            prepare_chain(own, anvil.rpc_url, market, say)
            deployed = time.monotonic() - began
            client = ChainClient.connect(own, anvil.rpc_url)
            began = time.monotonic()
            with opened_service(own, client, [market.source]) as service:
                feed = names(market.source).volatility
                results = [_push(service, feed)]
                first = time.monotonic() - began
                say(f"publishing {count} rounds")
                results += [_push(service, feed) for _ in range(count - 1)]
                return _summary(client, service.feed(feed).address, results, deployed=deployed, first=first)
        finally:
            anvil.stop()


def _push(service: OracleService, feed: str) -> dict[str, Any]:
    began = time.monotonic()
    request = service.wait(service.push(feed).id, LONGEST_ROUND_SECS)
    if request.state is not RequestState.FULFILLED or request.result is None:
        raise RuntimeError(f"a round failed: {request.cause}")
    return {**request.result, "elapsed": time.monotonic() - began}


def _summary(
    client: ChainClient, address: str, results: list[dict[str, Any]], *, deployed: float, first: float
) -> Rounds:
    rounds = Rounds(len(results))
    rounds.seconds = {"set-up: contracts, model, feeds, vault": deployed, "start to first round accepted": first}
    for step in results[0]["seconds"]:
        rounds.seconds[step] = median(result["seconds"][step] for result in results)
    rounds.seconds["observation to accepted round"] = median(result["elapsed"] for result in results)
    splits = [dataclasses.asdict(split_round_gas(client, address, int(result["roundId"]))) for result in results]
    rounds.gas = {purpose: round(median(split[purpose] for split in splits)) for purpose in splits[0]}
    rounds.gas["its observation, five publishers"] = round(median(int(result["observeGasUsed"]) for result in results))
    return rounds
