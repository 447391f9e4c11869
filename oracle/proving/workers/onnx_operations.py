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


# What a stranger's file may hold: far beyond what a circuit can take, far below what exhausts a parser
MAX_NODES: Final = 2_000
MAX_TENSORS: Final = 4_000
MAX_TENSOR_VALUES: Final = 16_000_000
MAX_DIMENSIONS: Final = 8
MAX_GRAPH_DEPTH: Final = 4
MAX_NAME: Final = 1_000
_DOMAINS: Final = frozenset({"", "ai.onnx"})
# Bytes of a value, by ONNX element type; the least where it is packed
_WIDTHS: Final[dict[int, float]] = {
    onnx.TensorProto.FLOAT: 4,
    onnx.TensorProto.DOUBLE: 8,
    onnx.TensorProto.FLOAT16: 2,
    onnx.TensorProto.INT64: 8,
    onnx.TensorProto.INT32: 4,
    onnx.TensorProto.INT16: 2,
    onnx.TensorProto.INT8: 1,
    onnx.TensorProto.UINT8: 1,
    onnx.TensorProto.BOOL: 1,
}


class ModelError(Exception):
    """The ONNX file is at fault; `node` is the one at fault where one is."""

    kind = "model"

    def __init__(self, message: str, node: str = "") -> None:
        super().__init__(message)
        self.node = node


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


def admit(path: str) -> Json:
    """How many nodes, stored tensors and values a stranger's file holds, before anything else reads it.

    Raises ModelError, naming the node, for what is larger, deeper or stranger than a circuit can take: other domains
    than ONNX's own, functions, sparse tensors, weights elsewhere, shapes that their bytes do not fill.
    """
    model = _load(path)
    foreign = sorted({one.domain for one in model.opset_import} - _DOMAINS)
    if model.functions or foreign:
        raise ModelError(f"the model has functions or operators of its own ({foreign}); ONNX's own alone are taken")
    counts = {"nodes": 0, "tensors": 0, "values": 0}
    graphs = [(model.graph, "", 0)]
    while graphs:
        graph, within, depth = graphs.pop()
        if depth > MAX_GRAPH_DEPTH:
            raise ModelError(f"graphs are nested deeper than {MAX_GRAPH_DEPTH}", within)
        if graph.sparse_initializer:
            raise ModelError("the model has sparse tensors", within)
        for tensor in graph.initializer:
            _admit_tensor(tensor, tensor.name, counts)
        for value in (*graph.input, *graph.output, *graph.value_info):
            _admit_shape(value)
        for node in graph.node:
            name = (node.name or next(iter(node.output), ""))[:MAX_NAME]
            counts["nodes"] += 1
            if counts["nodes"] > MAX_NODES:
                raise ModelError(f"the model has more than {MAX_NODES} nodes", name)
            if node.domain not in _DOMAINS:
                raise ModelError(f"operator {_operator(node)[:MAX_NAME]} (node {name!r}) is not ONNX's own", name)
            graphs += [(one, name, depth + 1) for one in _admit_attributes(node, name, counts)]
    return counts


def _admit_attributes(node: onnx.NodeProto, name: str, counts: dict[str, int]) -> list[onnx.GraphProto]:
    """The graphs that a node holds; its tensors are counted. Raises ModelError."""
    found: list[onnx.GraphProto] = []
    for attribute in node.attribute:
        for tensor in (attribute.t, *attribute.tensors):
            _admit_tensor(tensor, name, counts)
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise ModelError(f"node {name!r} has a sparse tensor", name)
        found += [attribute.g] if attribute.HasField("g") else []
        found += attribute.graphs
    return found


def _admit_tensor(tensor: onnx.TensorProto, name: str, counts: dict[str, int]) -> None:
    """Counts a stored tensor. Raises ModelError for one that is elsewhere, too large, or not what its bytes hold."""
    name = name[:MAX_NAME]
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"tensor {name!r} is stored in another file; save the model with its weights inside", name)
    if len(tensor.dims) > MAX_DIMENSIONS or any(size < 0 for size in tensor.dims):
        raise ModelError(f"tensor {name!r} has the shape {list(tensor.dims)[:MAX_DIMENSIONS]}", name)
    values = 1
    for size in tensor.dims:
        values *= size
    counts["tensors"] += 1
    counts["values"] += values
    if counts["tensors"] > MAX_TENSORS or counts["values"] > MAX_TENSOR_VALUES:
        raise ModelError(
            f"up to {name!r} the model stores {counts['values']} values in {counts['tensors']} tensors, "
            f"at most {MAX_TENSOR_VALUES} in {MAX_TENSORS} are taken",
            name,
        )
    width = _WIDTHS.get(tensor.data_type)
    if tensor.HasField("raw_data") and width and len(tensor.raw_data) != values * width:
        raise ModelError(f"tensor {name!r} claims {values} values and holds {len(tensor.raw_data)} bytes", name)


def _admit_shape(value: onnx.ValueInfoProto) -> None:
    dims = value.type.tensor_type.shape.dim
    values = 1
    for dim in dims:
        values *= max(1, dim.dim_value)
    if len(dims) > MAX_DIMENSIONS or values > MAX_TENSOR_VALUES:
        raise ModelError(f"{value.name[:MAX_NAME]!r} has a shape of {values} values", value.name[:MAX_NAME])


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
