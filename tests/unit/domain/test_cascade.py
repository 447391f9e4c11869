"""The cascade's twin against the model's own formulas and the simulator, and its refusals by name."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from models._cascade_circuit import LEVELS as MODEL_LEVELS
from models._cascade_circuit import input_row
from models._cascade_simulator import EDGES as MODEL_EDGES
from models._cascade_simulator import Market, risk
from models.cascade import reference
from oracle.domain.cascade import (
    BUCKETS,
    EDGES,
    FIGURES,
    LEVELS,
    CascadeFeatures,
    EmptyBook,
    ImpactTooSteep,
    NegativeDebt,
)
from oracle.domain.vectors import ConfigurationOutOfRange, InputOutOfDomain
from oracle.errors import InvalidInput
from oracle.units import WAD
from tests.support.feature_cases import cascade_values, wad

SCALE = 18
EVEN = [wad(0.1)] * BUCKETS
BUFFER = 0.17


def test_constants__edges_and_levels__are_the_models() -> None:
    assert [edge / WAD for edge in EDGES] == pytest.approx(list(MODEL_EDGES), abs=1e-15)
    assert [level / WAD for level in LEVELS] == list(MODEL_LEVELS)


def test_inputs__random_books__are_the_models_within_rounding() -> None:
    rng, features, seen = random.Random(3), CascadeFeatures(wad(BUFFER)), 0
    for _ in range(200):
        values = cascade_values(rng, features)
        try:
            row = features.inputs(values, 0, SCALE)
        except InvalidInput:
            continue
        sigma, depth, *debts = (value / WAD for value in values)
        expected = input_row(np.array(debts), Market(sigma, depth, BUFFER))
        assert np.array(row) / 2**SCALE == pytest.approx(expected, abs=2**-SCALE)
        seen += 1
    assert seen > 60


def test_answer__figures_of_the_model__near_the_simulators() -> None:
    values = [wad(0.1), 10 * WAD, *EVEN]
    row = np.array(CascadeFeatures(wad(BUFFER)).inputs(values, 0, SCALE)) / 2**SCALE
    outputs = [wad(value) for value in reference(row[None])[0]]
    exact = risk(np.full(BUCKETS, 0.1), Market(0.1, 10.0, BUFFER))
    for place, name in enumerate(FIGURES):
        answer = CascadeFeatures(wad(BUFFER), place).answer(outputs, [], SCALE, values) / WAD
        assert answer == pytest.approx(getattr(exact, name), rel=0.05, abs=0.01)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ([0, WAD, *EVEN], ConfigurationOutOfRange),
        ([-WAD, WAD, *EVEN], ConfigurationOutOfRange),
        ([wad(0.31), WAD, *EVEN], ConfigurationOutOfRange),
        ([wad(0.1), 0, *EVEN], ConfigurationOutOfRange),
        ([wad(0.1), 10 * WAD, *EVEN[1:], -1], NegativeDebt),
        ([wad(0.1), 10 * WAD, *[0] * BUCKETS], EmptyBook),
        ([wad(0.1), WAD, *EVEN], InputOutOfDomain),
        ([wad(0.02), 10 * WAD, *[0] * 2, wad(0.7), *[0] * 13], ImpactTooSteep),
    ],
)
def test_inputs__what_no_book_can_be__refused_by_name(values: list[int], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        CascadeFeatures(wad(BUFFER)).inputs(values, 0, SCALE)


@pytest.mark.parametrize("features", [CascadeFeatures(-1), CascadeFeatures(3 * WAD + 1), CascadeFeatures(0, 4)])
def test_arguments__beyond_their_ranges__refused(features: CascadeFeatures) -> None:
    with pytest.raises(ConfigurationOutOfRange):
        features.arguments()


def test_inputs__no_room_and_endless_room__beta_at_its_bounds() -> None:
    values = [wad(0.1), 10 * WAD, *EVEN]
    betas = [CascadeFeatures(buffer).inputs(values, 0, SCALE)[-1] for buffer in (0, 3 * WAD)]
    assert betas == [0, 8 << SCALE]
    assert math.isclose(CascadeFeatures(wad(0.1)).inputs(values, 0, SCALE)[-1] / 2**SCALE, 2.0)
