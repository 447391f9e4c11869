"""What feature modules refuse, on a real chain: parameters and outputs at their limits and one beyond, errors whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from hexbytes import HexBytes
from web3.contract import Contract

from oracle.chain import build
from oracle.domain.cascade import CascadeFeatures
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import VECTOR_TWINS
from oracle.domain.gjr import GjrFeatures
from oracle.domain.har import HarFeatures
from oracle.domain.heston import HestonFeatures
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.units import WAD
from tests.support.feature_cases import CASES, GJR, START, VECTOR_CASES, market, wad
from tests.support.feature_limits import HAR, LIMITS, MARKS, QUIET_GJR, SCALE, SURFACE, Limit
from tests.support.local_chain import LocalChain
from tests.support.reverts import RevertDecoder, RevertError, normal

Reverts = Callable[..., AbstractContextManager[None]]
CALL_GAS = 500_000_000
ALL = (*CASES, *VECTOR_CASES)
VECTORS = {case.typical.contract: case for case in VECTOR_CASES}


@dataclass(frozen=True)
class Bench:
    """Modules over a source whose windows and vectors the test chooses."""

    chain: LocalChain
    harness: Contract
    decoder: RevertDecoder

    def construct(self, contract: str, arguments: tuple[object, ...], scale_bits: int = SCALE, at: str = "") -> None:
        """Runs a module's constructor without a transaction."""
        artifact = build.load(self.chain.settings, contract)
        factory = self.chain.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        data = factory.constructor(at or self.harness.address, *arguments, scale_bits).data_in_transaction
        self.chain.web3.eth.call({"data": data, "gas": CALL_GAS})

    def deploy(self, features: Any, scale_bits: int = SCALE) -> Contract:
        """The module, over a source that holds vectors of its size."""
        self.fill(features.contract)
        return self.chain.deploy(features.contract, self.harness.address, *features.arguments(), scale_bits)

    def fill(self, contract: str) -> None:
        """Gives the source the vector of a module over vectors."""
        if contract in VECTORS:
            self.chain.send(self.harness.functions.setVector(list(VECTORS[contract].values), START))

    def of_windows(self, features: Any, windows: Sequence[Sequence[int]], scale_bits: int = SCALE) -> list[Any]:
        """The module's inputs for each window, or its error."""
        module = self.deploy(features, scale_bits)
        packed = b"".join(price.to_bytes(8) for window in windows for price in window)
        times = [START] * len(windows)
        return self._run(self.harness.functions.inputsOfWindows(module.address, len(windows[0]), packed, times))

    def of_vectors(self, features: Any, vectors: Sequence[Sequence[int]], scale_bits: int = 18) -> list[Any]:
        """The module's inputs for each vector, or its error."""
        module = self.deploy(features, scale_bits)
        return self._run(self.harness.functions.inputsOfVectors(module.address, vectors, [START] * len(vectors)))

    def answers(
        self, module: Contract, rows: Sequence[Sequence[int]], inputs: Sequence[Sequence[int]] = ()
    ) -> list[Any]:
        """The module's answer for each row of outputs, or its error."""
        return self._run(self.harness.functions.answersOf(module.address, inputs, rows))

    def _run(self, call: Any) -> list[Any]:
        pairs = zip(*call.call({"gas": CALL_GAS}), strict=True)
        return [self.decoder.decode(bytes(HexBytes(error))) if error else found for found, error in pairs]


@pytest.fixture(scope="module")
def bench(chain: LocalChain, decoder: RevertDecoder) -> Bench:
    """Over one ModuleHarness."""
    return Bench(chain, chain.deploy("ModuleHarness"), decoder)


def word(text: str) -> bytes:
    """As a contract names a parameter."""
    return text.encode().ljust(32, b"\0")


def error_of(features: object) -> str:
    """What the module reverts with for a parameter out of range."""
    if isinstance(features, HarFeatures):
        return "CoefficientOutOfRange"
    return "ConfigurationOutOfRange" if type(features) in VECTOR_TWINS.values() else "ParameterOutOfRange"


