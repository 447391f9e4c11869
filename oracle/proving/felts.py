"""ezkl's hex form of field elements: 32 bytes, little endian, no prefix."""

from __future__ import annotations

from collections.abc import Iterable

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import FieldElementError


def hex_from_int(value: int) -> str:
    """ezkl's hex string of a signed integer; exact, unlike a JSON number, which ezkl would quantise again."""
    return (value % BN254_SCALAR_FIELD).to_bytes(32, "little").hex()


def felt_from_hex(text: str) -> int:
    """The field element in [0, p) behind ezkl's hex string; raises FieldElementError beyond the modulus."""
    felt = int.from_bytes(bytes.fromhex(text), "little")
    if felt >= BN254_SCALAR_FIELD:
        raise FieldElementError(felt)
    return felt


def signed(felt: int) -> int:
    """The integer nearest zero that a field element stands for."""
    return felt if felt <= BN254_SCALAR_FIELD // 2 else felt - BN254_SCALAR_FIELD


def ints_from_rows(rows: Iterable[Iterable[str]]) -> list[int]:
    """All values of ezkl's nested hex lists as signed integers, in order."""
    return [signed(felt_from_hex(text)) for row in rows for text in row]
