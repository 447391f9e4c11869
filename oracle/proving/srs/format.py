"""The two files that a set-up comes in.

halo2's: u32 logrows; 2^k powers of G1; the same in Lagrange form; G2; s*G2.
snarkjs's .ptau: "ptau", u32 version, u32 number of sections; each section u32 id, u64 size, content. Section 1 is
u32 bytes of a coordinate, the base field's modulus, u32 power; section 2 the 2^(power + 1) - 1 powers of G1; section 3
2^power powers of G2 (snarkjs, src/powersoftau_new.js).
In both, integers are little endian, coordinates 32 bytes in Montgomery form, those of G2 the real part first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from oracle.errors import InvalidInput
from oracle.proving.srs.curve import BASE_FIELD, Point, TwistPoint

COORDINATE_BYTES: Final = 32
POINT_BYTES: Final = 64
TWIST_BYTES: Final = 128
PTAU_MAGIC: Final = b"ptau"
PTAU_VERSION: Final = 1
MAX_PTAU_SECTIONS: Final = 64
MAX_PTAU_POWER: Final = 28
MIN_LOGROWS: Final = 4
MAX_LOGROWS: Final = 22
_FROM_MONTGOMERY: Final = pow(1 << 256, -1, BASE_FIELD)


@dataclass(frozen=True, slots=True)
class SrsPoints:
    """A set-up's points: powers s^i*G1, their Lagrange form (empty where it is to be computed), G2 and s*G2."""

    logrows: int
    powers: Sequence[Point]
    lagrange: Sequence[Point]
    g2: TwistPoint
    s_g2: TwistPoint


def srs_size(logrows: int) -> int:
    """Bytes of an SRS file in halo2's form."""
    return 4 + 2 * POINT_BYTES * (1 << logrows) + 2 * TWIST_BYTES


def encode(points: SrsPoints) -> bytes:
    """The points in halo2's form."""
    parts = [points.logrows.to_bytes(4, "little")]
    parts += [montgomery(x) + montgomery(y) for x, y in (*points.powers, *points.lagrange)]
    parts += [montgomery(part) for point in (points.g2, points.s_g2) for pair in point for part in pair]
    return b"".join(parts)


