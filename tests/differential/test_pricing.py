"""exp, ln, the normal distribution and Black-76: Solidity equals the Python twins, bit for bit, on a real chain."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import pytest
from eth_utils import keccak
from web3.contract import Contract

from oracle.domain import black76
from oracle.domain.black76 import Option, OptionRejected
from oracle.domain.normal import cdf_wad, pdf_wad
from oracle.domain.transcendental import ArgumentOutOfRange, ExponentTooLarge, exp_wad, ln_wad, sqrt_wad
from oracle.units import WAD
from tests.support.local_chain import LocalChain

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "4000"))
BATCH = 1_000
NOW = 1_767_225_600
YEAR = black76.YEAR_SECS
Terms = tuple[int, int, int, int, int, int]
FUNCTIONS: list[tuple[str, Callable[[int], int]]] = [
    ("exp", exp_wad),
    ("ln", ln_wad),
    ("sqrt", sqrt_wad),
    ("cdf", cdf_wad),
    ("pdf", pdf_wad),
]


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> Contract:
    """The libraries behind array arguments."""
    return chain.deploy("PricingHarness")


def words_of(harness: Contract, signature: str, words: Sequence[int]) -> list[int]:
    """One eth_call, encoded by hand, since web3's codec takes seconds for so many rows."""
    data = keccak(text=signature)[:4] + b"".join((word % 2**256).to_bytes(32) for word in words)
    output = harness.w3.eth.call({"to": harness.address, "data": "0x" + data.hex(), "gas": 2_000_000_000})
    return [int.from_bytes(output[i : i + 32], signed=True) for i in range(64, len(output), 32)]


def batches(rows: Sequence[Terms]) -> Iterator[Sequence[Terms]]:
    return (rows[i : i + BATCH] for i in range(0, len(rows), BATCH))


def argument(rng: random.Random, name: str) -> int:
    """An argument in the function's range, its ends and the places where it branches among them."""
    if name in ("ln", "sqrt"):
        if rng.random() < 0.1:
            return rng.choice((1, 2, WAD - 1, WAD, WAD + 1, 2**96, 2**97, 2**128 - 1))
        return max(1, rng.getrandbits(rng.randint(1, 128)))
    limit = {"exp": 88 * WAD, "cdf": 12 * WAD, "pdf": 12 * WAD}[name]
    if rng.random() < 0.1:
        return rng.choice((0, 1, -1, limit, -limit, 9 * WAD, -9 * WAD, 9 * WAD - 1, 4 * WAD, -42 * WAD, -42 * WAD - 1))
    return rng.randint(-limit, limit) // 10 ** rng.randint(0, 12)


