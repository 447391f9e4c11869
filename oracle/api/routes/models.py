"""Models that can be proven here, and the check of a proof."""

from __future__ import annotations

from fastapi import APIRouter

from oracle.api.deps import BODY_ERRORS, Operator, Reader, Service, errors
from oracle.api.schemas import ModelOut, ModelsOut, PathName, VerifyIn, VerifyOut
from oracle.api.strict import StrictRoute
from oracle.errors import ProofRejected

router = APIRouter(prefix="/v1", tags=["models"], route_class=StrictRoute)


@router.get("/models", summary="All models", responses=errors())
def list_models(service: Service, _: Reader) -> ModelsOut:
    return ModelsOut(models=[ModelOut.of(model) for model in service.models()])


@router.get("/models/{name}", summary="One model", responses=errors(404))
def get_model(service: Service, _: Reader, name: PathName) -> ModelOut:
    return ModelOut.of(service.model(name))


@router.post(
    "/models/{name}/reload",
    summary="Takes up a model whose files or deployment changed, ready to prove",
    responses=errors(404, 507),
)
def reload_model(service: Service, _: Operator, name: PathName) -> ModelOut:
    return ModelOut.of(service.reload(name))


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
