"""The feature window and the GARCH weights: Python's integers against Solidity's on a real chain, bit for bit."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

import pytest
from eth_utils import keccak
from hexbytes import HexBytes
from web3.contract import Contract

from oracle.domain.features import MODEL_INPUTS, PRICES, garch_inputs, initial_variance, standardised_returns
from oracle.domain.garch import (
    MAX_OMEGA_WAD,
    MAX_SCALE_BITS,
    MAX_SIGMA_REF_WAD,
    MAX_VARIANCE_WAD,
    MIN_SCALE_BITS,
    GarchParams,
    annualised_vol_wad,
    horizon_weights_wad,
    quantised_parameters,
)
from oracle.errors import InvalidInput
from oracle.units import WAD, div_round, scaled_from_wad
from tests.support.local_chain import LocalChain
from tests.support.modules import params_tuple

T = TypeVar("T")
MAX_PRICE = 2**64 - 1
WINDOWS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "12000"))
CALL_GAS = 2_000_000_000
OUT_OF_RANGE = keccak(text="ParameterOutOfRange(bytes32,uint256,uint256,uint256)")[:4]


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> Contract:
    """The libraries behind array arguments."""
    return chain.deploy("FeatureHarness")


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[i : i + size] for i in range(0, len(values), size))


def fill_many(harness: Contract, cases: Sequence[tuple[list[int], int, int]]) -> list[list[int]]:
    """FeatureHarness.fillMany by plain words: web3's own encoding of so many arrays takes most of a minute."""
    count = len(cases)
    windows, sigmas, scales = zip(*cases, strict=True)
    heads = (96, 96 + 32 * (1 + count * PRICES), 96 + 32 * (2 + count * (PRICES + 1)))
    words = [*heads, count, *(price for window in windows for price in window), count, *sigmas, count, *scales]
    selector = keccak(text="fillMany(uint64[33][],uint256[],uint8[])")[:4]
    data = selector + b"".join(word.to_bytes(32) for word in words)
    output = harness.w3.eth.call({"to": harness.address, "data": HexBytes(data), "gas": CALL_GAS})
    values = [int.from_bytes(output[i : i + 32], signed=True) for i in range(64, len(output), 32)]
    return [list(row) for row in batches(values, PRICES)]


def walk(rng: random.Random) -> list[int]:
    """A price path with a volatility from 0.001 % to 60 % a step."""
    sigma, price = 10 ** rng.uniform(-5, -0.2), 10 ** rng.uniform(0, 18)
    prices = []
    for _ in range(PRICES):
        prices.append(min(MAX_PRICE, max(1, int(price))))
        price *= max(1e-6, 1 + rng.gauss(0, sigma))
    return prices


def jump(rng: random.Random) -> list[int]:
    """Flat but for one move by a factor of a million."""
    low = rng.randint(1, 10**12)
    at = rng.randrange(1, PRICES)
    levels = (low, low * 10**6) if rng.random() < 0.5 else (low * 10**6, low)
    return [levels[0]] * at + [levels[1]] * (PRICES - at)


SHAPES: list[Callable[[random.Random], list[int]]] = [
    walk,
    walk,
    walk,
    jump,
    lambda rng: [rng.randint(1, MAX_PRICE)] * PRICES,  # flat
    lambda rng: [rng.randint(1, MAX_PRICE) for _ in range(PRICES)],
    lambda rng: [rng.randint(1, 4) for _ in range(PRICES)],  # many quotients half way between integers
    lambda rng: [1 if (i + rng.randint(0, 1)) % 2 else MAX_PRICE for i in range(PRICES)],
    lambda rng: [MAX_PRICE - rng.randint(0, 3) for _ in range(PRICES)],
    lambda rng: [10**10 + rng.randint(-2, 2) for _ in range(PRICES)],  # returns below the scale's resolution
    lambda rng: [2 ** rng.randint(0, 63) for _ in range(PRICES)],
]


def sigma_of(rng: random.Random) -> int:
    edges = (1, 2, 10**9, 10**16, WAD, MAX_SIGMA_REF_WAD)
    return rng.choice(edges) if rng.random() < 0.2 else int(10 ** rng.uniform(13, 18))


