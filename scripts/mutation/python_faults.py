"""Prints faults that cosmic-ray makes of a Python module, as JSON lines; run by .venv-audit's Python.

.venv-audit/bin/python scripts/mutation/python_faults.py oracle/domain/margin.py 7992 12

A sample of so many places by that seed, 0 for all: {"line", "column", "operator", "source"}, `source` being the whole
module with the fault in it. What leaves the meaning as it is (annotations, a dataclass's slots) is no fault.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from faults import in_order


class _Meaning(ast.NodeTransformer):
    """Drops what nothing at run time depends on."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "dataclass":
                decorator.keywords = []  # frozen, slots: nobody may write, so nothing shows whether one could
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def meaning(source: str) -> str:
    """The module's code without its annotations."""
    return ast.dump(_Meaning().visit(ast.parse(source)))


def main() -> None:
    """Prints the sample."""
    path, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    source = Path(path).read_text()
    tree, same = get_ast(source), meaning(source)
    nodes = list(ast_nodes(tree))
    places: dict[int, list[tuple[str, int, int, int]]] = defaultdict(list)
    for name in plugins.operator_names():
        operator_class = plugins.get_operator(name)
        if operator_class.arguments():
            continue
        operator = operator_class()
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, column) in enumerate(starts):
            places[line * 1_000 + column].append((name, occurrence, line, column))
    made = 0
    for name, occurrence, line, column in in_order(places, seed, path):
        mutated = _mutated(source, name, occurrence)
        if mutated is None or not _differs(mutated, same):
            continue
        print(json.dumps({"line": line, "column": column, "operator": name.split("/")[-1], "source": mutated}))
        made += 1
        if made == count:
            break


def _mutated(source: str, name: str, occurrence: int) -> str | None:
    """The source with that fault; None where the operator makes none."""
    try:
        mutated: str | None = mutate_code(source, plugins.get_operator(name)(), occurrence)
    except AttributeError:  # ExceptionReplacer knows no dotted names
        return None
    return mutated


def _differs(mutated: str, same: str) -> bool:
    try:
        return meaning(mutated) != same
    except SyntaxError:
        return False


if __name__ == "__main__":
    main()
