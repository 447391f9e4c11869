"""Waiting for blocks on a real Anvil, and the forecast of the next one over given arrivals."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.heads import HeadWatch
from tests.support.market import settings_in


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChainClient]:
    settings = settings_in(tmp_path_factory.mktemp("heads"))
    process = AnvilProcess.start(settings)
    yield ChainClient.connect(settings, process.rpc_url)
    process.stop()


def test_wait__many_at_once__told_of_the_next_block_and_of_a_reorg(client: ChainClient) -> None:
    client.mine(3)
    before = client.head().hash
    assert client.heads.wait(b"", 10) == before == client.heads.newest()
    told: list[bytes] = []
    threads = [threading.Thread(target=lambda: told.append(client.heads.wait(before, 10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    client.mine()
    for thread in threads:
        thread.join(10)
    assert told == [client.head().hash] * 4
    client.rpc("anvil_reorg", 1, [])
    assert client.heads.wait(told[0], 10) == client.head().hash != told[0]


def test_wait__no_block_comes__ends_with_the_old_one(client: ChainClient) -> None:
    newest = client.head().hash
    assert client.heads.wait(newest, 0.05) == newest


@dataclass(frozen=True)
class _Head:
    number: int
    hash: bytes
    timestamp: int


def test_next_in__two_blocks_seen_in_time__their_distance_ahead() -> None:
    heads = [_Head(1, b"a", 100), _Head(2, b"b", 112)]
    watch = HeadWatch(lambda: heads[0], poll_secs=0.001)
    assert watch.next_in() is None
    watch.wait(b"", 1)
    assert watch.next_in() is None
    del heads[0]
    assert watch.wait(b"a", 1) == b"b"
    left = watch.next_in()
    assert left is not None
    assert 0 < left <= 12


def test_next_in__block_not_seen_as_it_came__unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = [_Head(1, b"a", 100), _Head(2, b"b", 112)]
    watch = HeadWatch(lambda: heads[0], poll_secs=0.001)
    watch.wait(b"", 1)
    del heads[0]
    now = time.monotonic()
    monkeypatch.setattr("oracle.chain.heads.time.monotonic", lambda: now + 60)
    assert watch.wait(b"a", 1) == b"b"
    assert watch.next_in() is None
