"""Does a computation over time see the future? Shuffle it and look."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def assert_blind_to_the_future(features: Callable[[np.ndarray], np.ndarray], series: np.ndarray, known: int) -> None:
    """Rows of `features(series)` that may know only the first `known` steps stay when all later steps change.

    `series`: time on the first axis. `features`: gives one row a step, row t knowing the steps up to and with t;
    a computation that gives fewer rows pads them in front with NaN. Fails too when no later row changes, since then
    the test would show nothing.
    """
    changed = series.copy()
    np.random.default_rng(5).shuffle(changed[known:])
    before, after = np.asarray(features(series)), np.asarray(features(changed))
    assert len(before) == len(series), f"{len(before)} rows for {len(series)} steps: pad in front with NaN"
    np.testing.assert_array_equal(before[:known], after[:known])
    assert not np.array_equal(before[known:], after[known:], equal_nan=True)
