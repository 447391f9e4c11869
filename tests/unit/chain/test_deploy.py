"""Deploying: everything once, a second run nothing, and no unsafe thing beyond a local chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import GarchModule
from oracle.chain.models import ModelRegistry, ModelStatus
from oracle.chain.records import load_deployment, record_path, save_deployment
from oracle.chain.registration import bytes32, packed_scales
from oracle.domain.deployment import Deployment
from oracle.errors import ConfigurationError, InvalidInput, ModelRejected, NotFound, StorageFull, UnsafeSetup
from oracle.settings import Settings
from tests.support.local_chain import LocalChain
from tests.support.market import (
    PRICE,
    VAULT,
    VOLATILITY,
    Market,
    lending_plan,
    price_plan,
    sender_of,
    settings_in,
    volatility_plan,
)
from tests.support.window_circuit import WindowCircuit

MAINNET = 1


@pytest.fixture
def own_client(own_settings: Settings, chain: LocalChain) -> ChainClient:
    return ChainClient.connect(own_settings, chain.rpc_url)


@pytest.fixture(scope="session")
def heavier_circuit(tmp_path_factory: pytest.TempPathFactory) -> WindowCircuit:
    """The same circuit, retrained."""
    return WindowCircuit.make(tmp_path_factory.mktemp("heavier"), weight=1.25)


def deploy_all(client: ChainClient, circuit: WindowCircuit) -> tuple[Deployment, list[str]]:
    said: list[str] = []
    deployer = Deployer(client, sender_of(client), said.append)
    deployer.deploy_core()
    deployer.deploy_token("TEST", "Test", 18)
    deployer.deploy_token("USD", "Dollar", 6)
    deployer.deploy_model(circuit, circuit.verifier_source)
    deployer.deploy_feed(price_plan(local_roles(31337)), volatility_plan(circuit.circuit_id))
    deployer.deploy_lending(lending_plan())
    return deployer.deployment, said


def test_deploy__everything__stands_and_is_wired(market: Market, chain: LocalChain) -> None:
    deployment, client = market.deployer.deployment, market.client
    feed, model = deployment.feed(VOLATILITY), deployment.model(market.circuit.circuit_id)
    assert (feed.kind, feed.decimals, deployment.feed(PRICE).decimals) == ("volatility", 18, 8)
    assert market.volatility.inference_verifier() == deployment.inference_verifier
    assert market.volatility.feature_module().source() == deployment.feed(PRICE).address
    assert GarchModule(client, feed.feature_module).params() == feed.params
    assert market.volatility.guards() == feed.guards
    assert market.prices.limits() == deployment.feed(PRICE).limits
    assert market.prices.quorum() == 3
    assert (model.model_id, model.version, model.active) == (1, 1, True)
    assert ModelRegistry(client, deployment.registry).version(1, 1).status is ModelStatus.ACTIVE
    vault = client.contract("LendingVault", deployment.vault(VAULT).address)
    (config,) = client.call(vault.functions.collateralConfigs())
    assert config[1:3] == (deployment.feed(PRICE).address, feed.address)


def test_deploy__second_run__sends_nothing(own_client: ChainClient, window_circuit: WindowCircuit) -> None:
    first, said = deploy_all(own_client, window_circuit)
    assert len(said) == 10
    nonce = own_client.nonce(first.deployer)
    second, said_again = deploy_all(own_client, window_circuit)
    assert (second, said_again) == (first, [])
    assert own_client.nonce(first.deployer) == nonce


def test_deploy__record_lost_midway__registered_once(own_client: ChainClient, window_circuit: WindowCircuit) -> None:
    deployer = Deployer(own_client, sender_of(own_client))
    deployer.deploy_core()
    model = deployer.deploy_model(window_circuit, window_circuit.verifier_source)
    path = record_path(own_client.settings, 31337)
    record = json.loads(path.read_text())
    record["models"] = {}
    path.write_text(json.dumps(record))
    again = Deployer(own_client, sender_of(own_client))
    assert again.deploy_model(window_circuit, window_circuit.verifier_source) == model
    assert ModelRegistry(own_client, again.deployment.registry).count() == 1


def test_deploy__chain_started_anew__deploys_anew(
    own_client: ChainClient, chain: LocalChain, window_circuit: WindowCircuit
) -> None:
    snapshot = chain.rpc("evm_snapshot")
    deploy_all(own_client, window_circuit)
    chain.rpc("evm_revert", snapshot)
    again, said = deploy_all(own_client, window_circuit)
    assert len(said) == 10
    assert own_client.code(again.feed(VOLATILITY).address)


def test_deploy_model__other_weights__new_version_that_the_feed_follows(
    own_client: ChainClient, window_circuit: WindowCircuit, heavier_circuit: WindowCircuit
) -> None:
    before, _ = deploy_all(own_client, window_circuit)
    after, _ = deploy_all(own_client, heavier_circuit)
    model = after.model(window_circuit.circuit_id)
    assert (model.model_id, model.version, model.active) == (1, 2, True)
    assert after.feed(VOLATILITY).address == before.feed(VOLATILITY).address
    feed = own_client.contract("RiskFeed", after.feed(VOLATILITY).address)
    assert own_client.call(feed.functions.modelVersion()) == 2
    registry = ModelRegistry(own_client, after.registry)
    assert registry.version(1, 1).status is ModelStatus.SUPERSEDED


def test_deploy_model__timelock__active_only_after_it(own_client: ChainClient, window_circuit: WindowCircuit) -> None:
    deployer = Deployer(own_client, sender_of(own_client))
    deployer.deploy_core(activation_delay=3600)
    assert not deployer.deploy_model(window_circuit, window_circuit.verifier_source).active
    own_client.set_next_block_timestamp(own_client.head().timestamp + 3600)
    own_client.mine()
    assert deployer.deploy_model(window_circuit, window_circuit.verifier_source).active


def test_deploy_model__before_the_core__configuration_error(
    own_client: ChainClient, window_circuit: WindowCircuit
) -> None:
    with pytest.raises(ConfigurationError):
        Deployer(own_client, sender_of(own_client)).deploy_model(window_circuit, window_circuit.verifier_source)


def test_deploy_model__too_large__refused_before_sending(
    own_client: ChainClient, window_circuit: WindowCircuit, tmp_path: Path
) -> None:
    body = "".join(f'if (x == {i}) return "{i:064d}";' for i in range(400)) + 'return "";'
    function = f"function f(uint x) external pure returns (string memory) {{ {body} }}"
    source = f"// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; contract Halo2Verifier {{ {function} }}"
    (tmp_path / "Verifier.sol").write_text(source)
    deployer = Deployer(own_client, sender_of(own_client))
    deployer.deploy_core()
    with pytest.raises(ModelRejected):
        deployer.deploy_model(window_circuit, tmp_path / "Verifier.sol")


def off_local(client: ChainClient, settings: Settings) -> Deployer:
    """A deployer whose client says that it is on another chain; nothing may be sent by it."""
    deployer = Deployer(client, sender_of(client))
    deployer._client = ChainClient(settings, client.web3, MAINNET, "1:00")
    return deployer


def test_deploy_model__dev_set_up_off_local_chains__unsafe(
    own_client: ChainClient, own_settings: Settings, window_circuit: WindowCircuit
) -> None:
    with pytest.raises(UnsafeSetup):
        off_local(own_client, own_settings).deploy_model(window_circuit, window_circuit.verifier_source)


def test_deploy_token_and_publishers__off_local_chains__unsafe(own_client: ChainClient, own_settings: Settings) -> None:
    deployer = off_local(own_client, own_settings)
    with pytest.raises(UnsafeSetup):
        deployer.deploy_token("USD", "Dollar", 6)
    with pytest.raises(UnsafeSetup):
        deployer.deploy_price_feed(price_plan(local_roles(31337)))


def test_deploy_volatility_feed__unknown_parts__not_found(own_client: ChainClient) -> None:
    deployer = Deployer(own_client, sender_of(own_client))
    deployer.deploy_core()
    with pytest.raises(NotFound):
        deployer.deploy_volatility_feed(volatility_plan())


def test_load_deployment__not_a_record__says_which_file(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    record_path(settings, 1).parent.mkdir()
    record_path(settings, 1).write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        load_deployment(settings, 1)
    assert "deployments/1.json" in str(caught.value)


def test_load_deployment__other_chain_of_that_id__none(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    save_deployment(settings, Deployment(chain_id=1, chain_key="1:aa"))
    assert load_deployment(settings, 1, "1:bb") is None
    assert load_deployment(settings, 1, "1:aa") == load_deployment(settings, 1) is not None


def test_save_deployment__folder_cannot_be_made__storage_full_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "deployments").write_text("a file where a folder has to be")
    with pytest.raises(StorageFull):
        save_deployment(settings_in(tmp_path), Deployment(chain_id=1, chain_key="1:aa"))


@pytest.mark.parametrize("text", ["", "0x12", "zz" * 32, "0x" + "11" * 33])
def test_bytes32__malformed__invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        bytes32(text)


def test_packed_scales__equal__one_byte() -> None:
    assert packed_scales([13, 13, 13], 3) == bytes([13])
    assert packed_scales([13, 7, 13], 3) == bytes([13, 7, 13])


@pytest.mark.parametrize("scales", [[], [13, 13], [256]])
def test_packed_scales__wrong_number_or_size__invalid_input(scales: list[int]) -> None:
    with pytest.raises(InvalidInput):
        packed_scales(scales, 3)
