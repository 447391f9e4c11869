"""The assembly of a generated verifier as a syntax tree: the part of Yul that such code uses, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from oracle.errors import VerifierNotUnderstood

_TOKEN: Final = re.compile(r"//[^\n]*|\s+|(?P<token>:=|->|[{}(),]|0x[0-9a-fA-F]+|\d+|[A-Za-z_$][\w.$]*)|(?P<bad>.)")


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or a constant, such as `proof.offset`."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """An opcode or a function of the assembly, applied."""

    name: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = "Number | Name | Call"


@dataclass(frozen=True, slots=True)
class Assign:
    """`a, b := value`, with `let` when it declares; without a value it declares zeros."""

    names: tuple[str, ...]
    value: Expression | None
    declares: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Statements with a scope of their own."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class For:
    """A loop."""

    before: Block
    condition: Expression
    after: Block
    body: Block


@dataclass(frozen=True, slots=True)
class If:
    """A condition."""

    condition: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class Function:
    """A function, known by the hash of its tokens alone."""

    name: str
    digest: str


Statement: TypeAlias = "Assign | Block | For | If | Function | Call"


def parse_block(text: str) -> Block:
    """The block that `text` is, braces included. Raises VerifierNotUnderstood."""
    parser = _Parser(list(_tokens(text)))
    block = parser.block()
    if parser.left():
        raise VerifierNotUnderstood(f"text after the assembly block: {parser.peek()}")
    return block


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        if match["bad"]:
            raise VerifierNotUnderstood(f"a character that is no Yul: {match['bad']!r}")
        if match["token"]:
            yield match["token"]


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def left(self) -> bool:
        return self._at < len(self._tokens)

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else "the end"

    def _next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise VerifierNotUnderstood(f"{found} where {token} was expected")

    def block(self) -> Block:
        self._expect("{")
        statements: list[Statement] = []
        while self.peek() != "}":
            statements.append(self._statement())
        self._expect("}")
        return Block(tuple(statements))

    def _statement(self) -> Statement:
        match self.peek():
            case "{":
                return self.block()
            case "for":
                self._next()
                return For(self.block(), self._expression(), self.block(), self.block())
            case "if":
                self._next()
                return If(self._expression(), self.block())
            case "function":
                return self._function()
            case "let":
                return self._assignment(declares=True)
        return self._assignment(declares=False) if self.peek(1) in (":=", ",") else self._bare_call()

    def _assignment(self, *, declares: bool) -> Assign:
        if declares:
            self._expect("let")
        names = self._names()
        if declares and self.peek() != ":=":
            return Assign(names, None, declares)
        self._expect(":=")
        return Assign(names, self._expression(), declares)

    def _bare_call(self) -> Call:
        call = self._expression()
        if not isinstance(call, Call):
            raise VerifierNotUnderstood(f"a statement that does nothing: {call}")
        return call

    def _function(self) -> Function:
        start = self._at
        self._next()
        name = self._next()
        while self.peek() != "{" and self.left():
            self._next()
        self.block()
        return Function(name, sha256(" ".join(self._tokens[start : self._at]).encode()).hexdigest())

    def _names(self) -> tuple[str, ...]:
        names = [self._next()]
        while self.peek() == ",":
            self._next()
            names.append(self._next())
        return tuple(names)

    def _expression(self) -> Expression:
        token = self._next()
        if token[0].isdigit():
            return Number(int(token, 0))
        if not (token[0].isalpha() or token[0] in "_$"):
            raise VerifierNotUnderstood(f"{token} where a value was expected")
        if self.peek() != "(":
            return Name(token)
        self._next()
        arguments: list[Expression] = []
        while self.peek() != ")":
            arguments.append(self._expression())
            if self.peek() == ",":
                self._next()
        self._expect(")")
        return Call(token, tuple(arguments))
