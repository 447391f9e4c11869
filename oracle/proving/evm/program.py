"""A reading of a verifier as new Solidity: the same checks, the same hashes, the same sum of points, for less gas.

Where the gas goes away: one modular inversion for all; the instances' polynomial as one running fraction without
memory; every shared value computed once; sums reduced only when they would overflow; one scalar multiplication for each
distinct point and none for the point at infinity; the proof copied once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD as R
from oracle.errors import VerifierNotUnderstood
from oracle.proving.evm.field import Node, Value
from oracle.proving.evm.machine import KeyPoint, Point, ProofPoint, Reading
from oracle.proving.evm.text import CHECK_INSTANCE, CONTRACT, WORD, indent, unpack, unrolled

# What the precompiles work on: a sum, a point, a scalar; then the pairing's input
ACC_AT: Final = 0x00
POINT_AT: Final = 0x40
SCALAR_AT: Final = 0x80
PAIRING_SIZE: Final = 0x180
SLOTS_AT: Final = PAIRING_SIZE
# The field that the curve's coordinates are in
BASE_FIELD: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
# Multiples of the modulus below 2^256
MAX_MULTIPLE: Final = 5
# Deepest expression in which the modulus can still be a stack variable, and deepest one at all
REACH: Final = 9
MAX_DEPTH: Final = 9


@dataclass(slots=True)
class Layout:
    """Where things are in memory, by name; regions are hashed as they stand: [hash before][what is absorbed]."""

    places: dict[str, int] = field(default_factory=dict)
    regions: list[tuple[int, int]] = field(default_factory=list)
    copies: list[tuple[int, int, int]] = field(default_factory=list)
    instances_at: int = 0

    @classmethod
    def of(cls, reading: Reading, start: int) -> Layout:
        """Places from `start` on. Raises VerifierNotUnderstood where the transcript is not the proof in its order."""
        layout, at, proof_at = cls(), start, 0
        for number, squeeze in enumerate(reading.squeezes):
            if squeeze.continued:
                layout.regions.append((0, 0))
                continue
            words = list(squeeze.absorbed)
            region = at
            at += WORD
            if number == 0:
                expected = [f"instance:{i}" for i in range(reading.instance_count)]
                if words[: len(expected)] != expected:
                    raise VerifierNotUnderstood("instances that are not hashed first")
                layout.instances_at = at
                at += WORD * len(expected)
                words = words[len(expected) :]
            if words != [f"proof:{proof_at + WORD * i}" for i in range(len(words))]:
                raise VerifierNotUnderstood("a transcript that is not the proof in its order")
            at, proof_at = layout._copy(words, at, proof_at)
            layout.regions.append((region, at - region))
        rest = [f"proof:{offset}" for offset in range(proof_at, reading.proof_length, WORD)]
        layout._copy(rest, at, proof_at)
        return layout

    def _copy(self, words: list[str], at: int, proof_at: int) -> tuple[int, int]:
        size = WORD * len(words)
        self.places |= {word: at + WORD * i for i, word in enumerate(words)}
        if size:
            self.copies.append((at, proof_at, size))
        return at + size, proof_at + size


class Program:
    """Writes the contract of one reading."""

    def __init__(self, reading: Reading, input_count: int) -> None:
        self._reading = reading
        self._input_count = input_count
        self._terms = _terms(reading)
        self._uses, order = _uses_in_order([scalar for _, scalar in self._terms])
        self._inverted = [node for node in order if node.op == "inv"]
        self._slots: dict[int, int] = {}
        self._bounds: dict[int, int] = {}
        self._next_slot = SLOTS_AT
        computed = ("x_n", "numerator", "denominator")
        self._names = {name: self._take() for name in (*(s.name for s in reading.squeezes), *computed)}
        self._kept: list[Node] = []
        for node in order:
            if self._is_kept(node):
                self._kept.append(node)
                self._slots[id(node)] = self._take()
        self._multiples: dict[int, int] = {}
        self._multiples_at = self._next_slot
        self._next_slot += WORD * MAX_MULTIPLE
        self._prefixes = [self._take() for _ in self._inverted]
        self._layout = Layout.of(reading, self._next_slot)
        _require_checks(reading, self._layout)

    # --- Memory ---

    def _take(self) -> int:
        self._next_slot += WORD
        return self._next_slot - WORD

    def _place(self, name: str) -> int:
        place = self._names.get(name) or self._layout.places.get(name)
        if place is None:
            raise VerifierNotUnderstood(f"{name} is used in the sum of points")
        return place

    def _is_kept(self, node: Node) -> bool:
        """Whether a node is computed once into memory: what is used again, what is inverted, what is too deep."""
        if node.op == "leaf":
            return False
        return node.op == "inv" or self._uses[id(node)] > 1 or self._is_inverted(node) or self.depth(node) > MAX_DEPTH

    def _is_inverted(self, node: Node) -> bool:
        return any(inverse.arguments[0] is node for inverse in self._inverted)

    # --- Expressions ---

    def expression(self, value: Value, depth: int = 0) -> tuple[str, int]:
        """(text, bound): the value is at most `bound` times the modulus. `depth`: what is on the stack already."""
        if isinstance(value, int):
            return hex(value), 1
        if value.op == "leaf":
            return f"mload({self._place(value.name):#x})", 1
        if id(value) in self._slots:
            return f"mload({self._slots[id(value)]:#x})", self._bounds[id(value)]
        return self._compute(value, depth)

    def _compute(self, node: Node, depth: int) -> tuple[str, int]:
        modulus = self._multiple(1, depth)
        if node.op == "neg":
            text, bound = self.expression(node.arguments[0], depth)
            return f"sub({self._multiple(bound, depth + 1)}, {text})", bound
        first, second = self._deeper_second(node)
        if node.op == "mul":
            right, _ = self.expression(second, depth + 1)
            left, _ = self.expression(first, depth + 2)
            return f"mulmod({left}, {right}, {modulus})", 1
        if node.op != "add":
            raise VerifierNotUnderstood(f"{node.op} in an expression")
        right, right_bound = self.expression(second, depth)
        left, left_bound = self.expression(first, depth + 1)
        if left_bound + right_bound <= MAX_MULTIPLE:
            return f"add({left}, {right})", left_bound + right_bound
        right, _ = self.expression(second, depth + 1)
        left, _ = self.expression(first, depth + 2)
        return f"addmod({left}, {right}, {modulus})", 1

    def _multiple(self, bound: int, depth: int) -> str:
        """A multiple of the modulus; the compiler turns a large literal into a copy from code, at ten times the gas."""
        if bound == 1 and depth < REACH:
            return "r"
        if bound not in self._multiples:
            self._multiples[bound] = self._multiples_at + WORD * (bound - 1)
        return f"mload({self._multiples[bound]:#x})"

    def _deeper_second(self, node: Node) -> tuple[Value, Value]:
        """Arguments are evaluated from the last to the first: the deeper one goes last, on the shorter stack."""
        first, second = node.arguments
        return (first, second) if self.depth(first) <= self.depth(second) else (second, first)

    def depth(self, value: Value) -> int:
        """How many stack places the expression of `value` takes."""
        if isinstance(value, int) or value.op == "leaf" or id(value) in self._slots:
            return 1
        depths = sorted((self.depth(argument) for argument in value.arguments), reverse=True)
        if value.op == "neg":
            return depths[0] + 1
        extra = 1 if value.op == "mul" else 0
        return max(depths[0] + extra, depths[-1] + extra + 1)

    # --- Statements ---

    def contract(self) -> str:
        """The whole source."""
        reading, layout = self._reading, self._layout
        count, outputs = reading.instance_count, reading.instance_count - self._input_count
        return CONTRACT.format(
            modulus=R,
            proof_length=reading.proof_length,
            instance_count=count,
            input_bytes=4 * self._input_count,
            output_bytes=8 * outputs,
            copy_instances=f"calldatacopy({layout.instances_at:#x}, instances.offset, {WORD * count:#x})",
            check_instances=indent(unrolled(layout.instances_at, count, CHECK_INSTANCE), 16),
            unpack_inputs=indent(unpack("inputs", layout.instances_at, self._input_count, 4), 16),
            unpack_outputs=indent(unpack("outputs", layout.instances_at + WORD * self._input_count, outputs, 8), 16),
            body=indent(list(self._body()), 12),
        )

    def _body(self) -> Iterator[str]:
        yield from self._transcript()
        yield from self._instance_fraction()
        lines = [*self._arithmetic(), *self._sum_of_points()]
        for bound, at in self._multiples.items():
            yield f"mstore({at:#x}, mul(r, {bound}))"
        yield from lines
        yield from self._pairing()

    def _transcript(self) -> Iterator[str]:
        layout = self._layout
        yield "// The proof, where it is hashed"
        for at, offset, size in layout.copies:
            yield f"calldatacopy({at:#x}, {'at' if not offset else f'add(at, {offset:#x})'}, {size:#x})"
        points = set(self._reading.points)
        yield from self._check_points()
        yield "// Evaluations: in the field"
        words = {offset for point in points for offset in (point, point + WORD)}
        for offset in range(0, self._reading.proof_length, WORD):
            if offset not in words:
                yield f"ok := and(ok, lt(mload({layout.places[f'proof:{offset}']:#x}), r))"
        yield "if iszero(ok) { revert(0, 0) }"
        yield "// Challenges"
        yield f"mstore({layout.regions[0][0]:#x}, {self._reading.digest:#066x})"
        yield "let hash"
        for (region, size), squeeze in zip(layout.regions, self._reading.squeezes, strict=True):
            if squeeze.continued:
                yield "mstore(0x00, hash)"
                yield "mstore8(0x20, 1)"
                yield "hash := keccak256(0x00, 0x21)"
            else:
                if squeeze is not self._reading.squeezes[0]:
                    yield f"mstore({region:#x}, hash)"
                yield f"hash := keccak256({region:#x}, {size:#x})"
            yield f"mstore({self._names[squeeze.name]:#x}, mod(hash, r))"

    def _check_points(self) -> Iterator[str]:
        """A precompile refuses a wrong point too, but burns all gas that it is given."""
        yield "// Commitments: on the curve"
        yield "{"
        yield f"    let q := {BASE_FIELD}"
        yield "    let x"
        yield "    let y"
        for offset in self._reading.points:
            at = self._layout.places[f"proof:{offset}"]
            yield f"    x := mload({at:#x})"
            yield f"    y := mload({at + WORD:#x})"
            yield "    ok := and(ok, and(lt(x, q), lt(y, q)))"
            yield "    ok := and(ok, eq(mulmod(y, y, q), addmod(mulmod(x, mulmod(x, x, q), q), 3, q)))"
        yield "}"

    def _instance_fraction(self) -> Iterator[str]:
        reading, layout = self._reading, self._layout
        yield "// x^n; the instances at x as one fraction: sum v_i / (x w^-i - 1)"
        yield f"let t := mload({self._names['x']:#x})"
        for _ in range(reading.log_rows):
            yield "t := mulmod(t, t, r)"
        yield f"mstore({self._names['x_n']:#x}, t)"
        yield f"t := mload({self._names['x']:#x})"
        yield "{"
        yield f"    let w := {reading.root_inverse:#066x}"
        yield "    let n := 0"
        yield "    let d := 1"
        lines = ["u := add(t, m)", "n := add(mulmod(n, u, r), mulmod(mload({at}), d, r))"]
        lines += ["d := mulmod(d, u, r)", "t := mulmod(t, w, r)"]
        yield f"    let m := {R - 1:#066x}"
        yield "    let u"
        yield from (f"    {line}" for line in unrolled(layout.instances_at, reading.instance_count, lines))
        yield f"    mstore({self._names['numerator']:#x}, mod(n, r))"
        yield f"    mstore({self._names['denominator']:#x}, d)"
        yield "}"

    def _arithmetic(self) -> Iterator[str]:
        """Whatever is kept, in order; the inversion stands where the first inverse is needed."""
        late = _depending_on_inverses(self._kept)
        yield "// What is inverted, and all that needs no inverse"
        for node in self._kept:
            if id(node) not in late:
                yield self._store(node)
        yield "// One inversion"
        yield from self._inversion()
        yield "// What needs inverses"
        for node in self._kept:
            if id(node) in late and node.op != "inv":
                yield self._store(node)

    def _store(self, node: Node) -> str:
        text, bound = self._compute(node, 0)
        self._bounds[id(node)] = bound
        return f"mstore({self._slots[id(node)]:#x}, {text})"

    def _inversion(self) -> Iterator[str]:
        arguments = [self.expression(node.arguments[0])[0] for node in self._inverted]
        yield f"t := {arguments[0]}"
        for index, argument in enumerate(arguments[1:]):
            yield f"mstore({self._prefixes[index]:#x}, t)"
            yield f"t := mulmod(t, {argument}, r)"
        yield "mstore(0x00, 0x20)"
        yield "mstore(0x20, 0x20)"
        yield "mstore(0x40, 0x20)"
        yield "mstore(0x60, t)"
        yield "mstore(0x80, sub(r, 2))"
        yield "mstore(0xa0, r)"
        yield "ok := and(ok, staticcall(gas(), 5, 0x00, 0xc0, 0x00, 0x20))"
        yield "t := mload(0x00)"
        yield "ok := and(ok, gt(t, 0))"
        for index in range(len(arguments) - 1, 0, -1):
            node = self._inverted[index]
            yield f"mstore({self._slots[id(node)]:#x}, mulmod(t, mload({self._prefixes[index - 1]:#x}), r))"
            yield f"t := mulmod(t, {arguments[index]}, r)"
        yield f"mstore({self._slots[id(self._inverted[0])]:#x}, t)"
        self._bounds |= {id(node): 1 for node in self._inverted}

    def _sum_of_points(self) -> Iterator[str]:
        yield "// The sum of points"
        alone = next((term for term in self._terms if term[1] == 1), None)
        if alone is None:
            raise VerifierNotUnderstood("no point enters the sum as it is")
        yield from self._load(alone[0], ACC_AT)
        for point, scalar in self._terms:
            if point == alone[0]:
                continue
            yield from self._load(point, POINT_AT)
            yield f"mstore({SCALAR_AT:#x}, {self.expression(scalar)[0]})"
            yield "ok := and(ok, staticcall(gas(), 7, 0x40, 0x60, 0x40, 0x40))"
            yield "ok := and(ok, staticcall(gas(), 6, 0x00, 0x80, 0x00, 0x40))"

    def _load(self, point: Point, to: int) -> Iterator[str]:
        match point:
            case ProofPoint(offset):
                yield f"mcopy({to:#x}, {self._layout.places[f'proof:{offset}']:#x}, 0x40)"
            case KeyPoint(x, y):
                yield f"mstore({to:#x}, {x:#x})"
                yield f"mstore({to + WORD:#x}, {y:#x})"

    def _pairing(self) -> Iterator[str]:
        yield "// e(sum, G2) = e(W', s G2)"
        ((point, scalar),) = self._reading.rhs.items()
        if scalar != 1:
            raise VerifierNotUnderstood("a pairing whose second point is a multiple")
        left, right = self._reading.pairing
        for index, coordinate in enumerate(left):
            yield f"mstore({0x40 + WORD * index:#x}, {coordinate:#066x})"
        yield from self._load(point, 0xC0)
        for index, coordinate in enumerate(right):
            yield f"mstore({0x100 + WORD * index:#x}, {coordinate:#066x})"
        yield f"ok := and(ok, staticcall(gas(), 8, 0x00, {PAIRING_SIZE:#x}, 0x00, 0x20))"
        yield "if iszero(and(ok, mload(0x00))) { revert(0, 0) }"
        yield "mstore(0x00, 1)"
        yield "return(0x00, 0x20)"


def _terms(reading: Reading) -> list[tuple[Point, Value]]:
    """The sum's points and scalars; every commitment of the proof must be among them, since only so it is checked."""
    terms = [(point, scalar) for point, scalar in reading.lhs.items() if scalar != 0]
    offsets = {point.offset for point, _ in terms if isinstance(point, ProofPoint)}
    if offsets != set(reading.points):
        raise VerifierNotUnderstood(f"commitments {sorted(set(reading.points) - offsets)} are not opened")
    return terms


