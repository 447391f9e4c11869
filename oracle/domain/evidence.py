"""Everything about one round that can be checked, and what the checks said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class CheckStatus(StrEnum):
    """What a check found. SKIPPED: the chain no longer holds what it needs; another check covers it."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what it must be, what it is, both as text."""

    name: str
    status: CheckStatus
    expected: str
    actual: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One round of a RiskFeed from the chain alone. Answers and outputs WAD, times unix seconds, hashes 0x-hex.

    `inputs` are the model's, recomputed from the recorded observations; `instances` are what the verifier read.
    """

    chain_id: int
    feed: str
    description: str
    round_id: int
    tx_hash: str
    block_number: int
    observation_round: int
    observed_at: int
    updated_at: int
    answer: int
    proven_answer: int
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
    prices: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs_wad: tuple[int, ...]
    instances: tuple[int, ...]
    zk_proof: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when no check failed."""
        return all(check.status is not CheckStatus.FAILED for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status is CheckStatus.FAILED)

    def as_json(self) -> dict[str, Any]:
        """As JSON; integers above 2^53 as decimal strings, so that every reader keeps them exact."""
        fields = asdict(self)
        for name in ("answer", "proven_answer"):
            fields[name] = str(fields[name])
        for name in ("prices", "inputs", "outputs_wad", "instances"):
            fields[name] = [str(value) for value in fields[name]]
        return {_camel(name): value for name, value in fields.items()} | {"ok": self.ok}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
