"""The constraints of a network, and its public words.

Weights are constants, so matrices and offsets cost nothing. A ReLU is a sign bit and the bits below it, a rounding the
bits of quotient and remainder. Every value has bounds that follow from the inputs' bit widths by interval arithmetic,
and every decomposition is exactly as wide as its bounds, so that nothing can wrap around the modulus.

Public are not the values but words that hold them: value + 2^width of each, side by side. Each value is proven to lie
in [-2^width, 2^width), so a word stands for one list of values alone, and no hash is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InputRejected
from oracle.proving.groth16.network import IntegerNetwork, Matrix, Offset, Relu, Shift
from oracle.proving.groth16.r1cs import Builder, Combination, number, weighted
from oracle.units import div_round

WORD_BITS: Final = BN254_SCALAR_FIELD.bit_length() - 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the public values are: of each its width (it lies in [-2^width, 2^width)), word and first bit."""

    widths: tuple[int, ...]
    words: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def word_count(self) -> int:
        """Public inputs of the proof."""
        return self.words[-1] + 1

    def pack(self, values: Sequence[int]) -> list[int]:
        """The words of inputs and outputs. Raises InputRejected for a wrong count or a value beyond its width."""
        if len(values) != len(self.widths):
            raise InputRejected(f"the proof is about {len(self.widths)} values, not {len(values)}")
        packed = [0] * self.word_count
        for position, (value, width) in enumerate(zip(values, self.widths, strict=True)):
            if not -(1 << width) <= value < 1 << width:
                raise InputRejected(f"value {position} is {value}, outside [-2^{width}, 2^{width})")
            packed[self.words[position]] |= value + (1 << width) << self.shifts[position]
        return packed


def layout(input_widths: Sequence[int], output_widths: Sequence[int]) -> Layout:
    """Inputs, then outputs, each word filled before the next one."""
    widths = (*input_widths, *output_widths)
    words, shifts, word, shift = [], [], 0, 0
    for width in widths:
        if shift + width + 1 > WORD_BITS:
            word, shift = word + 1, 0
        words.append(word)
        shifts.append(shift)
        shift += width + 1
    return Layout(widths, tuple(words), tuple(shifts))


@dataclass(frozen=True, slots=True)
class NetworkCircuit:
    """A network with the widths of its inputs, in bits beside the sign."""

    network: IntegerNetwork
    input_widths: tuple[int, ...]

    def build(self, inputs: Sequence[int] | None = None) -> tuple[Builder, Layout, list[int]]:
        """Constraints with the values for these inputs (zeros without), the layout, and the outputs.

        Raises InputRejected for inputs outside their widths, InvalidInput for bounds that the field cannot hold.
        """
        values = [0] * self.network.input_count if inputs is None else list(inputs)
        public = self.layout()
        if len(values) != self.network.input_count:
            raise InputRejected(f"the network takes {self.network.input_count} values, not {len(values)}")
        for position, (value, width) in enumerate(zip(values, self.input_widths, strict=True)):
            if not -(1 << width) <= value < 1 << width:
                raise InputRejected(f"input {position} is {value}, outside [-2^{width}, 2^{width})")
        builder = Builder(public.word_count)
        shown = []
        row = []
        for value, width in zip(values, self.input_widths, strict=True):
            one = builder.variable(value, -(1 << width), (1 << width) - 1)
            shown.append(weighted(builder.bits(one.plus(1 << width), width + 1)))
            row.append(one)
        for step in self.network.steps:
            row = _step(builder, step, row)
        for one in row:
            width = _width(one.low, one.high)
            shown.append(weighted(builder.bits(one.plus(1 << width), width + 1)))
        _publish(builder, public, shown)
        return builder, public, [one.value for one in row]

    def layout(self) -> Layout:
        """Where the public values are, without the constraints."""
        return layout(self.input_widths, self.output_widths())

    def output_widths(self) -> list[int]:
        """Of each output the bits beside the sign that its bounds need."""
        bounds = [(-(1 << width), (1 << width) - 1) for width in self.input_widths]
        for step in self.network.steps:
            bounds = _bounds(step, bounds)
        return [_width(low, high) for low, high in bounds]


