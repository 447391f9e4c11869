"""Keys: the roles of a local chain's accounts, the operator's key, and the keys that nobody may use elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address
from eth_utils.exceptions import ValidationError

from oracle.chain.signers import RemoteSigner, Signer
from oracle.constants import ANVIL_MNEMONIC, LOCAL_CHAIN_IDS
from oracle.errors import ConfigurationError, UnsafeSetup
from oracle.settings import Settings

ANVIL_ACCOUNTS: Final = 10
# Ganache's accounts under --wallet.deterministic: https://github.com/trufflesuite/ganache
GANACHE_MNEMONIC: Final = "myth like bonus scare over problem client lizard pioneer submit female collect"
DERIVATION: Final = "m/44'/60'/0'/0/{index}"
LARGEST_TOY_KEY: Final = 64  # private keys 1, 2, 3 ...: known to every bot

DEPLOYER: Final = 0
OPERATOR: Final = 1
PUBLISHERS: Final = (2, 3, 4, 5, 6)
LENDER: Final = 7
BORROWER: Final = 8
LIQUIDATOR: Final = 9


@dataclass(frozen=True, slots=True)
class LocalRoles:
    """Who is who on a local chain; Anvil funds each with 10,000 ETH."""

    deployer: LocalAccount
    operator: LocalAccount
    publishers: tuple[LocalAccount, ...]
    lender: LocalAccount
    borrower: LocalAccount
    liquidator: LocalAccount


def anvil_account(index: int) -> LocalAccount:
    """Anvil's account number `index`, 0 to 9."""
    if not 0 <= index < ANVIL_ACCOUNTS:
        raise ConfigurationError(f"Anvil has accounts 0 to {ANVIL_ACCOUNTS - 1}, not {index}")
    return _derived(ANVIL_MNEMONIC, index)


def local_roles(chain_id: int) -> LocalRoles:
    """The roles of a local chain. Raises UnsafeSetup on any other chain."""
    if chain_id not in LOCAL_CHAIN_IDS:
        raise UnsafeSetup(f"the development accounts are public: not on chain {chain_id}", remedy=_KEY_REMEDY)
    return LocalRoles(
        deployer=anvil_account(DEPLOYER),
        operator=anvil_account(OPERATOR),
        publishers=tuple(anvil_account(index) for index in PUBLISHERS),
        lender=anvil_account(LENDER),
        borrower=anvil_account(BORROWER),
        liquidator=anvil_account(LIQUIDATOR),
    )


def operator_account(settings: Settings) -> Signer:
    """The account that pays: operator_key, keystore file or remote signer, else (local chains only) Anvil's operator.

    Raises ConfigurationError for a malformed key or keystore, UnsafeSetup for a well-known key off local chains.
    """
    account = configured_account(settings)
    if account is None:
        if settings.chain_id not in LOCAL_CHAIN_IDS:
            raise ConfigurationError(f"chain {settings.chain_id} needs a key to send with", remedy=_KEY_REMEDY)
        account = anvil_account(OPERATOR)
    refuse_well_known(account.address, settings.chain_id)
    return account


def sending_accounts(settings: Settings) -> list[Signer]:
    """Every account that sends: the operator's first, then those of sender_keys. Raises as `operator_account`."""
    more = settings.sender_keys.get_secret_value().split(",") if settings.sender_keys else []
    accounts: list[Signer] = [operator_account(settings), *(account_from_key(key) for key in more if key.strip())]
    for account in accounts:
        refuse_well_known(account.address, settings.chain_id)
    return accounts


def configured_account(settings: Settings) -> Signer | None:
    """The account of operator_key, keystore or signer_url; None when none is set. Raises ConfigurationError."""
    if sum((settings.operator_key is not None, settings.keystore is not None, bool(settings.signer_url))) > 1:
        raise ConfigurationError(
            "more than one of operator_key, keystore and signer_url is set", remedy="Set one of them."
        )
    if settings.operator_key is not None:
        return account_from_key(settings.operator_key.get_secret_value())
    if settings.keystore is not None:
        return _from_keystore(settings)
    if settings.signer_url:
        return _remote(settings)
    return None


def _remote(settings: Settings) -> RemoteSigner:
    if not is_address(settings.signer_address):
        raise ConfigurationError(
            "signer_url is set without the address that it signs for", remedy="Set PLUMBLINE_SIGNER_ADDRESS."
        )
    return RemoteSigner(settings.signer_url, settings.signer_address)


def account_from_key(key: str) -> LocalAccount:
    """The account of a private key of 32 bytes in hex. Raises ConfigurationError, which never shows the key."""
    try:
        account: LocalAccount = Account.from_key(key.strip())
    except (ValueError, TypeError, ValidationError):  # these quote the key, so they must not be chained
        raise ConfigurationError("the private key is not 32 bytes in hex", remedy=_KEY_REMEDY) from None
    return account


def refuse_well_known(address: str, chain_id: int) -> None:
    """Raises UnsafeSetup when the key behind `address` is public and the chain is not a local one."""
    if chain_id not in LOCAL_CHAIN_IDS and to_checksum_address(address) in well_known_addresses():
        raise UnsafeSetup(
            f"the private key of {address} is public; chain {chain_id} is not a local one", remedy=_KEY_REMEDY
        )


@cache
def well_known_addresses() -> frozenset[str]:
    """Addresses of keys that everybody has: Anvil's and Hardhat's, Ganache's, and the smallest numbers."""
    derived = (_derived(m, i) for m in (ANVIL_MNEMONIC, GANACHE_MNEMONIC) for i in range(2 * ANVIL_ACCOUNTS))
    toys = (Account.from_key(number.to_bytes(32, "big")) for number in range(1, LARGEST_TOY_KEY + 1))
    return frozenset(account.address for account in (*derived, *toys))


_KEY_REMEDY: Final = (
    "Set PLUMBLINE_OPERATOR_KEY, or PLUMBLINE_KEYSTORE and PLUMBLINE_KEYSTORE_PASSWORD_FILE, "
    "or PLUMBLINE_SIGNER_URL and PLUMBLINE_SIGNER_ADDRESS."
)


@cache
def _derived(mnemonic: str, index: int) -> LocalAccount:
    account: LocalAccount = Account.from_key(key_from_seed(_seed(mnemonic), DERIVATION.format(index=index)))
    return account


@cache
def _seed(mnemonic: str) -> bytes:
    return seed_from_mnemonic(mnemonic, "")


def _from_keystore(settings: Settings) -> LocalAccount:
    if settings.keystore is None or settings.keystore_password_file is None:
        raise ConfigurationError("keystore is set without keystore_password_file", remedy=_KEY_REMEDY)
    try:
        encrypted = json.loads(settings.keystore.read_text())
        password = settings.keystore_password_file.read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the keystore cannot be read: {error}", remedy=_KEY_REMEDY) from error
    try:
        return account_from_key(Account.decrypt(encrypted, password).hex())
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise ConfigurationError(
            f"the keystore {settings.keystore} does not open: {error}", remedy="Check the password file."
        ) from None
