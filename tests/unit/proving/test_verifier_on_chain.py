"""The generated, patched verifiers accept the engine's proofs on a chain and nothing else."""

from __future__ import annotations

import pytest
from web3.exceptions import ContractLogicError

from oracle.chain.solc import compile_verifier
from oracle.constants import MAX_CODE_SIZE
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from tests.support.inference import deploy_artifact
from tests.support.local_chain import LocalChain
from tests.unit.proving.conftest import LOGISTIC, RELU


@pytest.mark.parametrize("circuit", [RELU, LOGISTIC])
def test_verify_proof__engines_proof__is_accepted_and_a_changed_one_reverts(
    engine: ProvingEngine, settings: Settings, chain: LocalChain, circuit: str
) -> None:
    artifact = compile_verifier(settings, engine.folder(circuit) / "Verifier.sol")
    assert len(artifact.deployed_bytecode) <= MAX_CODE_SIZE
    verifier = deploy_artifact(chain, artifact)
    proof = engine.prove(circuit, engine.witness(circuit, engine.quantise(circuit, [[0.5, -0.5, 0.25, 0.125]])))
    assert verifier.functions.verifyProof(proof.zk_proof, list(proof.instances)).call() is True
    for position in range(len(proof.instances)):
        changed = list(proof.instances)
        changed[position] += 1
        with pytest.raises(ContractLogicError):
            verifier.functions.verifyProof(proof.zk_proof, changed).call()


def test_logistic__weights_finer_than_inputs__is_the_case_tried_here(engine: ProvingEngine) -> None:
    """Its settings carry a rebase scale, which ezkl's Python arguments do not know: the one setting written by us."""
    assert '"rebase_scale": null' in (engine.folder(RELU) / "settings.json").read_text()
    assert '"rebase_scale": null' not in (engine.folder(LOGISTIC) / "settings.json").read_text()
