"""What a circuit's outputs mean to a reader of the model that was given: a last sigmoid or softmax applied again."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oracle.errors import InvalidInput
from oracle.proving.building.manifest import CircuitManifest, OutputTransform


def model_outputs(manifest: CircuitManifest, values: Sequence[float]) -> list[float]:
    """The given model's outputs, from the circuit's (real numbers, flat, tensor by tensor).

    Softmax runs along the last axis. Raises InvalidInput for a wrong number of values.
    """
    if len(values) != manifest.output_count:
        raise InvalidInput(f"{manifest.circuit_id} gives {manifest.output_count} values, not {len(values)}")
    transforms = manifest.outputs_transform or ["identity"] * len(manifest.output_shapes)
    results: list[float] = []
    for transform, shape, size in zip(transforms, manifest.output_shapes, manifest.output_sizes, strict=True):
        row = values[len(results) : len(results) + size]
        width = shape[-1] if shape else 1
        for start in range(0, size, width):
            results += _applied(transform, row[start : start + width])
    return results


def _applied(transform: OutputTransform, row: Sequence[float]) -> list[float]:
    if transform == "identity":
        return list(row)
    if transform == "sigmoid":
        return [_sigmoid(value) for value in row]
    highest = max(row)
    log_sum = highest + math.log(math.fsum(math.exp(value - highest) for value in row))
    if transform == "log_softmax":
        return [value - log_sum for value in row]
    return [math.exp(value - log_sum) for value in row]


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    grown = math.exp(value)
    return grown / (1.0 + grown)
