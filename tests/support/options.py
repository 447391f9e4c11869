"""An options book on the test chain, with tokens for everybody and feeds that do what a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsConfig, OptionsFeeds, Series
from oracle.domain.perp_types import FeedAnswer
from tests.support.lending import plain_token
from tests.support.local_chain import LocalChain

WAD = 10**18
HOUR = 3600
DAY = 24 * HOUR
MAX_UINT = 2**256 - 1
MAX_INT = 2**255 - 1
FOREVER = 2**64 - 1
NOBODY = "0x" + "0" * 40
PRICE = 2_000
VOLATILITY = 6 * WAD // 10
MINTED = 10**12

# Every member of OptionsConfig but its addresses, in its order
DEFAULTS: dict[str, int] = {
    "maxPriceAge": 2 * HOUR,
    "maxRiskAge": 6 * HOUR,
    "riskHorizon": 0,
    "marginPeriod": DAY,
    "rampInterval": HOUR,
    "minShock": WAD // 20,
    "maxShock": WAD // 2,
    "minRisk": WAD // 100,
    "maxRisk": 10 * WAD,
    "minVolatility": 5 * WAD // 100,
    "maxVolatility": 5 * WAD,
    "rate": WAD // 20,
    "minTenor": HOUR,
    "maxTenor": 365 * DAY,
    "expiryStep": HOUR,
    "strikeStep": 10 * WAD,
    "maxStrikeRatio": 5,
    "maxPositions": 8,
    "lotSize": WAD // 1_000,
    "maxOpenInterest": 100_000 * WAD,
    "auctionPeriod": 900,
    "startDiscountBps": 500,
    "penaltyBps": 100,
}
FEEDS = ("priceFeed", "riskFeed", "weightFeed", "pegFeed", "confidenceFeed")
DECIMALS = {"priceFeed": 8, "riskFeed": 18, "weightFeed": 18, "pegFeed": 8, "confidenceFeed": 18}
ANSWERS = {
    "priceFeed": PRICE * 10**8,
    "riskFeed": VOLATILITY,
    "weightFeed": WAD,
    "pegFeed": 10**8,
    "confidenceFeed": WAD,
}
TENORS = (7 * DAY, 30 * DAY, 180 * DAY)


@dataclass(frozen=True)
class OptionsWorld:
    """The book with its surroundings; collateral is in base units, other amounts are WAD."""

    chain: LocalChain
    book: Contract
    token: Contract
    feeds: dict[str, Contract]  # by their member's name; only those the book has
    volatilities: list[Contract]
    config: dict[str, Any]
    decimals: int

    @property
    def unit(self) -> int:
        """Base units of one whole collateral token."""
        return int(10**self.decimals)

    @property
    def maker(self) -> str:
        return self.chain.address(8)

    @property
    def taker(self) -> str:
        return self.chain.address(9)

    @property
    def keeper(self) -> str:
        return self.chain.address(10)

    def call(self, function: str, *args: Any, sender: str | None = None) -> TxReceipt:
        """Sends a call of the book, from the taker unless told."""
        return self.chain.send(self.book.functions[function](*args), sender or self.taker)

    def read(self, function: str, *args: Any) -> Any:
        """Reads a view of the book; a struct comes as a dict."""
        value = self.book.functions[function](*args).call()
        components = self.book.get_function_by_name(function).abi["outputs"][0].get("components")
        if components is None or not isinstance(value, tuple):
            return value
        return dict(zip([c["name"] for c in components], value, strict=True))

    def account(self, account: str | None = None) -> dict[str, Any]:
        """accountOf() of the taker, or of `account`."""
        return dict(self.read("accountOf", account or self.taker))

    def list(self, strike: int, days: int = 30, *, is_call: bool = True) -> int:
        """Lists a series of a whole strike, expiring at the first full hour after `days`; its id."""
        series = self.series(strike, days, is_call=is_call)
        if not self.read("isListed", series.id):
            self.call("list", series.expiry, series.strike, series.is_call)
        return series.id

    def series(self, strike: int, days: int = 30, *, is_call: bool = True) -> Series:
        expiry = (self.chain.now() // HOUR + 1 + days * 24) * HOUR
        return Series(expiry, is_call, strike * WAD)

    def deposit(self, tokens: int, account: str) -> None:
        """Whole tokens into an account."""
        self.call("deposit", tokens * self.unit, account, sender=account)

    def trade(self, legs: list[tuple[int, int]], cash: int, sender: str | None = None) -> TxReceipt:
        """Between maker and taker, sent by the taker, whom the maker allowed."""
        return self.call("trade", self.maker, self.taker, legs, cash, sender=sender)

    def set_feed(self, feed: Contract, answer: int, age: int = 0) -> None:
        """A feed's answer, observed `age` seconds before the newest block."""
        at = self.chain.now() - age
        self.chain.send(feed.functions.push(answer, at))

    def set_price(self, dollars: int, age: int = 0) -> None:
        """The price feed's answer in whole units."""
        self.set_feed(self.feeds["priceFeed"], dollars * 10**8, age)

    def refresh(self) -> None:
        """Every feed repeats its answer as of now."""
        for feed in (*self.feeds.values(), *self.volatilities):
            self.set_feed(feed, feed.functions.answer().call())

    def pass_time(self, secs: int) -> None:
        """Mines a block `secs` after the newest and refreshes the feeds."""
        self.chain.mine(self.chain.now() + secs)
        self.refresh()

    def settle_expiry(self, expiry: int, dollars: int) -> None:
        """Lets the expiry pass, with the first observation after it at this price."""
        self.chain.mine(expiry + 60)
        self.set_price(dollars)
        self.refresh()
        rounds = self.feeds["priceFeed"].functions.latestRound().call()
        first = next(
            r for r in range(1, rounds + 1) if self.feeds["priceFeed"].functions.getRoundData(r).call()[2] >= expiry
        )
        self.call("settleExpiry", expiry, first)

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:  # type: ignore[valid-type]
        """Arguments of every event `name` of the book in a receipt."""
        return self.chain.events(self.book, name, receipt)

    def balance(self, account: str) -> int:
        return int(self.token.functions.balanceOf(account).call())

    def model(self) -> OptionsBook:
        """The Python twin of the book as it was deployed, at the newest block."""
        at = self.chain.now()
        answers = {name: answer_of(feed) for name, feed in self.feeds.items()}
        feeds = OptionsFeeds(
            answers["priceFeed"],
            answers.get("riskFeed", FeedAnswer()),
            [(tenor, answer_of(feed)) for tenor, feed in zip(TENORS, self.volatilities, strict=False)],
            answers.get("weightFeed", FeedAnswer()),
            answers.get("pegFeed", FeedAnswer()),
            answers.get("confidenceFeed", FeedAnswer()),
        )
        has = ["riskFeed" in answers, "weightFeed" in answers, "pegFeed" in answers, "confidenceFeed" in answers]
        values = [self.config[name] for name in DEFAULTS]
        return OptionsBook(OptionsConfig(self.decimals, *has, *values), at, feeds)


