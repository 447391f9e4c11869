"""Models on this machine: those that ship, and those that users add; and where they are registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oracle.chain.records import load_deployment
from oracle.cli.proving import opened_engine
from oracle.cli.service_access import Say
from oracle.domain.deployment import Deployment, ModelRecord
from oracle.errors import ArtifactMismatch, InvalidInput
from oracle.proving.building.manifest import VERIFIER, CircuitManifest
from oracle.settings import Settings


def list_models(settings: Settings) -> list[dict[str, Any]]:
    """Every circuit here, and its registration on the configured chain where one is recorded."""
    known = load_deployment(settings, settings.chain_id)
    with opened_engine(settings) as engine:
        return [_facts(manifest, known) for manifest in engine.circuits()]


def show_model(settings: Settings, name: str) -> dict[str, Any]:
    """A circuit's whole manifest and its registration. Raises NotFound."""
    with opened_engine(settings) as engine:
        manifest, folder = engine.circuit(name), engine.folder(name)
    known = load_deployment(settings, settings.chain_id)
    return {**manifest.model_dump(mode="json"), "folder": str(folder), **_registration(manifest, known)}


def unusable_models(settings: Settings) -> list[dict[str, Any]]:
    """Circuit folders whose manifest cannot be used, with the reason."""
    with opened_engine(settings) as engine:
        return [{"name": one.folder.name, "folder": str(one.folder), "reason": one.reason} for one in engine.unusable()]


def verify_models(settings: Settings, say: Say) -> list[dict[str, Any]]:
    """As verify_model, of every circuit here; one that cannot be used is not verified, with the reason."""
    with opened_engine(settings) as engine:
        names = [manifest.circuit_id for manifest in engine.circuits()]
    broken = [
        {"model": one["name"], "folder": one["folder"], "verified": False, "checks": [], "hashes": []}
        | {"failure": one["reason"]}
        for one in unusable_models(settings)
    ]
    return [verify_model(settings, name, say) for name in names] + broken


def verify_model(settings: Settings, name: str, say: Say) -> dict[str, Any]:
    """Builds a circuit again from its ONNX file and manifest and compares every hash; where it is registered, the
    chain's verifier too.

    `verified` says whether all was the same, `hashes` what came out, `failure` why it did not come to its end. Raises
    NotFound, StorageFull, and ArtifactMismatch for what the chain holds.
    """
    from oracle.proving.building.reproduce import reproduce

    def progress(stage: str, fraction: float, detail: str) -> None:
        say(f"{name}: {stage} {detail}")

    with opened_engine(settings) as engine:
        manifest, folder = engine.circuit(name), engine.folder(name)
    found = reproduce(settings, folder, manifest, progress)
    hashes = [
        {"name": one.name, "pinned": one.pinned, "committed": one.committed, "rebuilt": one.rebuilt, "same": one.same}
        for one in found.facts
    ]
    checks = [f"{one.name} came out as pinned" for one in found.facts if one.same]
    known = load_deployment(settings, settings.chain_id)
    record = known.models.get(name) if known else None
    if found.ok and known is not None and record is not None and _reachable(settings):
        _verify_on_chain(settings, known, manifest, record)
        checks.append("registry's commitment, and the code of the verifier on chain")
    facts = {"verified": found.ok, "checks": checks, "hashes": hashes, "failure": found.failure, "model": name}
    return {**facts, "folder": str(folder), **_registration(manifest, known)}


def rebuild_model(settings: Settings, name: str, srs: str, say: Say) -> dict[str, Any]:
    """Facts of a circuit rebuilt in its folder on another set-up. Raises NotFound for either."""
    from oracle.chain.solc import compile_verifier
    from oracle.proving.building.rebuild import choose_srs, rebuild_circuit

    def progress(stage: str, fraction: float, detail: str) -> None:
        say(f"{stage} {detail}")

    with opened_engine(settings) as engine:
        manifest, folder = engine.circuit(name), engine.folder(name)
    rebuilt = rebuild_circuit(
        settings,
        folder,
        choose_srs(settings, manifest.logrows, srs),
        code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
        on_progress=progress,
    )
    return {**_facts(rebuilt, load_deployment(settings, settings.chain_id)), "srsHash": rebuilt.srs_hash}


def refresh_verifiers(settings: Settings, names: list[str], *, plain: bool) -> dict[str, Any]:
    """Writes the named models' verifiers again, or every one's: which changed, which did not.

    Raises NotFound, and whatever oracle.proving.building.refresh does.
    """
    from oracle.chain.solc import compile_verifier
    from oracle.proving.building.refresh import refresh_verifier

    with opened_engine(settings) as engine:
        folders = {name: engine.folder(name) for name in names or [one.circuit_id for one in engine.circuits()]}
    changed = {
        name: refresh_verifier(
            settings,
            folder,
            code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
            plain=plain,
        )
        for name, folder in folders.items()
    }
    return {
        "changed": [name for name, new in changed.items() if new],
        "unchanged": [name for name, new in changed.items() if not new],
    }


