"""Gas of proving, compared exactly. Calldata is left out: proofs are blinded, and its price differs by zero bytes."""

from __future__ import annotations

from tests.support.call_gas import calldata_gas, execution_gas, gas_by_call
from tests.support.risk_feed import CALM, RiskFeedStack

UP = CALM[0] * 103 // 100


def test_verify_inference__tiny_model__gas(inference, tiny_proof, gas_snapshot):
    call = inference.verifier.functions.verifyInference(*inference.claim(tiny_proof).arguments)
    receipt = inference.chain.send(call)
    gas_snapshot("InferenceVerifier.verifyInference/3-in-2-out", execution_gas(inference.chain, receipt))


def test_verify_and_store_inference__tiny_model__gas(inference, tiny_proof, gas_snapshot):
    call = inference.verifier.functions.verifyAndStoreInference(*inference.claim(tiny_proof).arguments)
    receipt = inference.chain.send(call)
    gas_snapshot("InferenceVerifier.verifyAndStoreInference/3-in-2-out", execution_gas(inference.chain, receipt))


def test_register_model_with_verifier__without_delay__gas(inference, circuit, spec, gas_snapshot):
    call = inference.registry.functions.registerModelWithVerifier(circuit.commitment, spec)
    receipt = inference.chain.send(call)
    gas_snapshot("ModelRegistry.registerModelWithVerifier/active", execution_gas(inference.chain, receipt))


def split(feed: RiskFeedStack, receipt) -> dict[str, int]:
    """Gas of a round: proof (pairing and all else of the generated verifier), binding (what ties it to the chain's own
    inputs), feed (checks, storage, events), without the transaction's base price and calldata."""
    spent = gas_by_call(feed.chain, receipt)
    registry = feed.inference.registry
    halo2 = registry.functions.verifierOf(feed.model_id, 1).call()[0].lower()
    own = feed.contract.address.lower()
    base = 21_000 + calldata_gas(feed.chain, receipt)
    proof = spent.pop(halo2)
    return {"proof": proof, "feed": spent.pop(own) - base, "binding": sum(spent.values())}


def check_round(feed: RiskFeedStack, receipt, name: str, gas_snapshot) -> None:
    gas_snapshot(f"RiskFeed.submitRound/{name}", execution_gas(feed.chain, receipt))
    for part, gas in split(feed, receipt).items():
        gas_snapshot(f"RiskFeed.submitRound/{name}/{part}", gas)


def test_submit_round__first__gas(empty_risk_feed, gas_snapshot):
    check_round(empty_risk_feed, empty_risk_feed.submit(), "first", gas_snapshot)


def test_submit_round__next__gas(risk_feed, gas_snapshot):
    check_round(risk_feed, risk_feed.push(UP), "next", gas_snapshot)


def test_submit_round__limited__gas(risk_feed, gas_snapshot):
    risk_feed.set_guards(rise_bps_per_hour=1)
    check_round(risk_feed, risk_feed.push(UP), "limited", gas_snapshot)


def test_reads__gas(risk_feed, gas_snapshot):
    for read in ("latestRoundData", "latestAnswer", "conservativeAnswer"):
        gas = getattr(risk_feed.read, read)().estimate_gas()
        gas_snapshot(f"RiskFeed.{read}", gas)
