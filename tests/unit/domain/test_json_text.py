"""How deep a JSON text may be: brackets count, those in strings do not."""

from __future__ import annotations

import pytest

from oracle.domain.json_text import MAX_DEPTH, parse_shallow, require_shallow


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[[1]]",
        '{"a": [1]}',
        "[][][][]",
        "[[]][[]]",
        '"[[[[[["',
        '["[[[", "{{{"]',
        r'["\"[[[[", 1]',
        r'["\\", [1]]',
    ],
)
def test_require_shallow__two_levels__passes(text: str) -> None:
    require_shallow(text, 2)


@pytest.mark.parametrize(
    "text", ["[[[", '{"a": {"": {', "[[]][[[", r'["\\", [[', r'["a\"", [[', '"a"[[[', "[{[", "{[{"]
)
def test_require_shallow__three_levels__refused(text: str) -> None:
    with pytest.raises(ValueError, match="deeper than 2 levels"):
        require_shallow(text, 2)


def test_parse_shallow__text_or_bytes__the_value() -> None:
    assert parse_shallow('{"a": [1, "ü"]}') == parse_shallow('{"a": [1, "ü"]}'.encode()) == {"a": [1, "ü"]}
    assert parse_shallow("[1.5]", parse_float=str) == ["1.5"]


def test_parse_shallow__at_its_limit__passes_and_one_level_more_is_refused() -> None:
    assert parse_shallow("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    with pytest.raises(ValueError, match="deeper than 64 levels"):
        parse_shallow("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_parse_shallow__other_encodings__refused(encoding: str) -> None:
    """U+225B has a quote among its bytes in UTF-16, behind which brackets would not count."""
    with pytest.raises(ValueError, match=r"decode|BOM"):
        parse_shallow(("\u225b" + "[" * 10).encode(encoding))


def test_require_shallow__many_brackets_side_by_side__in_linear_time() -> None:
    require_shallow("[" + "[0,1]," * 100_000 + '"' + "\\\\" * 100_000, 2)
