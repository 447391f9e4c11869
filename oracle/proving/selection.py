"""Which circuit of a model is built: the cheapest that turns out sound, over the widest domain that it can afford."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from oracle.errors import ModelRejected
from oracle.proving.baseline import Target, calibrated_plan
from oracle.proving.build import CandidateFailed, CodeTooLarge, Plan, Site, build
from oracle.proving.cost import Objective
from oracle.proving.manifest import CircuitManifest
from oracle.proving.pool import ToolError, Worker, WorkerOutOfMemory, WorkerTimeout
from oracle.proving.tuner import Candidate, Grid, Tuner, cheapest_first
from oracle.proving.validation import Validation

# Error budgets for a model whose owner names none: relative to the outputs' magnitude
DEFAULT_BUDGETS: Final = (2e-3, 1e-2)
# A circuit further from its model than this at every scale computes something else
UNSOUND: Final = 2e-2
# The tuner aims at this share of the budget, so that inputs it never saw stay within
TARGET_SHARE: Final = 0.5
ATTEMPTS: Final = 6
PROBE_SCALES: Final = (12, 9, 15, 18)
# A proof dearer than this is worth a larger error, then a smaller domain, where the owner asked for none in particular
AFFORDABLE_CPU_SECS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search may try and what it looks for."""

    objective: Objective = "balanced"
    max_columns: int = 4
    validation_samples: int = 128


@dataclass(frozen=True, slots=True)
class Choice:
    """Circuits of one model over one domain within one error budget, cheapest first."""

    tuner: Tuner
    budget: float
    candidates: list[Candidate]

    @property
    def cpu_seconds(self) -> float:
        """Predicted for a proof of the cheapest."""
        return self.candidates[0].cost.cpu_seconds


@dataclass(frozen=True, slots=True)
class _Dear:
    """A search put off: its circuits take at least so many CPU seconds."""

    cpu_seconds: float
    tuner: Tuner
    budget: float


@dataclass(slots=True)
class Selection:
    """The choice among circuits of one model. `worker` and `scratch` are for trying out."""

    worker: Worker
    model: Path
    scratch: Path
    circuit_id: str
    out_dir: Path
    site: Site
    limits: Limits
    _failures: list[str] = field(default_factory=list)
    _too_large: bool = False

    def build_best(self, tuners: Iterator[Tuner], budgets: Sequence[float]) -> CircuitManifest:
        """Builds the cheapest candidate that turns out sound; ezkl's own calibration when none of ours is.

        Raises ModelRejected with every reason.
        """
        narrowest: list[Tuner] = []
        choices = self._choices(tuners, narrowest, budgets)
        tries = ((choice, one) for choice in choices for one in cheapest_first(choice.candidates, ATTEMPTS))
        for choice, candidate in islice(tries, ATTEMPTS):
            manifest = self._try(choice, candidate)
            if manifest is not None:
                return manifest
        if not self._too_large:  # ezkl's own choice has no smaller a verifier
            try:
                return self.build_theirs(narrowest[-1].validation, budgets[-1], "resources")
            except (CandidateFailed, ToolError, WorkerTimeout, WorkerOutOfMemory) as error:
                self._failures.append(str(error))
        raise ModelRejected(
            f"no sound circuit was found: {'; '.join(dict.fromkeys(self._failures))}",
            remedy="allow a larger error, or simplify the model; recurrent operators cost less when unrolled",
        )

    def build_theirs(self, validation: Validation, budget: float, target: Target) -> CircuitManifest:
        """Builds what ezkl's calibration chooses. Raises CandidateFailed, ToolError."""
        self.site.report("calibrate", 0.0, "ezkl's own calibration")
        plan = calibrated_plan(
            self.worker,
            circuit_id=self.circuit_id,
            model=self.model,
            validation=validation,
            max_error=budget,
            scratch=self.scratch,
            target=target,
        )
        return build(plan, self.site, self.out_dir)

    def _choices(self, tuners: Iterator[Tuner], seen: list[Tuner], budgets: Sequence[float]) -> Iterator[Choice]:
        """The first affordable choice, or the cheapest when none is; then the rest. `seen` collects the tuners.

        What one probe shows to be dear is searched only when nothing else is left.
        """
        dear: list[_Dear] = []
        for tuner in tuners:
            seen.append(tuner)
            for budget in budgets:
                least = tuner.estimate(budget * TARGET_SHARE, self.limits.objective, self.limits.max_columns)
                seconds = math.inf if least is None else least.cpu_seconds
                choice = self._search(tuner, budget) if seconds <= AFFORDABLE_CPU_SECS else None
                if choice is not None and choice.cpu_seconds <= AFFORDABLE_CPU_SECS:
                    yield choice
                else:
                    dear.append(_Dear(choice.cpu_seconds if choice else seconds, tuner, budget))
        for one in sorted(dear, key=lambda one: one.cpu_seconds):
            choice = self._search(one.tuner, one.budget)
            if choice is not None:
                yield choice

    def _search(self, tuner: Tuner, budget: float) -> Choice | None:
        domain = tuner.validation.domain[0]
        self.site.report("tune", 0.0, f"error budget {budget:g}, inputs from {domain.low:g} to {domain.high:g}")
        target = budget * TARGET_SHARE
        candidates = tuner.candidates(target, self.limits.objective, self.limits.max_columns)
        self.site.report("tune", 1.0, f"{len(candidates)} circuits within {target:g}")
        return Choice(tuner, budget, candidates) if candidates else None

    def _try(self, choice: Choice, candidate: Candidate) -> CircuitManifest | None:
        document = choice.tuner.settings(candidate.params)
        validation, gas = choice.tuner.validation, candidate.cost.gas
        plan = Plan(self.circuit_id, self.model, document, validation, choice.budget, gas)
        try:
            return build(plan, self.site, self.out_dir)
        except CandidateFailed as error:
            self._failures.append(str(error))
            self._too_large = self._too_large or isinstance(error, CodeTooLarge)
            self.site.report("tune", 1.0, f"next candidate: {error}")
        except (WorkerTimeout, WorkerOutOfMemory) as error:
            raise ModelRejected(f"the model is too large to be proven here: {error}") from error
        return None


def executable(tuner: Tuner) -> bool:
    """Whether some usual scale gives answers near the model's."""
    for scale in PROBE_SCALES:
        result = tuner.probe(Grid(scale))
        if result is not None and result.score.error <= UNSOUND:
            return True
    return False
