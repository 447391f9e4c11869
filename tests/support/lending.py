"""A lending vault on the test chain, with tokens for everybody and feeds that do what a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain import lending
from oracle.domain.lending import Units
from tests.support.local_chain import LocalChain

WAD = 10**18
HOUR = 3600
MAX_UINT = 2**256 - 1

# Every member of LendingConfig but the four addresses, in its order
DEFAULTS: dict[str, int] = {
    "maxPriceAge": 2 * HOUR,
    "maxVolatilityAge": 6 * HOUR,
    "liquidationDelay": 6 * HOUR,
    "liquidationBonus": WAD // 20,
    "slippage": WAD // 100,
    "floorLtv": WAD // 2,
    "capLtv": 93 * WAD // 100,
    "borrowMargin": 5 * WAD // 100,
    "rampDownBpsPerHour": 50,
    "rampUpBpsPerHour": 5,
    "closeFactorBps": 5_000,
    "fullCloseHealthFactor": 95 * WAD // 100,
    "auctionStartBps": 10_500,
    "auctionTau": 6 * HOUR,
    "auctionTail": HOUR,
    "baseRate": WAD // 100,
    "kinkUtilisation": 8 * WAD // 10,
    "slopeBelowKink": 4 * WAD // 100,
    "slopeAboveKink": 6 * WAD // 10,
    "minDebt": 100 * 10**6,
}
PRICE = 2_000 * 10**8
VOLATILITY = 6 * WAD // 10
SUPPLIED = 1_000_000 * 10**6
MINTED = 10**15


@dataclass(frozen=True)
class LendingWorld:
    """The vault with its surroundings; amounts are base units, prices have 8 decimals."""

    chain: LocalChain
    vault: Contract
    collateral: Contract
    debt: Contract
    price_feed: Contract
    volatility_feed: Contract
    config: dict[str, Any]
    units: Units

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

    def position(self, account: str | None = None) -> dict[str, Any]:
        """position() of the borrower, or of `account`."""
        return dict(self.read("position", account or self.borrower))

    def state(self, account: str | None = None) -> lending.PositionState:
        """State of the borrower's position, or of `account`'s."""
        return lending.PositionState(self.position(account)["state"])

    def set_price(self, price: int, age: int = 0) -> None:
        """The price feed's answer, observed and published `age` seconds before the newest block."""
        at = self.chain.now() - age
        self.chain.send(self.price_feed.functions.set(price, at, at))

    def set_volatility(self, volatility: int, age: int = 0) -> None:
        """The volatility feed's answer."""
        at = self.chain.now() - age
        self.chain.send(self.volatility_feed.functions.set(volatility, at, at))

    def refresh(self) -> None:
        """Both feeds repeat their answers as of now."""
        self.set_price(self.price_feed.functions.answer().call())
        self.set_volatility(self.volatility_feed.functions.answer().call())

    def pass_time(self, secs: int) -> None:
        """Mines a block `secs` after the newest and refreshes both feeds."""
        self.chain.mine(self.chain.now() + secs)
        self.refresh()

    def open_position(self, collateral: int, debt: int, account: str | None = None) -> None:
        """Gives `account` (the borrower) a position."""
        owner = account or self.borrower
        self.call("addCollateral", collateral, owner, sender=owner)
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
    **overrides: int,
) -> LendingWorld:
    """A vault with DEFAULTS changed by `overrides`, price 2,000, volatility 60 %, and tokens for everybody."""
    make = token or plain_token
    collateral, debt = make(chain, collateral_decimals), make(chain, debt_decimals)
    price_feed, volatility_feed = chain.deploy("StubFeed", 8), chain.deploy("StubFeed", 18)
    at = chain.now()
    chain.send(price_feed.functions.set(PRICE, at, at))
    chain.send(volatility_feed.functions.set(VOLATILITY, at, at))
    addresses = {
        "collateralAsset": collateral.address,
        "debtAsset": debt.address,
        "priceFeed": price_feed.address,
        "volatilityFeed": volatility_feed.address,
    }
    config: dict[str, Any] = {**addresses, **DEFAULTS, **overrides}
    vault = chain.deploy("LendingVault", tuple(config.values()))
    units = Units(collateral_decimals, debt_decimals)
    world = LendingWorld(chain, vault, collateral, debt, price_feed, volatility_feed, config, units)
    for account in (world.lender, world.borrower, world.liquidator, world.outsider):
        fund(world, account)
    return world


def fund(world: LendingWorld, account: str) -> None:
    """Mints both tokens to an account and lets the vault take them."""
    for asset, unit in ((world.collateral, world.units.collateral_unit), (world.debt, world.units.debt_unit)):
        world.chain.send(asset.functions.mint(account, MINTED * unit))
        world.chain.send(asset.functions.approve(world.vault.address, MAX_UINT), account)


def plain_token(chain: LocalChain, decimals: int) -> Contract:
    """A token that does nothing unexpected."""
    return chain.deploy("TestERC20", "Token", "TKN", decimals)


def hostile_token(chain: LocalChain, decimals: int) -> Contract:
    """A token that misbehaves when told."""
    return chain.deploy("HostileERC20", decimals)
