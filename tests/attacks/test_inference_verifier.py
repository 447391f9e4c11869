"""Attacks 1 to 4, 6, 9, 12 and 24 against InferenceVerifier and ModelRegistry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode

from oracle.constants import BN254_SCALAR_FIELD
from oracle.units import felt_from_int
from tests.support.forgery import BASE_FIELD
from tests.support.inference import Inference, deploy_artifact, encode_output, encode_proof, verifier_spec
from tests.support.local_chain import AnvilServer, LocalChain
from tests.support.status import ACTIVE

YES_MAN = "0x600a600c600039600a6000f3" + "600160005260206000f3"  # deploys code that answers 1 to everything


def typed(inference: Inference, proof, **changed):
    """verifyInputs of a proof with arguments replaced."""
    values = {
        "model": 1,
        "context": inference.context(),
        "inputs": proof.signed_inputs,
        "outputs": proof.outputs,
        "zk_proof": proof.zk_proof,
    } | changed
    return inference.verifier.functions.verifyInputs(*values.values()).call()


@pytest.fixture(scope="module")
def yes_man(chain: LocalChain) -> str:
    """A contract that returns true for every call."""
    sent = chain.web3.eth.send_transaction({"from": chain.address(11), "data": YES_MAN})
    return chain.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]


def test_attack_01_vacuous_attestation(inference, circuit, reverts):
    """A valid proof over [7, 8, 9] where the chain's own values are [1, 2, 3]."""
    proof, on_chain = circuit.prove([7, 8, 9]), circuit.prove([1, 2, 3])
    typed(inference, proof)
    with reverts("InvalidProof"):
        typed(inference, proof, inputs=on_chain.signed_inputs)
    with reverts("InputCommitmentMismatch"):
        claim = inference.claim(proof, commitment=inference.commitment(on_chain))
        inference.verifier.functions.verifyInference(*claim.arguments).call()


def test_attack_02_verification_key_substitution(inference, other_circuit, tiny_proof, reverts):
    """A valid proof of the attacker's own circuit of the same shape, over the same inputs."""
    own = other_circuit.prove([1.0, 2.0, -3.5])
    assert own.inputs == tiny_proof.inputs
    assert own.outputs != tiny_proof.outputs
    with reverts("InvalidProof"):
        typed(inference, own)
    with reverts("InvalidProof"):
        inference.verifier.functions.verifyInference(*inference.claim(own).arguments).call()


def test_attack_02_rebinding_the_key_of_a_live_version(inference, other_circuit, chain, reverts):
    attackers = verifier_spec(chain.web3, deploy_artifact(chain, other_circuit.verifier).address)
    bind = inference.registry.functions.bindVerifier(1, attackers)
    with reverts("NotModelOwner", 1, chain.address(11)):
        chain.send(bind, chain.address(11))
    with reverts("WrongModelStatus", 1, 1, ACTIVE):
        chain.send(bind)


def test_attack_03_verifier_of_the_callers_choice(inference, chain, yes_man, tiny_proof, reverts):
    """Anybody may register a model whose verifier says yes to everything: it says nothing about any other model."""
    register = inference.registry.functions.registerModelWithVerifier
    chain.send(register(inference.circuit.commitment, verifier_spec(chain.web3, yes_man)), chain.address(11))
    own = inference.registry.functions.modelCount().call()
    lie = [felt_from_int(1), felt_from_int(1)]
    assert typed(inference, tiny_proof, model=own, outputs=lie, zk_proof=b"")
    with reverts("InvalidProof"):
        typed(inference, tiny_proof, outputs=lie)


def test_attack_03_verifier_that_changes_its_code(inference, chain, yes_man, tiny_proof, reverts):
    """The same address with other code (a proxy, or self-destructed and deployed again) is another verifier."""
    code = chain.web3.eth.get_code(yes_man)
    expected = bytes(chain.web3.keccak(chain.web3.eth.get_code(inference.halo2.address)))
    chain.rpc("anvil_setCode", inference.halo2.address, code.to_0x_hex())
    with reverts("VerifierCodeMismatch", inference.halo2.address, expected, keccak(bytes(code))):
        typed(inference, tiny_proof)


def test_attack_03_verifier_that_is_gone(inference, chain, tiny_proof, reverts):
    expected = bytes(chain.web3.keccak(chain.web3.eth.get_code(inference.halo2.address)))
    chain.rpc("anvil_setCode", inference.halo2.address, "0x")
    with reverts("VerifierCodeMismatch", inference.halo2.address, expected, keccak(b"")):
        typed(inference, tiny_proof)


def test_attack_04_two_arrays_for_two_readers(inference, tiny_proof, reverts):
    """The head points to a second array of instances; a reader at the usual place would see the first."""
    honest = encode_proof(tiny_proof.zk_proof, list(tiny_proof.instances), inference.context())
    lie = [*tiny_proof.inputs, felt_from_int(1), felt_from_int(1)]
    array = b"".join(value.to_bytes(32, "big") for value in [len(lie), *lie])
    crafted = honest[:32] + len(honest).to_bytes(32, "big") + honest[64:] + array
    for output in (encode_output(tiny_proof.outputs), encode_output(lie[3:])):
        with reverts("InvalidProof"):
            claim = inference.claim(tiny_proof, proof=crafted, output=output)
            inference.verifier.functions.verifyInference(*claim.arguments).call()


def test_attack_04_array_that_is_longer_than_the_bytes(inference, tiny_proof, reverts):
    honest = bytearray(encode_proof(tiny_proof.zk_proof, list(tiny_proof.instances), inference.context()))
    start = int.from_bytes(honest[32:64], "big")
    for length in (6, 2**64, 2**256 - 1):
        honest[start : start + 32] = length.to_bytes(32, "big")
        with reverts("InvalidProof"):
            claim = inference.claim(tiny_proof, proof=bytes(honest))
            inference.verifier.functions.verifyInference(*claim.arguments).call()


