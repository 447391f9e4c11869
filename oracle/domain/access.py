"""Who may use the API: keys, their roles, and what each may use of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oracle.errors import InvalidInput

ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"^plk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$")
_RATE: Final = re.compile(r"^([1-9][0-9]{0,6})/(second|minute|hour)$")
RATE_PERIODS_SECS: Final = {"second": 1, "minute": 60, "hour": 3600}


class Role(StrEnum):
    """What a key may do; each role may do what those before it may."""

    READER = "reader"  # feeds, rounds, evidence, models, requests, verification of proofs
    PROVER = "prover"  # ask for proofs, cancel them
    OPERATOR = "operator"  # push feeds, upload, deploy and reload models

    def includes(self, other: Role) -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in each period."""

    amount: int
    period: str

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate that "600/minute" means. Raises InvalidInput."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise InvalidInput(f"{text!r} is no rate", remedy="write it as 20/second, 600/minute or 5000/hour")
        return cls(int(match[1]), match[2])

    @property
    def period_secs(self) -> int:
        """The period's length, seconds."""
        return RATE_PERIODS_SECS[self.period]

    def __str__(self) -> str:
        return f"{self.amount}/{self.period}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: all but the secret, of which only the SHA-256 is known.

    `proofs_per_day` bounds what it may ask to prove in a UTC day; None: no bound. Times are unix seconds.
    """

    id: str
    name: str
    role: Role
    secret_hash: str
    rate: Rate
    proofs_per_day: int | None
    created_at: float
    revoked_at: float | None = None
    expires_at: float | None = None

    def valid_at(self, now: float) -> bool:
        """Whether it opens anything at that time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def matches(self, secret: str) -> bool:
        """Whether this is its secret; takes the same time whatever is wrong."""
        return hmac.compare_digest(self.secret_hash, hash_secret(secret))


def new_token() -> tuple[str, str, str]:
    """A fresh key: its whole text, which nobody can read again later, its id, and its secret's hash."""
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    return f"plk_{key_id}_{secret}", key_id, hash_secret(secret)


def parse_token(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None for what is no key."""
    match = _TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret, hex. Secrets are 256 random bits: nothing slower would make them harder to find."""
    return hashlib.sha256(secret.encode()).hexdigest()
