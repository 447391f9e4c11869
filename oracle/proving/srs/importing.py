"""Ceremony files taken into the cache: checked, cut to size, brought into halo2's form, and marked by their origin."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from oracle.errors import InvalidInput
from oracle.proving.files import locked, sha256_bytes, write_atomic
from oracle.proving.srs.checks import check_lagrange, check_points, with_lagrange
from oracle.proving.srs.curve import OnFraction
from oracle.proving.srs.format import SrsPoints, encode, read_points
from oracle.proving.srs.known import KNOWN, Ceremonies
from oracle.proving.srs.store import DEV, IMPORTED, PUBLIC, TRUSTED, dev_s_g2, srs_path

HASH_BLOCK: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class SrsReport:
    """What a file is. `sha256`, `blake2b`: of the file as it is; `srs_hash`, `stored`: of what was imported of it."""

    kind: str
    origin: str
    logrows: int
    sha256: str
    blake2b: str
    srs_hash: str | None = None
    stored: Path | None = None


def inspect_srs(
    path: Path,
    logrows: int | None = None,
    *,
    trusted_hash: str | None = None,
    ceremonies: Ceremonies = KNOWN,
    on_fraction: OnFraction | None = None,
) -> tuple[SrsReport, SrsPoints]:
    """What an SRS or .ptau file is, with its points, all checks passed.

    Its kind: "public" when its hash or its s*G2 is a known ceremony's; "trusted" when `trusted_hash` is its SHA-256
    (hex); "dev" for the development secret; else "imported". Raises InvalidInput for what is no set-up, and for a
    `trusted_hash` that is not the file's.
    """
    points = read_points(path, logrows)
    sha256, blake2b = _hashes(path)
    check_points(points, path.name, on_fraction)
    origin = ceremonies.origin(sha256=sha256, blake2b=blake2b, s_g2=points.s_g2)
    if trusted_hash is not None and trusted_hash.removeprefix("0x").lower() != sha256.removeprefix("0x"):
        raise InvalidInput(f"{path} has SHA-256 {sha256}, the trusted hash is {trusted_hash}")
    if points.s_g2 == dev_s_g2():
        kind, origin = DEV, "the development secret, which everybody knows"
    elif origin is not None:
        kind = PUBLIC
    elif trusted_hash is not None:
        kind, origin = TRUSTED, "unknown; the operator vouches for it"
    else:
        kind, origin = IMPORTED, "unknown: who knows its secret can forge proofs"
    return SrsReport(kind, origin, points.logrows, sha256, blake2b), points


def import_srs(
    cache_dir: Path,
    path: Path,
    logrows: int | None = None,
    *,
    trusted_hash: str | None = None,
    ceremonies: Ceremonies = KNOWN,
    on_fraction: OnFraction | None = None,
) -> SrsReport:
    """Takes a file into the cache as a set-up of 2^logrows rows; see inspect_srs.

    None: as many rows as a file in halo2's form has. What is computed is checked again.
    Raises InvalidInput, StorageFull.
    """
    report, points = inspect_srs(path, logrows, trusted_hash=trusted_hash, ceremonies=ceremonies)
    if report.kind == DEV:
        raise InvalidInput(f"{path} is the development set-up: it is made where it is needed", remedy="nothing to do")
    computed = not points.lagrange
    points = with_lagrange(points, path.name, on_fraction)
    if computed:
        check_lagrange(points, f"what was computed from {path.name}")
    data = encode(points)
    srs_hash = sha256_bytes(data)
    target = srs_path(cache_dir, report.kind, points.logrows, srs_hash)
    with locked(target):
        write_atomic(target, data)
    return replace(report, srs_hash=srs_hash, stored=target)


def _hashes(path: Path) -> tuple[str, str]:
    """SHA-256, 0x-prefixed, and BLAKE2b-512 of a file."""
    sha256, blake2b = hashlib.sha256(), hashlib.blake2b()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            sha256.update(block)
            blake2b.update(block)
    return "0x" + sha256.hexdigest(), blake2b.hexdigest()
