"""What is checked alike of a feed's round and of a board's batch: transaction, model, verifier, proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from eth_utils.crypto import keccak

from oracle.chain.client import ChainClient
from oracle.chain.code_match import matches_artifact
from oracle.chain.models import ModelStatus, ModelVersion
from oracle.domain.evidence import Check, CheckStatus
from oracle.errors import ContractRevert, OracleError, Retry

# What must be and what is, and perhaps a remark; None for what the chain no longer holds
Result = tuple[object, object] | tuple[object, object, str] | None
THIS_RELEASE: Final = "this release's code"


class ProofFacts(Protocol):
    """What the common checks take of a round."""

    @property
    def client(self) -> ChainClient: ...
    @property
    def model(self) -> ModelVersion: ...
    @property
    def tx_hash(self) -> bytes: ...
    @property
    def zk_proof(self) -> bytes: ...
    @property
    def instances(self) -> Sequence[int]: ...
    @property
    def model_ids(self) -> tuple[int, int]: ...


F = TypeVar("F")


def check_code(client: ChainClient, contracts: Sequence[tuple[str, str]]) -> Result:
    """Every address holds the contract of that name as this release has it."""
    foreign = [name for name, address in contracts if not matches_artifact(client, name, address)]
    return THIS_RELEASE, THIS_RELEASE if not foreign else f"other code: {', '.join(foreign)}"


def check_transaction(facts: ProofFacts) -> Result:
    """It succeeded."""
    receipt = facts.client.receipt(facts.tx_hash)
    return "succeeded", "succeeded" if receipt is not None and receipt["status"] == 1 else "not in the chain"


def check_model(facts: ProofFacts) -> Result:
    """The model is the contract's own, in a version that proofs are accepted of."""
    wanted, proven = facts.model_ids
    usable = facts.model.status in {ModelStatus.ACTIVE, ModelStatus.SUPERSEDED}
    return (wanted, True), (proven, usable), f"version is {facts.model.status.name.lower()}"


def check_verifier_code(facts: ProofFacts) -> Result:
    """The verifier's code is the registered one."""
    spec = facts.model.spec
    return in_hex(spec.verifier_code_hash), in_hex(facts.client.code_hash(spec.verifier))


def check_proof(facts: ProofFacts) -> Result:
    """The pinned verifier accepts the proof over exactly these inputs and outputs; encoded here, never forwarded."""
    verifier = facts.client.contract("IProofVerifier", facts.model.spec.verifier)
    call = verifier.functions.verifyProof(facts.zk_proof, list(facts.instances))
    try:
        return True, bool(facts.client.call(call))
    except ContractRevert:
        return True, False, "the verifier reverts"


def model_facts(model: ModelVersion) -> dict[str, str]:
    """What evidence says of the model's version, by its members' names."""
    return {
        "model_hash": in_hex(model.commitment.model_hash),
        "circuit_hash": in_hex(model.commitment.circuit_hash),
        "vk_hash": in_hex(model.commitment.vk_hash),
        "verifier": model.spec.verifier,
        "verifier_code_hash": in_hex(model.spec.verifier_code_hash),
    }


def run_check(name: str, check: Callable[[F], Result], facts: F, skipped: str) -> Check:
    """The check's outcome; `skipped` says why there is none. An error is a failure, but for those that may pass."""
    try:
        result = check(facts)
    except Retry:
        raise
    except OracleError as error:
        return Check(name, CheckStatus.FAILED, "", f"{type(error).__name__}: {error}")
    if result is None:
        return Check(name, CheckStatus.SKIPPED, "", "", skipped)
    expected, actual, *remarks = result
    status = CheckStatus.OK if expected == actual else CheckStatus.FAILED
    return Check(name, status, _short(expected), _short(actual), *map(str, remarks))


def in_hex(value: bytes) -> str:
    """0x and digits."""
    return "0x" + value.hex()


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"keccak256 {in_hex(keccak(text=text))} of {len(text)} characters"
