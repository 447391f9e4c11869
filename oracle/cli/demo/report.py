"""What the demo shows at its end: a row for each round, and what happened to the loan."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oracle.cli.render import format_time
from oracle.units import PRICE_UNIT, WAD

STEPS: Final = ("observe", "snapshot", "witness", "prove", "verify", "simulate", "submit", "confirm")


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One proven round and the loan after it. `observed_vol` is the window's own sample volatility, annualised."""

    round_id: int
    observed_at: int
    price: int
    observed_vol: float
    proven_vol_wad: int
    liquidation_ltv_wad: int
    health_factor_wad: int | None
    state: str
    gas: int
    seconds: Mapping[str, float]
    tx_hash: str


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """What happened to the loan: opened, warned, cleared, auction, for sale, liquidated, ended or bad debt."""

    observed_at: int
    kind: str
    text: str
    tx_hash: str


def sample_volatility(prices: Sequence[int], periods_per_year: int) -> float:
    """Annualised root mean square of the simple returns: what anyone sees in the window, without a model."""
    returns = [after / before - 1 for before, after in itertools.pairwise(prices)]
    return math.sqrt(sum(r * r for r in returns) / len(returns) * periods_per_year)


def columns() -> list[str]:
    """The table's columns; `>` aligns right. Those of the steps are in seconds."""
    facts = ["date", ">price", ">observed vol", ">proven vol", ">LTV", ">health", "loan", ">gas"]
    return [">round", *facts, *(f">{step}" for step in STEPS)]


def cells(row: RoundRow, *, daily: bool) -> list[str]:
    """A row as text."""
    health = "-" if row.health_factor_wad is None else f"{row.health_factor_wad / WAD:.3f}"
    return [
        str(row.round_id),
        format_time(row.observed_at, daily=daily),
        f"{row.price / PRICE_UNIT:,.2f}",
        percent(row.observed_vol),
        percent(row.proven_vol_wad / WAD),
        percent(row.liquidation_ltv_wad / WAD),
        health,
        row.state,
        f"{row.gas:,}",
        *(f"{row.seconds.get(step, 0.0):.2f}" for step in STEPS),
    ]


def percent(fraction: float) -> str:
    """12.3 %"""
    return f"{fraction * 100:.1f} %"


def median_cells(rows: Sequence[RoundRow]) -> list[str]:
    """The table's last row: the median of the gas and of each step's seconds."""
    gas = statistics.median(row.gas for row in rows)
    seconds = [statistics.median(row.seconds.get(step, 0.0) for row in rows) for step in STEPS]
    return ["median", *[""] * 7, f"{gas:,.0f}", *(f"{value:.2f}" for value in seconds)]
