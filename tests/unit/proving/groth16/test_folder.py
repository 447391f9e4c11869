"""From a circuit to a proof through the folder of its set-up: development, ceremony, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.cli import groth16
from oracle.cli.proofs import write_proof
from oracle.cli.verification import verify_proof_file
from oracle.constants import BN254_SCALAR_FIELD
from oracle.domain.proofs import ModelInputs, Proof
from oracle.errors import ArtifactMismatch, InputRejected, InvalidInput, NotFound, ProofRejected, UnsafeSetup
from oracle.proving.groth16.folder import PROVING_KEY, SUFFIX, VERIFIER, groth16_folder
from oracle.proving.groth16.setup import Secrets
from oracle.settings import Settings
from tests.support.groth16_ceremony import PreparedCeremony, ptau
from tests.unit.proving.conftest import LOGISTIC, RELU

INPUTS = ModelInputs(((0.5, -0.25, 1.0, 0.125),))
OFF_CHAIN = 1


def quiet(_: str) -> None:
    """Progress that nobody reads."""


def prove(settings: Settings, inputs: ModelInputs = INPUTS) -> Proof:
    """A Groth16 proof of the small network."""
    held, manifest = groth16.held_setup(settings, RELU)
    return groth16.prove_network(settings, held, manifest, inputs)


@pytest.fixture(scope="module")
def settings(home):
    return home


@pytest.fixture(scope="module")
def development(settings):
    return groth16.set_up(settings, RELU, None, quiet, contributor="", samples=64)


def test_prove_network__no_set_up__named(settings):
    with pytest.raises(NotFound, match="no Groth16 set-up"):
        prove(settings)


def test_set_up__model_with_a_sigmoid__named_as_unfit(settings):
    with pytest.raises(InvalidInput, match="weights are not fixed, or it rescales"):
        groth16.set_up(settings, LOGISTIC, None, quiet, contributor="", samples=8)


def test_set_up__development__proves_what_ezkl_computes(settings, development, engine):
    assert development["srsKind"] == "dev"
    assert development["comparedWithEzkl"] == 64
    proof = prove(settings)
    witness = engine.witness(RELU, engine.quantise(RELU, INPUTS.tensors))
    felts = [value % BN254_SCALAR_FIELD for value in (*witness.inputs, *witness.outputs)]
    assert list(proof.instances) == felts
    assert len(proof.zk_proof) == 256


def test_verify_proof_file__groth16_proof__valid_under_its_own_key_alone(settings, development, tmp_path):
    proof, path = prove(settings), tmp_path / "proof.json"
    write_proof(path, proof)
    for name in (None, RELU, f"{RELU}{SUFFIX}"):
        facts = verify_proof_file(settings, path, name)
        assert (facts["verified"], facts["model"]) == (True, f"{RELU}{SUFFIX}")
        assert facts["inputs"] == list(INPUTS.tensors[0])
    with pytest.raises(ProofRejected, match=f"of {RELU}.groth16, not of {LOGISTIC}.groth16"):
        verify_proof_file(settings, path, LOGISTIC)
    wrong = [
        replace(proof, instances=(*proof.instances[:-1], proof.instances[-1] + 1)),
        replace(proof, instances=proof.instances[:-1]),
        replace(proof, instances=(1 << 62, *proof.instances[1:])),
        replace(proof, instances=(1 << 70, *proof.instances[1:])),
        replace(proof, zk_proof=proof.zk_proof[:32] + bytes(32) + proof.zk_proof[64:]),
        replace(proof, zk_proof=proof.zk_proof + b"\0"),
        replace(proof, zk_proof=b"\xff" * 32 + proof.zk_proof[32:]),
    ]
    for one in wrong:
        write_proof(path, one)
        with pytest.raises(ProofRejected, match="does not verify"):
            verify_proof_file(settings, path, None)


def test_prove_network__development_key_for_a_real_chain__refused(settings, development):
    with pytest.raises(UnsafeSetup, match="kind dev"):
        prove(settings.model_copy(update={"chain_id": OFF_CHAIN}))


def test_prove_network__outside_the_domain__refused(settings, development):
    with pytest.raises(InputRejected, match="outside its domain"):
        prove(settings, ModelInputs(((1e6, 0.0, 0.0, 0.0),)))


@pytest.mark.parametrize("name", [PROVING_KEY, VERIFIER])
def test_read_setup__file_changed__refused(settings, development, engine, name):
    path = groth16_folder(settings.state_dir, engine.circuit(RELU)) / name
    held = path.read_text()
    try:
        path.write_text(held.replace("1", "2", 1))
        with pytest.raises(ArtifactMismatch, match="not the file"):
            prove(settings)
    finally:
        path.write_text(held)


def test_check_setup__ceremony_with_two_contributors__serves_real_chains_once_trusted(settings, development, tmp_path):
    size = development["domainSize"]
    file = tmp_path / "small.ptau"
    file.write_bytes(ptau(PreparedCeremony(Secrets(11, 22, 33, 1), size.bit_length() - 1).sections()))
    assert groth16.set_up(settings, RELU, file, quiet, contributor="one", samples=8)["srsKind"] == "imported"
    second = groth16.add_contribution(settings, RELU, file, "two", quiet)
    elsewhere = settings.model_copy(update={"chain_id": OFF_CHAIN})
    with pytest.raises(UnsafeSetup, match="kind imported"):
        prove(elsewhere)
    trusted = groth16.check_setup(settings, RELU, file, second["transcript"], quiet)
    assert trusted["contributors"] == ["one", "two"]
    assert trusted["srsKind"] == "trusted"
    assert trusted["powers"].startswith("unknown")
    assert prove(elsewhere).zk_proof
