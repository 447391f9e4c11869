"""Ceremony files: taken for what they are, refused when a single point is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezkl
import pytest

from oracle.errors import InvalidInput
from oracle.proving.files import sha256_file
from oracle.proving.srs.checks import check_twist
from oracle.proving.srs.curve import BASE_FIELD, G2, TwistPoint, double_all
from oracle.proving.srs.format import MIN_LOGROWS, TWIST_BYTES, read_points, srs_size
from oracle.proving.srs.importing import import_srs, inspect_srs
from oracle.proving.srs.known import KNOWN, Ceremonies
from oracle.proving.srs.store import dev_srs_bytes, find_srs, srs_path, stored_srs
from tests.support.ceremony import Ceremony

POWER = 5


@pytest.fixture(scope="module")
def ceremony() -> Ceremony:
    return Ceremony.hold(POWER)


@pytest.fixture(scope="module")
def ptau(ceremony: Ceremony, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ceremony") / "final.ptau"
    path.write_bytes(ceremony.ptau())
    return path


@pytest.fixture(scope="module")
def halo2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as ezkl, which is halo2, writes it."""
    path = tmp_path_factory.mktemp("halo2") / "kzg.srs"
    ezkl.gen_srs(str(path), POWER)
    return path


def _damaged(path: Path, tmp_path: Path, change: Callable[[bytearray], None]) -> Path:
    raw = bytearray(path.read_bytes())
    change(raw)
    changed = tmp_path / path.name
    changed.write_bytes(raw)
    return changed


def test_import_srs__ptau__is_what_halo2_would_write(ptau: Path, ceremony: Ceremony, tmp_path: Path) -> None:
    report = import_srs(tmp_path, ptau, POWER)
    assert report.stored is not None
    points = read_points(report.stored)
    assert list(points.powers) == ceremony.points[: 1 << POWER]
    assert (points.g2, points.s_g2) == (G2, ceremony.s_g2)
    assert report.stored.stat().st_size == srs_size(POWER)
    inspected, _ = inspect_srs(report.stored)
    assert inspected.sha256 == report.srs_hash == sha256_file(report.stored)


def test_import_srs__halo2_file_cut_to_size__has_the_lagrange_form_of_that_size(halo2: Path, tmp_path: Path) -> None:
    report = import_srs(tmp_path, halo2, MIN_LOGROWS)
    assert report.stored is not None
    assert read_points(report.stored).powers == read_points(halo2).powers[: 1 << MIN_LOGROWS]
    inspect_srs(report.stored)


def test_import_srs__halo2_file_whole__is_kept_byte_for_byte(halo2: Path, tmp_path: Path) -> None:
    report = import_srs(tmp_path, halo2)
    assert report.srs_hash == sha256_file(halo2)
    assert report.stored is not None
    assert find_srs(tmp_path, POWER, "imported", report.srs_hash) == report.stored


def test_import_srs__unknown_origin__is_marked_so(ptau: Path, tmp_path: Path) -> None:
    assert import_srs(tmp_path, ptau, MIN_LOGROWS).kind == "imported"
    assert [(one.kind, one.logrows) for one in stored_srs(tmp_path)] == [("imported", MIN_LOGROWS)]


def test_import_srs__hash_the_operator_trusts__is_marked_trusted(ptau: Path, tmp_path: Path) -> None:
    assert import_srs(tmp_path, ptau, MIN_LOGROWS, trusted_hash=sha256_file(ptau)).kind == "trusted"
    with pytest.raises(InvalidInput, match=r"has SHA-256 0x[0-9a-f]{64}, the trusted hash is 0x00"):
        import_srs(tmp_path, ptau, MIN_LOGROWS, trusted_hash="0x00")


