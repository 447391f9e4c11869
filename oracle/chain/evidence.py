"""Anyone can check any number: a round verified again from an RPC, the feed's address and the round's id alone.

Nothing is taken from a service. The inputs are recomputed twice, by the contract and in Python from the recorded
observations; commitment, hash chain, outputs and limits by their Python twins; the proof by the pinned verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from oracle.chain import reverts
from oracle.chain.board_evidence import collect_batch_evidence
from oracle.chain.client import ChainClient
from oracle.chain.code_match import matches_artifact
from oracle.chain.evidence_checks import (
    Result,
    check_code,
    check_model,
    check_proof,
    check_transaction,
    check_verifier_code,
    in_hex,
    model_facts,
    run_check,
)
from oracle.chain.feeds import (
    FeatureModule,
    ObservationFeed,
    ProvenAnswer,
    RiskFeed,
    SharedProofVerifier,
    VectorObservationFeed,
    checked_round,
)
from oracle.chain.models import InferenceVerifier, ModelRegistry, ModelVersion
from oracle.chain.module_twins import ModuleTwin, module_twin
from oracle.chain.round_facts import (
    GuardsChange,
    Observed,
    RoundEvent,
    Submission,
    aligned_window,
    guards_changes,
    observed_vector,
    observed_window,
    round_events,
    submission,
)
from oracle.domain.commitments import feed_nonce, feed_root, feed_root_zero, input_commitment
from oracle.domain.deployment import FeedGuards
from oracle.domain.evidence import Evidence
from oracle.domain.guards import limited_answer
from oracle.errors import InvalidInput, NotFound
from oracle.units import felt_from_int

GONE: Final = "these observations have left the feed's ring buffer"


@dataclass(frozen=True)
class Window:
    """A source and what the inputs take of it."""

    source: ObservationFeed | VectorObservationFeed
    observed: Sequence[Observed]

    @property
    def values(self) -> list[int]:
        """The window's prices, or the vector."""
        return [value for observed in self.observed for value in observed.values]

    @property
    def last(self) -> Observed:
        """The newest of them."""
        return self.observed[-1]


@dataclass(frozen=True)
class Facts:
    """A round as the chain holds it, with what it was made of."""

    client: ChainClient
    feed: RiskFeed
    stored: ProvenAnswer
    event: RoundEvent
    history: Sequence[RoundEvent]
    guards: Sequence[GuardsChange]
    submitted: Submission
    module: FeatureModule
    twin: ModuleTwin
    windows: Sequence[Window]
    shared: str  # the SharedProofVerifier before the InferenceVerifier; empty without
    inference: InferenceVerifier
    registry: ModelRegistry
    model: ModelVersion
    inputs: tuple[int, ...]

    @property
    def values(self) -> list[int]:
        """What was observed: every window's prices, one after the other, or the vector."""
        return [value for window in self.windows for value in window.values]

    @property
    def tx_hash(self) -> bytes:
        return self.event.tx_hash

    @property
    def zk_proof(self) -> bytes:
        return self.submitted.zk_proof

    @property
    def model_ids(self) -> tuple[int, int]:
        """The feed's model, and the one that was proven."""
        return self.feed.model_id(), self.event.proven.model_id

    @property
    def previous(self) -> RoundEvent | None:
        """The round before."""
        return next((one for one in self.history if one.proven.round_id == self.event.proven.round_id - 1), None)

    @property
    def guards_in_force(self) -> FeedGuards:
        """The guards that the round was made under."""
        return [change.guards for change in self.guards if change.position < self.event.position][-1]

    @property
    def instances(self) -> list[int]:
        return [*(felt_from_int(value) for value in self.inputs), *self.submitted.output_instances]


def collect_evidence(client: ChainClient, feed_address: str, round_id: int = 0, *, from_block: int = 0) -> Evidence:
    """A round of a RiskFeed, or a batch of a LiquidationBoard, with every check done; `round_id` 0 is the newest.

    A failed check is part of the result (`Evidence.ok`). Raises NotFound for a feed or round that is not there,
    ProofRejected when the transaction does not hold what the event claims, RpcUnavailable.
    """
    if matches_artifact(client, "LiquidationBoard", feed_address):
        return collect_batch_evidence(client, feed_address, round_id, from_block=from_block)
    return evidence_of(gather(client, feed_address, checked_round(round_id), from_block))


