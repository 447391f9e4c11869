"""API keys, as the command line makes and shows them."""

from __future__ import annotations

import time
from typing import Any, Final

from oracle.cli.wiring import opened_database
from oracle.domain.access import ApiKey, Rate, Role
from oracle.errors import InvalidInput
from oracle.settings import Settings
from oracle.store.keys import DAY_SECS, KeyStore

MAX_NAME: Final = 128


def create_key(
    settings: Settings, name: str, role: Role, rate: str, *, proofs_per_day: int | None, days: float | None
) -> dict[str, Any]:
    """Facts of a new key, with its text under "key". Raises InvalidInput, Conflict."""
    if not name.isprintable() or not 0 < len(name) <= MAX_NAME:
        raise InvalidInput(f"a key's name has 1 to {MAX_NAME} printable characters")
    parsed = Rate.parse(rate)
    lifetime = None if days is None else days * DAY_SECS
    with opened_database(settings) as database:
        store = KeyStore(database)
        token, key = store.create(name, role, parsed, proofs_per_day=proofs_per_day, lifetime_secs=lifetime)
        return {**_facts(store, key), "key": token}


def list_keys(settings: Settings) -> list[dict[str, Any]]:
    """Facts of every key."""
    with opened_database(settings) as database:
        store = KeyStore(database)
        return [_facts(store, key) for key in store.all()]


def revoke_key(settings: Settings, name: str) -> dict[str, Any]:
    """Facts of a key that is over now. Raises NotFound."""
    with opened_database(settings) as database:
        store = KeyStore(database)
        return _facts(store, store.revoke(name))


def _facts(store: KeyStore, key: ApiKey) -> dict[str, Any]:
    state = "valid" if key.valid_at(time.time()) else "revoked" if key.revoked_at is not None else "expired"
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "rate": str(key.rate),
        "proofsPerDay": key.proofs_per_day,
        "proofsToday": store.used_today(key.id),
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "state": state,
    }
