"""The forms of one model that are searched: as it came, simplified, and without lookup tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oracle.errors import OracleError
from oracle.proving.rewrites.names import UNROLLED
from oracle.proving.tuning.shapes import FEW_LEGS, Shapes
from oracle.proving.tuning.tuner import PROBE_FORM, Tuner
from oracle.proving.validation import Validation
from oracle.proving.workers.pool import Worker

RATIONAL_LEVELS: Final = 3
REWRITE_TIMEOUT_SECS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One form of the model."""

    model: Path
    shapes: Shapes
    rewrites: tuple[str, ...]
    exact: bool

    def tuner(self, worker: Worker, validation: Validation, scratch: Path) -> Tuner:
        """The search for this form over the validation's domain."""
        error = 0.0 if self.exact else validation.error_of(worker, self.model)
        return Tuner(
            worker, self.model, validation, scratch, shapes=self.shapes, rewrites=self.rewrites, model_error=error
        )


def variants(worker: Worker, model: Path, scratch: Path, *, rewrite: bool = True) -> list[Variant]:
    """The model's forms, the plainest first; those that ezkl does not take are left out."""
    plain = Variant(model, Shapes(worker, model, scratch), (), exact=True)
    if not rewrite:
        return [plain]
    simplified = _simplified(worker, plain, scratch)
    found = [simplified or plain]
    for level in range(RATIONAL_LEVELS):
        one = _made(worker, found[0], scratch, f"rational-{level}", "rational", exact=False, level=level)
        found += [one] if one else []
    return found


def _simplified(worker: Worker, plain: Variant, scratch: Path) -> Variant | None:
    """The simplified form where it is worth another file: it takes fewer rows, or has recurrent layers written out."""
    form = _made(worker, plain, scratch, "simplified", "simplify", exact=True)
    if form is None or UNROLLED in form.rewrites:
        return form
    before, after = plain.shapes.at(PROBE_FORM, FEW_LEGS), form.shapes.at(PROBE_FORM, FEW_LEGS)
    return form if before is None or (after is not None and after.rows < before.rows) else None


def _made(
    worker: Worker, source: Variant, scratch: Path, name: str, operation: str, *, exact: bool, **arguments: Any
) -> Variant | None:
    """A rewritten form; None where there is nothing to rewrite, where it cannot be done, or an exact one compiled."""
    out = scratch / f"{name}.onnx"
    try:
        answer = worker.call(operation, path=str(source.model), out=str(out), timeout=REWRITE_TIMEOUT_SECS, **arguments)
    except OracleError:
        return None
    if not answer["applied"]:
        return None
    shapes = Shapes(worker, out, scratch)
    if exact and shapes.at(PROBE_FORM, FEW_LEGS) is None:
        return None  # of approximations one alone is searched: the others need not be asked for
    return Variant(out, shapes, (*source.rewrites, *answer["applied"]), exact)
