"""Whether a contract on chain is one of this project's: its code equals the compiled one but for immutables."""

from __future__ import annotations

from typing import Final

from oracle.chain import build
from oracle.chain.client import ChainClient

# An immutable stands in the code as PUSH32 and 32 bytes, zero until the constructor fills them in
_PUSH32: Final = 0x7F
_WORD: Final = 32


def matches_artifact(client: ChainClient, name: str, address: str) -> bool:
    """True when the contract at `address` has the code of contract `name` in build/."""
    return equal_but_immutables(client.code(address), build.load(client.settings, name).deployed_bytecode)


def equal_but_immutables(code: bytes, compiled: bytes) -> bool:
    """True when `code` is `compiled` with other words in places where `compiled` pushes a word of zeros."""
    if len(code) != len(compiled):
        return False
    position = 0
    while position < len(compiled):
        if code[position] != compiled[position]:
            return False
        end = position + 1 + _WORD
        if compiled[position] == _PUSH32 and not any(compiled[position + 1 : end]):
            position = end
        else:
            position += 1
    return True
