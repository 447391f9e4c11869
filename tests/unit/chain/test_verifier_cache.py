"""The same verifier is compiled once; a damaged cache only costs the compilation."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.chain import verifier_cache
from oracle.chain.verifier_cache import compiled_verifier
from oracle.errors import ModelRejected
from oracle.settings import Settings

SOURCE = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; contract Halo2Verifier { uint public x = %d; }"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, cache_dir=tmp_path / "cache")


def verifier(folder: Path, number: int = 1) -> Path:
    path = folder / "Verifier.sol"
    path.write_text(SOURCE % number)
    return path


def forbid_solc(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(verifier_cache.solc, "compile_verifier", fail)


def test_compiled_verifier__twice__compiled_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiled_verifier(settings, verifier(tmp_path))
    forbid_solc(monkeypatch)
    assert compiled_verifier(settings, verifier(tmp_path)) == first
    with pytest.raises(AssertionError):
        compiled_verifier(settings, verifier(tmp_path, 2))


def test_compiled_verifier__damaged_cache__compiled_again(settings: Settings, tmp_path: Path) -> None:
    first = compiled_verifier(settings, verifier(tmp_path))
    (cached,) = (settings.cache_dir / "verifiers").iterdir()
    cached.write_text("{")
    assert compiled_verifier(settings, verifier(tmp_path)) == first


def test_compiled_verifier__cache_cannot_be_written__compiled_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder has to be")
    settings = Settings(state_dir=tmp_path, cache_dir=tmp_path / "cache")
    assert compiled_verifier(settings, verifier(tmp_path)).deployed_bytecode


def test_compiled_verifier__no_source__model_rejected(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelRejected):
        compiled_verifier(settings, tmp_path / "none.sol")
