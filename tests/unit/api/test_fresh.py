"""Answers kept for a moment: made once for all who ask, dropped when something changed, not kept when they fail."""

from __future__ import annotations

import asyncio
import threading

import pytest

from oracle.api.fresh import MAX_KEPT, Fresh


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
