"""Where a request stands among those that wait."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.domain.requests import (
    Cause,
    Priority,
    Request,
    RequestEvent,
    RequestKind,
    RequestState,
    place_in_queue,
)

NOW = 1_780_000_000
MOMENTS = st.integers(NOW, NOW + 10**6)
LONGEST = max(priority.lead_secs for priority in Priority)


@given(MOMENTS, MOMENTS, st.sampled_from(Priority))
def test_place_in_queue__same_priority__who_came_first(one: int, other: int, priority: Priority) -> None:
    assert (place_in_queue(priority, one) < place_in_queue(priority, other)) == (one < other)


@given(MOMENTS, st.integers(0, 299))
def test_place_in_queue__later_high__before_an_earlier_normal(normal: int, later: int) -> None:
    assert place_in_queue(Priority.HIGH, normal + later) < place_in_queue(Priority.NORMAL, normal)


@given(MOMENTS, st.sampled_from(Priority), st.sampled_from(Priority), st.integers(1, 10**6))
def test_place_in_queue__whatever_comes_much_later__is_behind(
    moment: int, waiting: Priority, coming: Priority, more: int
) -> None:
    """None starves: from LONGEST seconds on, nothing that is accepted goes before what waits."""
    assert place_in_queue(waiting, moment) < place_in_queue(coming, moment + LONGEST + more)


def test_place_in_queue__any_time__is_what_a_queue_takes() -> None:
    for moment in (0, time.time(), 3_900_000_000):
        assert 1 <= place_in_queue(Priority.LOW, moment) < 2**31


@pytest.mark.parametrize(
    ("priority", "moment", "place"),
    [
        (Priority.HIGH, 1_767_225_600 + 86_400, 86_400),  # 2026-01-02
        (Priority.NORMAL, 1_767_225_600 + 86_400.9, 86_700),
        (Priority.LOW, 1_767_225_600 + 86_400, 87_300),
        (Priority.HIGH, 1_767_225_600, 1),
        (Priority.HIGH, 1_767_225_602, 2),
    ],
)
def test_place_in_queue__known_moment__seconds_of_2026_and_its_lead(
    priority: Priority, moment: float, place: int
) -> None:
    """Places outlive a release: what waits in a database was placed by the one before."""
    assert place_in_queue(priority, moment) == place


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (RequestKind.PROOF, {}, Priority.NORMAL),
        (RequestKind.PROOF, {"priority": "low"}, Priority.LOW),
        (RequestKind.INFERENCE, {}, Priority.HIGH),
        (RequestKind.ROUND, {}, Priority.HIGH),
    ],
)
def test_priority__of_a_request__as_asked_or_by_its_kind(
    kind: RequestKind, body: dict[str, str], expected: Priority
) -> None:
    request = Request("r", kind, "m", body, None, RequestState.ACCEPTED, "", 0.0, 0.0)
    assert request.priority is expected
    assert request.place == place_in_queue(expected, 0.0)


@pytest.mark.parametrize("state", RequestState)
def test_finished__each_state__the_last_three(state: RequestState) -> None:
    request = Request("r", RequestKind.PROOF, "m", {}, None, state, "", 0.0, 0.0)
    assert request.finished is (state.value in {"fulfilled", "failed", "cancelled"})


def test_cause__as_json__there_and_back_with_a_node_only_where_there_is_one() -> None:
    told = {"error": "E", "message": "m", "branch": "Retry", "remedy": "wait", "step": "prove"}
    assert Cause("E", "m", "Retry", "wait", "prove").as_json() == told
    assert Cause("E", "m", "Retry", "wait", "prove", "Conv_3").as_json() == told | {"node": "Conv_3"}
    for fields in (told, told | {"node": "Conv_3"}):
        assert Cause.from_json(fields | {"later": 1}).as_json() == fields
    assert Cause.from_json({"error": "E", "message": 5}) == Cause("E", "5", "OracleError", "", "", "")


def test_request_event__of_equal_fields__equal() -> None:
    assert RequestEvent(1, "r", 2.0, "accepted", {"a": 1}) == RequestEvent(1, "r", 2.0, "accepted", {"a": 1})
    assert RequestEvent(1, "r", 2.0, "accepted", {}) != RequestEvent(2, "r", 2.0, "accepted", {})
