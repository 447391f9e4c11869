"""Verifying again: a round from a chain alone, a proof file from its circuit's verification key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient, checked_address, node_errors
from oracle.chain.evidence import collect_evidence
from oracle.chain.records import load_deployment
from oracle.cli import stack as records
from oracle.cli.proving import opened_engine
from oracle.cli.wiring import deployment
from oracle.domain.archive import unpack
from oracle.domain.evidence import Check, CheckStatus, Evidence
from oracle.domain.json_text import parse_shallow
from oracle.domain.proofs import Proof
from oracle.errors import InputRejected, InvalidInput, NotFound, ProofRejected, StorageFull
from oracle.proving.groth16.folder import SUFFIX
from oracle.settings import Settings


def verify_round(
    settings: Settings, feed: str, round_id: int, *, rpc_url: str | None = None, state: Path | None = None
) -> dict[str, Any]:
    """Facts of a verified round; `feed` is an address, or a name that the deployment knows. 0 is the newest round.

    Raises ProofRejected naming the checks that failed, NotFound.
    """
    if feed.startswith("0x"):
        feed = checked_address(feed)
    if rpc_url and state:
        raise InvalidInput("--rpc-url and --state are two chains", remedy="give one of them")
    with _chain(settings, rpc_url, state) as client:
        evidence = collect_evidence(client, _address(client, feed), round_id)
    return verified(evidence)


def verified(evidence: Evidence) -> dict[str, Any]:
    """The evidence's facts, when no check failed. Raises ProofRejected otherwise."""
    if not evidence.ok:
        failed = "; ".join(f"{c.name}: expected {c.expected}, found {c.actual} {c.detail}" for c in evidence.failed)
        raise ProofRejected(
            f"round {evidence.round_id} of {evidence.feed} does not verify: {failed}",
            remedy="trust nothing that this feed says; keep the transaction as evidence",
        )
    return {
        "verified": True,
        "checks": [_line(check) for check in evidence.checks],
        "feed": evidence.feed,
        "description": evidence.description,
        "chainId": evidence.chain_id,
        "roundId": evidence.round_id,
        "answer": evidence.answer,
        "provenAnswer": evidence.proven_answer,
        "observedAt": evidence.observed_at,
        "updatedAt": evidence.updated_at,
        "observationRound": evidence.observation_round,
        "modelId": evidence.model_id,
        "modelVersion": evidence.model_version,
        "vkHash": evidence.vk_hash,
        "verifier": evidence.verifier,
        "inputCommitment": evidence.input_commitment,
        "proofHash": evidence.proof_hash,
        "root": evidence.root,
        "txHash": evidence.tx_hash,
    }


def _line(check: Check) -> str:
    skipped = "" if check.status is CheckStatus.OK else " (skipped)"
    return f"{check.name}{skipped}{': ' + check.detail if check.detail else ''}"


def verify_proof_file(settings: Settings, path: Path, model: str | None) -> dict[str, Any]:
    """Facts of a proof file that verifies under its model's key. Raises ProofRejected, InputRejected, NotFound."""
    try:
        document = parse_shallow(path.read_bytes())
    except OSError as error:
        raise InputRejected(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputRejected(f"{path} is not JSON: {error}") from None
    proof = Proof.from_document(document)
    if proof.circuit_id.endswith(SUFFIX):
        from oracle.cli import groth16

        return groth16.verify_proof(settings, proof, model)
    name = model or proof.circuit_id
    with opened_engine(settings) as engine:
        manifest = engine.circuit(name)
        engine.verify(name, proof)
        return {
            "verified": True,
            "checks": [f"proof valid under the verification key {manifest.vk_hash}"],
            "model": name,
            "inputs": engine.inputs(name, proof),
            "outputs": engine.outputs(name, proof),
        }


def save_evidence(settings: Settings, output: Path, *, feed: str | None, round_id: int, request: str) -> dict[str, Any]:
    """Facts of an archive that the running service made, written to a file.

    `round_id` 0 is the newest round. Raises NotFound, StorageFull.
    """
    from oracle.cli.service_access import api

    with api(settings) as client:
        if feed is None:
            content = client.request_archive(request)
        else:
            content = client.evidence_archive(feed, round_id or client.feed(feed).round_id)
    try:
        output.write_bytes(content)
    except OSError as error:
        raise StorageFull(f"{output} cannot be written: {error.strerror}", remedy="choose another --output") from None
    return {"file": str(output), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def verify_archive(settings: Settings, path: Path, rpc_url: str | None) -> dict[str, Any]:
    """Facts of an evidence archive: what was checked here, what needs a chain, and with `rpc_url` the chain's word.

    Raises InputRejected for what is no archive or was changed, ProofRejected naming the checks that failed.
    """
    from oracle.daemon.archive_checks import check_offline, check_on_chain

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputRejected(f"{path} cannot be read: {error.strerror}") from None
    index, members = unpack(content)
    checks = check_offline(settings, str(index.get("kind")), members)
    if rpc_url:
        checks += check_on_chain(read_only(settings, rpc_url), str(index.get("kind")), members)
    failed = [check for check in checks if check.status is CheckStatus.FAILED]
    if failed:
        told = "; ".join(f"{c.name}: expected {c.expected}, found {c.actual} {c.detail}" for c in failed)
        raise ProofRejected(f"{path} does not verify: {told}", remedy="trust nothing that it says")
    return {
        "verified": True,
        "checks": [_line(check) for check in checks if check.status is CheckStatus.OK],
        "notChecked": [_line(check) for check in checks if check.status is CheckStatus.SKIPPED],
        "askedTheChain": bool(rpc_url),
        "kind": index.get("kind"),
        "subject": index.get("subject"),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@contextmanager
def _chain(settings: Settings, rpc_url: str | None, state: Path | None) -> Iterator[ChainClient]:
    """The chain to read: at an RPC, from a state file, or the running stack's."""
    if state is None:
        yield read_only(settings, rpc_url or settings.rpc_url or records.require(settings).rpc_url)
        return
    if not state.is_file():
        raise InvalidInput(f"there is no file {state}", remedy="`plumbline demo` prints where it leaves its chain")
    with _restored(settings, state) as anvil:
        yield ChainClient.connect(settings, anvil.rpc_url)


@contextmanager
def _restored(settings: Settings, state: Path) -> Iterator[AnvilProcess]:
    """An Anvil on a copy of a saved chain, which stays as it is."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="plumbline-verify-") as folder:
        copy = Path(shutil.copy(state, folder))
        anvil = AnvilProcess.start(settings, timestamp=0, state_file=copy)
        try:
            yield anvil
        finally:
            anvil.stop()


def read_only(settings: Settings, rpc_url: str) -> ChainClient:
    """A client for reading whatever chain is there. Raises RpcUnavailable."""
    from web3 import Web3

    from oracle.chain.provider import PatientProvider

    with node_errors():
        chain_id = Web3(PatientProvider(rpc_url)).eth.chain_id
    return ChainClient.connect(settings.model_copy(update={"chain_id": chain_id}), rpc_url)


def _address(client: ChainClient, feed: str) -> str:
    if feed.startswith("0x"):
        return feed
    known = load_deployment(client.settings, client.chain_id)
    if known is None:
        known = deployment(client)
    record = known.feed(feed)
    if not record.proven:
        raise NotFound(
            f"{feed} is a {record.kind} feed: its rounds carry signatures, not proofs",
            remedy=f"verify a feed that is proven from it, such as {feed.split('-', maxsplit=1)[0]}-volatility",
        )
    return record.address