def arguments_of(features: Any) -> tuple[object, ...]:
    """The constructor's arguments, of what the twin refuses too."""
    if isinstance(features, GjrFeatures):
        values = (features.sigma_ref_wad, features.omega_wad, features.alpha_wad, features.gamma_wad, features.beta_wad)
        return ((*values, features.horizon, features.periods_per_year),)
    if isinstance(features, TailRiskFeatures):
        squares = (features.quantile_squared_wad, features.shortfall_squared_wad)
        return ((*arguments_of(features.gjr), *squares, features.place),)
    values = tuple(getattr(features, field.name) for field in fields(features))
    return (values,) if isinstance(features, HarFeatures | RiskWeightFeatures) else values


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_constructor__parameter_at_its_limits__taken_and_one_beyond_refused(
    bench: Bench, reverts: Reverts, limit: Limit
) -> None:
    contract = limit.base.contract
    bench.fill(contract)
    for value, then in ((limit.least, limit.at_least), (limit.most, limit.at_most)):
        if then:
            with reverts("ParameterOutOfRange", word(str(then[0])), *then[1:]):
                bench.construct(contract, arguments_of(limit.at(value)))
        else:
            bench.construct(contract, arguments_of(limit.at(value)))
    unsigned = limit.unsigned and limit.least == 0
    name = "ParameterOutOfRange" if limit.field == "sigma_ref_wad" else error_of(limit.base)
    for value in (limit.most + 1,) if unsigned else (limit.least - 1, limit.most + 1):
        with reverts(name, word(limit.name), value, limit.least, limit.most):
            bench.construct(contract, arguments_of(limit.at(value)))


HALF, QUARTER = WAD // 2, WAD // 4
BY_ROUNDING = replace(QUIET_GJR, alpha_wad=255 * WAD // 512, beta_wad=255 * WAD // 512, gamma_wad=3 * WAD // 512)


@pytest.mark.parametrize(
    ("features", "scale_bits", "error"),
    [
        (
            replace(QUIET_GJR, alpha_wad=HALF, gamma_wad=HALF, beta_wad=QUARTER),
            SCALE,
            ("ParameterOutOfRange", word("alpha+gamma/2+beta"), WAD, 0, WAD - 1),
        ),
        (BY_ROUNDING, 8, ("ParameterOutOfRange", word("2alpha+gamma+2beta"), 514, 0, 511)),
        (replace(HAR, day_wad=HALF, week_wad=QUARTER, month_wad=QUARTER), SCALE, ("NotStationary", WAD, WAD)),
        (replace(HAR, day_wad=2 * WAD, month_wad=2 * WAD), SCALE, ("NotStationary", 4 * WAD, WAD)),
    ],
)
def test_constructor__together_one_or_more__refused(
    bench: Bench, reverts: Reverts, features: Any, scale_bits: int, error: tuple[Any, ...]
) -> None:
    with reverts(*error):
        bench.construct(features.contract, arguments_of(features), scale_bits)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.typical.contract)
def test_constructor__scale_and_source__taken_within_limits(bench: Bench, reverts: Reverts, case: Any) -> None:
    features = case.typical
    vector = features.contract in VECTORS
    bench.fill(features.contract)
    for scale_bits in (8, 30):
        bench.construct(features.contract, features.arguments(), scale_bits)
    name = "ConfigurationOutOfRange" if vector else "ParameterOutOfRange"
    for scale_bits in (7, 31):
        with reverts(name, word("inputScaleBits"), scale_bits, 8, 30):
            bench.construct(features.contract, features.arguments(), scale_bits)
    nobody = bench.chain.address(12)
    error = ("WrongSource", nobody, 0, len(features.components)) if vector else ("SourceWithoutCode", nobody)
    with reverts(*error):
        bench.construct(features.contract, features.arguments(), SCALE, nobody)


@pytest.mark.parametrize("case", VECTOR_CASES, ids=lambda case: case.typical.contract)
def test_constructor__source_of_other_vectors__refused(bench: Bench, reverts: Reverts, case: Any) -> None:
    expected = len(case.values)
    for count in (1, expected + 1):
        bench.chain.send(bench.harness.functions.setVector([1] * count, START))
        with reverts("WrongSource", bench.harness.address, count, expected):
            bench.construct(case.typical.contract, case.typical.arguments())


# Modules over returns that are not clamped, the price after which the price jumps, and the return that it is
JUMPS = [
    (RealisedVolatilityFeatures(WAD), 5, 4),
    (HAR, 700, 699),
    (DirectionFeatures(), 32, 31),
    (RiskWeightFeatures(2, WAD, 0), 7, 3),
]


