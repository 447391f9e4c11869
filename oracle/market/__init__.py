"""Where observations come from, what is fitted on them, and who signs them."""

from oracle.market.base import Cadence, MarketSource, base_asset
from oracle.market.sources import open_source

__all__ = ["Cadence", "MarketSource", "base_asset", "open_source"]
