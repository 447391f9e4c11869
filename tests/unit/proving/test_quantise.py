"""Quantisation: exactly ezkl's, and nothing outside the domain."""

from __future__ import annotations

import math

import ezkl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.errors import InputRejected
from oracle.proving.engine import ProvingEngine
from oracle.proving.quantise import check_quantised, quantise_value, real_outputs, real_rows, split_rows
from tests.unit.proving.conftest import RELU

INSIDE = [0.5, -0.25, 1.0, -1.0]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, 1), (-0.5, -1), (1.5, 2), (-2.5, -3), (0.49999997, 0), (0.0, 0), (-0.0, 0)]
)
def test_quantise_value__halves__round_away_from_zero(value: float, expected: int) -> None:
    assert quantise_value(value, 0, "float32") == expected


@settings(max_examples=300, deadline=None)
@given(st.floats(-1e6, 1e6, width=32), st.integers(0, 20))
def test_quantise_value__any_float__is_what_ezkl_says(value: float, scale: int) -> None:
    felt = ezkl.float_to_felt(value, scale, ezkl.PyInputType.F32)
    assert quantise_value(value, scale, "float32") == ezkl.felt_to_int(felt)


def test_quantise_value__double_given_to_a_float_model__goes_through_float() -> None:
    assert quantise_value(0.1, 30, "float32") == 107374184
    assert quantise_value(0.1, 30, "float64") == 107374182


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_quantise_value__not_finite__is_refused(value: float) -> None:
    with pytest.raises(InputRejected, match="not a finite number"):
        quantise_value(value, 10, "float32")


def test_quantise_value__too_large_for_the_type__is_refused() -> None:
    with pytest.raises(InputRejected, match="does not fit into float32"):
        quantise_value(1e39, 10, "float32")


def test_quantise_value__fraction_for_an_integer_input__is_refused() -> None:
    with pytest.raises(InputRejected, match="not an integer"):
        quantise_value(1.5, 0, "int64")


@pytest.mark.parametrize("rows", [[], [[1.0]], [INSIDE, INSIDE], [[*INSIDE, 0.0]]])
def test_quantise__wrong_shape__names_both(engine: ProvingEngine, rows: list[list[float]]) -> None:
    with pytest.raises(InputRejected, match=r"takes \[4\] values .* not \["):
        engine.quantise(RELU, rows)


@pytest.mark.parametrize("factor", [10.0, 100.0, 1e9, -10.0])
def test_quantise__far_outside__names_value_and_domain(engine: ProvingEngine, factor: float) -> None:
    high = engine.circuit(RELU).domain[0].high
    with pytest.raises(InputRejected, match=r"input 2 of relu is .* outside its domain \[-"):
        engine.quantise(RELU, [[0.0, 0.0, high * factor, 0.0]])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_quantise__not_finite__names_the_position(engine: ProvingEngine, value: float) -> None:
    with pytest.raises(InputRejected, match=r"input 1: .* is not a finite number"):
        engine.quantise(RELU, [[0.0, value, 0.0, 0.0]])


def test_check_quantised__beyond_the_domain__is_refused(engine: ProvingEngine) -> None:
    manifest = engine.circuit(RELU)
    edge = math.ceil(manifest.domain[0].high * 2 ** manifest.input_scale(0))
    check_quantised(manifest, [edge] * 4)
    with pytest.raises(InputRejected, match="outside its domain"):
        check_quantised(manifest, [0, 0, 0, edge + 1])
    with pytest.raises(InputRejected, match="takes 4 values, not 3"):
        check_quantised(manifest, [0, 0, 0])


def test_real_rows__of_quantised__are_the_inputs(engine: ProvingEngine) -> None:
    manifest = engine.circuit(RELU)
    values = engine.quantise(RELU, [INSIDE])
    assert real_rows(manifest, values) == [INSIDE]
    assert split_rows(manifest, values) == [values]
    assert real_outputs(manifest, [1 << manifest.output_scale(0)]) == [1.0]
