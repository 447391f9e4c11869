"""schemathesis over the whole OpenAPI against a real server: no 5xx, nothing that the document does not say.

PLUMBLINE_FUZZ_CASES sets the cases for each operation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from oracle.daemon.service import OracleService
from tests.support.service_stack import PRICE, TINY, VOLATILITY

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "4"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What costs a proof or a round for each case is asked about things that are not there
READ_ONLY = {"GET", "DELETE"}


@pytest.fixture
def known(api: httpx.Client, service: OracleService) -> dict[str, list[Any]]:
    """Names and ids that are there, beside those that are invented."""
    body = {"model": TINY, "inputData": [[1.0, -0.5, 0.25]]}
    done = service.wait(api.post("/v1/proof-requests", json=body).json()["id"], 90)
    assert done.finished
    return {"name": [PRICE, VOLATILITY, TINY], "request_id": [done.id], "round_id": [1, 2**63]}


def operations(api: httpx.Client) -> Iterator[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_url(str(api.base_url.join("/openapi.json")))
    for found in schema.get_all_operations():
        yield found.ok()


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
def test_api__whatever_is_sent__answers_as_the_document_says(
    api: httpx.Client, known: dict[str, list[Any]], mode: schemathesis.GenerationMode
) -> None:
    tried, failures = 0, []
    for operation in operations(api):
        tried += 1
        try:
            fuzz(operation, mode, known)
        except Unsatisfiable:
            assert mode is schemathesis.GenerationMode.NEGATIVE, operation.label  # it takes nothing that could be wrong
        except Exception as error:  # noqa: BLE001 - every operation is tried, whatever one does
            failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures)
    assert tried >= 24


def fuzz(operation: Any, mode: schemathesis.GenerationMode, known: dict[str, list[Any]]) -> None:
    """CASES requests to one operation, of which a part about things that are there. Raises what a check finds."""
    positive = mode is schemathesis.GenerationMode.POSITIVE
    checks = CHECKS if positive else [*CHECKS, negative_data_rejection]
    cases = operation.as_strategy(generation_mode=mode)

    @hypothesis.settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(data=strategies.data())
    def run(data: strategies.DataObject) -> None:
        case = data.draw(cases)
        if positive and operation.method.upper() in READ_ONLY:
            for name in known.keys() & case.path_parameters.keys():
                if data.draw(strategies.booleans()):
                    case.path_parameters[name] = data.draw(strategies.sampled_from(known[name]))
        case.validate_response(case.call(timeout=60), checks=checks)

    run()