def upload_model(
    settings: Settings,
    name: str,
    onnx: Path,
    samples: Path,
    *,
    objective: str,
    max_error: float | None,
    domain: str | None,
    deploy: bool,
    say: Say,
) -> dict[str, Any]:
    """What the running service made of an ONNX file that was sent to it.

    Raises InvalidInput for a file that cannot be read, and the error that the upload failed with.
    """
    from oracle.cli.service_access import api, follow_events

    try:
        content, values = onnx.read_bytes(), samples.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{error.filename} cannot be read: {error.strerror}") from None
    with api(settings) as client:
        request = client.upload_model(
            name, content, values, objective=objective, max_error=max_error, domain=domain, deploy=deploy
        )
        return {"requestId": request.id, **follow_events(client, request.id, say)}


def batch_model(
    settings: Settings, name: str, rows: list[int], *, deploy: bool, rpc_url: str | None, say: Say
) -> list[dict[str, Any]]:
    """Facts of the circuits in which one proof covers several rows of a model, registered too when `deploy`.

    Raises NotFound, and whatever oracle.proving.family.add_batch does.
    """
    from oracle.chain.solc import compile_verifier
    from oracle.proving.family import add_batch

    with opened_engine(settings) as engine:
        manifest, folder = engine.circuit(name), engine.folder(name)
    if deploy:
        from oracle.cli.wiring import connect

        connect(settings, rpc_url)  # fails now, not after minutes of work
    found = []
    for count in rows:
        built = add_batch(
            settings,
            folder,
            manifest,
            count,
            code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
            on_progress=lambda stage, fraction, detail: say(f"{stage} {detail}"),
        )
        found.append(deploy_model(settings, built.circuit_id, rpc_url, say) if deploy else _facts(built, None))
    return found


def _reachable(settings: Settings) -> bool:
    from oracle.cli import stack as records

    stack = records.find(settings)
    return bool(settings.rpc_url) or (stack is not None and stack.alive())


def _verify_on_chain(settings: Settings, known: Deployment, manifest: CircuitManifest, record: ModelRecord) -> None:
    from oracle.chain.models import ModelRegistry
    from oracle.cli.submission import registered
    from oracle.cli.wiring import connect

    client = connect(settings)
    registered(client, manifest)
    registry = ModelRegistry(client, known.registry)
    stored = registry.version(record.model_id, record.version)
    registry.verifier_of(record.model_id, record.version)
    hashes = (stored.commitment.model_hash, stored.commitment.circuit_hash, stored.commitment.vk_hash)
    expected = (manifest.model_hash, manifest.circuit_hash, manifest.vk_hash)
    if tuple("0x" + value.hex() for value in hashes) != expected:
        raise ArtifactMismatch(f"the registry holds other hashes for {manifest.circuit_id} than its manifest")


def deploy_model(settings: Settings, name: str, rpc_url: str | None, say: Say) -> dict[str, Any]:
    """Deploys a circuit's verifier and registers the model; the core first, where it is missing. Skips what stands."""
    from oracle.cli.wiring import connect, deployer, opened_database

    client = connect(settings, rpc_url)
    with opened_engine(settings) as engine, opened_database(settings) as database:
        manifest, folder = engine.circuit(name), engine.folder(name)
        deploying = deployer(client, database, say)
        if not deploying.deployment.registry:
            deploying.deploy_core()
        record = deploying.deploy_model(manifest, folder / VERIFIER)
    return {**_facts(manifest, deploying.deployment), "chainId": client.chain_id, "active": record.active}


def _facts(manifest: CircuitManifest, known: Deployment | None) -> dict[str, Any]:
    return {
        "name": manifest.circuit_id,
        "logrows": manifest.logrows,
        "inputCount": manifest.input_count,
        "outputCount": manifest.output_count,
        "inputShapes": manifest.input_shapes,
        "srsKind": manifest.srs_kind,
        "maxError": manifest.max_error,
        "error": manifest.measured.error,
        "modelHash": manifest.model_hash,
        "vkHash": manifest.vk_hash,
        **_registration(manifest, known),
    }


def _registration(manifest: CircuitManifest, known: Deployment | None) -> dict[str, Any]:
    record = known.models.get(manifest.circuit_id) if known else None
    if record is None or int(record.vk_hash, 16) != int(manifest.vk_hash, 16):
        return {"modelId": None, "version": None, "verifier": None, "active": False}
    return {
        "modelId": record.model_id,
        "version": record.version,
        "verifier": record.verifier,
        "active": record.active,
    }


def add_model(
    settings: Settings,
    name: str,
    onnx: Path,
    calibration: Path,
    *,
    deploy: bool,
    max_error: float | None,
    rpc_url: str | None,
    say: Say,
) -> dict[str, Any]:
    """Facts of the circuit made from an ONNX file, registered too when `deploy`.

    Raises ModelRejected, InputRejected (the calibration), Conflict for a name that is taken, StorageFull.
    """
    from oracle.chain.solc import compile_verifier
    from oracle.proving.intake import add_model as take_in

    if deploy:
        from oracle.cli.wiring import connect

        connect(settings, rpc_url)  # fails now, not after minutes of work

    def progress(stage: str, fraction: float, detail: str) -> None:
        say(f"{stage} {detail}")

    manifest = take_in(
        settings,
        name,
        onnx,
        calibration,
        progress,
        code_size=lambda source: len(compile_verifier(settings, source).deployed_bytecode),
        max_error=max_error,
    )
    if deploy:
        return deploy_model(settings, name, rpc_url, say)
    return _facts(manifest, None)
