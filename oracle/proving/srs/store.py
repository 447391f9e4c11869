"""The structured reference string (SRS) of the KZG commitments.

A *development* SRS is made from a secret that is public knowledge: the hash of DEV_SEED. It is the same on every
machine, so that verifying keys and generated verifiers are too, and everybody can forge proofs under it: it is marked
"dev" in every manifest and refused off local chains. ezkl's own `gen_srs` draws a random secret, which is no safer
(whoever ran it can forge) and would give other keys on each machine.

Others are imported (oracle.proving.srs.importing): "public" is a known ceremony's, "trusted" one whose hash the
operator vouched for, "imported" one of unknown origin, which is refused off local chains as a development one is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import ArtifactMismatch, InvalidInput
from oracle.proving.files import locked, sha256_bytes, sha256_file, write_atomic
from oracle.proving.srs.curve import (
    G2,
    OnFraction,
    TwistPoint,
    g2_multiply,
    invert_all,
    multiply_base,
    powers,
    root_of_unity,
)
from oracle.proving.srs.format import MAX_LOGROWS, MIN_LOGROWS, SrsPoints, encode, srs_size

DEV_SEED: Final = b"plumbline development set-up, version 1: everybody knows this secret"
DEV: Final = "dev"
PUBLIC: Final = "public"
TRUSTED: Final = "trusted"
IMPORTED: Final = "imported"
KINDS: Final = (DEV, PUBLIC, TRUSTED, IMPORTED)


def dev_srs(cache_dir: Path, logrows: int, on_fraction: OnFraction | None = None) -> Path:
    """The development SRS for circuits of 2^logrows rows, made when missing; its file name carries its hash.

    Raises InvalidInput for a size out of range, ArtifactMismatch for a file that is not what its name says,
    StorageFull.
    """
    if not MIN_LOGROWS <= logrows <= MAX_LOGROWS:
        raise InvalidInput(f"an SRS of 2^{logrows} rows is outside 2^{MIN_LOGROWS} .. 2^{MAX_LOGROWS}")
    folder = cache_dir / "srs"
    with locked(folder / f"dev-k{logrows}"):
        found = sorted(folder.glob(f"dev-k{logrows}-*.srs"))
        if found:
            check_srs(found[0], logrows, "0x" + found[0].stem.rsplit("-", 1)[1])
            return found[0]
        data = dev_srs_bytes(logrows, on_fraction)
        path = folder / f"dev-k{logrows}-{sha256_bytes(data)[2:]}.srs"
        write_atomic(path, data)
        return path


def find_srs(cache_dir: Path, logrows: int, kind: str, srs_hash: str, on_fraction: OnFraction | None = None) -> Path:
    """The SRS file that a manifest pins; a development one is made when missing. Raises ArtifactMismatch otherwise."""
    if kind == DEV:
        path = dev_srs(cache_dir, logrows, on_fraction)
    else:
        path = srs_path(cache_dir, kind, logrows, srs_hash)
        if not path.exists():
            raise ArtifactMismatch(
                f"the {kind} SRS {srs_hash} of 2^{logrows} rows is not in {path.parent}",
                remedy="import the ceremony's file by `plumbline srs import`",
            )
    check_srs(path, logrows, srs_hash)
    return path


def check_srs(path: Path, logrows: int, srs_hash: str) -> None:
    """Raises ArtifactMismatch unless the file has the size and the hash that it must."""
    size = path.stat().st_size
    if size != srs_size(logrows):
        raise ArtifactMismatch(f"{path} has {size} bytes, not {srs_size(logrows)}", remedy=f"delete {path}")
    found = sha256_file(path)
    if found != srs_hash:
        raise ArtifactMismatch(f"{path} has hash {found}, not {srs_hash}", remedy=f"delete {path}")


@dataclass(frozen=True, slots=True)
class StoredSrs:
    """An SRS in the cache, as its file's name says; check_srs compares the content."""

    kind: str
    logrows: int
    srs_hash: str
    path: Path


def srs_path(cache_dir: Path, kind: str, logrows: int, srs_hash: str) -> Path:
    """Where an SRS of this kind, size and hash lies."""
    return cache_dir / "srs" / f"{kind}-k{logrows}-{srs_hash.removeprefix('0x')}.srs"


def stored_srs(cache_dir: Path) -> list[StoredSrs]:
    """What the cache holds, by kind and size."""
    found = []
    for path in sorted((cache_dir / "srs").glob("*-k*-*.srs")):
        kind, size, digest = path.stem.split("-")
        if kind in KINDS and size[1:].isdigit():
            found.append(StoredSrs(kind, int(size[1:]), "0x" + digest, path))
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.logrows))


def dev_srs_bytes(logrows: int, on_fraction: OnFraction | None = None) -> bytes:
    """The development SRS file's content."""
    secret, size = _dev_secret(), 1 << logrows
    scalars = powers(secret, size) + _lagrange(secret, logrows)
    points = multiply_base(scalars, window=8 if logrows < 13 else 12, on_fraction=on_fraction)
    return encode(SrsPoints(logrows, points[:size], points[size:], G2, dev_s_g2()))


def _dev_secret() -> int:
    return int.from_bytes(hashlib.sha512(DEV_SEED).digest(), "big") % BN254_SCALAR_FIELD


def dev_s_g2() -> TwistPoint:
    """s*G2 of the development set-up."""
    return g2_multiply(_dev_secret())


def _lagrange(secret: int, logrows: int) -> list[int]:
    """L_i(secret) over the domain of 2^logrows roots w^i: (secret^n - 1) w^i / (n (secret - w^i))."""
    p, size = BN254_SCALAR_FIELD, 1 << logrows
    roots = powers(root_of_unity(logrows), size)
    front = (pow(secret, size, p) - 1) * pow(size, -1, p) % p
    inverses = invert_all([(secret - w) % p for w in roots], p)
    return [front * w % p * inverse % p for w, inverse in zip(roots, inverses, strict=True)]
