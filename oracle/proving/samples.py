"""A model's file and its calibration file: read with limits, shapes fixed to fit the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from oracle.domain.json_text import parse_shallow
from oracle.domain.proofs import ModelInputs
from oracle.errors import InputRejected, InvalidInput
from oracle.proving.validation import Rows


def check_file(path: Path, limit: int, kind: type[InvalidInput], what: str) -> None:
    if not path.is_file():
        raise kind(f"there is no {what} {path}")
    size = path.stat().st_size
    if size > limit:
        raise kind(f"the {what} has {size} bytes, more than {limit}", remedy="prove a smaller part of it")
    if size == 0:
        raise kind(f"the {what} {path} is empty")


def read_calibration(path: Path) -> list[ModelInputs]:
    text = path.read_bytes()
    if text.lstrip()[:1] == b"[":
        try:
            documents = parse_shallow(text)
        except ValueError as error:
            raise InputRejected(f"the calibration file is not JSON: {error}") from error
        return [ModelInputs.from_document(document) for document in documents]
    return [ModelInputs.from_json(text)]


def bind_shapes(
    names: Sequence[str], declared: Sequence[Sequence[int | None]], counts: Sequence[int]
) -> list[list[int]]:
    """Input shapes with symbolic axes fixed to fit a sample: a symbolic first axis is 1, another takes the rest.

    Raises InputRejected with both numbers when the sample does not fit.
    """
    if len(declared) != len(counts):
        raise InputRejected(
            f"the model has {len(declared)} inputs ({', '.join(names)}), the sample has {len(counts)}",
            remedy='give one list for each input in "input_data"',
        )
    shapes = []
    for name, shape, count in zip(names, declared, counts, strict=True):
        bound = list(shape)
        free = [axis for axis, size in enumerate(bound) if size is None]
        if free and free[0] == 0 and len(bound) > 1:
            bound[free.pop(0)] = 1
        known = math.prod(size for size in bound if size is not None)
        if free:
            if count % known or len(free) > 1:
                raise InputRejected(f"input {name!r} of shape {list(shape)} cannot be fixed from {count} values")
            bound[free[0]] = count // known
        fixed = [int(size or 1) for size in bound]
        if count == 0 or count % math.prod(fixed):
            raise InputRejected(
                f"input {name!r} takes {math.prod(fixed)} values (shape {fixed}), the sample has {count}"
            )
        shapes.append(fixed)
    return shapes


def split_samples(inputs: ModelInputs, names: Sequence[str], shapes: Sequence[Sequence[int]]) -> list[Rows]:
    """Samples that stand one after another in each input's list. Raises InputRejected when the inputs disagree."""
    sizes = [math.prod(shape) for shape in shapes]
    if len(inputs.tensors) != len(sizes):
        raise InputRejected(
            f"the model has {len(sizes)} inputs ({', '.join(names)}), a sample has {len(inputs.tensors)}"
        )
    counts = [divmod(len(row), size) for row, size in zip(inputs.tensors, sizes, strict=True)]
    if any(rest for _, rest in counts) or len({count for count, _ in counts}) != 1 or counts[0][0] == 0:
        lengths = [len(row) for row in inputs.tensors]
        raise InputRejected(f"a sample takes {sizes} values, the calibration file has {lengths}")
    return [
        [list(row[index * size : (index + 1) * size]) for row, size in zip(inputs.tensors, sizes, strict=True)]
        for index in range(counts[0][0])
    ]
