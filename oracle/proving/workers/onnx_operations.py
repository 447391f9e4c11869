"""What is read from an ONNX file, as a worker process does it: the file is a stranger's. Nothing else imports onnx."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from onnx.utils import Extractor

Json = Any

# ONNX element types that a circuit's input may have, by numpy name
_DTYPES: Final[dict[int, str]] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.INT16: "int16",
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.BOOL: "bool",
}


class ModelError(Exception):
    """The ONNX file is at fault."""

    kind = "model"


class SampleError(Exception):
    """The inputs are at fault."""

    kind = "input"


def _load(path: str) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(Path(path).read_bytes())
    except Exception as error:
        raise ModelError(f"not an ONNX file: {error}") from error
    if not model.graph.node:
        raise ModelError("not an ONNX file, or its graph is empty")
    return model


def inspect(path: str) -> Json:
    """Inputs, outputs (name, dtype, shape with None for what is symbolic), operators and the number of stored weights.

    Raises ModelError for what is malformed, refers to other files, or has inputs that are no tensors of numbers.
    """
    model = _load(path)
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"tensor {tensor.name!r} is stored in another file; save the model with its weights inside"
            )
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise ModelError(f"malformed ONNX: {str(error).strip().splitlines()[0]}") from error
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [_describe(value) for value in model.graph.input if value.name not in stored]
    if not inputs:
        raise ModelError("the model has no inputs: there is nothing to prove")
    return {
        "inputs": inputs,
        "outputs": [_describe(value) for value in model.graph.output],
        "operators": dict(Counter(_operator(node) for node in _nodes(model.graph))),
        "weights": sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer),
    }


def _operator(node: onnx.NodeProto) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else str(node.op_type)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in _nodes(graph):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from inner.initializer


def _describe(value: onnx.ValueInfoProto) -> Json:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or kind.elem_type not in _DTYPES:
        raise ModelError(f"{value.name!r} is not a tensor of numbers that a circuit can take")
    shape = [dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim]
    return {"name": value.name, "dtype": _DTYPES[kind.elem_type], "shape": shape}


def bind(path: str, out: str, shapes: list[list[int]]) -> None:
    """Writes the model with its inputs' shapes fixed, and its intermediate and output shapes inferred from them."""
    model = _load(path)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    for value, shape in zip(inputs, shapes, strict=True):
        _set_shape(value, shape)
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    bound = onnx.shape_inference.infer_shapes(model, data_prop=True)
    del bound.graph.value_info[:]
    Path(out).write_bytes(bound.SerializeToString(deterministic=True))


def _set_shape(value: onnx.ValueInfoProto, shape: list[int]) -> None:
    value.type.tensor_type.ClearField("shape")
    for size in shape:
        value.type.tensor_type.shape.dim.add().dim_value = size


def cut(path: str, out: str, node: int) -> Json:
    """Writes the part of the graph that ends at node `node`, and returns how that node and the graph are called.

    None where the node's outputs cannot be an output of their own.
    """
    model = onnx.shape_inference.infer_shapes(_load(path), data_prop=True)
    stored = {tensor.name for tensor in model.graph.initializer}
    chosen = model.graph.node[node]
    result = {"nodes": len(model.graph.node), "operator": _operator(chosen), "name": chosen.name or chosen.output[0]}
    known = {value.name for value in (*model.graph.value_info, *model.graph.output)}
    inputs = [value.name for value in model.graph.input if value.name not in stored]
    if chosen.op_type == "Constant" or chosen.output[0] not in known:
        return result | {"written": False}
    part = Extractor(model).extract_model(inputs, [chosen.output[0]])
    written = bool(part.graph.node) and all(_describe(value) for value in part.graph.output)
    Path(out).write_bytes(part.SerializeToString(deterministic=True))
    return result | {"written": written}


def reference(path: str, samples: list[list[list[float]]], shapes: list[list[int]]) -> Json:
    """onnxruntime's outputs: for each sample a flat list for each output tensor; and the outputs' shapes and dtypes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(Path(path).read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"onnxruntime refuses the model: {str(error).strip().splitlines()[0]}") from error
    names = [value.name for value in session.get_inputs()]
    dtypes = [_RUNTIME_DTYPES[value.type] for value in session.get_inputs()]
    results, arrays = [], []
    for sample in samples:
        feed = {
            name: np.asarray(row, dtype=np.float64).astype(dtype).reshape(shape)
            for name, dtype, row, shape in zip(names, dtypes, sample, shapes, strict=True)
        }
        try:
            arrays = session.run(None, feed)
        except Exception as error:
            raise SampleError(f"onnxruntime refuses the inputs: {str(error).strip().splitlines()[0]}") from error
        results.append([np.asarray(array, dtype=np.float64).reshape(-1).tolist() for array in arrays])
    return {
        "outputs": results,
        "shapes": [list(array.shape) for array in arrays],
        "dtypes": [str(array.dtype) for array in arrays],
    }


_RUNTIME_DTYPES: Final = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
