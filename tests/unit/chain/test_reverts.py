"""Every error that a compiled contract declares has a class of its name and arguments."""

from __future__ import annotations

import pytest
from eth_abi import encode
from eth_utils import keccak

from oracle.chain import build, reverts
from oracle.chain.abi_revert import REGISTRY, AbiRevert, ErrorSignature
from oracle.errors import ContractRevert, SkipCycle
from oracle.settings import Settings
from scripts.reverts import with_signatures

TWICE = ("DeclaredTwice(uint256 age)", "DeclaredTwice(address who)")


def declared_errors(settings: Settings) -> dict[bytes, str]:
    """Selector to signature, as it stands in reverts.py."""
    found = {}
    for artifact in build.load_all(settings).values():
        for entry in artifact.abi:
            if entry["type"] == "error":
                inputs = [f"{i['type']} {i['name'] or f'arg{n}'}" for n, i in enumerate(entry["inputs"])]
                text = f"{entry['name']}({', '.join(inputs)})"
                found[ErrorSignature.parse(text).selector] = text
    return found


def test_registry__every_abi_error__has_its_class(settings: Settings, compiled: object) -> None:
    declared = declared_errors(settings)
    missing = [text for selector, text in declared.items() if selector not in REGISTRY]
    lines = [f'class {text.partition("(")[0]}(AbiRevert):\n    abi = ("{text}",)' for text in sorted(missing)]
    assert not missing, "add to oracle/chain/reverts.py:\n\n" + "\n\n\n".join(lines)
    assert len(declared) > 50


def test_registry__every_class__is_named_as_its_error() -> None:
    assert [cls.__name__ for cls, signature in REGISTRY.values() if cls.__name__ != signature.name] == []
    assert all(getattr(reverts, cls.__name__) is cls for cls, _ in REGISTRY.values())


def test_decode_revert__custom_error__class_and_arguments() -> None:
    data = keccak(text="StaleAnswer(uint256,uint256)")[:4] + encode(("uint256", "uint256"), (7, 5))
    error = reverts.decode_revert(data)
    assert type(error) is reverts.StaleAnswer
    assert isinstance(error, SkipCycle)
    assert error.args_ == (7, 5)
    assert error.fields == {"age": 7, "maxStaleness": 5}
    assert str(error) == "StaleAnswer(7, 5)"


def test_decode_revert__bytes_argument__hex() -> None:
    data = keccak(text="UnsupportedProofSystem(bytes4)")[:4] + encode(("bytes4",), (b"\x01\x02\x03\x04",))
    assert reverts.decode_revert(data).args_ == ("0x01020304",)


def test_decode_revert__length_that_no_index_can_be__name_and_raw_words() -> None:
    words = (32).to_bytes(32) + b"\xff" * 32
    error = reverts.decode_revert(keccak(text="Error(string)")[:4] + words)
    assert (error.name, error.args_) == ("Error", ("0x" + words.hex(),))


def test_decode_revert__require_text__error() -> None:
    error = reverts.decode_revert(keccak(text="Error(string)")[:4] + encode(("string",), ("no",)))
    assert isinstance(error, reverts.Error)
    assert error.args_ == ("no",)


def test_decode_revert__panic__says_which() -> None:
    error = reverts.decode_revert(keccak(text="Panic(uint256)")[:4] + encode(("uint256",), (0x11,)))
    assert isinstance(error, reverts.Panic)
    assert error.remedy == "arithmetic overflow"


def test_decode_revert__nothing__no_reason() -> None:
    assert reverts.decode_revert(b"").name == "NoReason"


def test_decode_revert__second_signature_of_a_name__its_own_argument_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for selector in [ErrorSignature.parse(text).selector for text in TWICE]:
        monkeypatch.setitem(REGISTRY, selector, None)  # type: ignore[misc]
    declared = type("DeclaredTwice", (AbiRevert,), {"abi": TWICE})
    for text, types, name in zip(TWICE, ("uint256", "address"), ("age", "who"), strict=True):
        value = 7 if types == "uint256" else "0x" + 40 * "1"
        error = reverts.decode_revert(ErrorSignature.parse(text).selector + encode((types,), (value,)))
        assert isinstance(error, declared)
        assert error.fields == {name: value}


def test_with_signatures__second_one_of_a_known_class__added_behind_its_own() -> None:
    known = f'class DeclaredTwice(AbiRevert):\n    remedy = "Wait."\n    abi = ("{TWICE[0]}",)'
    both = f'class DeclaredTwice(AbiRevert):\n    remedy = "Wait."\n    abi = ("{TWICE[0]}", "{TWICE[1]}",)'
    assert with_signatures(known, [*TWICE]) == both
    assert with_signatures(both, ["DeclaredTwice(uint256 seconds)", TWICE[1]]) == both  # other names, no other selector
    assert with_signatures("class DeclaredTwice(AbiRevert):", [TWICE[1]]).endswith(f'    abi = ("{TWICE[1]}",)')


@pytest.mark.parametrize("data", [b"\x12\x34\x56\x78\xff", b"\x01"])
def test_decode_revert__unknown__named_by_selector(data: bytes) -> None:
    error = reverts.decode_revert(data)
    assert type(error) is ContractRevert
    assert error.name == "0x" + data[:4].hex()


def test_decode_revert__truncated_arguments__name_and_raw_data() -> None:
    error = reverts.decode_revert(keccak(text="StaleAnswer(uint256,uint256)")[:4] + b"\x01")
    assert not isinstance(error, AbiRevert)
    assert (error.name, error.args_) == ("StaleAnswer", ("0x01",))
