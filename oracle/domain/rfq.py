"""Signed quotes of options: twin of contracts/consumers/rfq/RfqSettlement.sol.

Amounts and prices are WAD. `digest` is what maker and taker sign under EIP-712; `cash_of` what the taker pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.domain.options_types import OptionsRefusal
from oracle.units import BPS, WAD

DOMAIN_NAME: Final = "Plumbline RfqSettlement"
DOMAIN_VERSION: Final = "1"
MAX_VALUE: Final = 2**112 - 1
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
LEG_TYPE: Final = "OptionLeg(uint256 seriesId,int256 amount)"
QUOTE_TYPE: Final = (
    "Quote(address maker,address taker,OptionLeg[] legs,uint256[] prices,uint64 expiry,uint256 nonce,"
    f"uint256 modelId,uint16 maxDeviationBps){LEG_TYPE}"
)


@dataclass(frozen=True, slots=True)
class Quote:
    """As Quote in contracts/types/RfqTypes.sol; legs are (series id, the taker's change)."""

    maker: str
    taker: str
    legs: tuple[tuple[int, int], ...]
    prices: tuple[int, ...]
    expiry: int
    nonce: int
    model_id: int
    max_deviation_bps: int

    def fields(self) -> tuple[object, ...]:
        """In the contract's order."""
        names = ("maker", "taker", "legs", "prices", "expiry", "nonce", "model_id", "max_deviation_bps")
        return tuple(getattr(self, name) for name in names)


def digest(quote: Quote, chain_id: int, contract: str) -> bytes:
    """The EIP-712 digest of a quote on one chain and one contract."""
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    names = (keccak(text=DOMAIN_TYPE), keccak(text=DOMAIN_NAME), keccak(text=DOMAIN_VERSION))
    domain = keccak(encode(types, (*names, chain_id, contract)))
    return keccak(b"\x19\x01" + domain + _struct_hash(quote))


def cash_of(quote: Quote) -> int:
    """What the taker pays: rounded up where it pays, down where it receives. Raises OptionsRefusal as the contract."""
    if not quote.legs or len(quote.legs) != len(quote.prices):
        raise OptionsRefusal("LegsMismatch", len(quote.legs), len(quote.prices))
    cash = 0
    for (_, amount), price in zip(quote.legs, quote.prices, strict=True):
        for value in (abs(amount), price):
            if value > MAX_VALUE:
                raise OptionsRefusal("QuoteTooLarge", value, MAX_VALUE)
        cash -= -amount * price // WAD
    return cash


def within_band(price: int, mark: int, max_deviation_bps: int) -> bool:
    """Whether a price is near enough to its mark to settle."""
    return abs(price - mark) * BPS <= mark * max_deviation_bps


def _struct_hash(quote: Quote) -> bytes:
    leg_type = keccak(text=LEG_TYPE)
    legs = [keccak(encode(("bytes32", "uint256", "int256"), (leg_type, *leg))) for leg in quote.legs]
    prices = b"".join(price.to_bytes(32) for price in quote.prices)
    types = ("bytes32", "address", "address", "bytes32", "bytes32", "uint64", "uint256", "uint256", "uint16")
    head = (keccak(text=QUOTE_TYPE), quote.maker, quote.taker, keccak(b"".join(legs)), keccak(prices))
    tail = (quote.expiry, quote.nonce, quote.model_id, quote.max_deviation_bps)
    return keccak(encode(types, (*head, *tail)))
