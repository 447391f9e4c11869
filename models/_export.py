"""From a torch module to the files that a circuit is built from, and the record of a training beside them.

network.onnx is the model. training.json holds the weights by name, the seed and every seed's score, and what data they
came from: so a model can be exported, tested and proven without the data.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from models._registry import Array, DataSource, Family, Fitted, Weights

OPSET: Final = 17
INPUT_NAME: Final = "inputs"
OUTPUT_NAME: Final = "outputs"
CALIBRATION_SEED: Final = 20_250_101
CALIBRATION_COUNT: Final = 512
NETWORK: Final = "network.onnx"
TRAINING: Final = "training.json"
MANIFEST: Final = "manifest.json"
CIRCUITS: Final = Path(__file__).resolve().parents[1] / "circuits"


def weights_of(module: nn.Module) -> dict[str, Any]:
    """The module's weights and buffers by name, as float32."""
    return {name: tensor.detach().numpy().astype(np.float32) for name, tensor in module.state_dict().items()}


def load_weights(module: nn.Module, weights: Weights) -> nn.Module:
    """The module with these weights, every one of its names and no other; not trainable."""
    module.load_state_dict({name: torch.tensor(np.asarray(value)) for name, value in weights.items()})
    return module.requires_grad_(False).eval()


def export_onnx(module: nn.Module, shape: tuple[int, int], path: Path) -> str:
    """Writes the module as ONNX for one input of this shape; returns the file's SHA-256, 0x-prefixed.

    The same module gives the same bytes each time: the hash of the file is the model's identity on chain.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    example = torch.full(shape, 0.5)
    with warnings.catch_warnings(), torch.no_grad():
        # torch announces the other exporter, whose files do not repeat
        warnings.simplefilter("ignore", DeprecationWarning)
        # an index made on the way is a constant, as it should be
        warnings.filterwarnings("ignore", "torch.tensor results are registered as constants")
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
    """The inputs over its domain on which a family's circuit is built and measured."""
    return family.samples(CALIBRATION_COUNT, CALIBRATION_SEED)


def export_family(family: Family, fitted: Fitted, folder: Path) -> tuple[Path, Path]:
    """Writes network.onnx and calibration.json of a family into `folder`; returns their paths."""
    network, calibration = folder / NETWORK, folder / "calibration.json"
    export_onnx(family.module(fitted.weights), family.input_shape, network)
    write_samples(calibration_inputs(family), calibration)
    return network, calibration


def model_hash(family: Family, fitted: Fitted) -> str:
    """SHA-256 of what `export_family` writes as network.onnx, 0x-prefixed."""
    with tempfile.TemporaryDirectory(prefix="plumbline-export-") as scratch:
        return export_onnx(family.module(fitted.weights), family.input_shape, Path(scratch) / NETWORK)


def write_training(fitted: Fitted, folder: Path) -> None:
    """Writes training.json, from which `read_training` gives the same again, bit for bit."""
    document = {
        "ships": fitted.ships,
        "seed": fitted.seed,
        "seed_scores": {str(seed): score for seed, score in fitted.seed_scores.items()},
        "sources": [asdict(source) for source in fitted.sources],
        "constants": dict(fitted.constants),
        "weights": {name: _packed(value) for name, value in sorted(fitted.weights.items())},
    }
    (folder / TRAINING).write_text(json.dumps(document, indent=1) + "\n")


def read_training(folder: Path) -> Fitted:
    """The training whose model stands in a circuit's folder; a closed form where there is no record."""
    path = folder / TRAINING
    if not path.is_file():
        return Fitted()
    document = json.loads(path.read_text())
    return Fitted(
        weights={name: _unpacked(value) for name, value in document["weights"].items()},
        ships=document["ships"],
        seed=document["seed"],
        seed_scores={int(seed): score for seed, score in document["seed_scores"].items()},
        sources=tuple(DataSource(**source) for source in document["sources"]),
        constants=document["constants"],
    )


def committed_hash(folder: Path) -> str:
    """SHA-256 of the exported model that the circuit in a folder was built from; empty where there is no circuit.

    The circuit's own network.onnx may be a rewritten form of it; the manifest pins both.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return ""
    manifest = json.loads(path.read_text())
    return str(manifest.get("source_model_hash") or manifest["model_hash"])


def committed(family: Family) -> Fitted:
    """The training behind the family's committed circuit."""
    return read_training(CIRCUITS / family.circuit_id)


def _packed(value: Any) -> dict[str, Any]:
    array = np.asarray(value, dtype=np.float32)
    return {"shape": list(array.shape), "values": " ".join(str(one) for one in array.ravel())}


def _unpacked(document: Mapping[str, Any]) -> Any:
    values = [float(one) for one in document["values"].split()]
    return np.array(values, dtype=np.float32).reshape(document["shape"])
