"""What a generated verifier computes, found by running its assembly on unknown inputs.

Memory addresses, loops and the layout of calldata are concrete in such code; challenges, evaluations and commitments
are not. The result says what is hashed into each challenge, what is checked, and with which scalar each point enters
the pairing. Anything that is not known here stops the reading: nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from oracle.constants import BN254_SCALAR_FIELD as R
from oracle.errors import VerifierNotUnderstood
from oracle.proving.evm.field import ASSIGNMENTS, Field, Node, Value
from oracle.proving.evm.yul import Assign, Block, Call, Expression, For, Function, If, Name, Number, Statement

PROOF_AT: Final = 0x64
INSTANCES_AT: Final = 1 << 40
WORD: Final = 0x20
_WORDS: Final = 1 << 256
MAX_STEPS: Final = 200_000
_CHALLENGES: Final = ("THETA", "BETA", "GAMMA", "Y", "X", "ZETA", "NU", "MU")

# The functions of the generated assembly, which are not read but known: SHA-256 of their tokens
KNOWN_FUNCTIONS: Final = {
    "read_ec_point": "78e7df4c8d1d661847626dd195bb5c55318c0e89e2823332a49ff731cbec3750",
    "squeeze_challenge": "eb8419d444ed67caab4d561c4fc2da61b4f6ac1f9e281351069412a5b2873b46",
    "squeeze_challenge_cont": "7686f2a20aede5e498ba7c903288c1f735ef2d3ea0d66a60b8db3244e21e46df",
    "batch_invert": "659fa06c14d59d443b0bb75ad08a7c2a84f7b22d06c6514be3cab413e3d8bacf",
    "ec_add_acc": "21785654e32095793c72898e65cd05f8d778b9688a4bc49b53f358486cf4cebf",
    "ec_mul_acc": "5f189366157e560d2108e31055b2bc76c77c483d8d95cdc72aae167011b515c1",
    "ec_add_tmp": "4f851a4c754aac912c5ea15597ee19ffaf34719b089db4fe69a9a5cadd266d3c",
    "ec_mul_tmp": "38d515b98d3448118e112c1c17985235d075b1f93ea84d2b01a8d19452b42506",
    "ec_pairing": "30de30f7e8f291cb82df44620a3b661e99713060a98f8d2c32d07e235e3842b3",
}

Point: TypeAlias = "ProofPoint | KeyPoint"


@dataclass(frozen=True, slots=True)
class ProofPoint:
    """A commitment of the proof, by its byte offset in it."""

    offset: int


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A point of the verifying key."""

    x: int
    y: int


Combination: TypeAlias = "dict[Point, Value]"


@dataclass(frozen=True, slots=True)
class Squeeze:
    """A challenge: from the hash before and what was absorbed since, or from that hash alone."""

    name: str
    absorbed: tuple[str, ...]
    continued: bool


@dataclass(frozen=True, slots=True)
class _Check:
    """A condition that has to hold; `and`ed into success."""

    kind: str
    subject: str
    value: int = 0


@dataclass(frozen=True, slots=True)
class _Coordinate:
    """x or y of a combination of points in memory."""

    combination: int
    axis: str


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str


_SUCCESS: Final = _Symbol("success")
_HASH: Final = _Symbol("hash")
_Datum: TypeAlias = "int | Node | _Check | _Coordinate | _Symbol"


@dataclass(slots=True)
class Reading:
    """All that a generated verifier does. Proof words are named `proof:<offset>`, instances `instance:<index>`."""

    digest: int = 0
    instance_count: int = 0
    log_rows: int = 0
    root_inverse: int = 0
    proof_length: int = 0
    squeezes: list[Squeeze] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    checks: set[_Check] = field(default_factory=set)
    lhs: Combination = field(default_factory=dict)
    rhs: Combination = field(default_factory=dict)
    pairing: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


