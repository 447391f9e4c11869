"""Constraints: they hold for the network's own values, and for no others."""

from __future__ import annotations

import itertools

import pytest

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InputRejected, InvalidInput
from oracle.proving.groth16.circuit import NetworkCircuit, input_width
from oracle.proving.groth16.network import IntegerNetwork, Matrix, Offset, Relu, Shift
from oracle.proving.groth16.prover import quotient_of
from oracle.proving.groth16.r1cs import Builder, number
from oracle.units import div_round
from tests.support.groth16 import WIDTHS, small_network

SMALL = NetworkCircuit(small_network(), WIDTHS)


def single(*steps, width=6) -> NetworkCircuit:
    return NetworkCircuit(IntegerNetwork(1, 0, 0, tuple(steps)), (width,))


def test_build__inputs_of_the_whole_domain__constraints_hold_and_outputs_are_the_networks():
    for inputs in [*itertools.product((-32, -31, -1, 0, 1, 31), (-16, -1, 0, 15)), (7, -9), (-20, 3)]:
        builder, layout, outputs = SMALL.build(inputs)
        assert builder.holds()
        assert outputs == SMALL.network.evaluate(inputs)
        assert builder.values[1 : 1 + layout.word_count] == layout.pack([*inputs, *outputs])


def test_build__constraints__do_not_depend_on_the_values():
    assert SMALL.build()[0].constraints == SMALL.build((31, -16))[0].constraints


def test_build__any_one_value_changed__breaks_a_constraint():
    builder, _, _ = SMALL.build((7, -9))
    for index in range(1, len(builder.values)):
        for change in (1, -1, BN254_SCALAR_FIELD // 2):
            held = builder.values[index]
            builder.values[index] = (held + change) % BN254_SCALAR_FIELD
            assert not builder.holds(), index
            builder.values[index] = held


def test_build__input_outside_its_width__refused():
    for inputs in ((32, 0), (-33, 0), (0, 16), (0,), (0, 0, 0)):
        with pytest.raises(InputRejected):
            SMALL.build(inputs)


@pytest.mark.parametrize("bits", [1, 2, 3, 6])
def test_shift__every_value__rounds_halves_away_from_zero(bits):
    circuit = single(Shift(bits))
    for value in range(-64, 64):
        builder, _, outputs = circuit.build([value])
        assert builder.holds()
        assert outputs == [div_round(value, 1 << bits)]


@pytest.mark.parametrize("value", [-12, -11, -4, -3, 0, 3, 4, 5, 12])
def test_shift__every_choice_a_prover_has__gives_one_quotient(value):
    """All assignments of what is not forced by bits: whether the rest is zero, its inverse, the tie, its direction."""
    builder, layout, outputs = single(Shift(3)).build([value])
    start = _first_after_shift_bits(builder)
    honest = builder.values[start : start + 4]
    rest = abs(value) % 4 if value >= 0 else (value + 64) % 4
    inverses = {0, 1, 2, honest[1], pow(rest, -1, BN254_SCALAR_FIELD) if rest else 7}
    held = []
    for exact, tie, down in itertools.product((0, 1), repeat=3):
        for inverse in inverses:
            builder.values[start : start + 4] = [exact, inverse, tie, down]
            held.append((builder.values[start], builder.values[start + 2], builder.values[start + 3]))
            if not builder.holds():
                held.pop()
    assert set(held) == {(honest[0], honest[2], honest[3])}
    assert layout.word_count == 1
    assert outputs == [div_round(value, 8)]


def _first_after_shift_bits(builder: Builder) -> int:
    """One constant, one word, the input, its 7 bits, the 7 bits of the value to divide."""
    return 1 + builder.public_count + 1 + 7 + 7


def test_relu__every_value__and_no_wrong_sign():
    circuit = single(Relu())
    for value in range(-64, 64):
        builder, _, outputs = circuit.build([value])
        assert builder.holds()
        assert outputs == [max(value, 0)]


def test_bits__value_outside__has_no_assignment():
    for value, inside in ((-1, False), (16, False), (0, True), (15, True)):
        builder = Builder(1)
        builder.bits(builder.variable(value, 0, 15), 4)
        assert builder.holds() == inside


def test_build__bounds_that_the_field_cannot_hold__refused():
    steps = [Matrix(((1 << 60,),))] * 4
    with pytest.raises(InvalidInput, match="more than 200"):
        single(*steps, Relu()).build()


def test_build__many_values__fill_several_words():
    circuit = NetworkCircuit(IntegerNetwork(30, 0, 0, (Matrix((tuple(range(-15, 15)),)), Offset((1,)))), (19,) * 30)
    inputs = [(-1) ** i * (i << 13) for i in range(30)]
    builder, layout, outputs = circuit.build(inputs)
    assert builder.holds()
    assert layout.word_count == 3
    assert builder.values[1:4] == layout.pack([*inputs, *outputs])
    assert all(word < 1 << 253 for word in builder.values[1:4])


def test_input_width__domain__holds_both_ends():
    assert input_width(-4.0, 4.0, 3) == 6
    assert input_width(0.0, 3.999, 3) == 6
    assert input_width(0.0, 3.5, 3) == 5
    assert input_width(0.0, 0.0, 3) == 1


def test_quotient_of__values_that_do_not_hold__refused():
    builder = Builder(1)
    builder.require(number(2), number(3), number(7))
    with pytest.raises(InputRejected):
        quotient_of(builder.constraints, builder.values, 16)
