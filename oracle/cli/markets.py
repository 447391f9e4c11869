"""A market as the command line names it, and as it is then deployed and served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from oracle.domain.features import PRICES
from oracle.errors import FeatureUnavailable
from oracle.market.base import MarketSource
from oracle.market.sources import open_source
from oracle.paths import absolute

# The prices that a first window takes
WARM_UP_PRICES: Final = PRICES
# Prices of one transaction: with five publishers a third of the largest one that nodes take
WARM_UP_AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True)
class Market:
    """A market to be deployed and served."""

    source: MarketSource

    def chain_start(self, history: int = WARM_UP_PRICES) -> int | None:
        """Where the chain's clock starts, unix seconds; None for a live market.

        At the last price of the history's first transaction: the feed takes no report that is old when it comes. Raises
        FeatureUnavailable when there are not `history` prices before the replay.
        """
        if not self.source.replay:
            return None
        past = self.source.history(self.source.start_time - 1, history)
        if len(past) < history:
            raise FeatureUnavailable(
                f"{self.source.symbol} has {len(past)} prices before the start, a window takes {history}",
                remedy="give a later --start",
            )
        return past[min(history, WARM_UP_AT_ONCE) - 1].observed_at


class MarketWords(BaseModel):
    """The command line's words for a market; a file's path is absolute, so that they mean the same from any folder."""

    model_config = ConfigDict(frozen=True)

    source: str
    symbol: str | None = None
    start: str | None = None
    end: str | None = None

    @classmethod
    def of(cls, source: str, symbol: str | None, start: str | None, end: str | None) -> MarketWords:
        """The words as given, but for the path."""
        kind, _, path = source.partition(":")
        if kind == "csv" and path:
            source = f"csv:{absolute(path)}"
        return cls(source=source, symbol=symbol, start=start, end=end)

    def open(self) -> Market:
        """The market that they name. Raises InvalidInput."""
        return Market(open_source(self.source, self.symbol, self.start, self.end))
