"""HAR-RV in logarithms: coefficients found again, the horizon of what a refit knows, parameters refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from models._errors import ParameterOutOfRange
from models._rv_baselines import COLUMNS, FLOOR, fit_har, har_forecast, log_rows
from models._rv_days import Days
from models._rv_features import HOURS
from models.har import DOMAIN, input_row, reference

TRUE = np.array([0.3, 0.4, 0.2, -0.7, 0.4, 0.2])
SIGMA = 0.04


def market(count: int) -> Days:
    """Days whose variances follow the coefficients exactly."""
    generator = np.random.default_rng(1)
    inputs = np.exp(generator.normal(0, 0.3, (count, 8)))
    inputs[:, 6:] = generator.integers(0, HOURS + 1, (count, 2)) / HOURS
    month = SIGMA**2 * np.exp(generator.normal(0, 0.5, count))
    days = Days(HOURS * np.arange(1, count + 1), inputs, month, np.zeros(count))
    ahead = np.exp(log_rows(days, SIGMA) @ TRUE[:-1] + TRUE[-1]) - FLOOR
    return Days(days.end, inputs, month, ahead * SIGMA**2)


def test_fit_har__days_of_a_known_model__its_coefficients() -> None:
    days = market(300)
    np.testing.assert_allclose(fit_har(log_rows(days, SIGMA), days.ahead / SIGMA**2), TRUE, atol=1e-9)


def test_har_forecast__days_of_a_known_model__their_variances() -> None:
    days = market(400)
    got = har_forecast(days, SIGMA, np.datetime64("1970-07-20"), weekend=True)
    np.testing.assert_allclose(got, days.ahead[-len(got) :] + FLOOR * SIGMA**2, rtol=1e-9)


def test_input_row__a_day_without_a_move__inside_the_domain() -> None:
    still = Days(np.array([HOURS]), np.zeros((1, 8)), np.array([1e-12]), np.zeros(1))
    row = input_row(log_rows(still, SIGMA)[0], TRUE)
    assert all(low <= value <= high for value, (low, high) in zip(row, DOMAIN, strict=True))
    assert reference(row[None])[0, 0] == pytest.approx(row[:COLUMNS] @ TRUE[:-1] + TRUE[-1])


@pytest.mark.parametrize(
    ("place", "value", "name"),
    [(0, 0.4, "day . week . month"), (1, 2.1, "week"), (4, -2.1, "weekend_behind"), (5, 4.1, "constant")],
)
def test_input_row__parameters_out_of_range__refused_by_name(place: int, value: float, name: str) -> None:
    with pytest.raises(ParameterOutOfRange, match=name):
        input_row(np.zeros(COLUMNS), np.where(np.arange(len(TRUE)) == place, value, TRUE))