@pytest.mark.parametrize(("features", "at", "index"), JUMPS, ids=lambda value: type(value).__name__)
def test_inputs__price_nine_times_the_last_taken__more_refused(
    bench: Bench, features: Any, at: int, index: int
) -> None:
    low, count = 10**9, features.prices
    windows = [[low] * at + [high] * (count - at) for high in (low, 9 * low, 9 * low + 1, 10 * low)]
    flat, nine, above, ten = bench.of_windows(features, windows)
    assert flat == RevertError("FlatWindow", (91 if isinstance(features, RiskWeightFeatures) else count,))
    expected = "MonthOutOfRange" if isinstance(features, HarFeatures) else None
    assert (nine.name if isinstance(nine, RevertError) else None) == expected
    assert above == RevertError("ReturnOutOfRange", (index, 8 * WAD + 10**9, 8 * WAD))
    assert ten == RevertError("ReturnOutOfRange", (index, 9 * WAD, 8 * WAD))


@pytest.mark.parametrize("features", [GJR, TailRiskFeatures(GJR)], ids=lambda value: type(value).__name__)
def test_inputs__clamped_returns__flat_refused(bench: Bench, features) -> None:
    (flat,) = bench.of_windows(features, [[10**9] * 33])
    assert flat == RevertError("FlatWindow", (33,))


def test_inputs__one_move_of_32__is_the_root_of_32_cut_at_5_657(bench: Bench) -> None:
    # sqrt(32) = 5.65685: 1448.2 and 5792.6 and 23170.5 at 2^8, 2^10 and 2^12, of which the second rounds above the cut
    still = 10**10
    rise, fall = [still] * 32 + [2 * still], [2 * still] * 32 + [still]
    for scale_bits, most in ((8, 1_448), (10, 5_792), (12, 23_170)):
        found = bench.of_windows(DirectionFeatures(), [rise, fall], scale_bits)
        assert found == [[0] * 31 + [most], [0] * 31 + [-most]]
        assert [DirectionFeatures().inputs(each, START, scale_bits) for each in (rise, fall)] == found


