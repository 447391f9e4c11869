"""Random calls on the vault and on its Python model: same results, same errors, and what must always hold."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, MINTED, LendingWorld, deploy_world
from tests.support.local_chain import MAX_GAS, LocalChain
from tests.support.reverts import RevertDecoder
from tests.support.vault_model import Feed, ModelRevert, VaultModel

S = PositionState
LEGAL = {
    (S.NONE, S.OPEN),
    (S.OPEN, S.WARNED),
    (S.WARNED, S.OPEN),
    (S.WARNED, S.AUCTION),
    (S.AUCTION, S.OPEN),
    (S.AUCTION, S.WARNED),
    (S.AUCTION, S.CLOSED),
    (S.AUCTION, S.INSOLVENT),
    (S.OPEN, S.CLOSED),
    (S.WARNED, S.CLOSED),
    (S.CLOSED, S.OPEN),
    (S.INSOLVENT, S.OPEN),
}
ACTORS = st.integers(0, 3)
SHARES = st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.9, 0.999, 1.0, 1.001])
PRICES = st.sampled_from([300, 800, 1_200, 1_500, 1_800, 1_950, 2_000, 2_100, 2_500, 4_000])
VOLATILITIES = st.sampled_from([0, 5, 30, 60, 90, 150, 400])
WAITS = st.sampled_from([1, 12, 600, 3_599, 3_601, 7_300, 30_000, 400_000])


class VaultMachine(RuleBasedStateMachine):
    """One vault, four accounts that each lend, borrow and buy."""

    world: ClassVar[LendingWorld]
    decoder: ClassVar[RevertDecoder]
    seen: ClassVar[set[PositionState]]

    def __init__(self) -> None:
        super().__init__()
        world, chain = self.world, self.world.chain
        self.snapshot = chain.rpc("evm_snapshot")
        self.actors = [world.lender, world.borrower, world.liquidator, world.outsider]
        self.now = chain.now()
        ltv = world.read("liquidationLtv")
        price, volatility = (feed_of(f) for f in (world.price_feed, world.volatility_feed))
        created = int.from_bytes(chain.web3.eth.get_storage_at(world.vault.address, 0)) >> 128
        self.model = VaultModel(world.config, world.units, price, volatility, self.now, ltv, ltv, created, created)
        self.send("supply", 0, 10**12, self.actors[0])
        for actor in (1, 2):
            self.send("addCollateral", actor, 10**20, self.actors[actor])
            self.send("borrow", actor, actor * 80_000 * 10**6, self.actors[actor])

    def teardown(self) -> None:
        self.world.chain.rpc("evm_revert", self.snapshot)

    # Rules

    @rule(actor=ACTORS, share=SHARES, to=ACTORS)
    def supply(self, actor: int, share: float, to: int) -> None:
        self.send("supply", actor, 1 + int(share * 10**11), self.actors[to])

    @rule(actor=ACTORS, share=SHARES)
    def withdraw(self, actor: int, share: float) -> None:
        worth = self.model.shares[self.actors[actor]] * (self.model.supply_assets + 1)
        self.send("withdraw", actor, 1 + int(share * (worth // (self.model.supply_shares + 10**6))), self.actors[actor])

    @rule(actor=ACTORS, share=SHARES)
    def redeem(self, actor: int, share: float) -> None:
        owned = self.model.shares[self.actors[actor]]
        amount = owned if share == 1.0 else int(share * owned)
        self.send("redeem", actor, max(1, amount), self.actors[actor])

    @rule(actor=ACTORS, share=SHARES, to=ACTORS)
    def add_collateral(self, actor: int, share: float, to: int) -> None:
        self.send("addCollateral", actor, 1 + int(share * 10**19), self.actors[to])

    @rule(actor=ACTORS, share=SHARES)
    def withdraw_collateral(self, actor: int, share: float) -> None:
        amount = max(1, int(share * self.model.accounts[self.actors[actor]].collateral))
        self.send("withdrawCollateral", actor, amount, self.actors[actor])

    @rule(actor=ACTORS, share=SHARES)
    def borrow(self, actor: int, share: float) -> None:
        value = self.model.accounts[self.actors[actor]].collateral * self.model.price_now()[0] // 10**20
        self.send("borrow", actor, max(1, int(share * value * 85 // 100)), self.actors[actor])

    @rule(actor=ACTORS, share=SHARES, to=ACTORS)
    def repay(self, actor: int, share: float, to: int) -> None:
        debt = self.model.debt(self.actors[to])
        self.send("repay", actor, MAX_UINT if share == 1.0 else max(1, int(share * debt)), self.actors[to])

    @rule(actor=ACTORS, to=ACTORS)
    def poke(self, actor: int, to: int) -> None:
        self.send("poke", actor, self.actors[to])

    @rule(actor=ACTORS, to=ACTORS)
    def start_auction(self, actor: int, to: int) -> None:
        self.send("startAuction", actor, self.actors[to])

    @rule(actor=ACTORS, to=ACTORS)
    def cancel_auction(self, actor: int, to: int) -> None:
        self.send("cancelAuction", actor, self.actors[to])

    @rule(actor=ACTORS, share=SHARES, to=ACTORS)
    def take(self, actor: int, share: float, to: int) -> None:
        collateral = self.model.accounts[self.actors[to]].collateral
        most = MAX_UINT if share == 1.0 else max(1, int(share * collateral))
        self.send("take", actor, self.actors[to], most, MAX_UINT, self.actors[actor])

    @rule(to=ACTORS, share=SHARES, drop=st.sampled_from([400, 900, 1_200]))
    def crash_and_sell(self, to: int, share: float, drop: int) -> None:
        """A likely way into the rarer states: the price falls, somebody is sold out."""
        if not self.model.price.alive:
            self.feed_dies_or_revives(True)
        self.price(drop)
        self.start_auction(0, to)
        self.take(3, share, to)

    @rule(price=PRICES)
    def price(self, price: int) -> None:
        self.feed(self.world.price_feed, self.model.price, price * 10**8)

    @rule(percent=VOLATILITIES)
    def volatility(self, percent: int) -> None:
        self.feed(self.world.volatility_feed, self.model.volatility, percent * 10**16)

    @rule(secs=WAITS)
    def wait(self, secs: int) -> None:
        self.now += secs
        self.world.chain.mine(self.now)
        self.model.now = self.now

    @rule(secs=WAITS)
    def wait_with_feeds(self, secs: int) -> None:
        self.wait(secs)
        self.feed(self.world.price_feed, self.model.price, self.model.price.answer)
        self.feed(self.world.volatility_feed, self.model.volatility, self.model.volatility.answer)

    @rule(which=st.booleans())
    def feed_dies_or_revives(self, which: bool) -> None:
        model = self.model.price if which else self.model.volatility
        contract = self.world.price_feed if which else self.world.volatility_feed
        model.alive = not model.alive
        self.tick()
        self.mined(contract.functions.setMode(0 if model.alive else 1), self.actors[0])

    # What must hold

    @invariant()
    def chain_and_model_agree(self) -> None:
        """Every stored and derived figure; then: every token is somewhere, and claims are covered by cash and debts."""
        market, positions, shares, worth, balances = self.read_all()
        supplied, borrowed = self.model.totals()
        assert market[:5] == (
            supplied,
            self.model.supply_shares,
            borrowed,
            self.model.borrow_shares,
            self.model.bad_debt,
        )
        assert market[7:9] == (self.model.ltv(), self.model.target_now()[0])
        assert self.world.config["floorLtv"] <= market[7] <= self.world.config["capLtv"]
        for who, position, owned in zip(self.actors, positions, shares, strict=True):
            account = self.model.accounts[who]
            assert position[:2] == (account.collateral, self.model.debt(who))
            assert position[8] == self.model.state(who)
            assert position[10:12] == (account.warned_at, account.bad_debt)
            assert owned == self.model.shares[who]
            self.seen.add(S(position[8]))
        self.check_cash(balances, worth)

    def check_cash(self, balances: list[int], worth: list[int]) -> None:
        """Cash is conserved, collateral is all there, and the vault can pay what it owes."""
        collateral, cash = balances[:2]
        supplied, borrowed = self.model.totals()
        assert collateral == sum(a.collateral for a in self.model.accounts.values())
        assert cash == self.model.debt_balance
        assert sum(balances[::2]) == len(self.actors) * MINTED * 10**18
        assert sum(balances[1::2]) == len(self.actors) * MINTED * 10**6
        assert 0 <= supplied - borrowed <= cash
        assert sum(worth) <= supplied
        assert sum(self.model.debt(who) for who in self.actors) >= borrowed - len(self.actors)

    def read_all(self) -> tuple[Any, list[Any], list[int], list[int], list[int]]:
        """Market; each actor's position, shares and their worth; balances of vault and actors: in one request."""
        vault, count = self.world.vault.functions, len(self.actors)
        with self.world.chain.web3.batch_requests() as batch:
            batch.add(vault.market())
            for read in (vault.position, vault.supplySharesOf, vault.supplyAssetsOf):
                for who in self.actors:
                    batch.add(read(who))
            for who in (self.world.vault.address, *self.actors):
                for asset in (self.world.collateral, self.world.debt):
                    batch.add(asset.functions.balanceOf(who))
            market, *rest = batch.execute()
        return market, rest[:count], rest[count : 2 * count], rest[2 * count : 3 * count], rest[3 * count :]

    # Means

    def send(self, function: str, actor: int, *args: Any) -> None:
        """The call on both sides; both succeed, or both fail with the same error, and no state is skipped."""
        self.tick()
        sender = self.actors[actor]
        before = {who: self.model.state(who) for who in self.actors}
        tried, error = copy.deepcopy(self.model), ""
        try:
            getattr(tried, function)(sender, *args)
        except ModelRevert as revert:
            error = str(revert)
        call = self.world.vault.functions[function](*args)
        assert (self.mined(call, sender) == 1) == (error == ""), f"{function}{args}: model says {error or 'success'}"
        if error:
            assert self.error_of(call, sender) == error
            return
        self.model = tried
        for who in self.actors:
            after = self.model.state(who)
            assert after == before[who] or (before[who], after) in LEGAL

    def feed(self, contract: Any, model: Feed, answer: int) -> None:
        self.tick()
        model.answer, model.observed_at = answer, self.now
        self.mined(contract.functions.set(answer, self.now, self.now), self.actors[0])

    def tick(self) -> None:
        """The next block is one second after the last."""
        self.now += 1
        self.model.now = self.now

    def mined(self, call: Any, sender: str) -> int:
        """Status of the call, mined at the machine's time."""
        chain = self.world.chain
        chain.set_next_time(self.now)
        sent = call.transact({"from": sender, "gas": MAX_GAS})
        return int(chain.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.005)["status"])

    def error_of(self, call: Any, sender: str) -> str:
        """The error that the call gives in the block that it failed in."""
        try:
            call.call({"from": sender, "gas": MAX_GAS})
        except Exception as error:  # noqa: BLE001
            return self.decoder.of(error).name
        return ""


def feed_of(contract: Any) -> Feed:
    """A stub feed's present answer."""
    return Feed(contract.functions.answer().call(), contract.functions.observedAt().call())


@pytest.mark.slow
def test_lending_vault__random_calls__as_the_model(chain: LocalChain, decoder: RevertDecoder) -> None:
    VaultMachine.world, VaultMachine.decoder, VaultMachine.seen = deploy_world(chain), decoder, set()
    modest = settings(
        max_examples=10,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[
            Phase.explicit,
            Phase.generate,
        ],  # shrinking takes minutes on a chain; the printed steps are few as it is
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(VaultMachine, settings=modest)
    assert VaultMachine.seen == set(PositionState)
