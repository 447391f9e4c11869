"""A stranger's ONNX file: added, deployed and proven on a chain that only has an RPC, with no service."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from oracle.chain.anvil import AnvilProcess
from oracle.settings import Settings
from tests.support.command import Plumbline

pytestmark = pytest.mark.slow

NAME = "stranger"
SAMPLES = 16
INPUTS = 5


class Net(torch.nn.Module):
    """Two layers and a kink, as anyone would write them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(INPUTS, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One row in, two numbers out."""
        out: torch.Tensor = self.layers(x)
        return out


@pytest.fixture(scope="module")
def network() -> Net:
    torch.manual_seed(11)
    return Net().eval()


@pytest.fixture(scope="module")
def onnx(network: Net, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather export another way
        torch.onnx.export(network, (torch.zeros(1, INPUTS),), str(path), dynamo=False, opset_version=17)
    return path


@pytest.fixture(scope="module")
def calibration(file: Callable[[str, str], Path]) -> Path:
    torch.manual_seed(12)
    return file("calibration.json", json.dumps({"input_data": [torch.randn(SAMPLES * INPUTS).tolist()]}))


@pytest.fixture(scope="module")
def added(
    plumbline: Plumbline, onnx: Path, calibration: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The model, added and deployed to an Anvil that nothing but its RPC is known of."""
    anvil = AnvilProcess.start(settings)
    plumbline.environment["PLUMBLINE_RPC_URL"] = anvil.rpc_url
    try:
        yield plumbline(
            "model", "add", NAME, "--onnx", str(onnx), "--calibration", str(calibration), "--deploy", "--json"
        ).facts
    finally:
        anvil.stop()


def test_model_add__torch_export__registered_and_active(added: dict[str, Any]) -> None:
    assert (added["name"], added["inputCount"], added["outputCount"]) == (NAME, INPUTS, 2)
    assert added["active"]
    assert added["modelId"] == 1
    assert added["error"] <= added["maxError"]


def test_model_list_show_verify__added__one_of_them(plumbline: Plumbline, added: dict[str, Any]) -> None:
    listed = plumbline("model", "list", "--json").facts
    assert NAME in [model["name"] for model in listed]
    assert plumbline("model", "show", NAME, "--json").facts["circuit_id"] == NAME
    assert plumbline("model", "verify", NAME, "--json").facts["verified"]


def test_prove__submit__verified_on_chain_with_the_networks_answer(
    plumbline: Plumbline, added: dict[str, Any], network: Net, file: Callable[[str, str], Path], tmp_path: Path
) -> None:
    row = [0.25, -0.5, 0.75, -1.0, 0.5]
    inputs, proof = file("one.json", json.dumps({"input_data": [row]})), tmp_path / "proof.json"
    facts = plumbline("prove", NAME, "--input", str(inputs), "--submit", "--output", str(proof), "--json").facts
    assert facts["verifiedOnChain"]
    assert facts["modelId"] == added["modelId"]
    expected = network(torch.tensor([row])).detach().flatten().tolist()
    assert facts["outputs"] == pytest.approx(expected, abs=2 * added["maxError"])
    assert [value / 1e18 for value in facts["outputsWad"]] == pytest.approx(facts["outputs"], abs=1e-12)

    again = plumbline("verify", "--proof", str(proof), "--model", NAME, "--json").facts
    assert again["verified"]


def test_prove__groth16_submitted__verified_by_the_same_contract_with_the_same_outputs(
    plumbline: Plumbline, added: dict[str, Any], file: Callable[[str, str], Path]
) -> None:
    inputs = file("three.json", json.dumps({"input_data": [[0.25, -0.5, 0.75, -1.0, 0.5]]}))
    early = plumbline("prove", NAME, "--input", str(inputs), "--system", "groth16", "--submit")
    assert (early.returncode, "plumbline groth16 setup" in early.stderr) == (2, True), early.stderr
    plumbline("groth16", "setup", NAME, "--samples", "16")
    early = plumbline("prove", NAME, "--input", str(inputs), "--system", "groth16", "--submit")
    assert "model deploy stranger --system groth16" in early.stderr
    deployed = plumbline("model", "deploy", NAME, "--system", "groth16", "--json").facts
    assert (deployed["name"], deployed["proofSystemId"]) == (f"{NAME}.groth16", "0x0550d137")
    facts = plumbline("prove", NAME, "--input", str(inputs), "--system", "groth16", "--submit", "--json").facts
    ezkl = plumbline("prove", NAME, "--input", str(inputs), "--submit", "--json").facts
    assert facts["verifiedOnChain"]
    assert (facts["modelId"], facts["proofBytes"]) == (deployed["modelId"], 256)
    assert facts["outputsWad"] == ezkl["outputsWad"]
    assert facts["gasUsed"] < ezkl["gasUsed"]


def test_verify__tampered_proof_file__rejected(
    plumbline: Plumbline, added: dict[str, Any], file: Callable[[str, str], Path], tmp_path: Path
) -> None:
    inputs, proof = file("two.json", json.dumps({"input_data": [[0.1] * INPUTS]})), tmp_path / "proof.json"
    plumbline("prove", NAME, "--input", str(inputs), "--output", str(proof))
    document = json.loads(proof.read_text())
    document["instances"][-1] = "0x" + "00" * 31 + "07"
    proof.write_text(json.dumps(document))
    done = plumbline("verify", "--proof", str(proof), "--model", NAME)
    assert done.returncode == 2
    assert "ProofRejected" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"input_data": [[1.0, 2.0]]}', "5"),
        ('{"input_data": [[1.0, 2.0, NaN, 4.0, 5.0]]}', "NaN"),
        ('{"input_data": [[1.0, 2.0, 1e400, 4.0, 5.0]]}', "finite"),
        ('{"input_data": [[1e9, 2.0, 3.0, 4.0, 5.0]]}', "domain"),
        ("not json", "JSON"),
        ("{}", "input_data"),
    ],
)
def test_prove__bad_inputs__clear_line(
    plumbline: Plumbline, added: dict[str, Any], file: Callable[[str, str], Path], content: str, words: str
) -> None:
    done = plumbline("prove", NAME, "--input", str(file("bad.json", content)))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr


