"""RiskFeed.submitRound under hostile arguments and damaged calldata: the exact error, and nothing stored.

PLUMBLINE_FUZZ_CASES sets how many of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from oracle.constants import BN254_SCALAR_FIELD as P
from tests.support.calldata import FUZZED, damaged, refused, storage_hash, verdict
from tests.support.reverts import RevertDecoder, RevertError, normal
from tests.support.risk_feed import CALM, HISTORY, RiskFeedStack

TYPES = ("uint64", "uint256[]", "bytes")
LIMIT = 1 << 63
TOP = 2**256 - 1
Arguments = tuple[int, list[int], bytes]


@dataclass(frozen=True)
class Ground:
    """A feed with one round, a newer observation, and the honest arguments of its second round."""

    feed: RiskFeedStack
    decoder: RevertDecoder
    honest: Arguments

    def data(self, arguments: Arguments) -> bytes:
        """submitRound's calldata."""
        selector: str = self.feed.read.submitRound(0, [], b"").selector
        return bytes.fromhex(selector[2:]) + encode(TYPES, arguments)

    def says(self, data: bytes) -> RevertError | None:
        """The feed's verdict."""
        return verdict(self.feed.chain, self.decoder, self.feed.contract.address, data)


@pytest.fixture(scope="module")
def ground(risk_feed: RiskFeedStack, decoder: RevertDecoder) -> Ground:
    feed = risk_feed
    newest = feed.observe(CALM[1])
    proof = feed.prove(newest)
    return Ground(feed, decoder, (newest, list(proof.outputs), proof.zk_proof))


def expected(ground: Ground, arguments: Arguments) -> RevertError | None:
    """What the feed has to say; None for a round."""
    observation, outputs, zk_proof = arguments
    newest, true_outputs, true_proof = ground.honest
    first = outputs[0] if outputs else 0
    # in the order of the contract's checks
    faults = {
        ("ObservationNotNewer", (observation, HISTORY)): observation <= HISTORY,
        ("NoDataPresent", (observation,)): observation > newest,
        ("InstanceCountMismatch", (len(outputs), 1)): len(outputs) != 1,
        ("InstanceNotInField", (0, first)): first >= P,
        ("ValueOutOfRange", (0, first)): LIMIT <= first <= P - LIMIT,
        ("InvalidProof", ()): (outputs, zk_proof) != (true_outputs, true_proof),
    }
    return next((RevertError(name, args) for (name, args), is_so in faults.items() if is_so), None)


@st.composite
def spoilt(draw: st.DrawFn, honest: Arguments) -> Arguments:
    """The honest arguments with up to three faults."""
    observation, outputs, zk_proof = honest[0], list(honest[1]), honest[2]
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(("observation", "output", "outputs", "bit", "word", "cut", "grow")))
        at = draw(st.integers(0, len(zk_proof) - 1)) if zk_proof else 0
        if kind == "observation":
            near = st.sampled_from((0, 1, honest[0] - 1, honest[0] + 1, 2**64 - 1))
            observation = draw(near | st.integers(0, 2**64 - 1))
        elif kind == "output" and outputs:
            near = st.sampled_from(
                (0, P - 1, P, P + honest[1][0], LIMIT - 1, LIMIT, P - LIMIT, P - LIMIT + 1, 2**256 - 1)
            )
            outputs[0] = draw(near | st.integers(0, TOP) | st.integers(0, LIMIT - 1))
        elif kind == "outputs":
            outputs = draw(st.lists(st.integers(0, P - 1), max_size=3))
        elif kind == "bit" and zk_proof:
            zk_proof = zk_proof[:at] + bytes([zk_proof[at] ^ 1 << draw(st.integers(0, 7))]) + zk_proof[at + 1 :]
        elif kind == "word":
            start = at - at % 32
            word = draw(st.sampled_from((0, 1, P, P - 1, 2**256 - 1))).to_bytes(32)
            zk_proof = zk_proof[:start] + word + zk_proof[start + 32 :]
        elif kind == "cut":
            zk_proof = zk_proof[:at]
        elif kind == "grow":
            zk_proof += draw(st.binary(min_size=1, max_size=64))
    return observation, outputs, zk_proof


def test_submit_round__spoilt_arguments__exact_error(
    ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    seen: dict[str, int] = {}

    @FUZZED
    @given(arguments=spoilt(ground.honest))
    def holds(arguments: Arguments) -> None:
        wanted, got = expected(ground, arguments), ground.says(ground.data(arguments))
        assert (wanted and (wanted.name, normal(wanted.args))) == (got and (got.name, normal(got.args)))
        name = got.name if got else "accepted"
        seen[name] = seen.get(name, 0) + 1

    before = storage_hash(ground.feed.chain, ground.feed.contract.address)
    holds()
    assert storage_hash(ground.feed.chain, ground.feed.contract.address) == before
    record_property("cases", sum(seen.values()))
    assert {"accepted", "InvalidProof", "InstanceCountMismatch", "ObservationNotNewer", "NoDataPresent"} <= set(seen)


def arguments_of(body: bytes) -> Arguments:
    """What the arguments mean, read as Solidity reads them."""

    def word(at: int) -> int:
        return int.from_bytes(body[at : at + 32])

    outputs, proof = word(32), word(64)
    values = [word(outputs + 32 + 32 * i) for i in range(word(outputs))]
    return word(0), values, body[proof + 32 : proof + 32 + word(proof)]


def test_submit_round__damaged_calldata__accepted_only_when_it_means_the_same(
    ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    counts = {"accepted": 0, "refused": 0}
    bad: list[bytes] = []

    @FUZZED
    @given(data=damaged(ground.data(ground.honest)))
    def holds(data: bytes) -> None:
        said = ground.says(data)
        if said is None:
            assert arguments_of(data[4:]) == ground.honest
        else:
            assert not said.name.startswith("0x"), said
            bad.append(data)
        counts["refused" if said else "accepted"] += 1

    holds()
    refused(ground.feed.chain, ground.feed.contract.address, bad[:10])
    record_property("cases", sum(counts.values()))
    assert counts["refused"] > counts["accepted"]