def input_width(low: float, high: float, scale: int) -> int:
    """Bits beside the sign that hold every quantised value of a domain."""
    reach = math.ceil(math.ldexp(max(abs(low), abs(high)), scale))
    return max(1, reach.bit_length())


def _publish(builder: Builder, public: Layout, shown: list[Combination]) -> None:
    packed = [number(0)] * public.word_count
    for one, word, shift in zip(shown, public.words, public.shifts, strict=True):
        packed[word] = packed[word] + one.times(1 << shift)
    for word, combination in enumerate(packed):
        builder.publish(word + 1, combination)


def _width(low: int, high: int) -> int:
    """The least w with -2^w <= low and high < 2^w."""
    return max(1, high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)


def _step(builder: Builder, step: Matrix | Shift | Offset | Relu, row: list[Combination]) -> list[Combination]:
    match step:
        case Matrix(rows):
            return [_dot(weights, row) for weights in rows]
        case Offset(values):
            return [one.plus(value) for one, value in zip(row, values, strict=True)]
        case Relu():
            return [_relu(builder, one) for one in row]
        case Shift(bits):
            return [_shift(builder, one, bits) for one in row]


def _dot(weights: tuple[int, ...], row: list[Combination]) -> Combination:
    total = number(0)
    for weight, one in zip(weights, row, strict=True):
        if weight:
            total = total + one.times(weight)
    return total


def _relu(builder: Builder, one: Combination) -> Combination:
    """The sign is the highest bit of the value moved up by 2^width."""
    if one.low >= 0:
        return one
    if one.high <= 0:
        return number(0)
    width = _width(one.low, one.high)
    sign = builder.bits(one.plus(1 << width), width + 1)[-1]
    return builder.product(one, sign, 0, one.high)


def _shift(builder: Builder, one: Combination, bits: int) -> Combination:
    """Quotient, rounded up where the remainder is above a half, or is a half and the value not negative."""
    width = max(_width(one.low, one.high), bits)
    digits = builder.bits(one.plus(1 << width), width + 1)
    half, rest, sign = digits[bits - 1], weighted(digits[: bits - 1]), digits[-1]
    exact = builder.bit(int(rest.value == 0))
    inverse = pow(rest.value, -1, BN254_SCALAR_FIELD) if rest.value else 0
    builder.require(builder.variable(inverse, 0, 0), rest, exact.times(-1).plus(1))
    builder.require(exact, rest, number(0))
    tie = builder.product(half, exact, 0, 1)
    down = builder.product(tie, sign.times(-1).plus(1), 0, 1)
    floor = weighted(digits[bits:]).plus(-(1 << (width - bits)))
    rounded = floor + half + down.times(-1)
    low, high = div_round(one.low, 1 << bits), div_round(one.high, 1 << bits)
    return Combination(rounded.terms, rounded.value, low, high)


def _bounds(step: Matrix | Shift | Offset | Relu, bounds: list[tuple[int, int]]) -> list[tuple[int, int]]:
    match step:
        case Matrix(rows):
            return [
                (
                    sum(min(w * low, w * high) for w, (low, high) in zip(row, bounds, strict=True)),
                    sum(max(w * low, w * high) for w, (low, high) in zip(row, bounds, strict=True)),
                )
                for row in rows
            ]
        case Offset(values):
            return [(low + value, high + value) for value, (low, high) in zip(values, bounds, strict=True)]
        case Relu():
            return [(max(low, 0), max(high, 0)) for low, high in bounds]
        case Shift(bits):
            return [(div_round(low, 1 << bits), div_round(high, 1 << bits)) for low, high in bounds]
