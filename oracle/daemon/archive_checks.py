"""What an evidence archive says, checked: without a chain as far as that goes, and against a chain."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from eth_abi.abi import decode
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak

from oracle.chain.board import MARKET_INPUTS
from oracle.chain.board_evidence import batch_evidence, gather_batch, health_factors
from oracle.chain.client import ChainClient
from oracle.chain.evidence import evidence_of, gather
from oracle.chain.models import VerifierSpec
from oracle.chain.module_twins import ModuleReads
from oracle.daemon.archives import SIGNED, board_members, inference_facts, round_members, transaction
from oracle.domain.archive import OBSERVATIONS, PROOF, REQUEST, ROUND, TRANSACTION, document, parse
from oracle.domain.commitments import ProvenRound, feed_nonce, feed_root, input_commitment, proof_hash
from oracle.domain.deployment import FeedGuards
from oracle.domain.evidence import Check, CheckStatus
from oracle.domain.guards import limited_answer
from oracle.domain.market_state import assessed, board_inputs, market_state
from oracle.domain.observations import Report, ReportDomain
from oracle.domain.proofs import Proof
from oracle.errors import InputRejected, OracleError
from oracle.market.publishers import signable
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.bundled import check_bundled
from oracle.proving.quantise import quantise, real_outputs
from oracle.settings import Settings
from oracle.units import felt_from_int

NEEDS_CHAIN: Final = "needs a chain"
# As those who sign call it
NAMED: Final = {"input": "data"}
# Of a board: its call, and what board_inputs calls its shape
_PROVE: Final = ("uint256", "address[]", "int256[]", "uint256[]", "bytes")
_SHAPE: Final = {"places": "places", "stride": "stride", "scale_bits": "inputScaleBits"}
Members = Mapping[str, bytes]
_Result = tuple[object, object] | tuple[object, object, str] | str


def check_offline(settings: Settings, kind: str, members: Members) -> list[Check]:
    """Every check of an archive's members; those that a chain alone can answer are skipped, and say so."""
    try:
        manifest = CircuitManifest.model_validate_json(members["manifest.json"])
        proof = Proof.from_document(parse(members, PROOF))
    except (KeyError, ValueError, OracleError) as error:
        raise InputRejected(f"the archive holds no circuit or no proof: {error}") from None
    found = [_run("proof under the circuit's key", lambda: _proof(settings, members, proof))]
    if kind in _OF_ROUNDS:
        told = parse(members, ROUND)
        checks = _OF_ROUNDS[kind]
    elif kind == "request":
        told = parse(members, REQUEST)
        checks = _INFERENCE if "inference" in told else _REQUEST
    else:
        raise InputRejected(f"the archive is of a {kind!r}, which this release does not know")
    found += [_run(name, lambda check=check: check(members, told, manifest, proof)) for name, check in checks]  # type: ignore[misc]
    return found


def check_on_chain(client: ChainClient, kind: str, members: Members) -> list[Check]:
    """What an archive says against what the chain says now, and the chain's own checks of a round."""
    if kind == "round":
        told = parse(members, ROUND)
        facts = gather(client, str(told["feed"]), int(told["roundId"]))
        held = round_members(facts, str(parse(members, PROOF)["circuit_id"]))
        same = [_same(name, held[name], members.get(name, b"")) for name in (ROUND, OBSERVATIONS, TRANSACTION, PROOF)]
        return [*same, *evidence_of(facts).checks]
    if kind == "board":
        return _board_on_chain(client, members)
    told = parse(members, REQUEST)
    if "inference" not in told:
        return [Check("on chain", CheckStatus.SKIPPED, "", "", "the proof was not submitted")]
    inference = inference_facts(client, told["result"])
    call = document(transaction(client, bytes.fromhex(str(told["result"]["txHash"]).removeprefix("0x"))))
    return [
        _same("inference", document(inference), document(told["inference"])),
        _same(TRANSACTION, call, members.get(TRANSACTION, b"")),
    ]


def _board_on_chain(client: ChainClient, members: Members) -> list[Check]:
    """As check_on_chain, of a board's batch; health factors that only one side knows are the other's to tell."""
    told = parse(members, ROUND)
    batch = gather_batch(client, str(told["feed"]), int(told["roundId"]))
    factors = health_factors(batch)
    if factors is None or told["healthFactors"] is None:
        factors = None if told["healthFactors"] is None else [int(factor) for factor in told["healthFactors"]]
    held = board_members(batch, str(parse(members, PROOF)["circuit_id"]), factors)
    return [*(_same(name, held[name], members.get(name, b"")) for name in held), *batch_evidence(batch).checks]


def _same(name: str, held: bytes, told: bytes) -> Check:
    status = CheckStatus.OK if held == told else CheckStatus.FAILED
    return Check(f"{name} is the chain's", status, "0x" + keccak(held).hex(), "0x" + keccak(told).hex())


