"""The structured reference string (SRS) of the KZG commitments.

A *development* SRS is made from a secret that is public knowledge: the hash of DEV_SEED. It is the same on every
machine, so that verifying keys and generated verifiers are too, and everybody can forge proofs under it: it is marked
"dev" in every manifest and refused off local chains. ezkl's own `gen_srs` draws a random secret, which is no safer
(whoever ran it can forge) and would give other keys on each machine.

File layout, as halo2 writes it: u32 logrows; 2^k powers of G1; the same in Lagrange form; G2; s*G2. Coordinates are 32
bytes, little endian, in Montgomery form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import ArtifactMismatch, InvalidInput
from oracle.proving.files import locked, sha256_bytes, sha256_file, write_atomic

DEV_SEED: Final = b"plumbline development set-up, version 1: everybody knows this secret"
DEV: Final = "dev"
PUBLIC: Final = "public"
MIN_LOGROWS: Final = 4
MAX_LOGROWS: Final = 22

# BN254 base field and generators: https://eips.ethereum.org/EIPS/eip-197
BASE_FIELD: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
G1: Final = (1, 2)
G2: Final = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)
# Two-adic root of unity of the scalar field, order 2^28: halo2curves, src/bn256/fr.rs
ROOT_OF_UNITY: Final = 0x03DDB9F5166D18B798865EA93DD31F743215CF6DD39329C8D34F1ED960C37C9C
TWO_ADICITY: Final = 28

Point = tuple[int, int]
Fp2 = tuple[int, int]
OnFraction = Callable[[float], None]


def srs_size(logrows: int) -> int:
    """Bytes of an SRS file."""
    return 4 + 128 * (1 << logrows) + 256


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
        path = cache_dir / "srs" / f"{kind}-k{logrows}-{srs_hash[2:]}.srs"
        if not path.exists():
            raise ArtifactMismatch(f"the {kind} SRS {srs_hash} is not in {path.parent}", remedy="import it first")
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


def dev_srs_bytes(logrows: int, on_fraction: OnFraction | None = None) -> bytes:
    """The development SRS file's content."""
    secret = int.from_bytes(hashlib.sha512(DEV_SEED).digest(), "big") % BN254_SCALAR_FIELD
    size = 1 << logrows
    scalars = _powers(secret, size) + _lagrange(secret, logrows)
    points = _multiply_base(scalars, window=8 if logrows < 13 else 12, on_fraction=on_fraction)
    parts = [logrows.to_bytes(4, "little")]
    parts += [_montgomery(x) + _montgomery(y) for x, y in points]
    for point in (G2, _g2_multiply(secret)):
        parts += [_montgomery(coordinate) for pair in point for coordinate in pair]
    return b"".join(parts)


def _powers(secret: int, size: int) -> list[int]:
    values, power = [], 1
    for _ in range(size):
        values.append(power)
        power = power * secret % BN254_SCALAR_FIELD
    return values


def _lagrange(secret: int, logrows: int) -> list[int]:
    """L_i(secret) over the domain of 2^logrows roots w^i: (secret^n - 1) w^i / (n (secret - w^i))."""
    p, size = BN254_SCALAR_FIELD, 1 << logrows
    root = pow(ROOT_OF_UNITY, 1 << (TWO_ADICITY - logrows), p)
    roots = _powers(root, size)
    front = (pow(secret, size, p) - 1) * pow(size, -1, p) % p
    inverses = _invert_all([(secret - w) % p for w in roots], p)
    return [front * w % p * inverse % p for w, inverse in zip(roots, inverses, strict=True)]


def _invert_all(values: Sequence[int], modulus: int) -> list[int]:
    """Inverses of nonzero values with a single inversion (Montgomery's trick)."""
    prefix, product = [], 1
    for value in values:
        prefix.append(product)
        product = product * value % modulus
    inverse = pow(product, -1, modulus)
    result = [0] * len(values)
    for index in range(len(values) - 1, -1, -1):
        result[index] = prefix[index] * inverse % modulus
        inverse = inverse * values[index] % modulus
    return result


