"""Random calls on the perpetual market and on its twin, one a block: same results, and what must always hold.

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

from oracle.domain import vamm
from tests.support import perp_fuzz
from tests.support.local_chain import LocalChain
from tests.support.perp import HOUR, PerpWorld, deploy_perp

STEPS: Final = 20
CALLS: Final = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "120"))
TRADES = ["increase", "increase", "decrease", "deposit", "withdraw", "liquidate"]
OTHERS = ["provide", "request", "redeem", "donate", "claim", "poke", "risk", "weight", "mode", "price"]


class PerpMachine(RuleBasedStateMachine):
    """One market, five accounts that trade and provide."""

    world: ClassVar[PerpWorld]
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = self.world.chain.rpc("evm_snapshot")
        self.fuzzer = perp_fuzz.start(self.world, 0)

    def teardown(self) -> None:
        self.seen.update(self.fuzzer.outcomes)
        self.world.chain.rpc("evm_revert", self.snapshot)

    @rule(kind=st.sampled_from(TRADES), actor=st.integers(0, 4), seed=st.integers(0, 999))
    def trade(self, kind: str, actor: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.chosen([kind, *["increase"] * 2], actor, 1)

    @rule(kind=st.sampled_from(OTHERS), actor=st.integers(0, 4), seed=st.integers(0, 999))
    def anything_else(self, kind: str, actor: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.chosen([kind], actor, 60)

    @rule(wait=st.sampled_from([12, 600, 3_599, 7_201, 90_000]), seed=st.integers(0, 999))
    def a_busy_block(self, wait: int, seed: int) -> None:
        self.fuzzer.draw.seed(seed)
        self.fuzzer.block(8, wait)

    @invariant()
    def every_token_is_somebodys_and_the_reserves_can_pay(self) -> None:
        """Of the twin, whose every figure the last digest has shown to be the chain's."""
        market = self.fuzzer.model
        s = market.state
        accounts = sum(a.cash for a in market.accounts.values())
        assert s.cash + s.deficit == accounts + s.pool_quote + s.funding_escrow + s.fund + s.protocol_fees
        assert s.pool_quote >= vamm.closing_value(s.base_reserve, s.quote_reserve, s.net, round_up=False)
        assert s.longs == sum(a.base for a in market.accounts.values() if a.base > 0)
        assert s.shorts == -sum(a.base for a in market.accounts.values() if a.base < 0)
        assert s.deficit == 0 or s.fund == 0


@pytest.mark.slow
def test_perp_market__random_calls__as_the_twin_and_sound(
    chain: LocalChain, record_property: Callable[[str, object], None]
) -> None:
    PerpMachine.world, PerpMachine.seen = deploy_perp(chain, fund=0, fundCooldown=HOUR), Counter()
    modest = settings(
        max_examples=-(-CALLS // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes on a chain
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(PerpMachine, settings=modest)
    record_property("calls", PerpMachine.seen.total())
    assert {"increase:ok", "deposit:ok"} <= set(PerpMachine.seen)
