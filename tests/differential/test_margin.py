"""Margin and Vamm on chain equal their twins in oracle.domain to the unit, on random and extreme arguments."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from eth_utils.crypto import keccak

from oracle.domain import margin, vamm
from tests.support.local_chain import LocalChain

WAD = 10**18
BATCH = 2_500
CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", str(BATCH)))
SELECTOR = keccak(text="evaluate(uint8,uint256[6][])")[:4]
Row = tuple[int, ...]


def draw_up_to(d: random.Random, largest: int, least: int = 0) -> int:
    """A number over many orders of magnitude, its ends as likely as any of these."""
    kind = d.random()
    if kind < 0.1:
        return least if kind < 0.05 else largest
    return max(least, min(largest, d.getrandbits(d.randint(1, largest.bit_length()))))


def scale_row(d: random.Random) -> tuple[Row, int]:
    row = (draw_up_to(d, 2**32 - 1, 1), d.choice([0, draw_up_to(d, 2**32 - 1, 1)]))
    return row, margin.quantile_scale(*row)


def quantile_row(d: random.Random) -> tuple[Row, int]:
    row = (draw_up_to(d, 2**255), draw_up_to(d, 2**80))
    return row, margin.quantile(*row)


def initial_row(d: random.Random) -> tuple[Row, int]:
    lo = draw_up_to(d, WAD, 1)
    row = (draw_up_to(d, 2**110), d.randint(WAD // 2, 3 * WAD), draw_up_to(d, WAD), lo, d.randint(lo, WAD))
    return row, margin.initial_margin(*row)


def maintenance_row(d: random.Random) -> tuple[Row, int]:
    row = (draw_up_to(d, 2**128),)
    return row, margin.maintenance_margin(*row)


def factor_row(d: random.Random) -> tuple[Row, int]:
    floor = draw_up_to(d, WAD)
    row = (draw_up_to(d, 2**110), draw_up_to(d, 2**65), floor, d.randint(floor, WAD))
    return row, margin.collateral_factor(*row)


def weight_row(d: random.Random) -> tuple[Row, int]:
    row = (draw_up_to(d, 2**110), draw_up_to(d, 2**110, 1), draw_up_to(d, 2**70), draw_up_to(d, 2 * WAD))
    return row, margin.risk_weight(*row)


def ramp_row(d: random.Random) -> tuple[Row, int]:
    row = (
        draw_up_to(d, 2**64),
        draw_up_to(d, 2**64),
        draw_up_to(d, 2**40),
        draw_up_to(d, WAD),
        draw_up_to(d, 2**32, 1),
    )
    return row, margin.ramped(*row)


def depth_row(d: random.Random) -> tuple[Row, int]:
    row = (draw_up_to(d, 2**124), d.choice([0, 100, 200, 500, d.randint(0, 10_000)]), d.randint(0, 1))
    return row, vamm.depth(row[0], row[1], row[2] == 1)


def impact_row(d: random.Random) -> tuple[Row, int]:
    b = draw_up_to(d, 2**96, WAD)
    row = (b, d.randint(0, b - 1), d.randint(0, 1))
    return row, vamm.impact(row[0], row[1], row[2] == 1)


def base_row(d: random.Random) -> tuple[Row, int]:
    b, q, up = draw_up_to(d, 2**96, WAD), draw_up_to(d, 2**124, 2), d.randint(0, 1)
    quote = draw_up_to(d, 2**112) if up else d.randint(0, q - 1)
    return (b, q, quote, up), vamm.base_for_quote(b, q, quote, up == 1)


def quote_row(d: random.Random) -> tuple[Row, int]:
    b, q, up = draw_up_to(d, 2**96, WAD), draw_up_to(d, 2**124, 2), d.randint(0, 1)
    base = draw_up_to(d, 2**96) if up else d.randint(0, b - 1)
    return (b, q, base, up), vamm.quote_for_base(b, q, base, up == 1)


# In the order of MarginHarness.Formula
FORMULAS: dict[str, Callable[[random.Random], tuple[Row, int]]] = {
    "quantileScale": scale_row,
    "quantile": quantile_row,
    "initialMargin": initial_row,
    "maintenanceMargin": maintenance_row,
    "collateralFactor": factor_row,
    "riskWeight": weight_row,
    "ramped": ramp_row,
    "depth": depth_row,
    "impact": impact_row,
    "baseForQuote": base_row,
    "quoteForBase": quote_row,
}


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> str:
    """Address of the libraries behind a batch call."""
    return chain.deploy("MarginHarness").address


@pytest.mark.parametrize("name", FORMULAS)
def test_evaluate__random_and_extreme_rows__as_the_reference(chain: LocalChain, harness: str, name: str) -> None:
    index, make = list(FORMULAS).index(name), FORMULAS[name]
    d = random.Random(index)
    for _ in range(max(1, CASES // BATCH)):
        rows, expected = zip(*(make(d) for _ in range(BATCH)), strict=True)
        words = [index, 64, len(rows)] + [v for row in rows for v in row + (0,) * (6 - len(row))]
        data = SELECTOR + b"".join(word.to_bytes(32) for word in words)
        answer = bytes.fromhex(chain.rpc("eth_call", {"to": harness, "data": "0x" + data.hex()}, "latest")[2:])
        actual = [int.from_bytes(answer[i : i + 32]) for i in range(64, len(answer), 32)]
        assert [(r, a, e) for r, a, e in zip(rows, actual, expected, strict=True) if a != e] == []
