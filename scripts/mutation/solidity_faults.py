"""Faults in Solidity sources: a small set of operators over the text of function bodies.

Operators and comparisons swapped, boundaries moved, conditions negated, refusals and statements dropped, integers one
off, modifiers dropped, roundings and extremes exchanged. Comments, strings, imports and declarations are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .faults import Fault

SWAPS: Final = {
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "*=": ("=",),
    "/=": ("=",),
}
WORDS: Final = {
    "true": "false",
    "false": "true",
    "Ceil": "Floor",
    "Floor": "Ceil",
    "min": "max",
    "max": "min",
    "continue": "break",
}
# Between spaces, as forge fmt writes every binary operator
OPERATOR: Final = re.compile(r"(?<= )(\+=|-=|\*=|/=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|<>])(?= |\n)")
WORD: Final = re.compile(r"\b(true|false|Ceil|Floor|min|max|continue)\b")
INTEGER: Final = re.compile(r"(?<![\w.])(\d[\d_]*)(?![\w.]|[ ]*(?:days|hours|minutes))")
REFUSAL: Final = re.compile(r"\bif \((?:[^(){};]|\((?:[^(){};]|\([^(){};]*\))*\))*\) revert [^;]*;|\brevert [^;]*;")
STATEMENT: Final = re.compile(
    r"(?<=[;{}])\s*((?:emit )?[\w.\[\]]+(?:\([^;{}]*\))+;|[\w.\[\]]+ [-+*/|]?= [^;{}]*;|delete [^;]*;)"
)
CONDITION: Final = re.compile(r"\bif \(((?:[^(){};]|\((?:[^(){};]|\([^(){};]*\))*\))*)\)")
HEADER: Final = re.compile(r"\bfunction [^;{]*\{")
KEYWORDS: Final = {
    *("external", "public", "internal", "private", "view", "pure", "payable", "virtual", "override", "returns"),
}
MASKED: Final = re.compile(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'|\bassembly\b[^{]*\{[^}]*\}", re.S)


def faults(source: str) -> Iterator[Fault]:
    """Every fault of a source."""
    text = MASKED.sub(lambda match: re.sub(r"[^\n]", "~", match[0]), source)
    inside = _bodies(text)
    for start, end, new, name in _changes(text):
        if inside[start]:
            yield _fault(source, start, end, new.replace("@", source[start:end]), name)
    yield from _modifiers(source, text)


def _changes(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, what comes there (@: what was there), and the operator's name."""
    for match in OPERATOR.finditer(text):
        yield from ((*match.span(), other, "operator") for other in SWAPS[match[1]])
    for match in WORD.finditer(text):
        yield (*match.span(), WORDS[match[1]], "word")
    for match in INTEGER.finditer(text):
        value = int(match[1].replace("_", ""))
        yield from ((*match.span(), str(other), "integer") for other in ((value + 1, value - 1) if value else (1,)))
    for match in REFUSAL.finditer(text):
        yield (*match.span(), "{}", "refusal dropped")
    for match in STATEMENT.finditer(text):
        if not match[1].startswith("return"):
            yield (*match.span(1), "{}", "statement dropped")
    for match in CONDITION.finditer(text):
        yield (*match.span(1), "!(@)", "condition")


def _modifiers(source: str, text: str) -> Iterator[Fault]:
    for header in HEADER.finditer(text):
        start = header.start() + _close(header[0], header[0].index("("))
        for match in re.finditer(r"\b(\w+)(\([^()]*\))?", text[start : header.end()]):
            if match[1] == "returns":
                break
            if match[1] not in KEYWORDS:
                yield _fault(source, start + match.start(), start + match.end(), "", "modifier dropped")


def _close(text: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place + 1
    return len(text)


def _bodies(text: str) -> list[bool]:
    """For each character, whether it stands in the body of a function, constructor or modifier."""
    inside = [False] * (len(text) + 1)
    for header in re.finditer(r"\b(?:function|constructor|modifier)\b[^;{]*\{", text):
        depth, place = 1, header.end()
        while depth and place < len(text):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            inside[place] = True
            place += 1
    return inside


def _fault(source: str, start: int, end: int, new: str, operator: str) -> Fault:
    return Fault.of(source, source[:start] + new + source[end:], source.count("\n", 0, start) + 1, start, operator)
