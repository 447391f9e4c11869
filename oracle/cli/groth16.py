"""Groth16 set-ups and proofs of small networks, wired to the circuits of this machine."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from oracle.cli.proofs import delivered, read_inputs, submission
from oracle.cli.proving import opened_engine
from oracle.cli.service_access import Say
from oracle.constants import BN254_SCALAR_FIELD, GROTH16_SYSTEM_ID
from oracle.domain.proofs import ModelInputs, Proof
from oracle.errors import ArtifactMismatch, InputRejected, ProofRejected, ValueOutOfRange
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.groth16.agreement import check_agreement
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.proving.groth16.folder import (
    SUFFIX,
    VERIFIER,
    Groth16Folder,
    Groth16Manifest,
    groth16_folder,
    network_circuit,
    read_setup,
    write_setup,
)
from oracle.proving.groth16.keys import Proof as Groth16Proof
from oracle.proving.groth16.keys import ProvingKey, all_constraints, domain_size
from oracle.proving.groth16.phase1 import read_phase1
from oracle.proving.groth16.phase2 import check_key, contribute, transcript_hash
from oracle.proving.groth16.prover import prove, verify
from oracle.proving.groth16.setup import Secrets, key_from_phase1, key_from_secrets
from oracle.proving.quantise import quantise, real_outputs, real_rows
from oracle.proving.srs.known import KNOWN
from oracle.proving.uploaded import refuse_uploaded
from oracle.settings import Settings


def set_up(
    settings: Settings, name: str, ptau: Path | None, say: Say, *, contributor: str, samples: int
) -> dict[str, Any]:
    """Makes a circuit's Groth16 keys: development ones, or of a ceremony's powers with a first contribution."""
    folder, manifest = _circuit(settings, name)
    circuit = network_circuit(folder, manifest)
    say("comparing with ezkl's witnesses")
    tried = check_agreement(folder, manifest, circuit.network, samples, settings.prove_memory_mb)
    target = groth16_folder(settings.state_dir, manifest)
    if ptau is None:
        say("making development keys")
        key = key_from_secrets(circuit.build()[0], Secrets.development())
        made = write_setup(target, manifest, circuit, key, srs_kind="dev")
    else:
        say("checking the ceremony's powers")
        initial = _initial(circuit, ptau)
        say("contributing")
        key, first = contribute(initial, initial, (), contributor)
        made = write_setup(
            target,
            manifest,
            circuit,
            key,
            srs_kind="imported",
            contributions=(first,),
            transcript_hash=transcript_hash(initial, (first,)),
        )
    return {**_facts(made, target), "comparedWithEzkl": tried}


def add_contribution(settings: Settings, name: str, ptau: Path, contributor: str, say: Say) -> dict[str, Any]:
    """Adds one more factor to delta, after checking all that is there."""
    held, manifest, initial = _checked(settings, name, ptau, say)
    say("contributing")
    key, one = contribute(initial, held.key, held.contributions, contributor)
    contributions = (*held.contributions, one)
    made = write_setup(
        held.path,
        manifest,
        held.circuit,
        key,
        srs_kind="imported",
        contributions=contributions,
        transcript_hash=transcript_hash(initial, contributions),
    )
    return _facts(made, held.path)


def check_setup(settings: Settings, name: str, ptau: Path, trust: str | None, say: Say) -> dict[str, Any]:
    """Makes the key's phase 1 anew and checks every contribution; with `trust`, takes the operator's word for it."""
    held, manifest, initial = _checked(settings, name, ptau, say)
    found = transcript_hash(initial, held.contributions)
    made = held.manifest
    if trust is not None:
        if trust != found:
            raise ArtifactMismatch(f"the transcript's hash is {found}, the trusted one {trust}")
        made = write_setup(
            held.path,
            manifest,
            held.circuit,
            held.key,
            srs_kind="trusted",
            contributions=held.contributions,
            transcript_hash=found,
        )
    contributors = [one.name for one in held.contributions]
    powers = _origin(ptau)
    return {**_facts(made, held.path), "powers": powers, "contributors": contributors, "transcript": found}


def deploy_verifier(settings: Settings, name: str, rpc_url: str | None, say: Say) -> dict[str, Any]:
    """Deploys a network's Groth16 verifier and registers it as a model of its own; the core first, where it is missing.

    Raises NotFound without a set-up, UnsafeSetup for one under which proofs can be forged off local chains.
    """
    from oracle.cli.wiring import connect, deployer, opened_database

    held, manifest = held_setup(settings, name)
    client = connect(settings, rpc_url)
    held.refuse_unsafe(client.chain_id)
    with opened_database(settings) as database:
        deploying = deployer(client, database, say)
        if not deploying.deployment.registry:
            deploying.deploy_core()
        record = deploying.deploy_model(held.registration(manifest), held.path / VERIFIER, GROTH16_SYSTEM_ID)
    return {
        "name": record.name,
        "modelId": record.model_id,
        "version": record.version,
        "verifier": record.verifier,
        "proofSystemId": "0x" + GROTH16_SYSTEM_ID.hex(),
        "srsKind": held.manifest.srs_kind,
        "chainId": client.chain_id,
        "active": record.active,
    }


def prove_input(
    settings: Settings,
    name: str,
    input_file: Path,
    *,
    submit: bool,
    output: Path | None,
    rpc_url: str | None,
    say: Say,
) -> dict[str, Any]:
    """Facts of the Groth16 proof of one input, which is verified here, and on chain when `submit`."""
    held, manifest = held_setup(settings, name)
    inputs = read_inputs(input_file)
    on_chain = submission(settings, held.registration(manifest), rpc_url) if submit else None
    say("proving")
    proof = prove_network(settings, held, manifest, inputs)
    outputs = real_outputs(manifest, proof.integers()[manifest.input_count :])
    return delivered(proof, outputs, output=output, on_chain=on_chain, say=say)


def verify_proof(settings: Settings, proof: Proof, model: str | None) -> dict[str, Any]:
    """Facts of a Groth16 proof that verifies under the key of this machine's set-up of its network.

    `model` is the network's name, with or without its ending for this proof system; None: the proof's own. Raises
    ProofRejected, NotFound without a set-up, ArtifactMismatch for a damaged one.
    """
    name = (model or proof.circuit_id).removesuffix(SUFFIX)
    if proof.circuit_id != name + SUFFIX:
        raise ProofRejected(f"the proof is of {proof.circuit_id}, not of {name}{SUFFIX}")
    held, manifest = held_setup(settings, name)
    try:
        values = proof.integers()
        words = held.circuit.layout().pack(values)
        accepted = verify(held.key.verifying, words, Groth16Proof.decode(proof.zk_proof))
    except (InputRejected, ValueOutOfRange) as error:
        raise ProofRejected(f"the proof does not verify under {proof.circuit_id}: {error}") from error
    if not accepted:
        raise ProofRejected(f"the proof does not verify under {proof.circuit_id}")
    rows = real_rows(manifest, values[: manifest.input_count])
    return {
        "verified": True,
        "checks": [f"proof valid under the verification key {held.registration(manifest).vk_hash}"],
        "model": proof.circuit_id,
        "inputs": [value for row in rows for value in row],
        "outputs": real_outputs(manifest, values[manifest.input_count :]),
    }


def held_setup(settings: Settings, name: str) -> tuple[Groth16Folder, CircuitManifest]:
    """A network's Groth16 set-up, and the ezkl circuit whose integers it proves. Raises NotFound, ArtifactMismatch."""
    folder, manifest = _circuit(settings, name)
    return read_setup(groth16_folder(settings.state_dir, manifest), folder, manifest), manifest


