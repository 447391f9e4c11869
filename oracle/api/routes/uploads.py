"""Models that operators upload: a form with the ONNX file in, a request out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from starlette.types import Scope

from oracle.api.deps import BODY_ERRORS, IdempotencyKey, Operator, Service, errors, scoped
from oracle.api.examples import FORM
from oracle.api.schemas import RequestOut
from oracle.api.strict import FORM_TYPE, BodyLimit, FormRoute
from oracle.daemon.uploads import UploadedModel
from oracle.domain.access import ApiKey, Role
from oracle.errors import InvalidInput
from oracle.proving.uploads import MAX_SAMPLES_BYTES, MAX_UPLOAD_BYTES

PATH: Final = "/v1/models"
FORM_OVERHEAD_BYTES: Final = 64 << 10
UPLOAD_LIMIT: Final = BodyLimit(MAX_UPLOAD_BYTES + MAX_SAMPLES_BYTES + FORM_OVERHEAD_BYTES, timeout_secs=120.0)
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
_NUMBER: Final = r"-?[0-9]{1,15}(\.[0-9]{1,15})?(e-?[0-9]{1,2})?"
DOMAIN_PATTERN: Final = rf"^{_NUMBER}:{_NUMBER}(,{_NUMBER}:{_NUMBER})*$"
MAX_DOMAIN_CHARS: Final = 65_536

router = APIRouter(prefix="/v1", tags=["models"], route_class=FormRoute)


def limit_of(scope: Scope) -> BodyLimit | None:
    """What an upload may be larger than others by; only of those who may upload."""
    if scope["method"] != "POST" or scope["path"] != PATH:
        return None
    caller: ApiKey | None = scope.get("state", {}).get("caller")
    return UPLOAD_LIMIT if caller is None or caller.role.includes(Role.OPERATOR) else None


@router.post(
    "/models",
    summary="Uploads a model",
    description="202 with the request, whose events tell how far the circuit is; it ends with the model registered, or "
    "with a problem that names the node at fault. The ONNX file is read in a sandbox alone; where the machine has "
    "none, 503.",
    status_code=HTTPStatus.ACCEPTED,
    responses=errors(409, 507, *BODY_ERRORS),
    openapi_extra={"requestBody": {"content": {FORM_TYPE: {"example": FORM}}}},
)
async def upload_model(  # noqa: PLR0917
    service: Service,
    caller: Operator,
    response: Response,
    name: Annotated[str, Form(pattern=NAME_PATTERN, description="A new name.", examples=["mynet"])],
    model: Annotated[UploadFile, File(description="The ONNX file, its weights inside.")],
    samples: Annotated[UploadFile, File(description='Sample inputs as JSON, ezkl\'s form: {"input_data": [[...]]}.')],
    objective: Annotated[
        Literal["balanced", "seconds", "gas", "memory"], Form(description="What is to be least.")
    ] = "balanced",
    max_error: Annotated[
        float | None,
        Form(alias="maxError", gt=0, le=1, allow_inf_nan=False, description="In units of the outputs' magnitude."),
    ] = None,
    domain: Annotated[
        str | None,
        Form(
            pattern=DOMAIN_PATTERN,
            max_length=MAX_DOMAIN_CHARS,
            description="LOW:HIGH of every value; with commas one for each input tensor or each value.",
            examples=["-4:4"],
        ),
    ] = None,
    deploy: Annotated[bool, Form(description="Also deploy its verifier and register it.")] = True,
    idempotency_key: IdempotencyKey = None,
) -> RequestOut:
    upload = UploadedModel(
        name,
        await _read(model, MAX_UPLOAD_BYTES, "the ONNX file"),
        await _read(samples, MAX_SAMPLES_BYTES, "the samples"),
        objective=objective,
        max_error=max_error,
        domain=None if domain is None else _intervals(domain),
        deploy=deploy,
    )
    request = await asyncio.to_thread(service.upload, upload, scoped(idempotency_key, caller))
    response.headers["Location"] = f"/v1/requests/{request.id}"
    return RequestOut.of(request)


async def _read(file: UploadFile, limit: int, what: str) -> bytes:
    content = await file.read(limit + 1)
    if not 0 < len(content) <= limit:
        raise InvalidInput(f"{what} has {len(content) or 'no'} bytes; 1 to {limit} are taken")
    return content


def _intervals(text: str) -> tuple[tuple[float, float], ...]:
    pairs: list[Any] = [part.split(":") for part in text.split(",")]
    return tuple((float(low), float(high)) for low, high in pairs)
