"""Models uploaded over the API, by the operator alone: to a model that proves, or to a problem that names the node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from onnx import TensorProto, helper

from oracle.api.routes.uploads import UPLOAD_LIMIT
from oracle.cli.models import upload_model
from oracle.client import AsyncClient, Client
from oracle.daemon.service import OracleService
from oracle.daemon.uploads import MAX_WAITING
from oracle.domain.access import Rate, Role
from oracle.domain.requests import RequestKind
from oracle.errors import Conflict, InputRejected, InvalidInput, ModelRejected, NotFound, SandboxUnavailable
from oracle.proving import uploaded
from oracle.proving.uploads import MAX_UPLOAD_BYTES
from oracle.proving.workers.confinement import missing
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.keys import KeyStore
from tests.support import networks
from tests.support.networks import Network
from tests.support.service_fixtures import served
from tests.support.service_stack import TINY, tiny_files
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"this kernel lacks {', '.join(missing())}")

INPUTS = [[0.5, 1.0, -1.0, 2.0]]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return networks.relu(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def culprit() -> bytes:
    """A model whose node `culprit` no circuit can have."""
    graph = helper.make_graph(
        [helper.make_node("Det", ["x"], ["y"], name="culprit")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(found.SerializeToString())


@pytest.fixture
def client(api: httpx.Client) -> Iterator[Client]:
    with Client(str(api.base_url), tries=1) as opened:
        yield opened


def form(network: Network, **fields: str) -> dict[str, Any]:
    files = {"model": ("n.onnx", network.onnx.read_bytes()), "samples": ("s.json", network.calibration.read_bytes())}
    return {"data": {"name": "uploaded"} | fields, "files": files}


def test_upload__good_file__registered_proven_and_its_card(client: Client, network: Network) -> None:
    onnx, samples = network.onnx.read_bytes(), network.calibration.read_bytes()
    asked = client.upload_model("from-api", onnx, samples, domain="-4:4", max_error=5e-3, idempotency_key="upload-1")
    assert (asked.kind, asked.subject) == ("model", "from-api")
    events = list(client.events(asked.id))
    stages = [event.data["stage"] for event in events if event.name == "progress"]
    assert stages[0] == "inspect"
    assert {"tune", "setup", "verifier", "prove"} <= set(stages)
    assert events[-1].name == "fulfilled", events[-1].data
    result = client.request(asked.id).result
    assert result is not None
    model = client.model("from-api")
    assert (model.active, model.model_id, model.vk_hash) == (True, result["modelId"], result["vkHash"])
    assert f"Uploaded by request {asked.id}" in client.card("from-api").text
    done = client.wait(client.request_proof("from-api", INPUTS, submit=True).id)
    assert done.state == "fulfilled", done.cause
    # The same again is the same request, and another body under its key none
    again = client.upload_model("from-api", onnx, samples, domain="-4:4", max_error=5e-3, idempotency_key="upload-1")
    assert again.id == asked.id
    with pytest.raises(Conflict):
        client.upload_model("from-api", onnx, samples, idempotency_key="upload-1")
    with pytest.raises(Conflict, match="already"):
        client.upload_model("from-api", onnx, samples)


def test_upload__operator_that_no_circuit_has__a_problem_that_names_the_node(client: Client, culprit: bytes) -> None:
    ended = client.wait(client.upload_model("faulty", culprit, {"input_data": [[1.0, 2.0, 3.0, 4.0]]}).id)
    assert ended.state == "failed"
    assert ended.problem is not None
    assert (ended.problem.status, ended.problem.error, ended.problem.node) == (422, "ModelRejected", "culprit")
    assert "culprit" in ended.problem.detail
    with pytest.raises(NotFound):
        client.model("faulty")


def test_upload_command__operator_that_no_circuit_has__its_error_after_its_stages(
    api: httpx.Client, service: OracleService, culprit: bytes, tmp_path: Path
) -> None:
    onnx, samples = tmp_path / "faulty.onnx", tmp_path / "samples.json"
    onnx.write_bytes(culprit)
    samples.write_text(json.dumps({"input_data": [[1.0, 2.0, 3.0, 4.0]]}))
    settings = service.parts.settings.model_copy(update={"api_port": api.base_url.port})
    said: list[str] = []

    def send(onnx: Path) -> None:
        upload_model(
            settings,
            "by-command",
            onnx,
            samples,
            objective="gas",
            max_error=None,
            domain=None,
            deploy=False,
            say=said.append,
        )

    with pytest.raises(ModelRejected, match="culprit"):
        send(onnx)
    assert "inspect upload.onnx" in said
    with pytest.raises(InvalidInput, match="cannot be read"):
        send(tmp_path / "absent.onnx")


def test_upload__async_client__not_deployed_where_not_asked(api: httpx.Client, tmp_path: Path) -> None:
    onnx, samples = (path.read_bytes() for path in tiny_files(tmp_path))

    async def run() -> None:
        async with AsyncClient(str(api.base_url)) as oracle:
            asked = await oracle.upload_model("kept-here", onnx, json.loads(samples), domain="-4:4", deploy=False)
            ended = await oracle.wait(asked.id)
            assert ended.state == "fulfilled", ended.cause
            assert (await oracle.model("kept-here")).model_id is None
            assert (await oracle.card("kept-here")).report is None

    asyncio.run(run())


def test_upload__cancelled_while_it_waits__ends(client: Client, service: OracleService, network: Network) -> None:
    onnx, samples = network.onnx.read_bytes(), network.calibration.read_bytes()
    first = client.upload_model("first", onnx, samples, deploy=False)
    second = client.upload_model("second", onnx, samples, deploy=False)
    with pytest.raises(Conflict, match="another upload"):
        client.upload_model("second", onnx, samples)
    assert client.cancel(second.id).state == "cancelled"
    until(lambda: client.request(first.id).step == "build")
    assert client.cancel(first.id).state == "cancelled"
    folder = service.parts.settings.state_dir
    until(lambda: not list((folder / "uploads").iterdir()))
    assert not (folder / "circuits" / "first").exists()
    assert not (service.parts.settings.state_dir / "circuits" / "second").exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "Upper"}, 422),
        ({"name": "../up"}, 422),
        ({"name": ""}, 422),
        ({"name": TINY}, 409),
        ({"objective": "beauty"}, 422),
        ({"maxError": "nan"}, 422),
        ({"maxError": "-1"}, 422),
        ({"domain": "/etc/passwd.json"}, 422),
        ({"domain": "4:-4"}, 422),
        ({"domain": "1"}, 422),
        ({"deploy": "perhaps"}, 422),
    ],
)
def test_upload__bad_field__refused(api: httpx.Client, network: Network, fields: dict[str, str], status: int) -> None:
    response = api.post("/v1/models", **form(network, **fields))
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "samples",
    [b"", b"{", b"[" * 10_000, b"[]", b"{}", b'{"input_data": [["a"]]}', b'{"input_data": [[NaN]]}', b"\xff\xfe"],
)
def test_upload__bad_samples__refused_at_once(api: httpx.Client, network: Network, samples: bytes) -> None:
    sent = form(network)
    sent["files"]["samples"] = ("s.json", samples)
    response = api.post("/v1/models", **sent)
    assert (response.status_code, response.json()["status"]) == (422, 422), response.text


def test_upload__malformed_form__refused(api: httpx.Client) -> None:
    assert api.post("/v1/models", json={"name": "x"}).status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.post("/v1/models", content=b"--x\r\nnonsense", headers=broken).status_code in {400, 422}
    assert api.post("/v1/models", content=b"", headers={"Content-Type": "multipart/form-data"}).status_code == 400


def test_upload__too_large__413(api: httpx.Client, network: Network) -> None:
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.post("/v1/models", content=bytes(UPLOAD_LIMIT.max_bytes + 1), headers=head).status_code == 413
    sent = form(network)
    sent["files"]["model"] = ("n.onnx", bytes(MAX_UPLOAD_BYTES + 1))
    assert api.post("/v1/models", **sent).status_code == 422


def test_upload__lesser_roles__forbidden_and_their_bodies_not_read(
    service: OracleService, network: Network, tmp_path: Path
) -> None:
    engine = open_engine(sqlite_url(tmp_path / "keys.db"))
    create_tables(engine)
    keys = KeyStore(engine)
    with served(service, keys) as url, httpx.Client(base_url=url, trust_env=False) as door:
        for role in (Role.READER, Role.PROVER):
            token, _ = keys.create(role.value, role, Rate(100, "minute"))
            headers = {"Authorization": f"Bearer {token}"}
            assert door.post("/v1/models", headers=headers, **form(network)).status_code == 403
            sent = form(network)
            sent["files"]["model"] = ("n.onnx", bytes(2 << 20))
            assert door.post("/v1/models", headers=headers, **sent).status_code == 413
    engine.dispose()


def test_upload__machine_without_the_sandbox__503_and_nothing_kept(
    client: Client, service: OracleService, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded, "_missing", lambda: ("landlock",))
    before = len(service.parts.requests.recent(kind=RequestKind.MODEL))
    with pytest.raises(SandboxUnavailable, match="landlock"):
        client.upload_model("nowhere", network.onnx.read_bytes(), network.calibration.read_bytes())
    assert len(service.parts.requests.recent(kind=RequestKind.MODEL)) == before


def test_upload__many_wait__503(api: httpx.Client, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.daemon.uploads.MAX_WAITING", 0)
    assert MAX_WAITING > 0
    assert api.post("/v1/models", **form(network)).status_code == 503


def test_upload__samples_of_another_shape__failed_with_the_reason(client: Client, network: Network) -> None:
    ended = client.wait(client.upload_model("shapeless", network.onnx.read_bytes(), {"input_data": [[1.0, 2.0]]}).id)
    assert ended.problem is not None
    assert (ended.problem.status, ended.problem.error) == (422, InputRejected.__name__)
