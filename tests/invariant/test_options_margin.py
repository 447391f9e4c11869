"""Random calls on the options book and on its twin: same results, cash conserved, longs equal to shorts.

PLUMBLINE_FUZZ_CASES sets how many calls are made, about.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.support import options_fuzz
from tests.support.local_chain import LocalChain
from tests.support.options import FEEDS, OptionsWorld, deploy_options

STEPS: Final = 15
CALLS: Final = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "75"))
TRADES = ["trade", "trade", "close", "deposit", "withdraw", "start", "bid", "end"]
OTHERS = ["list", "settle", "donate", "price", "price", "risk", "volatility", "other", "mode"]


class OptionsMachine(RuleBasedStateMachine):
    """One book, four accounts that trade with each other."""

    world: ClassVar[OptionsWorld]
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.rpc("evm_snapshot")
        self.fuzzer = options_fuzz.warmed(self.world, 0)

    def teardown(self) -> None:
        self.seen.update(self.fuzzer.outcomes)
        self.world.chain.rpc("evm_revert", self.snapshot)

    @rule(kind=st.sampled_from(TRADES), actor=st.integers(0, 3), seed=st.integers(0, 999))
    def trade(self, kind: str, actor: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.chosen(kind, actor, 12)

    @rule(kind=st.sampled_from(OTHERS), actor=st.integers(0, 3), seed=st.integers(0, 999))
    def anything_else(self, kind: str, actor: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.chosen(kind, actor, 60)

    @rule(wait=st.sampled_from([12, 600, 3_599, 43_200, 90_000]), seed=st.integers(0, 999))
    def a_busy_block(self, wait: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.block(3, wait)
        self.fuzzer.settle_expiries()

    @invariant()
    def cash_is_conserved_and_longs_equal_shorts(self) -> None:
        """Of the twin, whose every figure the last digest has shown to be the chain's."""
        self.fuzzer.check_invariants()


@pytest.mark.slow
def test_options_margin__random_calls__as_the_twin_and_sound(
    chain: LocalChain, record_property: Callable[[str, object], None]
) -> None:
    OptionsMachine.world, OptionsMachine.seen = deploy_options(chain, feeds=FEEDS, maxPositions=4), Counter()
    modest = settings(
        max_examples=-(-CALLS // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes on a chain
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OptionsMachine, settings=modest)
    record_property("calls", OptionsMachine.seen.total())
    assert {"deposit:ok", "list:ok", "trade:ok"} <= set(OptionsMachine.seen)