def params_of(rng: random.Random) -> GarchParams:
    """Parameters in range, their edges included."""
    alpha = rng.choice((0, 1, rng.randrange(WAD)))
    beta = rng.choice((0, WAD - 1 - alpha, rng.randrange(WAD - alpha)))
    return GarchParams(
        sigma_ref_wad=sigma_of(rng),
        omega_wad=rng.choice((10**17, MAX_OMEGA_WAD, rng.randint(10**12, WAD))),
        alpha_wad=alpha,
        beta_wad=beta,
        horizon=rng.choice((1, 2, 5, 24, 365, rng.randint(1, 365))),
        periods_per_year=rng.choice((1, 252, 365, 8766, 31_557_600)),
    )


def broken(rng: random.Random, params: GarchParams) -> GarchParams:
    """The parameters with one of them at or beyond a limit."""
    field, value = rng.choice(
        [
            ("sigma_ref_wad", 0),
            ("sigma_ref_wad", MAX_SIGMA_REF_WAD + 1),
            ("sigma_ref_wad", 2**256 - 1),
            ("omega_wad", 0),
            ("omega_wad", 1),
            ("omega_wad", MAX_OMEGA_WAD + 1),
            ("alpha_wad", WAD),
            ("alpha_wad", 2**256 - 1),
            ("beta_wad", WAD - params.alpha_wad),
            ("beta_wad", 2**256 - 1),
            ("horizon", 0),
            ("horizon", 366),
            ("periods_per_year", 0),
            ("periods_per_year", 31_557_601),
        ]
    )
    return replace(params, **{field: value})


def test_fill__random_and_adversarial_windows__equal(harness: Contract) -> None:
    rng = random.Random(7992)
    windows = [SHAPES[i % len(SHAPES)](rng) for i in range(WINDOWS)]
    sigmas = [sigma_of(rng) for _ in windows]
    scales = [rng.randint(MIN_SCALE_BITS, MAX_SCALE_BITS) for _ in windows]
    for batch in batches(list(zip(windows, sigmas, scales, strict=True)), 500):
        for case, row in zip(batch, fill_many(harness, batch), strict=True):
            expected = standardised_returns(*case)
            assert row == [*expected, sum(x * x for x in expected)], case


def test_fill__windows_of_the_run__reach_both_clamps_and_ties() -> None:
    rng = random.Random(7992)
    seen = set()
    for i in range(2000):
        x = standardised_returns(SHAPES[i % len(SHAPES)](rng), sigma_of(rng), 16)
        seen |= {value for value in x if abs(value) == 32 << 16 or value == 0}
        assert initial_variance(x, 16) <= 1024 << 16
    assert seen == {-(32 << 16), 0, 32 << 16}


