"""The generated Groth16 verifier: what it takes, and every forgery that it has to refuse."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.proving.groth16.keys import Proof
from oracle.proving.groth16.points import add, multiply, twist_add, twist_multiply, twist_negative
from oracle.proving.groth16.prover import verify
from oracle.proving.groth16.solidity import verifier_source
from oracle.proving.srs.curve import BASE_FIELD, G1, G2, negative
from tests.support.groth16 import WIDTHS, Claim, SmallCircuit, deploy_verifier, small_network
from tests.support.local_chain import AnvilServer, LocalChain

INPUTS = (7, -9)


@pytest.fixture(scope="module")
def small() -> SmallCircuit:
    return SmallCircuit(NetworkCircuit(small_network(), WIDTHS))


@pytest.fixture(scope="module")
def verifier(chain: LocalChain, settings, small) -> Contract:
    return deploy_verifier(chain, settings, small.source)


@pytest.fixture(scope="module")
def claim(small) -> Claim:
    return small.prove(INPUTS)


def accepted(verifier: Contract, proof: Proof | bytes, instances: Sequence[int]) -> bool:
    encoded = proof if isinstance(proof, bytes) else proof.encode()
    try:
        return bool(verifier.functions.verifyProof(encoded, list(instances)).call({"gas": 3_000_000}))
    except ContractLogicError as error:
        assert error.data in (None, "0x", "")
        return False


def word(encoded: bytes, index: int, value: int) -> bytes:
    return encoded[: 32 * index] + value.to_bytes(32, "big") + encoded[32 * index + 32 :]


def test_verifyProof__honest_proof__true(verifier, small, claim):
    assert accepted(verifier, claim.proof, claim.instances)
    for inputs in ((0, 0), (31, 15), (-32, -16), (-32, 15)):
        other = small.prove(inputs)
        assert accepted(verifier, other.proof, other.instances)


def test_verifyProof__any_other_value__refused(verifier, claim):
    for position, value in enumerate(claim.instances):
        for wrong in (value + 1, value - 1, -value, 0):
            changed = list(claim.instances)
            changed[position] = wrong % BN254_SCALAR_FIELD
            assert not accepted(verifier, claim.proof, changed)


def test_verifyProof__value_plus_modulus__refused(verifier, claim):
    for position, value in enumerate(claim.instances):
        changed = list(claim.instances)
        changed[position] = value + BN254_SCALAR_FIELD
        assert not accepted(verifier, claim.proof, changed)


def test_verifyProof__value_that_overflows_into_its_neighbour__refused(verifier, small, claim):
    """Two lists of values with the same sum of shifted values, one of them outside its width."""
    shift = small.layout.shifts[1] - small.layout.shifts[0]
    changed = list(claim.instances)
    changed[0] = (changed[0] + (1 << shift)) % BN254_SCALAR_FIELD
    changed[1] = (changed[1] - 1) % BN254_SCALAR_FIELD
    assert not accepted(verifier, claim.proof, changed)


def test_verifyProof__wrong_lengths__refused(verifier, claim):
    encoded = claim.proof.encode()
    for body in (b"", encoded[:-1], encoded[:-32], encoded + b"\0", encoded + bytes(32), encoded * 2):
        assert not accepted(verifier, body, claim.instances)
    for instances in ((), claim.instances[:-1], (*claim.instances, 0)):
        assert not accepted(verifier, encoded, instances)


def test_verifyProof__coordinates_of_another_point__refused(verifier, claim):
    encoded = claim.proof.encode()
    for index in range(8):
        held = int.from_bytes(encoded[32 * index : 32 * index + 32], "big")
        for value in (0, held ^ 1, (held + 1) % BASE_FIELD, held + BASE_FIELD, BASE_FIELD, 2**256 - 1):
            assert not accepted(verifier, word(encoded, index, value), claim.instances)


def test_verifyProof__twist_point_outside_the_group__refused(verifier, claim):
    outside = twist_point_outside_the_group()
    assert not accepted(verifier, replace(claim.proof, b=outside), claim.instances)


def test_verifyProof__one_negated_point__refused(verifier, claim):
    a, b, c = claim.proof.a, claim.proof.b, claim.proof.c
    for changed in (Proof(negative(a), b, c), Proof(a, twist_negative(b), c), Proof(a, b, negative(c))):
        assert not accepted(verifier, changed, claim.instances)


def test_verifyProof__malleated_proof__true_so_its_hash_is_no_nullifier(verifier, small, claim):
    """Anybody can turn one proof into another of the same statement; never into one of another statement."""
    a, b, c = claim.proof.a, claim.proof.b, claim.proof.c
    negated = Proof(negative(a), twist_negative(b), c)
    factor = 0xC0FFEE
    inverse = pow(factor, -1, BN254_SCALAR_FIELD)
    scaled = Proof(multiply(inverse, a), twist_multiply(factor, b), c)
    moved = Proof(a, twist_add(b, twist_multiply(factor, small.key.verifying.delta)), add(c, multiply(factor, a)))
    for changed in (negated, scaled, moved):
        assert changed != claim.proof
        assert accepted(verifier, changed, claim.instances)
        assert not accepted(verifier, changed, (*claim.instances[:-1], claim.instances[-1] + 1))


def test_verifyProof__proof_of_another_circuit__refused(verifier, claim):
    """The same shape and inputs, another output bias."""
    other = SmallCircuit(NetworkCircuit(small_network(bias=8), WIDTHS)).prove(INPUTS)
    assert other.instances[:2] == claim.instances[:2]
    assert not accepted(verifier, other.proof, other.instances)
    assert not accepted(verifier, other.proof, claim.instances)


def test_verifyProof__points_of_the_key_as_proof__refused(verifier, small, claim):
    key = small.key.verifying
    for proof in (Proof(key.alpha, key.beta, G1), Proof(key.alpha, key.beta, key.words[0]), Proof(G1, G2, G1)):
        assert not accepted(verifier, proof, claim.instances)
    assert not accepted(verifier, bytes(256), claim.instances)


def test_verifyProof__any_single_bit_flipped__refused(verifier, claim):
    encoded, rng = claim.proof.encode(), random.Random(7)
    for bit in rng.sample(range(8 * len(encoded)), 40):
        changed = bytearray(encoded)
        changed[bit // 8] ^= 1 << bit % 8
        assert not accepted(verifier, bytes(changed), claim.instances)


def test_verifyProof__agrees_with_the_local_check(verifier, small, claim):
    words = small.layout.pack([*INPUTS, signed(claim.instances[-1])])
    assert verify(small.key.verifying, words, claim.proof)
    assert not verify(small.key.verifying, [words[0] + 1], claim.proof)
    assert not verify(small.key.verifying, [words[0] + BN254_SCALAR_FIELD], claim.proof)
    assert not verify(small.key.verifying, words, replace(claim.proof, b=twist_point_outside_the_group()))


def test_verifyProof__gas__as_recorded(chain, verifier, claim):
    call = verifier.functions.verifyProof(claim.proof.encode(), list(claim.instances))
    used = chain.web3.eth.estimate_gas(call.build_transaction({"from": chain.address(0), "gas": 1_000_000}))
    assert 200_000 < used < 240_000


def test_constructor__development_key_off_a_local_chain__refused(settings, small, tmp_path):
    server = AnvilServer.start(tmp_path / "anvil.log", "--chain-id", "5")
    try:
        other = LocalChain(settings, server.rpc_url)
        with pytest.raises(ContractCustomError) as caught:
            deploy_verifier(other, settings, small.source)
        assert str(caught.value.data).startswith(Web3.keccak(text="UnsafeSetup(uint256)")[:4].to_0x_hex())
        trusted = verifier_source(small.key.verifying, small.layout, "trusted")
        assert deploy_verifier(other, settings, trusted).address
    finally:
        server.stop()


def signed(felt: int) -> int:
    return felt if felt < BN254_SCALAR_FIELD // 2 else felt - BN254_SCALAR_FIELD


def twist_point_outside_the_group():
    """A point of the twist's curve whose order is not the group's."""
    from py_ecc import optimized_bn128 as curve

    for real in range(1, 200):
        x = curve.FQ2([real, 0])
        y = square_root(x * x * x + curve.b2)
        if y is not None and not curve.is_inf(curve.multiply((x, y, curve.FQ2.one()), BN254_SCALAR_FIELD)):
            return (real, 0), (int(y.coeffs[0]), int(y.coeffs[1]))
    raise AssertionError("the twist has a cofactor")


def square_root(value):
    """By the norm, where q = 3 mod 4: None for what is no square."""
    q = BASE_FIELD
    re, im = int(value.coeffs[0]), int(value.coeffs[1])
    norm = pow(re * re + im * im, (q + 1) // 4, q)
    for root in (norm, -norm):
        half = (re + root) * pow(2, -1, q) % q
        first = pow(half, (q + 1) // 4, q)
        if first and first * first % q == half:
            second = im * pow(2 * first, -1, q) % q
            found = type(value)([first, second])
            if found * found == value:
                return found
    return None
