"""The engine: proofs of exactly what was asked, and an error in time for everything that is damaged."""

from __future__ import annotations

import json
import math
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from oracle.constants import BN254_SCALAR_FIELD
from oracle.domain.proofs import Proof, Witness
from oracle.errors import ArtifactMismatch, InvalidInput, ProofRejected
from oracle.proving.building.keys import keys_intact
from oracle.proving.engine import ProvingEngine
from oracle.proving.workers.pool import Cancelled, WorkerTimeout
from oracle.settings import Settings
from tests.unit.proving.conftest import LOGISTIC, RELU, Copy

OpenEngine = Callable[[Settings], ProvingEngine]
VALUES = [300, -200, 100, 400]


@pytest.fixture(scope="module")
def proof(engine: ProvingEngine) -> Proof:
    return engine.prove(RELU, engine.witness(RELU, VALUES))


def test_prove__quantised_integers__are_the_proofs_instances(engine: ProvingEngine, proof: Proof) -> None:
    assert list(proof.integers()[:4]) == VALUES
    assert proof.instances[:4] == tuple(value % BN254_SCALAR_FIELD for value in VALUES)
    engine.verify(RELU, proof)


def test_prove__circuit_with_a_table__verifies(engine: ProvingEngine) -> None:
    values = engine.quantise(LOGISTIC, [[0.3, -0.2, 0.1, 0.7]])
    made = engine.prove(LOGISTIC, engine.witness(LOGISTIC, values))
    engine.verify(LOGISTIC, made)
    assert list(made.integers()[:4]) == values
    assert 0.0 < engine.outputs(LOGISTIC, made)[0] < 1.0


def test_prove__twice__differs_since_proofs_are_blinded(engine: ProvingEngine, proof: Proof) -> None:
    again = engine.prove(RELU, engine.witness(RELU, VALUES))
    assert again.instances == proof.instances
    assert again.zk_proof != proof.zk_proof


def test_prove__progress__ends_with_done(engine: ProvingEngine) -> None:
    stages: list[str] = []
    engine.prove(RELU, engine.witness(RELU, VALUES), on_progress=lambda stage, fraction, detail: stages.append(stage))
    assert stages == ["queue", "prove", "verify", "done"]


def test_outputs__of_a_proof__are_near_the_model(engine: ProvingEngine, proof: Proof) -> None:
    manifest = engine.circuit(RELU)
    inputs = engine.inputs(RELU, proof)
    assert inputs == [math.ldexp(value, -manifest.input_scale(0)) for value in VALUES]
    assert len(engine.outputs(RELU, proof)) == 1


def test_proof__as_a_document__comes_back(proof: Proof) -> None:
    assert Proof.from_document(json.loads(json.dumps(proof.to_document()))) == proof


@pytest.mark.parametrize("field", ["circuit_id", "proof", "instances"])
def test_proof__document_without_a_field__is_refused(proof: Proof, field: str) -> None:
    document = proof.to_document()
    del document[field]
    with pytest.raises(ProofRejected, match="not a proof document"):
        Proof.from_document(document)


@pytest.mark.parametrize("position", [0, 100, -1])
def test_verify__flipped_bit_in_the_proof__is_refused(engine: ProvingEngine, proof: Proof, position: int) -> None:
    raw = bytearray(proof.zk_proof)
    raw[position] ^= 1
    with pytest.raises(ProofRejected, match="does not verify"):
        engine.verify(RELU, replace(proof, zk_proof=bytes(raw)))


@pytest.mark.parametrize("raw", [b"", b"\x00", None])
def test_verify__other_length__is_refused(engine: ProvingEngine, proof: Proof, raw: bytes | None) -> None:
    changed = proof.zk_proof + b"\x00" * 32 if raw is None else raw
    with pytest.raises(ProofRejected, match=f"has {len(changed)} bytes, relu has {len(proof.zk_proof)}"):
        engine.verify(RELU, replace(proof, zk_proof=changed))


