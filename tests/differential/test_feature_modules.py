"""Every feature module against its Python twin on a real chain, bit for bit, refusals included."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, replace

import pytest
from hexbytes import HexBytes
from web3.contract import Contract

from oracle.domain.feature_modules import TWINS, VECTOR_TWINS
from oracle.errors import InvalidInput
from oracle.units import WAD
from tests.support.feature_cases import CASES, HAR, SHAPES, START, VECTOR_CASES, FeatureCase, VectorCase, market
from tests.support.local_chain import LocalChain
from tests.support.reverts import RevertDecoder

WINDOWS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "1000"))
CALL_GAS = 2_000_000_000
BATCH_PRICES = 40_000
# Modules that clamp returns to 32 sigma_ref, and the one of them that takes a flat window
CLAMPING = {"GarchVolatilityModule", "GjrVolatilityModule", "TailRiskModule"}
TAKES_FLAT = {"GarchVolatilityModule"}

by_module = pytest.mark.parametrize("case", CASES, ids=lambda case: case.typical.contract)


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> Contract:
    """A source whose windows the test chooses."""
    return chain.deploy("ModuleHarness")


def module_of(chain: LocalChain, harness: Contract, features, scale_bits: int) -> Contract:
    """The module with these parameters over the harness."""
    return chain.deploy(features.contract, harness.address, *features.arguments(), scale_bits)


def expected_of(work: Callable[..., object], *arguments: object) -> object:
    """The twin's result, or the name of its refusal."""
    try:
        return work(*arguments)
    except InvalidInput as error:
        return type(error).__name__


def on_chain(harness: Contract, decoder: RevertDecoder, module: Contract, windows, times) -> list[object]:
    """The module's inputs for each window, or the name of its error."""
    count = len(windows[0])
    packed = b"".join(price.to_bytes(8) for window in windows for price in window)
    call = harness.functions.inputsOfWindows(module.address, count, packed, times)
    rows, errors = call.call({"gas": CALL_GAS})
    return [
        decoder.decode(bytes(HexBytes(error))).name if error else row for row, error in zip(rows, errors, strict=True)
    ]


def test_cases__every_twin__has_one() -> None:
    assert {case.typical.contract for case in CASES} == set(TWINS)
    assert {case.typical.contract for case in VECTOR_CASES} == set(VECTOR_TWINS)


@by_module
def test_inputs__random_and_adversarial_windows__equal(
    chain: LocalChain, decoder: RevertDecoder, harness: Contract, case: FeatureCase
) -> None:
    rng = random.Random(f"{case.circuit_id}")
    batch = max(1, min(BATCH_PRICES // case.typical.prices, WINDOWS // 4))
    seen: Counter[str] = Counter()
    for start in range(0, WINDOWS, batch):
        features, scale = case.draw(rng), rng.randint(12, 20)
        module, count = module_of(chain, harness, features, scale), features.prices
        size = min(batch, WINDOWS - start)
        windows = [SHAPES[(start + i) % len(SHAPES)](rng, count) for i in range(size)]
        times = [START + rng.randrange(10**9) for _ in windows]
        for window, time, actual in zip(
            windows, times, on_chain(harness, decoder, module, windows, times), strict=True
        ):
            expected = expected_of(features.inputs, window, time, scale)
            assert actual == expected, (features, scale, window, time)
            seen[expected if isinstance(expected, str) else "inputs"] += 1
    assert seen["inputs"] > WINDOWS // 3, seen


@by_module
def test_inputs__bad_windows__handled_or_refused_by_the_same_name(
    chain: LocalChain, decoder: RevertDecoder, harness: Contract, case: FeatureCase
) -> None:
    features, scale, quiet = case.typical, 14, market(case.typical.prices, seed=3)
    half = len(quiet) // 2
    windows = {
        "flat": [quiet[0]] * len(quiet),
        "halved": [*quiet[:half], *(price // 2 for price in quiet[half:])],
        "tenfold": [*quiet[:half], *(price * 10 for price in quiet[half:])],
    }
    module = module_of(chain, harness, features, scale)
    found = on_chain(harness, decoder, module, list(windows.values()), [START] * len(windows))
    assert found == [expected_of(features.inputs, window, START, scale) for window in windows.values()]
    named = dict(zip(windows, found, strict=True))
    assert isinstance(named["halved"], list)
    assert (named["flat"] == "FlatWindow") == (features.contract not in TAKES_FLAT)
    assert (named["tenfold"] == "ReturnOutOfRange") == (features.contract not in CLAMPING)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"day_wad": WAD, "week_wad": 0, "month_wad": 0}, "NotStationary"),
        ({"week_wad": -2 * WAD - 1}, "CoefficientOutOfRange"),
        ({"weekend_ahead_wad": 2 * WAD + 1}, "CoefficientOutOfRange"),
        ({"constant_wad": 4 * WAD + 1}, "CoefficientOutOfRange"),
    ],
)
def test_har_parameters__out_of_range__refused_by_the_same_name(
    chain: LocalChain, harness: Contract, reverts_any, changes: dict[str, int], error: str
) -> None:
    features = replace(HAR, **changes)
    assert expected_of(features.arguments) == error
    with reverts_any(error):
        chain.deploy(features.contract, harness.address, astuple(features), 14)


