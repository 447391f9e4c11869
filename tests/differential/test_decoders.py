"""Mutated proofs: ezkl's own verifier against the one that ships; and what their instances mean, decoded three times.

The third decoder is written here, apart from oracle/units.py and FieldElements.sol, from the definition alone.
PLUMBLINE_FUZZ_CASES sets how many mutations (72 by default).
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from fractions import Fraction
from math import trunc

import pytest
from eth_abi import decode, encode
from eth_utils.crypto import keccak

from oracle.chain import solc
from oracle.errors import OracleError
from oracle.proving.evm.optimise import read
from oracle.proving.workers.pool import ToolError, Worker
from oracle.settings import Settings
from oracle.units import int_from_felt, wad_from_scaled
from tests.differential.test_verifiers import calldata, eth_calls
from tests.support.inference import Inference
from tests.support.local_chain import LocalChain
from tests.support.mutations import mutations
from tests.support.tiny_circuit import SCALE_BITS
from tests.support.verifier_circuits import FORMS, Proven, VerifierCircuit

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "72"))
BATCH = 50
FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617
DECODE = keccak(text="decodeOutputs(uint256,uint32,uint256[])")[:4]
Meaning = int | None  # WAD; None for a refusal


def meaning(felt: int) -> Meaning:
    """The integer nearest to zero that is `felt` modulo the field, below 2^63 in magnitude, over 2^13, as WAD."""
    if felt not in range(FIELD):
        return None
    integer = min(felt, felt - FIELD, key=abs)
    return trunc(Fraction(integer, 2**SCALE_BITS) * 10**18) if abs(integer) < 2**63 else None


def ours(felt: int) -> Meaning:
    """The product's decoder."""
    try:
        return wad_from_scaled(int_from_felt(felt), SCALE_BITS)
    except OracleError:
        return None


def on_chain(inference: Inference, pairs: list[tuple[int, int]]) -> list[tuple[int, ...] | None]:
    """InferenceVerifier.decodeOutputs of many pairs; None for a refusal."""
    found: list[tuple[int, ...] | None] = []
    for start in range(0, len(pairs), BATCH):
        data = [
            DECODE + encode(["uint256", "uint32", "uint256[]"], [1, 1, list(p)]) for p in pairs[start : start + BATCH]
        ]
        results = raw_calls(inference.chain.rpc_url, inference.verifier.address, data)
        found += [None if r is None else tuple(decode(["int256[]"], bytes.fromhex(r[2:]))[0]) for r in results]
    return found


def raw_calls(rpc_url: str, address: str, calls: list[bytes]) -> list[str | None]:
    """The results of many eth_calls in one request; None for a revert."""
    asked = [
        {"jsonrpc": "2.0", "id": i, "method": "eth_call", "params": [{"to": address, "data": "0x" + c.hex()}, "latest"]}
        for i, c in enumerate(calls)
    ]
    request = urllib.request.Request(rpc_url, json.dumps(asked).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        answers = {answer["id"]: answer for answer in json.load(response)}
    for answer in answers.values():
        assert "result" in answer or "revert" in answer["error"]["message"], answer
    return [answers[i].get("result") for i in range(len(calls))]


@pytest.mark.timeout(0)  # as long as was asked for
def test_mutated_proof__ezkl_and_the_shipped_verifier__same_verdict_and_same_meaning(
    chain: LocalChain,
    settings: Settings,
    inference: Inference,
    tmp_path_factory: pytest.TempPathFactory,
    record_property: Callable[[str, object], None],
) -> None:
    circuit = VerifierCircuit.make(tmp_path_factory.mktemp("decoders"), FORMS[0])
    address = "0x" + keccak(text="decoders")[:20].hex()
    shipped = solc.compile_verifier(settings, circuit.folder / "Rewritten.sol").deployed_bytecode
    chain.rpc("anvil_setCode", address, "0x" + shipped.hex())
    honest = circuit.prove(1)
    points = read(circuit.generated).points
    cases = [("honest", honest), *mutations(honest, points, CASES, seed=33)]
    verdicts: list[bool] = []
    for start in range(0, len(cases), BATCH):
        verdicts += eth_calls(chain.rpc_url, address, [calldata(p) for _, p in cases[start : start + BATCH]])
    with Worker(memory_mb=2048) as worker:
        native = [says_ezkl(worker, circuit, proven) for _, proven in cases]
    # ezkl ignores what follows a proof, as FACTS and attack 33 have it; nothing else may differ
    longer = [len(proven.zk_proof) > len(honest.zk_proof) for _, proven in cases]
    differing = [cases[i][0] for i in range(len(cases)) if verdicts[i] != native[i] and not longer[i]]
    assert not differing
    assert [i for i, accepted in enumerate(verdicts) if accepted and cases[i][1] != honest] == []
    felts = [felt for _, proven in cases for felt in (proven.instances or (0,))]
    pairs = [(felts[i], felts[-1 - i]) for i in range(len(felts))][: len(cases)]
    for pair, decoded in zip(pairs, on_chain(inference, pairs), strict=True):
        expected = tuple(meaning(felt) for felt in pair)
        assert tuple(ours(felt) for felt in pair) == expected
        assert decoded == (None if None in expected else expected)
    record_property("cases", len(cases) - 1)


def says_ezkl(worker: Worker, circuit: VerifierCircuit, proven: Proven) -> bool:
    """ezkl's own verdict; an error of it is a refusal."""
    files = {"settings_path": "settings.json", "vk": "vk.key", "srs_path": "kzg.srs"}
    try:
        return bool(
            worker.call(
                "verify",
                proof=proven.zk_proof.hex(),
                instances=[felt.to_bytes(32, "little").hex() for felt in proven.instances],
                timeout=60,
                **{name: str(circuit.folder / file) for name, file in files.items()},
            )
        )
    except ToolError:
        return False
