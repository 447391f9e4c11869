"""Which status each error is answered with."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from oracle import errors
from oracle.api import problems
from oracle.errors import OracleError


def every(kind: type[OracleError]) -> set[type[OracleError]]:
    found = {kind}
    for child in kind.__subclasses__():
        found |= every(child)
    return found


def status(kind: type[OracleError]) -> int:
    return int(problems.status_of(kind.__new__(kind)))


def test_status_of__each_branch__blames_the_right_side() -> None:
    assert {status(kind) for kind in every(errors.InvalidInput)} == {404, 409, 422}
    assert {status(kind) for kind in every(errors.SkipCycle)} == {409}
    assert {status(kind) for kind in every(errors.Retry)} == {503}
    assert {status(kind) for kind in every(errors.Halt)} == {503, 507}


@pytest.mark.parametrize(("text", "expected"), [("database or disk is full", 507), ("no such table: requests", 503)])
def test_database_error__any__is_no_500(text: str, expected: int) -> None:
    error = sa.exc.OperationalError("INSERT", {}, Exception(text))
    assert int(problems.status_of(problems.database_error(error))) == expected


def test_problem__odd_characters__are_escaped() -> None:
    response = problems.problem(problems.HTTPStatus.NOT_FOUND, "NotFound", "no \ud800 \u2603")
    assert json.loads(response.body)["detail"] == "no \\ud800 \\u2603"
