"""What a replay is judged by."""

from __future__ import annotations

import pytest
from scipy.stats import binom, chi2

from oracle.domain.replay.measures import (
    Coverage,
    daily_losses,
    kupiec,
    largest_rise,
    mean_excess,
    quantile,
    same_hits_constant,
)
from oracle.errors import InvalidInput


@pytest.mark.parametrize(("hits", "trials"), [(0, 250), (5, 1000), (10, 1000), (16, 1000), (30, 1000), (3, 3)])
def test_kupiec__any_count__is_the_likelihood_ratio(hits: int, trials: int) -> None:
    ratio = 2 * (binom.logpmf(hits, trials, hits / trials) - binom.logpmf(hits, trials, 0.01))
    assert kupiec(hits, trials) == pytest.approx(chi2.sf(ratio, 1), abs=1e-12)


def test_kupiec__accept_region_of_1000_days__is_the_published_one() -> None:
    assert [hits for hits in range(60) if kupiec(hits, 1000) > 0.05] == list(range(5, 17))


def test_kupiec__more_hits_than_trials__refused() -> None:
    with pytest.raises(InvalidInput, match="4 hits in 3 trials"):
        kupiec(4, 3)


def test_daily_losses__both_sides__are_opposite_and_do_not_overlap() -> None:
    prices = [100.0] * 24 + [90.0] * 24 + [99.0]
    assert daily_losses(prices, is_long=True) == pytest.approx([0.1, -0.1])
    assert daily_losses(prices, is_long=False) == pytest.approx([-0.1, 0.1])


def test_coverage__a_loss_of_exactly_the_margin__is_no_hit() -> None:
    assert Coverage.of([0.1, 0.1], [0.1, 0.2]).hits == 1


def test_coverage__a_loss_without_its_margin__refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        Coverage.of([0.1], [0.1, 0.2])


def test_mean_excess__nothing_beyond__zero() -> None:
    assert mean_excess([0.1, 0.1], [0.1, -0.2]) == 0.0


def test_quantile__of_a_hundred__is_the_ninety_ninth() -> None:
    assert quantile([float(v) for v in range(1, 101)], 0.99) == 99.0


def test_same_hits_constant__of_two_hits__leaves_two_beyond() -> None:
    losses = [0.01, 0.05, 0.03, 0.2]
    constant = same_hits_constant(losses, 2)
    assert sum(loss > constant for loss in losses) == 2
    assert mean_excess([constant] * 4, losses) == pytest.approx((0.05 + 0.2) / 2 - 0.03)


def test_largest_rise__outside_the_span__does_not_count() -> None:
    values = [1.0, *([2.0] * 5)]
    assert largest_rise(values, span=1) == 2.0
    assert largest_rise([1.0, 1.2, 1.44], span=1) == pytest.approx(1.2)
    assert largest_rise([]) == 1.0
