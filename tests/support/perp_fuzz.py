"""Random histories of a perpetual market, on the chain and on its Python twin at once.

A history is a list of blocks, a block a few calls by accounts of PerpHarness or changes of the feeds. The harness gives
a digest of result, state and position after each call; the same digest is computed from the twin.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from eth_utils.crypto import keccak
from web3.contract import Contract

from oracle.domain import perp_book
from oracle.domain.perp import PerpMarket
from oracle.domain.perp_types import PerpRefusal
from tests.support.call_harness import Harness, Step, predicted, revert_data, selector, words
from tests.support.perp import MAX_UINT, PerpWorld

WAD = 10**18
ACTORS = 5
GRANT = 10**7  # whole tokens for each account
FOREVER = 2**64 - 1
TWIN_NAMES = {"claimFees": "claim_fees", "requestRedemption": "request_redemption"}


@dataclass
class Fuzzer:
    """Draws calls that are mostly sensible, runs them on both sides and compares."""

    world: PerpWorld
    harness: Harness
    actors: list[str]
    draw: random.Random
    model: PerpMarket
    balances: dict[str, int]
    claimed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    # Both sides

    def block(self, count: int, wait: int) -> int:
        """Runs one block `wait` seconds after the last; the number of calls in it."""
        return self._compare(self._steps(count), wait)

    def chosen(self, kinds: list[str], actor: int, wait: int) -> None:
        """Runs one block of calls of these kinds by one account."""
        self._compare((getattr(self, f"_draw_{kind}")(actor) for kind in kinds), wait)

    def _compare(self, drawn: Iterator[Step], wait: int) -> int:
        """Predicts each step as it is drawn, then runs them all and compares."""
        self.model.now += wait
        steps = [self._predict(step) for step in drawn]
        self.harness.compare(steps, self._everything(), self.model.now)
        return len(steps)

    def _predict(self, step: Step) -> Step:
        account, model = self.actors[step.actor], self.model
        if step.target is not None:
            self._change_feed(step)
            ok, result = True, b""
        else:
            try:
                returned = getattr(model, TWIN_NAMES.get(step.function, step.function))(account, *step.args)
                ok, result = True, words(returned)
                step.outcome = "ok"
            except PerpRefusal as refusal:
                ok, result, step.outcome = False, revert_data(self.world.market.abi, refusal), refusal.name
            if ok:
                self._move_tokens(step, account, result)
            key = f"{step.function}:{step.outcome}"
            self.outcomes[key] = self.outcomes.get(key, 0) + 1
        step.expected = predicted(ok, result, lambda: self._state_words() + self._position_words(account))
        return step

    def _change_feed(self, step: Step) -> None:
        address = step.target.address if step.target else ""
        feeds = {
            self.world.price_feed.address: self.model.price,
            self.world.risk_feed.address: self.model.risk,
            self.world.weight_feed.address: self.model.weight,
        }
        feed = feeds[address]
        if step.function == "setMode":
            feed.alive = step.args[0] == 0
        else:
            feed.answer, feed.observed_at = step.args[0], step.args[1]

    def _move_tokens(self, step: Step, account: str, result: bytes) -> None:
        if step.function in ("deposit", "provide", "donate"):
            self.balances[account] -= step.args[0]
        elif step.function in ("withdraw", "redeem"):
            self.balances[step.args[1]] += int.from_bytes(result)
        elif step.function == "claimFees":
            self.claimed += int.from_bytes(result)

    # Digests

    def _synced(self) -> tuple[PerpMarket, perp_book.PerpState]:
        """A view of the twin as the contract's reads see it: synced, with nothing stored."""
        view = copy.copy(self.model)
        view.state = copy.copy(view.state)
        return view, view.sync()

    def _state_words(self) -> bytes:
        _, s = self._synced()
        return words(tuple(getattr(s, name) for name in s.__slots__))

    def _position_words(self, account: str) -> bytes:
        view, s = self._synced()
        a = copy.copy(view.accounts[account])
        perp_book.settle(s, a)
        equity, notional = perp_book.value_at_index(a, s.index_price)
        closing, _ = perp_book.value_at_reserves(s, a)
        maintenance = view.maintenance_margin(a, notional)
        liquidatable = s.price_fresh and a.base != 0 and equity < maintenance
        initial = view.initial_margin(a, notional)
        return words((a.base, a.cash, equity, closing, notional, initial, maintenance, int(liquidatable)))

    def _everything(self) -> bytes:
        view, s = self._synced()
        total = view.total_shares[view.epoch]
        held = sum(GRANT * self.world.unit - b for b in self.balances.values()) + self.world.unit * INITIAL_FUND
        held -= self.claimed
        digest = keccak(words((total, held)))
        for account in self.actors:
            shares = view.shares[view.epoch, account]
            worth = shares * (s.fund + 1) // (total + 10**6)
            tail = words((shares, worth, self.balances[account]))
            digest = keccak(digest + self._position_words(account) + tail)
        return digest

    # Draws

    def _steps(self, count: int) -> Iterator[Step]:
        """Mostly the feeds speak first, so that there is something to do; each draw sees what the last step did."""
        first = self._feeds_speak() if self.draw.random() < 0.9 else []
        yield from first
        for _ in range(count - len(first)):
            yield self._step()

    def _feeds_speak(self) -> list[Step]:
        d, world = self.draw, self.world
        feeds = (world.price_feed, world.risk_feed, world.weight_feed)
        steps = [Step(0, "setMode", (0,), feed) for feed in feeds if d.random() < 0.97]
        if d.random() < 0.95:
            risk = int(WAD * d.choice([0.2, 0.4, 0.6, 0.6, 0.9, 1.5, 3]))
            steps.append(Step(0, "set", (risk, self.model.now, self.model.now), world.risk_feed))
        return [*steps, self._fresh_price()]

    def _fresh_price(self) -> Step:
        d, low, high = self.draw, 100 * 10**8, 100_000 * 10**8
        moves = [0.6, 0.8, 0.9, 0.95, 0.98, 0.999, 1, 1.001, 1.02, 1.05, 1.1, 1.25, 1.6]
        answer = min(high, max(low, int(self.model.price.answer * d.choice(moves))))
        return Step(0, "set", (answer, self.model.now, self.model.now), self.world.price_feed)

    def _step(self) -> Step:
        d, actor = self.draw, self.draw.randrange(ACTORS)
        kind = d.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        step: Step = getattr(self, f"_draw_{kind}")(actor)
        return step

    def _around(self, amount: int) -> int:
        """A share of `amount`, its ends and just beyond included; sometimes 0 or enormous."""
        d = self.draw
        kind = d.random()
        if kind < 0.03:
            return d.choice([0, 1, 2**112, MAX_UINT])
        if kind < 0.25:
            return max(0, amount + d.choice([0, 0, 0, 1, -1]))
        return int(max(amount, 1) * d.choice([0.01, 0.1, 0.3, 0.5, 0.9]))

    def _draw_deposit(self, actor: int) -> Step:
        amount = int(self.world.unit * self.draw.choice([0.01, 100, 1_000, 3_000, 10_000]))
        amount = self.draw.choice([amount] * 60 + [0, 2**112])
        # More than the account has is the token's to refuse, not the market's.
        return Step(actor, "deposit", (min(amount, self.balances[self.actors[actor]]), self.actors[actor]))

    def _draw_withdraw(self, actor: int) -> Step:
        a = self.model.accounts[self.actors[actor]]
        if a.base and self.draw.random() < 0.5:
            room = max(0, a.cash + a.base * self.model.state.index_price // WAD)
            return Step(actor, "withdraw", (room // self.model.unit_wad // 3, self.actors[actor]))
        equity, _ = perp_book.value_at_index(a, self.model.state.index_price)
        return Step(actor, "withdraw", (self._around(max(0, equity) // self.model.unit_wad), self.actors[actor]))

    def _draw_increase(self, actor: int) -> Step:
        d, a = self.draw, self.model.accounts[self.actors[actor]]
        equity, _ = perp_book.value_at_index(a, self.model.state.index_price)
        is_long = a.base > 0 if a.base and d.random() < 0.95 else d.random() < 0.5
        quote = self._around(min(max(WAD, equity), 10**5 * WAD) * d.choice([2, 4, 8, 12, 16, 25]))
        limit = 0 if is_long else MAX_UINT
        if d.random() < 0.05:
            limit = quote * WAD // max(1, self.model.state.mark)
        return Step(actor, "increase", (is_long, quote, limit, FOREVER if d.random() < 0.99 else self.model.now - 1))

    def _draw_decrease(self, actor: int) -> Step:
        d, a = self.draw, self.model.accounts[self.actors[actor]]
        limit = 0 if a.base > 0 else MAX_UINT
        if d.random() < 0.05:
            limit = abs(a.base) * self.model.state.mark // WAD
        base = MAX_UINT if d.random() < 0.4 else self._around(abs(a.base))
        return Step(actor, "decrease", (base, limit, FOREVER if d.random() < 0.99 else self.model.now - 1))

    def _draw_liquidate(self, actor: int) -> Step:
        weakest = min(self.actors, key=self._health)
        if self.draw.random() < 0.9 and weakest == self.actors[actor]:
            actor = (actor + 1) % ACTORS
        return Step(actor, "liquidate", (weakest if self.draw.random() < 0.9 else self.draw.choice(self.actors),))

    def _health(self, who: str) -> float:
        a = self.model.accounts[who]
        equity, notional = perp_book.value_at_index(a, self.model.state.index_price)
        return equity / notional if a.base else float("inf")

    def _draw_provide(self, actor: int) -> Step:
        amount = self._around(20_000 * self.world.unit) % 2**113
        return Step(actor, "provide", (min(amount, self.balances[self.actors[actor]]), self.actors[actor]))

    def _draw_redeem(self, actor: int) -> Step:
        owned = self.model.shares[self.model.epoch, self.actors[actor]]
        return Step(actor, "redeem", (self._around(owned), self.actors[actor]))

    def _draw_request(self, actor: int) -> Step:
        return Step(actor, "requestRedemption", ())

    def _draw_donate(self, actor: int) -> Step:
        amount = self._around(100 * self.world.unit) % 2**113
        return Step(actor, "donate", (min(amount, self.balances[self.actors[actor]]),))

    def _draw_poke(self, actor: int) -> Step:
        return Step(actor, "poke", ())

    def _draw_claim(self, actor: int) -> Step:
        return Step(actor, "claimFees", ())

    def _draw_price(self, actor: int) -> Step:
        d = self.draw
        moved = int(max(self.model.price.answer, 10**6) * d.choice([0.7, 0.9, 0.97, 0.99, 1, 1.01, 1.03, 1.1, 1.4]))
        moved = min(moved, 10**15) if moved < 10**15 else 2_000 * 10**8
        odd = d.choice([0, -1, -(2**255), 2**53, 2**53 + 1, 2**255 - 1, 1])
        return self._feed_step(actor, self.world.price_feed, odd if d.random() < 0.02 else moved)

    def _draw_risk(self, actor: int) -> Step:
        odd = [0, -1, WAD // 100, WAD // 100 - 1, 10 * WAD, 10 * WAD + 1, 2**255 - 1]
        usual = [int(WAD * v) for v in (0.2, 0.4, 0.6, 0.9, 1.5, 3)]
        answer = self.draw.choice(odd if self.draw.random() < 0.1 else usual)
        return self._feed_step(actor, self.world.risk_feed, answer)

    def _draw_weight(self, actor: int) -> Step:
        answer = self.draw.choice([0, WAD // 2 - 1, WAD // 2, WAD, 15 * WAD // 10, 3 * WAD, 3 * WAD + 1])
        return self._feed_step(actor, self.world.weight_feed, answer)

    def _draw_mode(self, actor: int) -> Step:
        feeds = [self.world.price_feed, self.world.risk_feed, self.world.weight_feed]
        return Step(actor, "setMode", (self.draw.choice([0, 0, 0, 0, 1]),), self.draw.choice(feeds))

    def _feed_step(self, actor: int, feed: Contract, answer: int) -> Step:
        at = self.model.now - (self.draw.choice([0] * 20 + [3_000, 30_000]))
        return Step(actor, "set", (answer, at, at), feed)


INITIAL_FUND = 50_000
SIGNATURES = {
    "deposit": "deposit(uint256,address)",
    "withdraw": "withdraw(uint256,address)",
    "increase": "increase(bool,uint256,uint256,uint256)",
    "decrease": "decrease(uint256,uint256,uint256)",
    "liquidate": "liquidate(address)",
    "provide": "provide(uint256,address)",
    "requestRedemption": "requestRedemption()",
    "redeem": "redeem(uint256,address)",
    "donate": "donate(uint256)",
    "poke": "poke()",
    "claimFees": "claimFees()",
    "set": "set(int256,uint256,uint256)",
    "setMode": "setMode(uint8)",
}
WEIGHTS = {
    "increase": 24,
    "decrease": 14,
    "deposit": 8,
    "withdraw": 10,
    "liquidate": 16,
    "provide": 2,
    "request": 1,
    "redeem": 3,
    "donate": 1,
    "poke": 2,
    "claim": 1,
    "price": 4,
    "risk": 2,
    "weight": 2,
    "mode": 1,
}


def start(world: PerpWorld, seed: int) -> Fuzzer:
    """A fuzzer on a market that nobody has used yet; the provider gives the first fund."""
    chain = world.chain
    model = world.model()
    contract = chain.deploy("PerpHarness", world.market.address, ACTORS)
    harness = Harness(chain, contract, world.market, call_data)
    actors = harness.actors(ACTORS)
    for actor in actors:
        chain.send(world.token.functions.mint(actor, GRANT * world.unit))
    receipt = world.call("provide", INITIAL_FUND * world.unit, world.provider, sender=world.provider)
    model.now = int(chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"])
    model.provide(world.provider, INITIAL_FUND * world.unit, world.provider)
    model.now = chain.now()
    return Fuzzer(world, harness, actors, random.Random(seed), model, dict.fromkeys(actors, GRANT * world.unit))


def call_data(step: Step) -> bytes:
    """A step's calldata; every argument is one word."""
    return selector(SIGNATURES[step.function]) + words(step.args)
