"""Deployment records survive their JSON, and names that are not there are said so."""

from __future__ import annotations

import pytest

from oracle.domain.deployment import (
    Deployment,
    FeedGuards,
    FeedRecord,
    ObservationLimits,
    TokenRecord,
)
from oracle.domain.garch import GarchParams
from oracle.domain.lending_types import CollateralTerms, VaultTerms
from oracle.errors import ConfigurationError, NotFound

GUARDS = FeedGuards(-(10**30), 10**30, 0, 100, 100, 3600, 2)
FEED = FeedRecord(
    name="spx-volatility",
    kind="volatility",
    address="0x" + "11" * 20,
    decimals=18,
    description="",
    params=GarchParams(1, 2, 3, 4, 5, 6),
    guards=GUARDS,
    limits=ObservationLimits(1, 2, 3),
)


def test_from_json__its_own_text__equal() -> None:
    deployment = Deployment(chain_id=31337, chain_key="31337:aa", feeds={FEED.name: FEED})
    assert Deployment.from_json(deployment.to_json()) == deployment


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chain_id": "x", "chain_key": ""}'])
def test_from_json__anything_else__configuration_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Deployment.from_json(text)


def test_named_reads__known_and_unknown__record_or_not_found() -> None:
    token = TokenRecord(symbol="USD", address="0x" + "22" * 20, decimals=6)
    deployment = Deployment(chain_id=1, chain_key="1:aa", feeds={FEED.name: FEED}, tokens={"USD": token})
    assert deployment.feed("spx-volatility") is FEED
    assert deployment.token("USD") is token
    for read in (deployment.feed, deployment.model, deployment.vault, deployment.token):
        with pytest.raises(NotFound):
            read("nobody")
    with pytest.raises(NotFound) as caught:
        deployment.feed("nobody")
    assert "spx-volatility" in caught.value.remedy


def test_with__some_members__others_kept() -> None:
    deployment = Deployment(chain_id=1, chain_key="1:aa", registry="0x1")
    assert deployment.with_(deployer="0x2") == Deployment(chain_id=1, chain_key="1:aa", registry="0x1", deployer="0x2")


def test_as_tuple__structs__in_the_abis_order() -> None:
    assert GUARDS.as_tuple() == (-(10**30), 10**30, 0, 100, 100, 3600, 2)
    assert ObservationLimits(1, 2, 3, 4, 5).as_tuple() == (1, 2, 3, 4, 5)
    assert (VaultTerms(1, 2).as_tuple()[:2], len(VaultTerms().as_tuple())) == ((1, 2), 19)
    assert (CollateralTerms(1, 2).as_tuple()[:2], len(CollateralTerms().as_tuple())) == ((1, 2), 11)
