"""What can be worked out before: constants, shapes, normalisations that fold into the layer before them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import onnx
import onnxruntime as ort

_STANDARD: Final = ("", "ai.onnx")


class CannotTidy(Exception):
    """The optimisation failed; the model is used as it came."""


def tidy(path: Path, out: Path) -> None:
    """Writes the model as onnxruntime's basic optimisation leaves it. Raises CannotTidy.

    Constants are folded, dead and identity nodes and dropout removed, batch normalisation and constant factors folded
    into the convolution or product before. The answers are the same up to floating point.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-tidy-") as folder:
        target = Path(folder) / "tidy.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(target)
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
            model = onnx.load_model_from_string(target.read_bytes())
        except Exception as error:
            raise CannotTidy(str(error)) from error
    if any(node.domain not in _STANDARD for node in model.graph.node):
        raise CannotTidy("it became operators that are not ONNX's own")
    kept = [opset for opset in model.opset_import if opset.domain in _STANDARD]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    del model.graph.value_info[:]
    out.write_bytes(model.SerializeToString(deterministic=True))
