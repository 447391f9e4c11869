"""The demo's progress on stderr: a bar on a terminal, a line for each event elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from oracle.cli import render
from oracle.cli.demo.report import LoanEvent, RoundRow, percent
from oracle.cli.render import format_time
from oracle.market.base import MarketSource, SeriesSource
from oracle.units import PRICE_UNIT, SECS_PER_DAY, WAD


def is_daily(source: MarketSource) -> bool:
    """Whether a date is enough to name an observation."""
    return source.interval_secs >= SECS_PER_DAY


class Screen:
    """Tells what happens while it happens; silent when quiet."""

    def __init__(self, source: MarketSource, *, quiet: bool) -> None:
        self._quiet = quiet
        self._daily = is_daily(source)
        self._console = render.stderr()
        steps = source.steps_after(source.start_time - 1) if isinstance(source, SeriesSource) else None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(f"replaying {source.symbol}", total=steps)

    def __enter__(self) -> Screen:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """A line about the set-up."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def observation(self, observed_at: int, price: int, reason: str) -> None:
        """One step of the market."""
        when = format_time(observed_at, daily=self._daily)
        self._bar.update(self._task, advance=1, description=f"{when}  {price / PRICE_UNIT:,.2f}")

    def round(self, row: RoundRow) -> None:
        """A proven round."""
        health = "no loan" if row.health_factor_wad is None else f"health {row.health_factor_wad / WAD:.3f}"
        self.say(
            f"{format_time(row.observed_at, daily=self._daily)}  round {row.round_id}: "
            f"volatility {percent(row.proven_vol_wad / WAD)} proven in {row.seconds.get('prove', 0.0):.2f} s, "
            f"LTV {percent(row.liquidation_ltv_wad / WAD)}, {health}"
        )

    def event(self, event: LoanEvent) -> None:
        """Something that happened to the loan."""
        self.say(f"{format_time(event.observed_at, daily=self._daily)}  loan {event.kind}: {event.text}")