def test_model_add__name_taken__conflict(
    plumbline: Plumbline, added: dict[str, Any], onnx: Path, calibration: Path
) -> None:
    done = plumbline("model", "add", NAME, "--onnx", str(onnx), "--calibration", str(calibration))
    assert done.returncode == 2
    assert "already" in done.stderr


@pytest.mark.parametrize(("name", "words"), [("Bad Name", "name"), ("fine", "no model")])
def test_model_add__bad_name_or_file__clear_line(
    plumbline: Plumbline, calibration: Path, name: str, words: str
) -> None:
    done = plumbline("model", "add", name, "--onnx", "/nowhere.onnx", "--calibration", str(calibration))
    assert done.returncode == 2
    assert words in done.stderr


def test_model_add__no_onnx_file__model_rejected_and_nothing_left(
    plumbline: Plumbline, calibration: Path, file: Callable[[str, str], Path]
) -> None:
    broken = file("broken.onnx", "this is no network")
    done = plumbline("model", "add", "broken", "--onnx", str(broken), "--calibration", str(calibration))
    assert done.returncode == 2
    assert "ModelRejected" in done.stderr
    assert not (plumbline.state_dir / "circuits" / "broken").exists()


def test_model_deploy__wrong_chain_id__says_which(plumbline: Plumbline, added: dict[str, Any]) -> None:
    plumbline.environment["PLUMBLINE_CHAIN_ID"] = "1337"
    try:
        done = plumbline("model", "deploy", NAME)
    finally:
        del plumbline.environment["PLUMBLINE_CHAIN_ID"]
    assert done.returncode == 3
    assert "1337" in done.stderr
    assert "31337" in done.stderr
