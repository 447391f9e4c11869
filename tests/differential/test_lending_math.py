"""LendingMath on chain equals oracle.domain.lending to the unit, on random and extreme arguments."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from eth_utils.crypto import keccak

from oracle.domain import lending
from oracle.domain.lending import Units
from tests.support.local_chain import LocalChain

WAD = 10**18
MAX_AMOUNT = 2**112 - 1
MAX_PRICE = 2**64 - 1
ROW = 6
BATCH = 2_500
Row = tuple[int, ...]
STORED = ("opened_at", "borrow_shares", "warned_at", "alarmed_at", "auction_started_at", "bad_debt")
SELECTOR = keccak(text="evaluate(uint8,uint256[6][])")[:4]


class Draw(random.Random):
    """Random numbers over many orders of magnitude, with the ends as likely as any of these."""

    def upto(self, largest: int, least: int = 0) -> int:
        """A number from `least` to `largest`."""
        kind = self.random()
        if kind < 0.05:
            return least
        if kind < 0.10:
            return largest
        return max(least, min(largest, self.getrandbits(self.randint(1, largest.bit_length()))))

    def units(self) -> Units:
        """A pair of assets."""
        return Units(self.randint(6, 18), self.randint(6, 18))


def health_factor_row(draw: Draw) -> tuple[Row, int]:
    """collateral -> value -> health factor, as a position computes it."""
    units = draw.units()
    value = lending.collateral_value(draw.upto(MAX_AMOUNT), draw.upto(MAX_PRICE, 1), units)
    ltv, debt = draw.upto(WAD, 1), draw.upto(MAX_AMOUNT)
    return (value, ltv, debt), lending.health_factor(value, ltv, debt)


def collateral_value_row(draw: Draw) -> tuple[Row, int]:
    units, collateral, price = draw.units(), draw.upto(MAX_AMOUNT), draw.upto(MAX_PRICE, 1)
    row = (collateral, price, units.debt_unit, units.collateral_scale)
    return row, lending.collateral_value(collateral, price, units)


def liquidation_price_row(draw: Draw) -> tuple[Row, int]:
    units, collateral = draw.units(), draw.upto(MAX_AMOUNT)
    debt, ltv = draw.upto(MAX_AMOUNT), draw.upto(WAD, 1)
    row = (collateral, debt, ltv, units.debt_unit, units.collateral_scale)
    return row, lending.liquidation_price(collateral, debt, ltv, units)


def sized_ltv_row(draw: Draw) -> tuple[Row, int]:
    row = (draw.upto(WAD), draw.upto(MAX_AMOUNT), draw.upto(MAX_AMOUNT))
    return row, lending.sized_ltv(*row)


def auction_price_row(draw: Draw) -> tuple[Row, int]:
    start = lending.auction_start_price(draw.upto(MAX_PRICE, 1), draw.randint(10_000, 20_000))
    tau = draw.upto(2**32 - 1, 1)
    elapsed = draw.randint(0, tau)
    return (start, tau, elapsed), lending.auction_price(start, tau, elapsed)


def cost_of_row(draw: Draw) -> tuple[Row, int]:
    units, amount, price = draw.units(), draw.upto(MAX_AMOUNT), draw.upto(2**99, 1)
    return (amount, price, units.debt_unit, units.collateral_unit * WAD), lending.cost_of(amount, price, units)


def collateral_for_row(draw: Draw) -> tuple[Row, int]:
    units, debt, price = draw.units(), draw.upto(MAX_AMOUNT), draw.upto(2**99, 1)
    return (debt, price, units.debt_unit, units.collateral_unit * WAD), lending.collateral_for(debt, price, units)


def utilisation_row(draw: Draw) -> tuple[Row, int]:
    supplied = draw.upto(MAX_AMOUNT)
    borrowed = draw.randint(0, supplied)
    return (borrowed, supplied), lending.utilisation(borrowed, supplied)


def borrow_rate_row(draw: Draw) -> tuple[Row, int]:
    row = (draw.upto(WAD), draw.upto(10 * WAD), draw.upto(WAD - 1, 1), draw.upto(10 * WAD), draw.upto(10 * WAD))
    return row, lending.borrow_rate(*row)


def interest_row(draw: Draw) -> tuple[Row, int]:
    row = (draw.upto(2**120), draw.upto(30 * WAD), draw.upto(2**40))
    return row, lending.interest(*row)


def shares_row(convert: Callable[[int, int, int], int]) -> Callable[[Draw], tuple[Row, int]]:
    """Rows for one of the four conversions."""

    def make(draw: Draw) -> tuple[Row, int]:
        row = (draw.upto(2**112), draw.upto(2**120), draw.upto(2**140))
        return row, convert(*row)

    return make


def state_row(draw: Draw) -> tuple[Row, int]:
    facts = {name: draw.choice([0, 1, 2**40]) for name in STORED}
    return tuple(facts.values()), int(lending.position_state(**facts))


# In the order of LendingMathHarness.Formula; how many rows of each
FORMULAS: list[tuple[str, Callable[[Draw], tuple[Row, int]], int]] = [
    ("collateralValue", collateral_value_row, 10_000),
    ("healthFactor", health_factor_row, 100_000),
    ("liquidationPrice", liquidation_price_row, 10_000),
    ("sizedLtv", sized_ltv_row, 10_000),
    ("auctionPrice", auction_price_row, 100_000),
    ("costOf", cost_of_row, 10_000),
    ("collateralFor", collateral_for_row, 10_000),
    ("utilisation", utilisation_row, 2_500),
    ("borrowRate", borrow_rate_row, 2_500),
    ("interest", interest_row, 2_500),
    ("toSharesDown", shares_row(lending.to_shares_down), 2_500),
    ("toSharesUp", shares_row(lending.to_shares_up), 2_500),
    ("toAssetsDown", shares_row(lending.to_assets_down), 2_500),
    ("toAssetsUp", shares_row(lending.to_assets_up), 2_500),
    ("stateOf", state_row, 2_500),
]


@pytest.fixture(scope="session")
def harness(chain: LocalChain) -> str:
    """Address of the library behind a batch call."""
    return chain.deploy("LendingMathHarness").address


@pytest.mark.parametrize("index", range(len(FORMULAS)), ids=[name for name, _, _ in FORMULAS])
def test_evaluate__random_and_extreme_rows__as_the_reference(chain: LocalChain, harness: str, index: int) -> None:
    _, make, count = FORMULAS[index]
    draw = Draw(index)
    for _ in range(count // BATCH):
        rows, expected = zip(*(make(draw) for _ in range(BATCH)), strict=True)
        actual = evaluate(chain, harness, index, rows)
        assert [(r, a, e) for r, a, e in zip(rows, actual, expected, strict=True) if a != e] == []


def evaluate(chain: LocalChain, harness: str, formula: int, rows: Sequence[Row]) -> list[int]:
    """One eth_call over all rows; encoded by hand, since web3's codec takes seconds for this."""
    words = [formula, 64, len(rows)] + [value for row in rows for value in row + (0,) * (ROW - len(row))]
    data = SELECTOR + b"".join(word.to_bytes(32) for word in words)
    answer = bytes.fromhex(chain.rpc("eth_call", {"to": harness, "data": "0x" + data.hex()}, "latest")[2:])
    return [int.from_bytes(answer[i : i + 32]) for i in range(64, len(answer), 32)]
