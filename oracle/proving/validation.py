"""What a circuit is measured against: samples over a domain, and onnxruntime's answers to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from oracle.errors import InputRejected
from oracle.proving.building.manifest import Domain
from oracle.proving.quantise import quantise_value
from oracle.proving.workers.pool import Worker

Rows: TypeAlias = list[list[float]]
_Draw: TypeAlias = Callable[[np.random.Generator, "_Bounds", int, Any, int], list[float]]

SEED: Final = 20_260_601
FEW_VALUES: Final = 8
SOME_VALUES: Final = 32
EDGE_SAMPLES: Final = 8
MAX_NUMBERS: Final = 200_000
REFERENCE_TIMEOUT_SECS: Final = 120.0
# Share of samples whose discrete answer (a class, an index) may differ from the model's: ties, after rounding
DISCRETE_TOLERANCE: Final = 0.005
_SMALLEST_MAGNITUDE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ModelForm:
    """Names, ONNX types and shapes of a model whose shapes are all fixed."""

    input_names: list[str]
    input_dtypes: list[str]
    input_shapes: list[list[int]]
    output_shapes: list[list[int]]
    output_dtypes: list[str]

    @property
    def input_sizes(self) -> list[int]:
        """Values in each input tensor."""
        return [math.prod(shape) for shape in self.input_shapes]

    @property
    def input_count(self) -> int:
        """Values in all inputs."""
        return sum(self.input_sizes)

    @property
    def output_count(self) -> int:
        """Values in all outputs."""
        return sum(math.prod(shape) for shape in self.output_shapes)


@dataclass(frozen=True, slots=True)
class Validation:
    """Samples with the model's answers; errors are relative to `magnitudes` (one an output tensor) at least."""

    form: ModelForm
    domain: list[Domain]
    samples: list[Rows]
    expected: list[Rows]
    magnitudes: list[float]

    @classmethod
    def over(
        cls,
        worker: Worker,
        model: Path,
        *,
        form: ModelForm,
        domain: list[Domain],
        samples: list[Rows],
        magnitudes: list[float],
    ) -> Validation:
        """The samples with the model's answers. Raises InputRejected where an answer is not finite."""
        expected = ask_reference(worker, str(model), form, samples)
        if not all(math.isfinite(value) for rows in expected for row in rows for value in row):
            raise InputRejected("the model's answer is not finite within the domain")
        return cls(form, domain, samples, expected, magnitudes)

    def error_of(self, worker: Worker, model: Path) -> float:
        """The largest error of another form of the model, in floating point, in units of the outputs' magnitude."""
        answers = ask_reference(worker, str(model), self.form, self.samples)
        worst = 0.0
        for answer, expected in zip(answers, self.expected, strict=True):
            for got, want, magnitude in zip(answer, expected, self.magnitudes, strict=True):
                target = np.asarray(want)
                relative = np.abs(np.asarray(got) - target) / np.maximum(magnitude, np.abs(target))
                worst = max(worst, float(relative.max(initial=0.0)))
        return worst if math.isfinite(worst) else math.inf

    def spread(self, count: int) -> Validation:
        """The same with fewer samples, taken from all over the set: its edges, the calibration's, the drawn ones."""
        chosen = sorted({round(index * (len(self.samples) - 1) / max(1, count - 1)) for index in range(count)})
        samples, expected = [self.samples[at] for at in chosen], [self.expected[at] for at in chosen]
        return Validation(self.form, self.domain, samples, expected, self.magnitudes)

    def turned(self, first: int) -> Validation:
        """The same samples, those before `first` at the end."""
        samples, expected = self.samples[first:] + self.samples[:first], self.expected[first:] + self.expected[:first]
        return Validation(self.form, self.domain, samples, expected, self.magnitudes)


@dataclass(frozen=True, slots=True)
class Score:
    """A circuit's largest error in units of the output's magnitude, and each output tensor's in its own."""

    error: float
    absolute: list[float]
    samples: int


