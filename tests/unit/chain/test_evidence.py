"""Evidence from the chain alone: every check holds for a true round, and the right one fails for a forged chain."""

from __future__ import annotations

import pytest

from oracle.chain.client import ChainClient
from oracle.chain.evidence import collect_evidence
from oracle.domain.evidence import CheckStatus
from oracle.errors import InvalidInput, NotFound
from tests.support.local_chain import LocalChain
from tests.support.market import CAPACITY, Market

CHECKS = 13


def failed(market: Market, round_id: int = 2) -> set[str]:
    evidence = collect_evidence(market.client, market.volatility.address, round_id)
    assert evidence.ok == (not evidence.failed)
    return {check.name for check in evidence.failed}


@pytest.mark.parametrize("round_id", [1, 2])
def test_collect_evidence__true_round__every_check_holds(market: Market, chain: LocalChain, round_id: int) -> None:
    evidence = collect_evidence(market.client, market.volatility.address, round_id)
    assert [(c.name, c.expected, c.actual) for c in evidence.checks if c.status is not CheckStatus.OK] == []
    assert len(evidence.checks) == CHECKS
    assert evidence.round_id == round_id
    assert len(evidence.inputs) == 38
    assert evidence.as_json()["ok"] is True


def test_collect_evidence__round_zero__is_the_newest(market: Market, chain: LocalChain) -> None:
    assert collect_evidence(market.client, market.volatility.address).round_id == 2


def test_collect_evidence__unknown_round__not_found(market: Market, chain: LocalChain) -> None:
    with pytest.raises(NotFound):
        collect_evidence(market.client, market.volatility.address, 3)


@pytest.mark.parametrize("round_id", [-1, 2**64])
def test_collect_evidence__impossible_round__invalid_input(market: Market, chain: LocalChain, round_id: int) -> None:
    with pytest.raises(InvalidInput):
        collect_evidence(market.client, market.volatility.address, round_id)


def test_collect_evidence__no_contract__not_found(client: ChainClient, chain: LocalChain) -> None:
    with pytest.raises(NotFound):
        collect_evidence(client, "0x" + "12" * 20, 1)


def test_collect_evidence__other_verifier_code__code_and_proof_fail(market: Market, chain: LocalChain) -> None:
    verifier = market.deployer.deployment.model(market.circuit.circuit_id).verifier
    chain.rpc("anvil_setCode", verifier, "0x5f5ffd")
    assert failed(market) == {"verifier code", "proof"}


def test_collect_evidence__verifier_that_accepts_all__code_fails(market: Market, chain: LocalChain) -> None:
    verifier = market.deployer.deployment.model(market.circuit.circuit_id).verifier
    chain.rpc("anvil_setCode", verifier, "0x60015f5260205ff3")
    assert failed(market) == {"verifier code"}


def test_collect_evidence__forged_root__hash_chain_fails(market: Market, chain: LocalChain) -> None:
    feed = market.volatility
    slot = next(slot for slot in range(20) if chain.web3.eth.get_storage_at(feed.contract.address, slot) == feed.root())
    chain.rpc("anvil_setStorageAt", feed.address, hex(slot), "0x" + "11" * 32)
    assert failed(market) == {"hash chain"}


def test_collect_evidence__feed_with_other_code__contracts_fail(market: Market, chain: LocalChain) -> None:
    code = chain.web3.eth.get_code(market.volatility.contract.address)
    chain.rpc("anvil_setCode", market.volatility.address, "0x" + bytes(code).hex() + "00")
    assert failed(market) == {"contracts"}


def test_collect_evidence__revoked_version__model_fails(market: Market, chain: LocalChain) -> None:
    registry = chain.at("ModelRegistry", market.deployer.deployment.registry)
    chain.send(registry.functions.revokeVersion(1, 1))
    assert failed(market) == {"model"}


def test_collect_evidence__window_left_the_ring__checked_by_events(market: Market, chain: LocalChain) -> None:
    market.fill_window([100.0 + i for i in range(CAPACITY)])
    evidence = collect_evidence(market.client, market.volatility.address, 1)
    skipped = {check.name for check in evidence.checks if check.status is CheckStatus.SKIPPED}
    assert skipped == {"observation window", "model inputs"}
    assert evidence.ok
