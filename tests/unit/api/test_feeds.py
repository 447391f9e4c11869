"""Feeds, rounds and models over HTTP, against the chain."""

from __future__ import annotations

import secrets

import httpx
import pytest

from oracle.api.schemas import EvidenceOut
from oracle.cli.wiring import deployment
from tests.support.service_stack import PRICE, TINY, VOLATILITY, ServiceStack


@pytest.fixture
def proven(api: httpx.Client) -> dict[str, object]:
    """A round that was pushed through the API."""
    answer = api.post(f"/v1/feeds/{VOLATILITY}/push", params={"waitSecs": 60})
    assert answer.status_code == 200, answer.text
    request = answer.json()
    assert request["state"] == "fulfilled", request
    return dict(request["result"])


def test_push__proven_feed__its_next_round_is_on_chain(
    api: httpx.Client, service_stack: ServiceStack, proven: dict[str, object]
) -> None:
    feed = service_stack.risk_feed()
    stored = feed.round(feed.latest_round())
    assert proven["roundId"] == stored.round_id
    assert proven["answer"] == str(stored.answer)
    assert proven["provenAnswer"] == str(stored.proven_answer)
    assert proven["observedAt"] == stored.observed_at == stored.observed_at
    assert proven["observationRound"] == stored.observation_round == service_stack.price_feed().latest_round()

    view = api.get(f"/v1/feeds/{VOLATILITY}").json()
    assert (view["roundId"], view["answer"], view["observedAt"], view["updatedAt"]) == (
        stored.round_id,
        str(stored.answer),
        stored.observed_at,
        stored.updated_at,
    )
    assert (view["kind"], view["decimals"], view["stale"], view["observations"]) == ("volatility", 18, False, PRICE)


def test_push__price_feed__advances_the_replay_by_one_step(api: httpx.Client, service_stack: ServiceStack) -> None:
    feed = service_stack.price_feed()
    before = feed.latest()
    assert before is not None
    expected = service_stack.source.next_after(before.observed_at)
    request = api.post(f"/v1/feeds/{PRICE}/push", params={"waitSecs": 60}).json()
    now = feed.latest()
    assert now is not None
    assert (now.round_id, now.observed_at, now.answer) == (
        before.round_id + 1,
        expected.observed_at,
        expected.price,
    )
    assert (request["result"]["roundId"], request["result"]["answer"]) == (now.round_id, str(now.answer))


def test_push__no_wait__202_and_followed(api: httpx.Client) -> None:
    key = secrets.token_hex(8)
    accepted = api.post(f"/v1/feeds/{PRICE}/push", headers={"Idempotency-Key": key})
    assert accepted.status_code == 202
    followed = api.get(accepted.headers["Location"], params={"waitSecs": 60}).json()
    assert followed["state"] == "fulfilled"
    again = api.post(f"/v1/feeds/{PRICE}/push", headers={"Idempotency-Key": key})
    assert (again.status_code, again.json()["id"]) == (200, followed["id"])


def test_push__several_at_once__one_round_each(api: httpx.Client, service_stack: ServiceStack) -> None:
    before = service_stack.price_feed().latest_round()
    proven_before = service_stack.risk_feed().latest_round()
    locations = [
        api.post(f"/v1/feeds/{name}/push").headers["Location"] for name in (PRICE, VOLATILITY, PRICE, VOLATILITY)
    ]
    results = [api.get(location, params={"waitSecs": 60}).json()["result"] for location in locations]
    assert sorted(result["observationRound"] for result in results) == [before + n for n in (1, 2, 3, 4)]
    assert service_stack.risk_feed().latest_round() == proven_before + 2


def test_rounds__newest_first__and_each_by_itself(api: httpx.Client, proven: dict[str, object]) -> None:
    found = api.get(f"/v1/feeds/{VOLATILITY}/rounds").json()["rounds"]
    assert [view["roundId"] for view in found] == list(range(int(str(proven["roundId"])), 0, -1))
    assert found[0]["answer"] == proven["answer"]
    for view in found:
        assert api.get(f"/v1/feeds/{VOLATILITY}/rounds/{view['roundId']}").json() == view
    prices = api.get(f"/v1/feeds/{PRICE}/rounds", params={"limit": 3, "before": 30}).json()["rounds"]
    assert [view["roundId"] for view in prices] == [29, 28, 27]
    assert prices[0]["provenAnswer"] is None


def test_verify_round__true_one__every_check_holds(api: httpx.Client, proven: dict[str, object]) -> None:
    path = f"/v1/feeds/{VOLATILITY}/rounds/{proven['roundId']}"
    verification = api.get(f"{path}/verify").json()
    assert verification["ok"] is True
    assert {check["status"] for check in verification["checks"]} == {"ok"}
    evidence = api.get(f"{path}/evidence").json()
    assert (evidence["ok"], evidence["answer"], evidence["txHash"]) == (True, proven["answer"], proven["txHash"])
    assert (len(evidence["inputs"]), len(evidence["prices"])) == (38, 33)
    assert {type(price) for price in evidence["prices"]} == {str}
    as_numbers = evidence | {"prices": [int(price) for price in evidence["prices"]]}  # an earlier service's
    assert EvidenceOut.model_validate(as_numbers) == EvidenceOut.model_validate(evidence)
    check = {"model": "garch-vol-32", "proof": evidence["zkProof"], "instances": evidence["instances"]}
    assert api.post("/v1/verify", json=check).json()["valid"] is True


def test_models__both__with_their_registration(api: httpx.Client, service_stack: ServiceStack) -> None:
    models = {model["name"]: model for model in api.get("/v1/models").json()["models"]}
    assert {"garch-vol-32", TINY} <= set(models)  # and every other circuit there is
    for name, model in ((name, models[name]) for name in ("garch-vol-32", TINY)):
        record = deployment(service_stack.client).model(name)
        assert (model["modelId"], model["version"], model["active"]) == (str(record.model_id), record.version, True)
        assert model["verifier"] == record.verifier
        assert api.get(f"/v1/models/{name}").json() == model
        assert api.post(f"/v1/models/{name}/reload").json() == model
    assert models[TINY]["inputShapes"] == [[1, 3]]


def test_health__all_well__live_and_ready(api: httpx.Client) -> None:
    assert api.get("/v1/health/live").json() == {"ok": True}
    ready = api.get("/v1/health/ready")
    assert (ready.status_code, ready.json()["ok"]) == (200, True)
    assert {check["name"] for check in ready.json()["checks"]} == {
        "rpc",
        "database",
        "workflows",
        "circuits",
        "balance",
    }


def test_metrics__after_a_round__count_it(api: httpx.Client, proven: dict[str, object]) -> None:
    text = api.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values[f'plumbline_feed_round{{feed="{VOLATILITY}"}}']) == proven["roundId"]
    assert float(values['plumbline_requests_finished_total{kind="round",state="fulfilled"}']) >= 1
    assert float(values['plumbline_step_seconds_count{step="prove"}']) >= 1
    assert float(values['plumbline_gas_used_total{purpose="round"}']) > 400_000
    assert float(values["plumbline_operator_balance_ether"]) > 9_000
    assert float(values['plumbline_queue_requests{state="running"}']) == 0
