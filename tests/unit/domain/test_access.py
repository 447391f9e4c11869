"""Keys on their own: rates, roles, what a key's text is, and until when it opens anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain.access import ApiKey, Rate, Role, hash_secret, new_token, parse_token
from oracle.errors import InvalidInput

KEY = ApiKey("0a" * 6, "desk", Role.PROVER, hash_secret("secret"), Rate(10, "second"), 5, 1_000.0)


@pytest.mark.parametrize(
    ("text", "amount", "period", "seconds"),
    [
        ("20/second", 20, "second", 1),
        ("600/minute", 600, "minute", 60),
        ("5000/hour", 5_000, "hour", 3_600),
        ("9999999/hour", 9_999_999, "hour", 3_600),
    ],
)
def test_parse__rate__amount_and_seconds_and_back(text: str, amount: int, period: str, seconds: int) -> None:
    rate = Rate.parse(text)
    assert (rate, rate.period_secs, str(rate)) == (Rate(amount, period), seconds, text)


@pytest.mark.parametrize("text", ["", "20", "0/second", "01/hour", "-1/hour", "1/day", "10000000/hour", "1/hour ", "x"])
def test_parse__no_rate__refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no rate"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.READER, {Role.READER}),
        (Role.PROVER, {Role.READER, Role.PROVER}),
        (Role.OPERATOR, {Role.READER, Role.PROVER, Role.OPERATOR}),
    ],
)
def test_includes__each_role__itself_and_those_before(role: Role, included: set[Role]) -> None:
    assert {other for other in Role if role.includes(other)} == included


@pytest.mark.parametrize(
    ("revoked_at", "expires_at", "now", "valid"),
    [
        (None, None, 1e12, True),
        (None, 2_000.0, 1_999.9, True),
        (None, 2_000.0, 2_000.0, False),
        (None, 2_000.0, 2_000.1, False),
        (0.0, None, 1_000.0, False),
        (1_500.0, 2_000.0, 1_000.0, False),
    ],
)
def test_valid_at__revoked_or_expired__opens_nothing(
    revoked_at: float | None, expires_at: float | None, now: float, valid: bool
) -> None:
    assert replace(KEY, revoked_at=revoked_at, expires_at=expires_at).valid_at(now) is valid


def test_new_token__each__its_id_and_secret_read_back_and_no_other_matches() -> None:
    text, key_id, secret_hash = new_token()
    parsed = parse_token(text)
    assert parsed is not None
    assert (parsed[0], text, hash_secret(parsed[1])) == (key_id, f"plk_{key_id}_{parsed[1]}", secret_hash)
    assert (len(key_id), len(parsed[1])) == (12, 43)
    assert new_token()[0] != key_id
    assert replace(KEY, secret_hash=secret_hash).matches(parsed[1])
    assert not KEY.matches(parsed[1])
    assert KEY.matches("secret")


@pytest.mark.parametrize(
    "text", ["", "plk_", "plk_" + "a" * 12 + "_" + "b" * 42, "plk_" + "A" * 12 + "_" + "b" * 43, "k" + "b" * 60]
)
def test_parse_token__no_key__none(text: str) -> None:
    assert parse_token(text) is None


def test_hash_secret__text__sha_256() -> None:
    # printf abc | sha256sum
    assert hash_secret("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
