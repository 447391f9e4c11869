"""The forms of a model that are tried, as a worker process makes them: the file is a stranger's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oracle.proving.rewrites.activations import without_tables
from oracle.proving.rewrites.graph import Graph
from oracle.proving.rewrites.logits import without_last_activation
from oracle.proving.rewrites.names import RATIONAL, TIDY, UNROLLED
from oracle.proving.rewrites.recurrent import unroll
from oracle.proving.rewrites.tidy import CannotTidy, tidy

Json = Any


def simplify(path: str, out: str) -> Json:
    """Writes the model with constants folded and recurrent layers written out; returns what was done, by name."""
    source, target, done = Path(path), Path(out), []
    before = _operators(Graph.load(source))
    if _tidied(source, target):
        source = target
    graph = Graph.load(source)
    if _operators(graph) != before:
        done.append(TIDY)
    if unroll(graph):
        done.append(UNROLLED)
        graph.save(target)
        _tidied(target, target)
    return {"applied": done}


def _tidied(source: Path, target: Path) -> bool:
    try:
        tidy(source, target)
    except CannotTidy:
        return False
    return True


def _operators(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]


def logits(path: str, out: str) -> Json:
    """Writes the model without its last sigmoid or softmax; returns, for each output, what takes their place."""
    graph = Graph.load(Path(path))
    transforms = without_last_activation(graph)
    graph.save(Path(out))
    return {"transforms": transforms}


def rational(path: str, out: str, level: int) -> Json:
    """Writes the model with forms of its activations that need no table; returns what was done, by name."""
    graph = Graph.load(Path(path))
    count = without_tables(graph, level)
    graph.save(Path(out))
    return {"applied": [RATIONAL[level]] if count else []}
