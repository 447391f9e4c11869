"""Set-ups on this machine: what the cache holds, and ceremony files taken into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oracle.cli.service_access import Say
from oracle.errors import OracleError
from oracle.proving.srs.importing import SrsReport, import_srs, inspect_srs
from oracle.proving.srs.store import check_srs, stored_srs
from oracle.settings import Settings


def list_srs(settings: Settings) -> list[dict[str, Any]]:
    """Every set-up in the cache, with whether its content is what its name says."""
    facts = []
    for one in stored_srs(settings.cache_dir):
        try:
            check_srs(one.path, one.logrows, one.srs_hash)
            intact = True
        except OracleError:
            intact = False
        facts.append(
            {
                "kind": one.kind,
                "logrows": one.logrows,
                "hash": one.srs_hash,
                "bytes": one.path.stat().st_size,
                "intact": intact,
                "file": str(one.path),
            }
        )
    return facts


def import_file(settings: Settings, path: Path, logrows: int | None, trust: str | None, say: Say) -> dict[str, Any]:
    """Facts of the set-up that was taken from a file; see oracle.proving.srs.importing."""
    say("reading and checking its points")

    def progress(fraction: float) -> None:
        say(f"Lagrange form, {fraction:.0%}")

    return _facts(import_srs(settings.cache_dir, path, logrows, trusted_hash=trust, on_fraction=progress))


def check_file(path: Path, logrows: int | None, say: Say) -> dict[str, Any]:
    """Facts of a file whose every check passed."""
    say("reading and checking its points")
    return _facts(inspect_srs(path, logrows)[0])


def _facts(report: SrsReport) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": report.kind,
        "origin": report.origin,
        "logrows": report.logrows,
        "sha256": report.sha256,
        "blake2b": report.blake2b,
        "localChainsOnly": report.kind not in ("public", "trusted"),
    }
    if report.stored is not None:
        facts |= {"hash": report.srs_hash, "file": str(report.stored)}
    return facts
