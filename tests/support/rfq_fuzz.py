"""Random histories of signed quotes, on the chain and on the twin at once: who quotes what, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from eth_abi import encode
from web3.contract import Contract

from oracle.domain import rfq
from oracle.domain.rfq import ANYBODY, Quote, Settlement
from tests.support.call_harness import Step
from tests.support.options import FOREVER, OptionsWorld
from tests.support.rfq import MODEL
from tests.support.trading_fuzz import AROUND, FEEDS, TradingFuzzer, started

LIMIT_BPS: Final = 2_000
QUOTE: Final = "(address,address,(uint256,int256)[],uint256[],uint64,uint256,uint256,uint16)"
CALLS: Final = {
    "settleQuote": ("settle", (QUOTE, "bytes", "bytes")),
    "cancelQuotes": ("cancel", ("uint256[]",)),
}


@dataclass
class RfqFuzzer(TradingFuzzer):
    """Quotes beside the book's own calls."""

    weights: ClassVar[dict[str, int]] = {"quote": 70, "again": 6, "void": 4, **AROUND, **FEEDS}

    twin: Settlement = field(init=False)
    given: list[Step] = field(default_factory=list, init=False)  # quotes that were sent before

    def _call_contract(self, caller: str, step: Step) -> bytes:
        if step.function == "cancelQuotes":
            self.twin.cancel(caller, step.args[0])
            for nonce in step.args[0]:
                self.emitted("NonceCancelled(address,uint256)", (caller, nonce), (), ())
            return b""
        fields, made, took = step.args
        quote = Quote(*fields)
        cash = self.twin.settle(caller, quote, made, took)
        digest = rfq.digest(quote, self.twin.chain_id, self.twin.contract)
        taker = caller if quote.taker == ANYBODY else quote.taker
        signature = "QuoteSettled(bytes32,address,address,uint256,int256)"
        self.emitted(signature, (digest, quote.maker, taker), ("uint256", "int256"), (quote.nonce, cash))
        return encode(("int256",), (cash,))

    # Draws

    def _draw_quote(self, actor: int) -> Step:
        """Near the marks, often closing what its sender holds."""
        d, sender = self.draw, self.actors[actor]
        base = self._draw_close(actor) if d.random() < 0.5 else self._draw_trade(actor)
        maker = self.eoa if d.random() < 0.1 else base.args[0]
        taker = d.choices([sender, ANYBODY, self._anyone()], [75, 15, 10])[0]
        deviation = d.choices([500, 0, LIMIT_BPS, LIMIT_BPS + 1], [90, 4, 4, 2])[0]
        off = [0] * 12 + [50, -50, 300, -300, 499, -499, 500, 501, -501]
        legs = tuple(base.args[2])
        prices = tuple(max(0, self.mark(i) * (10_000 + d.choice(off)) // 10_000) for i, _ in legs)
        self.nonces += 1
        nonce = self.nonces if d.random() < 0.98 else d.randrange(1, self.nonces + 1)
        expiry = d.choices([FOREVER, self.model.now, self.model.now - 1], [96, 2, 2])[0]
        model = MODEL if d.random() < 0.98 else MODEL + 1
        quote = self._odd(Quote(maker, taker, legs, prices, expiry, nonce, model, deviation))
        digest = rfq.digest(quote, self.twin.chain_id, self.twin.contract)
        relayed = taker not in (sender, ANYBODY)
        took = self.sign(taker, digest) if relayed or d.random() < 0.05 else b""
        step = Step(actor, "settleQuote", (quote.fields(), self.sign(maker, digest), took), self.contract)
        self.given.append(step)
        return step

    def _odd(self, quote: Quote) -> Quote:
        """Mostly as it is; sometimes malformed."""
        d = self.draw
        if d.random() >= 0.03:
            return quote
        huge = 2**112 - d.choice([0, 1])
        changes = [
            {"prices": quote.prices[:-1]},
            {"legs": (), "prices": ()},
            {"prices": (huge, *quote.prices[1:])},
            {"legs": ((quote.legs[0][0], -huge), *quote.legs[1:])},
            {"legs": quote.legs[::-1], "prices": quote.prices[::-1]},
            {"legs": quote.legs * 5, "prices": quote.prices * 5},
        ]
        return replace(quote, **d.choice(changes))  # type: ignore[arg-type]

    def _draw_again(self, actor: int) -> Step:
        """A quote that was sent before, settled or not, by its sender or by another."""
        if not self.given:
            return self._draw_quote(actor)
        old = self.draw.choice(self.given[-40:])
        return Step(old.actor if self.draw.random() < 0.7 else actor, old.function, old.args, self.contract)

    def _draw_void(self, actor: int) -> Step:
        """Nonces that will be drawn, that were used, or twice one."""
        d = self.draw
        nonces = [self.nonces + d.randrange(1, 9), d.randrange(1, self.nonces + 2)][: d.choice([0, 1, 1, 2])]
        return Step(actor, "cancelQuotes", (nonces * d.choice([1, 1, 1, 2]),), self.contract)


def start(world: OptionsWorld, seed: int) -> RfqFuzzer:
    """A fuzzer on a book that nobody has used yet, with a settlement contract of its own."""
    chain = world.chain

    def deploy(actors: list[str]) -> Contract:
        for feed in world.volatilities:
            chain.send(feed.functions.setModel(MODEL))
        return chain.deploy("RfqSettlement", world.book.address, LIMIT_BPS)

    fuzzer = started(world, seed, RfqFuzzer, CALLS, deploy)
    models = [(feed.address, MODEL) for feed in world.volatilities]
    chain_id = chain.web3.eth.chain_id
    address = fuzzer.contract.address
    fuzzer.twin = Settlement(fuzzer.model, address, chain_id, LIMIT_BPS, fuzzer.is_signed, models)
    return fuzzer
