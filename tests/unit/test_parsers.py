"""Everything that parses, under damaged and hostile input: only the documented errors come out.

Mutations of real files and documents, and values of any kind. PLUMBLINE_FUZZ_CASES sets how many each gets (20 by
default); bodies of the API are fuzzed in tests/unit/api.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from oracle.chain.abi_revert import REGISTRY, decode_registered
from oracle.chain.accounts import account_from_key
from oracle.chain.client import checked_address
from oracle.cli.context import load_settings
from oracle.domain.deployment import Deployment
from oracle.domain.proofs import ModelInputs, Proof
from oracle.errors import (
    ArtifactMismatch,
    ConfigurationError,
    ContractRevert,
    InputRejected,
    InvalidInput,
    ModelRejected,
    ProofRejected,
)
from oracle.proving.building.manifest import MANIFEST, read_manifest
from oracle.proving.samples import read_calibration
from oracle.proving.srs.format import read_points
from oracle.proving.srs.store import dev_srs
from oracle.proving.workers.pool import ToolError, Worker
from oracle.settings import PROJECT_ROOT, Settings

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "20"))
GARCH = PROJECT_ROOT / "circuits" / "garch-vol-32"
fuzzed = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def _counted(record_property: Callable[[str, object], None]) -> None:
    record_property("cases", CASES)


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """A file with bytes changed, cut off, put in or written twice."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                del data[at:]
            case 2:
                data[at:at] = draw(st.binary(max_size=40))
            case 3:
                data[at : at + draw(st.integers(1, 64))] = b""
            case _:
                data += data[at : at + 200]
    return bytes(data)


def changed(document: object) -> st.SearchStrategy[object]:
    """A JSON document with one value anywhere replaced, left out or added."""
    assert isinstance(document, dict)
    return st.tuples(st.sampled_from([*document, "new"]), JSON, st.booleans()).map(
        lambda c: {k: v for k, v in document.items() if k != c[0]} | ({} if c[2] else {c[0]: c[1]})
    )


@fuzzed
@given(
    text=damaged((GARCH / MANIFEST).read_bytes()) | changed(json.loads((GARCH / MANIFEST).read_text())).map(json.dumps)
)
def test_read_manifest__any_file__manifest_or_artifact_mismatch(tmp_path: Path, text: bytes | str) -> None:
    (tmp_path / MANIFEST).write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        manifest = read_manifest(tmp_path)
    except ArtifactMismatch:
        return
    assert len(manifest.vk_hash) == 66


PROOF = {"circuit_id": "c", "proof": "0x1234", "instances": ["0x1", "0x2"], "seconds": {"prove": 1.5}}


@fuzzed
@given(document=JSON | changed(PROOF))
def test_proof_from_document__anything__proof_or_proof_rejected(document: object) -> None:
    try:
        proof = Proof.from_document(document)
    except ProofRejected:
        return
    assert Proof.from_document(proof.to_document()).instances == proof.instances


@fuzzed
@given(text=damaged(b'{"input_data": [[1.0, -2.5, 1e3], [0.5]]}') | JSON.map(json.dumps) | st.binary(max_size=60))
def test_model_inputs__anything__inputs_or_input_rejected(text: bytes | str) -> None:
    try:
        inputs = ModelInputs.from_json(text)
    except InputRejected:
        return
    assert ModelInputs.from_document(inputs.to_document()) == inputs


@fuzzed
@given(text=damaged(b'{"input_data": [[1.0, -2.5, 1e3], [0.5]]}') | JSON.map(lambda d: json.dumps(d).encode()))
def test_read_calibration__any_file__samples_or_input_rejected(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "samples.json"
    path.write_bytes(text)
    try:
        read_calibration(path)
    except InvalidInput:  # InputRejected is one
        return


@fuzzed
@given(data=st.data())
def test_read_points__damaged_set_up__points_or_invalid_input(tmp_path: Path, data: st.DataObject) -> None:
    raw = dev_srs(Settings().cache_dir, 4).read_bytes()
    path = tmp_path / "kzg.srs"
    path.write_bytes(
        data.draw(damaged(raw) | st.binary(max_size=80) | st.binary(max_size=80).map(lambda b: b"ptau" + b))
    )
    try:
        read_points(path, data.draw(st.none() | st.integers(0, 6)))
    except InvalidInput:
        return


@fuzzed
@given(data=st.data())
def test_decode_registered__any_revert_data__contract_revert(data: st.DataObject) -> None:
    selector = data.draw(st.sampled_from(sorted(REGISTRY)) | st.binary(max_size=4))
    words = data.draw(
        st.lists(st.sampled_from([bytes(32), b"\xff" * 32, (32).to_bytes(32), (2**31).to_bytes(32)]), max_size=6)
    )
    error = decode_registered(selector + b"".join(words) + data.draw(st.binary(max_size=40)))
    assert isinstance(error, ContractRevert)
    assert str(error)


@fuzzed
@given(text=st.text(max_size=60) | st.text("0123456789abcdefxX", min_size=38, max_size=44).map("0x".__add__))
def test_checked_address__any_text__address_or_invalid_input(text: str) -> None:
    try:
        address = checked_address(text)
    except InvalidInput:
        return
    assert len(address) == 42


@fuzzed
@given(text=st.text(max_size=80) | st.text("0123456789abcdef", min_size=60, max_size=68))
def test_account_from_key__any_text__account_or_configuration_error(text: str) -> None:
    try:
        account = account_from_key(text)
    except ConfigurationError as error:
        assert len(text) < 8 or text not in f"{error} {error.remedy}"
        return
    assert len(bytes(account.key)) == 32


DEPLOYMENT = {"chain_id": 31337, "chain_key": "31337:aa", "registry": "0x" + "11" * 20, "feeds": {}, "models": {}}


@fuzzed
@given(text=JSON.map(json.dumps) | changed(DEPLOYMENT).map(json.dumps) | st.text(max_size=60))
def test_deployment_from_json__anything__deployment_or_configuration_error(text: str) -> None:
    try:
        deployment = Deployment.from_json(text)
    except ConfigurationError:
        return
    assert Deployment.from_json(deployment.to_json()) == deployment


@fuzzed
@given(
    name=st.sampled_from(sorted(Settings.model_fields)),
    value=st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=40),
)
def test_load_settings__any_value_of_any_variable__settings_or_configuration_error(name: str, value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"PLUMBLINE_{name.upper()}", value)
        try:
            load_settings()
        except ConfigurationError as error:
            assert f"PLUMBLINE_{name.upper()}" in str(error)
            assert not isinstance(error, ValidationError)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker, as the intake reads ONNX files in one."""
    with Worker(memory_mb=2048) as started:
        started.call("inspect", path=str(GARCH / "network.onnx"), timeout=60)
        yield started


@fuzzed
@given(raw=damaged((GARCH / "network.onnx").read_bytes()) | st.binary(max_size=60))
def test_inspect_onnx__damaged_file__facts_or_model_rejected_and_the_worker_lives(
    worker: Worker, tmp_path: Path, raw: bytes
) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(raw)
    lives = worker.pid
    try:
        facts = worker.call("inspect", path=str(path), timeout=60)
    except (ModelRejected, ToolError):
        pass
    else:
        assert facts["inputs"]
    assert worker.pid == lives
