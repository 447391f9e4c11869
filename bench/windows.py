"""Real feature windows to measure on: the S&P 500 series that ships with the `arch` package."""

from __future__ import annotations

from typing import Final

from oracle.domain.features import WINDOW, garch_inputs
from oracle.market.base import SeriesSource
from oracle.market.calibration import calibrate_source
from oracle.market.sources import open_source

SPAN: Final = 750  # trading days, 2007 to 2009
# Finer than any circuit's inputs, so that each arm's own rounding of them counts in its error
SCALE_BITS: Final = 24


def sp500_windows(count: int) -> list[list[float]]:
    """`count` rows of the GARCH circuit's inputs, spread over 2007-2009."""
    source = open_source("sp500")
    assert isinstance(source, SeriesSource)
    params = calibrate_source(source, source.start_time).params
    prices = [observation.price for observation in source.history(source.end_time, SPAN)]
    step = (len(prices) - WINDOW - 1) // count
    starts = range(0, count * step, step)
    rows = [garch_inputs(prices[start : start + WINDOW + 1], params, SCALE_BITS) for start in starts]
    return [[value / 2**SCALE_BITS for value in row] for row in rows]
