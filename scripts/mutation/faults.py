"""What a fault is, how an even sample of them is drawn, and what became of each."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """One fault: the place, the changed source, and the change in words that outlive a move of the line."""

    line: int
    place: int
    operator: str
    change: str
    source: str

    @classmethod
    def of(cls, before: str, after: str, line: int, place: int, operator: str) -> Fault:
        """The fault that makes `after` of `before`."""
        return cls(line, place, operator, change(before, after), after)


def change(before: str, after: str) -> str:
    """The lines that differ, as `old => new`, without their indentation."""
    old, new = before.splitlines(), after.splitlines()
    first = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    words = [" ".join(" ".join(lines[first : len(lines) - last]).split()) for lines in (old, new)]
    return f"{words[0]} => {words[1] or 'nothing'}"


def in_order(places: dict[int, list[T]], seed: int, name: str) -> list[T]:
    """One fault of each place, in an order that seed and name alone decide: its start is a sample."""
    rng = random.Random(f"{seed}/{name}")
    chosen = [rng.choice(places[place]) for place in sorted(places)]
    rng.shuffle(chosen)
    return chosen


def sample(faults: Iterable[Fault], seed: int, name: str) -> list[Fault]:
    """The same of faults that are all at hand."""
    places: dict[int, list[Fault]] = defaultdict(list)
    for fault in faults:
        places[fault.place].append(fault)
    return in_order(places, seed, name)


def digest(*texts: str) -> str:
    """Names what a verdict depends on."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
