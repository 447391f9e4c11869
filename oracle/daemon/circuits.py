"""Which circuit here proves a version of a model on chain: the one with the verifying key that the registry names."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.chain.models import InferenceVerifier
from oracle.daemon.parts import ServiceParts
from oracle.errors import NotFound


@dataclass(frozen=True, slots=True)
class Provable:
    """A circuit, and how long a proof was measured to take."""

    circuit_id: str
    prove_seconds: float


class CircuitFinder:
    """Remembers what it found: a version's key never changes, and a circuit that is named has it for good."""

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts
        self._known: dict[tuple[int, int], Provable] = {}

    def find(self, model_id: int, version: int) -> Provable:
        """The circuit. Raises NotFound when none here has the version's key."""
        found = self._known.get((model_id, version))
        if found is None:
            verifier = InferenceVerifier(self._parts.client, self._parts.deployment().inference_verifier)
            key = verifier.registry().version(model_id, version).commitment.vk_hash.hex()
            for manifest in self._parts.engine.circuits():
                if manifest.vk_hash.removeprefix("0x").lower() == key:
                    found = Provable(manifest.circuit_id, manifest.measured.prove_seconds)
            if found is None:
                raise NotFound(f"no circuit here has the key of version {version} of model {model_id}")
            self._known[model_id, version] = found
        return found
