"""Random histories of a lending vault, on the chain and on its Python twin at once.

A history is a list of blocks, a block a few calls by accounts of LendingHarness or changes of feeds and board. The
harness gives a digest of result, market and position after each call; the same digest is computed from the twin. Along
the way no position may skip a state.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak
from web3.contract import Contract

from oracle.domain import lending
from oracle.domain.lending import PositionState as S
from oracle.domain.lending_book import factor_of
from oracle.domain.lending_types import LendingRefusal
from oracle.domain.lending_vault import LendingVault
from oracle.units import WAD
from tests.support.call_harness import Harness, Step, predicted, revert_data, selector, words
from tests.support.lending import MAX_UINT, LendingWorld

ACTORS = 5
GRANT = 10**9  # whole tokens for each account, of each asset
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


@dataclass
class Fuzzer:
    """Draws calls that are mostly sensible, runs them on both sides and compares."""

    world: LendingWorld
    harness: Harness
    board: Contract
    actors: list[str]
    draw: random.Random
    model: LendingVault
    balances: dict[tuple[str, str], int]
    outcomes: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[S, S]] = field(default_factory=set)

    # Both sides

    def block(self, count: int, wait: int) -> int:
        """Runs one block `wait` seconds after the last; the number of calls in it."""
        self.model.now += wait
        steps = [self._predict(step) for step in self._steps(count)]
        self.harness.compare(steps, self._everything(), self.model.now)
        return len(steps)

    def _predict(self, step: Step) -> Step:
        account, ok, result = self.actors[step.actor], True, b""
        if step.target is not None:
            self._change_surroundings(step)
        else:
            before = {who: self.model.state(who) for who in self.actors}
            try:
                returned = getattr(self.model, step.function)(account, *step.args)
                result, step.outcome = words(returned), "ok"
                self._move_tokens(step, account, returned)
                self._check_states(step, before)
            except LendingRefusal as refusal:
                ok, step.outcome = False, refusal.name
                result = revert_data([*self.world.vault.abi, *self.board.abi], refusal)
            key = f"{step.function}:{step.outcome}"
            self.outcomes[key] = self.outcomes.get(key, 0) + 1
        step.expected = predicted(ok, result, lambda: self._market_words() + self._position_words(account))
        return step

    def _check_states(self, step: Step, before: dict[str, S]) -> None:
        for who, was in before.items():
            now = self.model.state(who)
            # An auction starts from a warning, be it one of the same call.
            path = [(was, S.WARNED), (S.WARNED, now)] if step.function == "startAuction" else [(was, now)]
            moves = {(a, b) for a, b in path if a is not b} if was is not now else set()
            assert moves <= LEGAL, f"{who}: {was.name} to {now.name} by {step}"
            self.seen |= moves

    def _change_surroundings(self, step: Step) -> None:
        assert step.target is not None
        if step.target.address == self.board.address:
            self.model.probabilities[step.args[0]] = step.args[1]
            return
        for asset, listed in zip(self.model.collaterals, self.world.listed, strict=True):
            c = self.model.collaterals[asset]
            for contract, feed in zip(
                (listed.price_feed, listed.risk_feed, listed.weight_feed), (c.price, c.risk, c.weight), strict=True
            ):
                if contract is None or feed is None or contract.address != step.target.address:
                    continue
                if step.function == "setMode":
                    feed.alive = step.args[0] == 0
                else:
                    feed.answer, feed.observed_at = step.args[:2]

    def _move_tokens(self, step: Step, account: str, returned: Any) -> None:
        debt, a = str(self.world.debt.address), step.args
        match step.function:
            case "supply":
                self.balances[account, debt] -= a[0]
            case "withdraw" | "borrow":
                self.balances[a[1], debt] += a[0]
            case "redeem":
                self.balances[a[1], debt] += returned
            case "repay":
                self.balances[account, debt] -= returned
            case "addCollateral":
                self.balances[account, a[0]] -= a[1]
            case "withdrawCollateral":
                self.balances[a[2], a[0]] += a[1]
            case "take":
                self.balances[account, debt] -= returned[1]
                self.balances[a[4], a[1]] += returned[0]

    # Digests

    def _market_words(self) -> bytes:
        s, t = self.model.totals, self.model.terms
        added, kept = self.model.pending_interest()
        supplied, borrowed, reserve = s.supply_assets + added - kept, s.borrow_assets + added, s.reserve + kept
        used = lending.utilisation(borrowed, supplied + reserve)
        rate = lending.borrow_rate(used, t.base_rate, t.kink_utilisation, t.slope_below_kink, t.slope_above_kink)
        return words((supplied, s.supply_shares, borrowed, s.borrow_shares, reserve, s.bad_debt, used, rate))

    def _position_words(self, who: str) -> bytes:
        model, a = self.model, self.model.accounts[who]
        found = model.assess(who)
        factors = [factor_of(x, found.debt) for x in (found.weighted, found.weighted_at_target, found.priced)]
        flags = (int(not found.unpriced), int(model.liquidatable(who)), int(model.state(who)))
        stored = (a.opened_at, a.warned_at, a.alarmed_at, a.agreed_ltv, a.bad_debt)
        return words((found.debt, found.value, *factors, found.borrowable // WAD, *flags, *stored))

    def _holdings_words(self, who: str) -> bytes:
        model, rows = self.model, []
        for asset in model.held(who):
            amount, r, c = model.accounts[who].amounts[asset], model.reading(asset), model.collaterals[asset]
            ltv = lending.sized_ltv(r.ltv_in_force, amount, c.terms.depth)
            rows.append((asset, amount, model.value(asset, amount, r.last_price), ltv, model.sale_price(who, asset)))
        return words((32, len(rows))) + b"".join(words(row) for row in rows)

    def _auction_words(self, who: str) -> bytes:
        sale = self.model.sales.get(who)
        if sale is None:
            return words((0, 0, 0))
        tail = self.model.terms.auction_tail
        return words((sale.started_at, sale.started_at + tail, self.model.assets_of(sale.debt_shares)))

    def _everything(self) -> bytes:
        model, digest = self.model, bytes(32)
        assets = [*model.collaterals, str(self.world.debt.address)]
        for asset in assets:
            c = model.collaterals.get(asset)
            decimals = c.decimals if c else model.debt_decimals
            held = ACTORS * GRANT * 10**decimals - sum(self.balances[who, asset] for who in self.actors)
            digest = keccak(digest + words(held))
            if c is None:
                continue
            assert held == c.total
            r, risk, weight = model.reading(asset), *model.risk(asset)
            allowed = min(r.ltv_in_force, r.ltv_target) - model.terms.borrow_margin
            ltvs = (r.ltv_in_force, r.ltv_target, allowed)
            digest = keccak(digest + words((r.price, r.last_price, risk, weight, *ltvs, c.total)))
        for who in self.actors:
            shares = model.shares[who]
            added, kept = model.pending_interest()
            supplied = model.totals.supply_assets + added - kept
            worth = lending.to_assets_down(shares, supplied, model.totals.supply_shares)
            tail = words((shares, worth, model.max_borrow(who)))
            parts = self._position_words(who) + self._holdings_words(who) + self._auction_words(who) + tail
            digest = keccak(digest + parts)
            for asset in assets:
                digest = keccak(digest + words(self.balances[who, asset]))
        return digest

    # Draws

    def _steps(self, count: int) -> Iterator[Step]:
        """Mostly the feeds speak first, so that there is something to do; each draw sees what the last step did."""
        first = self._feeds_speak() if self.draw.random() < 0.9 else []
        yield from first
        for _ in range(count - len(first)):
            yield self._step()

    def _feeds_speak(self) -> list[Step]:
        d, steps = self.draw, []
        for asset, listed in zip(self.model.collaterals, self.world.listed, strict=True):
            steps += [Step(0, "setMode", (0,), feed) for feed in listed.feeds if d.random() < 0.5]
            risk = int(WAD * d.choice([0.2, 0.4, 0.6, 0.6, 0.9, 1.5, 3]))
            if d.random() < 0.95:
                steps.append(Step(0, "set", (risk, self.model.now, self.model.now), listed.risk_feed))
            low, high, last = 10**9, 10**13, self.model.collaterals[asset].price.answer
            moved = int(last * d.choice([0.6, 0.8, 0.9, 0.95, 0.98, 1, 1, 1.02, 1.05, 1.1, 1.25, 1.6]))
            price = moved if low < moved < high else 2_000 * 10**8
            steps.append(Step(0, "set", (price, self.model.now, self.model.now), listed.price_feed))
        return steps

    def _step(self) -> Step:
        kind = self.draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        step: Step = getattr(self, f"_draw_{kind}")(self.draw.randrange(ACTORS))
        return step

    def _around(self, amount: int) -> int:
        """A share of `amount`, its ends and just beyond included; sometimes 0 or enormous."""
        d, kind = self.draw, self.draw.random()
        if kind < 0.02:
            return d.choice([0, 1, 2**112, MAX_UINT])
        if kind < 0.3:
            return max(0, amount + d.choice([0, 0, 0, 1, -1]))
        return int(max(amount, 1) * d.choice([0.01, 0.1, 0.3, 0.5, 0.9]))

    def _asset(self) -> str:
        if self.draw.random() < 0.01:
            return str(self.world.debt.address)
        return self.draw.choice(list(self.model.collaterals))

    def _weakest(self) -> str:
        """Mostly the account nearest to an auction or in one."""
        if self.draw.random() < 0.2:
            return self.draw.choice(self.actors)

        def health(who: str) -> int:
            found = self.model.assess(who)
            return factor_of(found.weighted, found.debt)

        return min(self.actors, key=health)

    def _draw_supply(self, actor: int) -> Step:
        return Step(actor, "supply", (self._around(200_000 * self._unit), self.actors[actor]))

    def _draw_withdraw(self, actor: int) -> Step:
        s = self.model.totals
        worth = lending.to_assets_down(self.model.shares[self.actors[actor]], s.supply_assets, s.supply_shares)
        return Step(actor, "withdraw", (self._around(min(worth, s.idle)), self.actors[actor]))

    def _draw_redeem(self, actor: int) -> Step:
        return Step(actor, "redeem", (self._around(self.model.shares[self.actors[actor]] // 4), self.actors[actor]))

    def _draw_add(self, actor: int) -> Step:
        asset = self._asset()
        c = self.model.collaterals.get(asset)
        whole = self.draw.choice([1, 5, 20, 100]) * 10**c.decimals if c else 1
        to = self.actors[actor] if self.draw.random() < 0.9 else self._weakest()
        return Step(actor, "addCollateral", (asset, self._around(whole), to))

    def _draw_out(self, actor: int) -> Step:
        asset, who = self._asset(), self.actors[actor]
        held = self.model.accounts[who].amounts.get(asset, 0)
        return Step(actor, "withdrawCollateral", (asset, self._around(held), who))

    def _draw_borrow(self, actor: int) -> Step:
        who = self.actors[actor]
        room = self.model.max_borrow(who)
        amount = room if room and self.draw.random() < 0.4 else self._around(room or 1_000 * self._unit)
        return Step(actor, "borrow", (amount, who))

    def _draw_repay(self, actor: int) -> Step:
        who = self.actors[actor] if self.draw.random() < 0.5 else self._weakest()
        amount = MAX_UINT if self.draw.random() < 0.15 else self._around(self.model.debt(who))
        return Step(actor, "repay", (amount, who))

    def _draw_poke(self, actor: int) -> Step:
        return Step(actor, "poke", (self._weakest(),))

    def _draw_sync(self, actor: int) -> Step:
        return Step(actor, "sync", (self._asset(),))

    def _draw_warn(self, actor: int) -> Step:
        return Step(actor, "warn", (self._weakest(),))

    def _draw_start(self, actor: int) -> Step:
        return Step(actor, "startAuction", (self._weakest(),))

    def _draw_cancel(self, actor: int) -> Step:
        sold = [who for who in self.actors if who in self.model.sales]
        return Step(actor, "cancelAuction", (self.draw.choice(sold or self.actors),))

    def _draw_take(self, actor: int) -> Step:
        sold = [who for who in self.actors if who in self.model.sales]
        who = self.draw.choice(sold or self.actors)
        asset = self.draw.choice(self.model.held(who) or [self._asset()])
        most = MAX_UINT if self.draw.random() < 0.5 else self._around(self.model.accounts[who].amounts.get(asset, 1))
        price = self.model.sale_price(who, asset) if asset in self.model.collaterals else 0
        limit = self.draw.choice([price, max(0, price - 1)]) if self.draw.random() < 0.1 else MAX_UINT
        return Step(actor, "take", (who, asset, most, limit, self.actors[actor]))

    def _draw_probability(self, actor: int) -> Step:
        line = self.model.terms.alarm_probability
        return Step(actor, "set", (self._weakest(), self.draw.choice([1, line - 1, line, WAD])), self.board)

    def _draw_feed(self, actor: int) -> Step:
        d, listed = self.draw, self.draw.choice(self.world.listed)
        feed = d.choice(listed.feeds)
        if d.random() < 0.3:
            return Step(actor, "setMode", (d.choice([0, 0, 1]),), feed)
        prices = [0, -1, -(2**255), 2**53, 2**53 + 1, 2**255 - 1, 1]
        risks = [0, -1, WAD // 100, WAD // 100 - 1, WAD, 10 * WAD, 10 * WAD + 1, 3 * WAD, 3 * WAD + 1, WAD // 2]
        odd = d.choice(prices if feed is listed.price_feed else risks)
        at = self.model.now - d.choice([0, 0, 0, 3_000, 30_000, 100_000])
        return Step(actor, "set", (odd, at, at), feed)

    @property
    def _unit(self) -> int:
        return int(10**self.model.debt_decimals)


SIGNATURES = {
    "supply": "supply(uint256,address)",
    "withdraw": "withdraw(uint256,address)",
    "redeem": "redeem(uint256,address)",
    "addCollateral": "addCollateral(address,uint256,address)",
    "withdrawCollateral": "withdrawCollateral(address,uint256,address)",
    "borrow": "borrow(uint256,address)",
    "repay": "repay(uint256,address)",
    "poke": "poke(address)",
    "sync": "sync(address)",
    "warn": "warn(address)",
    "startAuction": "startAuction(address)",
    "cancelAuction": "cancelAuction(address)",
    "take": "take(address,address,uint256,uint256,address)",
    "setMode": "setMode(uint8)",
}
WEIGHTS = {
    "supply": 4,
    "withdraw": 4,
    "redeem": 3,
    "add": 12,
    "out": 7,
    "borrow": 14,
    "repay": 6,
    "poke": 8,
    "sync": 1,
    "warn": 3,
    "start": 12,
    "cancel": 2,
    "take": 14,
    "probability": 3,
    "feed": 5,
}


def start(world: LendingWorld, seed: int) -> Fuzzer:
    """A fuzzer on a vault that nobody has used yet, with its board."""
    chain = world.chain
    model = world.model()
    board = chain.deploy("StubBoard", world.vault.address)
    chain.send(world.vault.functions.nameBoard(board.address), chain.address(0))
    contract = chain.deploy("LendingHarness", world.vault.address, ACTORS)
    harness = Harness(chain, contract, world.vault, call_data)
    actors = harness.actors(ACTORS)
    balances = {}
    for token, decimals in (*((x.token, x.decimals) for x in world.listed), (world.debt, world.debt_decimals)):
        for actor in actors:
            chain.send(token.functions.mint(actor, GRANT * 10**decimals))
            balances[actor, str(token.address)] = GRANT * 10**decimals
    model.now = chain.now()
    return Fuzzer(world, harness, board, actors, random.Random(seed), model, balances)


def call_data(step: Step) -> bytes:
    """A step's calldata; every argument is one word."""
    signature = SIGNATURES.get(step.function)
    if signature is None:  # of a feed, or of the board
        signature = "set(int256,uint256,uint256)" if len(step.args) == 3 else "set(address,uint256)"
    return selector(signature) + words(step.args)
