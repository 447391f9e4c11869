"""A model of one row as a model of many, which share one proof."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort

from oracle.errors import ModelRejected
from oracle.proving.rewrites.graph import Graph

_SEED: Final = 20_260_601
_DTYPES: Final = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(bool)": "bool"}


def batched(onnx_path: Path, rows: int, out: Path) -> None:
    """Writes the model with `rows` in its first axis, which must be 1 or symbolic in every input and output.

    Raises ModelRejected where the graph fixes that axis inside, or mixes rows.
    """
    graph = Graph.load(onnx_path)
    stored = set(graph.weights())
    values = [value for value in graph.model.graph.input if value.name not in stored]
    for value in (*values, *graph.model.graph.output):
        shape = value.type.tensor_type.shape
        if not shape.dim or shape.dim[0].dim_value > 1:
            found = [dim.dim_value or dim.dim_param for dim in shape.dim]
            raise ModelRejected(
                f"{value.name!r} of shape {found} has no first axis of one row", remedy="export the model for one row"
            )
        shape.dim[0].ClearField("dim_param")
        shape.dim[0].dim_value = rows
    _free_reshapes(graph)
    del graph.model.graph.value_info[:]
    try:
        inferred = onnx.shape_inference.infer_shapes(graph.model, strict_mode=True, data_prop=True)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelRejected(f"the model cannot take {rows} rows: {reason}") from error
    graph.model = inferred
    graph.save(out)
    _check_rows(onnx_path, rows, out)


def _check_rows(onnx_path: Path, rows: int, out: Path) -> None:
    """Raises ModelRejected unless each row of the batch is what the model says of it alone."""
    try:
        one, many = (_session(path) for path in (onnx_path, out))
        generator = np.random.default_rng(_SEED)
        feed = {
            value.name: generator.standard_normal([rows, *value.shape[1:]]).astype(_DTYPES.get(value.type, "int64"))
            for value in many.get_inputs()
        }
        together = many.run(None, feed)
        for row in range(rows):
            alone = one.run(None, {name: value[row : row + 1] for name, value in feed.items()})
            for batch, single in zip(together, alone, strict=True):
                if not np.allclose(batch[row], single[0], rtol=1e-4, atol=1e-5, equal_nan=True):
                    raise ModelRejected(f"row {row} of {rows} is not what the model says of it alone: it mixes rows")
    except ModelRejected:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelRejected(f"the model cannot take {rows} rows: {reason}") from error


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _free_reshapes(graph: Graph) -> None:
    """Lets a reshape to a single row take however many there are."""
    weights = graph.weights()

    def form(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        target = weights.get(node.input[1]) if node.op_type == "Reshape" else None
        if target is None or len(target) == 0 or target[0] != 1 or -1 in target:
            return None
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[1] = graph.weight(np.array([-1, *target[1:]], np.int64))
        return [copy]

    graph.replace_all(form)
