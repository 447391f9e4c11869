"""Attacks 22, 23, 25 and 33 on circuits, their set-ups and their files: real circuits, damaged or doctored on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ezkl
import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle.chain.deploy import refuse_unsafe_srs
from oracle.domain.proofs import Proof
from oracle.errors import ArtifactMismatch, ModelRejected, ProofRejected, UnsafeSetup
from oracle.proving.building.keys import PROVING_KEY, cache_folder
from oracle.proving.building.manifest import read_manifest
from oracle.proving.engine import ProvingEngine
from oracle.settings import PROJECT_ROOT, Settings
from oracle.units import felt_from_int
from tests.support import networks
from tests.support.built_circuits import NO_TABLE, build_fixed
from tests.support.tiny_circuit import TinyCircuit

VALUES = [300, -200, 100, 400]
HONEST = "honest"


@dataclass(frozen=True)
class Home:
    """A user's folders with one circuit, to be attacked."""

    settings: Settings

    @property
    def circuit(self) -> Path:
        """The circuit's folder."""
        return self.settings.state_dir / "circuits" / HONEST

    @property
    def key(self) -> Path:
        """Its proving key."""
        return cache_folder(self.settings.cache_dir, read_manifest(self.circuit)) / PROVING_KEY

    @property
    def srs(self) -> Path:
        """Its set-up."""
        (found,) = self.settings.cache_dir.glob(f"srs/dev-k{read_manifest(self.circuit).logrows}-*.srs")
        return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Folders of their own with one circuit."""
    root = tmp_path_factory.mktemp("circuits")
    made = Settings(state_dir=root / "state", cache_dir=root / "cache", circuits_dir=root / "none")
    build_fixed(made, HONEST, networks.relu(root), NO_TABLE)
    return made


@pytest.fixture
def home(built: Settings, tmp_path: Path) -> Home:
    """A copy of them."""
    settings = built.model_copy(update={"state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"})
    shutil.copytree(built.state_dir, settings.state_dir)
    shutil.copytree(built.cache_dir, settings.cache_dir)
    return Home(settings)


@pytest.fixture
def open_engine() -> Iterator[Callable[[Settings], ProvingEngine]]:
    """`open_engine(settings)`: closed when the test ends."""
    opened: list[ProvingEngine] = []

    def start(settings: Settings) -> ProvingEngine:
        opened.append(ProvingEngine(settings))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


OpenEngine = Callable[[Settings], ProvingEngine]


# --- 22: the circuit is another function than the model ---


def backdoored(folder: Path) -> networks.Network:
    """y = relu(x w / 65536) 65536: in floats relu(x w), in a circuit of scale 10 nothing at all."""
    tiny = np.full((networks.INPUTS, 1), 1 / 65_536, dtype=np.float32)
    return networks.network(
        folder,
        "backdoor",
        [
            helper.make_node("MatMul", ["x", "tiny"], ["m"]),
            helper.make_node("Relu", ["m"], ["h"]),
            helper.make_node("MatMul", ["h", "large"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, networks.INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 1])},
        weights={"tiny": tiny, "large": np.full((1, 1), 65_536, dtype=np.float32)},
    )


def test_attack_22_weights_that_vanish_in_the_circuit(built: Settings, tmp_path: Path) -> None:
    """onnxruntime says one thing, the proof another: it is the witness's outputs that are judged."""
    with pytest.raises(ModelRejected):
        build_fixed(built, "backdoor", backdoored(tmp_path), NO_TABLE)
    assert not (built.state_dir / "circuits" / "backdoor").exists()


def test_attack_22_valid_circuit_of_another_function(built: Settings, tmp_path: Path) -> None:
    """Satisfied constraints are no evidence: this circuit proves, and computes something else than its ONNX file."""
    with pytest.raises(ModelRejected):
        build_fixed(built, "wrong", networks.silently_wrong(tmp_path), NO_TABLE)
    assert not (built.state_dir / "circuits" / "wrong").exists()


# --- 23: guessable private inputs behind an unsalted commitment ---


def test_attack_23_no_circuit_hides_anything() -> None:
    """Where nothing is private, nothing can be guessed: inputs and outputs are public in every circuit that ships."""
    found = sorted(PROJECT_ROOT.glob("circuits/*/settings.json"))
    assert len(found) >= 14
    for path in found:
        arguments = json.loads(path.read_text())["run_args"]
        visible = {name: arguments[f"{name}_visibility"] for name in ("input", "output", "param")}
        assert visible == {"input": "Public", "output": "Public", "param": "Fixed"}, path


# --- 25: set-ups and keys swapped ---


def flip(path: Path, share: float = 0.25) -> None:
    """Changes one bit."""
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * share)] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_attack_25_set_up_with_a_flipped_bit(home: Home, open_engine: OpenEngine, share: float) -> None:
    flip(home.srs, share)
    with pytest.raises(ArtifactMismatch, match=r"\.srs has"):
        open_engine(home.settings).prepare(HONEST)


