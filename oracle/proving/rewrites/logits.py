"""A last sigmoid or softmax taken out of the circuit: its consumer applies it, or compares logits."""

from __future__ import annotations

from typing import Final

from oracle.proving.rewrites.graph import Graph, attribute

# What the consumer applies to the circuit's output, by the operator taken out
TRANSFORMS: Final = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log_softmax"}
IDENTITY: Final = "identity"


def without_last_activation(graph: Graph) -> list[str]:
    """Takes the last operator off each output where it is one of TRANSFORMS; what must be applied instead.

    An output keeps its name and shape. A softmax is taken off the last axis alone, and nothing where the graph still
    needs it inside.
    """
    producers = {name: node for node in graph.nodes for name in node.output}
    used = [name for node in graph.nodes for name in node.input]
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in graph.model.graph.output}
    transforms, ended = [], {}
    for name in graph.outputs:
        node = producers.get(name)
        takes = node is not None and node.op_type in TRANSFORMS and name not in used and node.input[0] in producers
        takes = takes and node is not None and attribute(node, "axis", -1) in {-1, ranks.get(name, 0) - 1}
        transforms.append(TRANSFORMS[node.op_type] if node is not None and takes else IDENTITY)
        if node is not None and takes:
            ended[name] = node.input[0]
    for name, logit in ended.items():
        _rename(graph, logit, name)
    return transforms


def _rename(graph: Graph, logit: str, output: str) -> None:
    """Lets the node that makes the logit make the output, and drops the node that made the output."""
    nodes = [node for node in graph.nodes if output not in node.output]
    for node in nodes:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == logit:
                    names[index] = output
    del graph.model.graph.node[:]
    graph.model.graph.node.extend(nodes)