def _run(name: str, check: Callable[[], _Result]) -> Check:
    try:
        result = check()
    except Exception as error:  # noqa: BLE001 - a stranger's document may break any reader, and then does not hold
        return Check(name, CheckStatus.FAILED, "", f"{type(error).__name__}: {error}")
    if isinstance(result, str):
        return Check(name, CheckStatus.SKIPPED, "", "", result)
    expected, actual, *remarks = result
    status = CheckStatus.OK if expected == actual else CheckStatus.FAILED
    return Check(name, status, str(expected)[:200], str(actual)[:200], *map(str, remarks))


# --- of every archive


def _proof(settings: Settings, members: Members, proof: Proof) -> _Result:
    check_bundled(settings, members, proof)
    return "valid", "valid"


def _transaction_hash(members: Members, *_: object) -> _Result:
    told = parse(members, TRANSACTION)
    if told["type"] != 2:
        return f"{NEEDS_CHAIN}: its transaction is of type {told['type']}"
    fields: dict[str, Any] = {"type": 2, "v": int(told["yParity"]), "r": int(told["r"]), "s": int(told["s"])}
    fields |= {NAMED.get(name, name): told[name] if name in {"to", "input"} else int(told[name]) for name in SIGNED}
    fields["accessList"] = [{"address": address, "storageKeys": keys} for address, keys in told["accessList"]]
    raw = TypedTransaction.from_dict(fields).encode()
    return (told["hash"], told["from"]), ("0x" + keccak(raw).hex(), Account.recover_transaction(raw))


def _in_chain(*_: object) -> _Result:
    return f"{NEEDS_CHAIN}: block, receipt, and that the contracts are this release's"


# --- of a round


def _circuit(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, __: Proof) -> _Result:
    names = ("modelHash", "circuitHash", "vkHash")
    return tuple(told[name] for name in names), (manifest.model_hash, manifest.circuit_hash, manifest.vk_hash)


