"""Which circuit of a model is built: the cheapest that turns out sound, over the widest domain that it can afford."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from oracle.errors import ModelRejected
from oracle.proving.building.build import CandidateFailed, CodeTooLarge, Plan, Site, build
from oracle.proving.building.manifest import CircuitManifest, OutputTransform
from oracle.proving.tuning.baseline import Target, calibrated_plan
from oracle.proving.tuning.cost import Objective
from oracle.proving.tuning.runs import Grid
from oracle.proving.tuning.tuner import Candidate, Tuner, cheapest_first
from oracle.proving.validation import Validation
from oracle.proving.workers.pool import ToolError, Worker, WorkerOutOfMemory, WorkerTimeout

# Error budgets for a model whose owner names none: relative to the outputs' magnitude
DEFAULT_BUDGETS: Final = (2e-3, 1e-2)
# A circuit further from its model than this at every scale computes something else
UNSOUND: Final = 2e-2
# The tuner aims at this share of the budget, so that inputs it never saw stay within
TARGET_SHARE: Final = 0.5
# Of that target, what a rewritten model may take for itself; and where the finest form takes more than that
REWRITE_SHARE: Final = 0.5
FINEST_SHARE: Final = 0.85
ATTEMPTS: Final = 6
PROBE_SCALES: Final = (12, 9, 15, 18)
# A proof dearer than this is worth a larger error, then a smaller domain, where the owner asked for none in particular
AFFORDABLE_CPU_SECS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search may try and what it looks for."""

    objective: Objective = "balanced"
    max_columns: int = 4
    validation_samples: int = 128
    rewrites: bool = True
    # A domain wider than the samples' own range, where none is declared
    widen: bool = True


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

    def weight(self, objective: Objective) -> float:
        """Of the cheapest, by the objective."""
        return self.candidates[0].cost.weight(objective)


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
    source: Path
    transforms: tuple[OutputTransform, ...] = ()
    failures: list[str] = field(default_factory=list)
    _too_large: bool = False

    def build_best(self, domains: Iterator[list[Tuner]], budgets: Sequence[float]) -> CircuitManifest:
        """Builds the cheapest candidate that turns out sound; ezkl's own calibration when none of ours is.

        Raises ModelRejected with every reason.
        """
        narrowest: list[Tuner] = []
        choices = self._choices(domains, narrowest, budgets)
        tries = ((choice, one) for choice in choices for one in cheapest_first(choice.candidates, ATTEMPTS))
        for choice, candidate in islice(tries, ATTEMPTS):
            manifest = self.attempt(choice, candidate)
            if manifest is not None:
                return manifest
        if not self._too_large:  # ezkl's own choice has no smaller a verifier
            try:
                return self.build_theirs(narrowest[-1].validation, budgets[-1], "resources")
            except (CandidateFailed, ToolError, WorkerTimeout, WorkerOutOfMemory) as error:
                self.failures.append(str(error))
        raise ModelRejected(
            f"no sound circuit was found: {'; '.join(dict.fromkeys(self.failures))}",
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

    def _choices(self, domains: Iterator[list[Tuner]], seen: list[Tuner], budgets: Sequence[float]) -> Iterator[Choice]:
        """The first affordable choice, or the cheapest when none is; then the rest. `seen` collects a tuner a domain.

        What one probe shows to be dear is searched only when nothing else is left.
        """
        dear: list[_Dear] = []
        for tuners in domains:
            seen.append(tuners[0])
            for budget in budgets:
                promising = self._promising(tuners, budget)
                affordable = [one for one in promising if one.cpu_seconds <= AFFORDABLE_CPU_SECS]
                choices = [choice for choice in self._searched(affordable) if choice.cpu_seconds <= AFFORDABLE_CPU_SECS]
                yield from choices
                if not choices:
                    dear += promising
        for one in sorted(dear, key=lambda one: one.cpu_seconds):
            choice = self._search(one.tuner, one.budget)
            if choice is not None:
                yield choice

    def _promising(self, tuners: Sequence[Tuner], budget: float) -> list[_Dear]:
        """Forms of the model near enough to it, by what a probe says they weigh."""
        objective, columns, target = self.limits.objective, self.limits.max_columns, budget * TARGET_SHARE
        weighed: list[tuple[float, _Dear]] = []
        for tuner in near_enough(tuners, target):
            least = tuner.estimate(target, objective, columns)
            seconds = math.inf if least is None else least.cpu_seconds
            weight = math.inf if least is None else least.weight(objective)
            weighed.append((weight, _Dear(seconds, tuner, budget)))
        return [one for _, one in sorted(weighed, key=lambda pair: pair[0])]

    def _searched(self, promising: Sequence[_Dear]) -> list[Choice]:
        """Choices among these forms, the cheapest first; a form is searched while it may still be the cheapest."""
        objective, columns = self.limits.objective, self.limits.max_columns
        found: list[Choice] = []
        for one in promising:
            least = one.tuner.estimate(one.budget * TARGET_SHARE, objective, columns)
            best = min((choice.weight(objective) for choice in found), default=math.inf)
            if least is None or least.weight(objective) >= best:
                continue
            choice = self._search(one.tuner, one.budget)
            found += [choice] if choice is not None else []
        return sorted(found, key=lambda choice: choice.weight(objective))

    def _search(self, tuner: Tuner, budget: float) -> Choice | None:
        domain = tuner.validation.domain[0]
        self.site.report("tune", 0.0, f"error budget {budget:g}, inputs from {domain.low:g} to {domain.high:g}")
        target = budget * TARGET_SHARE
        candidates = tuner.candidates(target, self.limits.objective, self.limits.max_columns)
        self.site.report("tune", 1.0, f"{len(candidates)} circuits within {target:g}")
        return Choice(tuner, budget, candidates) if candidates else None

    def attempt(self, choice: Choice, candidate: Candidate) -> CircuitManifest | None:
        """Builds a candidate; None where it is not sound, with the reason in `failures`."""
        document = choice.tuner.settings(candidate.params)
        validation, gas = choice.tuner.validation, candidate.cost.gas
        tuner = choice.tuner
        plan = Plan(
            self.circuit_id,
            tuner.model,
            document,
            validation,
            choice.budget,
            gas,
            source=self.source if tuner.model != self.source else None,
            rewrites=tuner.rewrites,
            transforms=self.transforms,
        )
        try:
            return build(plan, self.site, self.out_dir)
        except CandidateFailed as error:
            self.failures.append(str(error))
            self._too_large = self._too_large or isinstance(error, CodeTooLarge)
            self.site.report("tune", 1.0, f"next candidate: {error}")
        except (WorkerTimeout, WorkerOutOfMemory) as error:
            raise ModelRejected(f"the model is too large to be proven here: {error}") from error
        return None


def near_enough(tuners: Sequence[Tuner], target: float) -> list[Tuner]:
    """The exact forms of a model, and of its approximations, which come from coarse to fine, one: the coarsest that
    leaves enough of the error target to the fixed point. Finer ones only cost more."""
    exact, rewritten = [one for one in tuners if not one.model_error], [one for one in tuners if one.model_error]
    for form in rewritten:
        share = FINEST_SHARE if form is rewritten[-1] else REWRITE_SHARE
        if form.model_error <= target * share:
            return [*exact, form]
    return exact


def executable(tuner: Tuner) -> bool:
    """Whether some usual scale gives answers near the model's."""
    for scale in PROBE_SCALES:
        result = tuner.probe(Grid(scale))
        if result is not None and result.score.error <= UNSOUND:
            return True
    return False
