"""Editing an ONNX graph: names that are free, weights, shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]


class Graph:
    """A model's graph with what a rewrite asks of it. Edits are in place; `save` checks and writes."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self._taken = {name for node in model.graph.node for name in (*node.input, *node.output)}
        self._taken |= {tensor.name for tensor in model.graph.initializer}
        self._taken |= {value.name for value in (*model.graph.input, *model.graph.output)}
        self._next = 0

    @classmethod
    def load(cls, path: Path) -> Graph:
        """The graph of an ONNX file, constants turned into weights."""
        graph = cls(onnx.load_model_from_string(path.read_bytes()))
        graph._constants_to_weights()
        return graph

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """Nodes, in the file's order."""
        return list(self.model.graph.node)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return max((one.version for one in self.model.opset_import if one.domain in {"", "ai.onnx"}), default=0)

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return [value.name for value in self.model.graph.output]

    def fresh(self, stem: str) -> str:
        """A name that nothing has."""
        while True:
            self._next += 1
            name = f"{stem}_{self._next}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def weight(self, value: Array | float, stem: str = "weight") -> str:
        """The name of a new stored tensor; numbers are stored as float32."""
        array = np.asarray(value)
        stored = array if array.dtype == np.int64 else array.astype(np.float32)
        name = self.fresh(stem)
        self.model.graph.initializer.append(numpy_helper.from_array(stored, name))
        return name

    def weights(self) -> dict[str, Array]:
        """Stored tensors by name."""
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}

    def shapes(self) -> dict[str, list[int]]:
        """Shapes that are wholly known, by tensor name."""
        inferred = onnx.shape_inference.infer_shapes(self.model, data_prop=True)
        values = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
        known = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values}
        return {name: shape for name, shape in known.items() if all(size > 0 for size in shape)}

    def replace(self, old: onnx.NodeProto, new: Iterable[onnx.NodeProto]) -> None:
        """Puts nodes where one was."""
        nodes: list[onnx.NodeProto] = []
        for node in self.model.graph.node:
            nodes += list(new) if node is old else [node]
        self._set(nodes)

    def replace_all(self, form: Any) -> int:
        """Replaces each node by what form(node) gives, if anything; returns how many it was."""
        nodes: list[onnx.NodeProto] = []
        count = 0
        for node in self.model.graph.node:
            made = form(node)
            count += made is not None
            nodes += [node] if made is None else made
        self._set(nodes)
        return count

    def remove_dead(self) -> None:
        """Removes nodes and weights that no output needs."""
        needed = set(self.outputs)
        kept: list[onnx.NodeProto] = []
        for node in reversed(self.model.graph.node):
            if needed & set(node.output):
                kept.append(node)
                needed |= set(node.input) | _captured(node)
        self._set(kept[::-1])
        weights = [tensor for tensor in self.model.graph.initializer if tensor.name in needed]
        del self.model.graph.initializer[:]
        self.model.graph.initializer.extend(weights)

    def save(self, path: Path) -> None:
        """Writes the graph, without what it does not need. Raises onnx's error for what is malformed."""
        self.remove_dead()
        del self.model.graph.value_info[:]
        onnx.checker.check_model(self.model)
        path.write_bytes(self.model.SerializeToString(deterministic=True))

    def _set(self, nodes: Sequence[onnx.NodeProto]) -> None:
        copies = []
        for node in nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copies.append(copy)
        del self.model.graph.node[:]
        self.model.graph.node.extend(copies)

    def _constants_to_weights(self) -> None:
        def form(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
            tensors = [attribute.t for attribute in node.attribute if attribute.name == "value"]
            if node.op_type != "Constant" or not tensors:
                return None
            self.model.graph.initializer.append(
                numpy_helper.from_array(numpy_helper.to_array(tensors[0]), node.output[0])
            )
            return []

        self.replace_all(form)


def _captured(node: onnx.NodeProto) -> set[str]:
    """Names that the graphs inside a node may take from outside."""
    inner = [graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs)]
    return {name for graph in inner for child in graph.node for name in (*child.input, *_captured(child))}


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """An attribute's value."""
    for one in node.attribute:
        if one.name == name:
            return helper.get_attribute_value(one)
    return default