def _require_checks(reading: Reading, layout: Layout) -> None:
    """The original checks what the program checks: lengths, and the range of each instance and each evaluation."""
    points = {offset + part for offset in reading.points for part in (0, WORD)}
    words = {f"proof:{offset}" for offset in range(0, reading.proof_length, WORD) if offset not in points}
    words |= {f"instance:{index}" for index in range(reading.instance_count)}
    below = {check.subject for check in reading.checks if check.kind == "below" and check.value == R}
    equal = {(check.subject, check.value) for check in reading.checks if check.kind == "equal"}
    if below != words or len(reading.checks) != len(below) + len(equal):
        raise VerifierNotUnderstood("checks of ranges that are not known")
    if equal != {("proof.length", reading.proof_length), ("instances.length", reading.instance_count)}:
        raise VerifierNotUnderstood("checks of lengths that are not known")
    if set(layout.places) | {name for name in words if name.startswith("instance")} < words:
        raise VerifierNotUnderstood("a word without a place")


def _uses_in_order(roots: list[Value]) -> tuple[Counter[int], list[Node]]:
    """How often each node below the roots is used, and the nodes with arguments before what uses them."""
    uses: Counter[int] = Counter()
    order: list[Node] = []
    done: set[int] = set()
    stack: list[tuple[Value, bool]] = [(root, False) for root in reversed(roots)]
    for root in roots:
        if isinstance(root, Node):
            uses[id(root)] += 1
    while stack:
        node, finished = stack.pop()
        if not isinstance(node, Node):
            continue
        if finished:
            order.append(node)
            continue
        if id(node) in done:
            continue
        done.add(id(node))
        stack.append((node, True))
        for argument in node.arguments:
            if isinstance(argument, Node):
                uses[id(argument)] += 1
                stack.append((argument, False))
    return uses, order


def _depending_on_inverses(nodes: list[Node]) -> set[int]:
    late: set[int] = set()
    cache: dict[int, bool] = {}

    def depends(value: Value) -> bool:
        if isinstance(value, int):
            return False
        if id(value) not in cache:
            cache[id(value)] = value.op == "inv" or any(depends(argument) for argument in value.arguments)
        return cache[id(value)]

    for node in nodes:
        if node.op == "inv" and depends(node.arguments[0]):
            raise VerifierNotUnderstood("an inverse of what needs an inverse")
        if depends(node):
            late.add(id(node))
    return late
