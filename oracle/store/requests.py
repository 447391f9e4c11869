"""The requests of one deployment, with their events: accepted once, ended once."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from oracle.domain.requests import FINAL_STATES, Cause, Request, RequestEvent, RequestKind, RequestState
from oracle.errors import Conflict, NotFound
from oracle.store.db import proofs, request_events, requests

ID_BYTES: Final = 16
_OPEN: Final = tuple(state.value for state in RequestState if state not in FINAL_STATES)


class RequestStore:
    """Requests of the deployment `deployment_id`; those of another chain in the same database are not seen."""

    def __init__(self, engine: Engine, deployment_id: str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._deployment_id = deployment_id
        self._clock = clock

    @property
    def deployment_id(self) -> str:
        """Whose requests these are."""
        return self._deployment_id

    def counts(self) -> dict[str, int]:
        """How many unfinished requests there are in each state."""
        query = (
            sa.select(requests.c.state, sa.func.count())
            .where(requests.c.deployment_id == self._deployment_id, requests.c.state.in_(_OPEN))
            .group_by(requests.c.state)
        )
        with self._engine.connect() as connection:
            found = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in _OPEN}

    def check(self) -> None:
        """Raises the database's error unless it can be read."""
        with self._engine.connect() as connection:
            connection.execute(sa.select(sa.literal(1))).scalar_one()

    def accept(
        self, kind: RequestKind, subject: str, body: Mapping[str, Any], idempotency_key: str | None = None
    ) -> tuple[Request, bool]:
        """The request under this key, and whether it is new; without a key always a new one.

        Raises Conflict when the key was used for another request.
        """
        body_hash = _body_hash(kind, subject, body)
        now = self._clock()
        values = {
            "id": secrets.token_hex(ID_BYTES),
            "deployment_id": self._deployment_id,
            "kind": kind.value,
            "subject": subject,
            "body": dict(body),
            "body_hash": body_hash,
            "idempotency_key": idempotency_key,
            "state": RequestState.ACCEPTED.value,
            "step": "",
            "created_at": now,
            "updated_at": now,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(requests).values(**values))
                self._note(connection, str(values["id"]), RequestState.ACCEPTED.value, {})
        except sa.exc.IntegrityError:
            return self._accepted_before(idempotency_key, body_hash), False
        return self.get(str(values["id"])), True

    def _accepted_before(self, idempotency_key: str | None, body_hash: str) -> Request:
        with self._engine.connect() as connection:
            row = connection.execute(self._select().where(requests.c.idempotency_key == idempotency_key)).one()
        if row.body_hash != body_hash:
            raise Conflict(
                f"the idempotency key {idempotency_key!r} belongs to another request, {row.id}",
                remedy="use a new key for a new request, or repeat the first one's body exactly",
            )
        return _request(row)

    def known(self, idempotency_keys: Collection[str]) -> set[str]:
        """Those of the keys under which a request was accepted."""
        query = sa.select(requests.c.idempotency_key).where(
            requests.c.deployment_id == self._deployment_id, requests.c.idempotency_key.in_(idempotency_keys)
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def get(self, request_id: str) -> Request:
        """The request. Raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(self._select().where(requests.c.id == request_id)).one_or_none()
        if row is None:
            raise NotFound(f"no request {request_id}")
        return _request(row)

    def recent(self, *, kind: RequestKind | None = None, subject: str | None = None, limit: int = 50) -> list[Request]:
        """The newest requests, newest first."""
        query = self._select().order_by(requests.c.created_at.desc()).limit(limit)
        if kind is not None:
            query = query.where(requests.c.kind == kind.value)
        if subject is not None:
            query = query.where(requests.c.subject == subject)
        with self._engine.connect() as connection:
            return [_request(row) for row in connection.execute(query)]

    def unfinished(self) -> list[Request]:
        """Requests that have not ended, oldest first."""
        query = self._select().where(requests.c.state.in_(_OPEN)).order_by(requests.c.created_at)
        with self._engine.connect() as connection:
            return [_request(row) for row in connection.execute(query)]

    def still(self, since: float, *, after: str = "", limit: int = 100) -> list[Request]:
        """Unfinished requests to which nothing has happened since a time, by id, from behind the id `after`."""
        query = (
            self._select()
            .where(requests.c.state.in_(_OPEN), requests.c.updated_at < since, requests.c.id > after)
            .order_by(requests.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [_request(row) for row in connection.execute(query)]

    def begin_step(self, request_id: str, step: str) -> bool:
        """Notes that a step begins; False when the request has ended already."""
        return self._move(request_id, RequestState.RUNNING, step, {"step": step}, step=step)

    def progress(self, request_id: str, data: Mapping[str, Any]) -> None:
        """Notes progress within a step."""
        with self._engine.begin() as connection:
            self._note(connection, request_id, "progress", data)

    def fulfil(self, request_id: str, result: Mapping[str, Any]) -> bool:
        """Ends the request with a result; False when it had ended already, and then nothing changes."""
        return self._end(request_id, RequestState.FULFILLED, dict(result), result=dict(result))

    def fail(self, request_id: str, cause: Cause) -> bool:
        """Ends the request with a cause; False when it had ended already, and then nothing changes."""
        return self._end(request_id, RequestState.FAILED, cause.as_json(), cause=cause.as_json())

    def cancel(self, request_id: str, *, before: Collection[str] = ()) -> bool:
        """Ends the request at its owner's wish.

        False, and nothing changes, when it had ended already or is at one of the steps `before` which it must happen.
        """
        return self._end(request_id, RequestState.CANCELLED, {}, unless_at=before)

    def events(self, request_id: str, after: int = 0, limit: int = 500) -> list[RequestEvent]:
        """What happened to a request after the event `after`, in order."""
        query = (
            sa.select(request_events)
            .where(request_events.c.request_id == request_id, request_events.c.seq > after)
            .order_by(request_events.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [
                RequestEvent(row.seq, row.request_id, row.at, row.event, row.data) for row in connection.execute(query)
            ]

    def index_proof(self, request_id: str, content_hash: str, circuit_id: str, size: int) -> None:
        """Notes which proof a request has; noting it again changes nothing."""
        values = {"request_id": request_id, "content_hash": content_hash, "circuit_id": circuit_id, "size": size}
        known = sa.select(proofs.c.size).where(proofs.c.request_id == request_id, proofs.c.content_hash == content_hash)
        with self._engine.begin() as connection:
            if connection.execute(known).one_or_none() is None:
                connection.execute(sa.insert(proofs).values(created_at=self._clock(), **values))

    def proof_hash(self, request_id: str) -> str | None:
        """The content hash of a request's newest proof, or None before it has one."""
        query = (
            sa.select(proofs.c.content_hash)
            .where(proofs.c.request_id == request_id)
            .order_by(proofs.c.created_at.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _select(self) -> sa.Select[Any]:
        return sa.select(requests).where(requests.c.deployment_id == self._deployment_id)

    def _end(
        self,
        request_id: str,
        state: RequestState,
        data: Mapping[str, Any],
        *,
        unless_at: Collection[str] = (),
        **values: Any,
    ) -> bool:
        values["finished_at"] = self._clock()
        return self._move(request_id, state, state.value, data, unless_at=unless_at, **values)

    def _move(
        self,
        request_id: str,
        state: RequestState,
        event: str,
        data: Mapping[str, Any],
        *,
        unless_at: Collection[str] = (),
        **values: Any,
    ) -> bool:
        """Moves an unfinished request and notes it, both or neither."""
        change = (
            sa.update(requests)
            .where(requests.c.id == request_id, requests.c.state.in_(_OPEN), requests.c.step.not_in(unless_at))
            .values(state=state.value, updated_at=self._clock(), **values)
        )
        with self._engine.begin() as connection:
            moved = connection.execute(change).rowcount == 1
            if moved:
                self._note(connection, request_id, event, data)
        return moved

    def _note(self, connection: Connection, request_id: str, event: str, data: Mapping[str, Any]) -> None:
        values = {"request_id": request_id, "at": self._clock(), "event": event, "data": dict(data)}
        connection.execute(sa.insert(request_events).values(**values))


def _body_hash(kind: RequestKind, subject: str, body: Mapping[str, Any]) -> str:
    canonical = json.dumps([kind.value, subject, body], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        kind=RequestKind(row.kind),
        subject=row.subject,
        body=row.body,
        idempotency_key=row.idempotency_key,
        state=RequestState(row.state),
        step=row.step,
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
        result=row.result,
        cause=Cause.from_json(row.cause) if row.cause else None,
    )
