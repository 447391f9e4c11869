"""The embedded chain: an Anvil whose clock starts where the market's replay does, with one market deployed on it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from oracle.chain.client import ChainClient
from oracle.cli.deployment import WARM_UP_PRICES, bring_up
from oracle.cli.wiring import Say, opened_database, opened_engine
from oracle.domain.deployment import Deployment
from oracle.errors import FeatureUnavailable
from oracle.market.base import MarketSource
from oracle.market.sources import open_source
from oracle.settings import Settings

CHAIN_FILE = "chain.json"
_OF_ONE_CHAIN = (CHAIN_FILE, "deployments", "artifacts", "plumbline.db*", "workflows.db*")


@dataclass(frozen=True, slots=True)
class Market:
    """A source and the words that it was opened with."""

    spec: str
    source: MarketSource

    def chain_start(self) -> int | None:
        """Where the chain's clock starts, unix seconds: at the last price of the history; None for a live market.

        Raises FeatureUnavailable when there is not enough history before the replay.
        """
        if not self.source.replay:
            return None
        past = self.source.history(self.source.start_time - 1, WARM_UP_PRICES)
        if len(past) < WARM_UP_PRICES:
            raise FeatureUnavailable(
                f"{self.source.symbol} has {len(past)} prices before the start, a window takes {WARM_UP_PRICES}",
                remedy="give a later --start",
            )
        return past[-1].observed_at


def open_market(spec: str, symbol: str | None, start: str | None, end: str | None) -> Market:
    """The market behind the command line's words. Raises InvalidInput."""
    return Market(spec, open_source(spec, symbol, start, end))


def prepare_chain(settings: Settings, rpc_url: str, market: Market, say: Say) -> Deployment:
    """What stands on the chain once everything of the market does, its key ready to prove with."""
    from oracle.cli.market_plan import GARCH_CIRCUIT

    client = ChainClient.connect(settings, rpc_url)
    with opened_database(settings) as database, opened_engine(settings) as engine:
        engine.prepare(GARCH_CIRCUIT, lambda stage, fraction, detail: say(f"{GARCH_CIRCUIT}: {stage} {detail}"))
        return bring_up(client, database, engine, market.source, say)


def forget_chain(settings: Settings) -> None:
    """Removes what belongs to one chain, before another starts: a new Anvil may have the same genesis as the old.

    Models that users added stay.
    """
    for pattern in _OF_ONE_CHAIN:
        for path in settings.state_dir.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
