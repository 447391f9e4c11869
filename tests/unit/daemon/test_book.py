"""The order book's service on a real chain: orders taken, committed, settled, and what a log check finds."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from fastapi import FastAPI

from oracle.api.app import create_app
from oracle.chain.book_check import check_log, check_receipt
from oracle.chain.client import ChainClient
from oracle.chain.matching import OrderMatching
from oracle.chain.sender import Sender
from oracle.cli import books
from oracle.cli.wiring import opened_database
from oracle.daemon.book import BookService
from oracle.domain.matching_log import Order, cancel_digest, proven_root
from oracle.errors import ConfigurationError, Conflict, ContractRevert, InvalidInput, NotFound, ProofRejected
from oracle.settings import Settings
from oracle.store.book import BookStore
from oracle.store.outbox import SqlOutbox
from tests.support.local_chain import LocalChain, account
from tests.support.matching import FIRST, OPERATOR, SECOND, THIRD, MatchingWorld, deploy_matching, list_series
from tests.support.options import WAD

PRICE = 100 * WAD


class Desk:
    """A served book, and what traders do there."""

    def __init__(self, world: MatchingWorld, service: BookService, store: BookStore, client: ChainClient) -> None:
        self.world, self.service, self.store = world, service, store
        self.matching = OrderMatching(client, world.matching.address)
        self.client = client
        self.series_id = list_series(world)

    def sign(self, order: Order, signer: int) -> bytes:
        digest = order.digest(self.world.domain)
        return bytes(Account.unsafe_sign_hash(digest, account(signer).key).signature)

    def order(self, trader: int, is_buy: bool, price: int, amount: int = WAD, **changes: Any) -> tuple[Order, bytes]:
        order = self.world.order(trader, self.series_id, is_buy, price, amount, **changes)
        return order, self.sign(order, trader)

    def cancellation(self, order: Order, signer: int) -> bytes:
        digest = cancel_digest(self.world.domain, order.digest(self.world.domain))
        return bytes(Account.unsafe_sign_hash(digest, account(signer).key).signature)


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> MatchingWorld:
    return deploy_matching(chain)


@pytest.fixture
def desk(chain: LocalChain, _world: MatchingWorld, tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(state_dir=tmp_path, rpc_url=chain.rpc_url)
    _world.options.refresh()
    twin = copy.deepcopy(_world.twin)
    twin.around.book.feeds = _world.options.model().feeds  # type: ignore[attr-defined]
    world = MatchingWorld(_world.options, _world.matching, twin, twin.around)  # type: ignore[arg-type]
    client = ChainClient.connect(settings, chain.rpc_url)
    with opened_database(settings) as database:
        sender = Sender(client, account(OPERATOR), SqlOutbox(database, "test"))
        store = BookStore(database, "test")
        service = BookService(
            client, sender, account(OPERATOR), store, world.matching.address, clock=lambda: float(chain.now())
        )
        yield Desk(world, service, store, client)


def test_advance__crossing_orders__committed_and_settled_on_chain(desk: Desk) -> None:
    taken = [
        desk.service.place(*desk.order(FIRST, False, PRICE, 3 * WAD)),
        desk.service.place(*desk.order(SECOND, True, PRICE + 1, WAD)),
    ]
    assert [t.index for t in taken] == [0, 1]
    assert desk.service.depth(desk.series_id).asks == [(PRICE, 2 * WAD)]
    assert [f.amount for f in desk.service.pending_fills(desk.series_id)] == [WAD]
    assert desk.service.advance(desk.series_id)
    assert not desk.service.advance(desk.series_id)
    (settled,) = desk.service.fills(desk.series_id)
    assert (settled.fill.amount, settled.fill.price, settled.fill.maker_index) == (WAD, PRICE, 0)
    assert desk.service.pending_fills(desk.series_id) == []
    depth = desk.service.depth(desk.series_id)
    assert (depth.asks, depth.entries, depth.settled) == ([(PRICE, 2 * WAD)], 2, 2)
    assert desk.world.options.account(account(SECOND).address)["positions"][0][3] == WAD


def test_advance__chain_drops_an_order__the_book_is_the_chains(desk: Desk) -> None:
    desk.service.place(*desk.order(FIRST, False, 50 * WAD, 1_000 * WAD))
    desk.service.place(*desk.order(SECOND, True, PRICE, 10 * WAD))
    assert desk.service.depth(desk.series_id).asks == [(50 * WAD, 990 * WAD)]
    desk.world.options.call("setOperator", desk.world.matching.address, False, sender=account(FIRST).address)
    desk.service.advance(desk.series_id)
    depth = desk.service.depth(desk.series_id)
    assert (depth.bids, depth.asks) == ([(PRICE, 10 * WAD)], [])
    assert desk.service.fills(desk.series_id) == []


def test_advance__another_process_settled__taken_over(desk: Desk) -> None:
    desk.service.place(*desk.order(FIRST, False, PRICE))
    desk.service.place(*desk.order(SECOND, True, PRICE))
    entries = desk.store.entries(desk.series_id)
    desk.world.commit(desk.series_id, entries)
    desk.world.settle(desk.series_id, entries)
    assert not desk.service.advance(desk.series_id)
    assert len(desk.service.fills(desk.series_id)) == 1
    assert desk.service.depth(desk.series_id).settled == 2


def test_place__what_the_contract_refuses__refused_with_its_reason(desk: Desk) -> None:
    order, signature = desk.order(FIRST, True, PRICE)
    with pytest.raises(ContractRevert, match="InvalidSignature"):
        desk.service.place(order, desk.sign(order, SECOND))
    with pytest.raises(ContractRevert, match="OrderLotMismatch"):
        desk.service.place(*desk.order(FIRST, True, PRICE, WAD + 1))
    with pytest.raises(ContractRevert, match="OrderExpired"):
        desk.service.place(*desk.order(FIRST, True, PRICE, expiry=1))
    with pytest.raises(NotFound):
        desk.service.place(replace(order, series_id=7), signature)
    desk.service.place(order, signature)
    with pytest.raises(Conflict):
        desk.service.place(order, signature)
    assert desk.store.count(desk.series_id) == 1


def test_cancel__resting_order__gone_at_once_and_on_chain(desk: Desk) -> None:
    order, signature = desk.order(FIRST, True, PRICE)
    digest = order.digest(desk.world.domain)
    with pytest.raises(NotFound):
        desk.service.cancel(digest, b"")
    desk.service.place(order, signature)
    desk.service.advance(desk.series_id)
    with pytest.raises(ContractRevert, match="InvalidSignature"):
        desk.service.cancel(digest, desk.cancellation(order, SECOND))
    desk.service.cancel(digest, desk.cancellation(order, FIRST))
    assert desk.service.depth(desk.series_id).bids == []
    with pytest.raises(Conflict):
        desk.service.cancel(digest, desk.cancellation(order, FIRST))
    desk.service.advance(desk.series_id)
    assert desk.matching.log(desk.series_id).book_hash == bytes(32)


def test_inclusion__committed_entry__proves_against_the_contracts_root(desk: Desk) -> None:
    for n in range(3):
        desk.service.place(*desk.order(FIRST, True, PRICE + n))
    with pytest.raises(NotFound):
        desk.service.inclusion(desk.series_id, 1)
    desk.service.advance(desk.series_id)
    found = desk.service.inclusion(desk.series_id, 1)
    assert proven_root(found.leaf, found.proof) == desk.matching.batch(desk.series_id, 0).root == found.root


def test_check_log__as_committed__facts(desk: Desk) -> None:
    taken = desk.service.place(*desk.order(FIRST, False, PRICE))
    desk.service.place(*desk.order(SECOND, True, PRICE, 2 * WAD))
    desk.service.advance(desk.series_id)
    desk.service.place(*desk.order(THIRD, False, PRICE))
    desk.service.advance(desk.series_id)
    entries = desk.store.entries(desk.series_id)
    facts = check_log(desk.matching, desk.series_id, entries)
    assert (facts["entries"], facts["settled"], facts["batches"], facts["fills"]) == (3, 3, 2, 2)
    check_receipt(desk.matching, entries, taken.receipt)
    with pytest.raises(ProofRejected, match="not the receipt's"):
        check_receipt(desk.matching, entries, replace(taken.receipt, index=1))


def test_check_log__left_out_moved_or_changed__refused(desk: Desk) -> None:
    for n in range(3):
        desk.service.place(*desk.order(FIRST, True, PRICE + n))
    desk.service.advance(desk.series_id)
    entries = desk.store.entries(desk.series_id)
    later = replace(entries[0], order=replace(entries[0].order, price=PRICE + 9))
    for wrong in ([*entries[:1], *entries[2:], entries[1]], [later, *entries[1:]]):
        with pytest.raises(ProofRejected, match="left out, moved or changed"):
            check_log(desk.matching, desk.series_id, wrong)
    with pytest.raises(ProofRejected, match="goes on to 2"):
        check_log(desk.matching, desk.series_id, entries[:2])


def test_build__key_of_another__refused(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="not the operator"):
        BookService(desk.client, desk.service._sender, account(FIRST), desk.store, desk.world.matching.address)


# --- over HTTP, and the command's reading of what came over it


class _Stub:
    """The part of a service that the app itself touches."""

    stopping = threading.Event()


class Api:
    """The app without a socket."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._call("GET", path))

    def post(self, path: str, json: object) -> httpx.Response:
        return asyncio.run(self._call("POST", path, json=json))

    async def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **arguments)


