"""Prints the faults that cosmic-ray makes of a Python module, as JSON; run by .venv-audit's Python.

.venv-audit/bin/python scripts/mutation/python_faults.py oracle/domain/margin.py

One fault a line: {"line", "operator", "source"}, `source` being the whole module with the fault in it. What leaves the
meaning as it is (annotations, `__all__`, docstrings) is not printed.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code


class _Meaning(ast.NodeTransformer):
    """Drops what nothing at run time depends on."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def meaning(source: str) -> str:
    """The module's code without its annotations."""
    return ast.dump(_Meaning().visit(ast.parse(source)))


def main() -> None:
    """Prints every fault of one module."""
    source = Path(sys.argv[1]).read_text()
    tree, same = get_ast(source), meaning(source)
    for name in plugins.operator_names():
        operator_class = plugins.get_operator(name)
        if operator_class.arguments():
            continue
        operator = operator_class()
        places = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(places):
            mutated = mutate_code(source, operator, occurrence)
            try:
                if mutated is None or meaning(mutated) == same:
                    continue
            except SyntaxError:
                continue
            fault = {"line": start[0], "column": start[1], "operator": name.split("/")[-1], "source": mutated}
            print(json.dumps(fault))


if __name__ == "__main__":
    main()
