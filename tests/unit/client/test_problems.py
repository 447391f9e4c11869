"""Problem documents and failed requests as the errors that the service raised."""

from __future__ import annotations

import httpx
import pytest

from oracle.cli.service_access import exact, request_error
from oracle.cli.supervisor import free_port
from oracle.client import Client
from oracle.client.problems import problem_error
from oracle.errors import (
    ContractRevert,
    InvalidInput,
    NotFound,
    OracleError,
    Retry,
    ServiceUnavailable,
    SkipCycle,
    ValueOutOfRange,
)


@pytest.mark.parametrize(
    ("status", "content", "kind", "text"),
    [
        (404, {"error": "NotFound", "detail": "no feed", "remedy": "look"}, NotFound, "no feed"),
        (422, {"error": "ValueOutOfRange", "detail": "too large"}, ValueOutOfRange, "too large"),
        (409, {"error": "ContractRevert", "revert": {"name": "ZeroPrice", "args": []}}, ContractRevert, "ZeroPrice()"),
        (422, {"error": "Unheard", "title": "Odd"}, InvalidInput, "Odd"),
        (503, {}, Retry, "503"),
        (500, [], Retry, "500"),
    ],
)
def test_problem_error__document__its_class_and_text(
    status: int, content: object, kind: type[OracleError], text: str
) -> None:
    error = problem_error(httpx.Response(status, json=content))
    assert type(error) is kind
    assert text in str(error)
    assert error.remedy == (content.get("remedy", "") if isinstance(content, dict) else "")


def test_problem_error__no_json__by_status() -> None:
    assert type(problem_error(httpx.Response(502, text="<html>"))) is Retry


def test_get__nobody_listens__service_unavailable() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", tries=1) as client, pytest.raises(ServiceUnavailable):
        client.get("/v1/feeds")


def test_request_error__cause__class_step_and_remedy() -> None:
    cause = {"error": "NotFound", "message": "gone", "remedy": "look", "branch": "InvalidInput", "step": "prove"}
    error = request_error({"id": "7", "state": "failed", "cause": cause})
    assert type(error) is NotFound
    assert str(error) == "gone (at prove)"
    assert error.remedy == "look"


def test_request_error__class_of_the_chain__its_branch() -> None:
    cause = {"error": "StaleReport", "message": "StaleReport(9, 5)", "branch": "SkipCycle", "step": ""}
    assert type(request_error({"id": "7", "state": "failed", "cause": cause})) is SkipCycle


def test_request_error__cancelled__says_so() -> None:
    assert "cancelled" in str(request_error({"id": "7", "state": "cancelled", "cause": None}))


def test_exact__decimal_strings__integers_and_nothing_else() -> None:
    document = {"answer": str(10**20), "move": "-5", "outputs": ["1", "-2"], "hash": "0x10", "name": "x1", "none": None}
    assert exact(document) == {
        "answer": 10**20,
        "move": -5,
        "outputs": [1, -2],
        "hash": "0x10",
        "name": "x1",
        "none": None,
    }