def candidate_domains(
    values: Sequence[Sequence[float]], dtypes: Sequence[str], *, widen: bool = True
) -> Iterator[list[Domain]]:
    """Domains around the calibration values of each input tensor, the widest first, the values' own range last.

    widen: False for that range alone.
    """
    fewest = min(len(row) for row in values)
    widest = 4.0 if fewest < FEW_VALUES else 3.0 if fewest < SOME_VALUES else 2.0
    seen: list[list[Domain]] = []
    for factor in (widest, 2.0, 1.5, 1.0) if widen else (1.0,):
        for style in ("symmetric", "from zero", "ratio"):
            domains = [_widen(row, dtype, factor, style) for row, dtype in zip(values, dtypes, strict=True)]
            if domains not in seen:
                seen.append(domains)
                yield domains


def _widen(row: Sequence[float], dtype: str, factor: float, style: str) -> Domain:
    low, high = min(row), max(row)
    if dtype == "bool":
        return Domain(low=0, high=1)
    if factor == 1.0:
        return Domain(low=low, high=high)
    if low < 0 or (style == "symmetric" and len(row) < FEW_VALUES and not dtype.startswith("int")):
        reach = factor * max(abs(low), abs(high), _SMALLEST_MAGNITUDE)
        domain = Domain(low=-reach, high=reach)
    elif style == "ratio":
        domain = Domain(low=low / factor, high=high * factor)
    else:
        domain = Domain(low=0.0, high=max(high * factor, 1.0 if high == 0 else 0.0))
    if dtype.startswith("float"):
        return domain
    return Domain(low=math.ceil(domain.low), high=math.floor(domain.high))


