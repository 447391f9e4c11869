"""Brings one market's contracts onto a chain: core, GARCH model, feeds with their history, and a loan market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Engine
from web3.contract.contract import ContractFunction

from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient, calldata
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import GarchModule, ObservationFeed, RiskFeed
from oracle.chain.sender import Sender
from oracle.cli import market_plan
from oracle.cli.contracts import contracts
from oracle.cli.markets import WARM_UP_AT_ONCE, WARM_UP_PRICES, MarketWords
from oracle.cli.proving import opened_engine
from oracle.cli.render import format_time
from oracle.cli.wiring import Say, connect, deployer, deploying_account, opened_database
from oracle.domain.deployment import Deployment, FeedRecord
from oracle.domain.garch import GarchParams
from oracle.domain.market_state import RETURNS
from oracle.domain.observations import Observation
from oracle.errors import ConfigurationError, FeatureUnavailable
from oracle.market.base import MarketSource
from oracle.market.calibration import calibrate_source
from oracle.market.publishers import sign_reports
from oracle.proving.building.manifest import VERIFIER
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from oracle.store.outbox import SqlOutbox


@dataclass(frozen=True, slots=True)
class Publishers:
    """Who signs a price feed's reports, and how many of them an observation takes."""

    addresses: tuple[str, ...]
    quorum: int

    @classmethod
    def of(cls, client: ChainClient, addresses: Sequence[str] = (), quorum: int = 0) -> Publishers:
        """The given ones; on a local chain else its five. Raises ConfigurationError without any."""
        if not addresses and client.is_local:
            addresses = [account.address for account in local_roles(client.chain_id).publishers]
        if not addresses:
            raise ConfigurationError(
                f"no publishers are known for chain {client.chain_id}",
                remedy="name them with --publisher, once for each address",
            )
        return cls(tuple(addresses), quorum or len(addresses) // 2 + 1)


def deploy_market(
    settings: Settings,
    words: MarketWords,
    *,
    publishers: Sequence[str],
    quorum: int,
    rpc_url: str | None,
    say: Say,
    board: str = "",
) -> dict[str, Any]:
    """What stands on the chain after deploying a market; `board`: the model of its liquidation board, if any."""
    source = words.open().source
    client = connect(settings, rpc_url)
    signers = Publishers.of(client, publishers, quorum)
    with opened_database(settings) as database, opened_engine(settings) as engine:
        bring_up(client, database, engine, source, say, signers=signers, history=history_for(source, board))
        found = bring_up_lending(client, database, source, say)
        if board:
            found = bring_up_board(client, database, engine, source, model=board, say=say)
    return {"chainId": client.chain_id, "contracts": contracts(found), "deployment": found}


def bring_up(
    client: ChainClient,
    database: Engine,
    engine: ProvingEngine,
    source: MarketSource,
    say: Say,
    *,
    signers: Publishers | None = None,
    history: int = WARM_UP_PRICES,
) -> None:
    """Deploys what is missing of a market's feeds, and records the history that the first proofs need."""
    deploying = deployer(client, database, say)
    deploying.deploy_core()
    manifest = engine.circuit(market_plan.GARCH_CIRCUIT)
    deploying.deploy_model(manifest, engine.folder(manifest.circuit_id) / VERIFIER)
    prices = _deploy_feeds(deploying, client, source, signers or Publishers.of(client), say)
    if client.is_local:
        warm_up(client, database, source, prices, say, count=history)


def history_for(source: MarketSource, board: str) -> int:
    """The prices that the first proofs take; with a board, its window's. Raises InvalidInput for an unfit market."""
    return max(WARM_UP_PRICES, RETURNS * market_plan.board_plan(source, board).stride + 1) if board else WARM_UP_PRICES


def bring_up_board(
    client: ChainClient, database: Engine, engine: ProvingEngine, source: MarketSource, *, model: str, say: Say
) -> Deployment:
    """Everything that stands, with a liquidation board of that model over the market's vault, if there is one.

    Raises NotFound for a circuit that is not there, InvalidInput for one that is no liquidation model's.
    """
    plan, deploying = market_plan.board_plan(source, model), deployer(client, database, say)
    if plan.lending not in deploying.deployment.lending:
        say("no liquidation board yet: it assesses the positions of a loan market")
        return deploying.deployment
    manifest = engine.circuit(model)
    engine.prepare(model, lambda stage, fraction, detail: say(f"{model}: {stage} {detail}"))
    deploying.deploy_model(manifest, engine.folder(model) / VERIFIER)
    deploying.deploy_board(plan)
    return deploying.deployment


def bring_up_lending(client: ChainClient, database: Engine, source: MarketSource, say: Say) -> Deployment:
    """Everything that stands, with the market's vault, which starts at the LTV that the proven volatility asks for.

    Without a proven round there is no vault: it would start at its floor. Local chains only: its tokens are free.
    """
    called = market_plan.names(source)
    deploying = deployer(client, database, say)
    volatility = RiskFeed(client, deploying.deployment.feed(called.volatility).address)
    if called.lending in deploying.deployment.lending or not client.is_local:
        return deploying.deployment
    if volatility.latest_round() == 0:
        say("no loan market yet: deploy again after the first proven round (plumbline feed push)")
        return deploying.deployment
    collateral = deploying.deploy_token(
        called.collateral, f"Wrapped {called.collateral}", market_plan.COLLATERAL_DECIMALS
    )
    debt = deploying.deploy_token(market_plan.DEBT_SYMBOL, "Test dollar", market_plan.DEBT_DECIMALS)
    deploying.deploy_lending(
        market_plan.lending_plan(source, collateral.symbol, debt.symbol, deploying_account(client.settings).address)
    )
    return deploying.deployment


def _deploy_feeds(
    deploying: Deployer, client: ChainClient, source: MarketSource, signers: Publishers, say: Say
) -> FeedRecord:
    prices = deploying.deploy_price_feed(market_plan.price_plan(source, signers.addresses, signers.quorum))
    params = _standing_params(deploying.deployment, client, source)
    if params is None:
        say(f"calibrating on the past of {source.symbol}")
        params = calibrate_source(source, source.start_time).params
    deploying.deploy_volatility_feed(market_plan.volatility_plan(source, params))
    return prices


def _standing_params(deployment: Deployment, client: ChainClient, source: MarketSource) -> GarchParams | None:
    """The parameters of a feed that stands: they are fixed in its code, and a fit on newer data would deploy anew."""
    record = deployment.feeds.get(market_plan.names(source).volatility)
    if record is None or not client.code(record.address):
        return None
    return GarchModule(client, record.feature_module).params()


def warm_up(
    client: ChainClient,
    database: Engine,
    source: MarketSource,
    prices: FeedRecord,
    say: Say,
    *,
    count: int = WARM_UP_PRICES,
) -> None:
    """Records `count` prices before the replay's start, so that the first step has whole windows. Local chains only.

    Where the chain's clock is past the first of them, only those of one window. Goes on where it was broken off, and
    skips a replay that the clock has long passed: its reports would be stale. Raises FeatureUnavailable when the source
    has too little history.
    """
    feed = ObservationFeed(client, prices.address)
    past, latest = source.history(source.start_time - 1, count), feed.latest()
    if latest is None and len(past) < count:
        raise FeatureUnavailable(
            f"{source.symbol} has {len(past)} prices before the start, a window takes {count}",
            remedy="start later",
        )
    past = [one for one in past if latest is None or one.observed_at > latest.observed_at]
    if not past:
        return
    clock, oldest = client.head().timestamp, source.max_interval_secs
    if clock - past[:WARM_UP_AT_ONCE][-1].observed_at > oldest and len(past) > WARM_UP_PRICES:
        say(f"{WARM_UP_PRICES} prices instead of {count}: the chain's clock is past them; the board waits for the rest")
        past = past[-WARM_UP_PRICES:]
    if clock - past[-1].observed_at > oldest:
        when = format_time(past[-1].observed_at, daily=False)
        say(f"no prices recorded: the chain's clock is far past the replay's start ({when}); start it there")
        return
    say(f"recording {len(past)} past prices")
    sender = Sender(client, deploying_account(client.settings), SqlOutbox(database))
    for start in range(0, len(past), WARM_UP_AT_ONCE):
        part = past[start : start + WARM_UP_AT_ONCE]
        if client.head().timestamp < part[-1].observed_at:
            client.set_next_block_timestamp(part[-1].observed_at)
        sender.send(
            f"warm-up/{prices.address}/{part[0].observed_at}", prices.address, calldata(_recording(client, feed, part))
        )


def _recording(client: ChainClient, feed: ObservationFeed, observations: Sequence[Observation]) -> ContractFunction:
    """The call that records these as the feed's next rounds, signed by a local chain's publishers."""
    keys, domain = [account.key for account in local_roles(client.chain_id).publishers], feed.report_domain()
    first = feed.next_report(observations[0])
    signed = [
        sign_reports(
            keys,
            domain,
            replace(first, round_id=first.round_id + i, observed_at=one.observed_at, price=one.price),
        )
        for i, one in enumerate(observations)
    ]
    return feed.submit_many([reports for reports, _ in signed], [signatures for _, signatures in signed])
