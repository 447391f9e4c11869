"""Proof requests over HTTP: accepted, followed, proven, verified on chain, cancelled."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest

from oracle.chain.models import InferenceVerifier
from oracle.cli.wiring import deployment
from oracle.daemon.service import OracleService
from oracle.units import WAD
from tests.support.service_stack import TINY, VOLATILITY, ServiceStack

BODY: dict[str, Any] = {"model": TINY, "inputData": [[1.0, -0.5, 0.25]]}
EXPECTED = (1.5 * 1.0 + 0.25 * -0.5 - 1.0 * 0.25, -2.0 * 1.0 + 0.75 * -0.5 + 0.5 * 0.25)


def ask(api: httpx.Client, key: str | None = None, **changed: Any) -> httpx.Response:
    return api.post("/v1/proof-requests", json=BODY | changed, headers={"Idempotency-Key": key} if key else {})


def ended(api: httpx.Client, request_id: str) -> dict[str, Any]:
    request = dict(api.get(f"/v1/proof-requests/{request_id}", params={"waitSecs": 50}).json())
    assert request["finishedAt"] is not None, request
    return request


def test_request_proof__not_submitted__is_proven_and_can_be_fetched(api: httpx.Client) -> None:
    response = ask(api)
    assert response.status_code == 202
    accepted = response.json()
    assert (accepted["kind"], accepted["subject"]) == ("proof", TINY)
    assert response.headers["Location"] == f"/v1/proof-requests/{accepted['id']}"

    request = ended(api, accepted["id"])
    assert (request["state"], request["cause"]) == ("fulfilled", None)
    assert request["result"]["outputReals"] == pytest.approx(EXPECTED, abs=1e-2)
    assert set(request["result"]["seconds"]) == {"quantise", "witness", "prove", "verify"}

    proof = api.get(f"/v1/proof-requests/{accepted['id']}/proof").json()
    verified = api.post("/v1/verify", json=proof).json()
    assert verified == {"valid": True, "outputs": request["result"]["outputReals"], "reason": ""}


def test_request_proof__submitted__is_stored_on_chain(api: httpx.Client, service_stack: ServiceStack) -> None:
    request = ended(api, ask(api, submit=True).json()["id"])
    result = request["result"]
    assert request["state"] == "fulfilled", request
    verifier = InferenceVerifier(service_stack.client, deployment(service_stack.client).inference_verifier)
    model_id, commitment, outputs = verifier.stored(bytes.fromhex(result["inferenceId"][2:]))
    assert str(model_id) == result["modelId"]
    assert "0x" + commitment.hex() == result["inputCommitment"]
    assert [str(value) for value in outputs] == result["outputsWad"]
    assert [value / WAD for value in outputs] == pytest.approx(result["outputReals"], abs=1e-12)
    receipt = service_stack.client.receipt(bytes.fromhex(result["txHash"][2:]))
    assert receipt is not None
    assert receipt["gasUsed"] == result["gasUsed"]


def test_request_proof__same_key__same_request(api: httpx.Client) -> None:
    key = secrets.token_hex(8)
    first, second = ask(api, key).json(), ask(api, key).json()
    assert first["id"] == second["id"]
    assert first["idempotencyKey"] == key
    ended(api, first["id"])
    assert ask(api, key).json()["state"] == "fulfilled"


@pytest.mark.parametrize("changed", [{"inputData": [[1.0, -0.5, 0.26]]}, {"submit": True}])
def test_request_proof__same_key_other_body__409(api: httpx.Client, changed: dict[str, Any]) -> None:
    key = secrets.token_hex(8)
    first = ask(api, key).json()
    refused = ask(api, key, **changed)
    assert refused.status_code == 409
    assert refused.json()["error"] == "Conflict"
    ended(api, first["id"])


def test_request_proof__key_of_a_push__409(api: httpx.Client) -> None:
    key = secrets.token_hex(8)
    ended(api, ask(api, key).json()["id"])
    assert api.post(f"/v1/feeds/{VOLATILITY}/push", headers={"Idempotency-Key": key}).status_code == 409


def test_events__of_a_request__every_step_in_order_with_progress(api: httpx.Client) -> None:
    request_id = ask(api).json()["id"]
    with api.stream("GET", f"/v1/proof-requests/{request_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = stream.read().decode()
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    names = [block["event"] for block in blocks if block["event"] != "progress"]
    assert names == ["accepted", "quantise", "witness", "prove", "verify", "fulfilled"]
    progress = [json.loads(block["data"]) for block in blocks if block["event"] == "progress"]
    assert {item["stage"] for item in progress} >= {"prove", "done"}
    seqs = [int(block["id"]) for block in blocks]
    assert seqs == sorted(seqs)

    middle = blocks[3]["id"]
    rest = api.get(f"/v1/requests/{request_id}/events", headers={"Last-Event-ID": middle}).text
    assert rest == text[text.index(f"id: {blocks[4]['id']}\n") :]


def test_cancel__running__ends_and_cannot_end_again(api: httpx.Client) -> None:
    requests = [ask(api).json()["id"] for _ in range(4)]
    last = requests.pop()
    cancelled = api.delete(f"/v1/proof-requests/{last}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = api.delete(f"/v1/proof-requests/{last}")
    assert (again.status_code, again.json()["error"]) == (409, "Conflict")
    assert api.get(f"/v1/proof-requests/{last}/proof").status_code == 404
    for request_id in requests:
        assert ended(api, request_id)["state"] == "fulfilled"
    assert ended(api, last)["state"] == "cancelled"


def test_cancel__fulfilled__409(api: httpx.Client) -> None:
    request_id = ask(api).json()["id"]
    ended(api, request_id)
    assert api.delete(f"/v1/requests/{request_id}").status_code == 409
    assert ended(api, request_id)["state"] == "fulfilled"


def test_get_request__waits__no_longer_than_asked(api: httpx.Client, service: OracleService) -> None:
    request_id = ask(api).json()["id"]
    assert api.get(f"/v1/requests/{request_id}", params={"waitSecs": 0.01}).status_code == 200
    assert service.wait(request_id, 50).finished