def _add_all(left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
    """Sums of pairs of distinct affine points."""
    q = BASE_FIELD
    inverses = _invert_all([b[0] - a[0] for a, b in zip(left, right, strict=True)], q)
    sums = []
    for (x1, y1), (x2, y2), inverse in zip(left, right, inverses, strict=True):
        slope = (y2 - y1) * inverse % q
        x3 = (slope * slope - x1 - x2) % q
        sums.append((x3, (slope * (x1 - x3) - y1) % q))
    return sums


def _double(point: Point) -> Point:
    x, y = point
    slope = 3 * x * x * pow(2 * y, -1, BASE_FIELD) % BASE_FIELD
    x3 = (slope * slope - 2 * x) % BASE_FIELD
    return x3, (slope * (x - x3) - y) % BASE_FIELD


def _window_tables(window: int) -> list[list[Point]]:
    """tables[j][d] = d * 2^(window * j) * G1 for 1 <= d < 2^window (entry 0 is unused)."""
    bases, point = [], G1
    for _ in range(0, BN254_SCALAR_FIELD.bit_length(), window):
        bases.append(point)
        for _ in range(window):
            point = _double(point)
    rows = [bases, bases, [_double(base) for base in bases]]
    for _ in range(3, 1 << window):
        rows.append(_add_all(rows[-1], bases))
    return [list(column) for column in zip(*rows, strict=True)]


def _multiply_base(scalars: Sequence[int], window: int, on_fraction: OnFraction | None) -> list[Point]:
    """scalar * G1 for nonzero scalars below the field's modulus.

    Partial sums run from the lowest window up, so two equal points never meet in an addition.
    """
    tables = _window_tables(window)
    mask = (1 << window) - 1
    sums: list[Point | None] = [None] * len(scalars)
    for level, table in enumerate(tables):
        shift = level * window
        digits = [scalar >> shift & mask for scalar in scalars]
        busy = [i for i, digit in enumerate(digits) if digit and sums[i] is not None]
        added = _add_all([sums[i] or G1 for i in busy], [table[digits[i]] for i in busy])
        for i, digit in enumerate(digits):
            if digit and sums[i] is None:
                sums[i] = table[digit]
        for i, point in zip(busy, added, strict=True):
            sums[i] = point
        if on_fraction is not None:
            on_fraction((level + 1) / len(tables))
    return [point for point in sums if point is not None]


def _montgomery(value: int) -> bytes:
    return ((value << 256) % BASE_FIELD).to_bytes(32, "little")


def _fp2_multiply(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % BASE_FIELD, (a[0] * b[1] + a[1] * b[0]) % BASE_FIELD


def _fp2_invert(a: Fp2) -> Fp2:
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, BASE_FIELD)
    return a[0] * norm % BASE_FIELD, -a[1] * norm % BASE_FIELD


def _fp2_sum(terms: Iterable[Fp2]) -> Fp2:
    first, second = zip(*terms, strict=True)
    return sum(first) % BASE_FIELD, sum(second) % BASE_FIELD


def _g2_add(a: tuple[Fp2, Fp2], b: tuple[Fp2, Fp2]) -> tuple[Fp2, Fp2]:
    """Sum of two affine points of the twist, equal or distinct (never opposite)."""
    if a == b:
        square = _fp2_multiply(a[0], a[0])
        rise, run = _fp2_sum([square] * 3), _fp2_sum([a[1]] * 2)
    else:
        rise, run = _fp2_sum([b[1], _negative(a[1])]), _fp2_sum([b[0], _negative(a[0])])
    slope = _fp2_multiply(rise, _fp2_invert(run))
    x = _fp2_sum([_fp2_multiply(slope, slope), _negative(a[0]), _negative(b[0])])
    y = _fp2_sum([_fp2_multiply(slope, _fp2_sum([a[0], _negative(x)])), _negative(a[1])])
    return x, y


def _negative(a: Fp2) -> Fp2:
    return -a[0] % BASE_FIELD, -a[1] % BASE_FIELD


def _g2_multiply(scalar: int) -> tuple[Fp2, Fp2]:
    result = G2
    for bit in bin(scalar)[3:]:
        result = _g2_add(result, result)
        if bit == "1":
            result = _g2_add(result, G2)
    return result
