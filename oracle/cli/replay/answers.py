"""The risk feed's answers over a replay, from the shipped circuit; kept in the cache folder, so that a run resumes."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak

from oracle.domain.garch import GarchParams
from oracle.domain.observations import Observation
from oracle.domain.proofs import Proof
from oracle.domain.replay.statics import day_volatility
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.errors import InvalidInput
from oracle.proving.building.manifest import VERIFIER
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from oracle.units import WAD, wad_from_scaled

CIRCUIT: Final = "tail-risk-32"


class CircuitAnswers:
    """What the circuit answers: each witness is made once, checked, and written down under its inputs' hash."""

    def __init__(self, settings: Settings, engine: ProvingEngine, features: TailRiskFeatures) -> None:
        self._engine, self._features = engine, features
        self.circuit = engine.prepare(CIRCUIT)
        self.verifier: Path = engine.folder(CIRCUIT) / VERIFIER
        self._scale = self.circuit.input_scale(0)
        self._file = settings.cache_dir / "replays" / f"{CIRCUIT}-{self.circuit.circuit_hash[2:18]}.jsonl"
        self._known = _read(self._file)
        self.made = 0

    def answer(self, window: Sequence[Observation]) -> int:
        """WAD; 0 where the window is refused, as the feed refuses it."""
        try:
            inputs = self._features.inputs([o.price for o in window], window[-1].observed_at, self._scale)
            outputs = self._outputs(inputs)
        except InvalidInput:
            return 0
        decoded = [wad_from_scaled(value, self.circuit.output_scale(i)) for i, value in enumerate(outputs)]
        return self._features.answer(decoded, inputs, self._scale)

    def prove(self, inputs: list[int]) -> Proof:
        """A proof for these inputs."""
        return self._engine.prove(CIRCUIT, self._engine.witness(CIRCUIT, inputs))

    def _outputs(self, inputs: Sequence[int]) -> list[int]:
        key = keccak(text=",".join(map(str, inputs))).hex()
        if key not in self._known:
            self._known[key] = list(self._engine.witness(CIRCUIT, inputs).outputs)
            self.made += 1
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a") as file:
                file.write(json.dumps([key, self._known[key]]) + "\n")
        return self._known[key]


def float_answer(window: Sequence[Observation], params: GarchParams, features: TailRiskFeatures) -> int:
    """The same model in floats, WAD, rounded up; 0 for a flat window."""
    prices = [o.price for o in window]
    if len(set(prices)) == 1:
        return 0
    return math.ceil(day_volatility(prices, params) * math.sqrt(features.quantile_squared_wad / WAD) * WAD)


def windows(
    observations: Sequence[Observation], first: int, length: int, max_gap_secs: int
) -> Callable[[int], Sequence[Observation] | None]:
    """For an hour of the sample its window, or None where a gap cuts it, as on chain."""

    def window(hour: int) -> Sequence[Observation] | None:
        end = first + hour + 1
        part = observations[end - length : end] if end >= length else []
        gaps = (after.observed_at - before.observed_at for before, after in itertools.pairwise(part))
        return part if part and max(gaps) <= max_gap_secs else None

    return window


def _read(path: Path) -> dict[str, list[int]]:
    """What earlier runs wrote; a line that was cut off is left out."""
    known = {}
    if path.is_file():
        for line in path.read_text().splitlines():
            try:
                key, outputs = json.loads(line)
            except ValueError:
                continue
            known[key] = outputs
    return known
