"""What the models refuse, by name.

ModelError (ValueError)
  DataMissing        a file of market data is not there
  BadSeries          a price series that no model may be computed on
    TooFewSamples    fewer than the window needs
    BadPrice         zero, negative, not finite
    FlatSeries       no price moved
    GapInSeries      missing steps
    JumpInSeries     one return makes up most of the variance
  ParameterOutOfRange  a model's parameter, alpha + beta >= 1 among them
"""

from __future__ import annotations

from pathlib import Path


class ModelError(ValueError):
    """Root of what the models refuse."""


class DataMissing(ModelError):
    """A file of market data is not there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no {path.name} under {path.parent}")
        self.path = path


class BadSeries(ModelError):
    """A price series that no model may be computed on."""


class TooFewSamples(BadSeries):
    """Fewer samples than the window needs."""

    def __init__(self, have: int, need: int) -> None:
        super().__init__(f"{have} samples, {need} are needed")
        self.have, self.need = have, need


class BadPrice(BadSeries):
    """A price that is zero, negative or not finite."""

    def __init__(self, position: int, price: float) -> None:
        super().__init__(f"price {position} is {price}, prices must be positive and finite")
        self.position, self.price = position, price


class FlatSeries(BadSeries):
    """No price moved: there is no volatility to speak of."""

    def __init__(self, count: int) -> None:
        super().__init__(f"none of {count} prices moved")
        self.count = count


class GapInSeries(BadSeries):
    """Steps are missing."""

    def __init__(self, position: int, missing: int, allowed: int) -> None:
        super().__init__(f"{missing} steps are missing before sample {position}, at most {allowed} may be")
        self.position, self.missing, self.allowed = position, missing, allowed


class JumpInSeries(BadSeries):
    """One return makes up most of the variance: a split or a wrong price, most likely."""

    def __init__(self, position: int, value: float) -> None:
        super().__init__(f"return {position} of {value:+.1%} makes up most of the variance")
        self.position, self.value = position, value


class ParameterOutOfRange(ModelError):
    """A model's parameter outside its range."""

    def __init__(self, name: str, value: float, low: float, high: float) -> None:
        super().__init__(f"{name} is {value:g}, must be from {low:g} to {high:g}")
        self.name, self.value, self.low, self.high = name, value, low, high
