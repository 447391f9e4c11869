"""How deep a JSON text may be: brackets count, those in strings do not."""

from __future__ import annotations

import pytest

from oracle.domain.json_text import require_shallow


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[[1]]",
        b'{"a": [1]}',
        b"[][][][]",
        b"[[]][[]]",
        b'"[[[[[["',
        b'["[[[", "{{{"]',
        rb'["\"[[[[", 1]',
        rb'["\\", [1]]',
    ],
)
def test_require_shallow__two_levels__passes(text: bytes) -> None:
    require_shallow(text, 2)


@pytest.mark.parametrize(
    "text", [b"[[[", b'{"a": {"b": {', b"[[]][[[", rb'["\\", [[', rb'["a\"b", [[', b'"a"[[[', b"[{[", b"{[{"]
)
def test_require_shallow__three_levels__refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="deeper than 2 levels"):
        require_shallow(text, 2)