@pytest.mark.parametrize("position", range(5))
def test_verify__changed_instance__is_refused(engine: ProvingEngine, proof: Proof, position: int) -> None:
    instances = list(proof.instances)
    instances[position] = (instances[position] + 1) % BN254_SCALAR_FIELD
    with pytest.raises(ProofRejected, match="does not verify"):
        engine.verify(RELU, replace(proof, instances=tuple(instances)))


def test_verify__instance_plus_modulus__is_refused(engine: ProvingEngine, proof: Proof) -> None:
    instances = (proof.instances[0] + BN254_SCALAR_FIELD, *proof.instances[1:])
    with pytest.raises(ProofRejected, match="not a field element"):
        engine.verify(RELU, replace(proof, instances=instances))


def test_verify__fewer_instances__is_refused(engine: ProvingEngine, proof: Proof) -> None:
    with pytest.raises(ProofRejected, match="has 4 instances, relu has 5"):
        engine.verify(RELU, replace(proof, instances=proof.instances[:4]))


def test_verify__of_another_circuit__is_refused(engine: ProvingEngine, proof: Proof) -> None:
    with pytest.raises(ProofRejected, match="of relu, not of logistic"):
        engine.verify(LOGISTIC, proof)
    with pytest.raises(ProofRejected):
        engine.verify(LOGISTIC, replace(proof, circuit_id=LOGISTIC))


def test_prove__witness_of_another_circuit__is_refused(engine: ProvingEngine) -> None:
    with pytest.raises(InvalidInput, match="of relu, not of logistic"):
        engine.prove(LOGISTIC, engine.witness(RELU, VALUES))


@pytest.mark.parametrize("damage", ["", "{}", "null", '{"inputs": [["zz"]]}'])
def test_prove__damaged_witness__is_refused(engine: ProvingEngine, damage: str) -> None:
    with pytest.raises(ProofRejected, match="the witness does not prove under relu"):
        engine.prove(RELU, replace(engine.witness(RELU, VALUES), document=damage))


def test_prove__witness_with_another_output__is_refused(engine: ProvingEngine) -> None:
    made = engine.witness(RELU, VALUES)
    document = json.loads(made.document)
    document["outputs"] = [["07" + "00" * 31]]
    with pytest.raises(ProofRejected):
        engine.prove(RELU, replace(made, document=json.dumps(document)))


def test_prove__lookup_outside_its_table__is_killed_in_time(home: Settings, open_engine: OpenEngine) -> None:
    """ezkl's prove never returns on such a witness; the checks before it are left out here on purpose."""
    patient = open_engine(home)
    outside = _outside_its_table(patient)
    engine = open_engine(home.model_copy(update={"prove_timeout_secs": 8.0}))
    with pytest.raises(WorkerTimeout, match="prove took longer than 8 s"):
        engine.prove(LOGISTIC, outside)
    assert engine._pool.at_work == 0
    assert patient.witness(LOGISTIC, [30, -20, 10, 40]).circuit_id == LOGISTIC


def _outside_its_table(engine: ProvingEngine) -> Witness:
    """A witness that looks up more than the table holds, made without our checks."""
    manifest, built, _, _ = engine._ready(LOGISTIC, lambda *_: None)
    edge = 4 * int(manifest.domain[0].high * 2 ** manifest.input_scale(0))
    low, high = manifest.lookup_range
    with engine._worker(manifest, None) as worker:
        path = worker.folder / "outside.json"
        for signs in product((1, -1), repeat=manifest.input_count):
            row = [edge * sign for sign in signs]
            made = worker.call("witness", circuit=str(built.compiled), inputs=[row], out=str(path))
            if made["lookup_min"] < low or made["lookup_max"] > high:
                return Witness(LOGISTIC, tuple(row), tuple(made["outputs"]), path.read_text())
    raise AssertionError("the table holds everything")


