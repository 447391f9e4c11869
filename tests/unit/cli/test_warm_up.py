"""The history before a replay's start, recorded on a local chain whose clock starts where the market says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oracle.chain.accounts import local_roles
from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.feeds import ObservationFeed
from oracle.cli.deployment import warm_up
from oracle.cli.market_plan import price_plan
from oracle.cli.markets import WARM_UP_AT_ONCE, WARM_UP_PRICES, Market, MarketWords
from oracle.cli.wiring import deployer, opened_database
from oracle.domain.deployment import FeedRecord
from oracle.settings import Settings

# Beyond what the feed lets a report lag, 6 hours, so that the first of them are stale at the last one's time
COUNT = WARM_UP_AT_ONCE + 10


@contextmanager
def recorded(settings: Settings, market: Market, timestamp: int | None) -> Iterator[tuple[ObservationFeed, list[str]]]:
    """The price feed after COUNT prices were asked for on a chain of that time, and what was said."""
    said: list[str] = []
    anvil = AnvilProcess.start(settings, timestamp=timestamp)
    try:
        client = ChainClient.connect(settings, anvil.rpc_url)
        with opened_database(settings) as database:
            publishers = tuple(account.address for account in local_roles(client.chain_id).publishers)
            plan = price_plan(market.source, publishers, 3)
            record: FeedRecord = deployer(client, database, said.append).deploy_price_feed(plan)
            for _ in range(2):  # the second time there is nothing left to do
                warm_up(client, database, market.source, record, said.append, count=COUNT)
        yield ObservationFeed(client, record.address), said
    finally:
        anvil.stop()


def test_warm_up__more_than_a_transaction_holds__all_recorded_in_one_segment(
    settings: Settings, tmp_path: Path, compiled: object
) -> None:
    market = MarketWords.of("simulator", None, None, None).open()
    past = market.source.history(market.source.start_time - 1, COUNT)
    own = settings.model_copy(update={"state_dir": tmp_path})
    with recorded(own, market, market.chain_start(COUNT)) as (feed, _):
        prices, observed_at = feed.window(feed.latest_round(), COUNT)
        assert (prices, observed_at) == ([one.price for one in past], past[-1].observed_at)


def test_warm_up__clock_past_the_first_of_them__one_window_and_says_so(
    settings: Settings, tmp_path: Path, compiled: object
) -> None:
    market = MarketWords.of("simulator", None, None, None).open()
    own = settings.model_copy(update={"state_dir": tmp_path})
    with recorded(own, market, market.chain_start()) as (feed, said):
        latest = feed.latest()
        assert latest is not None
        assert latest.round_id == WARM_UP_PRICES
        assert latest.observed_at == market.source.history(market.source.start_time - 1, 1)[0].observed_at
        assert any("waits for the rest" in text for text in said)
