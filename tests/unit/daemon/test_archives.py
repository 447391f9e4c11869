"""Evidence archives: what one says is checked without a chain, and nothing in it can be changed unseen."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from oracle.cli.verification import save_evidence, verify_archive
from oracle.client import Client
from oracle.daemon.archive_checks import check_offline, check_on_chain
from oracle.daemon.service import OracleService
from oracle.domain.archive import CIRCUIT, INDEX, OBSERVATIONS, PROOF, REQUEST, ROUND, TRANSACTION, pack, unpack
from oracle.domain.evidence import CheckStatus
from oracle.errors import InputRejected, NotFound, ProofRejected
from tests.support.archives import edited, failed, one_check, put
from tests.support.service_stack import PRICE, TINY, VOLATILITY, ServiceStack

INPUTS = [[1.0, -0.5, 0.25]]


@pytest.fixture(scope="module")
def round_zip(service_stack: ServiceStack) -> bytes:
    """The archive of a round that stands on another."""
    service = service_stack.service
    ended = service.wait(service.push(VOLATILITY).id, 90)
    if ended.result is not None and ended.result["roundId"] == 1:
        ended = service.wait(service.push(VOLATILITY).id, 90)
    assert ended.result is not None, ended.cause
    return service.archive(VOLATILITY, int(ended.result["roundId"]))


@pytest.fixture(scope="module")
def request_zip(service_stack: ServiceStack) -> bytes:
    """The archive of a proof that was stored on chain."""
    service = service_stack.service
    ended = service.wait(service.request_proof(TINY, INPUTS, submit=True).id, 90)
    assert ended.result is not None, ended.cause
    return service.request_archive(ended.id)


def test_archive__round__every_check_and_what_needs_a_chain(service_stack: ServiceStack, round_zip: bytes) -> None:
    index, members = unpack(round_zip)
    assert index["kind"] == "round"
    assert set(members) == {PROOF, ROUND, OBSERVATIONS, TRANSACTION, *CIRCUIT}
    checks = check_offline(service_stack.settings, "round", members)
    assert failed(checks) == set(), checks
    assert [check.name for check in checks if check.status is CheckStatus.SKIPPED] == ["on chain"]
    signed = next(check for check in checks if check.name == "observations signed")
    assert signed.detail.startswith("33 observations")


def test_archive__round_on_its_chain__the_chains(service_stack: ServiceStack, round_zip: bytes) -> None:
    index, members = unpack(round_zip)
    assert all(check.status is CheckStatus.OK for check in check_on_chain(service_stack.client, "round", members))
    assert service_stack.service.archive(VOLATILITY, int(index["subject"].rpartition("/")[2])) == round_zip


def test_archive__request__every_check(service_stack: ServiceStack, request_zip: bytes) -> None:
    index, members = unpack(request_zip)
    assert index["kind"] == "request"
    assert set(members) == {PROOF, REQUEST, TRANSACTION, *CIRCUIT}
    assert failed(check_offline(service_stack.settings, "request", members)) == set()
    assert failed(check_on_chain(service_stack.client, "request", members)) == set()


def test_archive__request_not_submitted__proof_inputs_outputs(service: OracleService) -> None:
    ended = service.wait(service.request_proof(TINY, INPUTS).id, 90)
    index, members = unpack(service.request_archive(ended.id))
    checks = check_offline(service.parts.settings, index["kind"], members)
    assert [check.name for check in checks] == ["proof under the circuit's key", "inputs asked for", "outputs"]
    assert failed(checks) == set()


@pytest.mark.parametrize("member", [PROOF, ROUND, OBSERVATIONS, TRANSACTION, INDEX, *CIRCUIT])
def test_unpack__a_byte_of_a_member_changed__refused(round_zip: bytes, member: str) -> None:
    with zipfile.ZipFile(io.BytesIO(round_zip)) as archive:
        offset = archive.getinfo(member).header_offset + 30 + len(member)
        size = archive.getinfo(member).file_size
    for place in (offset, offset + size // 2, offset + size - 1):
        changed = bytearray(round_zip)
        changed[place] ^= 1
        with pytest.raises(InputRejected):
            unpack(bytes(changed))


def test_unpack__other_packing_of_the_same_members__refused(round_zip: bytes) -> None:
    _, members = unpack(round_zip)
    for change in (lambda data: data + b"\0", lambda data: data[:-1], lambda data: b"\0" + data, lambda _: b""):
        with pytest.raises(InputRejected):
            unpack(change(round_zip))
    for name in members:
        left = {key: value for key, value in members.items() if key != name}
        assert pack(left, kind="round", subject="x") != round_zip
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PROOF, bytes(1 << 22))
    with pytest.raises(InputRejected, match="none of this format"):
        unpack(bomb.getvalue())


FIRST = ("windows", 0, "observations", 0)
LAST = ("windows", 0, "observations", -1)
FORGED: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "proof": (edited(PROOF, put("proof", value="0x" + "11" * 2_000)), "proof under the circuit's key"),
    "an instance": (edited(PROOF, put("instances", 0, value="0x1")), "proof under the circuit's key"),
    "key": (
        lambda members: members.update({"vk.key": members["vk.key"] + b"\0"}),
        "proof under the circuit's key",
    ),
    "settings": (
        lambda members: members.update({"settings.json": members["settings.json"] + b"\n"}),
        "proof under the circuit's key",
    ),
    "manifest's model": (edited("manifest.json", put("model_hash", value="0x" + "22" * 32)), "circuit"),
    "round's key": (edited(ROUND, put("vkHash", value="0x" + "22" * 32)), "circuit"),
    "answer": (edited(ROUND, put("answer", value="1")), "limits"),
    "proven answer": (edited(ROUND, put("provenAnswer", value="1")), "outputs and answer"),
    "time": (edited(ROUND, put("observedAt", value=1)), "input commitment"),
    "feed": (edited(ROUND, put("feed", value="0x" + "33" * 20)), "input commitment"),
    "chain": (edited(ROUND, put("chainId", value=1)), "input commitment"),
    "inputs": (edited(ROUND, put("inputs", 0, value="1")), "model inputs"),
    "module": (edited(ROUND, put("moduleReads", "inputScaleBits", value="3")), "model inputs"),
    "outputs": (edited(ROUND, put("outputsWad", 0, value="1")), "outputs and answer"),
    "root": (edited(ROUND, put("root", value="0x" + "44" * 32)), "hash chain"),
    "root before": (edited(ROUND, put("previous", "root", value="0x" + "44" * 32)), "hash chain"),
    "proof hash": (edited(ROUND, put("proofHash", value="0x" + "44" * 32)), "proof of the round"),
    "observed price": (edited(OBSERVATIONS, put(*FIRST, "values", 0, value="1")), "model inputs"),
    "observed round": (edited(OBSERVATIONS, put(*FIRST, "roundId", value=999)), "observations in a row"),
    "gap": (edited(OBSERVATIONS, put(*LAST, "segmentStart", value=10**6)), "observations in a row"),
    "report": (edited(OBSERVATIONS, put(*FIRST, "reports", 0, 2, value="1")), "observations signed"),
    "signature": (edited(OBSERVATIONS, put(*FIRST, "signatures", 0, value="0x" + "55" * 65)), "observations signed"),
    "calldata": (edited(TRANSACTION, put("input", value="0x1234")), "transaction"),
    "transaction's hash": (edited(TRANSACTION, put("hash", value="0x" + "66" * 32)), "transaction"),
    "sender": (edited(TRANSACTION, put("from", value="0x" + "77" * 20)), "transaction"),
    "gas": (edited(TRANSACTION, put("gas", value="1")), "transaction"),
}


@pytest.mark.parametrize("case", FORGED)
def test_check_offline__member_forged_with_its_index__found(
    service_stack: ServiceStack, round_zip: bytes, case: str
) -> None:
    forge, check = FORGED[case]
    _, members = unpack(round_zip)
    forge(members)
    _, members = unpack(pack(members, kind="round", subject="x"))
    assert one_check(service_stack.settings, "round", members, check).status is CheckStatus.FAILED


UNSEEN = [
    (TRANSACTION, "blockHash", "0x" + "88" * 32),
    (TRANSACTION, "blockNumber", 1),
    (TRANSACTION, "blockTimestamp", 1),
    (TRANSACTION, "status", 0),
    (ROUND, "description", "another"),
    (ROUND, "verifier", "0x" + "99" * 20),
    (ROUND, "registry", "0x" + "99" * 20),
]


def test_check_on_chain__what_the_chain_alone_knows__found(service_stack: ServiceStack, round_zip: bytes) -> None:
    _, sound = unpack(round_zip)
    forged = dict(sound)
    for name, field, value in UNSEEN:
        edited(name, put(field, value=value))(forged)
    assert failed(check_offline(service_stack.settings, "round", forged)) == set()
    found = check_on_chain(service_stack.client, "round", forged)
    assert failed(found) == {f"{ROUND} is the chain's", f"{TRANSACTION} is the chain's"}
    for name, field, value in UNSEEN:  # any one of them makes other bytes, and bytes are what is compared
        one = dict(sound)
        edited(name, put(field, value=value))(one)
        assert one[name] != sound[name]


@pytest.mark.parametrize(
    ("path", "value", "check"),
    [
        (("inputs", 0, 0), 0.75, "inputs asked for"),
        (("model",), "another", "inputs asked for"),
        (("result", "outputs", 0), "1", "outputs"),
        (("result", "outputReals", 0), 1.0, "outputs"),
        (("inference", "nonce"), "0x" + "11" * 32, "input commitment"),
        (("inference", "outputsWad", 0), "1", "outputs on chain"),
        (("inference", "vkHash"), "0x" + "11" * 32, "circuit"),
        (("result", "txHash"), "0x" + "11" * 32, "proof in the transaction"),
    ],
)
def test_check_offline__request_forged__found(
    service_stack: ServiceStack, request_zip: bytes, path: tuple[str | int, ...], value: Any, check: str
) -> None:
    _, members = unpack(request_zip)
    edited(REQUEST, put(*path, value=value))(members)
    assert one_check(service_stack.settings, "request", members, check).status is CheckStatus.FAILED


def test_api__archives__the_same_bytes_and_a_command_checks_them(
    api: httpx.Client, service_stack: ServiceStack, round_zip: bytes, tmp_path: Path
) -> None:
    number = int(unpack(round_zip)[0]["subject"].rpartition("/")[2])
    with Client(str(api.base_url)) as oracle:
        assert oracle.evidence_archive(VOLATILITY, number) == round_zip
        with pytest.raises(NotFound):
            oracle.evidence_archive(PRICE, 1)
        with pytest.raises(NotFound):
            oracle.request_archive("0" * 32)
    path = tmp_path / "round.zip"
    settings = service_stack.settings.model_copy(update={"api_port": api.base_url.port})
    saved = save_evidence(settings, path, feed=VOLATILITY, round_id=number, request="")
    assert (path.read_bytes(), saved["bytes"]) == (round_zip, len(round_zip))
    facts = verify_archive(service_stack.settings, path, None)
    assert (facts["verified"], facts["askedTheChain"], len(facts["checks"])) == (True, False, 11)
    assert "block" in facts["notChecked"][0]
    facts = verify_archive(service_stack.settings, path, service_stack.anvil.rpc_url)
    assert facts["askedTheChain"]
    _, members = unpack(round_zip)
    edited(ROUND, put("answer", value="1"))(members)
    path.write_bytes(pack(members, kind="round", subject="x"))
    with pytest.raises(ProofRejected, match="limits"):
        verify_archive(service_stack.settings, path, None)
