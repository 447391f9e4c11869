"""Which keys are used, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from pydantic import SecretStr

from oracle.chain.accounts import (
    account_from_key,
    anvil_account,
    local_roles,
    operator_account,
    refuse_well_known,
    well_known_addresses,
)
from oracle.errors import ConfigurationError, UnsafeSetup
from oracle.settings import Settings

OWN_KEY = "0x" + "5b" * 32
MAINNET = 1


def configured(**changed: object) -> Settings:
    return Settings(**changed)  # type: ignore[arg-type]


def test_anvil_account__first_and_last__those_anvil_prints() -> None:
    assert anvil_account(0).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert anvil_account(9).address == "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"


@pytest.mark.parametrize("index", [-1, 10])
def test_anvil_account__no_such__configuration_error(index: int) -> None:
    with pytest.raises(ConfigurationError):
        anvil_account(index)


def test_local_roles__local_chain__ten_different_accounts() -> None:
    roles = local_roles(31337)
    everyone = (roles.deployer, roles.operator, *roles.publishers, roles.lender, roles.borrower, roles.liquidator)
    assert [account.address for account in everyone] == [anvil_account(i).address for i in range(10)]


def test_local_roles__other_chain__unsafe() -> None:
    with pytest.raises(UnsafeSetup):
        local_roles(MAINNET)


def test_operator_account__nothing_set_on_local_chain__anvils_operator() -> None:
    assert operator_account(configured()).address == anvil_account(1).address


def test_operator_account__nothing_set_elsewhere__says_what_to_set() -> None:
    with pytest.raises(ConfigurationError) as caught:
        operator_account(configured(chain_id=MAINNET))
    assert "PLUMBLINE_OPERATOR_KEY" in caught.value.remedy


def test_operator_account__own_key__used_anywhere() -> None:
    settings = configured(chain_id=MAINNET, operator_key=SecretStr(OWN_KEY))
    assert operator_account(settings).address == Account.from_key(OWN_KEY).address


@pytest.mark.parametrize("key", [bytes(anvil_account(0).key).hex(), bytes(31).hex() + "01"])
def test_operator_account__public_key_elsewhere__unsafe(key: str) -> None:
    with pytest.raises(UnsafeSetup):
        operator_account(configured(chain_id=MAINNET, operator_key=SecretStr(key)))


def test_well_known_addresses__ganache_and_hardhat__included() -> None:
    # ganache --wallet.deterministic, account 0; Hardhat's account 19
    known = {"0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1", "0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199"}
    assert known <= well_known_addresses()
    refuse_well_known("0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1", 1337)


@pytest.mark.parametrize("key", ["", "0x12", "zz" * 32, "00" * 32, "ff" * 32])
def test_account_from_key__malformed__refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        account_from_key(key)
    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None


def keystore(folder: Path, password: str) -> tuple[Path, Path]:
    encrypted = Account.encrypt(OWN_KEY, "right", iterations=2)
    (folder / "key.json").write_text(json.dumps(encrypted))
    (folder / "password").write_text(password + "\n")
    return folder / "key.json", folder / "password"


def test_operator_account__keystore__opened(tmp_path: Path) -> None:
    key, password = keystore(tmp_path, "right")
    settings = configured(chain_id=MAINNET, keystore=key, keystore_password_file=password)
    assert operator_account(settings).address == Account.from_key(OWN_KEY).address


def test_operator_account__wrong_password__configuration_error(tmp_path: Path) -> None:
    key, password = keystore(tmp_path, "wrong")
    with pytest.raises(ConfigurationError):
        operator_account(configured(keystore=key, keystore_password_file=password))


def test_operator_account__keystore_missing_or_broken__configuration_error(tmp_path: Path) -> None:
    key, password = keystore(tmp_path, "right")
    key.write_text("{")
    for path in (key, tmp_path / "none"):
        with pytest.raises(ConfigurationError):
            operator_account(configured(keystore=path, keystore_password_file=password))


def test_operator_account__no_password_file__configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        operator_account(configured(keystore=keystore(tmp_path, "right")[0]))


def test_operator_account__key_and_keystore__configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        operator_account(configured(operator_key=SecretStr(OWN_KEY), keystore=tmp_path))
