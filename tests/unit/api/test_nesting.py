"""Deep JSON: refused before a parser descends, whatever the interpreter's recursion limit is."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from oracle.api.problems import ApiError
from oracle.api.strict import parse_json
from oracle.domain.json_text import MAX_DEPTH

NESTED = "nested deeper"


@pytest.fixture
def no_limit() -> Iterator[None]:
    """As a library sets it that the service imports."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("no_limit")
@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":', b'["]",'], ids=["lists", "objects", "both", "strings"])
def test_parse_json__deeper_than_allowed__refused(unit: bytes) -> None:
    with pytest.raises(ApiError, match=NESTED):
        parse_json(unit * 100_000)


@pytest.mark.parametrize("text", ["[" * 70, '[[["[[[{{{\\"[["]]]'], ids=["brackets", "brackets in a string"])
def test_parse_json__brackets_in_strings__do_not_count(text: str) -> None:
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"').encode()
    assert parse_json(quoted) == text


def test_parse_json__as_deep_as_allowed__is_parsed() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    with pytest.raises(ApiError, match=NESTED):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_parse_json__another_encoding__refused() -> None:
    with pytest.raises(ApiError, match="not JSON"):
        parse_json('{"a": 1}'.encode("utf-16"))
