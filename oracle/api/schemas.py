"""What goes over the wire: camelCase, integers that may pass 2^53 as decimal strings, bytes as 0x-hex."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from oracle.api.problems import problem_of
from oracle.constants import BN254_SCALAR_FIELD
from oracle.daemon.views import FeedView, ModelView, RoundView
from oracle.domain.deployment import FeedKind
from oracle.domain.evidence import Evidence
from oracle.domain.market_state import Assessment
from oracle.domain.proofs import Proof
from oracle.domain.requests import Priority, Request
from oracle.proving.cards import Card

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,200}$"
MAX_BATCH: Final = 64
MAX_VALUES: Final = 65_536
MAX_PROOF_BYTES: Final = 65_536
MAX_WAIT_SECS: Final = 300.0
MAX_ROUND_ID: Final = (1 << 64) - 1

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
PathName = Annotated[str, Path(pattern=NAME_PATTERN, description="The name.", examples=["spx-volatility"])]
PathRequestId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{32}$", description="The request's id, 32 hex digits.", examples=["0123456789abcdef" * 2]),
]
PathRoundId = Annotated[int, Path(ge=1, le=MAX_ROUND_ID, description="Rounds count from 1.", examples=[1])]
WaitSecs = Annotated[
    float,
    Query(
        alias="waitSecs",
        ge=0,
        le=MAX_WAIT_SECS,
        allow_inf_nan=False,
        description="Answer when it has ended, or after so long.",
        examples=[20],
    ),
]
DecimalText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]+$", max_length=80)]
# Read as a number too, as an earlier service wrote it
DecimalOrNumber = Annotated[DecimalText, BeforeValidator(lambda told: str(told) if type(told) is int else told)]
HexText = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=2 + 2 * MAX_PROOF_BYTES)]


class Schema(BaseModel):
    """Base of every document: camelCase on the wire, unknown members refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def _felt(text: str) -> str:
    value = int(text, 0)
    if not 0 <= value < BN254_SCALAR_FIELD:
        raise ValueError("not below the BN254 scalar field's modulus")
    return text


Felt = Annotated[
    str,
    StringConstraints(pattern=r"^(0x[0-9a-fA-F]{1,64}|0|[1-9][0-9]{0,77})$"),
    AfterValidator(_felt),
]
FiniteNumber = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class FeedOut(Schema):
    """A feed and its newest round; before the first, roundId is 0 and answer null."""

    name: str
    kind: FeedKind
    address: str
    decimals: int
    description: str
    round_id: int
    answer: DecimalText | None = Field(description="At `decimals`, as a decimal string.")
    observed_at: int = Field(description="Time of the newest observation in it, unix seconds.")
    updated_at: int = Field(description="Publication's block time, unix seconds.")
    age_secs: int
    stale: bool
    heartbeat: int = Field(description="Seconds after which consumers see it as stale; 0: none set.")
    source: str = Field(description="Symbol of the market source that this service feeds it from; empty: none.")
    observations: str = Field(description="Name of the feed that the inputs come from.")
    model: str
    unit: str = Field(description="What the answer means; of a vector, its components.")

    @classmethod
    def of(cls, feed: FeedView) -> Self:
        """A view on the wire."""
        return cls(
            **{name: getattr(feed, name) for name in cls.model_fields if name != "answer"},
            answer=None if feed.answer is None else str(feed.answer),
        )


class FeedsOut(Schema):
    """All feeds."""

    feeds: list[FeedOut]


class RoundOut(Schema):
    """One round. `provenAnswer` of proven feeds only: what the proof says, before guards bound its move."""

    feed: str
    round_id: int
    answer: DecimalText
    proven_answer: DecimalText | None
    observed_at: int
    updated_at: int
    observation_round: int

    @classmethod
    def of(cls, view: RoundView) -> Self:
        """A view on the wire."""
        return cls(
            feed=view.feed,
            round_id=view.round_id,
            answer=str(view.answer),
            proven_answer=None if view.proven_answer is None else str(view.proven_answer),
            observed_at=view.observed_at,
            updated_at=view.updated_at,
            observation_round=view.observation_round,
        )


class RoundsOut(Schema):
    """Rounds, newest first."""

    rounds: list[RoundOut]


