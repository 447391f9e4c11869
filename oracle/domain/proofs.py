"""What travels between the prover and everything else: inputs, witnesses and proofs, as plain values.

A signed integer `v` at scale b stands for v / 2^b; an instance is that integer as a BN254 field element.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from oracle.constants import BN254_SCALAR_FIELD
from oracle.domain.json_text import parse_shallow
from oracle.errors import FieldElementError, InputRejected, ProofRejected
from oracle.units import int_from_felt

Json: TypeAlias = Any

INPUT_FORM = 'give ezkl\'s form: {"input_data": [[...numbers of the first input...], ...]}'


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """Numbers for a model's inputs, one flat row-major tuple for each input tensor, in the ONNX file's order."""

    tensors: tuple[tuple[float, ...], ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelInputs:
        """Inputs in ezkl's own JSON form; nested lists are flattened, other keys ignored.

        Raises InputRejected for anything that is not finite numbers in that form.
        """
        try:
            document = parse_shallow(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise InputRejected(f"the inputs are not JSON: {error}", remedy=INPUT_FORM) from error
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Json) -> ModelInputs:
        """As from_json, of an object that is parsed already."""
        data = document.get("input_data") if isinstance(document, dict) else None
        if not isinstance(data, list) or not data:
            raise InputRejected('the inputs have no "input_data" list', remedy=INPUT_FORM)
        if not any(isinstance(row, list) for row in data):
            data = [data]
        return cls(tuple(tuple(_flatten(row, index)) for index, row in enumerate(data)))

    def to_document(self) -> Json:
        """ezkl's JSON form as an object."""
        return {"input_data": [list(row) for row in self.tensors]}


@dataclass(frozen=True, slots=True)
class Witness:
    """A checked execution of a circuit: signed integers in and out, and ezkl's own file for the prover."""

    circuit_id: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    document: str

    @property
    def instances(self) -> tuple[int, ...]:
        """The field elements that a proof of this witness must carry: inputs, then outputs."""
        return tuple(value % BN254_SCALAR_FIELD for value in self.inputs + self.outputs)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof and the field elements that it binds: inputs followed by outputs. `seconds` by stage of its making."""

    circuit_id: str
    zk_proof: bytes
    instances: tuple[int, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def integers(self) -> tuple[int, ...]:
        """The instances as signed integers; raises ValueOutOfRange from 2^63 on in magnitude."""
        return tuple(int_from_felt(felt) for felt in self.instances)

    def to_document(self) -> Json:
        """A JSON object: hex strings for the proof and for each instance."""
        return {
            "circuit_id": self.circuit_id,
            "proof": "0x" + self.zk_proof.hex(),
            "instances": [f"0x{felt:064x}" for felt in self.instances],
            "seconds": dict(self.seconds),
        }

    @classmethod
    def from_document(cls, document: Json) -> Proof:
        """The proof behind to_document's object; raises ProofRejected when it is malformed."""
        try:
            instances = tuple(_felt_from_hex(text) for text in document["instances"])
            return cls(
                circuit_id=str(document["circuit_id"]),
                zk_proof=bytes.fromhex(document["proof"].removeprefix("0x")),
                instances=instances,
                seconds={str(name): float(secs) for name, secs in document.get("seconds", {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, FieldElementError) as error:
            raise ProofRejected(f"not a proof document: {error!r}") from error


def _felt_from_hex(text: str) -> int:
    felt = int(text, 16)
    if not 0 <= felt < BN254_SCALAR_FIELD:
        raise FieldElementError(felt)
    return felt


def _refuse_constant(name: str) -> float:
    raise InputRejected(f"the inputs contain {name}", remedy="every input must be a finite number")


def _flatten(row: Json, tensor: int) -> Sequence[float]:
    """The numbers of one tensor; iterative, since nesting is the caller's."""
    numbers: list[float] = []
    stack = [row]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, bool | int | float):
            numbers.append(_finite(item, tensor, len(numbers)))
        else:
            raise InputRejected(f"input {tensor} has {item!r} at position {len(numbers)}", remedy=INPUT_FORM)
    return numbers


def _finite(item: float, tensor: int, position: int) -> float:
    try:
        number = float(item)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputRejected(
            f"input {tensor} is not finite at position {position}", remedy="every input must be a finite number"
        )
    return number