@pytest.mark.parametrize("known_by", ["sha256", "blake2b", "s_g2"])
def test_import_srs__known_ceremony__is_public(ptau: Path, ceremony: Ceremony, tmp_path: Path, known_by: str) -> None:
    known = {
        "sha256": Ceremonies(halo2_sha256={POWER: hashlib.sha256(ptau.read_bytes()).hexdigest()}),
        "blake2b": Ceremonies(ptau_blake2b={POWER: hashlib.blake2b(ptau.read_bytes()).hexdigest()}),
        "s_g2": Ceremonies(s_g2={"ours": ceremony.s_g2}),
    }[known_by]
    report = import_srs(tmp_path, ptau, MIN_LOGROWS, ceremonies=known)
    assert report.kind == "public"
    assert report.stored == srs_path(tmp_path, "public", MIN_LOGROWS, report.srs_hash or "")


def test_import_srs__wrong_powers_under_a_known_secret__are_refused(ceremony: Ceremony, tmp_path: Path) -> None:
    other = Ceremony.hold(POWER)
    path = tmp_path / "forged.ptau"
    path.write_bytes(other.ptau(s_g2=ceremony.s_g2))
    with pytest.raises(InvalidInput, match=r"the powers are not those of one secret and of s\*G2"):
        import_srs(tmp_path, path, MIN_LOGROWS, ceremonies=Ceremonies(s_g2={"ours": ceremony.s_g2}))
    assert stored_srs(tmp_path) == []


def test_import_srs__development_set_up__is_refused_by_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "kzg.srs"
    path.write_bytes(dev_srs_bytes(MIN_LOGROWS))
    assert inspect_srs(path, trusted_hash=sha256_file(path))[0].kind == "dev"
    with pytest.raises(InvalidInput, match="is the development set-up"):
        import_srs(tmp_path, path, trusted_hash=sha256_file(path))


@pytest.mark.parametrize("index", [1, 7, (1 << MIN_LOGROWS) - 1])
def test_inspect_srs__one_power_replaced__is_refused(ceremony: Ceremony, tmp_path: Path, index: int) -> None:
    points = list(ceremony.points)
    points[index] = double_all([points[index]])[0]
    path = tmp_path / "wrong.ptau"
    path.write_bytes(ceremony.ptau(points))
    with pytest.raises(InvalidInput, match="not those of one secret"):
        inspect_srs(path, MIN_LOGROWS)


def test_inspect_srs__all_powers_equal__is_refused_as_crafted(ceremony: Ceremony, tmp_path: Path) -> None:
    path = tmp_path / "equal.ptau"
    path.write_bytes(ceremony.ptau([ceremony.points[0]] * len(ceremony.points), s_g2=G2))
    with pytest.raises(InvalidInput, match="it is crafted"):
        inspect_srs(path, MIN_LOGROWS)


def test_inspect_srs__lagrange_point_replaced__is_refused(halo2: Path, tmp_path: Path) -> None:
    first, second = 4 + (64 << POWER), 4 + (64 << POWER) + 64

    def swap(raw: bytearray) -> None:
        raw[first : first + 64], raw[second : second + 64] = raw[second : second + 64], raw[first : first + 64]

    with pytest.raises(InvalidInput, match="the Lagrange form does not belong to the powers"):
        inspect_srs(_damaged(halo2, tmp_path, swap))


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (4 + 64 * 3, "point 3 of the powers is not on the curve"),
        (4 + (64 << POWER) + 64 * 5, "point 5 of the Lagrange form is not on the curve"),
        (4, "point 0 of the powers is not on the curve"),
        (srs_size(POWER) - TWIST_BYTES, r"s\*G2 is not on the twist"),
        (srs_size(POWER) - 2 * TWIST_BYTES, "does not start at the curve's generators"),
    ],
)
def test_inspect_srs__flipped_bit__says_where(halo2: Path, tmp_path: Path, offset: int, reason: str) -> None:
    def flip(raw: bytearray) -> None:
        raw[offset] ^= 1

    with pytest.raises(InvalidInput, match=reason):
        inspect_srs(_damaged(halo2, tmp_path, flip))