def evidence_of(facts: Facts) -> Evidence:
    """The evidence of gathered facts, with every check done."""
    checks = tuple(run_check(name, check, facts, GONE) for name, check in _CHECKS)
    proven, model = facts.event.proven, facts.model
    outputs = _tried(lambda: tuple(model.spec.outputs_wad(facts.submitted.output_instances)), ())
    return Evidence(
        chain_id=facts.client.chain_id,
        feed=facts.feed.address,
        description=facts.feed.description(),
        round_id=proven.round_id,
        tx_hash=in_hex(facts.event.tx_hash),
        block_number=facts.event.block_number,
        observation_round=proven.observation_round,
        observed_at=proven.observed_at,
        updated_at=facts.stored.updated_at,
        answer=proven.answer,
        proven_answer=proven.proven_answer,
        model_id=proven.model_id,
        model_version=proven.version,
        **model_facts(model),
        input_commitment=in_hex(proven.input_commitment),
        proof_hash=in_hex(proven.proof_hash),
        root=in_hex(facts.event.root),
        prices=tuple(facts.values),
        inputs=facts.inputs,
        outputs_wad=outputs,
        instances=tuple(facts.instances),
        zk_proof=in_hex(facts.submitted.zk_proof),
        checks=checks,
    )


def gather(client: ChainClient, feed_address: str, round_id: int, from_block: int = 0) -> Facts:
    """A round's facts; 0 is the newest. Raises as collect_evidence."""
    if not client.code(feed_address):
        raise NotFound(f"there is no contract at {feed_address} on chain {client.chain_id}")
    feed = RiskFeed(client, feed_address)
    wanted = round_id or feed.latest_round()
    try:
        stored = feed.round(wanted)
    except reverts.NoDataPresent:
        raise NotFound(f"{feed_address} has no round {wanted}", remedy="Rounds count from 1.") from None
    history = round_events(client, feed, from_block)
    events = [event for event in history if event.proven.round_id == wanted]
    if len(events) != 1:
        raise NotFound(f"the chain has {len(events)} RoundProven events for round {wanted}, not one")
    event = events[0]
    module = feed.feature_module()
    twin = module_twin(client, module.address)
    windows = _observations(client, module.source(), twin, event.proven.observation_round, from_block)
    values = [value for window in windows for value in window.values]
    verifier = feed.inference_verifier()
    shared = verifier if matches_artifact(client, "SharedProofVerifier", verifier) else ""
    inference = InferenceVerifier(
        client, SharedProofVerifier(client, shared).inference_verifier() if shared else verifier
    )
    registry = inference.registry()
    return Facts(
        client=client,
        feed=feed,
        stored=stored,
        event=event,
        history=history,
        guards=guards_changes(client, feed, from_block),
        submitted=submission(client, feed, event),
        module=module,
        twin=twin,
        windows=windows,
        shared=shared,
        inference=inference,
        registry=registry,
        model=registry.version(event.proven.model_id, event.proven.version),
        inputs=tuple(twin.inputs(values, windows[0].last.observed_at)),
    )


def _observations(client: ChainClient, source: str, twin: ModuleTwin, last_round: int, from_block: int) -> list[Window]:
    """The windows of a module's sources, the first of them that of the round."""
    if twin.reads_vectors:
        found = observed_vector(client, source, last_round, from_block)
        return [Window(VectorObservationFeed(client, source), found)]
    first = observed_window(client, source, last_round, twin.window, from_block)
    windows = [Window(ObservationFeed(client, source), first)]
    for asset, other in enumerate(twin.others, start=1):
        found = first
        if other != source:
            time = first[-1].observed_at
            found = aligned_window(
                client, other, asset, time=time, max_skew=twin.max_skew, count=twin.window, from_block=from_block
            )
        windows.append(Window(ObservationFeed(client, other), found))
    return windows


# --- checks


def _check_contracts(facts: Facts) -> Result:
    observing = "VectorObservationFeed" if facts.twin.reads_vectors else "ObservationFeed"
    contracts = [
        ("RiskFeed", facts.feed.address),
        (facts.twin.contract, facts.module.address),
        *((observing, window.source.address) for window in facts.windows),
        ("InferenceVerifier", facts.inference.address),
        ("ModelRegistry", str(facts.registry.contract.address)),
    ]
    if facts.twin.batch:
        contracts.append(("GarchBatchInputs", facts.twin.batch))
    if facts.shared:
        contracts.append(("SharedProofVerifier", facts.shared))
    return check_code(facts.client, contracts)


