"""The feature modules' twins at their limits and one beyond, and their numbers against the contracts' sources."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from oracle.domain import cascade, heston, local_volatility, option_marks, tail_risk
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import GarchFeatures
from oracle.domain.har import HarFeatures, NotStationary
from oracle.domain.local_volatility import DensityBelowMargin, LocalVolatilityFeatures
from oracle.domain.logistic import probability_wad
from oracle.domain.market_state import (
    NO_DEBT,
    AlreadyLiquidatable,
    PositionWithoutDebt,
    assessed,
    board_inputs,
    distance,
    market_state,
)
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.domain.risk_weight import RiskWeightFeatures
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.domain.vectors import ConfigurationOutOfRange, InputOutOfDomain, in_range, quantised, ratio_of
from oracle.domain.window import (
    FlatWindow,
    ReturnOutOfRange,
    checked_scale,
    checked_window,
    positive_squares,
    simple_returns,
)
from oracle.errors import InputRejected, InvalidInput, ValueOutOfRange
from oracle.settings import PROJECT_ROOT
from oracle.units import WAD
from tests.support.feature_cases import CASES, GARCH, GJR, START, VECTOR_CASES, market
from tests.support.feature_limits import HAR, LIMITS, MARKS, QUIET_GJR, SURFACE, Limit
from tests.unit.domain.test_twin_constants import of_solidity, value

QUARTER = WAD // 4


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_arguments__parameter_at_its_limits__taken_and_one_beyond_refused(limit: Limit) -> None:
    for number in (limit.least, limit.most):
        assert str(number) in str(limit.at(number).arguments())
    for number in (limit.least - 1, limit.most + 1):
        with pytest.raises(InvalidInput, match=rf" is {number}, must be ") as refused:
            limit.at(number).arguments()
        said = str(refused.value).partition(" is ")[0].replace("_", "").replace(" squared", "Squared")
        assert limit.name.lower().startswith(said.lower())


@pytest.mark.parametrize(
    ("features", "scale_bits", "words"),
    [
        (
            replace(QUIET_GJR, alpha_wad=2 * QUARTER, gamma_wad=2 * QUARTER, beta_wad=QUARTER),
            14,
            f"beta is {WAD}, must",
        ),
        (replace(QUIET_GJR, alpha_wad=WAD - 1), 14, "beta rounds to one or more at 2\\^14"),
        (replace(QUIET_GJR, gamma_wad=2 * WAD - 1), 14, "beta rounds to one or more at 2\\^14"),
        # 127.5 and 127.5 and half of 1.5 at 2^8 are below 256; rounded they are 257
        (
            replace(QUIET_GJR, alpha_wad=255 * WAD // 512, beta_wad=255 * WAD // 512, gamma_wad=3 * WAD // 512),
            8,
            "beta rounds to one or more at 2\\^8",
        ),
        (replace(QUIET_GJR, omega_wad=(WAD >> 15) - 1), 14, "is zero at 2\\^14"),
    ],
)
def test_gjr_quantised__what_the_scale_cannot_hold__refused(features: Any, scale_bits: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        features.quantised(scale_bits)


def test_gjr_quantised__the_least_that_the_scale_holds__taken() -> None:
    omega, alpha, gamma, beta, _, _ = replace(QUIET_GJR, omega_wad=WAD >> 15, alpha_wad=WAD // 2).quantised(14)
    assert (omega, alpha, gamma, beta) == (1, 1 << 13, 0, 0)


@pytest.mark.parametrize(
    ("coefficients", "total"),
    [
        ((2 * QUARTER, QUARTER, QUARTER), WAD),
        ((2 * QUARTER, QUARTER, QUARTER + 1), WAD + 1),
        ((2 * WAD, 2 * WAD, 2 * WAD), 6 * WAD),
    ],
)
def test_har_arguments__sum_of_one_or_more__not_stationary(coefficients: tuple[int, int, int], total: int) -> None:
    day, week, month = coefficients
    with pytest.raises(NotStationary, match=f"sum to {total}, must be below {WAD}") as refused:
        replace(HAR, day_wad=day, week_wad=week, month_wad=month).arguments()
    assert refused.value.persistence_wad == total


def test_har_arguments__sum_just_below_one__taken() -> None:
    features = HarFeatures(1, 2 * QUARTER, QUARTER, QUARTER - 1, 2, 3, 4)
    assert features.arguments() == ((1, 2 * QUARTER, QUARTER, QUARTER - 1, 2, 3, 4),)


def test_tail_risk__standard_multiples__of_the_normal_distribution() -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        quantile = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.98"))
        beyond = mpmath.npdf(mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.95"))) / mpmath.mpf("0.025")
        squares = [int(mpmath.nint(each**2 * WAD)) for each in (quantile, beyond)]
    assert squares == [tail_risk.NORMAL_Q99_SQUARED_WAD, tail_risk.NORMAL_ES975_SQUARED_WAD]


def test_tail_risk_answer__either_place__is_that_outputs() -> None:
    # sigma_ref .006 sqrt(24 * 1) = .0293939, and sqrt(24 * 4) = .0587878
    answers = [TailRiskFeatures(GJR, place=place).answer([WAD, 4 * WAD], [], 14) / WAD for place in (0, 1)]
    assert answers == pytest.approx([0.006 * 24**0.5, 0.006 * 96**0.5], rel=1e-12)


def number(words: str) -> Fraction:
    """A bound as it stands in a source."""
    found = value(words, {"WAD": Fraction(WAD)})
    assert found is not None, words
    return found


def bounds_of(contract: str, function: str) -> dict[str, tuple[Fraction, Fraction]]:
    """What a contract's calls of `_quantised` or `_requireRange` pass as bounds, by column or name."""
    text = (PROJECT_ROOT / "contracts" / "features" / f"{contract}.sol").read_text()
    calls = re.findall(rf'{function}\("?([^,"]+)"?, .+, ([^,]+), ([^,]+)\);', text)
    return {name.removeprefix("c + ").replace("c", "0"): (number(low), number(high)) for name, low, high in calls}