class Machine:
    """Runs one assembly block; `constants` are the contract's own, by name."""

    def __init__(self, constants: dict[str, int], seed: bytes) -> None:
        self._constants = constants
        self._field = Field(seed)
        self._memory: dict[int, _Datum] = {}
        self._scopes: list[dict[str, _Datum]] = []
        self._combinations: list[Combination] = []
        self._leaves: dict[str, Node] = {}
        self._steps = 0
        self._key: dict[int, int] = {}
        self.reading = Reading()
        self._challenge_names = {constants[f"{name}_MPTR"]: name.lower() for name in _CHALLENGES}

    def run(self, block: Block) -> Reading:
        """What the block does. Raises VerifierNotUnderstood."""
        self._key = _literal_stores(block)
        self.reading.log_rows = self._key_value("K_MPTR")
        self.reading.root_inverse = self._key_value("OMEGA_INV_MPTR")
        self.reading.instance_count = self._key_value("NUM_INSTANCES_MPTR")
        if self._constants.get("R") != R:
            raise VerifierNotUnderstood("another field")
        if self._key_value("HAS_ACCUMULATOR_MPTR") or not self.reading.instance_count:
            raise VerifierNotUnderstood("a circuit with an accumulator, or without instances")
        self._execute_block(block)
        if not self.reading.lhs or not self.reading.proof_length:
            raise VerifierNotUnderstood("no pairing, or no check of the proof's length")
        return self.reading

    def _key_value(self, name: str) -> int:
        address = self._constants.get(name)
        if address not in self._key:
            raise VerifierNotUnderstood(f"the verifying key has no {name}")
        return self._key[address]

    # --- Statements ---

    def _execute_block(self, block: Block) -> None:
        self._scopes.append({})
        for statement in block.statements:
            self._execute(statement)
        self._scopes.pop()

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise VerifierNotUnderstood("a loop without end")

    def _execute(self, statement: Statement) -> None:
        self._step()
        match statement:
            case Assign():
                self._assign(statement)
            case Block():
                self._execute_block(statement)
            case For():
                self._loop(statement)
            case If():
                self._branch(statement)
            case Function():
                if KNOWN_FUNCTIONS.get(statement.name) != statement.digest:
                    raise VerifierNotUnderstood(f"the function {statement.name} is not as it is known")
            case Call():
                self._call(statement)

    def _assign(self, statement: Assign) -> None:
        if statement.value is None:
            results: tuple[_Datum, ...] = (0,) * len(statement.names)
        else:
            result = self._evaluate(statement.value)
            results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(statement.names):
            raise VerifierNotUnderstood(f"{len(results)} values for {statement.names}")
        for name, value in zip(statement.names, results, strict=True):
            scope = self._scopes[-1] if statement.declares else self._scope_of(name)
            scope[name] = value

    def _scope_of(self, name: str) -> dict[str, _Datum]:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope
        raise VerifierNotUnderstood(f"{name} is assigned and not declared")

    def _loop(self, loop: For) -> None:
        self._scopes.append({})
        for statement in loop.before.statements:
            self._execute(statement)
        while self._integer(loop.condition):
            self._step()
            self._execute_block(loop.body)
            self._execute_block(loop.after)
        self._scopes.pop()

    def _branch(self, branch: If) -> None:
        condition = self._evaluate(branch.condition)
        if condition == _Symbol("failure"):
            if not all(isinstance(s, Call) and s.name == "revert" for s in branch.body.statements):
                raise VerifierNotUnderstood("a failure that does more than revert")
        elif isinstance(condition, int):
            if condition:
                self._execute_block(branch.body)
        else:
            raise VerifierNotUnderstood(f"a branch on {condition}")

    # --- Expressions ---

    def _evaluate(self, expression: Expression) -> _Datum | tuple[_Datum, ...]:
        match expression:
            case Number(value):
                return value
            case Name(text):
                return self._name(text)
            case _:
                return self._call(expression)

    def _name(self, text: str) -> _Datum:
        for scope in reversed(self._scopes):
            if text in scope:
                return scope[text]
        if text in self._constants:
            return self._constants[text]
        known: dict[str, _Datum] = {"proof.offset": PROOF_AT, "instances.offset": INSTANCES_AT, "true": _SUCCESS}
        if text in known:
            return known[text]
        if text in ("proof.length", "instances.length"):
            return _Symbol(text)
        raise VerifierNotUnderstood(f"the name {text}")

    def _datum(self, expression: Expression) -> _Datum:
        value = self._evaluate(expression)
        if isinstance(value, tuple):
            raise VerifierNotUnderstood(f"several values of {expression}")
        return value

    def _integer(self, expression: Expression) -> int:
        value = self._datum(expression)
        if not isinstance(value, int):
            raise VerifierNotUnderstood(f"{expression} is not known before a proof is")
        return value

    def _value(self, expression: Expression) -> Value:
        value = self._datum(expression)
        if not isinstance(value, int | Node):
            raise VerifierNotUnderstood(f"{expression} is no field element")
        return value

    def _call(self, call: Call) -> _Datum | tuple[_Datum, ...]:
        handler: Callable[..., _Datum | tuple[_Datum, ...]] | None = getattr(self, f"_op_{call.name}", None)
        if handler is None:
            raise VerifierNotUnderstood(f"the operation {call.name}")
        return handler(*call.arguments)

    # --- Opcodes ---

    def _op_mload(self, at: Expression) -> _Datum:
        address = self._integer(at)
        if address not in self._memory:
            raise VerifierNotUnderstood(f"memory at {address:#x} is read before it is written")
        return self._memory[address]

    def _op_mstore(self, at: Expression, value: Expression) -> _Datum:
        self._memory[self._integer(at)] = self._datum(value)
        return 0

    def _op_calldataload(self, at: Expression) -> _Datum:
        address = self._integer(at)
        if address >= INSTANCES_AT:
            return self._leaf(f"instance:{(address - INSTANCES_AT) // WORD}")
        return self._leaf(f"proof:{address - PROOF_AT}")

    def _leaf(self, name: str) -> Node:
        if name not in self._leaves:
            self._leaves[name] = self._field.leaf(name)
        return self._leaves[name]

    def _op_addmod(self, a: Expression, b: Expression, modulus: Expression) -> _Datum:
        self._require_modulus(modulus)
        return self._field.add(self._value(a), self._value(b))

    def _op_mulmod(self, a: Expression, b: Expression, modulus: Expression) -> _Datum:
        self._require_modulus(modulus)
        return self._field.mul(self._value(a), self._value(b))

    def _require_modulus(self, modulus: Expression) -> None:
        if self._integer(modulus) != R:
            raise VerifierNotUnderstood(f"arithmetic modulo {modulus}")

    def _op_sub(self, a: Expression, b: Expression) -> _Datum:
        left, right = self._value(a), self._value(b)
        if isinstance(left, int) and isinstance(right, int):
            return (left - right) % _WORDS
        if left != R:
            raise VerifierNotUnderstood("a subtraction outside the field")
        return self._field.neg(right)

    def _op_add(self, a: Expression, b: Expression) -> _Datum:
        return (self._integer(a) + self._integer(b)) % _WORDS

    def _op_mul(self, a: Expression, b: Expression) -> _Datum:
        return self._integer(a) * self._integer(b) % _WORDS

    def _op_lt(self, a: Expression, b: Expression) -> _Datum:
        left, right = self._datum(a), self._integer(b)
        if isinstance(left, int):
            return int(left < right)
        if isinstance(left, Node) and left.op == "leaf":
            return _Check("below", left.name, right)
        raise VerifierNotUnderstood("a comparison of what is computed")

    def _op_eq(self, a: Expression, b: Expression) -> _Datum:
        left, right = self._datum(a), self._datum(b)
        if isinstance(left, int) and isinstance(right, int):
            return int(left == right)
        if isinstance(left, int) and isinstance(right, _Symbol):
            return _Check("equal", right.name, left)
        raise VerifierNotUnderstood("an equation of what is computed")

    def _op_and(self, a: Expression, b: Expression) -> _Datum:
        left, right = self._datum(a), self._datum(b)
        if left != _SUCCESS or not (isinstance(right, _Check) or right == 1):
            raise VerifierNotUnderstood(f"{left} and {right}")
        if isinstance(right, _Check):
            self.reading.checks.add(right)
            if right.subject == "proof.length":
                self.reading.proof_length = right.value
        return _SUCCESS

    def _op_iszero(self, a: Expression) -> _Datum:
        value = self._datum(a)
        if value == _SUCCESS:
            return _Symbol("failure")
        if isinstance(value, int):
            return int(value == 0)
        raise VerifierNotUnderstood(f"whether {value} is zero")

    def _op_pop(self, a: Expression) -> _Datum:
        self._datum(a)
        return 0

    def _op_return(self, at: Expression, size: Expression) -> _Datum:
        if (self._memory.get(0), self._integer(at), self._integer(size)) != (1, 0, WORD):
            raise VerifierNotUnderstood("a result that is not 1")
        return 0

    # --- The assembly's own functions ---

    def _op_read_ec_point(
        self, success: Expression, proof_at: Expression, hash_at: Expression, q: Expression
    ) -> tuple[_Datum, ...]:
        at, to = self._integer(proof_at), self._integer(hash_at)
        offset = at - PROOF_AT
        self._memory[to], self._memory[to + WORD] = self._leaf(f"proof:{offset}"), self._leaf(f"proof:{offset + WORD}")
        self.reading.points.append(offset)
        return self._datum(success), at + 2 * WORD, to + 2 * WORD

    def _op_squeeze_challenge(self, to: Expression, hash_at: Expression, r: Expression) -> tuple[_Datum, ...]:
        self._require_modulus(r)
        first = self._memory[0]
        if not self.reading.squeezes and isinstance(first, int):
            self.reading.digest = first
        elif first != _HASH:
            raise VerifierNotUnderstood("a challenge that does not follow from the one before")
        absorbed = [self._memory[at] for at in range(WORD, self._integer(hash_at), WORD)]
        if not all(isinstance(word, Node) and word.op == "leaf" for word in absorbed):
            raise VerifierNotUnderstood("something is hashed that is not given")
        names = tuple(word.name for word in absorbed if isinstance(word, Node))
        return self._challenge(self._integer(to), names, continued=False), WORD

    def _op_squeeze_challenge_cont(self, to: Expression, r: Expression) -> _Datum:
        self._require_modulus(r)
        return self._challenge(self._integer(to), (), continued=True)

    def _challenge(self, address: int, absorbed: tuple[str, ...], *, continued: bool) -> int:
        name = self._challenge_names.get(address, f"challenge{len(self.reading.squeezes)}")
        self._memory[address], self._memory[0] = self._leaf(name), _HASH
        self.reading.squeezes.append(Squeeze(name, absorbed, continued))
        if name == "x":
            self._know_instances(self._leaves["x"])
        return address + WORD

    def _know_instances(self, x: Node) -> None:
        """x^n, and the instances' polynomial at x as (x^n - 1) / n * sum v_i / (x w^-i - 1), which is one fraction."""
        reading, rows = self.reading, 1 << self.reading.log_rows
        power = self._field.leaf("x_n", tuple(pow(value, rows, R) for value in x.values))
        numerators, denominators = [0] * ASSIGNMENTS, [1] * ASSIGNMENTS
        for index in range(ASSIGNMENTS):
            moved = x.values[index]
            for place in range(reading.instance_count):
                factor = (moved - 1) % R
                value = self._leaf(f"instance:{place}").values[index]
                numerators[index] = (numerators[index] * factor + value * denominators[index]) % R
                denominators[index] = denominators[index] * factor % R
                moved = moved * reading.root_inverse % R
        numerator = self._field.leaf("numerator", tuple(numerators))
        denominator = self._field.leaf("denominator", tuple(denominators))
        scale = self._field.mul(self._field.add(power, R - 1), pow(rows, -1, R))
        self._field.mul(scale, self._field.mul(numerator, self._field.inv(denominator)))

    def _op_batch_invert(self, success: Expression, start: Expression, end: Expression) -> _Datum:
        for at in range(self._integer(start), self._integer(end), WORD):
            value = self._memory[at]
            if not isinstance(value, int | Node):
                raise VerifierNotUnderstood("an inverse of what is no field element")
            self._memory[at] = self._field.inv(value)
        return self._datum(success)

    def _op_ec_mul_acc(self, success: Expression, scalar: Expression) -> _Datum:
        return self._scale(success, 0x00, scalar)

    def _op_ec_mul_tmp(self, success: Expression, scalar: Expression) -> _Datum:
        return self._scale(success, 0x80, scalar)

    def _op_ec_add_acc(self, success: Expression, x: Expression, y: Expression) -> _Datum:
        return self._sum(success, 0x00, x, y)

    def _op_ec_add_tmp(self, success: Expression, x: Expression, y: Expression) -> _Datum:
        return self._sum(success, 0x80, x, y)

    def _scale(self, success: Expression, at: int, scalar: Expression) -> _Datum:
        factor = self._value(scalar)
        points = self._combination(self._memory[at], self._memory[at + WORD])
        self._place(at, {point: self._field.mul(value, factor) for point, value in points.items()})
        return self._datum(success)

    def _sum(self, success: Expression, at: int, x: Expression, y: Expression) -> _Datum:
        total = dict(self._combination(self._memory[at], self._memory[at + WORD]))
        for point, value in self._combination(self._datum(x), self._datum(y)).items():
            total[point] = self._field.add(total.get(point, 0), value)
        self._place(at, total)
        return self._datum(success)

    def _place(self, at: int, points: Combination) -> None:
        self._combinations.append(points)
        index = len(self._combinations) - 1
        self._memory[at], self._memory[at + WORD] = _Coordinate(index, "x"), _Coordinate(index, "y")

    def _combination(self, x: _Datum, y: _Datum) -> Combination:
        """The points behind two coordinates; the point at infinity is none."""
        if isinstance(x, int) and isinstance(y, int):
            return {} if (x, y) == (0, 0) else {KeyPoint(x, y): 1}
        if isinstance(x, Node) and isinstance(y, Node) and x.name.startswith("proof:"):
            offset = int(x.name.removeprefix("proof:"))
            if y.name == f"proof:{offset + WORD}" and offset in self.reading.points:
                return {ProofPoint(offset): 1}
        if isinstance(x, _Coordinate) and y == _Coordinate(x.combination, "y") and x.axis == "x":
            return self._combinations[x.combination]
        raise VerifierNotUnderstood("two numbers that are no point")

    def _op_ec_pairing(
        self, success: Expression, lhs_x: Expression, lhs_y: Expression, rhs_x: Expression, rhs_y: Expression
    ) -> _Datum:
        if self.reading.lhs:
            raise VerifierNotUnderstood("a second pairing")
        self.reading.lhs = self._combination(self._datum(lhs_x), self._datum(lhs_y))
        self.reading.rhs = self._combination(self._datum(rhs_x), self._datum(rhs_y))
        axes = ("X_1", "X_2", "Y_1", "Y_2")
        self.reading.pairing = (
            tuple(self._key_value(f"G2_{axis}_MPTR") for axis in axes),
            tuple(self._key_value(f"NEG_S_G2_{axis}_MPTR") for axis in axes),
        )
        return self._datum(success)


def _literal_stores(block: Block) -> dict[int, int]:
    """What is stored from literals at literal addresses, wherever it stands: the verifying key."""
    found: dict[int, int] = {}
    for statement in block.statements:
        if isinstance(statement, Block):
            found |= _literal_stores(statement)
        elif isinstance(statement, Call) and statement.name == "mstore":
            at, value = statement.arguments
            if isinstance(at, Number) and isinstance(value, Number):
                found[at.value] = value.value
    return found
