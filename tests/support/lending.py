"""A lending vault on the test chain, with tokens for everybody and feeds that do what a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain import lending
from oracle.domain.lending import Units
from oracle.domain.lending_types import Collateral, CollateralTerms, VaultTerms
from oracle.domain.lending_vault import LendingVault
from oracle.domain.perp_types import FeedAnswer
from tests.support.local_chain import LocalChain

WAD = 10**18
HOUR = 3600
MAX_UINT = 2**256 - 1

# Every member of LendingConfig but its two addresses, in its order
TERMS: dict[str, int] = {
    "liquidationDelay": 6 * HOUR,
    "borrowMargin": 5 * WAD // 100,
    "rampDownBpsPerHour": 50,
    "rampUpBpsPerHour": 5,
    "gracePeriod": HOUR,
    "alarmProbability": WAD // 5,
    "alarmPeriod": 8 * HOUR,
    "maxAssessmentAge": 8 * HOUR,
    "closeFactorBps": 5_000,
    "fullCloseHealthFactor": 95 * WAD // 100,
    "auctionStartBps": 10_500,
    "auctionTau": 6 * HOUR,
    "auctionTail": HOUR,
    "reserveBps": 0,
    "baseRate": WAD // 100,
    "kinkUtilisation": 8 * WAD // 10,
    "slopeBelowKink": 4 * WAD // 100,
    "slopeAboveKink": 6 * WAD // 10,
    "minDebt": 100 * 10**6,
}
# Every member of CollateralConfig but its four addresses, in its order
COLLATERAL_TERMS: dict[str, int] = {
    "riskHorizon": 0,
    "maxPriceAge": 2 * HOUR,
    "maxRiskAge": 6 * HOUR,
    "minRisk": 1,
    "maxRisk": 18 * WAD,
    "liquidationBonus": WAD // 20,
    "slippage": WAD // 100,
    "depth": 0,
    "floorLtv": WAD // 2,
    "capLtv": 93 * WAD // 100,
    "supplyCap": 2**112 - 1,
}
DEFAULTS = {**TERMS, **COLLATERAL_TERMS}
ZERO_ADDRESS = "0x" + "0" * 40
PRICE = 2_000 * 10**8
VOLATILITY = 6 * WAD // 10
SUPPLIED = 1_000_000 * 10**6
MINTED = 10**15


@dataclass(frozen=True)
class Listed:
    """A collateral of the vault with its feeds; `config` is CollateralConfig by name."""

    token: Contract
    price_feed: Contract
    risk_feed: Contract
    weight_feed: Contract | None
    decimals: int
    config: dict[str, Any]

    @property
    def asset(self) -> str:
        return str(self.token.address)

    @property
    def feeds(self) -> list[Contract]:
        return [f for f in (self.price_feed, self.risk_feed, self.weight_feed) if f is not None]

    def twin(self) -> Collateral:
        """As the Python twin has it."""
        terms = CollateralTerms(**{_snake(name): self.config[name] for name in COLLATERAL_TERMS})
        answers = [FeedAnswer(f.functions.answer().call(), f.functions.observedAt().call()) for f in self.feeds]
        return Collateral(terms, self.decimals, *answers)


@dataclass(frozen=True)
class LendingWorld:
    """The vault with its surroundings; amounts are base units, prices have 8 decimals.

    What is said of `the` collateral is said of the first one.
    """

    chain: LocalChain
    vault: Contract
    debt: Contract
    debt_decimals: int
    config: dict[str, Any]
    listed: tuple[Listed, ...]
    created: int = 0  # block of the vault

    @property
    def collateral(self) -> Contract:
        return self.listed[0].token

    @property
    def asset(self) -> str:
        return self.listed[0].asset

    @property
    def price_feed(self) -> Contract:
        return self.listed[0].price_feed

    @property
    def risk_feed(self) -> Contract:
        return self.listed[0].risk_feed

    @property
    def units(self) -> Units:
        return Units(self.listed[0].decimals, self.debt_decimals)

    @property
    def lender(self) -> str:
        return self.chain.address(7)

    @property
    def borrower(self) -> str:
        return self.chain.address(8)

    @property
    def liquidator(self) -> str:
        return self.chain.address(9)

    @property
    def outsider(self) -> str:
        return self.chain.address(10)

    def call(self, function: str, *args: Any, sender: str | None = None) -> TxReceipt:
        """Sends a call of the vault, from the borrower unless told."""
        return self.chain.send(self.vault.functions[function](*args), sender or self.borrower)

    def read(self, function: str, *args: Any) -> Any:
        """Reads a view of the vault; a struct comes as a dict."""
        value = self.vault.functions[function](*args).call()
        components = self.vault.get_function_by_name(function).abi["outputs"][0].get("components")
        return dict(zip([c["name"] for c in components], value, strict=True)) if components else value

    def model(self) -> LendingVault:
        """The Python twin of the vault, not used by anybody yet, keyed by the tokens' addresses."""
        terms = VaultTerms(**{_snake(name): self.config[name] for name in TERMS})
        listed = {each.asset: each.twin() for each in self.listed}
        created = int(self.chain.web3.eth.get_block(self.created)["timestamp"])
        return LendingVault(terms, self.debt_decimals, listed, created)

    def position(self, account: str | None = None) -> dict[str, Any]:
        """position() of the borrower, or of `account`."""
        return dict(self.read("position", account or self.borrower))

    def holding(self, account: str | None = None, index: int = 0) -> dict[str, Any]:
        """What the borrower, or `account`, has of a collateral; all zero without any."""
        held = self.vault.functions.holdings(account or self.borrower).call()
        names = ("asset", "amount", "value", "liquidationLtv", "salePrice")
        found = [dict(zip(names, h, strict=True)) for h in held if h[0] == self.listed[index].asset]
        return found[0] if found else dict.fromkeys(names, 0)

    def amount(self, account: str | None = None) -> int:
        """The borrower's collateral, or `account`'s."""
        return int(self.holding(account)["amount"])

    def ltv(self, name: str = "liquidationLtv") -> int:
        """A figure of collateral()."""
        return int(self.read("collateral", self.asset)[name])

    def liquidation_price(self) -> int:
        """The lowest price of the collateral at which the borrower is healthy, 8 decimals."""
        holding, debt = self.holding(), self.read("debtOf", self.borrower)
        return lending.liquidation_price(holding["amount"], debt, holding["liquidationLtv"], self.units)

    def sync(self) -> TxReceipt:
        """Moves the collateral's LTV."""
        return self.call("sync", self.asset, sender=self.outsider)

    def state(self, account: str | None = None) -> lending.PositionState:
        """State of the borrower's position, or of `account`'s."""
        return lending.PositionState(self.position(account)["state"])

    def set_price(self, price: int, age: int = 0) -> None:
        """The price feed's answer, observed and published `age` seconds before the newest block."""
        at = self.chain.now() - age
        self.chain.send(self.price_feed.functions.set(price, at, at))

    def set_volatility(self, volatility: int, age: int = 0) -> None:
        """The risk feed's answer."""
        at = self.chain.now() - age
        self.chain.send(self.risk_feed.functions.set(volatility, at, at))

    def set_mode(self, mode: int) -> None:
        """How the feeds of the collateral misbehave."""
        for feed in self.listed[0].feeds:
            self.chain.send(feed.functions.setMode(mode))

    def refresh(self) -> None:
        """All feeds repeat their answers as of now."""
        for feed in (f for listed in self.listed for f in listed.feeds):
            at = self.chain.now()
            self.chain.send(feed.functions.set(feed.functions.answer().call(), at, at))

    def pass_time(self, secs: int) -> None:
        """Mines a block `secs` after the newest and refreshes both feeds."""
        self.chain.mine(self.chain.now() + secs)
        self.refresh()

    def open_position(self, collateral: int, debt: int, account: str | None = None) -> None:
        """Gives `account` (the borrower) a position."""
        owner = account or self.borrower
        self.call("addCollateral", self.asset, collateral, owner, sender=owner)
        self.call("borrow", debt, owner, sender=owner)

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:
        """Arguments of every event `name` of the vault in a receipt."""
        address = self.vault.address
        logs = [log for log in receipt["logs"] if log["address"] == address]
        event = self.vault.events[name]()
        topic = event.topic
        return [dict(event.process_log(log)["args"]) for log in logs if log["topics"][0].to_0x_hex() == topic]

    def balances(self, account: str) -> tuple[int, int]:
        """Collateral and debt tokens of an account."""
        return self.collateral.functions.balanceOf(account).call(), self.debt.functions.balanceOf(account).call()


