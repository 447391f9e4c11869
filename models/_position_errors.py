"""What the models refuse about positions and books of positions, by name.

ModelError (ValueError)
  BadPosition
    PositionWithoutDebt  nothing that could be liquidated
    BadHealthFactor      zero, negative, not finite
    AlreadyLiquidatable  a health factor below 1: its probability is 1, no model is asked
  BadBook                a histogram of debts with the wrong number of buckets, a negative or no finite debt
    EmptyBook            no debt in it
"""

from __future__ import annotations

from models._errors import ModelError


class BadPosition(ModelError):
    """A position that no probability is computed for."""


class PositionWithoutDebt(BadPosition):
    """A position without debt cannot be liquidated."""

    def __init__(self, debt: float) -> None:
        super().__init__(f"the position's debt is {debt:g}, without debt there is nothing to liquidate")
        self.debt = debt


class BadHealthFactor(BadPosition):
    """A health factor that is zero, negative or not finite."""

    def __init__(self, health_factor: float) -> None:
        super().__init__(f"the health factor is {health_factor}, it must be positive and finite")
        self.health_factor = health_factor


class AlreadyLiquidatable(BadPosition):
    """A health factor below 1."""

    def __init__(self, health_factor: float) -> None:
        super().__init__(f"the health factor is {health_factor:g}, below 1 the position can be liquidated now")
        self.health_factor = health_factor


class BadBook(ModelError):
    """A book that no risk is computed for."""

    def __init__(self, name: str, value: float, wanted: str) -> None:
        super().__init__(f"{name} is {value:g}, it must be {wanted}")
        self.name, self.value = name, value


class EmptyBook(BadBook):
    """No debt in any bucket."""

    def __init__(self) -> None:
        super().__init__("the book's debt", 0.0, "positive")
