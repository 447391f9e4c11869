"""Quotes on an options book of the test chain: made, signed and settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth_account import Account
from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain import rfq
from oracle.domain.rfq import Quote
from tests.support.local_chain import LocalChain, account
from tests.support.options import FOREVER, NOBODY, WAD, OptionsWorld, deploy_options

MODEL = 7
MAKER, TAKER, KEEPER = 8, 9, 10


@dataclass(frozen=True)
class RfqWorld:
    """A settlement contract on a book, which both accounts allowed as their operator."""

    options: OptionsWorld
    rfq: Contract

    @property
    def chain(self) -> LocalChain:
        return self.options.chain

    def quote(self, legs: list[tuple[int, int]], *, off_bps: int = 0, **changes: Any) -> Quote:
        """Maker to taker, at the marks and `off_bps` above."""
        prices = [self.options.read("markOf", i) * (10_000 + off_bps) // 10_000 for i, _ in legs]
        made = Quote(self.options.maker, self.options.taker, tuple(legs), tuple(prices), FOREVER, 1, MODEL, 500)
        return replace(made, **changes)

    def digest(self, quote: Quote) -> bytes:
        return rfq.digest(quote, self.chain.web3.eth.chain_id, self.rfq.address)

    def sign(self, quote: Quote, signer: int = MAKER) -> bytes:
        """A development account's signature."""
        return bytes(Account.unsafe_sign_hash(self.digest(quote), account(signer).key).signature)

    def settle(
        self, quote: Quote, signature: bytes | None = None, taker: bytes = b"", sender: str | None = None
    ) -> TxReceipt:
        """Signed by the maker and sent by the taker, unless told."""
        made = self.sign(quote) if signature is None else signature
        return self.chain.send(self.rfq.functions.settle(quote.fields(), made, taker), sender or self.options.taker)


def deploy_rfq(chain: LocalChain, limit_bps: int = 2_000, deployer: str | None = None, **book: Any) -> RfqWorld:
    """A book with two funded accounts, its volatilities of one model, and a settlement contract."""
    world = deploy_options(chain, **book)
    settlement = chain.deploy("RfqSettlement", world.book.address, limit_bps, sender=deployer)
    for feed in world.volatilities:
        chain.send(feed.functions.setModel(MODEL))
    for name in (world.maker, world.taker):
        world.deposit(100_000, name)
        world.call("setOperator", settlement.address, True, sender=name)
    return RfqWorld(world, settlement)


__all__ = ["KEEPER", "MAKER", "MODEL", "NOBODY", "TAKER", "WAD", "RfqWorld", "deploy_rfq"]
