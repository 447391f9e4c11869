"""Reads what a contract reverted with, by the ABIs in build/."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eth_abi import decode
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from web3.exceptions import ContractLogicError, Web3RPCError

from oracle.chain import build
from oracle.settings import Settings

BUILT_IN = ({"type": "error", "name": "Error", "inputs": [{"type": "string"}]},
            {"type": "error", "name": "Panic", "inputs": [{"type": "uint256"}]})  # fmt: skip


@dataclass(frozen=True)
class RevertError:
    """A decoded revert: the error's name and arguments. Without data, the name is empty."""

    name: str
    args: tuple[Any, ...] = ()


class RevertDecoder:
    """Knows every error of every compiled contract."""

    def __init__(self, settings: Settings) -> None:
        abis = [artifact.abi for artifact in build.load_all(settings).values()]
        entries = [e for abi in abis for e in abi if e["type"] == "error"]
        self.by_selector: dict[bytes, Any] = {
            function_signature_to_4byte_selector(abi_to_signature(e)): e for e in [*BUILT_IN, *entries]
        }

    def decode(self, data: bytes) -> RevertError:
        """The error behind revert data."""
        if not data:
            return RevertError("")
        entry = self.by_selector.get(data[:4])
        if entry is None:
            return RevertError("0x" + data.hex())
        return RevertError(entry["name"], tuple(decode(get_abi_input_types(entry), data[4:])))

    def of(self, error: BaseException) -> RevertError:
        """The error behind an exception of web3."""
        if isinstance(error, ContractLogicError):
            data = error.data
        elif isinstance(error, Web3RPCError) and error.rpc_response:
            data = error.rpc_response["error"].get("data")
        else:
            raise error
        return self.decode(bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b"")

    @contextlib.contextmanager
    def expect(self, name: str, *args: Any) -> Iterator[None]:
        """The body must revert with exactly this error and these arguments."""
        with self._caught(f"{name}{args}") as caught:
            yield
        actual = self.of(caught[0])
        assert (actual.name, normal(actual.args)) == (name, normal(args))

    @contextlib.contextmanager
    def expect_any(self, *names: str) -> Iterator[None]:
        """The body must revert with one of these errors: for what chance decides, such as a recovered signer."""
        with self._caught(" or ".join(names)) as caught:
            yield
        assert self.of(caught[0]).name in names

    @contextlib.contextmanager
    def _caught(self, expected: str) -> Iterator[list[BaseException]]:
        caught: list[BaseException] = []
        try:
            yield caught
        except (ContractLogicError, Web3RPCError) as error:
            caught.append(error)
        assert caught, f"expected {expected}, but nothing reverted"


def normal(value: Any) -> Any:
    """Addresses in one case and sequences as tuples, so that values compare."""
    if isinstance(value, list | tuple):
        return tuple(normal(v) for v in value)
    if isinstance(value, str) and value.startswith("0x"):
        return value.lower()
    return bytes(value) if isinstance(value, bytes | bytearray) else value