def answer_of(feed: Contract) -> FeedAnswer:
    """A stub's present answer."""
    return FeedAnswer(feed.functions.answer().call(), feed.functions.observedAt().call())


def deploy_options(
    chain: LocalChain,
    *,
    decimals: int = 6,
    token: Callable[[LocalChain, int], Contract] | None = None,
    feeds: tuple[str, ...] = FEEDS,
    pillars: int = 3,
    **overrides: int,
) -> OptionsWorld:
    """A book with DEFAULTS changed by `overrides`: price 2,000, volatilities 60 %, with the named feeds."""
    asset = (token or plain_token)(chain, decimals)
    stubs = {name: chain.deploy("StubRounds", DECIMALS[name]) for name in feeds}
    volatilities = [chain.deploy("StubRounds", 18) for _ in range(pillars)]
    at = chain.now()
    for name, feed in stubs.items():
        chain.send(feed.functions.push(ANSWERS[name], at))
    for feed in volatilities:
        chain.send(feed.functions.push(VOLATILITY, at))
    addresses = {"collateralAsset": asset.address} | {
        name: stubs[name].address if name in stubs else NOBODY for name in FEEDS
    }
    config: dict[str, Any] = {**addresses, **DEFAULTS, **overrides}
    places = [(feed.address, tenor) for feed, tenor in zip(volatilities, TENORS, strict=False)]
    book = chain.deploy("OptionsMargin", tuple(config.values()), places)
    world = OptionsWorld(chain, book, asset, stubs, volatilities, config, decimals)
    for account in (world.maker, world.taker, world.keeper):
        chain.send(asset.functions.mint(account, MINTED * world.unit))
        chain.send(asset.functions.approve(book.address, MAX_UINT), account)
    world.call("setOperator", world.taker, True, sender=world.maker)
    return world
