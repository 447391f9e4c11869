"""GarchBatchModule: the rounds that belong together, inputs and answers against the Python twin, and its refusals."""

from __future__ import annotations

import random

from oracle.domain.features import MODEL_INPUTS
from oracle.domain.garch_batch import ASSETS, GarchBatchFeatures, WindowsNotAligned, aligned_place
from oracle.units import SECS_PER_DAY, WAD
from tests.contracts.GarchBatchModule.conftest import COUNTS, LARGEST_LAG
from tests.support.feature_cases import garch_of

SCALE = 18
SKEWS = (0, 60, 300, LARGEST_LAG, 5000, SECS_PER_DAY)


def expected_rounds(assets, round_id: int, max_skew: int) -> list[int]:
    """The twin's rounds. Raises WindowsNotAligned."""
    time = assets.all[0].times[round_id - 1]
    rounds = [round_id]
    for i, asset in enumerate(assets.all[1:], start=1):
        rounds.append(asset.first + aligned_place(i, asset.kept_times, time, max_skew))
    return rounds


def test_rounds_for__every_round_and_skew__are_the_twins(assets, features, reverts):
    singles, found = assets.singles(features, SCALE), 0
    for skew in SKEWS:
        module = assets.batch(singles, skew)
        for round_id in range(1, COUNTS[0] + 1):
            time = assets.all[0].times[round_id - 1]
            call = module.functions.roundsFor(round_id)
            try:
                expected = expected_rounds(assets, round_id, skew)
            except WindowsNotAligned as refusal:
                with reverts("WindowsNotAligned", refusal.asset, refusal.observed_at, time, skew):
                    call.call()
                continue
            assert call.call() == [expected, time]
            found += 1
    assert COUNTS[0] < found < len(SKEWS) * COUNTS[0]


def test_inputs__random_parameters__are_the_twins(assets):
    rng = random.Random(5)
    for _ in range(12):
        drawn, scale = tuple(garch_of(rng) for _ in range(ASSETS)), rng.randint(12, 20)
        batch, twin = assets.batch(assets.singles(drawn, scale)), GarchBatchFeatures(drawn, 0)
        module = assets.module(batch)
        for round_id in range(34, COUNTS[0] + 1):
            rounds = expected_rounds(assets, round_id, LARGEST_LAG)
            windows = [asset.window(each) for asset, each in zip(assets.all, rounds, strict=True)]
            time = assets.all[0].times[round_id - 1]
            assert module.functions.inputs(round_id).call() == [twin.inputs(windows, time, scale), time]


def test_inputs__a_later_observation__leaves_an_old_rounds_inputs(assets, features):
    module = assets.batch(assets.singles(features, SCALE))
    before = [module.functions.inputs(round_id).call() for round_id in (35, COUNTS[0])]
    assets.all[1].publishers.observe(assets.all[1].prices[-1])
    assert [module.functions.inputs(round_id).call() for round_id in (35, COUNTS[0])] == before


def test_inputs__an_asset_twice__its_row_twice(assets, features):
    one = assets.singles(features, SCALE)
    module = assets.batch([one[0], one[1], one[0], one[0]])
    inputs, _ = module.functions.inputs(COUNTS[0]).call()
    rows = [inputs[i * MODEL_INPUTS : (i + 1) * MODEL_INPUTS] for i in range(ASSETS)]
    assert rows[0] == rows[2] == rows[3] != rows[1]


def test_inputs__the_lead_observed_alone__refused(assets, features, reverts_any):
    module = assets.module(assets.batch(assets.singles(features, SCALE)))
    assets.all[0].publishers.observe(assets.all[0].prices[-1])
    with reverts_any("WindowsNotAligned"):
        module.functions.inputs(COUNTS[0] + 1).call()


def test_answer__each_place__is_that_assets(assets, features, reverts, reverts_any):
    batch = assets.batch(assets.singles(features, SCALE))
    outputs = [WAD // (2 + i) for i in range(ASSETS)]
    answers = set()
    for place in range(ASSETS):
        module = assets.module(batch, place)
        answer = module.functions.answer(outputs).call()
        assert answer == GarchBatchFeatures(features, place).answer(outputs, SCALE)
        answers.add(answer)
        for wrong in (outputs[:3], [*outputs, WAD]):
            with reverts("OutputCountMismatch", len(wrong), ASSETS):
                module.functions.answer(wrong).call()
    assert len(answers) == ASSETS
    with reverts_any("NegativeVariance"):
        assets.module(batch).functions.answer([-1, *outputs[1:]]).call()


def test_constructor__what_cannot_be__refused_with_its_numbers(assets, features, reverts):
    singles, nobody = assets.singles(features, SCALE), assets.chain.address(5)
    other = assets.singles(features, SCALE - 1)
    for arguments, error in (
        (
            (singles, SECS_PER_DAY + 1),
            ("ParameterOutOfRange", b"maxSkew".ljust(32, b"\0"), SECS_PER_DAY + 1, 0, SECS_PER_DAY),
        ),
        (([*singles[:3], nobody], 0), ("ModuleWithoutCode", 3, nobody)),
        (([nobody, *singles[1:]], 0), ("ModuleWithoutCode", 0, nobody)),
        (([*singles[:3], other[3]], 0), ("ScaleMismatch", 3, SCALE - 1, SCALE)),
    ):
        with reverts(*error):
            assets.chain.deploy("GarchBatchInputs", *arguments)
    batch = assets.batch(singles)
    for place in (ASSETS, 255):
        with reverts("PlaceOutOfRange", place, ASSETS - 1):
            assets.chain.deploy("GarchBatchModule", batch.address, place)
    with reverts("BatchWithoutCode", nobody):
        assets.chain.deploy("GarchBatchModule", nobody, 0)


def test_getters__deployed__what_was_given(assets, features):
    singles = assets.singles(features, SCALE)
    batch = assets.batch(singles, SECS_PER_DAY)
    lead = assets.all[0].publishers.contract.address
    assert batch.functions.modules().call() == singles
    assert (batch.functions.maxSkew().call(), batch.functions.source().call()) == (SECS_PER_DAY, lead)
    for place in range(ASSETS):
        functions = assets.module(batch, place).functions
        assert (functions.place().call(), functions.batch().call()) == (place, batch.address)
        assert (functions.source().call(), functions.inputScaleBits().call()) == (lead, SCALE)


def test_prepare_inputs__read_in_the_same_transaction__the_same_and_of_that_round_alone(assets, features):
    batch = assets.batch(assets.singles(features, SCALE))
    module, harness = assets.module(batch), assets.chain.deploy("ModuleHarness")
    for round_id in (35, COUNTS[0]):
        expected = batch.functions.inputs(round_id).call()
        assert harness.functions.preparedInputs(module.address, round_id).call() == expected
        assert expected[1] == assets.all[0].times[round_id - 1]


def test_prepare_inputs__another_transaction__computed_anew(assets, features):
    batch = assets.batch(assets.singles(features, SCALE))
    before = batch.functions.inputs(COUNTS[0]).call()
    assets.chain.send(batch.functions.prepareInputs(COUNTS[0]))
    assert batch.functions.inputs(COUNTS[0]).call() == before


def test_prepare_inputs__windows_not_aligned__refused(assets, features, reverts_any):
    module = assets.module(assets.batch(assets.singles(features, SCALE), 0))
    with reverts_any("WindowsNotAligned"):
        module.functions.prepareInputs(COUNTS[0]).call()
