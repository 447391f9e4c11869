"""Marks between the pillars: the closed form they are compared with, refusals, and blindness to later days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import option_marks
from models._errors import DataMissing, ParameterOutOfRange
from models._export import committed
from models._marks_report import malz, residual_deviations, z_scores
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


def test_residual_deviations__of_validation_days__scale_the_scores() -> None:
    one = quotes()
    scores = z_scores(one, malz(one), residual_deviations(one, malz(one)))
    assert np.nanstd(scores) == pytest.approx(1.0, abs=0.02)


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