def test_prove__cancelled__ends_and_the_next_works(home: Settings, open_engine: OpenEngine) -> None:
    engine = open_engine(home)
    made = engine.witness(RELU, VALUES)
    cancel = threading.Event()

    def cancel_at_start(stage: str, fraction: float, detail: str) -> None:
        if stage == "prove":
            cancel.set()

    with pytest.raises(Cancelled, match="prove was cancelled"):
        engine.prove(RELU, made, cancel=cancel, on_progress=cancel_at_start)
    engine.verify(RELU, engine.prove(RELU, made))


@pytest.mark.parametrize("name", ["pk.key", "network.compiled", "hashes.json"])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_prepare__damaged_key__is_rebuilt(copy: Copy, open_engine: OpenEngine, name: str, damage: str) -> None:
    key = (copy.keys / "pk.key").read_bytes()
    _damage(copy.keys / name, damage)
    engine = open_engine(copy.settings)
    manifest = engine.prepare(RELU)
    assert keys_intact(copy.keys, manifest)
    assert (copy.keys / "pk.key").read_bytes() == key


@pytest.mark.parametrize("name", ["pk.key", "network.compiled"])
def test_prove__key_damaged_while_running__says_so_and_recovers(copy: Copy, open_engine: OpenEngine, name: str) -> None:
    engine = open_engine(copy.settings)
    made = engine.witness(RELU, VALUES)
    _damage(copy.keys / name, "truncated")
    with pytest.raises(ArtifactMismatch, match=r"is damaged"):
        engine.prove(RELU, made)
    engine.verify(RELU, engine.prove(RELU, made))


def test_prove__flipped_byte_in_the_key__never_gives_a_bad_proof(copy: Copy, open_engine: OpenEngine) -> None:
    engine = open_engine(copy.settings)
    made = engine.witness(RELU, VALUES)
    _damage(copy.keys / "pk.key", "flipped")
    try:
        engine.verify(RELU, engine.prove(RELU, made))
    except ArtifactMismatch as error:
        assert "damaged" in str(error)


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
def test_prepare__damaged_srs__is_refused(copy: Copy, open_engine: OpenEngine, damage: str) -> None:
    _damage(copy.srs, damage)
    with pytest.raises(ArtifactMismatch, match="srs"):
        open_engine(copy.settings).prepare(RELU)


def test_prepare__empty_cache__rebuilds_all_and_proves(copy: Copy, open_engine: OpenEngine) -> None:
    shutil.rmtree(copy.settings.cache_dir)
    engine = open_engine(copy.settings)
    stages: list[str] = []
    engine.prepare(RELU, lambda stage, fraction, detail: stages.append(stage))
    assert {"srs", "keys"} <= set(stages)
    engine.verify(RELU, engine.prove(RELU, engine.witness(RELU, VALUES)))


def test_prepare__two_at_once__both_succeed(copy: Copy, open_engine: OpenEngine) -> None:
    shutil.rmtree(copy.settings.cache_dir)
    engines = [open_engine(copy.settings) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        manifests = list(pool.map(lambda engine: engine.prepare(RELU), engines))
    assert manifests[0] == manifests[1]
    assert {path.name for path in copy.keys.iterdir()} == {"pk.key", "network.compiled", "hashes.json"}


def test_prepare__keys_that_are_not_the_pinned__are_refused(copy: Copy, open_engine: OpenEngine) -> None:
    shutil.rmtree(copy.settings.cache_dir / "circuits")
    path = copy.circuit / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"pk_hash": "0x" + "00" * 32}))
    with pytest.raises(ArtifactMismatch, match="the proving key of relu came out as"):
        open_engine(copy.settings).prepare(RELU)
    assert not list(copy.settings.cache_dir.glob("circuits/relu-*/*"))


def _damage(path: Path, how: str) -> None:
    raw = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    else:
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
