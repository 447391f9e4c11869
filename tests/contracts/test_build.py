"""The build itself: everything compiles without a warning, within the size limit, and is not compiled twice."""

from __future__ import annotations

from oracle.chain import build
from oracle.constants import MAX_CODE_SIZE
from oracle.errors import ArtifactMismatch
from oracle.settings import Settings


def test_compile_contracts__all_sources__no_error(compiled: ArtifactMismatch | None) -> None:
    assert compiled is None, compiled


def test_load_all__every_contract__fits_on_a_chain(settings: Settings, compiled: object) -> None:
    sizes = {name: len(artifact.deployed_bytecode) for name, artifact in build.load_all(settings).items()}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > MAX_CODE_SIZE} == {}
