"""LiquidationBoard on a real vault: snapshots as the Python twin has them, proofs, reads, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from web3.contract import Contract

from oracle.domain.lending import PositionState
from oracle.domain.logistic import probability_wad
from oracle.domain.market_state import board_inputs
from oracle.units import BPS, WAD, int_from_felt, wad_from_scaled
from tests.support.call_gas import execution_gas
from tests.support.inference import deploy_artifact, verifier_spec
from tests.support.lending import SUPPLIED, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain
from tests.support.observations import FeedLimits, Publishers, deploy_feed
from tests.support.tiny_circuit import SCALE_BITS, TinyCircuit, TinyProof

PLACES, MARKET, WINDOW = 3, 4, 91
# logit_i = .1 volatility - z_i; confidence = .5 week
WEIGHTS = [[0.1, 0.1, 0.1, 0.0], [0.0, 0.0, 0.0, 0.5], [0.0] * 4, [0.0] * 4] + [
    [-1.0 if place == i else 0.0 for place in range(PLACES)] + [0.0] for i in range(PLACES)
]
MAX_AGE = 10**6


@dataclass(frozen=True)
class Board:
    """The board, its vault with two open positions, its prices, its prover."""

    world: LendingWorld
    publishers: Publishers
    contract: Contract
    circuit: TinyCircuit
    accounts: tuple[str, str]

    @property
    def round(self) -> int:
        """The newest price."""
        return int(self.publishers.contract.functions.latestRound().call())

    def take(self, accounts: list[str] | None = None) -> tuple[int, list[str], list[int], int]:
        """A snapshot: batch id, accounts, inputs, observation time."""
        call = self.contract.functions.snapshot(list(self.accounts) if accounts is None else accounts, self.round)
        (event,) = self.world.chain.events(self.contract, "BatchTaken", self.world.chain.send(call))
        return event["batchId"], list(event["accounts"]), list(event["inputs"]), event["observedAt"]

    def prove(self, inputs: list[int]) -> TinyProof:
        """A proof for these inputs."""
        return self.circuit.prove([value / 2**SCALE_BITS for value in inputs])

    def call(self, batch: tuple[int, list[str], list[int], int], proof: TinyProof, **changed: Any) -> Any:
        """`prove`, to be sent or tried."""
        batch_id, accounts, inputs, _ = batch
        values = {"accounts": accounts, "inputs": inputs, "outputs": proof.outputs, "zk_proof": proof.zk_proof}
        return self.contract.functions.prove(batch_id, *(values | changed).values())


@pytest.fixture(scope="session")
def board_circuit(tmp_path_factory, settings) -> TinyCircuit:
    """A linear stand-in for the liquidation net with three places."""
    return TinyCircuit.make(tmp_path_factory.mktemp("board"), settings, WEIGHTS)


@pytest.fixture(scope="module")
def opened(chain: LocalChain) -> LendingWorld:
    """A vault with a lender, and a borrower who owes 150,000 against 100 tokens of collateral at 2,000."""
    world = deploy_world(chain, alarmProbability=WAD // 20)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.refresh()
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


@pytest.fixture(scope="module")
def board(opened: LendingWorld, inference, board_circuit: TinyCircuit) -> Board:
    """A board over the vault with two positions, and a month of prices 8 hours apart."""
    chain = opened.chain
    outsider = opened.outsider
    opened.open_position(100 * 10**18, 100_000 * 10**6, outsider)
    halo2 = deploy_artifact(chain, board_circuit.verifier)
    spec = verifier_spec(chain.web3, halo2.address, input_count=MARKET + PLACES, output_count=PLACES + 1)
    chain.send(inference.registry.functions.registerModelWithVerifier(board_circuit.commitment, spec))
    model_id = inference.registry.functions.modelCount().call()
    publishers = deploy_feed(chain, FeedLimits(max_move_bps=BPS), capacity=128)
    prices = [2_000 * 10**8 + (i * 7919 % 100) * 10**8 for i in range(WINDOW)]
    publishers.history(prices[:60])
    publishers.history(prices[60:])
    opened.refresh()
    config = (chain.address(0), chain.address(10), inference.verifier.address, model_id, 1, opened.vault.address)
    contract = chain.deploy("LiquidationBoard", (*config, publishers.contract.address, 1, MAX_AGE, SCALE_BITS, PLACES))
    first, second = sorted((opened.borrower, outsider), key=lambda address: int(address, 16))
    return Board(opened, publishers, contract, board_circuit, (first, second))


def test_snapshot__two_positions__inputs_are_the_twins(board):
    _, accounts, inputs, observed_at = board.take()
    prices, time = board.publishers.contract.functions.window(board.round, WINDOW).call()
    block = board.world.chain.web3.eth.block_number
    factors = [board.world.vault.functions.healthFactor(a).call(block_identifier=block) for a in accounts]
    assert inputs == board_inputs(prices, factors, places=PLACES, stride=1, scale_bits=SCALE_BITS)
    assert (observed_at, accounts) == (time, list(board.accounts))
    assert inputs[MARKET] != inputs[MARKET + 1] != inputs[MARKET + 2] == 8 << SCALE_BITS


def test_prove__batch__probabilities_of_each_position(board, gas_snapshot):
    batch = board.take()
    proof = board.prove(batch[2])
    receipt = board.world.chain.send(board.call(batch, proof))
    logits = [wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in proof.outputs]
    for account, logit in zip(board.accounts, logits, strict=False):
        probability, confidence, observed_at, updated_at = board.contract.functions.assessmentOf(account).call()
        assert probability == probability_wad(logit)
        assert (confidence, observed_at, updated_at) == (logits[PLACES], batch[3], board.world.chain.now())
        assert board.contract.functions.probabilityNoOlderThan(account, MAX_AGE).call() == probability
        assert 0 < probability < WAD
    assert execution_gas(board.world.chain, receipt) > 0


def test_prove__time_has_passed_and_the_position_changed__the_snapshot_counts(board):
    batch = board.take()
    board.world.pass_time(300)
    board.world.call("repay", 1_000 * 10**6, board.accounts[0], sender=board.accounts[0])
    board.world.chain.send(board.call(batch, board.prove(batch[2])))
    assert board.contract.functions.assessmentOf(board.accounts[0]).call()[2] == batch[3]


def test_prove__other_inputs_accounts_or_batch__refused(board, revert_error):
    batch = board.take()
    proof = board.prove(batch[2])
    changed = [*batch[2][:-1], batch[2][-1] - 1]
    for call in (
        board.call(batch, proof, inputs=changed),
        board.call(batch, proof, accounts=batch[1][::-1]),
        board.call((batch[0] + 1, *batch[1:]), proof),
    ):
        with pytest.raises(Exception) as caught:
            call.call()
        assert revert_error(caught.value).name == "UnknownBatch"


def test_prove__twice_or_forged__refused(board, reverts, revert_error):
    batch = board.take()
    proof = board.prove(batch[2])
    flipped = bytearray(proof.zk_proof)
    flipped[99] ^= 1
    with reverts("InvalidProof"):
        board.call(batch, proof, zk_proof=bytes(flipped)).call()
    with reverts("InvalidProof"):
        board.call(batch, proof, outputs=[proof.outputs[0] + 1, *proof.outputs[1:]]).call()
    board.world.chain.send(board.call(batch, proof))
    with pytest.raises(Exception) as caught:
        board.call(batch, proof).call()
    assert revert_error(caught.value).name == "UnknownBatch"


def test_snapshot__bad_accounts__refused(board, reverts):
    first, second = board.accounts
    lender = board.world.lender
    take = board.contract.functions.snapshot
    with reverts("BatchSizeOutOfRange", 0, PLACES):
        take([], board.round).call()
    with reverts("BatchSizeOutOfRange", 4, PLACES):
        take([first] * 4, board.round).call()
    with reverts("AccountsNotSorted", second, first):
        take([second, first], board.round).call()
    with reverts("AccountsNotSorted", first, first):
        take([first, first], board.round).call()
    with reverts("PositionWithoutDebt", lender):
        take([lender], board.round).call()


def test_snapshot__position_below_one__refused(board, revert_error):
    board.world.set_price(1_000 * 10**8)
    with pytest.raises(Exception) as caught:
        board.contract.functions.snapshot([board.world.borrower], board.round).call()
    error = revert_error(caught.value)
    assert (error.name, error.args[0].lower()) == ("AlreadyLiquidatable", board.world.borrower.lower())


def test_reads__never_assessed_stale_or_paused__refused(board, reverts):
    account = board.accounts[0]
    with reverts("NotAssessed", account):
        board.contract.functions.assessmentOf(account).call()
    batch = board.take()
    board.world.chain.send(board.call(batch, board.prove(batch[2])))
    age = board.world.chain.now() - batch[3]
    with reverts("StaleAssessment", age, age - 1):
        board.contract.functions.probabilityNoOlderThan(account, age - 1).call()
    board.world.chain.send(board.contract.functions.pause(), board.world.chain.address(10))
    with reverts("EnforcedPause"):
        board.contract.functions.probabilityNoOlderThan(account, MAX_AGE).call()


def test_prove__older_batch_after_a_newer__does_not_replace_it(board):
    older = board.take([board.accounts[0]])
    board.publishers.observe(2_050 * 10**8)
    board.world.refresh()
    newer = board.take([board.accounts[0]])
    for batch in (newer, older):
        board.world.chain.send(board.call(batch, board.prove(batch[2])))
    assert board.contract.functions.assessmentOf(board.accounts[0]).call()[2] == newer[3] > older[3]


def test_warn__proven_by_the_board__the_vault_restricts_from_its_threshold_on(board, reverts_any):
    world, vault = board.world, board.world.vault
    batch = board.take()
    world.chain.send(board.call(batch, board.prove(batch[2])))
    world.chain.send(vault.functions.nameBoard(board.contract.address), world.chain.address(0))
    for account in board.accounts:
        probability = board.contract.functions.assessmentOf(account).call()[0]
        world.call("warn", account, sender=world.outsider)
        position = world.position(account)
        assert (position["alarmedAt"] != 0) is (probability >= world.config["alarmProbability"])
        assert position["state"] == (PositionState.WARNED if position["alarmedAt"] else PositionState.OPEN)
    assert {world.position(account)["alarmedAt"] > 0 for account in board.accounts} == {True, False}
    world.chain.mine(world.chain.now() + world.config["maxAssessmentAge"])
    with reverts_any("StaleAssessment"):
        world.call("warn", board.accounts[0], sender=world.outsider)
