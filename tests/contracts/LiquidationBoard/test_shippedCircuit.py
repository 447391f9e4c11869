"""The board over the liquidation circuit that ships: a vault's positions proven in one batch of sixteen places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from oracle.chain import solc
from oracle.domain.logistic import probability_wad
from oracle.proving.engine import ProvingEngine
from oracle.units import WAD, wad_from_scaled
from tests.contracts.LiquidationBoard.test_prove import MAX_AGE, Board, board, board_circuit, opened  # noqa: F401
from tests.support.call_gas import execution_gas
from tests.support.inference import deploy_artifact, verifier_spec

CIRCUIT, PLACES, MARKET = "liquidation-16", 16, 4


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[ProvingEngine]:
    """The engine, with the circuit's keys made if they are not in the cache."""
    proving = ProvingEngine(settings)
    proving.prepare(CIRCUIT)
    yield proving
    proving.close()


@pytest.fixture
def shipped(board: Board, settings, inference, engine: ProvingEngine) -> Board:  # noqa: F811
    """A board of sixteen places on the same vault and prices."""
    chain, manifest = board.world.chain, engine.circuit(CIRCUIT)
    halo2 = deploy_artifact(chain, solc.compile_verifier(settings, engine.folder(CIRCUIT) / "Verifier.sol"))
    spec = verifier_spec(
        chain.web3,
        halo2.address,
        input_count=MARKET + PLACES,
        output_count=PLACES + 1,
        input_scales=bytes(manifest.input_scale_bits[:1]),
        output_scales=bytes(manifest.output_scale_bits),
    )
    commitment = (*(bytes([i]) * 32 for i in (1, 2, 3)), board.circuit.commitment[3], CIRCUIT)
    chain.send(inference.registry.functions.registerModelWithVerifier(commitment, spec))
    model_id = inference.registry.functions.modelCount().call()
    config = (chain.address(0), chain.address(10), inference.verifier.address, model_id, 1, board.world.vault.address)
    prices, scale = board.publishers.contract.address, manifest.input_scale(0)
    contract = chain.deploy("LiquidationBoard", (*config, prices, 1, MAX_AGE, scale, PLACES))
    return replace(board, contract=contract)


def test_prove__shipped_circuit__two_positions_of_a_vault(shipped: Board, engine: ProvingEngine) -> None:
    batch_id, accounts, inputs, observed_at = shipped.take()
    proof = engine.prove(CIRCUIT, engine.witness(CIRCUIT, inputs))
    outputs = list(proof.instances[MARKET + PLACES :])
    call = shipped.contract.functions.prove(batch_id, accounts, inputs, outputs, proof.zk_proof)
    receipt = shipped.world.chain.send(call)
    manifest = engine.circuit(CIRCUIT)
    values = proof.integers()[MARKET + PLACES :]
    decoded = [wad_from_scaled(value, manifest.output_scale(i)) for i, value in enumerate(values)]
    found = [shipped.contract.functions.assessmentOf(account).call() for account in accounts]
    assert [one[0] for one in found] == [probability_wad(logit) for logit in decoded[: len(accounts)]]
    assert {one[2] for one in found} == {observed_at}
    assert all(0 <= one[1] <= WAD for one in found)
    nearer = min(range(2), key=lambda i: inputs[MARKET + i])
    assert found[nearer][0] >= found[1 - nearer][0]
    assert execution_gas(shipped.world.chain, receipt) < 2_000_000