@pytest.mark.parametrize(
    ("contract", "twin"),
    [("HestonModule", heston), ("LocalVolatilityModule", local_volatility), ("OptionMarkModule", option_marks)],
)
def test_domain__of_the_twin__as_the_contract_has_it(contract: str, twin: ModuleType) -> None:
    domain = twin.DOMAIN
    assert {str(column): bounds for column, bounds in enumerate(domain)} == bounds_of(contract, "_quantised")
    assert {type(bound) for bounds in domain for bound in bounds} == {int}


def test_heston_ranges__of_the_twin__as_the_contract_has_them() -> None:
    text = (PROJECT_ROOT / "contracts" / "features" / "HestonModule.sol").read_text()
    calls = re.findall(r'_requireRange\("(\w+)", p\[(\d)\], ([^,;]+), ([^,;]+)\);', text)
    assert [(name, (number(low), number(high))) for name, _, low, high in calls] == list(heston.RANGES.items())
    assert [place for _, place, _, _ in calls] == list("01234")
    assert {type(bound) for bounds in heston.RANGES.values() for bound in bounds} == {int}


def test_limits__of_vectors_and_cascade__as_the_contracts_have_them() -> None:
    marks, book = of_solidity(("features/OptionMarkModule",)), of_solidity(("features/CascadeModule",))
    assert (marks["MIN_ATM"], marks["MAX_ATM"]) == option_marks.ATM_RANGE
    assert (book["MIN_SIGMA"], book["MAX_SIGMA"]) == cascade.SIGMA_RANGE
    assert len(option_marks.DOMAIN) == marks["COLUMNS"]
    assert (cascade.BUCKETS, len(cascade.LEVELS)) == (book["BUCKETS"], book["LEVELS"])
    assert {type(bound) for bound in (*cascade.SIGMA_RANGE, *option_marks.ATM_RANGE)} == {int}


