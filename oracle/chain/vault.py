"""LendingVault and the tokens it holds: typed reads, and calls to send. Amounts in base units, ratios WAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.client import ChainClient, checked_address
from oracle.domain.lending import PositionState

VAULT_EVENTS: Final = (
    "LiquidationLtvUpdated",
    "PositionWarned",
    "WarningCleared",
    "AlarmRaised",
    "AlarmEnded",
    "AuctionStarted",
    "CollateralForSale",
    "AuctionTaken",
    "AuctionEnded",
    "BadDebtWrittenOff",
    "Borrowed",
    "Repaid",
)
MAX_UINT: Final = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Position:
    """LendingTypes.PositionView: one borrower, as of this block with interest."""

    debt: int
    collateral_value: int
    health_factor: int
    health_factor_at_target: int
    priced_health_factor: int
    borrow_limit: int
    priced: bool
    liquidatable: bool
    state: PositionState
    opened_at: int
    warned_at: int
    alarmed_at: int
    agreed_ltv: int
    bad_debt: int


@dataclass(frozen=True, slots=True)
class Holding:
    """LendingTypes.HoldingView: what a position has of one collateral."""

    asset: str
    amount: int
    value: int
    liquidation_ltv: int
    sale_price: int


@dataclass(frozen=True, slots=True)
class Auction:
    """LendingTypes.AuctionView; all zero without one."""

    started_at: int
    expires_at: int
    debt: int


@dataclass(frozen=True, slots=True)
class CollateralState:
    """LendingTypes.CollateralView: one collateral; LTVs of no size."""

    price: int
    last_price: int
    risk: int
    weight: int
    liquidation_ltv: int
    target_liquidation_ltv: int
    borrow_ltv: int
    total: int


@dataclass(frozen=True, slots=True)
class Market:
    """LendingTypes.MarketView."""

    total_supply_assets: int
    total_supply_shares: int
    total_borrow_assets: int
    total_borrow_shares: int
    reserve: int
    total_bad_debt: int
    utilisation: int
    borrow_rate: int


@dataclass(frozen=True, slots=True)
class VaultEvent:
    """An event of the vault with its arguments by name."""

    name: str
    arguments: dict[str, Any]


class LendingVault:
    """One vault."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("LendingVault", address)

    @property
    def address(self) -> str:
        """The vault's contract."""
        return str(self.contract.address)

    def position(self, account: str) -> Position:
        """A borrower's position."""
        values = list(self._read("position", checked_address(account)))
        values[8] = PositionState(values[8])
        return Position(*values)

    def auction(self, account: str) -> Auction:
        """The auction of an account's collaterals."""
        return Auction(*self._read("auction", checked_address(account)))

    def holdings(self, account: str) -> list[Holding]:
        """What a borrower has of each collateral."""
        return [Holding(*values) for values in self._read("holdings", checked_address(account))]

    def collateral(self, asset: str) -> CollateralState:
        """LTVs of a collateral, and what its feeds say."""
        return CollateralState(*self._read("collateral", checked_address(asset)))

    def market(self) -> Market:
        """Totals and rates."""
        return Market(*self._read("market"))

    def max_borrow(self, account: str) -> int:
        """What may still be borrowed."""
        return int(self._read("maxBorrow", checked_address(account)))

    def supply(self, assets: int, receiver: str) -> ContractFunction:
        """Lends the debt asset."""
        return self.contract.functions.supply(assets, checked_address(receiver))

    def add_collateral(self, asset: str, amount: int, account: str) -> ContractFunction:
        """Adds collateral to an account."""
        return self.contract.functions.addCollateral(checked_address(asset), amount, checked_address(account))

    def borrow(self, assets: int, receiver: str) -> ContractFunction:
        """Borrows against the sender's collateral."""
        return self.contract.functions.borrow(assets, checked_address(receiver))

    def repay(self, assets: int, account: str) -> ContractFunction:
        """Repays up to `assets`."""
        return self.contract.functions.repay(assets, checked_address(account))

    def poke(self, account: str) -> ContractFunction:
        """Adds interest, moves the LTVs, warns the account or clears its warning."""
        return self.contract.functions.poke(checked_address(account))

    def start_auction(self, account: str) -> ContractFunction:
        """Starts the auction of an unhealthy position."""
        return self.contract.functions.startAuction(checked_address(account))

    def warn(self, account: str) -> ContractFunction:
        """Takes the board's probability of liquidation: an alarm, or the end of one."""
        return self.contract.functions.warn(checked_address(account))

    def take(self, account: str, asset: str, recipient: str, *, max_price: int = MAX_UINT) -> ContractFunction:
        """Buys all that is for sale of a collateral at its price in the auction; `max_price` WAD."""
        return self.contract.functions.take(
            checked_address(account), checked_address(asset), MAX_UINT, max_price, checked_address(recipient)
        )

    def events(self, receipt: TxReceipt) -> list[VaultEvent]:
        """The vault's events in a receipt, in order."""
        found = []
        for log in receipt["logs"]:
            for name in VAULT_EVENTS if log["address"] == self.address else ():
                event = self.contract.events[name]()
                if bytes(log["topics"][0]) == bytes.fromhex(event.topic.removeprefix("0x")):
                    found.append(VaultEvent(name, dict(event.process_log(log)["args"])))
        return found

    def _read(self, function: str, *arguments: object) -> Any:
        return self._client.call(self.contract.functions[function](*arguments))


class Token:
    """An ERC-20; `mint` exists on local chains' test tokens alone."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("TestERC20", address)

    @property
    def address(self) -> str:
        """The token's contract."""
        return str(self.contract.address)

    def balance(self, account: str) -> int:
        """Balance in base units."""
        return int(self._client.call(self.contract.functions.balanceOf(checked_address(account))))

    def mint(self, account: str, amount: int) -> ContractFunction:
        """Makes tokens out of nothing."""
        return self.contract.functions.mint(checked_address(account), amount)

    def approve(self, spender: str, amount: int = MAX_UINT) -> ContractFunction:
        """Lets `spender` take the sender's tokens."""
        return self.contract.functions.approve(checked_address(spender), amount)
