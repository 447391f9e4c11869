"""A perpetual market on the test chain, with tokens for everybody and feeds that do what a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.perp import PerpMarket
from oracle.domain.perp_types import FeedAnswer, PerpConfig
from tests.support.lending import hostile_token, plain_token
from tests.support.local_chain import LocalChain

__all__ = ["DEFAULTS", "MAX_UINT", "PerpWorld", "deploy_perp", "hostile_token"]

WAD = 10**18
HOUR = 3600
DAY = 24 * HOUR
MAX_UINT = 2**256 - 1
FOREVER = 2**64 - 1

# Every member of PerpConfig but its addresses, in its order
DEFAULTS: dict[str, int] = {
    "maxPriceAge": 2 * HOUR,
    "maxRiskAge": 6 * HOUR,
    "riskHorizon": 0,
    "marginPeriod": DAY,
    "minMargin": 3 * WAD // 100,
    "maxMargin": WAD // 2,
    "rampInterval": HOUR,
    "minRisk": WAD // 100,
    "maxRisk": 10 * WAD,
    "feeBps": 10,
    "protocolShareBps": 2_000,
    "liquidationFeeBps": 100,
    "liquidatorShareBps": 5_000,
    "closeFactorBps": 5_000,
    "maxDivergenceBps": 500,
    "fundingPeriod": DAY,
    "maxPremiumBps": 500,
    "maxOpenInterest": 1_000 * WAD,
    "maxSkewFundBps": 20_000,
    "minPosition": 100 * WAD,
    "baseDepth": 20_000 * WAD,
    "referenceRisk": 6 * WAD // 10,
    "minDepthRatio": WAD // 4,
    "maxDepthRatio": 2 * WAD,
    "depthRampBpsPerHour": 100,
    "premiumDecayBpsPerHour": 1_000,
    "fundUseBps": 2_500,
    "fundCooldown": DAY,
}
PRICE = 2_000 * 10**8
RISK = 6 * WAD // 10
MINTED = 10**12  # whole tokens


@dataclass(frozen=True)
class PerpWorld:
    """The market with its surroundings; collateral is in base units, other amounts are WAD."""

    chain: LocalChain
    market: Contract
    token: Contract
    price_feed: Contract
    risk_feed: Contract
    weight_feed: Contract
    config: dict[str, Any]
    decimals: int

    @property
    def unit(self) -> int:
        """Base units of one whole collateral token."""
        return int(10**self.decimals)

    @property
    def trader(self) -> str:
        return self.chain.address(8)

    @property
    def other(self) -> str:
        return self.chain.address(9)

    @property
    def keeper(self) -> str:
        return self.chain.address(10)

    @property
    def provider(self) -> str:
        return self.chain.address(7)

    @property
    def recipient(self) -> str:
        return self.chain.address(11)

    def call(self, function: str, *args: Any, sender: str | None = None) -> TxReceipt:
        """Sends a call of the market, from the trader unless told."""
        return self.chain.send(self.market.functions[function](*args), sender or self.trader)

    def read(self, function: str, *args: Any) -> Any:
        """Reads a view of the market; a struct comes as a dict."""
        value = self.market.functions[function](*args).call()
        components = self.market.get_function_by_name(function).abi["outputs"][0].get("components")
        return dict(zip([c["name"] for c in components], value, strict=True)) if components else value

    def state(self) -> dict[str, Any]:
        return dict(self.read("state"))

    def position(self, account: str | None = None) -> dict[str, Any]:
        """position() of the trader, or of `account`."""
        return dict(self.read("position", account or self.trader))

    def increase(self, is_long: bool, quote: int, sender: str | None = None) -> TxReceipt:
        """Opens or adds to a position without limits."""
        return self.call("increase", is_long, quote, 0 if is_long else MAX_UINT, FOREVER, sender=sender)

    def decrease(self, base: int = MAX_UINT, sender: str | None = None) -> TxReceipt:
        """Closes some or all of a position without limits."""
        limit = 0 if self.position(sender)["base"] > 0 else MAX_UINT
        return self.call("decrease", base, limit, FOREVER, sender=sender)

    def open(self, is_long: bool, quote: int, collateral: int, sender: str | None = None) -> None:
        """Deposits whole tokens and opens a position of `quote` whole quote."""
        who = sender or self.trader
        self.call("deposit", collateral * self.unit, who, sender=who)
        self.increase(is_long, quote * WAD, who)

    def set_feed(self, feed: Contract, answer: int, age: int = 0) -> None:
        at = self.chain.now() - age
        self.chain.send(feed.functions.set(answer, at, at))

    def set_price(self, price: int, age: int = 0) -> None:
        """The price feed's answer, 8 decimals, observed `age` seconds before the newest block."""
        self.set_feed(self.price_feed, price, age)

    def set_risk(self, risk: int, age: int = 0) -> None:
        """The risk feed's answer, WAD."""
        self.set_feed(self.risk_feed, risk, age)

    def refresh(self) -> None:
        """Every feed repeats its answer as of now."""
        for feed in (self.price_feed, self.risk_feed, self.weight_feed):
            self.set_feed(feed, feed.functions.answer().call())

    def pass_time(self, secs: int) -> None:
        """Mines a block `secs` after the newest and refreshes the feeds."""
        self.chain.mine(self.chain.now() + secs)
        self.refresh()

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:
        """Arguments of every event `name` of the market in a receipt."""
        return self.chain.events(self.market, name, receipt)

    def balance(self, account: str) -> int:
        return int(self.token.functions.balanceOf(account).call())

    def model(self) -> PerpMarket:
        """The Python twin of the market as it was deployed, in the block that deployed it."""
        feeds = (self.price_feed, self.risk_feed, self.weight_feed)
        answers = [FeedAnswer(f.functions.answer().call(), f.functions.observedAt().call()) for f in feeds]
        return PerpMarket(model_config(self.config, self.decimals), self.state()["syncedAt"], *answers)