def _check_stored_round(facts: Facts) -> Result:
    proven, stored = facts.event.proven, facts.stored
    expected = (proven.answer, proven.proven_answer, proven.observed_at, proven.observation_round)
    return expected, (stored.answer, stored.proven_answer, stored.observed_at, stored.observation_round)


def _check_window(facts: Facts) -> Result:
    """The observations of the events are those that the feeds hold, of one segment, and older than the round."""
    for window in facts.windows:
        if window.last.position > facts.event.position or window.last.segment_start > window.observed[0].round_id:
            return "one segment before the round", "a gap, or later observations"
    try:
        held = [
            window.source.vector(window.last.round_id)
            if isinstance(window.source, VectorObservationFeed)
            else window.source.window(window.last.round_id, facts.twin.window)
            for window in facts.windows
        ]
    except (reverts.NoDataPresent, reverts.WindowNotAvailable):
        return None
    return [(window.values, window.last.observed_at) for window in facts.windows], held


def _check_inputs(facts: Facts) -> Result:
    """The Python twin's inputs are the feature module's."""
    observation_round = facts.event.proven.observation_round
    try:
        return facts.module.inputs(observation_round), (list(facts.inputs), facts.event.proven.observed_at)
    except (reverts.NoDataPresent, reverts.WindowNotAvailable):
        return None


def _check_observation_round(facts: Facts) -> Result:
    expected = (facts.submitted.observation_round, facts.windows[0].last.observed_at)
    return expected, (facts.event.proven.observation_round, facts.event.proven.observed_at)


def _check_commitment(facts: Facts) -> Result:
    proven = facts.event.proven
    expected = input_commitment(
        facts.client.chain_id,
        facts.inference.address,
        proven.model_id,
        proven.version,
        feed_nonce(facts.feed.address, proven.round_id),
        proven.observed_at,
        [felt_from_int(value) for value in facts.inputs],
    )
    return in_hex(expected), in_hex(proven.input_commitment)


def _check_outputs(facts: Facts) -> Result:
    outputs = facts.model.spec.outputs_wad(facts.submitted.output_instances)
    chains = facts.module.answer(outputs, facts.inputs, facts.event.proven.observation_round)
    expected = (chains, facts.twin.answer(outputs, list(facts.inputs), facts.values))
    proven = facts.event.proven.proven_answer
    return expected, (proven, proven)


def _check_limits(facts: Facts) -> Result:
    """The answer is the proven one under the guards in force and the round before."""
    proven = facts.event.proven
    last = facts.previous
    if last is None:
        return proven.proven_answer, proven.answer
    elapsed = proven.observed_at - last.proven.observed_at
    return limited_answer(proven.proven_answer, last.proven.answer, elapsed, facts.guards_in_force), proven.answer


def _check_hash_chain(facts: Facts) -> Result:
    """Every round from the first on, replayed; its head is the feed's."""
    root = feed_root_zero(facts.client.chain_id, facts.feed.address)
    for number, event in enumerate(facts.history, start=1):
        root = feed_root(root, event.proven)
        if event.proven.round_id != number or event.root != root:
            return (
                f"round {number} with root {in_hex(root)}",
                f"round {event.proven.round_id} with {in_hex(event.root)}",
            )
    return in_hex(root), in_hex(facts.feed.root()), f"{len(facts.history)} rounds replayed"


_CHECKS: Final[tuple[tuple[str, Callable[[Facts], Result]], ...]] = (
    ("contracts", _check_contracts),
    ("transaction", check_transaction),
    ("stored round", _check_stored_round),
    ("observation round", _check_observation_round),
    ("observation window", _check_window),
    ("model inputs", _check_inputs),
    ("input commitment", _check_commitment),
    ("model", check_model),
    ("verifier code", check_verifier_code),
    ("proof", check_proof),
    ("outputs", _check_outputs),
    ("limits", _check_limits),
    ("hash chain", _check_hash_chain),
)


def _tried(read: Callable[[], tuple[int, ...]], otherwise: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return read()
    except InvalidInput:
        return otherwise
