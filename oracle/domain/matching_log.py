"""The log of an order book: what traders and operator sign, its leaves, Merkle roots, hash chain and receipts.

Twin of contracts/consumers/matching/OrderLog.sol. Leaves are hashed twice and nodes in sorted pairs, as OpenZeppelin's
MerkleProof has them; a node without a neighbour goes up as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

DOMAIN_NAME: Final = "Plumbline OrderMatching"
DOMAIN_VERSION: Final = "1"
MAX_BATCH: Final = 32
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
ORDER_TYPE: Final = (
    "Order(address trader,uint256 seriesId,bool isBuy,uint256 price,uint256 amount,uint64 expiry,uint256 nonce)"
)
CANCEL_TYPE: Final = "Cancel(bytes32 order)"
RECEIPT_TYPE: Final = "Receipt(bytes32 leaf,uint256 seriesId,uint64 index,uint64 commitBy)"
NO_HEAD: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Domain:
    """The contract, on its chain, that signatures are for."""

    chain_id: int
    contract: str

    def digest(self, type_: str, types: Sequence[str], values: Sequence[object]) -> bytes:
        """The EIP-712 digest of a struct of static members."""
        struct = keccak(encode(("bytes32", *types), (keccak(text=type_), *values)))
        return keccak(b"\x19\x01" + _separator(self) + struct)


@cache
def _separator(domain: Domain) -> bytes:
    names = (keccak(text=DOMAIN_TYPE), keccak(text=DOMAIN_NAME), keccak(text=DOMAIN_VERSION))
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    return keccak(encode(types, (*names, domain.chain_id, domain.contract)))


@dataclass(frozen=True, slots=True)
class Order:
    """As Order in contracts/types/MatchingTypes.sol: price and amount WAD, expiry unix seconds."""

    trader: str
    series_id: int
    is_buy: bool
    price: int
    amount: int
    expiry: int
    nonce: int

    def digest(self, domain: Domain) -> bytes:
        """What the trader signs."""
        types = ("address", "uint256", "bool", "uint256", "uint256", "uint64", "uint256")
        return domain.digest(ORDER_TYPE, types, astuple(self))


@dataclass(frozen=True, slots=True)
class LogEntry:
    """As LogEntry in contracts/types/MatchingTypes.sol: an order or its cancellation, with its trader's signature."""

    taken_at: int
    is_cancel: bool
    order: Order
    signature: bytes

    def fields(self) -> tuple[object, ...]:
        """In the contract's order."""
        return (self.taken_at, self.is_cancel, astuple(self.order), self.signature)

    def leaf(self, domain: Domain, series_id: int, index: int) -> bytes:
        """Its leaf at a place of a series' log."""
        return keccak(keccak(encode(LEAF_TYPES, self.leaf_fields(domain, series_id, index))))

    def leaf_fields(self, domain: Domain, series_id: int, index: int) -> tuple[object, ...]:
        """LogLeaf in the contract's order."""
        head = (series_id, index, self.taken_at, self.is_cancel)
        return (*head, self.order.digest(domain), keccak(self.signature))


LEAF_TYPES: Final = ("uint256", "uint64", "uint64", "bool", "bytes32", "bytes32")


@dataclass(frozen=True, slots=True)
class Receipt:
    """As Receipt in contracts/types/MatchingTypes.sol: the operator's word that an entry has its place in the log."""

    leaf: bytes
    series_id: int
    index: int
    commit_by: int

    def digest(self, domain: Domain) -> bytes:
        """What the operator signs."""
        return domain.digest(RECEIPT_TYPE, ("bytes32", "uint256", "uint64", "uint64"), astuple(self))


def cancel_digest(domain: Domain, order: bytes) -> bytes:
    """What a trader signs to cancel the order of that digest."""
    return domain.digest(CANCEL_TYPE, ("bytes32",), (order,))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root of a batch's leaves, at least one."""
    return _levels(leaves)[-1][0]


def proof_of(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """The neighbours on the way from a leaf to the root, for MerkleProof.verify."""
    found = []
    for level in _levels(leaves)[:-1]:
        neighbour = place ^ 1
        if neighbour < len(level):
            found.append(level[neighbour])
        place //= 2
    return found


def proven_root(leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to."""
    for neighbour in proof:
        leaf = _pair(leaf, neighbour)
    return leaf


def next_head(head: bytes, root: bytes, first: int, count: int) -> bytes:
    """The hash chain over a series' batches, one batch on."""
    return keccak(encode(("bytes32", "bytes32", "uint64", "uint64"), (head, root, first, count)))


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([_pair(*below[i : i + 2]) if i + 1 < len(below) else below[i] for i in range(0, len(below), 2)])
    return levels


def _pair(a: bytes, b: bytes) -> bytes:
    return keccak(a + b if a < b else b + a)
