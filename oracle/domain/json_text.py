"""How deep a JSON text may be, before anything parses it."""

from __future__ import annotations

from typing import Final

_QUOTE, _BACKSLASH = b'"\\'
_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"


def require_shallow(text: bytes, max_depth: int) -> None:
    """Raises ValueError for JSON that is nested deeper than `max_depth`, before a parser descends into it.

    Brackets in strings do not count. The interpreter's own limit is no protection: libraries raise it, and then the
    parser ends the process.
    """
    depth, in_string, escaped = 0, False, False
    for byte in text:
        if in_string:
            if escaped:
                escaped = False
            elif byte == _BACKSLASH:
                escaped = True
            elif byte == _QUOTE:
                in_string = False
        elif byte == _QUOTE:
            in_string = True
        elif byte in _OPENING:
            depth += 1
            if depth > max_depth:
                raise ValueError(f"it is nested deeper than {max_depth} levels")
        elif byte in _CLOSING:
            depth -= 1