def test_inputs__month_of_eight_long_run_volatilities__refused_and_a_little_less_taken(bench: Bench) -> None:
    window = market(721, seed=3)
    (row,) = bench.of_windows(RealisedVolatilityFeatures(WAD), [window], 30)
    month = row[4] * WAD >> 30
    # a long-run volatility of an eighth of the month's, and of 4097/4096 of that eighth: 8 * 4096 / 4097 = 7.998047
    for scale_bits, less in ((12, 32_760), (20, 8_386_560)):
        cut = 8 << scale_bits
        features = [RealisedVolatilityFeatures(month // 8), RealisedVolatilityFeatures(month // 8 + month // 2**15)]
        (over,), (under,) = (bench.of_windows(each, [window], scale_bits) for each in features)
        assert over == RevertError("LevelOutOfRange", (cut, cut))
        assert (under[4], features[1].inputs(window, START, scale_bits)[4]) == (less, less)


def test_inputs__week_against_the_long_run__a_twentieth_to_eight(bench: Bench) -> None:
    # 45 returns of 1/99 and 45 of -1/100
    window = [100 * 10**8 if i % 2 else 99 * 10**8 for i in range(91)]
    week = (21 * (99**-2 + 100**-2) / 2) ** 0.5
    for ratio, expected in ((8.5, 8.0), (8.0001, 8.0), (7.95, 7.95), (0.0501, 0.0501), (0.04, 0.05)):
        features = RiskWeightFeatures(1, wad(week / ratio), WAD // 2)
        (row,) = bench.of_windows(features, [window], 20)
        assert row[0] / 2**20 == pytest.approx(expected, abs=2e-6)
        assert row == features.inputs(window, START, 20)
        assert row[4] == 1 << 19


COMPONENTS = {
    "HestonModule": (
        ("v0", 0, wad(0.09), 121 * WAD // 100),
        ("kappa", 1, WAD, 6 * WAD),
        ("theta", 2, wad(0.09), 121 * WAD // 100),
        ("xi", 3, 3 * WAD // 10, 25 * WAD // 10),
        ("rho", 4, -8 * WAD // 10, 2 * WAD // 10),
    ),
    "OptionMarkModule": (("forward", 0, 1, 10**36), ("atm", 1, WAD // 100, 5 * WAD)),
    "CascadeModule": (("sigma", 0, WAD // 100, 3 * WAD // 10), ("depth", 1, 1, 10**36)),
}


@pytest.mark.parametrize("contract", COMPONENTS)
def test_inputs__component_at_its_limits__taken_and_one_beyond_refused(bench: Bench, contract: str) -> None:
    case = VECTORS[contract]
    rows = [(name, place, least, most) for name, place, least, most in COMPONENTS[contract]]
    within, beyond, expected = [], [], []
    for name, place, least, most in rows:
        for value in (least, most, least - 1, most + 1):
            vector = [*case.values[:place], value, *case.values[place + 1 :]]
            if least <= value <= most:
                within.append(vector)
            else:
                beyond.append(vector)
                expected.append(RevertError("ConfigurationOutOfRange", (word(name), value, least, most)))
    found = bench.of_vectors(case.typical, within + beyond)
    assert [row for row in found[: len(within)] if isinstance(row, RevertError) and row.name == expected[0].name] == []
    assert found[len(within) :] == expected


STRIKES = MARKS.strikes_wad
BOOK = VECTORS["CascadeModule"].values
FLAT_LATER = (wad(0.09), 0, 0, 0, wad(0.3))


def surface(later: tuple[int, ...], earlier: tuple[int, ...] = ()) -> list[int]:
    """Two smiles, the earlier one by default six tenths of the later."""
    return [*later, *(earlier or (later[0] * 6 // 10, later[1] * 6 // 10, *later[2:]))]


def micro(value: float) -> int:
    """A number of six decimals as WAD."""
    return round(value * 10**6) * 10**12


# Vectors, and the column, value and domain of the input that is refused; the values by hand, to six digits
OUTSIDE = [
    (HestonFeatures(WAD // 4, wad(0.7)), VECTORS["HestonModule"].values, 0, 2.24844, -2, 2),
    (HestonFeatures(WAD // 4, wad(-0.7)), VECTORS["HestonModule"].values, 0, -2.24844, -2, 2),
    (MARKS, (10_000 * WAD, wad(0.6), wad(-0.05), wad(0.02)), 0, 3.33489, -3, 3),
    (MARKS, (30_000 * WAD, wad(0.6), wad(-0.181), wad(0.02)), 2, -0.301667, -0.3, 0.2),
    (MARKS, (30_000 * WAD, wad(0.6), wad(0.121), wad(0.02)), 2, 0.201667, -0.3, 0.2),
    (MARKS, (30_000 * WAD, wad(0.6), wad(-0.05), wad(0.043)), 3, 0.0716667, -0.01, 0.07),
    (MARKS, (30_000 * WAD, wad(0.6), wad(-0.05), wad(-0.007)), 3, -0.0116667, -0.01, 0.07),
    (replace(MARKS, expiry=START + 86_400), (30_000 * WAD, 5 * WAD, 0, 0), 1, 0.0523245, 0.0625, 1),
    (replace(SURFACE, log_moneyness_wad=WAD), surface(FLAT_LATER), 0, 3.33333, -2.5, 2.5),
    # w = .0664 + .502 (.82 * -.07 + sqrt(.07^2 + .0487^2)) = 0.0803929, and .502 over its root
    (
        replace(SURFACE, log_moneyness_wad=wad(-0.415)),
        surface((wad(0.0664), wad(0.502), wad(0.82), wad(-0.345), wad(0.0487))),
        1,
        1.7705,
        0,
        1.5,
    ),
    (SURFACE, surface((wad(0.09), wad(0.01), wad(-0.95), 0, wad(0.3))), 2, -0.95, -0.9, 0.9),
    (SURFACE, surface((wad(0.09), wad(0.001), 0, wad(0.3), wad(0.02))), 3, -15, -12, 12),
    (SURFACE, surface((wad(1.3), wad(0.001), 0, 0, wad(0.3))), 5, 1.14031, 0.05, 1.125),
    (SURFACE, surface((wad(0.002), 0, 0, 0, wad(0.3))), 5, 0.0447214, 0.05, 1.125),
    (SURFACE, surface(FLAT_LATER, FLAT_LATER), 6, 0, 0.0625, 2),
]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_inputs__outside_the_models_domain__refused_with_column_and_value(
    bench: Bench, outside: tuple[Any, ...]
) -> None:
    features, vector, column, value, least, most = outside
    (error,) = bench.of_vectors(features, [list(vector)])
    assert isinstance(error, RevertError), error
    assert (error.name, error.args[0], error.args[2:]) == ("InputOutOfDomain", column, (micro(least), micro(most)))
    assert error.args[1] / WAD == pytest.approx(value, rel=1e-5)


def test_inputs__flat_smile__slope_of_nothing_taken(bench: Bench) -> None:
    # omega = .3; T dw/dT / w = (1/4) (.09 - .054) / (1/12) / .09 = 1.2
    (row,) = bench.of_vectors(SURFACE, [surface(FLAT_LATER)], 20)
    assert [value / 2**20 for value in row] == pytest.approx([0, 0, 0, 0, 0, 0.3, 1.2], abs=2**-20)


def test_inputs__arbitrage_in_either_smile_or_between__refused_by_name(bench: Bench) -> None:
    # Axel Vogt's smile with a butterfly, Gatheral and Jacquier (2014), 3.1
    vogt = tuple(wad(value) for value in (-0.0410, 0.1331, 0.3060, 0.3586, 0.4153))
    above = (wad(0.5), wad(0.2), vogt[2], vogt[3], vogt[4])
    vectors = [surface(vogt, FLAT_LATER), surface(above, vogt), surface(FLAT_LATER, (wad(0.1), 0, 0, 0, wad(0.3)))]
    later, earlier, calendar = bench.of_vectors(SURFACE, vectors)
    assert (later.name, earlier.name, calendar.name) == (
        "ButterflyArbitrage",
        "ButterflyArbitrage",
        "CalendarArbitrage",
    )
    assert later == earlier
    assert calendar.args[1:] == (wad(0.1), wad(0.09))


def test_inputs__books_that_cannot_be__refused_with_bucket_and_debt(bench: Bench) -> None:
    even = list(BOOK)
    steep = [wad(0.02), 10 * WAD, 0, 0, wad(0.7), *[0] * 13]
    vectors = [[*even[:17], -1], [*even[:2], -5, *even[3:]], [*even[:2], *[0] * 16], steep, [wad(0.1), WAD, *even[2:]]]
    last, first, empty, runaway, heavy = bench.of_vectors(CascadeFeatures(wad(0.17)), vectors)
    assert last == RevertError("NegativeDebt", (15, -1))
    assert first == RevertError("NegativeDebt", (0, -5))
    assert empty == RevertError("EmptyBook")
    # 2.21289 sigmas are .0442578, in .04 to .06, which holds .7; times 1.05 / (10 * .02), a quarter sigma further
    assert (runaway.name, runaway.args[0], runaway.args[2]) == ("ImpactTooSteep", 4, 3 * WAD)
    assert runaway.args[1] / WAD == pytest.approx(3.12949, rel=1e-5)
    assert (heavy.name, heavy.args[2:]) == ("InputOutOfDomain", (0, 4 * WAD))


def test_inputs__one_unit_of_debt__is_a_book(bench: Bench) -> None:
    (row,) = bench.of_vectors(CascadeFeatures(0), [[wad(0.1), 1, *[0] * 15, 1]])
    assert row == [0] * 18 + [1 << 18, 0]


# Contract, outputs, which of them answers, and its range
OUTPUTS = [
    ("GjrVolatilityModule", 1, 0, 0, 2**128 - 1),
    ("TailRiskModule", 2, 0, 0, 2**128 - 1),
    ("RealisedVolatilityModule", 1, 0, 0, 100 * WAD),
    ("HarVolatilityModule", 1, 0, -64 * WAD, 64 * WAD),
    ("RiskWeightModule", 2, 0, 0, 10 * WAD),
    ("HestonModule", 1, 0, 0, 100 * WAD),
    ("LocalVolatilityModule", 2, 0, 0, 100 * WAD),
    ("OptionMarkModule", 8, 3, 0, 100 * WAD),
    ("CascadeModule", 4, 0, 0, 100 * WAD),
    ("DirectionModule", 1, 0, -(2**200), 2**200),
]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output[0])
def test_answer__output_at_its_limits__answered_and_one_beyond_refused(
    bench: Bench, output: tuple[str, int, int, int, int]
) -> None:
    contract, count, place, least, most = output
    features = next(case.typical for case in ALL if case.typical.contract == contract)
    module = bench.deploy(features)
    from_inputs = hasattr(module.functions, "answersFromInputs")
    rows = [[WAD] * count for _ in range(4)]
    for row, value in zip(rows, (least, most, least - 1, most + 1), strict=True):
        row[place] = value
    rows += [[WAD] * (count - 1), [WAD] * (count + 1)]
    found = bench.answers(module, rows, [[1] * 8] * len(rows) if from_inputs else [])
    assert [type(value) for value in found[:2]] == [int, int]
    if contract == "DirectionModule":
        assert found[:4] == [0, WAD, 0, WAD]
    else:
        beyond = [RevertError("OutputOutOfRange", (value, least, most)) for value in (least - 1, most + 1)]
        assert found[2:4] == beyond
    assert found[4:] == [RevertError("OutputCountMismatch", (size, count)) for size in (count - 1, count + 1)]
    if from_inputs:
        assert module.functions.answersFromInputs().call() is True
        assert bench.answers(module, [[WAD] * count]) == [RevertError("InputsNeeded")]
    source, scale_bits = module.functions.source().call(), module.functions.inputScaleBits().call()
    assert (source, scale_bits) == (bench.harness.address, SCALE)


def test_answer__density_at_its_margin__answered_and_one_below_refused(bench: Bench) -> None:
    rows = [[WAD, 5 * WAD // 100], [WAD, 5 * WAD // 100 - 1]]
    answer, error = bench.answers(bench.deploy(SURFACE), rows, [[0]] * 2)
    # a + b s = .06 + .08 * .3 = .084 at the money, over T = 1/4
    assert answer / WAD == pytest.approx((0.084 / 0.25) ** 0.5, rel=1e-12)
    assert error == RevertError("DensityBelowMargin", (5 * WAD // 100 - 1, 5 * WAD // 100))


def test_answer__weight__rounded_up_to_a_basis_point(bench: Bench) -> None:
    point = WAD // 10_000
    rows = [[0, 0], [1, 0], [point, 0], [point + 1, 0], [WAD, 5 * WAD], [10 * WAD, 0]]
    assert bench.answers(bench.deploy(RiskWeightFeatures(1, WAD, 0)), rows) == [
        0,
        point,
        point,
        2 * point,
        WAD,
        10 * WAD,
    ]


GETTERS = [
    (GJR, {"params": arguments_of(GJR)[0], "WINDOW": 32, "MODEL_INPUTS": 39, "windowPrices": 33}),
    (
        replace(TailRiskFeatures(GJR), quantile_squared_wad=5 * WAD, shortfall_squared_wad=6 * WAD, place=1),
        {"params": arguments_of(GJR)[0], "quantileSquaredWad": 5 * WAD, "shortfallSquaredWad": 6 * WAD, "place": 1},
    ),
    (replace(HAR, day_wad=1, week_wad=2, month_wad=3, weekend_ahead_wad=4, weekend_behind_wad=5, constant_wad=6),
     {"params": (HAR.sigma_ref_wad, 1, 2, 3, 4, 5, 6), "windowPrices": 721, "MODEL_INPUTS": 11}),
    (RealisedVolatilityFeatures(7), {"sigmaRefWad": 7, "windowPrices": 721, "MODEL_INPUTS": 8}),
    (RiskWeightFeatures(3, 4, 5), {"stride": 3, "sigmaRefWad": 4, "confidenceWad": 5, "windowPrices": 271}),
    (DirectionFeatures(), {"WINDOW": 32, "windowPrices": 33}),
    (HestonFeatures(WAD // 2, -7), {"yearsWad": WAD // 2, "logMoneynessWad": -7}),
    (SURFACE, {"yearsWad": WAD // 4, "yearsBeforeWad": WAD // 6, "logMoneynessWad": 0, "MIN_DENSITY": WAD // 20}),
    (MARKS, {"strikes": STRIKES, "expiry": START + 90 * 86_400, "place": 3}),
    (CascadeFeatures(9, 2), {"bufferWad": 9, "place": 2, "BUCKETS": 16, "LEVELS": 18, "FIGURES": 4}),
]  # fmt: skip


@pytest.mark.parametrize(("features", "expected"), GETTERS, ids=lambda value: getattr(value, "contract", ""))
def test_getters__deployed__what_was_given(bench: Bench, features, expected: dict[str, Any]) -> None:
    module = bench.deploy(features)
    assert {name: normal(module.functions[name]().call()) for name in expected} == expected