@pytest.fixture
def api(desk: Desk) -> Api:
    return Api(create_app(_Stub(), book=desk.service))  # type: ignore[arg-type]


def body(order: Order, signature: bytes) -> dict[str, Any]:
    names = ("trader", "seriesId", "isBuy", "price", "amount", "expiry", "nonce")
    values = dict(zip(names, astuple(order), strict=True))
    texts = {n: str(values[n]) for n in ("seriesId", "price", "amount", "nonce")}
    return values | texts | {"expiry": order.expiry, "signature": "0x" + signature.hex()}


def test_api__place_to_proof__as_the_service(desk: Desk, api: Api, tmp_path: Path) -> None:
    sell = desk.order(FIRST, False, PRICE, expiry=2**62)
    placed = api.post("/v1/book/orders", json=body(*sell))
    assert placed.status_code == 201, placed.text
    assert api.post("/v1/book/orders", json=body(*desk.order(SECOND, True, PRICE, expiry=2**62))).status_code == 201
    path = f"/v1/book/{desk.series_id}"
    assert api.get(f"{path}/fills").json()["pending"][0]["amount"] == str(WAD)
    desk.service.advance(desk.series_id)
    fills = api.get(f"{path}/fills").json()
    assert (len(fills["settled"]), fills["pending"]) == (1, [])
    assert api.get(f"{path}/depth").json() == {"bids": [], "asks": [], "entries": 2, "settled": 2}
    inclusion = api.get(f"{path}/log/0/inclusion").json()
    assert inclusion["entry"]["leaf"] == placed.json()["leaf"]
    log, receipt = tmp_path / "log.json", tmp_path / "receipt.json"
    log.write_text(api.get(f"{path}/log").text)
    receipt.write_text(placed.text)
    settings = desk.client.settings
    contract, series = desk.world.matching.address, str(desk.series_id)
    facts = books.verify(settings, contract, series, log=log, receipts=[receipt], rpc_url=settings.rpc_url)
    assert (facts["fills"], facts["receipts"]) == (1, 1)
    document = json.loads(log.read_text())
    log.write_text(json.dumps(document["entries"][::-1]))
    with pytest.raises(ProofRejected):
        books.verify(settings, contract, series, log=log, receipts=[], rpc_url=settings.rpc_url)
    for wrong in ("{", '{"entries": 3}', '[{"price": "1"}]'):
        log.write_text(wrong)
        with pytest.raises(InvalidInput):
            books.verify(settings, contract, series, log=log, receipts=[], rpc_url=settings.rpc_url)


