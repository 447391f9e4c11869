"""From a torch module to the two files that a circuit is built from: network.onnx and samples over the domain."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from models._registry import Array, Family

OPSET: Final = 17
INPUT_NAME: Final = "inputs"
OUTPUT_NAME: Final = "outputs"
CALIBRATION_SEED: Final = 20_250_101
CALIBRATION_COUNT: Final = 512


def export_onnx(module: nn.Module, input_count: int, path: Path) -> str:
    """Writes the module as ONNX for one input of shape (1, input_count); returns the file's SHA-256, 0x-prefixed.

    The same module gives the same bytes each time: the hash of the file is the model's identity on chain.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    example = torch.full((1, input_count), 0.5)
    with warnings.catch_warnings(), torch.no_grad():
        # torch announces the other exporter, whose files do not repeat
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
        )
    return "0x" + hashlib.sha256(path.read_bytes()).hexdigest()


def write_samples(samples: Array, path: Path) -> None:
    """Writes rows of inputs, one after another, in ezkl's form {"input_data": [[...]]}, as float32 holds them."""
    flat = samples.astype(np.float32).astype(np.float64).ravel()
    path.write_text(json.dumps({"input_data": [[float(value) for value in flat]]}) + "\n")


def calibration_inputs(family: Family) -> Array:
    """The rows over its domain on which a family's circuit is built and measured."""
    return family.samples(CALIBRATION_COUNT, CALIBRATION_SEED)


def export_family(family: Family, folder: Path) -> tuple[Path, Path]:
    """Writes network.onnx and calibration.json of a family into `folder`; returns their paths."""
    network, calibration = folder / "network.onnx", folder / "calibration.json"
    export_onnx(family.module(), family.input_count, network)
    write_samples(calibration_inputs(family), calibration)
    return network, calibration
