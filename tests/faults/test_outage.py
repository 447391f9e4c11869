"""The chain goes away in the middle of a round, or the disk fills: the service lives, and says what is wrong."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.support.service_process import ServiceProcess
from tests.support.service_stack import VOLATILITY, ServiceStack
from tests.support.waiting import until


@pytest.mark.slow
def test_rpc__down_in_the_middle_of_a_round__round_lands_when_it_is_back(
    stack: ServiceStack, process: ServiceProcess
) -> None:
    before = stack.risk_feed().latest_round()
    process.proxy.hold(lambda method, params: method == "eth_call" and params[-1] == "pending")
    request = process.push(VOLATILITY)
    process.proxy.wait_held()
    process.proxy.down = True
    process.proxy.release()

    until(lambda: httpx.get(f"{process.api_url}/v1/health/ready", trust_env=False, timeout=60).status_code == 503, 60)
    ready = httpx.get(f"{process.api_url}/v1/health/ready", trust_env=False, timeout=60).json()
    assert {check["name"] for check in ready["checks"] if not check["ok"]} == {"rpc", "balance"}
    assert httpx.get(f"{process.api_url}/v1/health/live", trust_env=False).status_code == 200
    refused = httpx.get(f"{process.api_url}/v1/feeds", trust_env=False, timeout=60)
    assert (refused.status_code, refused.json()["error"]) == (503, "RpcUnavailable")
    assert int(refused.headers["Retry-After"]) > 0
    time.sleep(1)

    process.proxy.down = False
    assert process.ended(request["id"])["state"] == "fulfilled"
    assert stack.risk_feed().latest_round() == before + 1
    until(lambda: httpx.get(f"{process.api_url}/v1/health/ready", trust_env=False).status_code == 200)
