"""Replays of a market's history through a protocol: who trades, what they call, what it came to. Pure, on the twins."""