def model_config(config: dict[str, Any], decimals: int) -> PerpConfig:
    """The twin's configuration."""
    values = [config[name] for name in DEFAULTS]
    return PerpConfig(decimals, int(config["weightFeed"], 16) != 0, *values)


def deploy_perp(
    chain: LocalChain,
    *,
    decimals: int = 6,
    token: Callable[[LocalChain, int], Contract] | None = None,
    weighted: bool = True,
    fund: int = 10_000_000,
    feeds: dict[str, str] | None = None,
    **overrides: int,
) -> PerpWorld:
    """A market with DEFAULTS changed by `overrides`: price 2,000, volatility 60 %, weight 1, a fund of whole tokens."""
    asset = (token or plain_token)(chain, decimals)
    price_feed, risk_feed, weight_feed = (chain.deploy("StubFeed", d) for d in (8, 18, 18))
    at = chain.now()
    for feed, answer in ((price_feed, PRICE), (risk_feed, RISK), (weight_feed, WAD)):
        chain.send(feed.functions.set(answer, at, at))
    addresses = {
        "collateralAsset": asset.address,
        "priceFeed": price_feed.address,
        "riskFeed": risk_feed.address,
        "weightFeed": weight_feed.address if weighted else "0x" + "0" * 40,
        "feeRecipient": chain.address(11),
        **(feeds or {}),
    }
    config: dict[str, Any] = {**addresses, **DEFAULTS, **overrides}
    market = chain.deploy("PerpMarket", tuple(config.values()))
    world = PerpWorld(chain, market, asset, price_feed, risk_feed, weight_feed, config, decimals)
    for account in (world.trader, world.other, world.keeper, world.provider):
        chain.send(asset.functions.mint(account, MINTED * world.unit))
        chain.send(asset.functions.approve(market.address, MAX_UINT), account)
    if fund:
        world.call("provide", fund * world.unit, world.provider, sender=world.provider)
    return world
