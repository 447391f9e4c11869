"""What is called in a replay, recorded on the twin as it happens so that the contracts can be given the same calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oracle.domain.lending_types import LendingRefusal
from oracle.domain.options_types import OptionsRefusal
from oracle.domain.perp_types import PerpRefusal

Refusal = (PerpRefusal, OptionsRefusal, LendingRefusal)


@dataclass(frozen=True, slots=True)
class Hour:
    """One observation: time, price at 8 decimals, the risk feed's answer and a volatility for marks, WAD; 0: none."""

    observed_at: int
    price: int
    risk: int = 0
    volatility: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one variant's contract by a named account, under the contract's name for it."""

    variant: str
    sender: str
    function: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class Moment:
    """Everything that happens at one time. `hour` counts the observations; the feeds speak when it is a new one."""

    time: int
    hour: int
    calls: list[Call] = field(default_factory=list)


class Recorder:
    """Calls a twin by the contract's names and keeps what it did not refuse."""

    def __init__(self, variant: str, twin: object) -> None:
        self._variant, self._twin = variant, twin
        self._calls: list[Call] = []
        self.refusals: dict[str, int] = {}

    def __call__(self, sender: str, function: str, *args: Any) -> Any:
        """The call's result. Raises the twin's refusal, which is counted."""
        try:
            result = self._method(function)(sender, *args)
        except Refusal as refusal:
            self.refusals[refusal.name] = self.refusals.get(refusal.name, 0) + 1
            raise
        self._calls.append(Call(self._variant, sender, function, args))
        return result

    def _method(self, function: str) -> Callable[..., Any]:
        """Twins name their calls as the contract does, or in snake case."""
        method: Callable[..., Any] = getattr(self._twin, function, None) or getattr(self._twin, _snake(function))
        return method

    def note(self, sender: str, function: str, *args: Any) -> None:
        """Keeps a call whose twin has another form."""
        self._calls.append(Call(self._variant, sender, function, args))

    def taken(self) -> list[Call]:
        """The calls since the last time."""
        calls, self._calls = self._calls, []
        return calls


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