def test_api__cancel__by_the_orders_digest(desk: Desk, api: Api) -> None:
    order, signature = desk.order(FIRST, True, PRICE, expiry=2**62)
    digest = api.post("/v1/book/orders", json=body(order, signature)).json()["order"]
    cancel = {"order": digest, "signature": "0x" + desk.cancellation(order, FIRST).hex()}
    assert api.post("/v1/book/cancellations", json=cancel).status_code == 201
    again = api.post("/v1/book/cancellations", json=cancel)
    assert (again.status_code, again.json()["error"]) == (409, "Conflict")


MALFORMED: list[dict[str, Any]] = [
    {"price": "-1"},
    {"price": 5},
    {"amount": str(2**256)},
    {"trader": "0x12"},
    {"signature": "0x1"},
    {"isBuy": "yes"},
    {"nonce": "1e3"},
    {"expiry": "5"},
    {"extra": 1},
]


def test_api__malformed_order__422(desk: Desk, api: Api) -> None:
    order, signature = desk.order(FIRST, True, PRICE, expiry=2**62)
    for changed in MALFORMED:
        refused = api.post("/v1/book/orders", json=body(order, signature) | changed)
        assert (refused.status_code, refused.json().get("error")) == (422, "InvalidInput"), changed
    assert desk.store.count(desk.series_id) == 0


def test_api__refused_by_the_contract__409_with_its_error(desk: Desk, api: Api) -> None:
    order, _ = desk.order(FIRST, True, PRICE, expiry=2**62)
    refused = api.post("/v1/book/orders", json=body(order, b"\x01" * 65))
    assert (refused.status_code, refused.json()["revert"]["name"]) == (409, "InvalidSignature")


def test_api__no_book__404(api: Api) -> None:
    app = create_app(_Stub())  # type: ignore[arg-type]
    assert Api(app).get("/v1/book/1/depth").status_code == 404
    assert api.get("/v1/book/1/depth").status_code == 404