def draw_samples(
    form: ModelForm, domain: Sequence[Domain], calibration: Sequence[Rows], count: int, *, edges: int
) -> list[Rows]:
    """Samples over a domain with fixed seed: its edges, the calibration samples, their like, and uniform ones.

    Ask for no edges where they would size a lookup table: all inputs at their extremes at once is what no table
    should pay for; such inputs are refused when they come, by what the witness looked up.
    """
    generator = np.random.default_rng(SEED)
    count = max(4, min(count, MAX_NUMBERS // max(1, form.input_count)))
    pools = [
        np.concatenate([np.asarray(sample[tensor]) for sample in calibration])
        for tensor in range(len(form.input_shapes))
    ]

    bounds = _bounds(form, domain)

    def draw(kind: _Draw, index: int) -> Rows:
        parts = zip(bounds, form.input_sizes, pools, strict=True)
        return [kind(generator, bounds, size, pool, index) for bounds, size, pool in parts]

    samples = [draw(_edge, index) for index in range(min(edges, count // 4))]
    step = max(1, len(calibration) // max(1, count // 2))
    samples += [list(sample) for sample in calibration[::step][: count // 2]]
    kinds = (_like, _uniform, _scaled)
    samples += [draw(kinds[index % len(kinds)], index) for index in range(len(samples), count)]
    return [
        [_representable(row, dtype) for row, dtype in zip(sample, form.input_dtypes, strict=True)] for sample in samples
    ]


class _Bounds(NamedTuple):
    """The lowest and highest of each value of one input tensor."""

    low: Any
    high: Any


def _bounds(form: ModelForm, domain: Sequence[Domain]) -> list[_Bounds]:
    """A domain of one interval for each tensor, or for each value, value by value."""
    sizes = form.input_sizes
    each = list(domain)
    if len(domain) != form.input_count or len(domain) == len(sizes):
        each = [interval for interval, size in zip(domain, sizes, strict=True) for _ in range(size)]
    found, start = [], 0
    for size in sizes:
        part = each[start : start + size]
        found.append(_Bounds(np.array([one.low for one in part]), np.array([one.high for one in part])))
        start += size
    return found


def _edge(generator: np.random.Generator, bounds: _Bounds, size: int, _: Any, index: int) -> list[float]:
    if index == 0:
        return [float(value) for value in bounds.high]
    if index == 1:
        return [float(value) for value in bounds.low]
    return [float(value) for value in np.where(generator.random(size) < 0.5, bounds.low, bounds.high)]


def _uniform(generator: np.random.Generator, bounds: _Bounds, size: int, pool: Any, index: int) -> list[float]:
    return [float(value) for value in generator.uniform(bounds.low, bounds.high, size)]


def _like(generator: np.random.Generator, bounds: _Bounds, size: int, pool: Any, index: int) -> list[float]:
    drawn = generator.choice(pool, size) + generator.normal(0.0, float(np.std(pool)) * 0.5 + 1e-12, size)
    return [float(value) for value in np.clip(drawn, bounds.low, bounds.high)]


def _scaled(generator: np.random.Generator, bounds: _Bounds, size: int, pool: Any, index: int) -> list[float]:
    drawn = generator.choice(pool, size) * generator.uniform(0.25, 2.0)
    return [float(value) for value in np.clip(drawn, bounds.low, bounds.high)]


def _representable(row: Sequence[float], dtype: str) -> list[float]:
    kind = np.dtype(dtype)
    if dtype.startswith("float"):
        return [float(value) for value in np.asarray(row).astype(kind)]
    return [float(value) for value in np.rint(np.asarray(row))]


def ask_reference(worker: Worker, model: str, form: ModelForm, samples: Sequence[Rows]) -> list[Rows]:
    """onnxruntime's outputs for each sample. Raises InputRejected where it refuses one."""
    result = worker.call(
        "reference", path=model, samples=samples, shapes=form.input_shapes, timeout=REFERENCE_TIMEOUT_SECS
    )
    outputs: list[Rows] = result["outputs"]
    return outputs


def output_magnitudes(expected: Sequence[Rows]) -> list[float]:
    """What errors are relative to: for each output tensor, the upper quartile of the answers' absolute values."""
    magnitudes = []
    for tensor in range(len(expected[0])):
        values = np.abs(np.concatenate([np.asarray(rows[tensor]) for rows in expected]))
        values = values[values > 0]
        magnitudes.append(float(np.quantile(values, 0.75)) if len(values) else 1.0)
    return [max(value, _SMALLEST_MAGNITUDE) for value in magnitudes]


def quantised_samples(validation: Validation, scales: Sequence[int]) -> list[list[list[int]]]:
    """The samples as the circuit's integers, given the scale bits of each input tensor."""
    dtypes = validation.form.input_dtypes
    return [
        [
            [quantise_value(value, scale, dtype) for value in row]
            for row, scale, dtype in zip(sample, scales, dtypes, strict=True)
        ]
        for sample in validation.samples
    ]


def score(validation: Validation, outputs: Sequence[Sequence[int]], scales: Sequence[int]) -> Score:
    """How far a circuit's outputs (flat integers a sample; scale bits a tensor) are from the model's answers."""
    absolute = [0.0] * len(scales)
    worst, discrete_misses = 0.0, 0
    for flat, expected in zip(outputs, validation.expected, strict=False):
        position, missed = 0, False
        for tensor, (row, scale) in enumerate(zip(expected, scales, strict=True)):
            got = np.ldexp(np.asarray(flat[position : position + len(row)], dtype=np.float64), -scale)
            want = np.asarray(row)
            gaps = np.abs(got - want)
            position += len(row)
            absolute[tensor] = max(absolute[tensor], float(gaps.max(initial=0.0)))
            if validation.form.output_dtypes[tensor].startswith("float"):
                relative = gaps / np.maximum(validation.magnitudes[tensor], np.abs(want))
                worst = max(worst, float(relative.max(initial=0.0)))
            else:
                missed = missed or bool((gaps > 0).any())
        discrete_misses += missed
    if outputs and discrete_misses / len(outputs) > DISCRETE_TOLERANCE:
        worst = max(worst, 1.0)
    return Score(worst, absolute, len(outputs))
