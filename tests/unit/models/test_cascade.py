"""Liquidation cascades: closed form, order, refusals, and the circuit's rounds against the simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models._cascade_circuit import COUNT, admitted, draw_books, input_row, input_rows, reference, samples
from models._cascade_crashes import _known_before
from models._cascade_report import EMULATOR_BUDGET, _errors, closed_form_gap, labelled, violations
from models._cascade_simulator import BUCKETS, EDGES, Market, checked_book, histogram, monte_carlo, risk
from models._errors import ParameterOutOfRange
from models._position_errors import BadBook, EmptyBook

EVEN = np.diff(EDGES) * 1e6
MARKET = Market(sigma=0.05, depth=1e7, buffer=0.05)


def test_risk__no_impact__closed_form() -> None:
    assert closed_form_gap(books=15) <= 1e-9


def test_risk__volatility_or_scarcity_rises__never_falls() -> None:
    assert violations() == 0


def test_risk__drawn_shocks__agree() -> None:
    exact, drawn = risk(EVEN, MARKET), monte_carlo(EVEN, MARKET, 50_000, 2)
    assert drawn.lar95 == pytest.approx(exact.lar95, rel=0.03)
    assert drawn.evar99 == pytest.approx(exact.evar99, rel=0.15)
    assert drawn.amplification == pytest.approx(exact.amplification, rel=0.01)


def test_risk__sales_move_the_price__amplified() -> None:
    assert risk(EVEN, Market(0.05, math.inf, 0.05)).amplification == 1.0
    assert risk(EVEN, MARKET).amplification > 1.05


def test_risk__runaway__ends_with_the_book() -> None:
    found = risk(EVEN, Market(0.05, 1e4, 0.05))
    assert found.lar95 == pytest.approx(EVEN.sum())


def test_risk__quantiles__in_order() -> None:
    found = risk(EVEN, MARKET)
    assert 0 < found.var95 < found.evar99
    assert found.var95 < found.lar95


@pytest.mark.parametrize("sigma", [0.0, -0.1, math.nan, math.inf])
def test_risk__no_volatility__refused(sigma: float) -> None:
    with pytest.raises(ParameterOutOfRange, match="sigma"):
        risk(EVEN, Market(sigma, 1e7, 0.1))


@pytest.mark.parametrize("depth", [0.0, -1.0, math.nan])
def test_risk__no_depth__refused(depth: float) -> None:
    with pytest.raises(ParameterOutOfRange, match="depth"):
        risk(EVEN, Market(0.05, depth, 0.1))


@pytest.mark.parametrize("buffer", [-0.1, math.nan, math.inf])
def test_risk__bad_buffer__refused(buffer: float) -> None:
    with pytest.raises(ParameterOutOfRange, match="buffer"):
        risk(EVEN, Market(0.05, 1e7, buffer))


def test_checked_book__empty__refused() -> None:
    with pytest.raises(EmptyBook):
        checked_book(np.zeros(BUCKETS))


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_checked_book__bad_debt__refused(bad: float) -> None:
    book = EVEN.copy()
    book[3] = bad
    with pytest.raises(BadBook, match="debt"):
        checked_book(book)


def test_checked_book__another_number_of_buckets__refused() -> None:
    with pytest.raises(BadBook, match="buckets"):
        checked_book(EVEN[:-1])


def test_histogram__positions__by_distance() -> None:
    found = histogram(np.array([0.9, 1.01, 1.05, 2.0, 10.0]), np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    expected = np.zeros(BUCKETS)
    expected[0], expected[2], expected[15] = 3.0, 4.0, 8.0
    np.testing.assert_array_equal(found, expected)


def test_histogram__negative_debt__refused() -> None:
    with pytest.raises(BadBook):
        histogram(np.array([1.1]), np.array([-1.0]))


def test_input_row__a_book__as_many_books_at_once() -> None:
    row = input_row(EVEN, MARKET)
    columns = (np.array([value]) for value in (MARKET.sigma, MARKET.depth, MARKET.buffer))
    np.testing.assert_array_equal(row, input_rows(EVEN[None], *columns)[0])


@pytest.mark.parametrize("sigma", [0.009, 0.31])
def test_input_row__volatility_outside_the_domain__refused(sigma: float) -> None:
    with pytest.raises(ParameterOutOfRange, match="sigma"):
        input_row(EVEN, Market(sigma, 1e9, 0.1))


def test_input_row__book_too_large_for_the_depth__refused() -> None:
    with pytest.raises(ParameterOutOfRange, match="impact of the book"):
        input_row(EVEN, Market(0.05, 1e5, 0.1))


def test_input_row__a_wall_of_debt__refused() -> None:
    wall = np.zeros(BUCKETS)
    wall[5] = 1e6
    with pytest.raises(ParameterOutOfRange, match="rise"):
        input_row(wall, Market(0.05, 6e6, 0.1))


def test_reference__books_never_seen__within_5_percent_of_the_simulator() -> None:
    rows, figures = labelled(500, 91)
    assert (_errors(reference(rows), figures) <= EMULATOR_BUDGET).all()


def test_reference__no_book__no_risk() -> None:
    row = np.zeros(COUNT + 2)
    row[COUNT] = 1.0
    np.testing.assert_allclose(reference(row[None])[0], [0.0, 0.0, 0.0, 1.0])


def test_reference__heavier_book__never_less_risk() -> None:
    rows = samples(300, 12)
    heavier = rows.copy()
    heavier[:, :COUNT] *= 1.1
    assert (reference(heavier) >= reference(rows) - 1e-12).all()


def test_samples__all__would_be_admitted() -> None:
    rows = samples(500, 13)
    # the first are the domain's corners, a wall among them
    assert admitted(rows[24:]).mean() > 0.99
    assert len(draw_books(3, 1)) == 4


def test_known_before__later_weeks_changed__same() -> None:
    generator = np.random.default_rng(3)
    fall, paid = generator.uniform(0, 0.2, 400), generator.uniform(0, 1e7, 400)
    sigma = np.full(400, 0.08)
    before = _known_before(fall, paid, sigma)
    paid[200:] *= 50
    after = _known_before(fall, paid, sigma)
    np.testing.assert_array_equal(before[:207], after[:207])
    assert not np.array_equal(before[207:], after[207:], equal_nan=True)
