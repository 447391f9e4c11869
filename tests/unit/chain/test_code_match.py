"""Deployed code is recognised through its immutables, and nothing else is let through."""

from __future__ import annotations

from oracle.chain import build
from oracle.chain.code_match import equal_but_immutables, matches_artifact
from tests.support.local_chain import LocalChain
from tests.support.market import Market

PUSH32 = b"\x7f"


def test_equal_but_immutables__filled_word_after_push32__equal() -> None:
    assert equal_but_immutables(b"\x60" + PUSH32 + b"\xab" * 32, b"\x60" + PUSH32 + bytes(32))


def test_equal_but_immutables__other_opcode_length_or_constant__different() -> None:
    compiled = b"\x60" + PUSH32 + bytes(32)
    assert not equal_but_immutables(b"\x61" + PUSH32 + bytes(32), compiled)
    assert not equal_but_immutables(compiled + b"\x00", compiled)
    assert not equal_but_immutables(PUSH32 + b"\xab" * 32, PUSH32 + b"\xac" * 32)


def test_matches_artifact__every_deployed_contract__is_its_own_only(market: Market, chain: LocalChain) -> None:
    contracts = market.deployer.deployment.contracts
    own = [c for step, c in contracts.items() if not step.startswith("verifier/")]
    assert all(matches_artifact(market.client, c.contract, c.address) for c in own)
    assert not matches_artifact(market.client, "RiskFeed", market.prices.address)
    assert len(build.load(market.client.settings, "RiskFeed").deployed_bytecode) > 0
