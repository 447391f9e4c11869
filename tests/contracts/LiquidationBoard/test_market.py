"""The board over windows that a test chooses: figures at their cuts, ages, confidence, versions and what is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from eth_abi import encode
from web3 import Web3
from web3.contract import Contract

from oracle.domain.logistic import probability_wad
from oracle.domain.market_state import board_inputs
from oracle.units import WAD, int_from_felt, wad_from_scaled
from tests.contracts.LiquidationBoard.test_prove import (  # noqa: F401
    MARKET,
    MAX_AGE,
    PLACES,
    SCALE_BITS,
    WINDOW,
    Board,
    board,
    board_circuit,
    opened,
)

Reverts = Callable[..., Any]
ONE = 1 << SCALE_BITS


class Chosen(Board):
    """The same board over a source whose newest window the test sets."""

    @property
    def round(self) -> int:
        """Any does."""
        return 1

    @property
    def source(self) -> Contract:
        """The source."""
        return self.world.chain.at("ModuleHarness", self.contract.functions.prices().call())

    def set_window(self, prices: Sequence[int], observed_at: int) -> None:
        """What is observed from now on. The harness keeps the window of its last call."""
        packed = b"".join(price.to_bytes(8) for price in prices)
        call = self.source.functions.inputsOfWindows(self.source.address, len(prices), packed, [observed_at])
        self.world.chain.send(call)

    def expected(self) -> tuple[list[int], int]:
        """What a snapshot would take, and the time."""
        inputs, observed_at = self.contract.functions.expectedInputs(list(self.accounts), 1).call()
        return inputs, observed_at


@pytest.fixture(scope="module")
def chosen(board: Board) -> Chosen:  # noqa: F811
    """Windows by the test; the model is the first version."""
    chain, old = board.world.chain, board.contract.functions
    source = chain.deploy("ModuleHarness")
    config = (chain.address(0), chain.address(10), old.inferenceVerifier().call(), old.modelId().call(), 1)
    vault = board.world.vault.address
    contract = chain.deploy("LiquidationBoard", (*config, vault, source.address, 1, MAX_AGE, SCALE_BITS, PLACES))
    return Chosen(board.world, board.publishers, contract, board.circuit, board.accounts)


NOBODY = "0x" + "0" * 40
EMPTY = "0x" + "11" * 20  # an address without code
# Place in the configuration, and what no board can have there
UNUSABLE = {
    "admin": (0, NOBODY),
    "guardian": (1, NOBODY),
    "inferenceVerifier": (2, EMPTY),
    "vault": (5, EMPTY),
    "prices": (6, EMPTY),
    "stride": (7, 0),
    "maxAge": (8, 0),
    "inputScaleBits": (9, 65),
    "places": (10, 0),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_constructor__what_no_batch_could_use__refused(chosen: Chosen, reverts: Reverts, name: str) -> None:
    chain, old = chosen.world.chain, chosen.contract.functions
    own = [old[each]().call() for each in ("inferenceVerifier", "modelId", "modelVersion", "vault", "prices")]
    config = [chain.address(0), chain.address(10), *own, 1, 1, 64, 1]
    chain.deploy("LiquidationBoard", tuple(config))
    place, value = UNUSABLE[name]
    config[place] = value
    with reverts("InvalidConfiguration"):
        chain.deploy("LiquidationBoard", tuple(config))


def paced(*moves: float) -> list[int]:
    """91 prices: quiet ones, then these moves."""
    prices = [10**12 + (i % 2) * 10**6 for i in range(WINDOW - len(moves))]
    for move in moves:
        prices.append(round(prices[-1] * (1 + move)))
    return prices


# Moves at the window's end, and the market's four figures by hand, in units of 1
MARKETS = [
    # one return of .5 in 90: ten deviations sqrt(21 / 90) / 2; the shares sqrt(90 / 21) and sqrt(90 / 3), cut at 4; the
    # trend .5 over the deviation
    ((0.5,), (2.41523, 2.07020, 4.0, 2.07020)),
    ((-0.5,), (2.41523, 2.07020, 4.0, -2.07020)),
    # 1.1^20 - 1 = 5.7275 over sqrt(21 * 20 / 90) / 10 = .216025 is 26.5, and .9^20 - 1 is -4.066: both cut at 4
    ((0.1,) * 20, (2.16025, 2.07020, 2.12132, 4.0)),
    ((-0.1,) * 20, (2.16025, 2.07020, 2.12132, -4.0)),
    # two moves of 800 % and one of -90 %: cut at ten; the trend 7.1 over sqrt(21 * 128.81 / 90) = 5.4823
    ((8.0, -0.9, 8.0), (10.0, 2.07020, 4.0, 1.29507)),
    # in the week but not in its last day
    ((0.5, 0.0, 0.0, 0.0, 0.0), (2.41523, 2.07020, 0.0, 2.07020)),
    # before the week: week and day have next to nothing, and no trend
    ((0.5, *[0.0] * 30), (2.41523, 0.0, 0.0, 0.0)),
]


@pytest.mark.parametrize(("moves", "figures"), MARKETS, ids=range(len(MARKETS)))
def test_expected_inputs__markets_at_their_cuts__by_hand_and_as_the_twin(
    chosen: Chosen, moves: tuple[float, ...], figures: tuple[float, ...]
) -> None:
    prices, now = paced(*moves), chosen.world.chain.now()
    chosen.set_window(prices, now)
    inputs, observed_at = chosen.expected()
    assert [value / ONE for value in inputs[:MARKET]] == pytest.approx(figures, abs=2e-3)
    factors = [chosen.world.vault.functions.healthFactor(account).call() for account in chosen.accounts]
    assert inputs == board_inputs(prices, factors, places=PLACES, stride=1, scale_bits=SCALE_BITS)
    assert (observed_at, inputs[-1]) == (now, 8 * ONE)


def test_expected_inputs__quiet_or_flat__a_tenth_rounded_up_or_refused(chosen: Chosen, reverts) -> None:
    now = chosen.world.chain.now()
    chosen.set_window(paced(), now)
    # 2^13 / 10 = 819.2; a hundred-thousandth a week puts any position further away than can be said
    assert chosen.expected()[0][0] == 820
    assert chosen.expected()[0][MARKET:] == [8 * ONE] * PLACES
    for prices, error in (
        ([10**12] * 91, ("FlatWindow", 91)),
        ([10**12] * 90 + [10**13], ("ReturnOutOfRange", 89, 9 * WAD, 8 * WAD)),
    ):
        chosen.set_window(prices, now)
        with reverts(*error):
            chosen.expected()
    for count in (90, 92):
        chosen.set_window(range(10**12, 10**12 + count), now)
        with reverts("WrongCount", 91, count):
            chosen.expected()


def test_expected_inputs__newest_price_of_the_largest_age__taken_and_a_second_more_refused(
    chosen: Chosen, reverts
) -> None:
    now = chosen.world.chain.now() + 10
    chosen.set_window(paced(0.5), now - MAX_AGE)
    chosen.world.chain.mine(now)
    assert chosen.expected()[1] == now - MAX_AGE
    chosen.set_window(paced(0.5), now - MAX_AGE)
    age = chosen.world.chain.now() - now + MAX_AGE
    with reverts("ObservationStale", age, MAX_AGE):
        chosen.expected()


def test_prove__observed_ahead_of_the_block__is_of_no_age_and_told_whole(chosen: Chosen, reverts) -> None:
    chain, observed_at = chosen.world.chain, chosen.world.chain.now() + 1_000
    chosen.set_window([2_000 + i * 7_919 % 100 for i in range(WINDOW)], observed_at)
    batch = chosen.take()
    assert (batch[0], batch[3], chosen.contract.functions.batchCount().call()) == (1, observed_at, 1)
    proof = chosen.prove(batch[2])
    receipt = chain.send(chosen.call(batch, proof))
    *logits, confidence = [wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in proof.outputs]
    told = chain.events(chosen.contract, "PositionAssessed", receipt)
    assert told == [
        {
            "account": account,
            "batchId": 1,
            "probabilityWad": probability_wad(logit),
            "confidenceWad": confidence,
            "observedAt": observed_at,
        }
        for account, logit in zip(chosen.accounts, logits, strict=False)
    ]
    (proven,) = chain.events(chosen.contract, "BatchProven", receipt)
    assert (proven["batchId"], proven["proofHash"]) == (1, Web3.keccak(proof.zk_proof))
    reads = chosen.contract.functions
    assert chain.now() < observed_at
    assert reads.probabilityNoOlderThan(chosen.accounts[0], 0).call() == told[0]["probabilityWad"]
    chain.mine(observed_at + 5)
    assert reads.probabilityNoOlderThan(chosen.accounts[0], 5).call() == told[0]["probabilityWad"]
    with reverts("StaleAssessment", 5, 4):
        reads.probabilityNoOlderThan(chosen.accounts[0], 4).call()
    # proven once: neither it nor any other is known
    with reverts("UnknownBatch", 1, content(batch[1], batch[2])):
        chosen.call(batch, proof).call()
    assert chosen.take()[0] == 2


def test_prove__confidence_a_little_above_one__is_one_and_more_refused(chosen: Chosen, reverts) -> None:
    now = chosen.world.chain.now()
    # half the week's share sqrt(90 / 21 * .25 / .26519): 1.005
    chosen.set_window(paced(0.12326, *[0.0] * 30, 0.5), now)
    batch = chosen.take()
    proof = chosen.prove(batch[2])
    assert WAD < wad_from_scaled(int_from_felt(proof.outputs[PLACES]), SCALE_BITS) < 101 * WAD // 100
    chosen.world.chain.send(chosen.call(batch, proof))
    assert chosen.contract.functions.assessmentOf(chosen.accounts[0]).call()[1] == WAD
    # 2.0702 / 2 of all of it
    chosen.set_window(paced(0.5), now)
    batch = chosen.take()
    proof = chosen.prove(batch[2])
    confidence = wad_from_scaled(int_from_felt(proof.outputs[PLACES]), SCALE_BITS)
    assert confidence / WAD == pytest.approx(1.0351, abs=1e-3)
    with reverts("ConfidenceOutOfRange", confidence):
        chosen.call(batch, proof).call()


def content(accounts: Sequence[str], inputs: Sequence[int]) -> bytes:
    """What a batch is kept as."""
    return bytes(Web3.keccak(encode(["address[]", "int256[]"], [accounts, inputs])))


def test_control__guardian_pauses_and_admin_moves_the_version__nobody_else(
    chosen: Chosen, reverts, reverts_any
) -> None:
    chain, functions = chosen.world.chain, chosen.contract.functions
    admin, guardian, nobody = chain.address(0), chain.address(10), chain.address(11)
    for call in (functions.pause(), functions.unpause(), functions.setModelVersion(2)):
        with reverts_any("AccessControlUnauthorizedAccount"):
            chain.send(call, nobody)
    chain.send(functions.pause(), guardian)
    for call in (functions.unpause(), functions.setModelVersion(2)):
        with reverts_any("AccessControlUnauthorizedAccount"):
            chain.send(call, guardian)
    with reverts("EnforcedPause"):
        functions.snapshot(list(chosen.accounts), 1).call()
    with reverts("EnforcedPause"):
        functions.prove(1, [], [], [], b"").call()
    chain.send(functions.unpause(), admin)
    assert functions.modelVersion().call() == 1
    receipt = chain.send(functions.setModelVersion(7), admin)
    assert chain.events(chosen.contract, "ModelVersionChanged", receipt) == [{"version": 7}]
    assert functions.modelVersion().call() == 7


def test_constructor__config__readable(chosen: Chosen) -> None:
    functions = chosen.contract.functions
    names = ("stride", "maxAge", "inputScaleBits", "places", "modelVersion", "batchCount")
    assert [functions[name]().call() for name in names] == [1, MAX_AGE, SCALE_BITS, PLACES, 1, 0]
    assert functions.vault().call() == chosen.world.vault.address
