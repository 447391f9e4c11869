"""Requests: accepted once, ended once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import Engine

from oracle.domain.requests import Cause, Request, RequestKind, RequestState
from oracle.errors import Conflict, NotFound
from oracle.store.requests import RequestStore

CAUSE = Cause("ProofRejected", "no", "InvalidInput", "try another", "verify")


@pytest.fixture
def store(engine: Engine) -> RequestStore:
    return RequestStore(engine, "deployment-1")


def accept(store: RequestStore, key: str | None = None, x: float = 1.0) -> Request:
    return store.accept(RequestKind.PROOF, "toy", {"inputs": [[x]]}, key)[0]


def test_accept__new__stands_as_accepted(store: RequestStore) -> None:
    request, new = store.accept(RequestKind.PROOF, "toy", {"inputs": [[1.0]]}, "key")
    assert new
    assert (request.state, request.step, request.finished) == (RequestState.ACCEPTED, "", False)
    assert store.get(request.id) == request
    assert [event.event for event in store.events(request.id)] == ["accepted"]


def test_accept__same_key_and_body__same_request(store: RequestStore) -> None:
    first = accept(store, "key")
    again, new = store.accept(RequestKind.PROOF, "toy", {"inputs": [[1.0]]}, "key")
    assert (again, new) == (first, False)


@pytest.mark.parametrize(
    ("kind", "subject", "body"),
    [
        (RequestKind.PROOF, "toy", {"inputs": [[2.0]]}),
        (RequestKind.PROOF, "other", {"inputs": [[1.0]]}),
        (RequestKind.ROUND, "toy", {"inputs": [[1.0]]}),
    ],
)
def test_accept__same_key_other_request__conflict(
    store: RequestStore, kind: RequestKind, subject: str, body: dict[str, object]
) -> None:
    accept(store, "key")
    with pytest.raises(Conflict):
        store.accept(kind, subject, body, "key")


def test_accept__no_key__always_new(store: RequestStore) -> None:
    assert accept(store).id != accept(store).id


def test_accept__one_key_from_many_threads__one_request(store: RequestStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.accept(RequestKind.PROOF, "toy", {"inputs": [[1.0]]}, "key"), range(32)))
    assert len({request.id for request, _ in found}) == 1
    assert sum(new for _, new in found) == 1


def test_get__other_deployment__not_found(store: RequestStore, engine: Engine) -> None:
    request = accept(store, "key")
    other = RequestStore(engine, "deployment-2")
    with pytest.raises(NotFound):
        other.get(request.id)
    assert accept(other, "key").id != request.id


def test_begin_step__runs__is_noted_in_order(store: RequestStore) -> None:
    request = accept(store)
    assert store.begin_step(request.id, "witness")
    store.progress(request.id, {"share": 0.5})
    assert store.begin_step(request.id, "prove")
    running = store.get(request.id)
    assert (running.state, running.step) == (RequestState.RUNNING, "prove")
    events = store.events(request.id)
    assert [(event.event, dict(event.data)) for event in events] == [
        ("accepted", {}),
        ("witness", {"step": "witness"}),
        ("progress", {"share": 0.5}),
        ("prove", {"step": "prove"}),
    ]
    assert store.events(request.id, after=events[1].seq) == events[2:]


def test_end__each_way__only_once(store: RequestStore) -> None:
    endings = [
        (lambda r: store.fulfil(r, {"answer": "1"}), RequestState.FULFILLED),
        (lambda r: store.fail(r, CAUSE), RequestState.FAILED),
        (store.cancel, RequestState.CANCELLED),
    ]
    for end, state in endings:
        request = accept(store)
        assert end(request.id)
        for again, _ in endings:
            assert not again(request.id)
        assert not store.begin_step(request.id, "prove")
        ended = store.get(request.id)
        assert (ended.state, ended.finished) == (state, True)
        assert ended.finished_at is not None


def test_fail__cause__is_kept_whole(store: RequestStore) -> None:
    request = accept(store)
    store.fail(request.id, CAUSE)
    assert store.get(request.id).cause == CAUSE


def test_cancel__at_a_step_too_late__refused(store: RequestStore) -> None:
    request = accept(store)
    store.begin_step(request.id, "submit")
    assert not store.cancel(request.id, before={"submit", "confirm"})
    assert store.get(request.id).state is RequestState.RUNNING


def test_end__from_many_threads__one_wins(store: RequestStore) -> None:
    request = accept(store)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: store.fulfil(request.id, {"i": i}) or store.cancel(request.id), range(16)))
    assert sum(won) == 1
    assert len(store.events(request.id)) == 2


def test_unfinished__mixed__oldest_first(store: RequestStore) -> None:
    first, second, third = accept(store), accept(store), accept(store)
    store.cancel(second.id)
    assert [request.id for request in store.unfinished()] == [first.id, third.id]
    assert [request.id for request in store.recent(limit=2)] == [third.id, second.id]
    assert store.recent(kind=RequestKind.ROUND) == []
    assert len(store.recent(kind=RequestKind.PROOF, subject="toy")) == 3


def test_index_proof__twice__noted_once(store: RequestStore) -> None:
    request = accept(store)
    assert store.proof_hash(request.id) is None
    for _ in range(2):
        store.index_proof(request.id, "ab" * 32, "toy", 100)
    assert store.proof_hash(request.id) == "ab" * 32


def test_get__unknown__not_found(store: RequestStore) -> None:
    with pytest.raises(NotFound):
        store.get("nothing")
