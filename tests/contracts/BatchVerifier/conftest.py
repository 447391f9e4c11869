"""A batch circuit of four rows, registered, with one proof."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from web3.contract import Contract

from oracle.chain.verifier_cache import compiled_verifier
from oracle.constants import PROOF_SYSTEM_ID
from tests.support.inference import NONCE, OBSERVED_AT, deploy_artifact
from tests.support.local_chain import LocalChain
from tests.support.verifier_circuits import Form, Proven, VerifierCircuit

ROWS = 4
BATCH = Form("batch", rows=ROWS, widths=(4, 2))


@dataclass(frozen=True)
class Batch:
    """Contracts with the batch circuit active as version 1 of model 1."""

    chain: LocalChain
    registry: Contract
    contract: Contract
    halo2: Contract
    proven: Proven
    output_scale_bits: int
    model_id: int = 1
    context: tuple[int, int, bytes] = (1, OBSERVED_AT, NONCE)

    def arguments(self, **changed: Any) -> tuple[Any, ...]:
        """Of verifyBatch, except for what `changed` says."""
        inputs, outputs = self.proven.packed()
        values = {"model_id": self.model_id, "context": self.context, "inputs": inputs, "outputs": outputs}
        values |= {"zk_proof": self.proven.zk_proof}
        assert not set(changed) - set(values)
        return tuple((values | changed).values())

    @property
    def outputs(self) -> list[int]:
        """The outputs as signed integers."""
        return self.proven.signed[self.proven.input_count :]


@pytest.fixture(scope="session")
def batch(tmp_path_factory, chain, settings) -> Batch:
    """The batch on the session's chain."""
    circuit = VerifierCircuit.make(tmp_path_factory.mktemp("batch"), BATCH)
    proven = circuit.prove(3)
    halo2 = deploy_artifact(chain, compiled_verifier(settings, circuit.folder / "Rewritten.sol"))
    registry = chain.deploy("ModelRegistry", chain.address(0), chain.address(10), 0)
    document = json.loads((circuit.folder / "settings.json").read_text())
    scales = (bytes(document["model_input_scales"]), bytes(document["model_output_scales"]))
    code_hash = bytes(chain.web3.keccak(chain.web3.eth.get_code(halo2.address)))
    counts = (proven.input_count, len(proven.instances) - proven.input_count)
    names = ("network.onnx", "network.compiled", "vk.key")
    model, compiled, key = (sha256((circuit.folder / name).read_bytes()).digest() for name in names)
    chain.send(
        registry.functions.registerModelWithVerifier(
            (model, compiled, key, PROOF_SYSTEM_ID, "test:batch"), (halo2.address, code_hash, *counts, *scales)
        )
    )
    contract = chain.deploy("BatchVerifier", registry.address)
    return Batch(chain, registry, contract, halo2, proven, document["model_output_scales"][0])
