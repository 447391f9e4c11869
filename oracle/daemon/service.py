"""The oracle service: feeds pushed and proofs made as durable workflows, and all that may be asked about them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy.engine import Engine

from oracle.chain.client import ChainClient
from oracle.chain.coordinator import Coordinator
from oracle.chain.deploy import Deployer
from oracle.chain.evidence import collect_evidence
from oracle.chain.sender_pool import SenderPool
from oracle.daemon.archives import board_archive, request_archive, round_archive
from oracle.daemon.cancelling import Cancels
from oracle.daemon.caretaker import DEAD_STATES, Caretaker
from oracle.daemon.circuit_sharing import CircuitFetcher
from oracle.daemon.durable import DurableEngine, Queue, cause_of
from oracle.daemon.feeder import Feeder, FeederRule
from oracle.daemon.fulfilment import FulfilmentWorkflow
from oracle.daemon.health import HealthCheck
from oracle.daemon.inference import InferenceWorkflow
from oracle.daemon.listener import Listener
from oracle.daemon.loops import PatientLoop
from oracle.daemon.membership import BEATS, Membership
from oracle.daemon.metrics import Metrics
from oracle.daemon.observing import Observer
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover
from oracle.daemon.reading import Reader, require_registered
from oracle.daemon.rounds import FeedWorkflows
from oracle.daemon.steps import POINT_OF_NO_RETURN, Steps
from oracle.daemon.tracing import Tracing
from oracle.daemon.uploads import UploadedModel, UploadWorkflow
from oracle.daemon.views import FeedView, Health, ModelView, RoundView
from oracle.domain.deployment import Deployment, FeedRecord
from oracle.domain.evidence import Evidence
from oracle.domain.market_state import Assessment
from oracle.domain.proofs import Proof
from oracle.domain.requests import Priority, Request, RequestEvent, RequestKind
from oracle.errors import ConfigurationError, Conflict, InputRejected, NotFound, OracleError
from oracle.market.base import MarketSource
from oracle.proving.cards import Card, card_of
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from oracle.store.artifacts import FOLDER_NAME, open_artifacts
from oracle.store.coordinator import AskedStore
from oracle.store.executors import ExecutorStore
from oracle.store.requests import RequestStore

# Feeds' workflows: those of one market one after another
FEED_QUEUE: Final = "feeds"
PROOF_QUEUE: Final = "proofs"
# Uploaded models: one after another
MODEL_QUEUE: Final = "models"
FEEDS_AT_ONCE: Final = 4
# Workflows under way for each prover: one proves, the others wait for a block, for the database, or for the prover
UNDER_WAY: Final = 8
EXECUTOR_ID: Final = "local"
# Changes when a workflow's steps do. Processes of one number share their workflows, whatever their package's version:
# so an upgrade goes process by process, and what the old ones had begun goes on in the new ones
WORKFLOWS_VERSION: Final = "2"
FIRST_POLL_SECS: Final = 0.01
LONGEST_POLL_SECS: Final = 0.2
STOP_TIMEOUT_SECS: Final = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Role:
    """What a process does of the service's work, and the name under which its workflows are found after its death.

    A process that `leads` feeds the feeds and listens to the chain; `shares` the work with others over one database;
    `circuits` are those whose own queues it serves, None: every queue.
    """

    executor_id: str = EXECUTOR_ID
    leads: bool = True
    shares: bool = False
    circuits: tuple[str, ...] | None = None


def circuit_queue(circuit: str) -> str:
    """The queue of a circuit that has one of its own."""
    return f"{PROOF_QUEUE}.{circuit}"


def deployment_id(deployment: Deployment) -> str:
    """The name under which a deployment's requests are kept; another chain or registry has another."""
    return hashlib.sha256(f"{deployment.chain_key}:{deployment.registry}".encode()).hexdigest()[:32]


