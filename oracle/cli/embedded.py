"""The embedded chain: an Anvil whose clock starts where the market's replay does, with one market deployed on it."""

from __future__ import annotations

import shutil
from typing import Any, Final

from pydantic import ValidationError

from oracle.chain.client import ChainClient
from oracle.chain.feeds import RiskFeed
from oracle.cli.deployment import bring_up, bring_up_board, bring_up_lending, history_for
from oracle.cli.market_plan import GARCH_CIRCUIT, names
from oracle.cli.markets import Market, MarketWords
from oracle.cli.proving import opened_engine
from oracle.cli.service_access import request_error
from oracle.cli.wiring import Say, deployment, opened_database, opened_service
from oracle.daemon.service import OracleService
from oracle.domain.requests import RequestState
from oracle.errors import Conflict
from oracle.settings import Settings

CHAIN_FILE: Final = "chain.json"
MARKET_FILE: Final = "market.json"
_OF_ONE_CHAIN: Final = (CHAIN_FILE, MARKET_FILE, "deployments", "artifacts", "plumbline.db*", "workflows.db*")


def require_same_market(settings: Settings, words: MarketWords) -> None:
    """Notes which market a folder's chain is for. Raises Conflict when it is for another: its clock would not fit."""
    path = settings.state_dir / MARKET_FILE
    try:
        before = MarketWords.model_validate_json(path.read_text())
    except (FileNotFoundError, ValidationError):
        before = words
    if before != words:
        raise Conflict(
            f"the chain in {settings.state_dir} is for {before.source}, started with other options",
            remedy="give the same --source, --symbol, --start and --end, or --fresh to start anew",
        )
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(words.model_dump_json() + "\n")


def prepare_chain(settings: Settings, rpc_url: str, market: Market, say: Say, board: str = "") -> None:
    """Deploys the market's feeds with their history, and makes the key ready to prove with. Skips what is there."""
    client = ChainClient.connect(settings, rpc_url)
    with opened_database(settings) as database, opened_engine(settings) as engine:
        engine.prepare(GARCH_CIRCUIT, lambda stage, fraction, detail: say(f"{GARCH_CIRCUIT}: {stage} {detail}"))
        bring_up(client, database, engine, market.source, say, history=history_for(market.source, board))


def prove_first_round(settings: Settings, rpc_url: str, market: Market, say: Say, board: str = "") -> None:
    """Makes the volatility feed's first round, so that the stack starts with an answer, and the vault over it.

    `board`: the model of a liquidation board over the vault, if any.
    """
    client = ChainClient.connect(settings, rpc_url)
    feed = names(market.source).volatility
    if RiskFeed(client, deployment(client).feed(feed).address).latest_round() == 0:
        say(f"proving the first round of {feed}")
        with opened_service(settings, client, [market.source]) as service:
            push(service, feed)
    with opened_database(settings) as database:
        bring_up_lending(client, database, market.source, say)
        if board:
            with opened_engine(settings) as engine:
                bring_up_board(client, database, engine, market.source, model=board, say=say)


def push(service: OracleService, feed: str) -> dict[str, Any]:
    """What a feed's next round came to, made by a service of this process. Raises the error that it failed with."""
    request = service.wait(service.push(feed).id)
    if request.state is RequestState.FULFILLED and request.result is not None:
        return dict(request.result)
    cause = request.cause.as_json() if request.cause else {}
    raise request_error({"id": request.id, "state": request.state.value, "cause": cause})


def forget_chain(settings: Settings) -> None:
    """Removes what belongs to one chain, before another starts: a new Anvil may have the same genesis as the old.

    Models that users added stay.
    """
    for pattern in _OF_ONE_CHAIN:
        for path in settings.state_dir.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
