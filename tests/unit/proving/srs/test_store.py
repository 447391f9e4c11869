"""The development set-up: the same everywhere, made once, whole or refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, InvalidInput
from oracle.proving.files import sha256_bytes, sha256_file
from oracle.proving.srs.store import check_srs, dev_srs, dev_srs_bytes, find_srs, srs_size

LOGROWS = 6
PINNED = "0x2158efbc6378bc622ec6cb48be7cc5475f3fc4a1766108f89b10c4a44044378e"


def test_dev_srs_bytes__any_machine__is_the_same_file() -> None:
    assert sha256_bytes(dev_srs_bytes(LOGROWS)) == PINNED


def test_dev_srs__asked_for_twice_at_once__is_made_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        paths = set(pool.map(lambda _: dev_srs(tmp_path, LOGROWS), range(2)))
    assert len(paths) == 1
    assert [path.name for path in (tmp_path / "srs").glob("*.srs")] == [paths.pop().name]


def test_dev_srs__progress__reaches_one(tmp_path: Path) -> None:
    seen: list[float] = []
    dev_srs(tmp_path, LOGROWS, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("logrows", [3, 23])
def test_dev_srs__size_out_of_range__is_refused(tmp_path: Path, logrows: int) -> None:
    with pytest.raises(InvalidInput, match=r"outside 2\^4 \.\. 2\^22"):
        dev_srs(tmp_path, logrows)


def test_find_srs__truncated__is_refused(tmp_path: Path) -> None:
    path = dev_srs(tmp_path, LOGROWS)
    path.write_bytes(path.read_bytes()[:-32])
    with pytest.raises(ArtifactMismatch, match=f"{srs_size(LOGROWS) - 32} bytes, not {srs_size(LOGROWS)}"):
        find_srs(tmp_path, LOGROWS, "dev", PINNED)


def test_find_srs__one_byte_flipped__is_refused(tmp_path: Path) -> None:
    path = dev_srs(tmp_path, LOGROWS)
    raw = bytearray(path.read_bytes())
    raw[1000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ArtifactMismatch, match=PINNED):
        find_srs(tmp_path, LOGROWS, "dev", PINNED)


def test_check_srs__another_hash_pinned__is_refused(tmp_path: Path) -> None:
    path = dev_srs(tmp_path, LOGROWS)
    with pytest.raises(ArtifactMismatch, match=sha256_file(path)):
        check_srs(path, LOGROWS, "0x" + "00" * 32)


def test_find_srs__public_one_not_imported__says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMismatch, match=r"public SRS .* is not in"):
        find_srs(tmp_path, LOGROWS, "public", "0x" + "11" * 32)
