"""Revert data to exceptions: the registry behind oracle.chain.reverts."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from oracle.errors import ContractRevert


class ErrorSignature(NamedTuple):
    """A Solidity error: its name, and its arguments' types and names in order."""

    name: str
    types: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> ErrorSignature:
        """From Solidity's own form, `StaleAnswer(uint256 age, uint256 maxStaleness)`; elementary types only."""
        name, _, rest = text.partition("(")
        arguments = [a.split() for a in rest.removesuffix(")").split(",") if a.strip()]
        return cls(name, tuple(a[0] for a in arguments), tuple(a[1] for a in arguments))

    @property
    def selector(self) -> bytes:
        """The first four bytes of the revert data."""
        return keccak(text=f"{self.name}({','.join(self.types)})")[:4]


class AbiRevert(ContractRevert):
    """An error that a contract declares. Subclasses have its name and, in `abi`, its signatures."""

    abi: ClassVar[tuple[str, ...]] = ()
    decoded_as: ErrorSignature | None = None  # which of them it was, where revert data said

    def __init__(self, *values: object, remedy: str = "") -> None:
        super().__init__(type(self).__name__, values, remedy=remedy)

    def __init_subclass__(cls) -> None:
        for text in cls.abi:
            signature = ErrorSignature.parse(text)
            REGISTRY[signature.selector] = (cls, signature)

    @property
    def fields(self) -> dict[str, object]:
        """The arguments by the names that the contract gives them."""
        signatures = [self.decoded_as] if self.decoded_as else map(ErrorSignature.parse, self.abi)
        for signature in signatures:
            if len(signature.fields) == len(self.args_):
                return dict(zip(signature.fields, self.args_, strict=True))
        return {}


REGISTRY: Final[dict[bytes, tuple[type[AbiRevert], ErrorSignature]]] = {}


def decode_registered(data: bytes) -> ContractRevert:
    """The exception for revert data; a plain ContractRevert named after the selector when nobody declares it."""
    if not data:
        return ContractRevert("NoReason", (), remedy="Trace the call; a bad proof and a call of no contract end so.")
    entry = REGISTRY.get(data[:4])
    if entry is None:
        return ContractRevert("0x" + data[:4].hex(), ("0x" + data[4:].hex(),))
    cls, signature = entry
    try:
        revert = cls(*(readable(value) for value in decode(signature.types, data[4:])))
    except (DecodingError, OverflowError):  # the latter of a length that no index can be
        return ContractRevert(signature.name, ("0x" + data[4:].hex(),))
    revert.decoded_as = signature
    return revert


def readable(value: object) -> object:
    """ABI-decoded bytes as 0x-hex, containers too; everything else unchanged."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return tuple(readable(item) for item in value)
    return value
