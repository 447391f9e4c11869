"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

SETUP: Final = "run `make setup`"


class Status(StrEnum):
    """How a check ended; only BROKEN makes the command fail."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, and how to mend it where that is needed."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For --json."""
        return {key: str(value) for key, value in asdict(self).items()}


def ok(name: str, detail: str) -> Check:
    """It is as it must be."""
    return Check(name, Status.OK, detail)


def note(name: str, detail: str, remedy: str = "") -> Check:
    """Nothing is wrong, but something is not there that may be wanted."""
    return Check(name, Status.NOTE, detail, remedy)


def broken(name: str, detail: str, remedy: str) -> Check:
    """It must be mended."""
    return Check(name, Status.BROKEN, detail, remedy)