def test_attack_25_set_up_of_the_attackers_secret(home: Home, open_engine: OpenEngine, tmp_path: Path) -> None:
    """Another well-formed set-up of the same size: whoever made it can forge, so its hash has to be the pinned one."""
    own = tmp_path / "attacker.srs"
    ezkl.gen_srs(str(own), read_manifest(home.circuit).logrows)
    raw = bytearray(own.read_bytes())
    raw[4:132] = raw[132:260]  # gen_srs is of one secret everywhere: any other bytes stand for another secret
    home.srs.write_bytes(raw)
    with pytest.raises(ArtifactMismatch, match=r"\.srs has"):
        open_engine(home.settings).prepare(HONEST)


@pytest.mark.parametrize("name", ["vk.key", "network.onnx", "settings.json", "Verifier.sol"])
def test_attack_25_file_of_the_circuit_with_a_flipped_bit(home: Home, open_engine: OpenEngine, name: str) -> None:
    flip(home.circuit / name)
    with pytest.raises(ArtifactMismatch):
        open_engine(home.settings).prepare(HONEST)


def test_attack_25_proving_key_with_a_flipped_bit(home: Home, open_engine: OpenEngine) -> None:
    """A damaged key still proves, wrongly: it is made anew from the folder, and is again the pinned one."""
    whole = home.key.read_bytes()
    flip(home.key, 0.5)
    engine = open_engine(home.settings)
    proof = engine.prove(HONEST, engine.witness(HONEST, VALUES))
    engine.verify(HONEST, proof)
    assert home.key.read_bytes() == whole


def test_attack_25_verifying_key_of_the_attackers_circuit(
    home: Home, open_engine: OpenEngine, other_circuit: TinyCircuit
) -> None:
    shutil.copyfile(other_circuit.folder / "vk.key", home.circuit / "vk.key")
    with pytest.raises(ArtifactMismatch):
        open_engine(home.settings).prepare(HONEST)


@pytest.mark.parametrize("chain_id", [1, 10, 8453, 42161])
def test_attack_25_development_set_up_on_a_real_chain(built: Settings, open_engine: OpenEngine, chain_id: int) -> None:
    """Its secret is known to whoever made it."""
    engine = open_engine(built.model_copy(update={"chain_id": chain_id}))
    with pytest.raises(UnsafeSetup, match="can be forged"):
        engine.prepare(HONEST)
    with pytest.raises(UnsafeSetup, match="can forge proofs"):
        refuse_unsafe_srs(engine.circuit(HONEST), engine.folder(HONEST) / "Verifier.sol")


def test_attack_25_development_set_up_called_public(home: Home) -> None:
    """The manifest is the attacker's to write; the verifier's own constants tell which secret it trusts."""
    claimed = read_manifest(home.circuit).model_copy(update={"srs_kind": "public"})
    with pytest.raises(UnsafeSetup, match="set up with a dev SRS"):
        refuse_unsafe_srs(claimed, home.circuit / "Verifier.sol")


# --- 33: proofs and instances read from the wrong field ---


def test_attack_33_ezkl_accepts_documents_whose_readable_fields_lie(circuit: TinyCircuit, tmp_path: Path) -> None:
    """Else the tests below would prove nothing: only `proof` and `instances` count for ezkl."""
    circuit.prove_anew([1.0, 2.0, -3.5])
    document = json.loads((circuit.folder / "proof.json").read_text())
    document["hex_proof"] = "0x" + "00" * len(document["proof"])
    document["pretty_public_inputs"]["rescaled_outputs"] = [["1000000", "1000000"]]
    doctored = tmp_path / "proof.json"
    doctored.write_text(json.dumps(document))
    files = [str(circuit.folder / name) for name in ("settings.json", "vk.key", "kzg.srs")]
    assert ezkl.verify(str(doctored), *files)


@pytest.fixture(scope="module")
def proven(built: Settings) -> Iterator[tuple[ProvingEngine, Proof]]:
    """An engine and an honest proof."""
    engine = ProvingEngine(built)
    yield engine, engine.prove(HONEST, engine.witness(HONEST, VALUES))
    engine.close()


def test_attack_33_lying_fields_beside_an_honest_proof_are_not_read(proven: tuple[ProvingEngine, Proof]) -> None:
    engine, proof = proven
    lies = {"hex_proof": "0x00", "pretty_public_inputs": {"outputs": [["0x01"]]}, "outputs": [1e6], "witness": [7]}
    read = Proof.from_document(proof.to_document() | lies)
    assert read == proof
    engine.verify(HONEST, read)


def test_attack_33_lying_instances_are_refused(proven: tuple[ProvingEngine, Proof]) -> None:
    engine, proof = proven
    document = proof.to_document()
    document["instances"][-1] = f"0x{felt_from_int(10**6):064x}"
    with pytest.raises(ProofRejected, match="does not verify"):
        engine.verify(HONEST, Proof.from_document(document))


@pytest.mark.parametrize("tail", ["00", "00" * 32, "ff" * 64])
def test_attack_33_bytes_after_the_proof_are_refused(proven: tuple[ProvingEngine, Proof], tail: str) -> None:
    """ezkl.verify ignores them: two different proofs would be one."""
    engine, proof = proven
    document = proof.to_document()
    document["proof"] += tail
    with pytest.raises(ProofRejected, match="bytes"):
        engine.verify(HONEST, Proof.from_document(document))
