"""Reads for people and programs: feeds, rounds and models as the chain and the circuit folders have them now."""

from __future__ import annotations

from typing import Final

from oracle.chain.board import LiquidationBoard, opened_feed
from oracle.chain.feeds import FeedRound, RiskFeed
from oracle.chain.reverts import NoDataPresent
from oracle.daemon.parts import ServiceParts
from oracle.daemon.views import FeedView, ModelView, RoundView
from oracle.domain.deployment import Deployment, FeedRecord
from oracle.errors import InvalidInput, NotFound
from oracle.proving.building.manifest import CircuitManifest

MAX_ROUNDS: Final = 1_000
MAX_ROUND_ID: Final = (1 << 80) - 1


class Reader:
    """Views, read anew at each call."""

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts

    def feeds(self) -> list[FeedView]:
        """Every feed, by name."""
        deployment = self._parts.deployment()
        return [self._feed(deployment.feeds[name]) for name in sorted(deployment.feeds)]

    def feed(self, name: str) -> FeedView:
        """One feed. Raises NotFound."""
        return self._feed(self._parts.feed(name))

    def _feed(self, record: FeedRecord) -> FeedView:
        client = self._parts.client
        latest = opened_feed(client, record).latest()
        now = client.head().timestamp
        source = self._parts.sources.get(record.observations if record.proven else record.name)
        age = max(0, now - latest.observed_at) if latest else 0
        return FeedView(
            name=record.name,
            kind=record.kind,
            address=record.address,
            decimals=record.decimals,
            description=record.description,
            round_id=latest.round_id if latest else 0,
            answer=latest.answer if latest else None,
            observed_at=latest.observed_at if latest else 0,
            updated_at=latest.updated_at if latest else 0,
            age_secs=age,
            stale=self._stale(record, age, has_round=latest is not None),
            heartbeat=record.heartbeat,
            source=source.symbol if source else "",
            observations=record.observations,
            model=record.model,
            unit=record.unit,
        )

    def _stale(self, record: FeedRecord, age: int, *, has_round: bool) -> bool:
        if record.proven and not record.assesses_positions:
            return RiskFeed(self._parts.client, record.address).is_stale()
        if record.assesses_positions and self._parts.board(record).paused():
            return True
        limit = record.heartbeat or (record.limits.max_interval if record.limits else 0)
        return not has_round or (limit > 0 and age > limit)

    def rounds(self, name: str, limit: int = 50, before: int | None = None) -> list[RoundView]:
        """The newest rounds of a feed below `before`, newest first; fewer where older ones have left the buffer."""
        if not 1 <= limit <= MAX_ROUNDS:
            raise InvalidInput(f"a limit of {limit} is not within 1..{MAX_ROUNDS}")
        record = self._parts.feed(name)
        contract = opened_feed(self._parts.client, record)
        if isinstance(contract, LiquidationBoard):
            return [_seen(record, one, 0, one.answer) for one in contract.rounds(limit, before)]
        latest = contract.latest_round()
        newest = latest if before is None else min(latest, before - 1)
        found: list[RoundView] = []
        for round_id in range(newest, max(0, newest - limit), -1):
            try:
                found.append(self._round(record, round_id))
            except NoDataPresent:
                break
        return found

    def round(self, name: str, round_id: int) -> RoundView:
        """One round. Raises NotFound."""
        record = self._parts.feed(name)
        if not 1 <= round_id <= MAX_ROUND_ID:
            raise NotFound(f"the feed {name!r} has no round {round_id}")
        try:
            return self._round(record, round_id)
        except NoDataPresent:
            raise NotFound(f"the feed {name!r} has no round {round_id}") from None

    def _round(self, record: FeedRecord, round_id: int) -> RoundView:
        if not record.proven or record.assesses_positions:
            seen = opened_feed(self._parts.client, record).round_data(round_id)
            return _seen(record, seen, 0, seen.answer) if record.proven else _seen(record, seen, round_id)
        proven = RiskFeed(self._parts.client, record.address).round(round_id)
        return RoundView(
            record.name,
            round_id,
            proven.answer,
            proven.observed_at,
            proven.updated_at,
            proven.observation_round,
            proven.proven_answer,
        )

    def models(self) -> list[ModelView]:
        """Every model that this service can prove, by name."""
        deployment = self._parts.deployment()
        return [_model(manifest, deployment) for manifest in self._parts.engine.circuits()]

    def model(self, name: str) -> ModelView:
        """One model. Raises NotFound."""
        return _model(self._parts.engine.circuit(name), self._parts.deployment())


def _seen(record: FeedRecord, seen: FeedRound, observation_round: int, proven_answer: int | None = None) -> RoundView:
    times = (seen.observed_at, seen.updated_at)
    return RoundView(record.name, seen.round_id, seen.answer, *times, observation_round, proven_answer)


def _model(manifest: CircuitManifest, deployment: Deployment) -> ModelView:
    record = deployment.models.get(manifest.circuit_id)
    if record is not None and _differs(record.vk_hash, manifest.vk_hash):
        record = None
    return ModelView(
        name=manifest.circuit_id,
        circuit_id=manifest.circuit_id,
        model_hash=manifest.model_hash,
        circuit_hash=manifest.circuit_hash,
        vk_hash=manifest.vk_hash,
        srs_kind=manifest.srs_kind,
        logrows=manifest.logrows,
        input_shapes=tuple(tuple(shape) for shape in manifest.input_shapes),
        input_count=manifest.input_count,
        output_count=manifest.output_count,
        max_error=manifest.max_error,
        domain=tuple({"low": domain.low, "high": domain.high} for domain in manifest.domain),
        measured=manifest.measured.model_dump(mode="json"),
        model_id=record.model_id if record else None,
        version=record.version if record else None,
        verifier=record.verifier if record else "",
        active=record.active if record else False,
    )


def _differs(one: str, other: str) -> bool:
    return one.lower().removeprefix("0x") != other.lower().removeprefix("0x")


def require_registered(model: ModelView) -> None:
    """Raises NotFound for a model whose proofs this chain cannot check."""
    if model.model_id is None or not model.active:
        raise NotFound(
            f"the model {model.name!r} is not active on this chain",
            remedy="deploy it with `plumbline model add --deploy`",
        )
