"""What the random histories of contracts/testing's harnesses have in common: steps, one transaction, its digests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from eth_abi import decode, encode
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from eth_utils.crypto import keccak
from web3.contract import Contract

from tests.support.local_chain import MAX_GAS, LocalChain

RUN_SELECTOR = keccak(text="run((uint256,address,bytes)[])")[:4]
RAN_TOPIC = "0x" + keccak(text="Ran(bytes32[],bytes32)").hex()


class Refusal(Protocol):
    """How a twin says that its contract reverts."""

    name: str
    values: tuple[object, ...]


@dataclass
class Step:
    """One call: by which account, of the protocol or of what surrounds it, and what the twin says of it."""

    actor: int
    function: str
    args: tuple[Any, ...]
    target: Contract | None = None
    expected: bytes = b""
    outcome: str = ""


@dataclass(frozen=True)
class Harness:
    """A deployed CallHarness, whose steps without a target call `protocol`."""

    chain: LocalChain
    contract: Contract
    protocol: Contract
    data: Callable[[Step], bytes]  # a step's calldata
    gas: int = MAX_GAS

    def actors(self, count: int) -> list[str]:
        """The addresses of its accounts."""
        return [str(self.contract.functions.actors(i).call()) for i in range(count)]

    def compare(self, steps: Sequence[Step], last: bytes, now: int) -> dict[str, Any]:
        """Runs the steps in one block at `now`; each digest is what the twin said, and so is the last one.

        Its receipt as the node tells it, in hex.
        """
        digests, digest, receipt = self._run(steps, now)
        differing = [s for s, digest in zip(steps, digests, strict=True) if s.expected != digest]
        assert not differing, f"at {now}, first of {len(steps)}: {differing[0]}"
        assert digest == last, f"after {steps}"
        return receipt

    def _run(self, steps: Sequence[Step], now: int) -> tuple[tuple[bytes, ...], bytes, dict[str, Any]]:
        """One transaction over all steps, encoded by hand: web3's codec would take most of the time."""
        self.chain.set_next_time(now)
        calls = [(s.actor, (s.target or self.protocol).address, self.data(s)) for s in steps]
        receipt = sent(self.chain, self.contract, calls, self.gas)
        assert receipt["status"] == "0x1"
        (log,) = [log for log in receipt["logs"] if log["topics"][0] == RAN_TOPIC]
        digests, last = decode(("bytes32[]", "bytes32"), bytes.fromhex(log["data"][2:]))
        return digests, last, receipt


def sent(chain: LocalChain, harness: Contract, calls: Sequence[tuple[int, str, bytes]], gas: int) -> dict[str, Any]:
    """The receipt of a harness's `run` of (actor, target, calldata), as the node tells it."""
    data = RUN_SELECTOR + encode(("(uint256,address,bytes)[]",), (calls,))
    call = {"from": chain.address(0), "to": harness.address, "gas": hex(gas), "data": "0x" + data.hex()}
    receipt: dict[str, Any] = chain.rpc("eth_sendTransactionSync", call)  # answers with it: nothing to poll for
    return receipt


def predicted(ok: bool, result: bytes, seen: Callable[[], bytes]) -> bytes:
    """The digest that the harness makes of a step; it looks at what is seen only after one that did not revert."""
    return keccak(int(ok).to_bytes(32) + keccak(result) + (seen() if ok else b""))


def revert_data(abi: Sequence[Any], refusal: Refusal) -> bytes:
    """A twin's refusal as the contract tells it: the error of that name with as many arguments."""
    named = (e for e in abi if e["type"] == "error" and e["name"] == refusal.name)
    entry = next(e for e in named if len(e["inputs"]) == len(refusal.values))
    encoded = encode(get_abi_input_types(entry), refusal.values)
    return bytes(function_signature_to_4byte_selector(abi_to_signature(entry)) + encoded)


def actor_signature(actor: str, digest: bytes) -> bytes:
    """What HarnessActor takes as its signature."""
    return bytes(keccak(digest + bytes.fromhex(actor[2:]).rjust(32, b"\0")))


@cache
def selector(signature: str) -> bytes:
    """First four bytes of a signature's hash."""
    return keccak(text=signature)[:4]


def words(value: Any) -> bytes:
    """A static value, or a tuple of them, as ABI words."""
    if value is None:
        return b""
    values = value if isinstance(value, tuple) else (value,)
    return b"".join(((int(v, 16) if isinstance(v, str) else int(v)) % 2**256).to_bytes(32) for v in values)