def read_points(path: Path, logrows: int | None = None) -> SrsPoints:
    """The points of a file in either form, of 2^logrows rows; None: as many as a file in halo2's form has.

    Lagrange points come only from a file of exactly that size. Raises InvalidInput for a damaged file, one of another
    curve, coordinates that are not reduced, and a size that the file does not reach.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) == PTAU_MAGIC:
                return _read_ptau(file, path, logrows)
            return _read_halo2(file, path, logrows)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _read_halo2(file: BinaryIO, path: Path, logrows: int | None) -> SrsPoints:
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    held = int.from_bytes(file.read(4), "little")
    if not 1 <= held <= MAX_PTAU_POWER or size != srs_size(held):
        raise InvalidInput(f"{path} is no SRS: neither a .ptau file nor one of halo2's, of {size} bytes")
    wanted = _size(held if logrows is None else logrows, held, path)
    powers = _points(file.read(POINT_BYTES << wanted), path)
    lagrange: list[Point] = []
    file.seek(4 + (POINT_BYTES << held))
    if wanted == held:
        lagrange = _points(file.read(POINT_BYTES << held), path)
    file.seek(-2 * TWIST_BYTES, 2)
    g2, s_g2 = _twist_points(file.read(2 * TWIST_BYTES), path)
    return SrsPoints(wanted, powers, lagrange, g2, s_g2)


def _size(wanted: int, held: int, path: Path) -> int:
    if not MIN_LOGROWS <= wanted <= MAX_LOGROWS:
        raise InvalidInput(
            f"an SRS of 2^{wanted} rows is outside 2^{MIN_LOGROWS} .. 2^{MAX_LOGROWS}", remedy="name it by --logrows"
        )
    if wanted > held:
        raise InvalidInput(f"{path} reaches 2^{held} rows, not 2^{wanted}", remedy="take a larger file of the ceremony")
    return wanted


def _read_ptau(file: BinaryIO, path: Path, logrows: int | None) -> SrsPoints:
    sections = ptau_sections(file, path)
    header, header_size = sections[1]
    file.seek(header)
    width = read_u32(file)
    modulus = int.from_bytes(file.read(COORDINATE_BYTES), "little")
    if (width, modulus) != (COORDINATE_BYTES, BASE_FIELD) or header_size < 8 + COORDINATE_BYTES:
        raise InvalidInput(f"{path} is of another curve than BN254", remedy="take a file of bn128")
    held = read_u32(file)
    if not 1 <= held <= MAX_PTAU_POWER:
        raise InvalidInput(f"{path} says that its power is {held}")
    if logrows is None:
        raise InvalidInput(f"{path} is a .ptau file of 2^{held}", remedy="name the rows that you need by --logrows")
    wanted = _size(logrows, held, path)
    for section, size in ((2, POINT_BYTES * ((2 << held) - 1)), (3, TWIST_BYTES << held)):
        if sections[section][1] != size:
            raise InvalidInput(f"section {section} of {path} has {sections[section][1]} bytes, not {size}")
    file.seek(sections[2][0])
    powers = _points(file.read(POINT_BYTES << wanted), path)
    file.seek(sections[3][0])
    g2, s_g2 = _twist_points(file.read(2 * TWIST_BYTES), path)
    return SrsPoints(wanted, powers, (), g2, s_g2)


def ptau_sections(file: BinaryIO, path: Path) -> dict[int, tuple[int, int]]:
    """Where each section starts and its size. Raises InvalidInput unless 1, 2 and 3 are there once, within the file."""
    file.seek(0, 2)
    end = file.tell()
    file.seek(len(PTAU_MAGIC))
    version, count = read_u32(file), read_u32(file)
    if version != PTAU_VERSION or count > MAX_PTAU_SECTIONS:
        raise InvalidInput(f"{path} is a .ptau file of version {version} with {count} sections")
    found: dict[int, tuple[int, int]] = {}
    for _ in range(count):
        number, size = read_u32(file), int.from_bytes(file.read(8), "little")
        start = file.tell()
        if number in found or start + size > end:
            raise InvalidInput(f"{path} is damaged at section {number}: twice, or beyond the file's {end} bytes")
        found[number] = (start, size)
        file.seek(start + size)
    missing = {1, 2, 3} - set(found)
    if missing:
        raise InvalidInput(f"{path} is damaged: no section {min(missing)}")
    return found


def read_u32(file: BinaryIO) -> int:
    """The next four bytes as a number."""
    return int.from_bytes(file.read(4), "little")


def montgomery(value: int) -> bytes:
    """A coordinate as the files hold it."""
    return ((value << 256) % BASE_FIELD).to_bytes(COORDINATE_BYTES, "little")


def coordinates(data: bytes, path: Path) -> Iterator[int]:
    """The coordinates that a section holds, out of Montgomery form. Raises InvalidInput for one that is not reduced."""
    for start in range(0, len(data), COORDINATE_BYTES):
        value = int.from_bytes(data[start : start + COORDINATE_BYTES], "little")
        if value >= BASE_FIELD:
            raise InvalidInput(f"{path} holds a coordinate that is not below the field's modulus")
        yield value * _FROM_MONTGOMERY % BASE_FIELD


def _points(data: bytes, path: Path) -> list[Point]:
    values = coordinates(data, path)
    return list(zip(values, values, strict=True))


def _twist_points(data: bytes, path: Path) -> list[TwistPoint]:
    values = list(coordinates(data, path))
    return [((values[i], values[i + 1]), (values[i + 2], values[i + 3])) for i in (0, 4)]