class PositionOut(Schema):
    """A position's newest assessment. Probability of liquidation within 7 days and confidence: 18 decimals."""

    account: str
    round_id: int = Field(description="Of the batch that it was proven in.")
    probability: DecimalText
    confidence: DecimalText
    observed_at: int = Field(description="Time of the newest price in it, unix seconds.")

    @classmethod
    def of(cls, found: Assessment) -> Self:
        """An assessment on the wire."""
        return cls(
            account=found.account,
            round_id=found.batch_id,
            probability=str(found.probability),
            confidence=str(found.confidence),
            observed_at=found.observed_at,
        )


class PositionsOut(Schema):
    """Assessed positions, the likeliest liquidation first."""

    positions: list[PositionOut]


class CheckOut(Schema):
    """One comparison of a verification."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    expected: str
    actual: str
    detail: str


class EvidenceOut(Schema):
    """One round of a proven feed from the chain alone: what anybody needs to check it again, and the checks done.

    Answers, outputs and prices as in the contracts; `inputs` are the model's, recomputed from the recorded
    observations; `instances` are what the verifier read.
    """

    chain_id: int
    feed: str = Field(description="The feed's address.")
    description: str
    round_id: int
    tx_hash: str
    block_number: int
    observation_round: int
    observed_at: int
    updated_at: int
    answer: DecimalText
    proven_answer: DecimalText
    model_id: int
    model_version: int
    model_hash: str
    circuit_hash: str
    vk_hash: str
    verifier: str
    verifier_code_hash: str
    input_commitment: str
    proof_hash: str
    root: str
    prices: list[DecimalOrNumber]
    inputs: list[DecimalText]
    outputs_wad: list[DecimalText]
    instances: list[DecimalText]
    zk_proof: HexText
    checks: list[CheckOut]
    ok: bool


class VerificationOut(Schema):
    """A round verified again from the chain alone."""

    feed: str
    round_id: int
    ok: bool
    checks: list[CheckOut]

    @classmethod
    def of(cls, feed: str, evidence: Evidence) -> Self:
        """The checks of an evidence."""
        checks = [
            CheckOut(name=c.name, status=c.status.value, expected=c.expected, actual=c.actual, detail=c.detail)
            for c in evidence.checks
        ]
        return cls(feed=feed, round_id=evidence.round_id, ok=evidence.ok, checks=checks)


class ModelOut(Schema):
    """A model that can be proven here, and where it is registered; modelId null before that."""

    name: str
    circuit_id: str
    model_hash: str
    circuit_hash: str
    vk_hash: str
    srs_kind: str
    logrows: int
    input_shapes: list[list[int]]
    input_count: int
    output_count: int
    max_error: float | None
    domain: list[dict[str, float]] = Field(description="Closed interval of every value, for each input tensor.")
    measured: dict[str, Any] = Field(description="What the circuit did on the machine that built it.")
    model_id: DecimalText | None
    version: int | None
    verifier: str
    active: bool

    @classmethod
    def of(cls, model: ModelView) -> Self:
        """A view on the wire."""
        same = {name: getattr(model, name) for name in cls.model_fields}
        return cls.model_validate(
            same
            | {
                "input_shapes": [list(shape) for shape in model.input_shapes],
                "domain": [dict(domain) for domain in model.domain],
                "model_id": None if model.model_id is None else str(model.model_id),
            }
        )


class ModelsOut(Schema):
    """All models."""

    models: list[ModelOut]


class ProofRequestIn(Schema):
    """Inputs for a model, in ezkl's form: one flat row for each input tensor."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "garch-vol-32", "inputData": [[0.5, -0.25]], "submit": True}]}
    )

    model: Name
    input_data: list[Annotated[list[FiniteNumber], Field(max_length=MAX_VALUES)]] = Field(min_length=1, max_length=64)
    submit: bool = Field(False, description="Also have it verified and stored on chain.", strict=True)
    priority: Priority = Field(
        Priority.NORMAL,
        description="high begins before normal ones accepted up to 300 s earlier. It takes an operator's key, or one "
        "with a quota, against which it counts fourfold.",
    )