def terms(rng: random.Random) -> Terms:
    """An option: everyday ones, and anything inside the library's limits."""
    secs = rng.randint(3_600, 2 * YEAR) if rng.random() < 0.7 else rng.randint(1, black76.MAX_SECS)
    vol = rng.randint(WAD // 10, 3 * WAD) if rng.random() < 0.7 else rng.randint(WAD // 100, 10 * WAD)
    if rng.random() < 0.8:
        forward = int(10 ** rng.uniform(16, 24))
        k = rng.gauss(0, 1.5) * (vol / WAD) * (secs / YEAR) ** 0.5
        strike = max(1, int(forward * 2.718281828 ** max(-20.0, min(20.0, k))))
        strike = forward if rng.random() < 0.05 else strike
    else:
        forward, strike = (rng.randint(1, 2 ** rng.randint(60, 119)) for _ in range(2))
    return forward, strike, vol, NOW + secs, NOW, rng.randint(0, 1)


@pytest.mark.parametrize("index", range(len(FUNCTIONS)), ids=[name for name, _ in FUNCTIONS])
def test_evaluate__random_and_edge_arguments__equal(harness: Contract, index: int) -> None:
    name, function = FUNCTIONS[index]
    rng = random.Random(index)
    arguments = [argument(rng, name) for _ in range(CASES)]
    signature = "evaluate(uint8,int256[])"
    got = words_of(harness, signature, [index, 64, len(arguments), *arguments])
    assert [(x, a, function(x)) for x, a in zip(arguments, got, strict=True) if a != function(x)] == []


def test_value_many__random_options__equal(harness: Contract) -> None:
    rng = random.Random(76)
    rows = [row for row in (terms(rng) for _ in range(CASES)) if priceable(row)]
    assert len(rows) > 0.8 * CASES
    for batch in batches(rows):
        signature = "valueMany((int256,int256,int256,uint256,uint256,uint256)[])"
        got = words_of(harness, signature, [32, len(batch), *(word for row in batch for word in row)])
        for i, row in enumerate(batch):
            assert tuple(got[4 * i : 4 * i + 4]) == valuation(row), row


def test_implied_many__prices_of_random_options__equal(harness: Contract) -> None:
    rng = random.Random(77)
    rows, prices, expected = [], [], []
    while len(rows) < CASES // 8:
        row = terms(rng)
        if not priceable(row):
            continue
        option = Option(row[0], row[1], bool(row[5]))
        price = valuation(row)[0] + rng.choice((0, 0, 0, 1, -1, row[0] // 10**6))
        try:
            expected.append(black76.implied_volatility_wad(option, row[3], row[4], price))
        except OptionRejected:
            continue
        rows.append(row)
        prices.append(price)
    signature = "impliedMany((int256,int256,int256,uint256,uint256,uint256)[],int256[])"
    words = [64, 96 + 192 * len(rows), len(rows), *(word for row in rows for word in row), len(prices), *prices]
    assert words_of(harness, signature, words) == expected


def test_implied_many__ends_of_every_range__equal_and_price_again(harness: Contract) -> None:
    # strikes at the money, near it and where no start is inside the bracket; an hour to twenty years; 1 % to 1,000 %
    ratios = [(WAD, WAD), (1001, 1000), (1000, 1001), (3, 2), (1, 2), (2_981, 1), (1, 2_981)]
    spans, vols = (
        (3_600, 30 * 86_400, black76.MAX_SECS),
        (WAD // 100, WAD // 100 + 1, 6 * WAD // 10, 10 * WAD - 1, 10 * WAD),
    )
    rows, prices, expected = [], [], []
    for up, down in ratios:
        for secs in spans:
            for i, vol in enumerate(vols):
                row = (2_000 * WAD, 2_000 * WAD * up // down, vol, NOW + secs, NOW, i % 2)
                worth = valuation(row)[0]
                option = Option(row[0], row[1], bool(row[5]))
                try:
                    found = black76.implied_volatility_wad(option, row[3], row[4], worth)
                except OptionRejected:
                    continue
                again = black76.value(option, black76.deviation_wad(min(max(found, WAD // 100), 10 * WAD), row[3], NOW))
                assert abs(again - worth) <= 10**10, row
                rows.append(row)
                prices.append(worth)
                expected.append(found)
    assert len(rows) > 90
    signature = "impliedMany((int256,int256,int256,uint256,uint256,uint256)[],int256[])"
    words = [64, 96 + 192 * len(rows), len(rows), *(word for row in rows for word in row), len(prices), *prices]
    assert words_of(harness, signature, words) == expected


def test_implied_volatility__first_step_of_the_tolerance__is_the_last(harness: Contract) -> None:
    # At the money the search starts half way from 1 % to 1,000 %. Prices there plus a millionth of a millionth of vega,
    # give or take a unit of the volatility's last digit: the first two steps end the search, after the third it goes on
    money, middle = 2**100, 5_005 * WAD // 1_000
    terms = (money, money, WAD, NOW + YEAR, NOW, 1)
    prices = {999_999: 1252017980499810704575592888333, 1_000_000: 1252017980499810704597674139544}
    for step, price in prices.items():
        assert harness.functions.impliedVolatility(terms, price).call() == middle + step
        assert black76.implied_volatility_wad(Option(money, money, True), NOW + YEAR, NOW, price) == middle + step
    further = 1252017980499810704619755390755
    found = black76.implied_volatility_wad(Option(money, money, True), NOW + YEAR, NOW, further)
    assert found != middle + 1_000_001
    assert harness.functions.impliedVolatility(terms, further).call() == found


def priceable(row: Terms) -> bool:
    """Whether the ratio of strike and forward has a logarithm."""
    try:
        valuation(row)
    except ArgumentOutOfRange:
        return False
    return True


def valuation(row: Terms) -> tuple[int, int, int, int]:
    """Value, delta, gamma, vega by the twin."""
    forward, strike, vol, expiry, now, is_call = row
    option = Option(forward, strike, bool(is_call))
    deviation = black76.deviation_wad(vol, expiry, now)
    g = black76.greeks(option, deviation, black76.root_years_wad(expiry, now))
    return black76.value(option, deviation), g.delta, g.gamma, g.vega


GOOD: Terms = (WAD, WAD, WAD, NOW + 3_600, NOW, 1)
BAD: list[tuple[str, dict[int, int]]] = [
    ("ForwardOutOfRange", {0: 0}),
    ("ForwardOutOfRange", {0: -WAD}),
    ("ForwardOutOfRange", {0: 2**120}),
    ("StrikeOutOfRange", {1: 0}),
    ("StrikeOutOfRange", {1: -1}),
    ("StrikeOutOfRange", {1: 2**255 - 1}),
    ("VolatilityOutOfRange", {2: 0}),
    ("VolatilityOutOfRange", {2: -WAD}),
    ("VolatilityOutOfRange", {2: 10 * WAD + 1}),
    ("ExpiryPassed", {3: NOW}),
    ("ExpiryPassed", {3: NOW - 1}),
    ("ExpiryTooFar", {3: NOW + black76.MAX_SECS + 1}),
]


@pytest.mark.parametrize(("name", "change"), BAD, ids=[f"{n}-{next(iter(c.items()))}" for n, c in BAD])
def test_value_of__bad_terms__same_error_with_same_values(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]], name: str, change: dict[int, int]
) -> None:
    row = tuple(change.get(i, value) for i, value in enumerate(GOOD))
    with pytest.raises(OptionRejected) as refused:
        valuation(row)
    assert type(refused.value).__name__ == name
    with reverts(name, *refused.value.fields):
        harness.functions.valueOf(row).call()


def test_price__deviation_zero__refused_alike(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]]
) -> None:
    with pytest.raises(black76.DeviationNotPositive):
        black76.value(Option(WAD, WAD, True), 0)
    with reverts("DeviationNotPositive", 0):
        harness.functions.price(WAD, WAD, 0, True).call()


@pytest.mark.parametrize("price", [-1, 2 * WAD])
def test_implied_volatility__impossible_price__refused_alike(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]], price: int
) -> None:
    with pytest.raises(black76.OptionPriceOutOfRange) as refused:
        black76.implied_volatility_wad(Option(WAD, WAD, True), NOW + 3_600, NOW, price)
    with reverts("OptionPriceOutOfRange", *refused.value.fields):
        harness.functions.impliedVolatility(GOOD, price).call()


def test_evaluate__outside_the_functions_domain__refused_alike(
    harness: Contract, reverts: Callable[..., AbstractContextManager[None]]
) -> None:
    for index, x in ((1, 0), (1, -1), (1, 2**128 + 1), (2, 0), (2, 2**128)):
        with pytest.raises(ArgumentOutOfRange):
            FUNCTIONS[index][1](x)
        with reverts("ArgumentOutOfRange", x, 2**128):
            harness.functions.evaluate(index, [x]).call()
    with pytest.raises(ExponentTooLarge):
        exp_wad(88 * WAD + 1)
    with reverts("ExponentTooLarge", 88 * WAD + 1, 88 * WAD):
        harness.functions.evaluate(0, [88 * WAD + 1]).call()
