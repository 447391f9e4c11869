"""The service itself: what it refuses, what it survives, and what it leaves behind."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import structlog

from oracle.cli.wiring import opened_service
from oracle.daemon import caretaker, logs
from oracle.daemon.caretaker import Caretaker
from oracle.daemon.durable import QUEUE_POLL_SECS
from oracle.daemon.feeder import Feeder, FeederRule
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService, Role
from oracle.domain.deployment import FeedRecord
from oracle.domain.push_policy import Push
from oracle.domain.requests import Request, RequestKind, RequestState
from oracle.errors import (
    ConfigurationError,
    Conflict,
    InputRejected,
    NotFound,
    OracleError,
    SourceExhausted,
    SourceUnavailable,
    UnfundedKey,
)
from oracle.market.sp500 import open_sp500
from oracle.settings import Settings
from oracle.units import WAD
from tests.support.service_stack import PRICE, TINY, VOLATILITY, ServiceStack, pause_running
from tests.support.waiting import until

INPUTS = [[1.0, -0.5, 0.25]]


def test_push__unknown_feed__not_found(service: OracleService) -> None:
    with pytest.raises(NotFound):
        service.push("nothing")


def test_push__feed_without_a_source__says_what_to_do(service: OracleService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(service.parts.__dict__, "sources", {})
    with pytest.raises(ConfigurationError, match="no market source"):
        service.push(PRICE)


def test_push__replay_at_its_end__fails_with_the_cause(
    service: OracleService, service_stack: ServiceStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = service_stack.price_feed().latest()
    assert latest is not None
    ended = open_sp500("2007-01-03", "2007-03-01")
    monkeypatch.setitem(service.parts.__dict__, "sources", {PRICE: ended})
    request = service.wait(service.push(PRICE).id, 60)
    assert request.state is RequestState.FAILED
    assert request.cause is not None
    assert (request.cause.error, request.cause.branch, request.cause.step) == (
        SourceExhausted.__name__,
        "SkipCycle",
        "plan",
    )


def test_push__replay_at_its_end_with_an_unproven_price__proves_that(
    service: OracleService, service_stack: ServiceStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = service.wait(service.push(PRICE).id, 60).result
    assert observed is not None
    monkeypatch.setitem(service.parts.__dict__, "sources", {PRICE: open_sp500("2007-01-03", "2007-03-01")})
    request = service.wait(service.push(VOLATILITY).id, 60)
    assert request.state is RequestState.FULFILLED, request.cause
    assert request.result is not None
    assert request.result["observationRound"] == observed["roundId"]


def test_push__operator_without_funds__fails_with_the_cause_and_is_not_ready(
    service: OracleService, service_stack: ServiceStack
) -> None:
    client, operator = service_stack.client, service.parts.sender.address
    funds = client.balance(operator)
    client.rpc("anvil_setBalance", operator, "0x0")
    try:
        request = service.wait(service.push(PRICE).id, 60)
        until(lambda: not service.ready().ok)
        failing = [check for check in service.ready().checks if not check.ok]
    finally:
        client.rpc("anvil_setBalance", operator, hex(funds))
    assert request.state is RequestState.FAILED
    assert request.cause is not None
    assert (request.cause.error, request.cause.branch) == (UnfundedKey.__name__, "Halt")
    assert operator in request.cause.remedy
    assert [check.name for check in failing] == ["balance"]
    assert service.wait(service.push(PRICE).id, 60).state is RequestState.FULFILLED


def test_request_proof__artifact_folder_cannot_be_written__fails_and_leaves_nothing(
    service: OracleService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setattr(service.parts.artifacts, "_folder", blocked)
    request = service.wait(service.request_proof(TINY, INPUTS).id, 60)
    assert request.state is RequestState.FAILED
    assert request.cause is not None
    assert (request.cause.error, request.cause.step) == (ConfigurationError.__name__, "witness")
    assert blocked.read_text() == "a file where the folder should be"


@pytest.mark.parametrize(
    "inputs", [[], [[]], [[1.0, 2.0]], [[float("nan")] * 3], [[float("inf")] * 3], [[1e9] * 3], [[1.0] * 3] * 2]
)
def test_request_proof__inputs_that_do_not_fit__refused_before_anything_is_kept(
    service: OracleService, inputs: list[list[float]]
) -> None:
    before = service.parts.requests.recent(limit=1)
    with pytest.raises(InputRejected):
        service.request_proof(TINY, inputs)
    assert service.parts.requests.recent(limit=1) == before


def test_request_proof__model_that_is_not_registered__only_without_submit(
    service: OracleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = service.parts.deployment()
    unregistered = record.with_(models={name: model for name, model in record.models.items() if name != TINY})
    monkeypatch.setitem(service.parts.__dict__, "deployment", lambda: unregistered)
    with pytest.raises(NotFound, match="not active"):
        service.request_proof(TINY, INPUTS, submit=True)
    assert service.wait(service.request_proof(TINY, INPUTS).id, 60).state is RequestState.FULFILLED


def test_stop__in_the_middle__next_start_ends_it(service_stack: ServiceStack) -> None:
    service = service_stack.service
    requests = [service.push(VOLATILITY), *(service.request_proof(TINY, INPUTS) for _ in range(3))]
    until(lambda: any(service.request(request.id).step == "prove" for request in requests))
    service_stack.stop()
    again = service_stack.start()
    ended = [again.wait(request.id, 90) for request in requests]
    assert [request.state for request in ended] == [RequestState.FULFILLED] * 4, [r.cause for r in ended]


def test_caretaker__request_whose_workflow_was_never_queued__is_taken_up(service: OracleService) -> None:
    store = service.parts.requests
    request, _ = store.accept(RequestKind.PROOF, TINY, {"inputs": INPUTS, "submit": False})
    Caretaker(service._durable, store, still_secs=3_600, take_up=service._take_up).cycle()
    assert store.get(request.id).state is RequestState.ACCEPTED
    Caretaker(service._durable, store, still_secs=-1, take_up=service._take_up).cycle()
    assert service.wait(request.id, 60).state is RequestState.FULFILLED


def test_caretaker__more_than_a_page__each_is_looked_at_once(
    service: OracleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "PAGE", 2)
    store, seen = service.parts.requests, list[str]()
    ids = [store.accept(RequestKind.PROOF, TINY, {"inputs": INPUTS, "submit": False})[0].id for _ in range(4)]

    def take_up(request: Request) -> None:
        seen.append(request.id)
        store.cancel(request.id)

    Caretaker(service._durable, store, still_secs=-1, take_up=take_up).everything()
    assert sorted(seen) == sorted(ids)


def test_worker__circuit_with_a_queue_of_its_own__proven_by_who_serves_it(service_stack: ServiceStack) -> None:
    pause_running()
    settings = service_stack.settings.model_copy(update={"circuit_queues": f"{TINY}, other", "serve_proves": False})

    def opened(role: Role) -> AbstractContextManager[OracleService]:
        return opened_service(settings, service_stack.client, [], role=role)

    with opened(Role("leader")) as leader:
        asked = leader.request_proof(TINY, INPUTS)
        assert leader.wait(asked.id, 3 * QUEUE_POLL_SECS).state is RequestState.ACCEPTED
    with opened(Role("of-another", leads=False, circuits=("other",))) as worker:
        assert worker.wait(asked.id, 3 * QUEUE_POLL_SECS).state is RequestState.ACCEPTED
    with opened(Role("of-this", leads=False, circuits=(TINY,))) as worker:
        assert worker.wait(asked.id, 60).state is RequestState.FULFILLED
    with pytest.raises(ConfigurationError, match="no queue of their own have: unknown"):
        opened(Role("of-none", leads=False, circuits=("unknown",))).__enter__()


def test_cancel__before_anything_is_sent__no_transaction(service: OracleService, service_stack: ServiceStack) -> None:
    nonce = service_stack.client.nonce(service.parts.sender.address)
    request = service.request_proof(TINY, INPUTS, submit=True)
    cancelled = service.cancel(request.id)
    assert cancelled.state is RequestState.CANCELLED
    with pytest.raises(Conflict):
        service.cancel(request.id)
    assert service.wait(service.request_proof(TINY, INPUTS).id, 60).state is RequestState.FULFILLED
    assert service.request(request.id).state is RequestState.CANCELLED
    assert service_stack.client.nonce(service.parts.sender.address) == nonce


def test_logs__one_request__one_id_from_acceptance_to_transaction(
    service_stack: ServiceStack, settings: Settings
) -> None:
    stream = io.StringIO()
    with kept_logging():
        logs.configure(settings.model_copy(update={"log_json": True}), stream)
        service = service_stack.service
        request = service.wait(service.push(PRICE).id, 60)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    mine = [line for line in lines if line.get("request_id") == request.id]
    assert [(line["event"], line.get("step")) for line in mine] == [
        ("request accepted", None),
        ("step done", "plan"),
        ("step done", "observe"),
    ]


def test_configure__unknown_level__refused(settings: Settings) -> None:
    with kept_logging(), pytest.raises(ConfigurationError, match="log level"):
        logs.configure(settings.model_copy(update={"log_level": "LOUD"}))


# --- the feeder


def feeder(service: OracleService, rule: FeederRule | None = None, **changed: object) -> Feeder:
    parts = service.parts

    def push(name: str) -> None:
        service.wait(service.push(name).id, 60)

    def feeds() -> list[FeedRecord]:
        return list(parts.deployment().feeds.values())

    called = {"feeds": feeds, "push": push, "idle": lambda: True, "on_fatal": lambda _: None, "rule": rule}
    return Feeder(parts, Observer(parts), **(called | changed))  # type: ignore[arg-type]


def test_feeder__new_observation__expects_what_is_then_proven(service: OracleService) -> None:
    record = service.parts.feed(VOLATILITY)
    feeding = feeder(service)
    candidate = feeding._candidate(record)
    assert candidate is not None
    feeding.cycle()
    proven = service.rounds(VOLATILITY, 1)[0]
    assert candidate.observed_at == proven.observed_at
    assert candidate.value == pytest.approx(proven.proven_answer, rel=1e-3)
    assert candidate.value is not None
    assert candidate.value > WAD // 100


def test_feeder__small_move__waits(service: OracleService) -> None:
    service.wait(service.push(VOLATILITY).id, 60)
    decision = feeder(service, FeederRule(deviation_threshold_bps=1_000_000)).decision(service.parts.feed(VOLATILITY))
    assert decision.push is Push.NO


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (SourceUnavailable("not now"), False),
        (SourceExhausted("no more"), False),
        (UnfundedKey("no funds"), False),
        (ValueError("a fault"), True),
    ],
)
def test_feeder__errors__only_the_unknown_ends_the_loop(service: OracleService, error: Exception, fatal: bool) -> None:
    cycles: list[int] = []
    ended: list[BaseException] = []

    def feeds() -> list[FeedRecord]:
        cycles.append(1)
        raise error

    feeding = feeder(service, FeederRule(cycle_secs=0.01), feeds=feeds, on_fatal=ended.append)
    feeding.start()
    until(lambda: bool(ended) if fatal else len(cycles) > (3 if isinstance(error, SourceExhausted) else 0))
    feeding.stop()
    assert bool(ended) is fatal
    assert not feeding._loop._thread.is_alive()
    if not fatal:
        assert isinstance(error, OracleError)


class kept_logging:  # noqa: N801 - used as a statement
    """What a test configures of logging is undone at its end."""

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._root = (root.handlers, root.level)

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.handlers, level = self._root
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _running(service_stack: ServiceStack) -> Iterator[None]:
    yield
    assert not service_stack.service.fatal.is_set()
