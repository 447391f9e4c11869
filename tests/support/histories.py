"""Random histories of a contract and of its Python twin, one after another, until so many calls were compared.

PLUMBLINE_FUZZ_PIECE, a number from 0, draws other histories: a long run can be made in pieces.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from tests.support.local_chain import LocalChain

PIECE: Final = int(os.environ.get("PLUMBLINE_FUZZ_PIECE", "0"))
SEEDS_OF_A_PIECE: Final = 100_000
SEEDS_OF_A_CONFIGURATION: Final = 1_000


class Fuzzer(Protocol):
    """What a history is drawn by."""

    outcomes: dict[str, int]


F = TypeVar("F", bound=Fuzzer)


def histories(
    chain: LocalChain,
    place: int,
    wanted: int,
    begin: Callable[[int], F],
    live: Callable[[F, int], int],
    *,
    record: Callable[[str, object], None],
) -> dict[str, int]:
    """Histories until `wanted` calls are done, each undone at its end; how often each outcome was seen.

    `begin(seed)` deploys, `live(fuzzer, left)` runs one history of at most about `left` calls and gives their number;
    `place` is the configuration's, which draws its own seeds.
    """
    done, seed = 0, SEEDS_OF_A_PIECE * PIECE + SEEDS_OF_A_CONFIGURATION * place
    outcomes: dict[str, int] = {}
    while done < wanted:
        with chain.undone():
            fuzzer = begin(seed)
            done += live(fuzzer, wanted - done)
        for key, count in fuzzer.outcomes.items():
            outcomes[key] = outcomes.get(key, 0) + count
        seed += 1
    record("calls", done)
    record("outcomes", dict(sorted(outcomes.items())))
    return outcomes