def test_inspect_srs__point_of_the_twist_outside_the_group__is_refused(ceremony: Ceremony, tmp_path: Path) -> None:
    from py_ecc import optimized_bn128 as curve

    path = tmp_path / "outside.ptau"
    path.write_bytes(ceremony.ptau(s_g2=_outside_the_group(curve)))
    with pytest.raises(InvalidInput, match=r"s\*G2 is not in the group of the pairing"):
        inspect_srs(path, MIN_LOGROWS)


def _outside_the_group(curve: Any) -> TwistPoint:
    """A point of the twist, which has far more points than the pairing's group: one with a small x."""
    b_real, b_imaginary = (int(part) for part in curve.b2.coeffs)
    for x in range(1, 50):
        square = (x**3 + b_real) % BASE_FIELD
        norm = _root(square * square + b_imaginary * b_imaginary)
        for sign in (norm, -norm):
            real = _root((square + sign) * pow(2, -1, BASE_FIELD))
            imaginary = b_imaginary * pow(2 * real, -1, BASE_FIELD) % BASE_FIELD
            if (real * real - imaginary * imaginary - square) % BASE_FIELD == 0:
                return (x, 0), (real, imaginary)
    raise AssertionError("no such point")


def _root(value: int) -> int:
    """The square root where there is one; the field's modulus is 3 modulo 4."""
    return pow(value, (BASE_FIELD + 1) // 4, BASE_FIELD)


@pytest.mark.parametrize("keep", [0, 3, 4, 60, 0.5, 0.99])
def test_inspect_srs__truncated__is_refused(ptau: Path, halo2: Path, tmp_path: Path, keep: float) -> None:
    for path in (ptau, halo2):
        size = path.stat().st_size
        cut = _damaged(
            path, tmp_path, lambda raw, size=size: raw.__delitem__(slice(int(keep * size if keep < 1 else keep), None))
        )
        with pytest.raises(InvalidInput):
            inspect_srs(cut, MIN_LOGROWS)


def test_inspect_srs__larger_than_the_file__names_both(ptau: Path, halo2: Path) -> None:
    for path in (ptau, halo2):
        with pytest.raises(InvalidInput, match=r"reaches 2\^5 rows, not 2\^6"):
            inspect_srs(path, POWER + 1)


def test_inspect_srs__ptau_without_a_size__asks_for_it(ptau: Path) -> None:
    with pytest.raises(InvalidInput, match=r"is a \.ptau file of 2\^5") as caught:
        inspect_srs(ptau)
    assert "--logrows" in caught.value.remedy


def test_inspect_srs__of_another_curve__is_refused(ptau: Path, tmp_path: Path) -> None:
    def change(raw: bytearray) -> None:
        raw[12 + 12 + 4] ^= 1

    with pytest.raises(InvalidInput, match="of another curve than BN254"):
        inspect_srs(_damaged(ptau, tmp_path, change), MIN_LOGROWS)


def test_inspect_srs__coordinate_not_reduced__is_refused(halo2: Path, tmp_path: Path) -> None:
    def change(raw: bytearray) -> None:
        raw[4:36] = b"\xff" * 32

    with pytest.raises(InvalidInput, match="not below the field's modulus"):
        inspect_srs(_damaged(halo2, tmp_path, change))


def test_inspect_srs__missing_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        inspect_srs(tmp_path / "absent.ptau", MIN_LOGROWS)


def test_known__public_lists__are_whole() -> None:
    assert sorted(KNOWN.halo2_sha256) == list(range(1, 27))
    assert sorted(KNOWN.ptau_blake2b) == list(range(8, 29))
    assert {len(digest) for digest in KNOWN.halo2_sha256.values()} == {64}
    assert {len(digest) for digest in KNOWN.ptau_blake2b.values()} == {128}
    for name, point in KNOWN.s_g2.items():
        check_twist(point, name)