def test_attack_06_negative_output_is_negative(inference, tiny_proof):
    """Read unsigned, the second output would be some 10^72."""
    outputs, _ = typed(inference, tiny_proof)
    assert outputs[1] == -225 * 10**16


@pytest.mark.parametrize("magnitude", [2**63, 2**100, 2**200])
@pytest.mark.parametrize("sign", [1, -1])
def test_attack_06_overflowing_output(inference, tiny_proof, reverts, magnitude, sign):
    felt = sign * magnitude % BN254_SCALAR_FIELD
    with reverts("ValueOutOfRange", 0, felt):
        typed(inference, tiny_proof, outputs=[felt, tiny_proof.outputs[1]])


def test_attack_09_replay_on_another_verifier_contract(inference, chain, tiny_proof, reverts):
    twin = chain.deploy("InferenceVerifier", inference.registry.address)
    with reverts("InputCommitmentMismatch"):
        twin.functions.verifyInference(*inference.claim(tiny_proof).arguments).call()


@pytest.fixture
def second_chain(settings, tmp_path) -> Iterator[LocalChain]:
    """Another Anvil with another chain id."""
    server = AnvilServer.start(tmp_path / "anvil.log", "--chain-id", "1337")
    yield LocalChain(settings, server.rpc_url)
    server.stop()


def test_attack_09_replay_on_another_chain_with_the_same_addresses(inference, second_chain, spec, tiny_proof, reverts):
    """Everything is at the same addresses, as deployers like it: the chain id alone tells the two apart."""
    here, there = inference.chain, second_chain
    for contract, name in ((inference.halo2, ""), (inference.registry, "ModelRegistry"), (inference.verifier, "")):
        there.rpc("anvil_setNonce", there.address(0), hex(nonce_of(here.address(0), contract.address)))
        if contract is inference.halo2:
            deployed = deploy_artifact(there, inference.circuit.verifier)
        elif name:
            deployed = there.deploy(name, there.address(0), there.address(10), 0)
            there.send(deployed.functions.registerModelWithVerifier(inference.circuit.commitment, spec))
        else:
            deployed = there.deploy("InferenceVerifier", inference.registry.address)
        assert deployed.address == contract.address
    replica = replace(inference, chain=there, registry=None, verifier=deployed, halo2=None)
    claim = inference.claim(tiny_proof)
    with reverts("InputCommitmentMismatch"):
        deployed.functions.verifyInference(*claim.arguments).call()
    deployed.functions.verifyInference(*replica.claim(tiny_proof).arguments).call()


def nonce_of(deployer: str, address: str) -> int:
    """The nonce with which an account deployed a contract."""
    raw = bytes.fromhex(deployer[2:])
    return next(n for n in range(10_000) if to_checksum_address(keccak(rlp_encode([raw, n]))[12:]) == address)


def test_attack_12_proof_with_another_output(inference, circuit, tiny_proof, reverts):
    """Neither a made-up output nor the true output of other inputs fits the proof."""
    for outputs in ([0, 0], [tiny_proof.outputs[1], tiny_proof.outputs[0]], circuit.prove([7, 8, 9]).outputs):
        with reverts("InvalidProof"):
            typed(inference, tiny_proof, outputs=outputs)


def test_attack_24_truncated_proofs(inference, tiny_proof, reverts):
    for length in (0, 1, 31, 32, 64, 1000, len(tiny_proof.zk_proof) - 32, len(tiny_proof.zk_proof) - 1):
        with reverts("InvalidProof"):
            typed(inference, tiny_proof, zk_proof=tiny_proof.zk_proof[:length])


@pytest.mark.parametrize("tail", [b"\x00", b"\x00" * 32, b"\xff" * 64, b"\x01" * 1000], ids=len)
def test_attack_24_extended_proofs(inference, tiny_proof, reverts, tail):
    with reverts("InvalidProof"):
        typed(inference, tiny_proof, zk_proof=tiny_proof.zk_proof + tail)


@pytest.mark.parametrize("coordinate", [0, 1], ids=["x", "y"])
def test_attack_24_non_canonical_points(inference, tiny_proof, reverts, coordinate):
    """A coordinate plus the base field's modulus is the same point: a second encoding of one proof."""
    proof, changed = tiny_proof.zk_proof, 0
    for point in (0, 64, 128, len(tiny_proof.zk_proof) - 64):
        at = point + 32 * coordinate
        aliased = int.from_bytes(proof[at : at + 32], "big") + BASE_FIELD
        if aliased >= 2**256:
            continue
        changed += 1
        with reverts("InvalidProof"):
            typed(inference, tiny_proof, zk_proof=proof[:at] + aliased.to_bytes(32, "big") + proof[at + 32 :])
    assert changed


def test_attack_24_negated_point(inference, tiny_proof, reverts):
    y = BASE_FIELD - int.from_bytes(tiny_proof.zk_proof[32:64], "big")
    negated = tiny_proof.zk_proof[:32] + y.to_bytes(32, "big") + tiny_proof.zk_proof[64:]
    with reverts("InvalidProof"):
        typed(inference, tiny_proof, zk_proof=negated)


def test_attack_24_trailing_calldata_changes_nothing(inference, chain, tiny_proof):
    """Bytes after the arguments are not decoded, and so never reach the generated verifier."""
    claim = inference.claim(tiny_proof)
    data = inference.verifier.encode_abi("verifyInference", args=claim.arguments)
    chain.web3.eth.call({"to": inference.verifier.address, "data": data + "00" * 31 + "ff" * 700})
