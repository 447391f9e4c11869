"""From a circuit to a proof through the folder of its set-up: development, ceremony, and what is refused."""

from __future__ import annotations

import json

import pytest

from oracle.cli import groth16
from oracle.constants import BN254_SCALAR_FIELD
from oracle.domain.proofs import ModelInputs
from oracle.errors import ArtifactMismatch, InputRejected, InvalidInput, NotFound, UnsafeSetup
from oracle.proving.groth16.folder import PROVING_KEY, VERIFIER, groth16_folder
from oracle.proving.groth16.setup import Secrets
from tests.support.groth16_ceremony import PreparedCeremony, ptau
from tests.unit.proving.conftest import LOGISTIC, RELU

INPUTS = ModelInputs(((0.5, -0.25, 1.0, 0.125),))
OFF_CHAIN = 1


def quiet(_: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def settings(home):
    return home


@pytest.fixture(scope="module")
def development(settings):
    return groth16.set_up(settings, RELU, None, quiet, contributor="", samples=64)


def test_prove_inputs__no_set_up__named(settings):
    with pytest.raises(NotFound, match="no Groth16 set-up"):
        groth16.prove_inputs(settings, RELU, INPUTS)


def test_set_up__model_with_a_sigmoid__named_as_unfit(settings):
    with pytest.raises(InvalidInput, match="weights are not fixed, or it rescales"):
        groth16.set_up(settings, LOGISTIC, None, quiet, contributor="", samples=8)


def test_set_up__development__proves_what_ezkl_computes(settings, development, engine):
    assert development["srsKind"] == "dev"
    assert development["comparedWithEzkl"] == 64
    facts = groth16.prove_inputs(settings, RELU, INPUTS)
    witness = engine.witness(RELU, engine.quantise(RELU, INPUTS.tensors))
    felts = [value % BN254_SCALAR_FIELD for value in (*witness.inputs, *witness.outputs)]
    assert [int(one) for one in facts["instances"]] == felts
    assert len(bytes.fromhex(facts["proof"][2:])) == 256


def test_prove_inputs__development_key_for_a_real_chain__refused(settings, development):
    with pytest.raises(UnsafeSetup, match="kind dev"):
        groth16.prove_inputs(settings.model_copy(update={"chain_id": OFF_CHAIN}), RELU, INPUTS)


def test_prove_inputs__outside_the_domain__refused(settings, development):
    with pytest.raises(InputRejected, match="outside its domain"):
        groth16.prove_inputs(settings, RELU, ModelInputs(((1e6, 0.0, 0.0, 0.0),)))


@pytest.mark.parametrize("name", [PROVING_KEY, VERIFIER])
def test_read_setup__file_changed__refused(settings, development, engine, name):
    path = groth16_folder(settings.cache_dir, engine.circuit(RELU)) / name
    held = path.read_text()
    try:
        path.write_text(held.replace("1", "2", 1))
        with pytest.raises(ArtifactMismatch, match="not the file"):
            groth16.prove_inputs(settings, RELU, INPUTS)
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
        groth16.prove_inputs(elsewhere, RELU, INPUTS)
    trusted = groth16.check_setup(settings, RELU, file, second["transcript"], quiet)
    assert trusted["contributors"] == ["one", "two"]
    assert trusted["srsKind"] == "trusted"
    assert trusted["powers"].startswith("unknown")
    assert json.dumps(groth16.prove_inputs(elsewhere, RELU, INPUTS))
