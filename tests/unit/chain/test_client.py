"""Reads with the contracts' refusals as exceptions, and the clock of a local chain."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from oracle.chain import reverts
from oracle.chain.client import ChainClient, calldata, checked_address
from oracle.errors import ArtifactMismatch, ConfigurationError, ContractRevert, InvalidInput, RpcRefused
from tests.support.local_chain import LocalChain
from tests.support.market import Market

NOBODY = "0x" + "ab" * 20


def test_call__revert__class_with_arguments(market: Market, chain: LocalChain) -> None:
    with pytest.raises(reverts.NoDataPresent) as caught:
        market.client.call(market.volatility.contract.functions.getAnswer(99))
    assert caught.value.fields == {"roundId": 99}


def test_call__no_contract_there__artifact_mismatch(client: ChainClient, chain: LocalChain) -> None:
    with pytest.raises(ArtifactMismatch):
        client.call(client.contract("RiskFeed", NOBODY).functions.latestRound())


def test_contract__not_compiled__artifact_mismatch(client: ChainClient) -> None:
    with pytest.raises(ArtifactMismatch) as caught:
        client.contract("NoSuchContract", NOBODY)
    assert "make contracts" in caught.value.remedy


@pytest.mark.parametrize("address", ["", "0x12", "not an address", 5])
def test_checked_address__malformed__invalid_input(address: str) -> None:
    with pytest.raises(InvalidInput):
        checked_address(address)


def test_simulate__halting_code__contract_revert(client: ChainClient, chain: LocalChain) -> None:
    chain.rpc("anvil_setCode", NOBODY, "0xfe")
    with pytest.raises(ContractRevert):
        client.simulate({"to": checked_address(NOBODY)})


def test_simulate__panic_code_of_no_meaning__panic(client: ChainClient, chain: LocalChain) -> None:
    data = "4e487b71" + f"{0x99:064x}"
    chain.rpc("anvil_setCode", NOBODY, "0x6024600c5f3960245ffd" + "0000" + data)
    with pytest.raises(reverts.Panic) as caught:
        client.simulate({"to": checked_address(NOBODY)})
    assert caught.value.args_ == (0x99,)


def test_simulate__set_time__sees_the_next_blocks(client: ChainClient, chain: LocalChain) -> None:
    chain.rpc("anvil_setCode", NOBODY, "0x425f5260205ff3")
    wanted = client.head().timestamp + 86_400
    client.set_next_block_timestamp(wanted)
    assert int.from_bytes(client.simulate({"to": checked_address(NOBODY)}), "big") == wanted
    client.mine()
    assert client.head().timestamp == wanted


def test_set_next_block_timestamp__past__invalid_input(client: ChainClient, chain: LocalChain) -> None:
    with pytest.raises(InvalidInput):
        client.set_next_block_timestamp(client.head().timestamp - 1)


def test_set_next_block_timestamp__not_local__configuration_error(client: ChainClient) -> None:
    elsewhere = ChainClient(client.settings, client.web3, 1, "1:00")
    for forbidden in (lambda: elsewhere.set_next_block_timestamp(2**40), elsewhere.mine):
        with pytest.raises(ConfigurationError):
            forbidden()


def test_rpc__unknown_method__refused_with_code(client: ChainClient) -> None:
    with pytest.raises(RpcRefused) as caught:
        client.rpc("plumbline_nothing")
    assert caught.value.code < 0


def test_receipt_and_transaction__unknown_hash__none(client: ChainClient) -> None:
    assert client.receipt(bytes(32)) is None
    assert client.transaction(bytes(32)) is None


def test_block__beyond_the_head__none(client: ChainClient) -> None:
    assert client.block(10**9) is None


def test_code_hash__account_without_code__hash_of_nothing(client: ChainClient) -> None:
    assert client.code_hash(NOBODY) == keccak(b"")


def test_logs__any_choice_of_topic__in_order(market: Market, chain: LocalChain) -> None:
    event = market.prices.contract.events.ObservationRecorded()
    topic = bytes.fromhex(event.topic[2:])
    wanted = [number.to_bytes(32, "big") for number in (3, 5)]
    some = market.client.logs(market.prices.address, [[topic], wanted])
    assert [event.process_log(log)["args"]["roundId"] for log in some] == [3, 5]
    everything = market.client.logs(market.prices.address, [[topic]])
    assert len(everything) == market.prices.latest_round()


def test_calldata__function__selector_and_arguments(market: Market) -> None:
    data = calldata(market.volatility.contract.functions.getAnswer(7))
    assert data == keccak(text="getAnswer(uint256)")[:4] + (7).to_bytes(32, "big")