def test_har_inputs__a_month_beyond_the_inputs__refused_by_the_same_name(
    chain: LocalChain, decoder: RevertDecoder, harness: Contract
) -> None:
    features, quiet = replace(HAR, sigma_ref_wad=WAD // 1000), market(HAR.prices, seed=3)
    module = module_of(chain, harness, features, 14)
    assert on_chain(harness, decoder, module, [quiet], [START]) == ["MonthOutOfRange"]
    assert expected_of(features.inputs, quiet, START, 14) == "MonthOutOfRange"


@by_module
def test_answer__random_outputs__equal(chain: LocalChain, harness: Contract, case: FeatureCase) -> None:
    rng = random.Random(7)
    features, scale = case.draw(rng), 14
    module = module_of(chain, harness, features, scale)
    rows = [[rng.randint(low, high) for low, high in case.outputs] for _ in range(200)]
    rows += [[edge for _ in case.outputs] for edge in (0, 1, -1, WAD, 2**128 - 1, 2**128, -(2**128))]
    rows += [[low for low, _ in case.outputs], [high for _, high in case.outputs]]
    inputs = [[rng.randint(0, 7 << scale) for _ in range(8)] for _ in rows] if scaled(module) else []
    answers, errors = harness.functions.answersOf(module.address, inputs, rows).call({"gas": CALL_GAS})
    refused = 0
    for i, (row, answer, error) in enumerate(zip(rows, answers, errors, strict=True)):
        expected = expected_of(features.answer, row, inputs[i] if inputs else [], scale)
        refused += bool(error)
        assert (expected == answer) if not error else isinstance(expected, str), (row, expected, answer, error)
    assert refused < 10


@pytest.mark.parametrize("case", VECTOR_CASES, ids=lambda case: case.typical.contract)
def test_vector_module__random_vectors__inputs_and_answers_equal(
    chain: LocalChain, decoder: RevertDecoder, harness: Contract, case: VectorCase
) -> None:
    rng = random.Random(f"{case.circuit_id}")
    seen: Counter[str] = Counter()
    chain.send(harness.functions.setVector(list(case.values), START))
    batch = 50
    for start in range(0, WINDOWS, batch):
        features, scale = case.draw(rng), rng.randint(12, 18)
        module = module_of(chain, harness, features, scale)
        vectors = [case.draw_values(rng, features) for _ in range(min(batch, WINDOWS - start))]
        times = [START + rng.randrange(10 * 86_400) for _ in vectors]
        call = harness.functions.inputsOfVectors(module.address, vectors, times)
        rows, errors = call.call({"gas": CALL_GAS})
        for vector, time, row, error in zip(vectors, times, rows, errors, strict=True):
            expected = expected_of(features.inputs, vector, time, scale)
            actual = decoder.decode(bytes(HexBytes(error))).name if error else row
            assert actual == expected, (features, scale, vector, time)
            seen[expected if isinstance(expected, str) else "inputs"] += 1
        good = next((v for v, row in zip(vectors, rows, strict=True) if row), None)
        if good is not None:
            outputs = [[rng.randint(0, 3 * WAD) for _ in range(case.output_count)] for _ in range(10)]
            outputs += [[edge] * case.output_count for edge in (0, 1, -1, 100 * WAD, 100 * WAD + 1)]
            with chain.undone():
                chain.send(harness.functions.setVector(good, START))
                call = harness.functions.answersOf(module.address, [[0]] * len(outputs), outputs)
                answers, errors = call.call({"gas": CALL_GAS})
            for row, answer, error in zip(outputs, answers, errors, strict=True):
                expected = expected_of(features.answer, row, [], scale, good)
                assert (expected == answer) if not error else isinstance(expected, str), (features, good, row)
    assert seen["inputs"] > WINDOWS // 3, seen
    assert len(seen) > 1, seen


def scaled(module: Contract) -> bool:
    """Whether the module answers from inputs too."""
    return any(entry.get("name") == "answersFromInputs" for entry in module.abi)
