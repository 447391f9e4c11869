"""Brings a circuit into the registry: a new model, or a new version of one, as far as the timelock lets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.logs import DISCARD

from oracle.chain import reverts
from oracle.chain.client import ChainClient
from oracle.chain.models import ModelCommitment, ModelRegistry, ModelStatus, VerifierSpec
from oracle.chain.sender import Sender
from oracle.constants import PROOF_SYSTEM_ID
from oracle.domain.deployment import CircuitFacts, ModelRecord
from oracle.errors import InvalidInput

URI_PREFIX = "plumbline:"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the registry shall say about one circuit."""

    name: str
    commitment: ModelCommitment
    spec: VerifierSpec
    srs_kind: str

    @classmethod
    def of(
        cls,
        manifest: CircuitFacts,
        verifier: str,
        verifier_code_hash: bytes,
        proof_system_id: bytes = PROOF_SYSTEM_ID,
    ) -> ModelEntry:
        """From a circuit's manifest and its deployed verifier. Raises InvalidInput for a malformed hash or scale."""
        commitment = ModelCommitment(
            bytes32(manifest.model_hash),
            bytes32(manifest.circuit_hash),
            bytes32(manifest.vk_hash),
            proof_system_id,
            URI_PREFIX + manifest.circuit_id,
        )
        spec = VerifierSpec(
            verifier,
            verifier_code_hash,
            manifest.input_count,
            manifest.output_count,
            packed_scales(manifest.input_scale_bits, manifest.input_count),
            packed_scales(manifest.output_scale_bits, manifest.output_count),
        )
        return cls(manifest.circuit_id, commitment, spec, manifest.srs_kind)

    @property
    def key(self) -> str:
        """The same for the same content: part of idempotency keys."""
        spec = self.spec
        parts = (*self.commitment.as_tuple()[:3], spec.verifier_code_hash, spec.verifier.encode())
        return keccak(b"".join((*parts, spec.input_scale_bits, spec.output_scale_bits))).hex()

    def record(self, model_id: int, version: int, *, active: bool) -> ModelRecord:
        """The record of this entry under its ids."""
        return ModelRecord(
            name=self.name,
            model_id=model_id,
            version=version,
            active=active,
            verifier=self.spec.verifier,
            verifier_code_hash=_hex(self.spec.verifier_code_hash),
            model_hash=_hex(self.commitment.model_hash),
            circuit_hash=_hex(self.commitment.circuit_hash),
            vk_hash=_hex(self.commitment.vk_hash),
            srs_kind=self.srs_kind,
            input_count=self.spec.input_count,
            output_count=self.spec.output_count,
            input_scale_bits=tuple(self.spec.input_scale_bits),
            output_scale_bits=tuple(self.spec.output_scale_bits),
        )


def register(
    client: ChainClient,
    sender: Sender,
    registry: ModelRegistry,
    entry: ModelEntry,
    *,
    known: ModelRecord | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ModelRecord:
    """The record of `entry` once the registry has it; `active` is False while its timelock runs.

    `known` is the record of an earlier version under the same name. Sends nothing that the chain has already.
    """
    model_id = _known_model(sender, registry, entry, known)
    if model_id is None:
        say(f"registering {entry.name}")
        call = registry.contract.functions.registerModelWithVerifier(entry.commitment.as_tuple(), entry.spec.as_tuple())
        receipt = sender.transact(f"register/{registry.contract.address}/{entry.key}", call)
        event = registry.contract.events.ModelRegistered()
        model_id = int(event.process_receipt(receipt, errors=DISCARD)[0]["args"]["modelId"])
    version = _bring_forward(sender, registry, entry, model_id, say)
    active = _activated(client, sender, registry, model_id, version)
    return entry.record(model_id, version, active=active)


def _known_model(sender: Sender, registry: ModelRegistry, entry: ModelEntry, known: ModelRecord | None) -> int | None:
    """The model of that name: the recorded one, or one that an interrupted run registered."""
    if known is not None:
        try:
            if registry.owner(known.model_id) == sender.address:
                return known.model_id
        except reverts.ModelNotFound:
            pass
    for model_id in range(registry.count(), 0, -1):
        latest = registry.version(model_id, registry.latest_version(model_id))
        if latest.commitment == entry.commitment and registry.owner(model_id) == sender.address:
            return model_id
    return None


def _bring_forward(
    sender: Sender, registry: ModelRegistry, entry: ModelEntry, model_id: int, say: Callable[[str], None]
) -> int:
    """The newest version, which then has the entry's commitment and verifier."""
    functions, address = registry.contract.functions, registry.contract.address
    version = registry.latest_version(model_id)
    newest = registry.version(model_id, version)
    proposed = newest.status is ModelStatus.PROPOSED
    usable = newest.status in {ModelStatus.TIMELOCKED, ModelStatus.ACTIVE}
    if newest.commitment != entry.commitment or not (proposed or (usable and newest.spec == entry.spec)):
        say(f"updating {entry.name} to version {version + 1}")
        key = f"update/{address}/{model_id}/{version + 1}/{entry.key}"
        sender.transact(key, functions.updateModel(model_id, entry.commitment.as_tuple()))
        version, proposed = version + 1, True
    if proposed:
        key = f"bind/{address}/{model_id}/{version}/{entry.key}"
        sender.transact(key, functions.bindVerifier(model_id, entry.spec.as_tuple()))
    return version


def _activated(client: ChainClient, sender: Sender, registry: ModelRegistry, model_id: int, version: int) -> bool:
    stored = registry.version(model_id, version)
    if stored.status is ModelStatus.TIMELOCKED and client.head().timestamp >= stored.activatable_at:
        key = f"activate/{registry.contract.address}/{model_id}/{version}"
        sender.transact(key, registry.contract.functions.activate(model_id))
        return True
    return stored.status is ModelStatus.ACTIVE


def bytes32(text: str) -> bytes:
    """32 bytes from hex, with or without 0x. Raises InvalidInput."""
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise InvalidInput(f"{text!r} is not a hash of 32 bytes in hex")
    return value


def packed_scales(scale_bits: Sequence[int], count: int) -> bytes:
    """One byte for each value, or a single one when all are equal. Raises InvalidInput."""
    if len(scale_bits) not in {1, count} or not all(0 <= bits < 256 for bits in scale_bits):
        raise InvalidInput(f"{len(scale_bits)} scales for {count} values")
    return bytes(scale_bits[:1]) if len(set(scale_bits)) == 1 else bytes(scale_bits)


def _hex(value: bytes) -> str:
    return HexBytes(value).to_0x_hex()
