"""Answers kept for a moment: made once for all who ask, dropped when something changed, not kept when they fail."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.types import Message, Receive, Scope, Send

from oracle.api.fresh import MAX_KEPT, Fresh, KeptReads, read_key


class Source:
    def __init__(self) -> None:
        self.calls = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> bytes:
        self.calls += 1
        number = self.calls
        assert self.go_on.wait(10)
        return b"%d" % number


def test_get__many_at_once__made_once() -> None:
    async def run() -> None:
        fresh, source = Fresh(60.0), Source()
        assert await asyncio.gather(*(fresh.get("a", source) for _ in range(50))) == [b"1"] * 50
        assert await fresh.get("a", source) == b"1"
        assert await fresh.get("b", source) == b"2"

    asyncio.run(run())


def test_get__time_over__made_again() -> None:
    async def run() -> None:
        fresh, source = Fresh(0.0), Source()
        assert [await fresh.get("a", source) for _ in range(3)] == [b"1", b"2", b"3"]

    asyncio.run(run())


def test_forget__while_one_is_made__who_asks_afterwards_gets_a_new_one() -> None:
    async def run() -> None:
        fresh, source = Fresh(60.0), Source()
        source.go_on.clear()
        before = asyncio.create_task(fresh.get("a", source))
        while source.calls == 0:
            await asyncio.sleep(0.001)
        fresh.forget()
        after = asyncio.create_task(fresh.get("a", source))
        while source.calls == 1:
            await asyncio.sleep(0.001)
        source.go_on.set()
        assert (await before, await after) == (b"1", b"2")
        assert await fresh.get("a", source) == b"2"

    asyncio.run(run())


def test_get__failure__raised_to_all_and_not_kept() -> None:
    async def run() -> None:
        fresh = Fresh(60.0)

        def fail() -> bytes:
            raise ValueError("no")

        found = await asyncio.gather(*(fresh.get("a", fail) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in found] == [ValueError] * 3
        assert await fresh.get("a", lambda: b"good") == b"good"

    asyncio.run(run())


def test_get__asker_gone__others_are_answered() -> None:
    async def run() -> None:
        fresh, source = Fresh(60.0), Source()
        source.go_on.clear()
        gone, stays = (asyncio.create_task(fresh.get("a", source)) for _ in range(2))
        while source.calls == 0:
            await asyncio.sleep(0.001)
        gone.cancel()
        source.go_on.set()
        assert await stays == b"1"
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(run())


def test_get__many_keys__bounded() -> None:
    async def run() -> None:
        fresh = Fresh(60.0)
        for number in range(MAX_KEPT + 5):
            await fresh.get(number, lambda: b"")
        assert len(fresh._kept) <= MAX_KEPT

    asyncio.run(run())


def test_at__same_block__made_once_and_again_at_the_next() -> None:
    async def run() -> None:
        fresh, source, block = Fresh(0.0), Source(), [b"block 1"]
        assert [await fresh.at("a", lambda: block[0], source) for _ in range(3)] == [b"1"] * 3
        block[0] = b"block 2"
        assert [await fresh.at("a", lambda: block[0], source) for _ in range(2)] == [b"2"] * 2
        block[0] = b"block 1"  # a reorg
        assert await fresh.at("a", lambda: block[0], source) == b"3"

    asyncio.run(run())


def test_peek__block_known_for_a_while__given_until_it_is_too_old() -> None:
    async def run() -> None:
        fresh, source, block = Fresh(0.05), Source(), [b"block 1"]
        assert fresh.peek("a") is None
        await fresh.at("a", lambda: block[0], source)
        assert fresh.peek("a") == b"1"
        block[0] = b"block 2"
        fresh.recheck()
        assert fresh.peek("a") is None
        assert await fresh.at("a", lambda: block[0], source) == b"2"
        await asyncio.sleep(0.06)
        assert fresh.peek("a") is None  # nobody has asked for the newest block for too long
        await fresh.at("a", lambda: block[0], source)
        until = asyncio.get_running_loop().time() + 0.2
        while asyncio.get_running_loop().time() < until:  # who reads keeps it known, and waits for nothing
            assert fresh.peek("a") == b"2"
            await asyncio.sleep(0.002)

    asyncio.run(run())


def test_kept_reads__given_for_the_same_read_alone() -> None:
    reached: list[str] = []
    said: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["method"])

    async def send(message: Message) -> None:
        said.append(message.get("body", b""))

    async def run() -> None:
        fresh = Fresh(60.0)
        reads = KeptReads(app, fresh=fresh)
        read = {"type": "http", "method": "GET", "path": "/a", "query_string": b"", "headers": []}
        await fresh.get(read_key(read), lambda: b"{}")
        await reads(read, lambda: None, send)  # type: ignore[arg-type]
        assert b"".join(said) == b"{}"
        assert reached == []
        others = (
            {"query_string": b"x=1"},
            {"path": "/b"},
            {"method": "POST"},
            {"headers": [(b"content-length", b"1")]},
        )
        for other in others:
            await reads({**read, **other}, lambda: None, send)  # type: ignore[arg-type]
        assert reached == ["GET", "GET", "POST", "GET"]

    asyncio.run(run())
