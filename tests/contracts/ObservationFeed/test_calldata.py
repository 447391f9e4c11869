"""ObservationFeed.submit under hostile reports, signatures and calldata: the exact error, and nothing recorded.

What has to come is told by a second form of the contract's checks, written here. PLUMBLINE_FUZZ_CASES sets how many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from eth_abi import encode
from eth_keys import keys
from eth_keys.exceptions import BadSignature, ValidationError
from hypothesis import given
from hypothesis import strategies as st

from oracle.domain.observations import Report, ReportDomain
from oracle.market.publishers import report_digest, sign_report
from tests.support.calldata import FUZZED, damaged, refused, storage_hash, verdict
from tests.support.local_chain import LocalChain, account
from tests.support.observations import PRICE, PUBLISHERS, QUORUM, Publishers, deploy_feed
from tests.support.reverts import RevertDecoder, RevertError, normal

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TYPES = ("(uint64,uint64,uint64,uint32)[]", "bytes[]")
MIN_INTERVAL, MAX_AGE, SPREAD_BPS, MOVE_BPS = 1_800, 3_600, 100, 1_000
STRANGER = 12

Row = tuple[int, int, int, int]
Submission = list[tuple[Row, bytes]]


@dataclass(frozen=True)
class Ground:
    """A feed with one round, an hour ago, and an honest submission of its second."""

    feed: Publishers
    decoder: RevertDecoder
    now: int
    honest: Submission

    def data(self, reports: Sequence[Row], signatures: Sequence[bytes]) -> bytes:
        """submit's calldata."""
        selector = bytes.fromhex(self.feed.contract.functions.submit([], []).selector[2:])
        return selector + encode(TYPES, [reports, signatures])

    def says(self, data: bytes) -> RevertError | None:
        """The contract's verdict."""
        return verdict(self.feed.chain, self.decoder, self.feed.contract.address, data)


@pytest.fixture(scope="module")
def ground(chain: LocalChain, decoder: RevertDecoder) -> Ground:
    feed = deploy_feed(chain)
    feed.observe()
    chain.mine(chain.now() + 3_600)
    reports, signatures = feed.sign(feed.report(PRICE + 5), len(PUBLISHERS))
    return Ground(feed, decoder, chain.now(), list(zip(reports, signatures, strict=True)))