def deploy_world(
    chain: LocalChain,
    *,
    collateral_decimals: int = 18,
    debt_decimals: int = 6,
    token: Callable[[LocalChain, int], Contract] | None = None,
    others: Sequence[dict[str, int]] = (),
    **overrides: int,
) -> LendingWorld:
    """A vault with DEFAULTS changed by `overrides`, price 2,000, volatility 60 %, and tokens for everybody.

    `others`: what is different from the first collateral in each further one; `decimals`, `price` and `weighted` too.
    """
    make = token or plain_token
    changed = {name: overrides[name] for name in overrides if name in COLLATERAL_TERMS}
    firsts = {"decimals": collateral_decimals, **changed}
    listed = [_list(chain, make, other) for other in (firsts, *({**changed, **other} for other in others))]
    debt = make(chain, debt_decimals)
    terms = {**TERMS, **{name: overrides[name] for name in overrides if name in TERMS}}
    config: dict[str, Any] = {"debtAsset": debt.address, "boardSetter": chain.address(0), **terms}
    world = deploy_vault(chain, debt, debt_decimals, config, listed)
    for account in (world.lender, world.borrower, world.liquidator, world.outsider):
        fund(world, account)
    return world


def deploy_vault(
    chain: LocalChain, debt: Contract, debt_decimals: int, config: dict[str, Any], listed: Sequence[Listed]
) -> LendingWorld:
    """A vault of these terms over these collaterals."""
    collaterals = [tuple(each.config.values()) for each in listed]
    vault = chain.deploy("LendingVault", tuple(config.values()), collaterals)
    created = chain.web3.eth.block_number
    return LendingWorld(chain, vault, debt, debt_decimals, config, tuple(listed), created)


