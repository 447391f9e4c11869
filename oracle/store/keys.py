"""API keys and what they have used of their quota. Only hashes of secrets are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine, Row

from oracle.domain.access import ApiKey, Rate, Role, new_token
from oracle.errors import Conflict, NotFound
from oracle.store.db import metadata

DAY_SECS: Final = 86_400

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False),
    sa.Column("rate", sa.String(32), nullable=False),
    sa.Column("proofs_per_day", sa.Integer, nullable=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=True),
    sa.Column("revoked_at", sa.Float, nullable=True),
)

# Proofs that a key has asked for in a UTC day
api_key_usage = sa.Table(
    "api_key_usage",
    metadata,
    sa.Column("key_id", sa.String(12), sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("proofs", sa.Integer, nullable=False),
)


class KeyStore:
    """The keys of one database; shared by every process that serves it."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def create(
        self,
        name: str,
        role: Role,
        rate: Rate,
        *,
        proofs_per_day: int | None = None,
        lifetime_secs: float | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key: its text, which is kept nowhere, and its record. Raises Conflict for a name that is taken."""
        token, key_id, secret_hash = new_token()
        now = self._clock()
        expires_at = None if lifetime_secs is None else now + lifetime_secs
        key = ApiKey(key_id, name, role, secret_hash, rate, proofs_per_day, now, expires_at=expires_at)
        row = {
            "id": key.id,
            "name": name,
            "role": role.value,
            "secret_hash": secret_hash,
            "rate": str(rate),
            "proofs_per_day": proofs_per_day,
            "created_at": now,
            "expires_at": expires_at,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(api_keys).values(**row))
        except sa.exc.IntegrityError:
            raise Conflict(
                f"there is a key named {name!r}", remedy="revoked keys keep their names; choose another"
            ) from None
        return token, key

    def find(self, key_id: str) -> ApiKey | None:
        """A key by its id."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
        return None if row is None else _key(row)

    def all(self) -> list[ApiKey]:
        """Every key, oldest first, revoked ones too."""
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at))]

    def revoke(self, name_or_id: str) -> ApiKey:
        """Ends a key for good; again does nothing more. Raises NotFound."""
        chosen = sa.or_(api_keys.c.id == name_or_id, api_keys.c.name == name_or_id)
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(api_keys).where(chosen, api_keys.c.revoked_at.is_(None)).values(revoked_at=self._clock())
            )
            row = connection.execute(sa.select(api_keys).where(chosen)).one_or_none()
        if row is None:
            raise NotFound(f"no key {name_or_id!r}", remedy="see `plumbline key list`")
        return _key(row)

    def charge(self, key: ApiKey, proofs: int) -> float | None:
        """Counts proofs against a key's day; None when they fit, else seconds until its next day, nothing counted."""
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        limit = key.proofs_per_day
        insert = sqlite_insert if self._engine.dialect.name == "sqlite" else postgresql_insert
        statement = insert(api_key_usage).values(key_id=key.id, day=day, proofs=proofs)
        sum_of_both = api_key_usage.c.proofs + proofs
        counted = statement.on_conflict_do_update(
            index_elements=["key_id", "day"],
            set_={"proofs": sum_of_both},
            where=None if limit is None else sum_of_both <= limit,
        ).returning(api_key_usage.c.proofs)
        if limit is None or proofs <= limit:
            with self._engine.begin() as connection:
                if connection.execute(counted).one_or_none() is not None:
                    return None
        return DAY_SECS - now % DAY_SECS

    def refund(self, key: ApiKey, proofs: int) -> None:
        """Takes back what `charge` counted for requests that were not made."""
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        mine = sa.and_(api_key_usage.c.key_id == key.id, api_key_usage.c.day == day, api_key_usage.c.proofs >= proofs)
        with self._engine.begin() as connection:
            connection.execute(sa.update(api_key_usage).where(mine).values(proofs=api_key_usage.c.proofs - proofs))

    def used_today(self, key_id: str) -> int:
        """Proofs that a key has asked for in this UTC day."""
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        query = sa.select(api_key_usage.c.proofs).where(api_key_usage.c.key_id == key_id, api_key_usage.c.day == day)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one_or_none() or 0)


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        secret_hash=row.secret_hash,
        rate=Rate.parse(row.rate),
        proofs_per_day=row.proofs_per_day,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        expires_at=row.expires_at,
    )
