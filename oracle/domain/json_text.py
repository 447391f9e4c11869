"""JSON of strangers, whose depth is bounded before anything descends into it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

MAX_DEPTH: Final = 64
# A string, closed or not, or a bracket
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse_shallow(text: str | bytes, max_depth: int = MAX_DEPTH, **hooks: Callable[..., Any]) -> Any:
    """The value of a JSON text in UTF-8; `hooks` are json.loads's. Raises ValueError, also for one that is too deep.

    Other encodings are none of JSON's (RFC 8259), and brackets could hide in them.
    """
    content = text.decode() if isinstance(text, bytes) else text
    require_shallow(content, max_depth)
    return json.loads(content, **hooks)  # type: ignore[arg-type]


def require_shallow(text: str, max_depth: int) -> None:
    """Raises ValueError for JSON that is nested deeper than `max_depth`, before a parser descends into it.

    Brackets in strings do not count. The interpreter's own limit is no protection: libraries raise it, and then the
    parser ends the process.
    """
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        bracket = token.group()
        if bracket in "[{":
            depth += 1
            if depth > max_depth:
                raise ValueError(f"it is nested deeper than {max_depth} levels")
        elif bracket in "]}":
            depth -= 1