class ProofBatchIn(Schema):
    """Proof requests that are accepted together."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "requests": [
                        {"model": "garch-vol-32", "inputData": [[0.5, -0.25]], "submit": False},
                        {"model": "garch-vol-32", "inputData": [[0.25, -0.5]], "submit": False},
                    ]
                }
            ]
        }
    )

    requests: list[ProofRequestIn] = Field(min_length=1, max_length=MAX_BATCH)


class CardOut(Schema):
    """A model's card as Markdown, and the report of its training where it was trained here."""

    name: str
    text: str
    report: dict[str, Any] | None

    @classmethod
    def of(cls, card: Card) -> Self:
        """A card on the wire."""
        return cls(name=card.name, text=card.text, report=card.report)


class CauseOut(Schema):
    """Why a request failed; `node` is the one of an uploaded model that is at fault."""

    error: str
    message: str
    branch: str
    remedy: str
    step: str
    node: str = ""


def _own_key(kept: str | None) -> str | None:
    """The idempotency key as its caller sent it; it is kept after the caller's id and a space, which none contains."""
    return kept if kept is None else kept.rpartition(" ")[2]


class RequestOut(Schema):
    """A request as it stands. `result` once fulfilled, `cause` once failed."""

    id: str
    kind: Literal["round", "price", "proof", "inference", "model"]
    subject: str = Field(description="The feed's or the model's name.")
    priority: Priority
    state: Literal["accepted", "running", "fulfilled", "failed", "cancelled"]
    step: str
    created_at: float
    updated_at: float
    finished_at: float | None
    idempotency_key: str | None
    result: dict[str, Any] | None
    cause: CauseOut | None
    problem: ProblemOut | None = Field(None, description="RFC 9457: the failure as an answer to a call would say it.")

    @classmethod
    def of(cls, request: Request) -> Self:
        """A request on the wire."""
        return cls(
            id=request.id,
            kind=request.kind.value,
            subject=request.subject,
            priority=request.priority,
            state=request.state.value,
            step=request.step,
            created_at=request.created_at,
            updated_at=request.updated_at,
            finished_at=request.finished_at,
            idempotency_key=_own_key(request.idempotency_key),
            result=dict(request.result) if request.result is not None else None,
            cause=CauseOut(**request.cause.as_json()) if request.cause is not None else None,
            problem=ProblemOut(**problem_of(request.cause)) if request.cause is not None else None,
        )


class RequestsOut(Schema):
    """Requests, in the order in which they were asked for."""

    requests: list[RequestOut]


class ProofOut(Schema):
    """A proof and the field elements that it binds: inputs, then outputs."""

    model: str
    proof: HexText
    instances: list[DecimalText]

    @classmethod
    def of(cls, proof: Proof) -> Self:
        """A proof on the wire."""
        return cls(
            model=proof.circuit_id,
            proof="0x" + proof.zk_proof.hex(),
            instances=[str(felt) for felt in proof.instances],
        )


class VerifyIn(Schema):
    """A proof to check against a model's verification key; instances as decimal strings or 0x-hex."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "garch-vol-32", "proof": "0x00", "instances": ["1", "0x2"]}]}
    )

    model: Name
    proof: HexText
    instances: list[Felt] = Field(max_length=MAX_VALUES)


class VerifyOut(Schema):
    """Whether the proof holds; its outputs as real numbers where it does, else why not."""

    valid: bool
    outputs: list[float] | None
    reason: str


class HealthCheckOut(Schema):
    """One thing that readiness depends on."""

    name: str
    ok: bool
    detail: str


class HealthOut(Schema):
    """Whether the service can do its work, check by check."""

    ok: bool
    checks: list[HealthCheckOut]


class LiveOut(Schema):
    """Whether the process is worth keeping."""

    ok: bool


class ProblemOut(BaseModel):
    """RFC 9457. `error` names the cause's class; `remedy` says what to do; `revert` is a contract's error.

    `node` is the node of an uploaded model that is at fault.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:plumbline:error:NotFound",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "no feed is named 'x'",
                    "error": "NotFound",
                    "remedy": "There are: spx-usd, spx-volatility.",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    error: str
    remedy: str = ""
    revert: dict[str, Any] | None = None
    node: str | None = None
    errors: list[dict[str, str]] | None = None
