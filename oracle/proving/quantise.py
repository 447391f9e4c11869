"""Numbers to the circuit's signed integers and back, exactly as ezkl does it.

ezkl rounds v * 2^scale half away from zero, after a trip through the input's own ONNX type. Integers are fed to ezkl
as field elements, which it takes unchanged; a JSON number it would quantise again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from oracle.errors import InputRejected
from oracle.proving.building.manifest import CircuitManifest, Domain
from oracle.units import div_round


def quantise_value(value: float, scale_bits: int, dtype: str) -> int:
    """value * 2^scale_bits, half away from zero, after a trip through the ONNX type. Raises InputRejected."""
    if not math.isfinite(value):
        raise InputRejected(f"{value} is not a finite number")
    if dtype.startswith("float"):
        if abs(value) > float(np.finfo(dtype).max):
            raise InputRejected(f"{value} does not fit into {dtype}")
        value = float(np.dtype(dtype).type(value))
    elif value != int(value):
        raise InputRejected(f"{value} is not an integer, and the model takes {dtype}")
    numerator, denominator = value.as_integer_ratio()
    return div_round(numerator << scale_bits, denominator)


def quantise(manifest: CircuitManifest, rows: Sequence[Sequence[float]]) -> list[int]:
    """All input values of a circuit as signed integers, flat, tensor by tensor.

    Raises InputRejected for wrong shapes, values that are not finite, and values outside the circuit's domain.
    """
    check_shapes(manifest, rows)
    result: list[int] = []
    for tensor, row in enumerate(rows):
        for value in row:
            position = len(result)
            domain = domain_at(manifest, tensor, position)
            try:
                result.append(quantise_value(value, manifest.input_scale(position), manifest.input_dtypes[tensor]))
            except InputRejected as error:
                raise InputRejected(f"input {position}: {error}") from error
            if not domain.low <= value <= domain.high:
                raise _outside(manifest, position, value, domain)
    return result


def check_shapes(manifest: CircuitManifest, rows: Sequence[Sequence[float]]) -> None:
    """Raises InputRejected unless there is one row for each input tensor, of its size."""
    sizes = [len(row) for row in rows]
    if sizes != manifest.input_sizes:
        shapes = ", ".join(str(tuple(shape)) for shape in manifest.input_shapes)
        raise InputRejected(
            f"{manifest.circuit_id} takes {manifest.input_sizes} values (shapes {shapes}), not {sizes}",
            remedy="give one flat list for each input tensor, in the model's order",
        )


def check_quantised(manifest: CircuitManifest, values: Sequence[int]) -> None:
    """Raises InputRejected unless these integers are of the right number and within the circuit's domain."""
    if len(values) != manifest.input_count:
        raise InputRejected(f"{manifest.circuit_id} takes {manifest.input_count} values, not {len(values)}")
    position = 0
    for tensor, size in enumerate(manifest.input_sizes):
        for _ in range(size):
            domain, scale = domain_at(manifest, tensor, position), manifest.input_scale(position)
            low, high = math.floor(math.ldexp(domain.low, scale)), math.ceil(math.ldexp(domain.high, scale))
            if not low <= values[position] <= high:
                raise _outside(manifest, position, math.ldexp(values[position], -scale), domain)
            position += 1


def domain_at(manifest: CircuitManifest, tensor: int, position: int) -> Domain:
    """The domain of the input value at a flat position: its own, or its tensor's."""
    by_value = len(manifest.domain) == manifest.input_count
    return manifest.domain[position if by_value else tensor]


def split_rows(manifest: CircuitManifest, values: Sequence[int]) -> list[list[int]]:
    """Flat integers as one row for each input tensor."""
    rows, start = [], 0
    for size in manifest.input_sizes:
        rows.append(list(values[start : start + size]))
        start += size
    return rows


def real_rows(manifest: CircuitManifest, values: Sequence[int]) -> list[list[float]]:
    """Flat quantised inputs as real numbers, one row for each input tensor."""
    reals = [math.ldexp(value, -manifest.input_scale(position)) for position, value in enumerate(values)]
    rows, start = [], 0
    for size in manifest.input_sizes:
        rows.append(reals[start : start + size])
        start += size
    return rows


def real_outputs(manifest: CircuitManifest, values: Sequence[int]) -> list[float]:
    """Flat quantised outputs as real numbers."""
    return [math.ldexp(value, -manifest.output_scale(position)) for position, value in enumerate(values)]


def _outside(manifest: CircuitManifest, position: int, value: float, domain: Domain) -> InputRejected:
    return InputRejected(
        f"input {position} of {manifest.circuit_id} is {value:g}, outside its domain [{domain.low:g}, {domain.high:g}]",
        remedy="rescale the input, or build the circuit again with a calibration file that covers such values",
    )
