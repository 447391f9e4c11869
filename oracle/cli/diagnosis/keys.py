"""The keys that send: who can read their files, and what they have on chain."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from oracle.chain.accounts import configured_account, sending_accounts
from oracle.chain.client import ChainClient
from oracle.cli.diagnosis.check import Check, broken, note, ok
from oracle.settings import Settings
from oracle.units import WAD


def check_keys(settings: Settings) -> Iterator[Check]:
    """Every sending key opens, and only its owner can read the files that it is in."""
    for name, path in (("keystore", settings.keystore), ("keystore password", settings.keystore_password_file)):
        if path is None or not path.exists():
            continue  # a missing one is told of where the key is opened
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield broken(name, f"others can read or change {path} (mode {mode:o})", f"chmod 600 {path}")
        else:
            yield ok(name, f"{path}, its owner's alone")
    own = configured_account(settings) is not None
    accounts = sending_accounts(settings)
    yield ok("key", f"{accounts[0].address} ({'configured' if own else 'a development key, for local chains only'})")
    for account in accounts[1:]:
        yield ok("sender key", account.address)


def check_balances(settings: Settings, client: ChainClient) -> Iterator[Check]:
    """What each sending key has, against the floor below which it is not used. One that can send is enough."""
    floor = int(settings.balance_floor_eth * WAD)
    balances = {account.address: client.balance(account.address) for account in sending_accounts(settings)}
    for address, balance in balances.items():
        told = f"{address} has {balance / WAD:.4f} of the coin of chain {client.chain_id}"
        if balance and balance >= floor:
            yield ok("balance", told)
            continue
        detail = f"{told}, below the floor of {floor / WAD:g}"
        remedy = f"send {address} some of its coin, or lower PLUMBLINE_BALANCE_FLOOR_ETH"
        yield (
            broken("balance", detail, remedy)
            if max(balances.values()) < max(floor, 1)
            else note("balance", detail, remedy)
        )
