"""The deployment record of a chain: state_dir/deployments/<chain id>.json, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from oracle.domain.deployment import Deployment
from oracle.errors import ConfigurationError, StorageFull
from oracle.settings import Settings


def record_path(settings: Settings, chain_id: int) -> Path:
    """Where the record of a chain is kept."""
    return settings.state_dir / "deployments" / f"{chain_id}.json"


def load_deployment(settings: Settings, chain_id: int, chain_key: str | None = None) -> Deployment | None:
    """The recorded deployment; None without one, or when it is of another chain than `chain_key`.

    Raises ConfigurationError for a file that is no record.
    """
    path = record_path(settings, chain_id)
    try:
        deployment = Deployment.from_json(path.read_text())
    except FileNotFoundError:
        return None
    except (ConfigurationError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}", remedy="Move the file away and deploy again.") from error
    return deployment if chain_key in {None, deployment.chain_key} else None


def save_deployment(settings: Settings, deployment: Deployment) -> Path:
    """Writes the record in one step. Raises StorageFull, and then the old record is as it was."""
    path = record_path(settings, deployment.chain_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(deployment.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageFull(
            f"cannot write {path}: {error}", remedy="Free some space, or set PLUMBLINE_STATE_DIR."
        ) from error
    return path
