"""Which networks are measured: every circuit folder, and every folder of a user's that holds an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from oracle.errors import InputRejected, InvalidInput
from oracle.proving.building.manifest import MANIFEST, NETWORK, read_manifest
from oracle.proving.samples import bind_shapes, read_calibration, split_samples
from oracle.proving.workers.pool import Worker

SEED: Final = 20_261_122
CALIBRATION_SAMPLES: Final = 20
TEST_SAMPLES: Final = 32
MAX_NUMBERS: Final = 30_000
INPUT: Final = "input.json"

Rows = list[list[float]]


@dataclass(frozen=True)
class Case:
    """One network with the samples that every arm gets: those it is calibrated on, and others its error is of.

    `circuit`: the folder of a circuit that is there already, which then is our arm.
    """

    name: str
    model: Path
    shapes: list[list[int]]
    calibration: list[Rows]
    test: list[Rows]
    circuit: Path | None = None

    def document(self) -> dict[str, Any]:
        """The calibration samples in ezkl's form, one after another in each input's list."""
        return {
            "input_data": [
                [value for sample in self.calibration for value in sample[tensor]] for tensor in range(len(self.shapes))
            ]
        }


def shipped(circuits_dir: Path) -> Iterator[Path]:
    """The circuit folders that ship."""
    yield from sorted(path.parent for path in circuits_dir.glob(f"[!.]*/{MANIFEST}"))


def strangers(folder: Path) -> list[Path]:
    """The subfolders that hold a network and its input. Raises InvalidInput when there is none."""
    found = sorted(path.parent for path in folder.glob(f"*/{NETWORK}") if (path.parent / INPUT).exists())
    if not found:
        raise InvalidInput(
            f"no folder under {folder} holds {NETWORK} and {INPUT}", remedy="give each network a folder of its own"
        )
    return found


def shipped_case(folder: Path) -> Case:
    """Samples drawn evenly from the circuit's declared domain."""
    manifest = read_manifest(folder)
    whole = [not dtype.startswith("float") for dtype in manifest.input_dtypes]
    sizes, bounds = manifest.input_sizes, [(domain.low, domain.high) for domain in manifest.domain]
    if len(bounds) == len(sizes):
        each = [[bound] * size for bound, size in zip(bounds, sizes, strict=True)]
    else:
        flat = iter(bounds)
        each = [[next(flat) for _ in range(size)] for size in sizes]
    generator = np.random.default_rng(SEED)
    drawn = [
        [_between(generator, bounds_of, whole_of) for bounds_of, whole_of in zip(each, whole, strict=True)]
        for _ in range(_count(sizes, CALIBRATION_SAMPLES) + _count(sizes, TEST_SAMPLES))
    ]
    cut = _count(sizes, CALIBRATION_SAMPLES)
    return Case(folder.name, folder / NETWORK, manifest.input_shapes, drawn[:cut], drawn[cut:], folder)


def stranger_case(worker: Worker, folder: Path, scratch: Path) -> Case:
    """The given samples, then others with values drawn from the range that each input's values span.

    Shapes left open in the file are fixed as ezkl needs them. Raises ModelRejected, InputRejected.
    """
    model, documents = (folder / NETWORK).resolve(), read_calibration(folder / INPUT)
    form = worker.call("inspect", path=str(model))
    declared = [value["shape"] for value in form["inputs"]]
    names = [value["name"] for value in form["inputs"]]
    shapes = bind_shapes(names, declared, [len(row) for row in documents[0].tensors])
    if any(None in shape for shape in declared):
        bound = scratch / "bound.onnx"
        worker.call("bind", path=str(model), out=str(bound), shapes=shapes)
        model = bound
    given = [sample for document in documents for sample in split_samples(document, names, shapes)]
    dtypes = [value["dtype"] for value in form["inputs"]]
    generator, sizes = np.random.default_rng(SEED), [int(np.prod(shape)) for shape in shapes]

    def draw() -> Rows:
        rows = []
        for tensor, (size, dtype) in enumerate(zip(sizes, dtypes, strict=True)):
            values = [value for sample in given for value in sample[tensor]]
            if dtype.startswith("float"):
                rows.append(_between(generator, [(min(values), max(values))] * size, whole=False))
            else:
                rows.append([float(value) for value in generator.choice(values, size)])
        return rows

    calibration = given[:CALIBRATION_SAMPLES]
    calibration += [draw() for _ in range(_count(sizes, CALIBRATION_SAMPLES) - len(calibration))]
    test = [*given[:4], *(draw() for _ in range(_count(sizes, TEST_SAMPLES)))]
    return Case(folder.name, model, shapes, calibration, test)


def _count(sizes: Sequence[int], wanted: int) -> int:
    return max(4, min(wanted, MAX_NUMBERS // max(1, sum(sizes))))


def _between(generator: np.random.Generator, bounds: Sequence[tuple[float, float]], whole: bool) -> list[float]:
    values = [float(generator.uniform(low, high)) for low, high in bounds]
    return [float(round(value)) for value in values] if whole else [float(np.float32(value)) for value in values]


def write_case(case: Case, path: Path) -> None:
    """Writes a case as JSON."""
    document = {
        "name": case.name,
        "model": str(case.model),
        "shapes": case.shapes,
        "calibration": case.calibration,
        "test": case.test,
        "circuit": str(case.circuit) if case.circuit else None,
    }
    path.write_text(json.dumps(document))


def read_case(path: Path) -> Case:
    """A case that write_case wrote. Raises InputRejected."""
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise InputRejected(f"{path} is no case: {error}") from error
    circuit = document.pop("circuit")
    model = Path(document.pop("model"))
    return Case(model=model, circuit=Path(circuit) if circuit else None, **document)
