"""How a manifest calls what was done to a model. Imports nothing: the parsers stay in worker processes."""

from __future__ import annotations

from typing import Final

TIDY: Final = "constants folded"
UNROLLED: Final = "recurrent layers unrolled"
RATIONAL: Final = ("coarse rational activations", "rational activations", "fine rational activations")
