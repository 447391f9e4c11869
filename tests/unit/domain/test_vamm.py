"""The constant product in figures that a reader can check, and its roundings: a wei against the trader, never more."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor, isqrt

import pytest

from oracle.domain import vamm
from oracle.units import BPS, WAD

B, Q = 1_000 * WAD, 100_000 * WAD


def test_base_for_quote__a_tenth_of_the_pool__eleventh_and_ninth_of_the_base() -> None:
    assert vamm.base_for_quote(B, Q, Q // 10, True) == B - -(-B * 10 // 11)
    assert vamm.base_for_quote(B, Q, Q // 10, False) == -(-B * 10 // 9) - B


def test_quote_for_base__a_tenth_of_the_pool__eleventh_and_ninth_of_the_quote() -> None:
    assert vamm.quote_for_base(B, Q, B // 10, True) == Q - -(-Q * 10 // 11)
    assert vamm.quote_for_base(B, Q, B // 10, False) == -(-Q * 10 // 9) - Q


def test_mark_price__odd_reserves__rounded_down() -> None:
    assert vamm.mark_price(3, 2) == 2 * WAD // 3
    assert vamm.mark_price(B, Q) == 100 * WAD


def test_impact__a_tenth_of_the_pool__rounded_up() -> None:
    assert vamm.impact(B, B // 10, True) == -(-WAD // 11)
    assert vamm.impact(B, B // 10, False) == -(-WAD // 9)


@pytest.mark.parametrize("round_up", [True, False])
def test_closing_value__random_books__rounded_as_asked(round_up: bool) -> None:
    draw = random.Random(2)
    for _ in range(300):
        b, q = draw.randint(10**6, 10**30), draw.randint(10**6, 10**30)
        net = draw.randint(-b + 1, 10**30)
        exact = q - Fraction(q * b, b + net)
        assert vamm.closing_value(b, q, net, round_up=round_up) == (ceil if round_up else floor)(exact)


@pytest.mark.parametrize("is_long", [True, False])
def test_trade__random_books__rounded_against_the_trader(is_long: bool) -> None:
    draw = random.Random(3)
    for _ in range(300):
        b, q = draw.randint(10**6, 10**30), draw.randint(10**6, 10**30)
        quote, base = draw.randint(0, q - 1), draw.randint(0, b - 1)
        bought = abs(b - Fraction(b * q, q + quote if is_long else q - quote))
        brought = abs(q - Fraction(b * q, b + base if is_long else b - base))
        against = floor if is_long else ceil
        assert vamm.base_for_quote(b, q, quote, is_long) == against(bought)
        assert vamm.quote_for_base(b, q, base, is_long) == against(brought)


@pytest.mark.parametrize(("move_bps", "up"), [(100, True), (100, False), (21 * BPS // 100, False), (BPS, True)])
def test_depth__move__quote_that_makes_it(move_bps: int, up: bool) -> None:
    root = isqrt((BPS + (move_bps if up else -move_bps)) * WAD * WAD // BPS)
    assert vamm.depth(Q, move_bps, up) == Q * abs(root - WAD) // WAD
    quote = vamm.depth(Q, move_bps, up)
    base = vamm.base_for_quote(B, Q, quote, up)
    after = vamm.mark_price(B - base if up else B + base, Q + quote if up else Q - quote)
    assert after == pytest.approx(100 * WAD * (BPS + (move_bps if up else -move_bps)) // BPS, rel=1e-12)
