"""Whether this machine can confine what reads an uploaded model."""

from __future__ import annotations

from collections.abc import Iterator

from oracle.cli.diagnosis.check import Check, note, ok
from oracle.errors import SandboxUnavailable
from oracle.proving.uploaded import require_sandbox, sandbox_lacks
from oracle.settings import Settings


def check_sandbox(settings: Settings) -> Iterator[Check]:
    """Every mechanism of the sandbox, tried; without one, uploads are refused, and nothing else."""
    lacking = sandbox_lacks(settings)
    try:
        require_sandbox(settings)
    except SandboxUnavailable as error:
        yield note("sandbox", str(error), error.remedy)
        return
    if lacking:
        yield note("sandbox", f"uploads are read without {', '.join(lacking)}", "unset PLUMBLINE_UPLOAD_SANDBOX")
    else:
        yield ok("sandbox", "uploads are read without network, files, processes or more memory than allowed")
