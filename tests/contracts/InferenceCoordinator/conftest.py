"""The coordinator's own fixtures."""

from __future__ import annotations

from tests.support.coordinator import coordinator_base, world

__all__ = ["coordinator_base", "world"]
