"""A contract of a few bytes that counts its calls, and reverts when it gets data: for tests of sending."""

from __future__ import annotations

from oracle.chain.client import ChainClient, checked_address
from oracle.chain.sender import Sender

# if calldatasize jump | slot 0 += 1, stop | jumpdest: revert(0, 0)
_RUNTIME = bytes.fromhex("36600c57" + "5f546001015f5500" + "5b5f5ffd")
CREATION = bytes([0x60, len(_RUNTIME), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + _RUNTIME


def deploy_counter(sender: Sender) -> str:
    """Its address."""
    return str(sender.send("counter", None, CREATION)["contractAddress"])


def count(client: ChainClient, counter: str) -> int:
    """How many calls landed."""
    return int.from_bytes(client.web3.eth.get_storage_at(checked_address(counter), 0), "big")
