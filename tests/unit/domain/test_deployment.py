"""Deployment records survive their JSON, and names that are not there are said so."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from oracle.domain.deployment import (
    Deployment,
    FeatureFeedPlan,
    FeedGuards,
    FeedRecord,
    LendingPlan,
    ObservationLimits,
    PriceFeedPlan,
    TokenRecord,
    VectorComponent,
    VectorFeedPlan,
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


def test_plans__nothing_said__what_the_documents_promise() -> None:
    limits = ObservationLimits(1, 2, 3)
    assert limits.as_tuple() == (1, 2, 3, 100, 2_000)
    assert PriceFeedPlan("p", "", (), 1, limits).capacity == 1_024
    vector = VectorFeedPlan("v", "", (VectorComponent("c", -1, 1),), (), 1, limits)
    assert (vector.capacity, vector.decimals) == (64, 18)
    feature = FeatureFeedPlan("f", "", "cascade", "%", "p", "m", "CascadeModule", (), GUARDS)
    assert (feature.decimals, feature.group, feature.params) == (18, "", None)
    setter = LendingPlan("l", "USD", VaultTerms(), ()).board_setter
    assert setter == "0x0000000000000000000000000000000000000000"


def test_from_json__record_of_few_members__the_others_are_none() -> None:
    feed = {"name": "p", "kind": "price", "address": "0x1", "decimals": 8, "description": "", "later": 1}
    lending = {"name": "l", "address": "0x2", "debt": "USD"}
    text = json.dumps({"chain_id": 1, "chain_key": "1:aa", "feeds": {"p": feed}, "lending": {"l": lending}})
    read = Deployment.from_json(text)
    assert (read.deployer, read.registry, read.inference_verifier, read.coordinator) == ("", "", "", "")
    assert (read.coordinator_block, read.contracts, read.tokens, read.models) == (0, {}, {}, {})
    price = read.feed("p")
    assert (price.publishers, price.quorum, price.first_model_version, price.heartbeat) == ((), 0, 0, 0)
    assert (price.first_block, price.group, price.params, price.guards, price.limits) == (0, "", None, None, None)
    assert (read.vault("l").first_block, read.vault("l").collaterals) == (0, ())


@pytest.mark.parametrize(
    ("kind", "proven", "positions"),
    [
        ("price", False, False),
        ("vector", False, False),
        ("volatility", True, False),
        ("direction", True, False),
        ("liquidation", True, True),
    ],
)
def test_feed__its_kind__whether_its_rounds_are_proofs(kind: str, proven: bool, positions: bool) -> None:
    feed = FEED.model_copy(update={"kind": kind})
    assert (feed.proven, feed.assesses_positions) == (proven, positions)


def test_group__feeds_of_one_proof__by_name() -> None:
    feeds = {
        name: FEED.model_copy(update={"name": name, "group": group})
        for name, group in (("b", "one"), ("a", "one"), ("c", "two"), ("d", ""))
    }
    deployment = Deployment(chain_id=1, chain_key="1:aa", feeds=feeds)
    assert [feed.name for feed in deployment.group("one")] == ["a", "b"]
    assert (deployment.group(""), deployment.group("three")) == ([], [])


def test_records__anything_assigned__refused() -> None:
    with pytest.raises(ValidationError):
        FEED.decimals = 8  # type: ignore[misc]