def _proof_of_round(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    """The proof is the one that the round names, and the one in the transaction."""
    in_call = proof.zk_proof in _bytes(parse(members, TRANSACTION)["input"])
    return (told["proofHash"], True), ("0x" + proof_hash(proof.zk_proof).hex(), in_call)


def _signatures(members: Members, told: Mapping[str, Any], *_: object) -> _Result:
    """Every observation is the median of what a quorum of distinct publishers signed for that round."""
    checked = 0
    for window in parse(members, OBSERVATIONS)["windows"]:
        if window["contract"] != "ObservationFeed":
            return f"{NEEDS_CHAIN}: the reports of a vector"
        domain = ReportDomain(int(told["chainId"]), window["feed"])
        for one in window["observations"]:
            if not one["reports"]:
                return f"{NEEDS_CHAIN}: observation {one['roundId']} came by a call that is not the feed's own"
            reports = [Report(*map(int, fields)) for fields in one["reports"]]
            found = [
                str(Account.recover_message(signable(domain, report), signature=_bytes(signature)))
                for report, signature in zip(reports, one["signatures"], strict=True)
            ]
            (version,) = {str(report.publisher_set_version) for report in reports}
            known = window["publisherSets"][version]
            signed = set(found) <= set(known["publishers"]) and len(set(found)) >= max(len(found), known["quorum"])
            expected = (True, {one["roundId"]}, int(one["values"][0]))
            median = int(statistics.median([report.price for report in reports]))
            actual = (signed, {report.round_id for report in reports}, median)
            if expected != actual:
                return expected, actual, f"observation {one['roundId']} of {window['feed']}"
            checked += 1
    return "signed", "signed", f"{checked} observations; that these are the feed's publishers {NEEDS_CHAIN}"


def _window(members: Members, told: Mapping[str, Any], *_: object) -> _Result:
    """The observations are one segment without a gap, and end at the round's."""
    for window in parse(members, OBSERVATIONS)["windows"]:
        ids = [one["roundId"] for one in window["observations"]]
        if len(ids) != told["window"] or any(after != before + 1 for before, after in pairwise(ids)):
            return f"{told['window']} in a row", ids
        if window["observations"][-1]["segmentStart"] > ids[0]:
            return "one segment", "a gap"
    last = parse(members, OBSERVATIONS)["windows"][0]["observations"][-1]
    return (told["observationRound"], told["observedAt"]), (last["roundId"], last["observedAt"])


def _inputs(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    """The feature module's twin gives the proof's inputs for these observations."""
    if told["moduleReads"] is None:
        return f"{NEEDS_CHAIN}: the module stands on others"
    windows = parse(members, OBSERVATIONS)["windows"]
    values = [int(value) for window in windows for one in window["observations"] for value in one["values"]]
    inputs = [int(value) for value in told["inputs"]]
    count = int(told["inputCount"])
    computed = _twin(told).inputs(values, told["observedAt"])
    expected = (computed, tuple(felt_from_int(value) for value in computed))
    return expected, (inputs, proof.instances[:count])


def _commitment(_: Members, told: Mapping[str, Any], __: CircuitManifest, proof: Proof) -> _Result:
    computed = input_commitment(
        int(told["chainId"]),
        told["inferenceVerifier"],
        int(told["modelId"]),
        int(told["modelVersion"]),
        feed_nonce(told["feed"], int(told["roundId"])),
        int(told["observedAt"]),
        proof.instances[: int(told["inputCount"])],
    )
    return "0x" + computed.hex(), told["inputCommitment"]


def _answer(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    """The proof's outputs are those told, and the module's twin makes the proven answer of them."""
    outputs = _outputs_wad(told, proof)
    if told["moduleReads"] is None:
        return outputs, [int(value) for value in told["outputsWad"]], f"the answer itself {NEEDS_CHAIN}"
    windows = parse(members, OBSERVATIONS)["windows"]
    values = [int(value) for window in windows for one in window["observations"] for value in one["values"]]
    answer = _twin(told).answer(outputs, [int(value) for value in told["inputs"]], values)
    return (outputs, answer), ([int(value) for value in told["outputsWad"]], int(told["provenAnswer"]))


def _limits(_: Members, told: Mapping[str, Any], *__: object) -> _Result:
    previous, proven = told["previous"], int(told["provenAnswer"])
    if previous["answer"] is None:
        return proven, int(told["answer"])
    guards = FeedGuards(**{name: int(value) for name, value in told["guards"].items()})
    elapsed = int(told["observedAt"]) - int(previous["observedAt"])
    return limited_answer(proven, int(previous["answer"]), elapsed, guards), int(told["answer"])


def _root(_: Members, told: Mapping[str, Any], *__: object) -> _Result:
    proven = ProvenRound(
        int(told["roundId"]),
        int(told["modelId"]),
        int(told["modelVersion"]),
        _bytes(told["inputCommitment"]),
        int(told["observationRound"]),
        int(told["observedAt"]),
        int(told["provenAnswer"]),
        int(told["answer"]),
        _bytes(told["proofHash"]),
    )
    return "0x" + feed_root(_bytes(told["previous"]["root"]), proven).hex(), told["root"]


# --- of a board's batch


def _batch_in_call(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    """The proof, the accounts and the inputs are those of the call that proved the batch."""
    call, inputs = parse(members, TRANSACTION), [int(value) for value in told["inputs"]]
    batch = (int(told["roundId"]), [account.lower() for account in told["accounts"]], inputs)
    outputs = list(proof.instances[int(told["inputCount"]) :])
    batch_id, accounts, taken, *rest = decode(_PROVE, _bytes(call["input"])[4:])
    expected = (told["feed"], told["proofHash"], batch, [outputs, proof.zk_proof])
    given = (call["to"], "0x" + proof_hash(proof.zk_proof).hex(), (batch_id, list(accounts), list(taken)))
    return expected, (*given, [list(rest[0]), rest[1]])


def _market_inputs(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    """The twin gives the market's figures for these prices, and all inputs are the proof's."""
    inputs = [int(value) for value in told["inputs"]]
    computed = list(market_state(_prices(members), int(told["stride"]), int(told["inputScaleBits"])).inputs)
    expected = (computed, tuple(felt_from_int(value) for value in inputs))
    return expected, (inputs[:MARKET_INPUTS], proof.instances[: int(told["inputCount"])])


def _positions(members: Members, told: Mapping[str, Any], *_: object) -> _Result:
    """The twin gives all inputs for the accounts' health factors, one each."""
    if told["healthFactors"] is None:
        return f"{NEEDS_CHAIN}: the health factors of block {told['snapshotBlock']}"
    factors = [int(factor) for factor in told["healthFactors"]]
    shape = {name: int(told[key]) for name, key in _SHAPE.items()}
    expected = (board_inputs(_prices(members), factors, **shape), len(told["accounts"]))
    remark = f"that these are the vault's health factors {NEEDS_CHAIN}"
    return expected, ([int(value) for value in told["inputs"]], len(factors)), remark


def _assessments(_: Members, told: Mapping[str, Any], __: CircuitManifest, proof: Proof) -> _Result:
    """The outputs are the proof's, and every assessment is what they stand for; the answer is the highest."""
    outputs = _outputs_wad(told, proof)
    says, confidence = assessed(told["accounts"], outputs, int(told["places"]))
    stored = told["assessments"]
    highest = max((int(one["probability"]) for one in stored), default=0)
    expected = (outputs, [(str(says.get(one["account"])), str(confidence)) for one in stored], (highest, highest))
    answers = (int(told["answer"]), int(told["provenAnswer"]))
    given = [(one["probability"], one["confidence"]) for one in stored]
    return expected, ([int(value) for value in told["outputsWad"]], given, answers)


def _prices(members: Members) -> list[int]:
    return [int(one["values"][0]) for one in parse(members, OBSERVATIONS)["windows"][0]["observations"]]


# --- of a request


def _asked(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, proof: Proof) -> _Result:
    """The proof's inputs are those that were asked for, in the circuit's fixed point."""
    quantised = tuple(felt_from_int(value) for value in quantise(manifest, told["inputs"]))
    return (manifest.circuit_id, quantised), (told["model"], proof.instances[: manifest.input_count])


def _given(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, proof: Proof) -> _Result:
    outputs = proof.integers()[manifest.input_count :]
    expected = ([str(value) for value in outputs], real_outputs(manifest, outputs))
    return expected, (told["result"]["outputs"], told["result"]["outputReals"])


def _inference_circuit(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, __: Proof) -> _Result:
    return _circuit(_, told["inference"], manifest, __)


def _inference_commitment(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, proof: Proof) -> _Result:
    facts = told["inference"]
    computed = input_commitment(
        int(facts["chainId"]),
        facts["inferenceVerifier"],
        int(facts["modelId"]),
        int(facts["version"]),
        _bytes(facts["nonce"]),
        int(facts["observedAt"]),
        proof.instances[: manifest.input_count],
    )
    result = told["result"]
    expected = ("0x" + computed.hex(),) * 2
    return expected, (facts["inputCommitment"], result["inputCommitment"])


def _inference_outputs(_: Members, told: Mapping[str, Any], manifest: CircuitManifest, proof: Proof) -> _Result:
    facts = told["inference"] | {"inputCount": manifest.input_count, "outputCount": manifest.output_count}
    computed = [str(value) for value in _outputs_wad(facts, proof)]
    return (computed, computed), (facts["outputsWad"], told["result"]["outputsWad"])


def _inference_call(members: Members, told: Mapping[str, Any], _: CircuitManifest, proof: Proof) -> _Result:
    call = parse(members, TRANSACTION)
    found = (call["to"], call["hash"], proof.zk_proof in _bytes(call["input"]))
    return (told["inference"]["inferenceVerifier"], told["result"]["txHash"], True), found


_Checker = Callable[[Members, Mapping[str, Any], CircuitManifest, Proof], _Result]
_ROUND: Final[tuple[tuple[str, _Checker], ...]] = (
    ("circuit", _circuit),
    ("proof of the round", _proof_of_round),
    ("observations in a row", _window),
    ("observations signed", _signatures),
    ("model inputs", _inputs),
    ("input commitment", _commitment),
    ("outputs and answer", _answer),
    ("limits", _limits),
    ("hash chain", _root),
    ("transaction", _transaction_hash),
    ("on chain", _in_chain),
)
_BOARD: Final[tuple[tuple[str, _Checker], ...]] = (
    ("circuit", _circuit),
    ("batch in the transaction", _batch_in_call),
    ("observations in a row", _window),
    ("observations signed", _signatures),
    ("market inputs", _market_inputs),
    ("positions", _positions),
    ("input commitment", _commitment),
    ("assessments", _assessments),
    ("transaction", _transaction_hash),
    ("on chain", _in_chain),
)
_OF_ROUNDS: Final = {"round": _ROUND, "board": _BOARD}
_REQUEST: Final[tuple[tuple[str, _Checker], ...]] = (("inputs asked for", _asked), ("outputs", _given))
_INFERENCE: Final[tuple[tuple[str, _Checker], ...]] = (
    *_REQUEST,
    ("circuit", _inference_circuit),
    ("input commitment", _inference_commitment),
    ("outputs on chain", _inference_outputs),
    ("proof in the transaction", _inference_call),
    ("transaction", _transaction_hash),
    ("on chain", _in_chain),
)


def _twin(told: Mapping[str, Any]) -> Any:
    values = {name: _numbers(value) for name, value in told["moduleReads"].items()}
    return ModuleReads(told["module"]["contract"], values).twin()


def _outputs_wad(told: Mapping[str, Any], proof: Proof) -> list[int]:
    count, outputs = int(told["inputCount"]), int(told["outputCount"])
    spec = VerifierSpec("", b"", count, outputs, b"", bytes(told["outputScaleBits"]))
    return spec.outputs_wad(proof.instances[count:])


def _numbers(value: Any) -> Any:
    """The inverse of archives' plain form."""
    return tuple(_numbers(item) for item in value) if isinstance(value, list) else int(value)


def _bytes(text: Any) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))