def test_inputs__whole_module__equal(harness: Contract) -> None:
    rng = random.Random(42)
    for _ in range(12):
        params, scale = params_of(rng), rng.randint(14, 17)
        windows = [SHAPES[i % len(SHAPES)](rng) for i in range(100)]
        if scaled_from_wad(params.alpha_wad, scale) + scaled_from_wad(params.beta_wad, scale) >= 1 << scale:
            params = replace(params, alpha_wad=WAD // 10, beta_wad=WAD // 2)
        call = harness.functions.inputsMany(windows, params_tuple(params), scale)
        actual = call.call({"gas": CALL_GAS})
        assert actual == [garch_inputs(window, params, scale) for window in windows]
        assert all(len(row) == MODEL_INPUTS for row in actual)


def test_constructor__parameters_in_and_out_of_range__equal_or_both_refuse(harness: Contract) -> None:
    rng = random.Random(11)
    cases = []
    for i in range(400):
        params = params_of(rng)
        scale = rng.choice((7, 8, 30, 31, 255)) if i % 10 == 0 else rng.randint(MIN_SCALE_BITS, MAX_SCALE_BITS)
        cases.append((broken(rng, params) if i % 3 == 0 else params, scale))
    accepted = 0
    for batch in batches(cases, 50):
        rows = [params_tuple(p) for p, _ in batch]
        quantised, errors = harness.functions.parametersMany(rows, [s for _, s in batch]).call({"gas": CALL_GAS})
        for (params, scale), actual, error in zip(batch, quantised, errors, strict=True):
            try:
                expected = list(quantised_parameters(params, scale))
            except InvalidInput:
                assert error == OUT_OF_RANGE, (params, scale)
            else:
                assert (error, actual) == (bytes(4), expected), (params, scale)
                accepted += 1
    assert 100 < accepted < 300


def test_answer__random_and_edge_variances__equal(harness: Contract) -> None:
    rng = random.Random(5)
    for _ in range(20):
        params = replace(params_of(rng), omega_wad=WAD, alpha_wad=WAD // 10, beta_wad=WAD // 2)
        squares = [i * i for i in range(20)]
        variances = [0, 1, 2, WAD - 1, WAD, WAD + 1, MAX_VARIANCE_WAD - 1, *squares]
        variances += [int(2 ** rng.uniform(0, 127.9)) for _ in range(200)]
        actual = harness.functions.answersMany(variances, params_tuple(params)).call({"gas": CALL_GAS})
        assert actual == [annualised_vol_wad(v, params) for v in variances]


def test_div_round__random_and_ties__equal_and_exact(harness: Contract) -> None:
    rng = random.Random(3)
    pairs = [(rng.randint(-50, 50), rng.randint(1, 12)) for _ in range(2000)]
    pairs += [
        (rng.choice((-1, 1)) * rng.getrandbits(rng.randint(1, 250)), rng.getrandbits(160) + 1) for _ in range(3000)
    ]
    pairs += [(s * (2**254), d) for s in (-1, 1) for d in (1, 2, 3, 2**254)]
    for batch in batches(pairs, 1000):
        actual = harness.functions.divRoundMany(*zip(*batch, strict=True)).call({"gas": CALL_GAS})
        assert actual == [div_round(n, d) for n, d in batch]
        assert actual == [nearest_half_away(Fraction(n, d)) for n, d in batch]


def test_scaled_from_wad__random__equal(harness: Contract) -> None:
    rng = random.Random(4)
    cases = [(rng.choice((-1, 1)) * rng.getrandbits(rng.randint(1, 200)), rng.randint(0, 30)) for _ in range(2000)]
    actual = harness.functions.scaledFromWadMany(*zip(*cases, strict=True)).call({"gas": CALL_GAS})
    assert actual == [scaled_from_wad(v, s) for v, s in cases]


def test_median__random_lists__as_sorted(harness: Contract) -> None:
    rng = random.Random(6)
    lists = [[rng.choice((1, MAX_PRICE, rng.randint(1, 9))) for _ in range(rng.randint(1, 32))] for _ in range(1000)]
    actual = harness.functions.mediansMany(lists).call({"gas": CALL_GAS})
    for values, median in zip(lists, actual, strict=True):
        ordered = sorted(values)
        middle = ordered[(len(values) - 1) // 2 : len(values) // 2 + 1]
        assert median == sum(middle) // len(middle)


def test_horizon_weights__random__near_the_exact_sums() -> None:
    rng = random.Random(8)
    for _ in range(60):
        params = replace(params_of(rng), horizon=rng.choice((1, 2, 5, 24, 60)))
        phi, k = Fraction(params.alpha_wad + params.beta_wad, WAD), params.horizon
        a = sum(phi**j for j in range(k)) / k
        b = Fraction(params.omega_wad, WAD) / k * sum((k - j) * phi ** (j - 1) for j in range(1, k))
        a_wad, b_wad = horizon_weights_wad(params)
        assert 0 <= a * WAD - a_wad <= k + 1
        assert 0 <= b * WAD - b_wad <= k * k * (params.omega_wad // WAD + 1) + 2


def nearest_half_away(value: Fraction) -> int:
    """The nearest integer, from half away from zero."""
    return (1 if value >= 0 else -1) * int(abs(value) + Fraction(1, 2))
