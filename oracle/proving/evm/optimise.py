"""From a generated verifier's source to one that accepts the same proofs for less gas."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from oracle.errors import VerifierNotUnderstood
from oracle.proving.evm.machine import Machine, Reading
from oracle.proving.evm.program import Program
from oracle.proving.evm.yul import parse_block

_CONSTANT: Final = re.compile(r"uint256 internal constant\s+(\w+)\s*=\s*(\w+)\s*;")
_ASSEMBLY: Final = re.compile(
    r"function verifyProof\(\s*bytes calldata proof,\s*uint256\[\] calldata instances\s*\)"
    r"\s*public returns \(bool\) \{\s*assembly (?P<body>\{.*\})\s*\}\s*\}\s*\Z",
    re.S,
)


def optimise(source: str, input_count: int) -> str:
    """The rewritten source; `input_count` of the instances are inputs, the others outputs.

    Raises VerifierNotUnderstood for a source that is not exactly of the known form.
    """
    reading = read(source)
    if not 0 < input_count < reading.instance_count:
        raise VerifierNotUnderstood(f"{input_count} inputs among {reading.instance_count} instances")
    return Program(reading, input_count).contract()


def read(source: str) -> Reading:
    """What a generated verifier does. Raises VerifierNotUnderstood."""
    found = _ASSEMBLY.search(source)
    if found is None:
        raise VerifierNotUnderstood("no function verifyProof of the known form")
    constants = {name: int(value, 0) for name, value in _CONSTANT.findall(source)}
    return Machine(constants, sha256(source.encode()).digest()).run(parse_block(found["body"]))