class OracleService:
    """One market's or several markets' oracle in one process. Safe for threads; `start` before anything else.

    `fatal` is set when an unknown error has ended a loop: the process is to end, and the next one takes up what it had
    begun.
    """

    def __init__(self, parts: ServiceParts, *, feeder: FeederRule | None = None, role: Role | None = None) -> None:
        self.parts = parts
        self._role = role or Role()
        self.fatal = threading.Event()
        self.stopping = threading.Event()
        version = f"{WORKFLOWS_VERSION}+{parts.requests.deployment_id}"
        self._durable = DurableEngine(
            parts.workflows,
            application_version=version,
            executor_id=self._role.executor_id,
            at_once=sum(queue.worker_concurrency for queue in self._queues()),
        )
        self._membership = Membership(
            ExecutorStore(parts.database, version), self._durable, parts.settings.silence_secs
        )
        steps = Steps(self._durable, parts.requests, parts.metrics, parts.tracing)
        self._observer = Observer(parts)
        self._cancels = Cancels()
        if not self._role.leads:  # uploaded models are built where the service leads
            fetcher = CircuitFetcher(parts.settings, parts.requests, parts.artifacts)
            parts.engine.fetch = fetcher.fetch
        self._prover = Prover(parts, self._cancels)
        self._feed_workflows = FeedWorkflows(parts, steps, self._observer, self._prover)
        self._inference = InferenceWorkflow(parts, steps, self._prover)
        self._uploads = UploadWorkflow(parts, steps, self._cancels)
        self._fulfilment = FulfilmentWorkflow(parts, steps, self._prover)
        self._listener: Listener | None = None
        self._caretaker: PatientLoop | None = None
        self._steps = steps
        self._reader = Reader(parts)
        self._health = HealthCheck(parts, self._durable, self._reader)
        self._feeder_rule = feeder or FeederRule()
        self._feeders: list[Feeder] = []

    @classmethod
    def build(
        cls,
        *,
        settings: Settings,
        client: ChainClient,
        deployment: Callable[[], Deployment],
        engine: ProvingEngine,
        sender: SenderPool,
        database: Engine,
        workflows: Engine,
        sources: Mapping[str, MarketSource],
        publisher_keys: Sequence[str | bytes],
        role: Role | None = None,
        deployer: Callable[[], Deployer] | None = None,
    ) -> OracleService:
        """A service over these parts. `database` has its tables; `workflows` is a database for dbos alone."""
        return cls(
            ServiceParts(
                settings=settings,
                client=client,
                deployment=deployment,
                engine=engine,
                sender=sender,
                database=database,
                requests=RequestStore(database, deployment_id(deployment())),
                artifacts=open_artifacts(settings.state_dir / FOLDER_NAME, settings.artifacts_url),
                workflows=workflows,
                sources=sources,
                publisher_keys=publisher_keys,
                deployer=deployer,
                tracing=Tracing.of(settings),
            ),
            role=role,
        )

    # --- life

    def start(self) -> None:
        """Takes up what an earlier process had begun, then accepts work; feeds live markets."""
        self.stopping.clear()
        self.parts.sender.resume()
        workflows = {
            RequestKind.PRICE.value: self._steps.workflow(self._feed_workflows.price),
            RequestKind.ROUND.value: self._steps.workflow(self._feed_workflows.round),
            RequestKind.PROOF.value: self._steps.workflow(self._inference.prove),
            RequestKind.INFERENCE.value: self._steps.workflow(self._fulfilment.answer),
            RequestKind.MODEL.value: self._steps.workflow(self._uploads.add),
        }
        self._durable.start(workflows, self._queues(), self._listened())
        if self._role.shares:
            self._membership.join()
        if self._role.leads:
            self._lead()
        self._caretaker = self._taking_care()
        _log.info("service started", chain=self.parts.client.chain_key, feeds=sorted(self.parts.deployment().feeds))

    def _queues(self) -> list[Queue]:
        workers = UNDER_WAY * self.parts.settings.max_workers
        own = [Queue(circuit_queue(circuit), workers) for circuit in self._own_queues()]
        return [Queue(FEED_QUEUE, FEEDS_AT_ONCE, 1), Queue(PROOF_QUEUE, workers), Queue(MODEL_QUEUE, 1), *own]

    def _own_queues(self) -> list[str]:
        """Circuits that have a queue of their own."""
        return [name.strip() for name in self.parts.settings.circuit_queues.split(",") if name.strip()]

    def _listened(self) -> list[str] | None:
        """The queues whose work this process does; None: every one."""
        if self._role.leads and self.parts.settings.serve_proves:
            return None
        if self._role.leads:
            return [FEED_QUEUE, MODEL_QUEUE]  # they need the market's source, and the folder of circuits
        if self._role.circuits is None:
            return [PROOF_QUEUE, *map(circuit_queue, self._own_queues())]
        unknown = set(self._role.circuits) - set(self._own_queues())
        if unknown:
            raise ConfigurationError(
                f"no queue of their own have: {', '.join(sorted(unknown))}",
                remedy="name them in PLUMBLINE_CIRCUIT_QUEUES, the same on every machine",
            )
        return [circuit_queue(circuit) for circuit in self._role.circuits]

    def _lead(self) -> None:
        Caretaker(self._durable, self.parts.requests, 0.0, self._take_up).everything()
        self._feeders = [self._feeder(name) for name in self._fed_live()]
        for feeder in self._feeders:
            feeder.start()
        self._listener = self._listening()

    def _listening(self) -> Listener | None:
        """The listener to the deployment's coordinator, started; None without one."""
        deployment, parts = self.parts.deployment(), self.parts
        if not deployment.coordinator:
            return None

        listener = Listener(
            parts,
            Coordinator(parts.client, deployment.coordinator),
            AskedStore(parts.database, parts.requests.deployment_id, deployment.coordinator),
            first_block=deployment.coordinator_block,
            accept=self._accept,
            drop=self._drop,
            on_fatal=self._ended,
        )
        listener.start()
        return listener

    def _taking_care(self) -> PatientLoop:
        """The loop that finds what nobody works on, started."""
        silence = self.parts.settings.silence_secs
        take_up = self._take_up if self._role.leads else None
        loop = PatientLoop(
            "caretaker",
            Caretaker(self._durable, self.parts.requests, silence, take_up).cycle,
            secs=silence / BEATS,
            longest_secs=silence,
            metrics=self.parts.metrics,
            on_fatal=self._ended,
        )
        loop.start()
        return loop

    def _ended(self, error: BaseException) -> None:
        _log.error("a loop ended", exc_info=error)
        self.fatal.set()

    def _drop(self, request_id: str) -> None:
        """Ends the answer to a request that a reorg took back, unless it is being sent: then the chain decides."""
        with suppress(Conflict):
            self.cancel(request_id)

    def _fed_live(self) -> list[str]:
        """The observation feeds to watch: of live markets, and of vectors, which others publish."""
        live = [name for name, source in self.parts.sources.items() if not source.replay]
        return live + [feed.name for feed in self.parts.deployment().feeds.values() if feed.kind == "vector"]

    def stop(self, timeout_secs: float = STOP_TIMEOUT_SECS) -> None:
        """Lets running workflows end for a while; the next start takes up what did not."""
        self.stopping.set()
        for feeder in self._feeders:
            feeder.stop(timeout_secs)
        self._feeders = []
        if self._listener is not None:
            self._listener.stop(timeout_secs)
        if self._caretaker is not None:
            self._caretaker.stop(timeout_secs)
        self._durable.stop(timeout_secs)
        if self._role.shares:
            self._membership.leave()
        self._cancels.cancel_all()
        self.parts.tracing.flush()
        _log.info("service stopped")

    def _take_up(self, request: Request) -> None:
        """Dispatches what an earlier process accepted; what can go no further ends here."""
        try:
            self._dispatch(request)
            status = self._durable.status(request.id)
            if status in DEAD_STATES:
                raise OracleError(f"its workflow ended as {status}")
        except OracleError as error:
            self.parts.requests.fail(request.id, cause_of(error, "plan"))

    def _feeder(self, price_feed: str) -> Feeder:
        def feeds() -> list[FeedRecord]:
            known = self.parts.deployment().feeds.values()
            own = [feed for feed in known if price_feed in {feed.name, feed.observations}]
            return [feed for feed in own if feed.proven or price_feed in self.parts.sources]

        def idle() -> bool:
            return self._durable.waiting() == 0

        def push(name: str) -> None:
            self.wait(self.push(name).id)

        return Feeder(
            self.parts,
            self._observer,
            feeds=feeds,
            push=push,
            idle=idle,
            on_fatal=self._ended,
            rule=self._feeder_rule,
        )

    # --- feeds

    def newest_block(self) -> bytes:
        """Its hash: what the views of feeds and rounds hang on."""
        return self.parts.client.heads.newest()

    def feeds(self) -> list[FeedView]:
        """Every feed with its newest round."""
        return self._reader.feeds()

    def feed(self, name: str) -> FeedView:
        """One feed. Raises NotFound."""
        return self._reader.feed(name)

    def rounds(self, name: str, limit: int = 50, before: int | None = None) -> list[RoundView]:
        """The newest rounds of a feed below `before`, newest first. Raises NotFound."""
        return self._reader.rounds(name, limit, before)

    def round(self, name: str, round_id: int) -> RoundView:
        """One round. Raises NotFound."""
        return self._reader.round(name, round_id)

    def positions(self, name: str) -> list[Assessment]:
        """The newest assessment of each position of a liquidation board, the likeliest first. Raises NotFound."""
        return self.parts.board(self.parts.feed(name)).assessments()

    def evidence(self, name: str, round_id: int) -> Evidence:
        """Everything about a proven round from the chain alone, checked again. Raises NotFound."""
        record = self.parts.feed(name)
        self._reader.round(name, round_id)
        if not record.proven:
            raise NotFound(f"the feed {name!r} has no proofs: it is a {record.kind} feed")
        return collect_evidence(self.parts.client, record.address, round_id)

    def archive(self, name: str, round_id: int) -> bytes:
        """The evidence archive of a proven round, or of a board's batch. Raises NotFound."""
        record = self.parts.feed(name)
        self._reader.round(name, round_id)
        if record.assesses_positions:
            return board_archive(self.parts.client, record.address, round_id, self.parts.engine)
        return round_archive(self.parts.client, self.parts.risk_feed(record).address, round_id, self.parts.engine)

    def request_archive(self, request_id: str) -> bytes:
        """The evidence archive of a request that has brought a proof, or a round. Raises NotFound."""
        request = self.request(request_id)
        if request.kind is RequestKind.ROUND and request.result is not None:
            return self.archive(request.subject, int(request.result["roundId"]))
        if request.kind is not RequestKind.PROOF:
            raise NotFound(f"the request {request_id} is of kind {request.kind.value}: it has no archive")
        proof = self.proof(request_id)
        return request_archive(self.parts.client, request, proof, self.parts.engine.folder(request.subject))

    def push(self, name: str, idempotency_key: str | None = None) -> Request:
        """A request for the feed's next round. Raises NotFound, ConfigurationError without a source, Conflict."""
        record = self.parts.feed(name)
        by_others = record.assesses_positions or self.parts.observed_feed_of(record).kind == "vector"
        if not (record.proven and by_others):
            self.parts.source(record)
        kind = RequestKind.ROUND if record.proven else RequestKind.PRICE
        return self._accept(kind, name, {}, idempotency_key)

    # --- models and proofs

    def models(self) -> list[ModelView]:
        """Every model that can be proven here."""
        return self._reader.models()

    def model(self, name: str) -> ModelView:
        """One model. Raises NotFound."""
        return self._reader.model(name)

    def reload(self, name: str) -> ModelView:
        """A model after its circuit folder or its deployment changed, ready to prove. Raises NotFound."""
        self.parts.engine.prepare(self.model(name).name)
        return self.model(name)

    def request_proof(
        self,
        model: str,
        inputs: Sequence[Sequence[float]],
        *,
        idempotency_key: str | None = None,
        submit: bool = False,
        priority: Priority = Priority.NORMAL,
    ) -> Request:
        """A request for a proof of one inference; with `submit` it is verified and stored on chain.

        Raises NotFound for an unknown model, or one that is to be submitted and not active on chain; InputRejected for
        inputs that do not fit; Conflict for a key of another request.
        """
        rows = self.check_proof_request(model, inputs, submit=submit)
        body = {"inputs": rows, "submit": submit}
        if priority is not Priority.NORMAL:
            body["priority"] = priority.value
        return self._accept(RequestKind.PROOF, model, body, idempotency_key)

    def check_proof_request(
        self, model: str, inputs: Sequence[Sequence[float]], *, submit: bool = False
    ) -> list[list[float]]:
        """The inputs of a request that would be accepted. Raises as `request_proof`."""
        view = self.model(model)
        if submit:
            require_registered(view)
        rows = [[float(value) for value in row] for row in inputs]
        self.parts.engine.quantise(model, rows)
        return rows

    def upload(self, upload: UploadedModel, idempotency_key: str | None = None) -> Request:
        """A request for a circuit of an uploaded model, deployed and registered where that is asked for.

        Raises SandboxUnavailable where this machine cannot confine what reads it, InvalidInput, InputRejected for the
        samples, Conflict for a name that is taken, ServiceUnavailable when too many wait, StorageFull.
        """
        body = self._uploads.keep(upload)
        if not (idempotency_key and self.known([idempotency_key])):
            self._uploads.check_room(upload.name)
        return self._accept(RequestKind.MODEL, upload.name, body, idempotency_key)

    def card(self, name: str) -> Card:
        """A model's card. Raises NotFound."""
        return card_of(self.parts.engine.folder(name), self.parts.engine.circuit(name))

    def verify(self, model: str, zk_proof: bytes, instances: Sequence[int]) -> list[float]:
        """The outputs of a proof that holds. Raises ProofRejected for one that does not, NotFound."""
        manifest = self.parts.engine.circuit(model)
        if len(instances) != manifest.input_count + manifest.output_count:
            raise InputRejected(
                f"{len(instances)} instances, the model has {manifest.input_count} inputs "
                f"and {manifest.output_count} outputs"
            )
        proof = Proof(model, zk_proof, tuple(instances))
        self.parts.engine.verify(model, proof)
        return self.parts.engine.outputs(model, proof)

    def proof(self, request_id: str) -> Proof:
        """The proof that a request has brought. Raises NotFound before it has one."""
        request = self.request(request_id)
        content_hash = self.parts.requests.proof_hash(request.id)
        if content_hash is None:
            raise NotFound(f"the request {request_id} has no proof", remedy=f"it is {request.state.value}")
        return self._prover.proof(content_hash)

    # --- requests

    def known(self, idempotency_keys: Collection[str]) -> set[str]:
        """Those of the keys under which a request was accepted already: a repeat of it makes none."""
        return self.parts.requests.known(idempotency_keys)

    def request(self, request_id: str) -> Request:
        """A request as it stands. Raises NotFound."""
        return self.parts.requests.get(request_id)

    def events(self, request_id: str, after: int = 0) -> list[RequestEvent]:
        """What happened to a request after an event. Raises NotFound."""
        self.request(request_id)
        return self.parts.requests.events(request_id, after)

    def wait(self, request_id: str, timeout_secs: float | None = None) -> Request:
        """The request once it has ended, or as it stands after the timeout or when the service stops."""
        deadline = None if timeout_secs is None else time.monotonic() + timeout_secs
        pause = FIRST_POLL_SECS
        while True:
            request = self.request(request_id)
            left = LONGEST_POLL_SECS if deadline is None else deadline - time.monotonic()
            if request.finished or left <= 0 or self.stopping.wait(min(pause, left)):
                return request
            pause = min(pause * 1.5, LONGEST_POLL_SECS)

    def cancel(self, request_id: str) -> Request:
        """Ends a request that has not begun to send. Raises NotFound, Conflict when it has or is over."""
        request = self.request(request_id)
        if not self.parts.requests.cancel(request_id, before=POINT_OF_NO_RETURN):
            request = self.request(request_id)
            at = f"at {request.step}" if not request.finished else request.state.value
            raise Conflict(f"the request {request_id} is {at} and cannot be cancelled any more")
        self.parts.metrics.finished.labels(request.kind.value, "cancelled").inc()
        self._cancels.cancel(request_id)
        self._durable.cancel(request_id)
        return self.request(request_id)

    def _accept(self, kind: RequestKind, subject: str, body: Mapping[str, Any], key: str | None) -> Request:
        request, new = self.parts.requests.accept(kind, subject, body, key)
        if new:
            self.parts.metrics.accepted.labels(kind.value).inc()
            _log.info("request accepted", request_id=request.id, kind=kind.value, subject=subject)
        if new and kind is RequestKind.INFERENCE and self._idle():
            self._durable.begin(kind.value, request.id)  # a queue is looked at a few times a second: no block to lose
        elif not request.finished:
            self._dispatch(request)
        return request

    def _idle(self) -> bool:
        """Whether this process proves, and has a prover that nobody uses."""
        proves = self._role.leads and self.parts.settings.serve_proves
        return proves and self._durable.at_work < self.parts.settings.max_workers

    def _dispatch(self, request: Request) -> None:
        """Puts a request's workflow into its queue; one that is there already is left as it is."""
        if request.kind in {RequestKind.PROOF, RequestKind.INFERENCE}:
            own = request.subject in self._own_queues()
            queue = circuit_queue(request.subject) if own else PROOF_QUEUE
            self._durable.enqueue(queue, request.kind.value, request.id, place=request.place)
            return
        if request.kind is RequestKind.MODEL:
            self._durable.enqueue(MODEL_QUEUE, request.kind.value, request.id)
            return
        market = self.parts.observed_feed_of(self.parts.feed(request.subject)).name
        self._durable.enqueue(FEED_QUEUE, request.kind.value, request.id, partition=market)

    # --- state

    @property
    def metrics(self) -> Metrics:
        """The service's counters."""
        return self.parts.metrics

    def ready(self) -> Health:
        """Whether everything that work needs is there."""
        return self._health.ready()

    def live(self) -> bool:
        """Whether the process is worth keeping."""
        return not self.fatal.is_set()

    def render_metrics(self) -> bytes:
        """Prometheus' text, up to date."""
        self._health.update_gauges()
        return self.metrics.render()
