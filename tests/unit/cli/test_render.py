"""Errors as lines and exit codes, and exact decimals."""

from __future__ import annotations

import json

import pytest

from oracle.cli import render
from oracle.errors import (
    ContractRevert,
    InputRejected,
    OracleError,
    RpcUnavailable,
    SourceExhausted,
    StorageFull,
    ValueOutOfRange,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputRejected("x"), 2),
        (ValueOutOfRange(1 << 63), 2),
        (StorageFull("x"), 3),
        (RpcUnavailable("x"), 4),
        (ContractRevert("ZeroPrice"), 5),
        (SourceExhausted("x"), 5),
        (OracleError("x"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_exit_code__each_branch__its_own(error: Exception, code: int) -> None:
    assert render.exit_code(error) == code


def test_print_error__text__one_line_and_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_error(InputRejected("two\n  lines", remedy="do this"), as_json=False, verbose=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "InputRejected: two lines\n  -> do this\n"


def test_print_error__json__one_document(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_error(RpcUnavailable("gone", remedy="start it"), as_json=True, verbose=False)
    document = json.loads(capsys.readouterr().err)
    assert document == {"error": "RpcUnavailable", "message": "gone", "remedy": "start it", "exitCode": 4}


def test_print_error__unknown__no_traceback_but_the_way_to_one(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_error(ZeroDivisionError("division by zero"), as_json=False, verbose=False)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "--verbose" in err


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (None, 18, "-"),
        (0, 18, "0"),
        (10**18, 18, "1"),
        (123_456_789, 8, "1.23456789"),
        (-5, 1, "-0.5"),
        (-15, 1, "-1.5"),
        (7, 0, "7"),
        (10**30 + 1, 18, "1000000000000.000000000000000001"),
    ],
)
def test_decimal__exact_without_trailing_zeros(value: int | None, decimals: int, text: str) -> None:
    assert render.decimal(value, decimals) == text


def test_print_json__large_integers_and_bytes__exact(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_json({"answer": 10**30 + 1, "hash": b"\x01\xff"})
    assert json.loads(capsys.readouterr().out) == {"answer": 10**30 + 1, "hash": "0x01ff"}


def test_format_time__daily_and_finer() -> None:
    assert render.format_time(1_221_512_400, daily=True) == "2008-09-15"
    assert render.format_time(1_221_512_400, daily=False) == "2008-09-15 21:00"
