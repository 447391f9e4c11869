"""Random histories of an options book, on the chain and on its Python twin at once.

A history is a list of blocks, a block a few calls by accounts of OptionsHarness or changes of the feeds. The harness
gives a digest of result, state and account after each call; the same digest is computed from the twin.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from eth_abi import encode
from eth_utils.crypto import keccak
from web3.contract import Contract

from oracle.domain import options_scenarios
from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsAccount, OptionsRefusal, OptionsState, Series
from oracle.domain.perp_types import FeedAnswer
from tests.support.call_harness import Harness, Step, predicted, revert_data, selector
from tests.support.options import DAY, FOREVER, HOUR, MAX_INT, TENORS, OptionsWorld

WAD = 10**18
ACTORS = 4
BLOCK_GAS = 500_000_000  # many calls in one transaction: most of a call's time would be the wire's
GRANT = 10**6  # whole tokens for each account
ACCOUNT = "(int256,(uint40,bool,uint96,int112)[],bool,int256,int256,int256,bool,uint256)"
LEGS = "(uint256,int256)[]"
# The contract's function, the twin's, and the argument types
CALLS = {
    "deposit": ("deposit", ("uint256", "address")),
    "withdraw": ("withdraw", ("uint256", "address")),
    "donate": ("donate", ("uint256",)),
    "trade": ("trade", ("address", "address", LEGS, "int256")),
    "list": ("list_series", ("uint40", "uint96", "bool")),
    "settle": ("settle", ("address",)),
    "startAuction": ("start_auction", ("address",)),
    "endAuction": ("end_auction", ("address",)),
    "bid": ("bid", ("address", "uint256", "int256", "uint256")),
    "setOperator": ("set_operator", ("address", "bool")),
}
RESULTS = {"withdraw": ("uint256",), "list": ("uint256",), "bid": ("uint256", "int256")}
WEIGHTS = {
    "trade": 30,
    "close": 10,
    "deposit": 6,
    "withdraw": 8,
    "donate": 1,
    "list": 6,
    "settle": 4,
    "start": 8,
    "end": 3,
    "bid": 10,
    "price": 10,
    "risk": 2,
    "volatility": 4,
    "other": 2,
    "mode": 1,
}


@dataclass
class Fuzzer:
    """Draws calls that are mostly sensible, runs them on both sides and compares."""

    weights: ClassVar[dict[str, int]] = WEIGHTS

    world: OptionsWorld
    harness: Harness
    actors: list[str]
    draw: random.Random
    model: OptionsBook
    answers: dict[str, FeedAnswer]  # the twin's, by the feed's address
    balances: dict[str, int]
    rounds: list[tuple[int, int]]  # of the price feed: answer and time of observation
    outcomes: dict[str, int] = field(default_factory=dict)

    # Both sides

    def block(self, count: int, wait: int) -> int:
        """Runs one block `wait` seconds after the last; the number of calls in it."""
        self.model.now += wait
        steps = [self.predict(self._draw()) for _ in range(count)]
        self.run(steps)
        self.check_invariants()
        return count

    def chosen(self, kind: str, actor: int, wait: int) -> None:
        """Runs one block of one call of this kind."""
        self.model.now += wait
        self.run([self.predict(getattr(self, f"_draw_{kind}")(actor))])

    def run(self, steps: list[Step]) -> dict[str, Any]:
        """Runs what was predicted in one transaction and compares every digest."""
        return self.harness.compare(steps, self._everything(), self.model.now)

    def check_invariants(self) -> None:
        """Of the twin, whose every figure the last digest has shown to be the chain's."""
        m, s = self.model, self.model.state
        assert s.cash + s.deficit == sum(a.cash for a in m.accounts.values()) + s.insurance + s.clearing
        assert s.deficit == 0 or s.insurance == 0
        totals: dict[int, list[int]] = {}
        for a in m.accounts.values():
            for series, amount in a.positions.items():
                both = totals.setdefault(series.id, [0, 0])
                both[amount < 0] += abs(amount)
        assert {k: tuple(v) for k, v in totals.items()} == {k: v for k, v in m.interest.items() if any(v)}
        open_now = {k for k, v in totals.items() if k >> 104 not in m.settlement_price}
        assert all(totals[k][0] == totals[k][1] for k in open_now)

    def settle_expiries(self) -> None:
        """Fixes the price of every expiry that has passed, at the first observation after it."""
        now = self.model.now
        due = [e for e in sorted({i >> 104 for i in self.model.listed} - set(self.model.settlement_price)) if e <= now]
        for expiry in due:
            first = next(((i, *r) for i, r in enumerate(self.rounds, 1) if r[1] >= expiry), None)
            if first is None or not 0 < first[1] <= 2**53:
                continue
            self.world.call("settleExpiry", expiry, first[0])
            self.model.now = self.world.chain.now()
            self.model.settle_expiry(expiry, first[1] * 10**10)

    def predict(self, step: Step) -> Step:
        account, ok, result = self.actors[step.actor], True, b""
        if step.target is not None and step.target.address in self.answers:
            self._change_feed(step.target, step)
        else:
            ok, result = self._call_twin(account, step)
            key = f"{step.function}:{step.outcome}"
            self.outcomes[key] = self.outcomes.get(key, 0) + 1
        step.expected = predicted(ok, result, lambda: self._state() + self._account(account))
        return step

    def _call_twin(self, account: str, step: Step) -> tuple[bool, bytes]:
        try:
            returned = getattr(self.model, CALLS[step.function][0])(account, *step.args)
        except OptionsRefusal as refusal:
            step.outcome = refusal.name
            return False, revert_data(self.world.book.abi, refusal)
        step.outcome = "ok"
        if step.function in ("deposit", "donate"):
            self.balances[account] -= step.args[0]
        elif step.function == "withdraw":
            self.balances[step.args[1]] += returned
        values = returned if isinstance(returned, tuple) else (returned,)
        return True, encode(RESULTS[step.function], values) if step.function in RESULTS else b""

    def _change_feed(self, feed: Contract, step: Step) -> None:
        answer = self.answers[feed.address]
        if step.function == "setMode":
            answer.alive = step.args[0] == 0
        else:
            answer.answer, answer.observed_at = step.args
            if feed.address == self.world.feeds["priceFeed"].address:
                self.rounds.append(step.args)

    # Digests

    def _state(self) -> bytes:
        s = self.model.synced()
        values = tuple(getattr(s, name) for name in OptionsState.__slots__)
        return encode(("uint256", "uint256", "uint256", "int256", "uint256", "uint256", "uint256"), values)

    def _account(self, account: str) -> bytes:
        return encode((ACCOUNT,), (self._view(account),))

    def _view(self, account: str) -> tuple[Any, ...]:
        m, s, market = self.model, self.model.synced(), self.model.market()
        a = self._preview(m.accounts.get(account, OptionsAccount()).copy())
        positions = [(p.expiry, p.is_call, p.strike, n) for p, n in a.positions.items()]
        pending = any(p.expiry <= m.now for p in a.positions)
        if pending or (a.positions and not market.marks_fresh):
            return a.cash, positions, False, 0, 0, 0, False, a.auction_started_at
        risk = options_scenarios.risk_of(a.positions, market, s.shock_in_force)
        larger = risk
        if s.shock_target > s.shock_in_force:
            larger = options_scenarios.risk_of(a.positions, market, s.shock_target)
        maintenance = options_scenarios.maintenance(risk, a.cash)
        initial = options_scenarios.initial(larger, a.cash, market)
        liquidatable = bool(a.positions) and (maintenance < 0 or a.cash < 0)
        return a.cash, positions, True, risk.value, initial, maintenance, liquidatable, a.auction_started_at

    def _preview(self, a: OptionsAccount) -> OptionsAccount:
        for p, amount in list(a.positions.items()):
            price = self.model.settlement_price.get(p.expiry, 0) if p.expiry <= self.model.now else 0
            if price:
                a.cash += amount * max(0, price - p.strike if p.is_call else p.strike - price) // WAD
                del a.positions[p]
        if not a.positions:
            a.cash = max(a.cash, 0)
        return a

    def _everything(self) -> bytes:
        held = sum(GRANT * self.world.unit - b for b in self.balances.values())
        digest = keccak(held.to_bytes(32))
        for account in self.actors:
            digest = keccak(digest + self._account(account) + self.balances[account].to_bytes(32))
        return digest

    # Draws

    def _draw(self) -> Step:
        stale = self._stale_feeds()
        if stale and self.draw.random() < 0.8:
            return self._refreshing(self.draw.randrange(ACTORS), self.draw.choice(stale))
        running = any(a.auction_started_at for a in self.model.accounts.values())
        kind = self.draw.choices(list(self.weights), list(self.weights.values()))[0]
        kind = "bid" if running and self.draw.random() < 0.3 else kind
        step: Step = getattr(self, f"_draw_{kind}")(self.draw.randrange(ACTORS))
        return step

    def _draw_deposit(self, actor: int) -> Step:
        amount = self.draw.choice([0, 1, 10, 1_000, 20_000, 50_000]) * self.world.unit
        return Step(actor, "deposit", (min(amount, self.balances[self.actors[actor]]), self._anyone()))

    def _draw_withdraw(self, actor: int) -> Step:
        cash = self.model.accounts.get(self.actors[actor], OptionsAccount()).cash // self.model.unit_wad
        amount = int(max(cash, 0) * self.draw.choice([0.01, 0.2, 0.5, 1])) + self.draw.choice([0, 0, 1])
        return Step(actor, "withdraw", (amount, self.actors[actor]))

    def _draw_donate(self, actor: int) -> Step:
        return Step(actor, "donate", (min(self.draw.choice([1, 10**9]), self.balances[self.actors[actor]]),))

    def _draw_list(self, actor: int) -> Step:
        d = self.draw
        days = d.choice([1, 2, 7, 7, 30, 90, 400])
        expiry = (self.model.now // HOUR + 1 + 24 * days) * HOUR // (12 * HOUR) * (12 * HOUR)
        strike = d.choice([1_200, 1_600, 1_800, 1_900, 2_000, 2_000, 2_100, 2_200, 2_500, 9, 90_000])
        return Step(actor, "list", (expiry, strike * WAD, d.random() < 0.5))

    def _draw_trade(self, actor: int) -> Step:
        d = self.draw
        live = self._live()
        old = d.random() < 0.03
        ids = sorted(d.sample(sorted(self.model.listed) or [1] if old else sorted(live), k=1))
        ids = sorted({*ids, *d.choices(sorted(live), k=d.choice([0, 0, 1, 2]))}, reverse=d.random() < 0.02)
        lot = self.world.config["lotSize"]
        sizes = [lot, 7 * lot, WAD, 5 * WAD, 20 * WAD, 40 * WAD]
        legs = [(i, d.choice(sizes) * d.choice([-1, 1])) for i in ids]
        if d.random() < 0.02:
            legs[0] = (legs[0][0], d.choice([0, 1, 10**30, -(10**30)]))
        cash = int(self._worth(legs) * d.choice([1, 1, 1, 0.8, 1.2])) if d.random() < 0.98 else d.choice([0, MAX_INT])
        return Step(actor, "trade", (self._another(actor), self.actors[actor], legs, cash))

    def _draw_close(self, actor: int) -> Step:
        """With a counterparty: what each holds against the other."""
        d, other = self.draw, self._another(actor)
        mine = self.model.accounts.get(self.actors[actor], OptionsAccount()).positions
        theirs = self.model.accounts.get(other, OptionsAccount()).positions
        legs = sorted(
            (p.id, -n if abs(n) <= abs(theirs[p]) else theirs[p])
            for p, n in mine.items()
            if p in theirs and (n > 0) != (theirs[p] > 0)
        )[:8]
        if not legs:
            return self._draw_trade(actor)
        return Step(
            actor, "trade", (other, self.actors[actor], legs, int(self._worth(legs) * d.choice([0, 1, 1, 1.1])))
        )

    def _draw_settle(self, actor: int) -> Step:
        return Step(actor, "settle", (self._anyone(),))

    def _draw_start(self, actor: int) -> Step:
        return Step(actor, "startAuction", (self._weakest(),))

    def _draw_end(self, actor: int) -> Step:
        return Step(actor, "endAuction", (self._auctioned(),))

    def _draw_bid(self, actor: int) -> Step:
        d = self.draw
        fraction = d.choice([WAD, WAD, WAD // 3, 1, 0, WAD + 1] if d.random() < 0.3 else [WAD])
        limit = d.choice([MAX_INT, MAX_INT, MAX_INT, 0, 10**21])
        return Step(actor, "bid", (self._auctioned(), fraction, limit, d.choice([FOREVER] * 9 + [0])))

    def _draw_price(self, actor: int) -> Step:
        d, feed = self.draw, self.world.feeds["priceFeed"]
        last = self.answers[feed.address].answer
        moved = int(last * d.choice([1, 0.98, 1.02, 0.93, 1.07, 0.7, 0.8, 1.25, 1.4]))
        moved = min(max(moved, 500 * 10**8), 8_000 * 10**8)
        return Step(actor, "push", (moved, self.model.now), feed)

    def _draw_risk(self, actor: int) -> Step:
        return self._feed_step(actor, "riskFeed", [int(WAD * v) for v in (0.2, 0.6, 0.6, 1, 2, 0.001)])

    def _draw_volatility(self, actor: int) -> Step:
        feed = self.draw.choice(self.world.volatilities)
        answer = int(WAD * self.draw.choice([0.3, 0.5, 0.6, 0.6, 0.7, 0.7, 0.9, 1.5, 4.9, 0.01]))
        return Step(actor, "push", (answer, self._observed()), feed)

    def _draw_other(self, actor: int) -> Step:
        name = self.draw.choice(["weightFeed", "pegFeed", "confidenceFeed"])
        choices = {"weightFeed": [WAD // 2, WAD, 2 * WAD, 4 * WAD], "pegFeed": [10**8, 10**8, 98 * 10**6, 0]}
        return self._feed_step(actor, name, choices.get(name, [WAD, WAD, WAD // 2, 0]))

    def _draw_mode(self, actor: int) -> Step:
        feeds = [*self.world.feeds.values(), *self.world.volatilities]
        dead = [f for f in feeds if not self.answers[f.address].alive]
        return Step(actor, "setMode", (0 if dead else 1,), self.draw.choice(dead or feeds))

    def _feed_step(self, actor: int, name: str, answers: list[int]) -> Step:
        feed = self.world.feeds.get(name)
        if feed is None:
            return self._draw_price(actor)
        return Step(actor, "push", (self.draw.choice(answers), self._observed()), feed)

    def _observed(self) -> int:
        return self.model.now - self.draw.choice([0] * 20 + [HOUR, DAY])

    def _live(self) -> list[int]:
        """Series that have not expired, the nearest first."""
        return sorted(i for i in self.model.listed if i >> 104 > self.model.now) or [1]

    def _anyone(self) -> str:
        return self.draw.choice(self.actors)

    def _another(self, actor: int) -> str:
        same = self.draw.random() < 0.02
        return self.actors[actor if same else (actor + self.draw.randrange(1, ACTORS)) % ACTORS]

    def _stale_feeds(self) -> list[Contract]:
        """Feeds that are dead, or whose last answer is too old or could not be used."""
        limits = dict.fromkeys(self.world.feeds, self.world.config["maxRiskAge"])
        limits |= {name: self.world.config["maxPriceAge"] for name in ("priceFeed", "pegFeed") if name in limits}
        ages = [(self.world.feeds[name], limit) for name, limit in limits.items()]
        ages += [(feed, self.world.config["maxRiskAge"]) for feed in self.world.volatilities]
        known = [(feed, self.answers[feed.address], limit) for feed, limit in ages]
        stale = [f for f, a, limit in known if not a.alive or not 0 <= self.model.now - a.observed_at <= limit]
        return stale + [f for f in self.world.volatilities if self.answers[f.address].answer < WAD // 20]

    def _refreshing(self, actor: int, feed: Contract) -> Step:
        answer = self.answers[feed.address]
        if not answer.alive:
            return Step(actor, "setMode", (0,), feed)
        usable = max(answer.answer, WAD // 2) if feed in self.world.volatilities else answer.answer
        return Step(actor, "push", (usable, self.model.now), feed)

    def _weakest(self) -> str:
        def rank(account: str) -> int:
            view = self._view(account)
            return view[5] if view[2] and view[1] and not view[7] else 2**200

        return min(self.actors, key=rank) if self.draw.random() < 0.9 else self._anyone()

    def _auctioned(self) -> str:
        running = [a for a in self.actors if self.model.accounts.get(a, OptionsAccount()).auction_started_at]
        return self.draw.choice(running) if running else self._anyone()

    def _worth(self, legs: list[tuple[int, int]]) -> int:
        market, now = self.model.market(), self.model.now
        if not market.marks_fresh:
            return 0
        held = {Series.of(i): n for i, n in legs if i >> 104 > now and abs(n) < 10**29}
        return options_scenarios.value_of(held, market)


F = TypeVar("F", bound=Fuzzer)


def call_data(step: Step) -> bytes:
    """A step's calldata."""
    types = {"push": ("int256", "uint256"), "setMode": ("uint8",)}.get(step.function) or CALLS[step.function][1]
    return selector(f"{step.function}({','.join(types)})") + encode(types, step.args)


def warmed(world: OptionsWorld, seed: int, kind: type[F] = Fuzzer, data: Callable[[Step], bytes] = call_data) -> F:
    """As `start`; everybody has some cash, and a few series are listed."""
    fuzzer = start(world, seed, kind, data)
    fuzzer.model.now += 1
    first = [Step(a, "deposit", (40_000 * world.unit, fuzzer.actors[a])) for a in range(ACTORS)]
    expiries = [(fuzzer.model.now // (12 * HOUR) + n) * 12 * HOUR for n in (3, 16, 60)]
    kinds = [(e, k * WAD, k > 1_900) for e in expiries for k in (1_800, 2_000)]
    fuzzer.run([fuzzer.predict(s) for s in [*first, *(Step(0, "list", kind) for kind in kinds)]])
    return fuzzer


def start(world: OptionsWorld, seed: int, kind: type[F], data: Callable[[Step], bytes]) -> F:
    """A fuzzer of that kind on a book that nobody has used yet; `data` encodes its steps."""
    chain = world.chain
    chain.rpc("evm_setBlockGasLimit", hex(BLOCK_GAS))
    contract = chain.deploy("OptionsHarness", world.book.address, ACTORS)
    harness = Harness(chain, contract, world.book, data, BLOCK_GAS)
    actors = harness.actors(ACTORS)
    model = world.model()
    for actor in actors:
        chain.send(world.token.functions.mint(actor, GRANT * world.unit))
        model.operators |= {(actor, other) for other in actors}
    model.now = chain.now()
    model.state.synced_at = world.read("state")["syncedAt"]
    answers = {world.feeds[name].address: getattr(model.feeds, name[:-4]) for name in world.feeds}
    pillars = dict(model.feeds.volatilities)
    answers |= {f.address: pillars[t] for t, f in zip(TENORS, world.volatilities, strict=False)}
    balances = dict.fromkeys(actors, GRANT * world.unit)
    return kind(world, harness, actors, random.Random(seed), model, answers, balances, _rounds(world))


def _rounds(world: OptionsWorld) -> list[tuple[int, int]]:
    functions = world.feeds["priceFeed"].functions
    count = functions.latestRound().call()
    found = [functions.getRoundData(number + 1).call() for number in range(count)]
    return [(answer, observed_at) for _, answer, observed_at, _, _ in found]
