"""The OpenAPI document: whole, with examples, and every error described as a problem document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from oracle.api.examples import EXAMPLES
from oracle.api.problems import MEDIA_TYPE

ERRORS = {"400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429", "503", "507"}


@pytest.fixture
def document(api: httpx.Client) -> dict[str, Any]:
    return dict(api.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def test_openapi__every_operation__says_what_it_does(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    names = [name for name, _ in operations(document)]
    assert {
        "GET /v1/models",
        "GET /v1/models/{name}",
        "POST /v1/models/{name}/reload",
        "GET /v1/feeds",
        "GET /v1/feeds/{name}",
        "GET /v1/feeds/{name}/rounds",
        "GET /v1/feeds/{name}/positions",
        "GET /v1/feeds/{name}/rounds/{round_id}",
        "GET /v1/feeds/{name}/rounds/{round_id}/evidence",
        "GET /v1/feeds/{name}/rounds/{round_id}/verify",
        "POST /v1/feeds/{name}/push",
        "POST /v1/proof-requests",
        "POST /v1/proof-request-batches",
        "GET /v1/proof-requests/{request_id}",
        "DELETE /v1/proof-requests/{request_id}",
        "GET /v1/proof-requests/{request_id}/events",
        "GET /v1/proof-requests/{request_id}/proof",
        "GET /v1/requests/{request_id}",
        "POST /v1/models",
        "GET /v1/models/{name}/card",
        "POST /v1/verify",
        "GET /v1/health/live",
        "GET /v1/health/ready",
        "GET /metrics",
    } <= set(names)
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] for _, operation in operations(document))


def test_openapi__every_error__is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if "health" in name or name == "GET /metrics":
            continue
        errors = ERRORS & set(operation["responses"])
        assert {"401", "403", "422", "429", "503"} <= errors, name
        assert "security" not in operation, name  # this service asks nobody for a key
        for status in errors:
            schema = operation["responses"][status]["content"][MEDIA_TYPE]["schema"]
            assert schema == {"$ref": "#/components/schemas/ProblemOut"}, (name, status)
        of_something = "{" in name or (name.startswith("POST /v1/") and name != "POST /v1/models")
        assert ("404" in errors) == of_something, name
        assert ({"400", "413", "415"} <= errors) == ("requestBody" in operation), name


def test_openapi__every_reference__leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    used = set(references(document))
    assert used <= {f"#/components/schemas/{name}" for name in schemas}
    assert "#/components/schemas/HTTPValidationError" not in used
    for name in ("ProofRequestIn", "VerifyIn", "ProblemOut"):
        assert schemas[name]["examples"], name


def test_openapi__examples__are_accepted_by_their_own_schemas(document: dict[str, Any]) -> None:
    from oracle.api import schemas
    from oracle.api.routes import book

    described = {
        name: schema["examples"] for name, schema in document["components"]["schemas"].items() if "examples" in schema
    }
    assert set(EXAMPLES) | {"ProofRequestIn", "ProofBatchIn", "VerifyIn", "ProblemOut"} == set(described)
    for name, examples in described.items():
        for example in examples:
            model = (getattr(schemas, name, None) or getattr(book, name)).model_validate(example)
            if name in EXAMPLES:
                assert model.model_dump(mode="json", by_alias=True) == example, name


def test_openapi__every_operation__has_examples_of_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    missing = []
    for name, operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for status, response in operation["responses"].items():
            bodies += [response] if "content" in response or status == "200" else []
        for body in bodies:
            missing += [f"{name}: {kind}" for kind, content in body["content"].items() if not shown(document, content)]
        missing += [
            f"{name}: {parameter['name']}"
            for parameter in operation.get("parameters", [])
            if not ({"example", "examples"} & (set(parameter) | set(parameter["schema"])))
        ]
    assert missing == []


def shown(document: dict[str, Any], content: dict[str, Any]) -> bool:
    """Whether there is an example: of the content, or of the schema that it is of."""
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return "example" in content or bool(document["components"]["schemas"].get(name, {}).get("examples"))
