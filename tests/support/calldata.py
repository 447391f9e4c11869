"""Damaged calldata, what a contract says to it, and a digest of its storage."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.local_chain import LocalChain
from tests.support.reverts import RevertDecoder, RevertError

WORD = 32
SELECTOR = 4
EDGES = (0, 1, 31, 32, 33, 64, 2**16, 2**32, 2**63, 2**64 - 1, 2**255, 2**256 - 32, 2**256 - 1)
# PLUMBLINE_FUZZ_CASES sets how many examples a test gets
FUZZED: Final = settings(
    max_examples=int(os.environ.get("PLUMBLINE_FUZZ_CASES", "150")),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def verdict(chain: LocalChain, decoder: RevertDecoder, address: str, data: bytes) -> RevertError | None:
    """What an eth_call of raw calldata is refused with; None when it is accepted."""
    words = {"to": address, "data": "0x" + data.hex(), "gas": hex(25_000_000)}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [words, "latest"]}).encode()
    request = urllib.request.Request(chain.rpc_url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
    if "result" in answer:
        return None
    assert "revert" in answer["error"]["message"], answer
    return decoder.decode(bytes.fromhex(answer["error"].get("data", "0x").removeprefix("0x")))


def storage_hash(chain: LocalChain, address: str) -> str:
    """Root of a contract's storage: any slot that changes changes it."""
    found: str = chain.rpc("eth_getProof", address, [], "latest")["storageHash"]
    return found


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Calldata with its selector and up to three wounds: words replaced, bytes cut, added, flipped."""
    body = bytearray(data[SELECTOR:])
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("edge", "near", "copy", "flip", "cut", "grow", "shift")))
        at = WORD * draw(st.integers(0, max(0, len(body) // WORD - 1)))
        word = int.from_bytes(body[at : at + WORD])
        if kind == "edge":
            body[at : at + WORD] = draw(st.sampled_from(EDGES)).to_bytes(WORD)
        elif kind == "near":
            body[at : at + WORD] = ((word + draw(st.sampled_from((-WORD, -1, 1, WORD)))) % 2**256).to_bytes(WORD)
        elif kind == "copy":
            other = WORD * draw(st.integers(0, max(0, len(body) // WORD - 1)))
            body[at : at + WORD] = bytes(body[other : other + WORD])
        elif kind == "flip" and body:
            body[draw(st.integers(0, len(body) - 1))] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del body[draw(st.integers(0, len(body))) :]
        elif kind == "grow":
            body += draw(st.binary(min_size=1, max_size=70))
        elif kind == "shift":
            body[at:at] = bytes(WORD)
    return data[:SELECTOR] + bytes(body)


def refused(chain: LocalChain, address: str, calls: Sequence[bytes]) -> None:
    """Sends each as a transaction: it has to fail, and to leave the contract's storage as it was."""
    before = storage_hash(chain, address)
    for data in calls:
        transaction = {"from": chain.address(1), "to": address, "data": "0x" + data.hex(), "gas": hex(3_000_000)}
        sent = chain.rpc("eth_sendTransaction", transaction)
        assert chain.web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.01)["status"] == 0
    assert storage_hash(chain, address) == before
