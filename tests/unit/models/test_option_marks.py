"""Marks between the pillars: the closed form they are compared with, refusals, and blindness to later days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import option_marks
from models._errors import DataMissing, ParameterOutOfRange
from models._export import committed
from models._marks_report import DEVIATION_DAYS, deviation_days, malz, z_scores
from models._option_quotes import OptionQuotes, option_quotes

COUNT = 400


def quotes(seed: int = 5, days: int = 20) -> OptionQuotes:
    """Quotes of smiles that are Malz's own, with noise."""
    generator = np.random.default_rng(seed)
    z, years = generator.uniform(-2.5, 2.5, COUNT), generator.uniform(0.05, 0.9, COUNT)
    atm = generator.uniform(0.4, 0.9, COUNT)
    skew, wings = atm * generator.uniform(-0.15, 0.05, COUNT), atm * generator.uniform(0.0, 0.04, COUNT)
    day = np.sort(generator.integers(0, days, COUNT))
    empty = np.zeros(COUNT)
    made = OptionQuotes(
        day, np.full(COUNT, "BTC"), np.arange(COUNT), z * atm * np.sqrt(years), years, atm, skew, wings, z, empty, empty
    )
    noisy = malz(made) * (1 + 0.01 * generator.standard_normal(COUNT))
    columns = (getattr(made, name) for name in OptionQuotes.__slots__[:9])
    return OptionQuotes(*columns, volatility=noisy, half_spread=np.full(COUNT, 0.005))


def test_malz__at_the_pillars__gives_them_back() -> None:
    from scipy.special import ndtri

    one = quotes()
    root = one.atm * np.sqrt(one.years)
    for delta, sign in ((0.25, 1), (0.75, -1), (0.5, 0)):
        k = root * (root / 2 - ndtri(delta))
        at = OptionQuotes(*(k if name == "log_moneyness" else getattr(one, name) for name in OptionQuotes.__slots__))
        expected = one.atm + sign * one.skew / 2 + abs(sign) * one.wings
        np.testing.assert_allclose(malz(at), expected, rtol=1e-12)


def test_spans__days_in_order__no_day_in_two() -> None:
    known, held, tested = option_marks.spans(quotes())
    assert known.day.max() < held.day.min() <= held.day.max() < tested.day.min()
    assert len(known) + len(held) + len(tested) == COUNT


def test_z_scores__noise_of_one_size__deviation_of_one() -> None:
    one = quotes(days=3)
    scores = z_scores(many := repeated(one, 20), malz(many), 10)
    assert np.isnan(scores[many.day == 0]).all()
    assert np.nanstd(scores) == pytest.approx(1.0, abs=0.05)


def test_z_scores__later_quotes_changed__nothing_moves_before_them() -> None:
    one = repeated(quotes(days=3), 20)
    marks, later = malz(one), one.day >= 40
    shuffled = np.where(later, one.volatility[::-1], one.volatility)
    columns = (shuffled if name == "volatility" else getattr(one, name) for name in OptionQuotes.__slots__)
    before, after = (z_scores(each, marks, 5)[~later] for each in (one, OptionQuotes(*columns)))
    np.testing.assert_array_equal(before, after)


def test_deviation_days__noise_grows_from_day_to_day__the_fewest() -> None:
    one = repeated(quotes(days=3), 20)
    grown = malz(one) + (one.volatility - malz(one)) * 1.2**one.day
    columns = (grown if name == "volatility" else getattr(one, name) for name in OptionQuotes.__slots__)
    assert deviation_days(OptionQuotes(*columns), malz(one), one.day >= 20) == DEVIATION_DAYS[0]


def repeated(one: OptionQuotes, times: int) -> OptionQuotes:
    """The same quotes again and again, each time on later days."""
    span = int(one.day.max()) + 1
    columns = {name: np.tile(getattr(one, name), times) for name in OptionQuotes.__slots__ if name != "sources"}
    columns["day"] = np.concatenate([one.day + span * i for i in range(times)])
    return OptionQuotes(**columns)


def test_input_rows__anywhere_in_the_domain__inside_the_circuits_box() -> None:
    rows = option_marks.samples(2_000, 8).reshape(-1, 6)
    for column, (low, high) in enumerate(option_marks.DOMAIN):
        assert low <= rows[:, column].min()
        assert rows[:, column].max() <= high


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("z", (3.1, 0.5, -0.1, 0.02)),
        ("z", (float("nan"), 0.5, -0.1, 0.02)),
        ("T", (0.0, 0.0, -0.1, 0.02)),
        ("T", (0.0, -0.1, -0.1, 0.02)),
        ("T", (0.0, 1.5, -0.1, 0.02)),
        ("rr / atm", (0.0, 0.5, -0.5, 0.02)),
        ("bf / atm", (0.0, 0.5, -0.1, 0.13)),
    ],
)
def test_input_rows__outside_the_domain__refused_by_name(name: str, row: tuple[float, ...]) -> None:
    with pytest.raises(ParameterOutOfRange) as refused:
        option_marks.input_rows(*(np.array([value]) for value in row))
    assert refused.value.name == name


def test_volatility__usual_smiles__positive_and_near_the_parabola() -> None:
    one = quotes()
    got = option_marks.volatility(one, committed(option_marks.FAMILY).weights)
    assert (got > 0.2 * one.atm).all()
    assert np.median(np.abs(got / malz(one) - 1)) < 0.05


def test_reference__eight_strikes__each_by_itself() -> None:
    weights = committed(option_marks.FAMILY).weights
    inputs = option_marks.samples(200, 4)
    changed = inputs.copy().reshape(-1, 8, 6)
    changed[:, 3] = changed[:, 0]
    before, after = option_marks.reference(inputs, weights), option_marks.reference(changed.reshape(200, -1), weights)
    np.testing.assert_array_equal(np.delete(before, 3, axis=1), np.delete(after, 3, axis=1))
    np.testing.assert_array_equal(after[:, 3], before[:, 0])


def test_option_quotes__no_data__named(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="deribit"):
        option_quotes(tmp_path)