COMPONENTS = [
    (0, 0, 9 * WAD // 100, 121 * WAD // 100),
    (0, 1, WAD, 6 * WAD),
    (0, 2, 9 * WAD // 100, 121 * WAD // 100),
    (0, 3, 3 * WAD // 10, 25 * WAD // 10),
    (0, 4, -8 * WAD // 10, 2 * WAD // 10),
    (2, 0, 1, 10**36),
    (2, 1, WAD // 100, 5 * WAD),
    (3, 0, WAD // 100, 3 * WAD // 10),
    (3, 1, 1, 10**36),
]


@pytest.mark.parametrize(("case", "place", "least", "most"), COMPONENTS)
def test_inputs__component_one_beyond__refused_and_at_its_limits_not(
    case: int, place: int, least: int, most: int
) -> None:
    features, values = VECTOR_CASES[case].typical, list(VECTOR_CASES[case].values)
    for number in (least - 1, most + 1):
        with pytest.raises(ConfigurationOutOfRange, match=f" is {number}, must be from {least} to {most}") as refused:
            features.inputs([*values[:place], number, *values[place + 1 :]], START, 18)
        assert refused.value.value == number
    for number in (least, most):
        try:
            features.inputs([*values[:place], number, *values[place + 1 :]], START, 18)
        except InvalidInput as error:
            assert not isinstance(error, ConfigurationOutOfRange)


def test_local_volatility_answer__density_at_its_margin__answered_and_one_below_refused() -> None:
    values = VECTOR_CASES[1].values
    assert SURFACE.answer([WAD, WAD // 20], [], 18, values) / WAD == pytest.approx((0.084 / 0.25) ** 0.5, rel=1e-12)
    assert SURFACE.answer([WAD, 10 * WAD], [], 18, values) == SURFACE.answer([WAD, WAD // 20], [], 18, values)
    with pytest.raises(DensityBelowMargin) as refused:
        SURFACE.answer([WAD, WAD // 20 - 1], [], 18, values)
    assert (refused.value.density, refused.value.minimum) == (WAD // 20 - 1, WAD // 20)


def test_option_marks__strikes_and_answer__eight_and_the_one_at_its_place() -> None:
    with pytest.raises(ConfigurationOutOfRange, match="strikes is 7, must be from 8 to 8"):
        replace(MARKS, strikes_wad=MARKS.strikes_wad[1:]).arguments()
    outputs = [WAD * (1 + i) for i in range(8)]
    values = (30_000 * WAD, 6 * WAD // 10, 0, 0)
    assert [replace(MARKS, place=i).answer(outputs, [], 18, values) for i in range(8)] == [
        6 * WAD // 10 * (1 + i) for i in range(8)
    ]


def test_quantised__at_bounds_and_beyond__refused_by_column() -> None:
    domain = ((-WAD, WAD), (0, 2 * WAD))
    assert quantised((-WAD, 2 * WAD), domain, 3) == [-8, 16]
    assert quantised((WAD, 0), domain, 3) == [8, 0]
    for values, column, least, most in (
        ((-WAD - 1, 0), 0, -WAD, WAD),
        ((WAD + 1, 0), 0, -WAD, WAD),
        ((0, -1), 1, 0, 2 * WAD),
        ((0, 2 * WAD + 1), 1, 0, 2 * WAD),
    ):
        said = f"input {column} is {values[column]}, the domain is {least} to {most} "
        with pytest.raises(InputOutOfDomain, match=said) as refused:
            quantised(values, domain, 3)
        assert (refused.value.column, refused.value.value) == (column, values[column])
    with pytest.raises(ValueError, match="argument"):
        quantised((0, 0, 0), domain, 3)


def test_ratio_of__zero_to_a_hundred__given_and_beyond_refused() -> None:
    assert [ratio_of([0, 100 * WAD, 7], place) for place in range(3)] == [0, 100 * WAD, 7]
    for output in (-1, 100 * WAD + 1):
        with pytest.raises(ValueOutOfRange):
            ratio_of([output], 0)
    assert [in_range("x", each, 2, 5) for each in (2, 3, 5)] == [2, 3, 5]


def test_windows__what_is_no_window__refused() -> None:
    checked_window([1, 2**64 - 1], 2)
    for prices, words in (([1], "1 prices, the window has 2"), ([0, 1], "below 2"), ([1, 2**64], "below 2")):
        with pytest.raises(InputRejected, match=words):
            checked_window(prices, 2)
    for scale_bits in (8, 30):
        checked_scale(scale_bits)
    for scale_bits in (7, 31):
        with pytest.raises(InputRejected, match=f"is {scale_bits}, must be from 8 to 30"):
            checked_scale(scale_bits)


def test_simple_returns__nine_times_taken__more_refused_with_its_place() -> None:
    assert simple_returns([10, 10, 90, 45], 1) == [0, 8 << 48, -1 << 47]
    assert simple_returns([10, 7, 90, 1, 45], 2) == [8 << 48, -1 << 47]
    for prices, index, wad in (([10, 10, 91], 1, 81 * WAD // 10), ([1, 100, 1], 0, 99 * WAD)):
        with pytest.raises(ReturnOutOfRange) as refused:
            simple_returns(prices)
        assert (refused.value.index, refused.value.return_wad, refused.value.max_wad) == (index, wad, 8 * WAD)


FLAT_SIZES = [(GJR, 33), (TailRiskFeatures(GJR), 33), (DirectionFeatures(), 33)]
FLAT_SIZES += [(RealisedVolatilityFeatures(1), 721), (HAR, 721), (RiskWeightFeatures(1, WAD, 0), 91)]


@pytest.mark.parametrize(("features", "size"), FLAT_SIZES, ids=lambda value: type(value).__name__)
def test_inputs__flat_window__refused_with_its_size(features: Any, size: int) -> None:
    assert features.prices == size
    with pytest.raises(FlatWindow, match=f"all {size} prices") as refused:
        features.inputs([10**9] * size, START, 14)
    assert refused.value.prices == size
    for count in (size - 1, size + 1):
        with pytest.raises(InputRejected, match=f"{count} prices, the window has {size}"):
            features.inputs([10**9] * count, START, 14)


def test_direction__one_move_of_32__is_the_root_of_32_cut_at_5_657() -> None:
    # sqrt(32) = 5.65685: 1448.2, 5792.6 and 23170.5 at 2^8, 2^10 and 2^12, of which the second rounds above the cut
    rise, fall = [10**10] * 32 + [2 * 10**10], [2 * 10**10] * 32 + [10**10]
    for scale_bits, most in ((8, 1_448), (10, 5_792), (12, 23_170)):
        found = [DirectionFeatures().inputs(each, START, scale_bits) for each in (rise, fall)]
        assert found == [[0] * 31 + [most], [0] * 31 + [-most]]


def test_realised_volatility__month_of_eight_long_run_ones__refused() -> None:
    window = market(721, seed=3)
    level = RealisedVolatilityFeatures(WAD).inputs(window, START, 30)[4] * WAD >> 30
    with pytest.raises(InputRejected, match=f"is {8 << 20}, below {8 << 20} is taken"):
        RealisedVolatilityFeatures(level // 8).inputs(window, START, 20)
    less = RealisedVolatilityFeatures(level // 8 + level // 2**15).inputs(window, START, 20)
    assert less[4] == 8_386_560  # 8 * 4096 / 4097


OUTPUTS: list[tuple[Any, int, int]] = [
    (RealisedVolatilityFeatures(WAD // 100), 0, 100 * WAD),
    (HAR, -64 * WAD, 64 * WAD),
    (RiskWeightFeatures(1, WAD, 0), 0, 10 * WAD),
]


@pytest.mark.parametrize(("features", "least", "most"), OUTPUTS, ids=lambda value: type(value).__name__)
def test_answer__output_at_its_limits__answered_and_one_beyond_refused(features: Any, least: int, most: int) -> None:
    extra = [0] if isinstance(features, RiskWeightFeatures) else []
    inputs = [1 << 14] * 8
    for output in (least, most):
        assert features.answer([output, *extra], inputs, 14) >= 0
    for output in (least - 1, most + 1):
        with pytest.raises(ValueOutOfRange):
            features.answer([output, *extra], inputs, 14)


def test_answer__figures_by_hand() -> None:
    # .01 * 2 * 3 * sqrt(365) and .03 * exp(.5 / 2) * sqrt(365), rounded up
    realised = RealisedVolatilityFeatures(WAD // 100).answer([2 * WAD], [0, 0, 0, 0, 3 << 14], 14)
    assert realised == 1_146298390472568011  # 0.06 * 19.104973174542800180
    assert HAR.answer([WAD // 2], [], 14) / WAD == pytest.approx(0.03 * 2.718281828459045**0.25 * 365**0.5, rel=1e-12)
    weights = [RiskWeightFeatures(1, WAD, 0).answer([w, 0], [], 14) for w in (0, 1, WAD, WAD + 1, WAD + 10**14)]
    assert weights == [0, 10**14, WAD, WAD + 10**14, WAD + 10**14]


def test_risk_weight__week_against_the_long_run__a_twentieth_to_eight() -> None:
    # 45 returns of 1/99 and 45 of -1/100
    window = [100 * 10**8 if i % 2 else 99 * 10**8 for i in range(91)]
    week = (21 * (99**-2 + 100**-2) / 2) ** 0.5
    for ratio, expected in ((8.5, 8.0), (8.0001, 8.0), (7.95, 7.95), (0.0501, 0.0501), (0.04, 0.05)):
        row = RiskWeightFeatures(1, int(week / ratio * WAD), WAD // 2).inputs(window, START, 20)
        assert (row[0] / 2**20, row[4]) == (pytest.approx(expected, abs=2e-6), 1 << 19)
    # the twentieth is rounded up: 12.8 and 204.8 and 3276.8, 52428.8 at 2^8, 2^12, 2^16 and 2^20
    low = RiskWeightFeatures(1, 10 * WAD, 0)
    assert [low.inputs(window, START, bits)[0] for bits in (8, 12, 16, 20)] == [13, 205, 3_277, 52_429]


def paced(*moves: float) -> list[int]:
    """91 prices: quiet ones, then these moves."""
    prices = [10**12 + (i % 2) * 10**6 for i in range(91 - len(moves))]
    for move in moves:
        prices.append(round(prices[-1] * (1 + move)))
    return prices


def test_market_state__figures_at_their_cuts__by_hand() -> None:
    one = 1 << 20
    rise, fall = market_state(paced(0.5), 1, 20), market_state(paced(-0.5), 1, 20)
    # one return of .5 in 90: a week's deviation is sqrt(21 / 90) / 2 = .241523; the day's share sqrt(90 / 3) is cut,
    # the week's sqrt(90 / 21) = 2.07020, the trend .5 / .241523 = 2.07020
    for state, trend in ((rise, 2.07020), (fall, -2.07020)):
        assert [x / one for x in state.inputs] == pytest.approx([2.41523, 2.07020, 4.0, trend], abs=2e-5)
        assert state.week / 2**64 == pytest.approx(0.241523, abs=1e-6)
    assert rise.inputs[2] == 4 * one
    # 20 moves of a tenth: 1.1^20 - 1 = 5.7275 over sqrt(21 * 20 / 90) / 10 = .216025 is 26.5, cut at 4; all in the week
    steep = market_state(paced(*[0.1] * 20), 1, 20).inputs
    assert steep[3] == 4 * one
    assert steep[1] / one == pytest.approx((90 / 21) ** 0.5, abs=1e-5)
    assert market_state(paced(*[-0.1] * 20), 1, 20).inputs[3] == -4 * one
    # of prices hardly moving, at least a tenth; of prices that leap, at most ten
    assert [market_state(paced(0.0001), 1, bits).inputs[0] for bits in (8, 20)] == [26, 104_858]
    assert market_state(paced(8.0, -0.9, 8.0), 1, 20).inputs[0] == 10 * one


def test_distance__health_factor_at_its_limits__cut_or_refused() -> None:
    week = 1 << 63  # a half
    assert [distance(factor, week, 10) for factor in (WAD, 2 * WAD)] == [0, 1_419]  # 2 ln 2 * 1024 = 1419.6
    assert [distance(factor, week, 10) for factor in (10**36, 10**36 + 1, NO_DEBT - 1)] == [8 << 10] * 3
    assert distance(10**36, 6 << 64, 10) == 7_073  # ln 1e18 / 6 * 1024 = 7073.4
    assert distance(10**36 + 1, 6 << 64, 10) == 8 << 10
    assert distance(54 * WAD, week, 10) == 8_169  # 2 ln 54 * 1024 = 8169.5
    assert distance(55 * WAD, week, 10) == 8_192  # 2 ln 55 * 1024 = 8207.1
    with pytest.raises(PositionWithoutDebt):
        distance(2**256 - 1, week, 10)
    with pytest.raises(AlreadyLiquidatable, match=f"is {WAD - 1}, at least {WAD}") as refused:
        distance(WAD - 1, week, 10)
    assert refused.value.health_factor == WAD - 1


def test_board_inputs__places__filled_from_the_front() -> None:
    window = paced(0.5)
    row = board_inputs(window, [WAD, 2 * WAD], places=4, stride=1, scale_bits=10)
    assert row[4:] == [0, 2_938, 8 << 10, 8 << 10]  # ln 2 / .241523 * 1024 = 2938.8
    for factors in ([], [WAD] * 5):
        with pytest.raises(InputRejected, match=f"{len(factors)} positions, a batch has 1 to 4"):
            board_inputs(window, factors, places=4, stride=1, scale_bits=10)
    assert len(board_inputs(window, [WAD] * 4, places=4, stride=1, scale_bits=10)) == 8


@pytest.mark.parametrize(("confidence", "kept"), [(-1, 0), (0, 0), (7, 7), (WAD, WAD), (WAD + 1, WAD)])
def test_assessed__outputs__probability_of_each_account_and_confidence(confidence: int, kept: int) -> None:
    assert assessed(["a", "b"], [0, -50 * WAD, 50 * WAD, confidence], 3) == ({"a": WAD // 2, "b": 0}, kept)


def test_probability__logits__of_the_logistic_function() -> None:
    assert [probability_wad(x) for x in (0, -1, 1)] == [WAD // 2, WAD // 2 - 1, WAD // 2]
    assert [probability_wad(x * WAD) for x in (42, 43, -42, -43)] == [WAD, WAD, 0, 0]
    # 1 / (1 + e) = .26894142136999512, of which the other side is the rest
    assert [probability_wad(x) for x in (-WAD, WAD)] == [268941421369995120, 731058578630004879]
    assert probability_wad(-42 * WAD + 1) == 0
    assert [probability_wad(x * WAD) for x in (-41, 41)] == [1, WAD - 2]


def test_features__parameters__cannot_be_changed() -> None:
    for features in (*(case.typical for case in (*CASES, *VECTOR_CASES)), GarchFeatures(GARCH)):
        assert features == replace(features)  # type: ignore[type-var]
        with pytest.raises((FrozenInstanceError, TypeError)):
            features.__setattr__(fields(features)[0].name if fields(features) else "other", 1)  # type: ignore[arg-type]


def test_local_volatility__maturity_before__earlier_by_a_ten_thousandth() -> None:
    features = LocalVolatilityFeatures(WAD // 1000, 9 * WAD // 10_000, 0)
    assert features.arguments() == (WAD // 1000, 9 * WAD // 10_000, 0)


def test_positive_squares__nothing_moved__names_one_price_more_than_returns() -> None:
    for returns, prices in (([0] * 3, 4), ([0] * 4, 5)):
        with pytest.raises(FlatWindow) as refused:
            positive_squares(returns)
        assert refused.value.prices == prices
    assert positive_squares([0, -3, 4]) == 25


def test_within__distances__debt_of_the_buckets_below_and_a_share_of_the_next() -> None:
    debts = [100 * (i + 1) for i in range(cascade.BUCKETS)]
    percent = WAD // 100
    cases = ((0, 0), (percent, 50), (2 * percent - 1, 99), (2 * percent, 100), (3 * percent, 200), (5 * percent, 450))
    assert [cascade.within(debts, distance) for distance, _ in cases] == [debt for _, debt in cases]
    assert [cascade.within(debts, d * percent) for d in (79, 80, 200)] == [13_520, 13_600, 13_600]
