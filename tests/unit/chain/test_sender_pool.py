"""Several sending keys as one: shared, repeated by the same, passed over when poor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from oracle.chain.accounts import anvil_account
from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.sender import Sender
from oracle.chain.sender_pool import SenderPool
from oracle.domain.outbox import MemoryOutbox
from oracle.errors import ConfigurationError, NotFound, UnfundedKey
from tests.support.counter import count, deploy_counter
from tests.support.market import settings_in

POOR = Account.from_key("0x" + "5b" * 32)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ChainClient]:
    process = AnvilProcess.start(settings_in(tmp_path), timestamp=1_700_000_000)
    yield ChainClient.connect(settings_in(tmp_path), process.rpc_url)
    process.stop()


def pool_of(client: ChainClient, outbox: MemoryOutbox, *accounts: object) -> SenderPool:
    return SenderPool(client, [Sender(client, account, outbox) for account in accounts], outbox)  # type: ignore[arg-type]


def test_send__two_keys__share_and_repeat_by_the_same(client: ChainClient) -> None:
    outbox, first, second = MemoryOutbox(), anvil_account(1), anvil_account(8)
    counter = deploy_counter(Sender(client, anvil_account(0), MemoryOutbox()))
    pool = pool_of(client, outbox, first, second)
    sent = {key: pool.send(key, counter, b"")["from"] for key in ("a", "b", "c", "d", "e", "f")}
    assert set(sent.values()) == {first.address, second.address}
    assert {key: pool.send(key, counter, b"")["from"] for key in sent} == sent
    assert count(client, counter) == 6


def test_send__named_key__sends_by_it(client: ChainClient) -> None:
    pool = pool_of(client, MemoryOutbox(), anvil_account(1), anvil_account(8))
    receipt = pool.send("a", anvil_account(9).address, b"", 1, by=anvil_account(8).address)
    assert receipt["from"] == anvil_account(8).address
    with pytest.raises(NotFound):
        pool.send("b", anvil_account(9).address, b"", 1, by=anvil_account(7).address)


def test_send__key_below_its_floor__passed_over(client: ChainClient) -> None:
    pool = pool_of(client, MemoryOutbox(), POOR, anvil_account(8))
    senders = {pool.send(key, POOR.address, b"", 1)["from"] for key in ("a", "b", "c", "d")}
    assert senders == {anvil_account(8).address}


def test_send__every_key_below_its_floor__says_who_has_to_be_funded(client: ChainClient) -> None:
    with pytest.raises(UnfundedKey) as caught:
        pool_of(client, MemoryOutbox(), POOR, Account.from_key("0x" + "5c" * 32)).send("a", POOR.address, b"")
    assert POOR.address in caught.value.remedy


def test_sender_pool__same_key_twice__refused(client: ChainClient) -> None:
    with pytest.raises(ConfigurationError):
        pool_of(client, MemoryOutbox(), anvil_account(1), anvil_account(1))