def recovered(digest: bytes, signature: bytes) -> RevertError | str:
    """The signer, or OpenZeppelin's refusal."""
    if len(signature) != 65:
        return RevertError("ECDSAInvalidSignatureLength", (len(signature),))
    r, s, v = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
    if s > SECP256K1_ORDER // 2:
        return RevertError("ECDSAInvalidSignatureS", (s.to_bytes(32),))
    if v not in (27, 28) or not 0 < r < SECP256K1_ORDER or s == 0:
        return RevertError("ECDSAInvalidSignature")
    try:
        key = keys.Signature(vrs=(v - 27, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError):
        return RevertError("ECDSAInvalidSignature")
    return key.to_checksum_address()


def expected(ground: Ground, submission: Submission, signatures: int) -> RevertError | None:
    """What the feed has to say to these reports with the first `signatures` signatures; None for a round."""
    count = len(submission)
    if count != signatures:
        return RevertError("ArrayLengthMismatch", (count, signatures))
    if count < QUORUM:
        return RevertError("QuorumNotReached", (count, QUORUM))
    bad = _unsigned(ground, submission)
    if bad is not None:
        return bad
    time = submission[0][0][1]
    earliest = ground.honest[0][0][1] - 3_601 + MIN_INTERVAL
    if time > ground.now:
        return RevertError("ObservationFromFuture", (time, ground.now))
    if time < earliest:
        return RevertError("ObservationTooEarly", (time, earliest))
    return _disagreement(sorted(row[2] for row, _ in submission), submission, ground)


def _unsigned(ground: Ground, submission: Submission) -> RevertError | None:
    first, previous = submission[0][0][1], "0x" + "0" * 40
    members = {account(i).address for i in PUBLISHERS}
    for (round_id, time, price, version), signature in submission:
        faults = {
            ("WrongRound", (round_id, 2)): round_id != 2,
            ("PublisherSetChanged", (version, 1)): version != 1,
            ("ObservedAtMismatch", (first, time)): time != first,
            ("ZeroPrice", ()): price == 0,
        }
        for (name, args), is_so in faults.items():
            if is_so:
                return RevertError(name, args)
        signer = recovered(_digest(ground, (round_id, time, price, version)), signature)
        if isinstance(signer, RevertError):
            return signer
        if int(signer, 16) <= int(previous, 16):
            return RevertError("SignersNotSorted", (previous, signer))
        if signer not in members:
            return RevertError("NotPublisher", (signer,))
        previous = signer
    return None


def _disagreement(prices: list[int], submission: Submission, ground: Ground) -> RevertError | None:
    middle = len(prices) // 2
    median = prices[middle] if len(prices) % 2 else prices[middle - 1] + (prices[middle] - prices[middle - 1]) // 2
    room = SPREAD_BPS * median
    low, high = (median - prices[0]) * 10_000 <= room, (prices[-1] - median) * 10_000 <= room
    if not (low and high):
        far = prices[-1] if low else prices[0]
        row, signature = next(pair for pair in submission if pair[0][2] == far)
        return RevertError("ReportDeviates", (recovered(_digest(ground, row), signature), far, median))
    move = abs(median - PRICE) * 10_000
    if len(prices) < len(PUBLISHERS) and move > MOVE_BPS * PRICE:
        return RevertError("MoveNeedsAllPublishers", (-(-move // PRICE), MOVE_BPS))
    return None


def _digest(ground: Ground, row: Row) -> bytes:
    return report_digest(ground.feed.domain, Report(*row))


def _same(one: RevertError | None, other: RevertError | None) -> bool:
    return (one and (one.name, normal(one.args))) == (other and (other.name, normal(other.args)))


SPOILT_SIGNATURES: dict[str, Callable[[bytes, int], bytes]] = {
    "other v": lambda s, n: s[:64] + bytes([(0, 1, 26, 29, 255, 27, 28)[n % 7]]),
    "high s": lambda s, n: s[:32] + (SECP256K1_ORDER - int.from_bytes(s[32:64])).to_bytes(32) + bytes([55 - s[64]]),
    "zero r": lambda s, n: bytes(32) + s[32:],
    "zero s": lambda s, n: s[:32] + bytes(32) + s[64:],
    "r of the order": lambda s, n: SECP256K1_ORDER.to_bytes(32) + s[32:],
    "bit": lambda s, n: s[: n % 65] + bytes([s[n % 65] ^ 1 << n % 8]) + s[n % 65 + 1 :],
    "shorter": lambda s, n: s[: n % 65],
    "longer": lambda s, n: s + bytes(1 + n % 40),
    "compact": lambda s, n: s[:32] + (int.from_bytes(s[32:64]) | (s[64] - 27) << 255).to_bytes(32),
}


@st.composite
def spoilt(draw: st.DrawFn, honest: Submission, domain: ReportDomain) -> tuple[Submission, int]:
    """A submission with up to three faults, and how many of its signatures go along."""
    found = honest[: draw(st.integers(QUORUM, len(honest)))]
    for _ in range(draw(st.integers(0, 3))):
        i, n = draw(st.integers(0, len(found) - 1)), draw(st.integers(0, 10_000))
        row, signature = found[i]
        kind = draw(st.sampled_from(("signature", "field", "resigned", "stranger", "domain", "twice", "order", "drop")))
        whole = len(signature) == 65 and signature[64] in (27, 28)
        if kind == "signature" and whole:
            found[i] = (row, SPOILT_SIGNATURES[draw(st.sampled_from(sorted(SPOILT_SIGNATURES)))](signature, n))
        elif kind in ("field", "resigned"):
            row = _changed(draw, row)
            signer = PUBLISHERS[n % len(PUBLISHERS)]
            sound = kind == "resigned" and row[2] > 0
            found[i] = (row, sign_report(account(signer).key, domain, Report(*row))[1] if sound else signature)
        elif kind == "stranger":
            found[i] = (row, sign_report(account(STRANGER).key, domain, Report(*row))[1] if row[2] else signature)
        elif kind == "domain" and row[2]:
            other = replace(domain, chain_id=domain.chain_id + 1)
            found[i] = (row, sign_report(account(PUBLISHERS[0]).key, other, Report(*row))[1])
        elif kind == "twice":
            found[i] = found[n % len(found)]
        elif kind == "order":
            found.reverse()
        elif kind == "drop" and len(found) > 1:
            del found[i]
    return found, max(0, len(found) - draw(st.sampled_from((0, 0, 0, 0, 1, 2))))


def _changed(draw: st.DrawFn, row: Row) -> Row:
    field = draw(st.integers(0, 3))
    top = 2**32 - 1 if field == 3 else 2**64 - 1
    near = st.sampled_from((row[field] - 1, row[field] + 1, row[field] * 102 // 100, row[field] * 2, 0, 1, top))
    value = min(top, max(0, draw(near | st.integers(0, top))))
    return (*row[:field], value, *row[field + 1 :])  # type: ignore[return-value]


def submission_of(body: bytes) -> Submission:
    """What the arguments mean, as Solidity reads them: any offsets, padding not looked at."""

    def word(at: int) -> int:
        return int.from_bytes(body[at : at + 32])

    rows, items = word(0), word(32)
    starts = [rows + 32 + 128 * i for i in range(word(rows))]
    reports = [(word(at), word(at + 32), word(at + 64), word(at + 96)) for at in starts]
    places = [items + 32 + word(items + 32 + 32 * i) for i in range(word(items))]
    return list(zip(reports, [body[at + 32 : at + 32 + word(at)] for at in places], strict=True))


def test_submit__spoilt_reports_and_signatures__exact_error(
    ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    seen: dict[str, int] = {}

    # a digest is of fields that signatures carry: a zero price cannot be signed by this project's own publishers
    @FUZZED
    @given(case=spoilt(ground.honest, ground.feed.domain))
    def holds(case: tuple[Submission, int]) -> None:
        submission, signatures = case
        data = ground.data([row for row, _ in submission], [s for _, s in submission[:signatures]])
        wanted, got = expected(ground, submission, signatures), ground.says(data)
        assert _same(wanted, got), (wanted, got)
        name = got.name if got else "accepted"
        seen[name] = seen.get(name, 0) + 1

    before = storage_hash(ground.feed.chain, ground.feed.contract.address)
    holds()
    assert storage_hash(ground.feed.chain, ground.feed.contract.address) == before
    record_property("cases", sum(seen.values()))
    assert len(seen) > 8
    assert "accepted" in seen


def test_submit__damaged_calldata__accepted_only_when_it_means_the_same(
    ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    honest = [[row for row, _ in ground.honest], [signature for _, signature in ground.honest]]
    known = {e["name"] for e in ground.feed.contract.abi if e["type"] == "error"} | {"", "Panic"}
    counts = {"accepted": 0, "refused": 0}
    bad: list[bytes] = []

    @FUZZED
    @given(data=damaged(ground.data(*honest)))
    def holds(data: bytes) -> None:
        said = ground.says(data)
        if said is None:
            read = submission_of(data[4:])
            assert len(read) >= QUORUM
            assert set(read) <= set(ground.honest)
        else:
            assert said.name in known, said
            bad.append(data)
        counts["refused" if said else "accepted"] += 1

    holds()
    refused(ground.feed.chain, ground.feed.contract.address, bad[:10])
    record_property("cases", sum(counts.values()))
    assert counts["refused"] > counts["accepted"]
