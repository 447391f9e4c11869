"""Rewritten verifiers against ezkl's own: both accept a proof, or both refuse it.

PLUMBLINE_FUZZ_CASES sets the number of mutated proofs over all circuits (1,200 by default).
"""

from __future__ import annotations

import json
import os
import random
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from oracle.chain import solc
from oracle.constants import MAX_CODE_SIZE
from oracle.proving.evm.optimise import read
from tests.support.forgery import decoupled
from tests.support.local_chain import LocalChain
from tests.support.mutations import mutations
from tests.support.verifier_circuits import FORMS, Proven, VerifierCircuit

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "1200"))
BATCH = 50
WORD_BYTES = 32
VERIFY = keccak(text="verifyProof(bytes,uint256[])")[:4]
VERIFY_PACKED = keccak(text="verifyPacked(bytes,bytes,bytes)")[:4]
TRUE = "0x" + "1".rjust(64, "0")


@dataclass(frozen=True)
class Pair:
    """One circuit's verifiers on a chain: as ezkl has it (with the check of the offset), and rewritten."""

    chain: LocalChain
    circuit: VerifierCircuit
    original: str
    rewritten: str
    proofs: tuple[Proven, ...]
    points: list[int]

    def accepts(self, address: str, calls: list[bytes]) -> list[bool]:
        """What a verifier says to each calldata."""
        answers: list[bool] = []
        for start in range(0, len(calls), BATCH):
            answers += eth_calls(self.chain.rpc_url, address, calls[start : start + BATCH])
        return answers


def eth_calls(rpc_url: str, address: str, calls: list[bytes]) -> list[bool]:
    """Many eth_calls in one request; a revert is False."""
    requests = [
        {"jsonrpc": "2.0", "id": i, "method": "eth_call", "params": [{"to": address, "data": "0x" + c.hex()}, "latest"]}
        for i, c in enumerate(calls)
    ]
    request = urllib.request.Request(rpc_url, json.dumps(requests).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        answers = {answer["id"]: answer for answer in json.load(response)}
    for answer in answers.values():
        assert "result" in answer or "revert" in answer["error"]["message"], answer
    return [answers[i].get("result") == TRUE for i in range(len(calls))]


def calldata(proven: Proven) -> bytes:
    return VERIFY + encode(["bytes", "uint256[]"], [proven.zk_proof, list(proven.instances)])


def packed(zk_proof: bytes, inputs: bytes, outputs: bytes) -> bytes:
    return VERIFY_PACKED + encode(["bytes", "bytes", "bytes"], [zk_proof, inputs, outputs])


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: form.name)
def pair(request, tmp_path_factory, chain, settings) -> Iterator[Pair]:
    """A circuit of each form with two proofs."""
    circuit = VerifierCircuit.make(tmp_path_factory.mktemp(request.param.name), request.param)
    addresses = []
    for index, name in enumerate(("Patched.sol", "Rewritten.sol")):
        code = solc.compile_verifier(settings, circuit.folder / name).deployed_bytecode
        assert name == "Patched.sol" or len(code) <= MAX_CODE_SIZE
        # Placed, not deployed: ezkl's own may be larger than a contract may be
        address = "0x" + keccak(text=f"{request.param.name}/{index}")[:20].hex()
        chain.rpc("anvil_setCode", address, "0x" + code.hex())
        addresses.append(address)
    proofs = (circuit.prove(1), circuit.prove(2))
    points = read(circuit.generated).points
    yield Pair(chain, circuit, *addresses, proofs=proofs, points=points)


def test_verify_proof__honest_proofs__are_accepted_by_both(pair):
    calls = [calldata(proven) for proven in pair.proofs]
    assert pair.accepts(pair.original, calls) == [True, True]
    assert pair.accepts(pair.rewritten, calls) == [True, True]


@pytest.mark.timeout(0)  # as long as was asked for
def test_verify_proof__mutated_proofs__get_the_same_answer(pair, record_property):
    cases = list(mutations(pair.proofs[0], pair.points, CASES // len(FORMS), seed=len(pair.points)))
    calls = [calldata(proven) for _, proven in cases]
    original, rewritten = pair.accepts(pair.original, calls), pair.accepts(pair.rewritten, calls)
    differing = [(cases[i][0], original[i]) for i in range(len(cases)) if original[i] != rewritten[i]]
    assert not differing
    changed = [accepted for (_, proven), accepted in zip(cases, original, strict=True) if proven != pair.proofs[0]]
    assert not any(changed)
    record_property("cases", len(cases))


def test_verify_proof__proof_of_other_inputs__is_refused_by_both(pair):
    one, two = pair.proofs
    crossed = [calldata(Proven(one.zk_proof, two.instances, one.input_count))]
    assert pair.accepts(pair.original, crossed) == pair.accepts(pair.rewritten, crossed) == [False]


def test_verify_proof__other_layouts_of_calldata__are_refused_by_both(pair):
    proven = pair.proofs[0]
    calls = [
        decoupled(proven.zk_proof, proven.zk_proof, list(proven.instances)),
        calldata(proven)[:-1],
        calldata(proven)[:-WORD_BYTES],
        VERIFY,
        b"",
    ]
    assert pair.accepts(pair.original, calls) == pair.accepts(pair.rewritten, calls) == [False] * len(calls)
    trailing = [calldata(proven) + b"\xff" * 40]
    assert pair.accepts(pair.original, trailing) == pair.accepts(pair.rewritten, trailing) == [True]


def test_verify_packed__honest_proofs__are_accepted(pair):
    calls = [packed(proven.zk_proof, *proven.packed()) for proven in pair.proofs]
    assert pair.accepts(pair.rewritten, calls) == [True, True]


def test_verify_packed__other_integers__get_the_answer_for_their_field_elements(pair):
    """Each integer in turn is changed, to the ends of its range among others."""
    rng, proven = random.Random(5), pair.proofs[0]
    claims = []
    for index in range(len(proven.instances)):
        width = 4 if index < proven.input_count else 8
        limit = 1 << (8 * width - 1)
        values = (proven.signed[index] ^ 1, -limit, limit - 1, rng.randrange(-limit, limit))
        claims += [[*proven.signed[:index], value, *proven.signed[index + 1 :]] for value in values]
    packs = [packed(proven.zk_proof, *proven.packed(signed)) for signed in claims]
    words = [calldata(proven.claiming(signed)) for signed in claims]
    assert pair.accepts(pair.rewritten, packs) == pair.accepts(pair.original, words) == [False] * len(claims)


def test_verify_packed__wrong_lengths_and_layouts__are_refused(pair):
    proven = pair.proofs[0]
    inputs, outputs = proven.packed()
    calls = [
        packed(proven.zk_proof, inputs[:-1], outputs),
        packed(proven.zk_proof, inputs + b"\0", outputs),
        packed(proven.zk_proof, inputs, outputs[:-8]),
        packed(proven.zk_proof, inputs, outputs + bytes(8)),
        packed(proven.zk_proof, outputs, inputs),
        packed(proven.zk_proof[:-1], inputs, outputs),
        packed(proven.zk_proof + b"\0", inputs, outputs),
        packed(b"", inputs, outputs),
        packed(proven.zk_proof, inputs, outputs)[:-40],
    ]
    assert pair.accepts(pair.rewritten, calls) == [False] * len(calls)


def test_verify_packed__mutated_proofs__are_refused(pair):
    cases = mutations(pair.proofs[0], pair.points, 12, seed=3)
    calls = [packed(proven.zk_proof, *pair.proofs[0].packed()) for _, proven in cases]
    assert not any(pair.accepts(pair.rewritten, calls))