def prove_network(settings: Settings, held: Groth16Folder, manifest: CircuitManifest, inputs: ModelInputs) -> Proof:
    """A proof of a network on these inputs, verified here before it is given. Raises InputRejected, UnsafeSetup."""
    held.refuse_unsafe(settings.chain_id)
    values = quantise(manifest, inputs.tensors)
    started, cpu = time.monotonic(), time.process_time()
    builder, layout, outputs = held.circuit.build(values)
    proof = prove(held.key, builder)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
    if not verify(held.key.verifying, layout.pack([*values, *outputs]), proof):
        raise ProofRejected(f"the proof of {manifest.circuit_id} does not verify: its key is damaged")
    return Proof(
        circuit_id=held.registration(manifest).circuit_id,
        zk_proof=proof.encode(),
        instances=tuple(value % BN254_SCALAR_FIELD for value in (*values, *outputs)),
        seconds={"prove": seconds, "prove_cpu": cpu_seconds},
    )


def _origin(ptau: Path) -> str:
    """Whose powers of tau a file holds, by its hash."""
    digest = hashlib.blake2b()
    with ptau.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    known = KNOWN.ptau_blake2b.values()
    return "the Hermez ceremony" if digest.hexdigest() in known else "unknown: who knows its secrets can forge proofs"


def _circuit(settings: Settings, name: str) -> tuple[Path, CircuitManifest]:
    with opened_engine(settings) as engine:
        folder, manifest = engine.folder(name), engine.circuit(name)
    refuse_uploaded(folder)
    return folder, manifest


def _initial(circuit: NetworkCircuit, ptau: Path) -> ProvingKey:
    builder = circuit.build()[0]
    return key_from_phase1(builder, read_phase1(ptau, domain_size(all_constraints(builder))))


def _checked(settings: Settings, name: str, ptau: Path, say: Say) -> tuple[Groth16Folder, CircuitManifest, ProvingKey]:
    held, manifest = held_setup(settings, name)
    say("checking the ceremony's powers")
    initial = _initial(held.circuit, ptau)
    say("checking the contributions")
    check_key(initial, held.key, held.contributions)
    return held, manifest, initial


def _facts(made: Groth16Manifest, target: Path) -> dict[str, Any]:
    return {
        "name": made.circuit_id,
        "srsKind": made.srs_kind,
        "constraints": made.constraints,
        "domainSize": made.domain_size,
        "publicWords": made.public_words,
        "transcript": made.transcript_hash,
        "verifier": str(target / VERIFIER),
    }
