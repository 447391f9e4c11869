"""Circuits: their committed files against the manifest, and what the cache holds of them against its hashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from oracle.cli.diagnosis.check import Check, broken, note, ok
from oracle.errors import OracleError
from oracle.settings import Settings

if TYPE_CHECKING:
    from oracle.proving.engine import ProvingEngine


def check_circuits(settings: Settings) -> Iterator[Check]:
    """Every circuit of the project and of the user."""
    from oracle.proving.engine import ProvingEngine

    engine = ProvingEngine(settings)
    try:
        manifests = engine.circuits()
        if not manifests:
            yield broken("circuits", f"none in {settings.circuits_dir}", "restore the project's circuits folder")
        for one in engine.unusable():
            yield broken(f"circuit {one.folder.name}", one.reason, f"restore {one.folder}, or remove it")
        for manifest in manifests:
            yield _circuit(settings, engine, manifest.circuit_id)
    finally:
        engine.close()


def _circuit(settings: Settings, engine: ProvingEngine, circuit_id: str) -> Check:
    from oracle.proving.building.keys import cache_folder, keys_intact
    from oracle.proving.building.manifest import check_folder

    name = f"circuit {circuit_id}"
    manifest = engine.circuit(circuit_id)
    try:
        check_folder(engine.folder(circuit_id), manifest)
    except OracleError as error:
        return broken(name, str(error), error.remedy)
    cached = cache_folder(settings.cache_dir, manifest)
    if not cached.exists():
        return note(name, "its proving key is not made yet", "it is made at first use, or by `plumbline model verify`")
    if not keys_intact(cached, manifest):
        return broken(name, f"the keys in {cached} are damaged", f"run `plumbline model verify {circuit_id}`")
    return ok(name, f"k={manifest.logrows}, {manifest.srs_kind} set-up, proving key {manifest.pk_hash[:18]}...")
