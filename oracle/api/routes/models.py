"""Models that can be proven here, and the check of a proof."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from oracle.api.deps import BODY_ERRORS, Operator, Reader, Service, errors, kept
from oracle.api.schemas import CardOut, ModelOut, ModelsOut, PathName, VerifyIn, VerifyOut
from oracle.api.strict import StrictRoute
from oracle.errors import ProofRejected

router = APIRouter(prefix="/v1", tags=["models"], route_class=StrictRoute)


@router.get("/models", summary="All models", response_model=ModelsOut, responses=errors())
async def list_models(service: Service, _: Reader, request: Request) -> Response:
    return await kept(request, lambda: ModelsOut(models=[ModelOut.of(model) for model in service.models()]))


@router.get("/models/{name}", summary="One model", response_model=ModelOut, responses=errors(404))
async def get_model(service: Service, _: Reader, request: Request, name: PathName) -> Response:
    return await kept(request, lambda: ModelOut.of(service.model(name)))


@router.get("/models/{name}/card", summary="A model's card", response_model=CardOut, responses=errors(404))
async def get_card(service: Service, _: Reader, request: Request, name: PathName) -> Response:
    return await kept(request, lambda: CardOut.of(service.card(name)))


@router.post(
    "/models/{name}/reload",
    summary="Takes up a model whose files or deployment changed, ready to prove",
    responses=errors(404, 507),
)
async def reload_model(service: Service, _: Operator, request: Request, name: PathName) -> ModelOut:
    model = await asyncio.to_thread(service.reload, name)
    request.app.state.fresh.forget()
    return ModelOut.of(model)


@router.post(
    "/verify",
    summary="Checks a proof against a model's verification key",
    description="A proof that does not hold is an answer, not an error: `valid` is false and `reason` says why.",
    responses=errors(404, *BODY_ERRORS),
)
def verify_proof(service: Service, _: Reader, body: VerifyIn) -> VerifyOut:
    instances = [int(felt, 0) for felt in body.instances]
    try:
        outputs = service.verify(body.model, bytes.fromhex(body.proof.removeprefix("0x")), instances)
    except ProofRejected as error:
        return VerifyOut(valid=False, outputs=None, reason=str(error))
    return VerifyOut(valid=True, outputs=outputs, reason="")