def _snake(name: str) -> str:
    """camelCase as snake_case."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def _list(chain: LocalChain, make: Callable[[LocalChain, int], Contract], terms: dict[str, int]) -> Listed:
    decimals = terms.get("decimals", 18)
    token = make(chain, decimals)
    answers = {8: terms.get("price", PRICE), 18: VOLATILITY}
    feeds = {places: chain.deploy("StubFeed", places) for places in answers}
    weight = chain.deploy("StubFeed", 18) if terms.get("weighted") else None
    at = chain.now()
    for places, feed in feeds.items():
        chain.send(feed.functions.set(answers[places], at, at))
    if weight is not None:
        chain.send(weight.functions.set(WAD, at, at))
    addresses = (token.address, feeds[8].address, feeds[18].address, weight.address if weight else ZERO_ADDRESS)
    config: dict[str, Any] = dict(zip(("asset", "priceFeed", "riskFeed", "weightFeed"), addresses, strict=True))
    config |= {name: terms.get(name, value) for name, value in COLLATERAL_TERMS.items()}
    return Listed(token, feeds[8], feeds[18], weight, decimals, config)


def fund(world: LendingWorld, account: str) -> None:
    """Mints all tokens to an account and lets the vault take them."""
    tokens = [(each.token, each.decimals) for each in world.listed]
    for asset, decimals in (*tokens, (world.debt, world.debt_decimals)):
        world.chain.send(asset.functions.mint(account, MINTED * 10**decimals))
        world.chain.send(asset.functions.approve(world.vault.address, MAX_UINT), account)


def plain_token(chain: LocalChain, decimals: int) -> Contract:
    """A token that does nothing unexpected."""
    return chain.deploy("TestERC20", "Token", "TKN", decimals)


def hostile_token(chain: LocalChain, decimals: int) -> Contract:
    """A token that misbehaves when told."""
    return chain.deploy("HostileERC20", decimals)
