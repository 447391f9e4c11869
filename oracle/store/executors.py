"""The processes that run workflows over one database: their heartbeats, and who has fallen silent."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from oracle.domain.deployment import Deployment
from oracle.store.db import metadata

# A process that has not been heard of for some time is dead, and its workflows are taken up by others
executors = sa.Table(
    "executors",
    metadata,
    sa.Column("executor_id", sa.String(128), primary_key=True),
    sa.Column("application_version", sa.String(128), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("heard_at", sa.Float, nullable=False),
    sa.Index("ix_executors_version", "application_version", "heard_at"),
)


# What is deployed, as the process that serves knows it: for workers on machines without its state folder
deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("chain_key", sa.String(100), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("saved_at", sa.Float, nullable=False),
)


class DeploymentStore:
    """Records of deployments, by the chain's key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, deployment: Deployment) -> None:
        """Keeps the record as it is now."""
        mine = deployments.c.chain_key == deployment.chain_key
        values = {"document": deployment.to_json(), "saved_at": time.time()}
        with self._engine.begin() as connection:
            if connection.execute(sa.update(deployments).where(mine).values(**values)).rowcount == 0:
                connection.execute(sa.insert(deployments).values(chain_key=deployment.chain_key, **values))

    def find(self, chain_key: str) -> Deployment | None:
        """The record of a chain."""
        query = sa.select(deployments.c.document).where(deployments.c.chain_key == chain_key)
        with self._engine.connect() as connection:
            document = connection.execute(query).scalar_one_or_none()
        return None if document is None else Deployment.from_json(document)


class ExecutorStore:
    """Of one application version. Times are the database server's where it has a clock: machines' differ."""

    def __init__(self, engine: Engine, version: str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._version = version
        self._clock = clock

    def beat(self, executor_id: str) -> None:
        """Says that an executor lives."""
        now = self._now()
        mine = executors.c.executor_id == executor_id
        with self._engine.begin() as connection:
            if connection.execute(sa.update(executors).where(mine).values(heard_at=now)).rowcount == 0:
                values = {"executor_id": executor_id, "application_version": self._version}
                connection.execute(sa.insert(executors).values(**values, started_at=now, heard_at=now))

    def retire(self, executor_id: str) -> None:
        """Says that an executor has ended: it counts as silent at once."""
        mine = executors.c.executor_id == executor_id
        with self._engine.begin() as connection:
            connection.execute(sa.update(executors).where(mine).values(heard_at=0.0))

    def forget(self, executor_id: str, silent_secs: float) -> None:
        """Removes an executor, unless it was heard of since."""
        old = sa.and_(executors.c.executor_id == executor_id, executors.c.heard_at < self._now() - silent_secs)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(executors).where(old))

    def silent(self, secs: float) -> list[str]:
        """Executors of this version that were not heard of for so long."""
        query = (
            sa.select(executors.c.executor_id)
            .where(executors.c.application_version == self._version, executors.c.heard_at < self._now() - secs)
            .order_by(executors.c.heard_at)
        )
        with self._engine.connect() as connection:
            return [str(row.executor_id) for row in connection.execute(query)]

    def alive(self, secs: float) -> list[tuple[str, str]]:
        """Executor and version of everyone heard of within so long."""
        query = (
            sa.select(executors.c.executor_id, executors.c.application_version)
            .where(executors.c.heard_at >= self._now() - secs)
            .order_by(executors.c.executor_id)
        )
        with self._engine.connect() as connection:
            return [(str(row.executor_id), str(row.application_version)) for row in connection.execute(query)]

    def _now(self) -> float:
        if self._engine.dialect.name != "postgresql":
            return self._clock()
        with self._engine.connect() as connection:
            return float(connection.execute(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))).scalar_one())
