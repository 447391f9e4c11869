"""The faults that scripts/mutate.py plants in Solidity, their samples, and the reviewed files that it reads."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from oracle.settings import PROJECT_ROOT
from scripts.mutation.faults import change, sample
from scripts.mutation.inplace import plant
from scripts.mutation.solidity_faults import faults
from scripts.mutation.targets import unmapped

SOURCE = """contract C {
    uint256 private constant LIMIT = 7 + 1;
    function f(uint256 a, uint256 b) external view onlyOwner returns (uint256) {
        // a + b is not code, "a < b" neither
        if (a <= b) revert TooSmall(a, b);
        _touch(a);
        return a * 10 - b;
    }
}
"""
CHANGES = {
    ("operator", "if (a <= b) revert TooSmall(a, b); => if (a < b) revert TooSmall(a, b);"),
    ("operator", "if (a <= b) revert TooSmall(a, b); => if (a > b) revert TooSmall(a, b);"),
    ("condition", "if (a <= b) revert TooSmall(a, b); => if (!(a <= b)) revert TooSmall(a, b);"),
    ("refusal dropped", "if (a <= b) revert TooSmall(a, b); => {}"),
    ("statement dropped", "_touch(a); => {}"),
    ("operator", "return a * 10 - b; => return a / 10 - b;"),
    ("operator", "return a * 10 - b; => return a * 10 + b;"),
    ("integer", "return a * 10 - b; => return a * 11 - b;"),
    ("integer", "return a * 10 - b; => return a * 9 - b;"),
    (
        "modifier dropped",
        "function f(uint256 a, uint256 b) external view onlyOwner returns (uint256) { => "
        "function f(uint256 a, uint256 b) external view returns (uint256) {",
    ),
}


def test_faults__small_contract__these_and_no_others() -> None:
    made = list(faults(SOURCE))
    assert {(fault.operator, fault.change) for fault in made} == CHANGES
    assert all(fault.source != SOURCE for fault in made)


def test_sample__same_seed__same_faults_one_a_place() -> None:
    made = list(faults(SOURCE))
    drawn = sample(made, 7, "C")
    assert drawn == sample(made, 7, "C")
    assert drawn != sample(made, 8, "C")
    assert len({fault.place for fault in drawn}) == len(drawn)


def test_change__dropped_line__nothing() -> None:
    assert change("a\nb\nc\n", "a\nc\n") == "b => nothing"


HONEST = """
from dataclasses import dataclass
from functools import wraps
LIMIT = 3
def more(call):
    @wraps(call)
    def wrapped(a): return call(a) + 1
    return wrapped
def double(a): return 2 * a
@more
def triple(a): return 3 * a
@dataclass(frozen=True, slots=True)
class Row:
    width: int = LIMIT
    @property
    def area(self): return self.width * self.width
"""


def test_plant__each_kind_of_fault__shows_where_the_module_was_imported_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted_here.py").write_text(HONEST)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("planted_here")
    double, triple, row_class, row = module.double, module.triple, module.Row, module.Row()
    for words, other in (("LIMIT = 3", "LIMIT = 4"), ("2 * a", "2 + a"), ("width * self", "width + self")):
        plant("planted_here.py", HONEST.replace(words, other))
        seen = (module.LIMIT, double(5), row.area, row_class().width)
        seen_with = {"LIMIT = 4": (4, 10, 9, 4), "2 + a": (3, 7, 9, 3), "width + self": (3, 10, 6, 3)}[other]
        assert seen == seen_with
    for words, other, expected in (("3 * a", "3 + a", 9), ("call(a) + 1", "call(a) - 1", 14)):
        plant("planted_here.py", HONEST.replace(words, other))
        assert triple(5) == expected
    plant("planted_here.py", HONEST)
    assert triple(5) == 16
    assert (module.LIMIT, double(5), row.area, row_class().width) == (3, 10, 9, 3)
    with pytest.raises(ZeroDivisionError):
        plant("planted_here.py", HONEST.replace("LIMIT = 3", "LIMIT = 3 // 0"))


def test_mutation_map__every_path__exists() -> None:
    groups = json.loads((PROJECT_ROOT / "tests" / "mutation.json").read_text())
    paths = [
        path
        for kind in groups.values()
        for group in kind
        for path in (*group["files"], *group["tests"], *group.get("units", ()))
    ]
    assert [path for path in paths if not (PROJECT_ROOT / path.partition("::")[0]).exists()] == []


@pytest.mark.parametrize("kind", ["domain", "contracts"])
def test_unmapped__every_source__has_tests_that_are_to_see_its_faults(kind: str) -> None:
    assert unmapped(kind) == []


def test_mutants__each_survivor__has_a_reason_and_its_line_is_there() -> None:
    explained = json.loads((PROJECT_ROOT / "tests" / "mutants.json").read_text())
    for file, changes in explained.items():
        source = " ".join((PROJECT_ROOT / file).read_text().split())
        for words, reason in changes.items():
            assert words.partition(" => ")[0] in source, (file, words)
            assert len(reason) > 10
