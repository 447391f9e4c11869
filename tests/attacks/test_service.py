"""Attacks 30 and 31 on who publishes: reorgs, rival publishers, nodes that lie, keys without funds. Real rounds.

On a chain of their own, since `anvil_reorg` rewrites it. Kills, stalls and outages of the service: tests/faults.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account
from web3.contract.contract import ContractFunction

from oracle.chain import reverts
from oracle.chain.accounts import anvil_account
from oracle.chain.client import ChainClient
from oracle.chain.feeds import RiskFeed
from oracle.chain.sender import Sender
from oracle.domain.outbox import MemoryOutbox
from oracle.errors import ContractRevert, UnfundedKey, WrongChain
from oracle.settings import Settings
from tests.support.http_stub import Reply, serving
from tests.support.local_chain import AnvilServer, LocalChain
from tests.support.market import Market, settings_in
from tests.support.window_circuit import WindowCircuit

OPERATOR, RIVAL = anvil_account(1), anvil_account(9)


@pytest.fixture(scope="module")
def chain(settings: Settings, compiled: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """An Anvil of these attacks' own."""
    yield from anvil(settings, tmp_path_factory)


@pytest.fixture(scope="module")
def window_circuit(tmp_path_factory: pytest.TempPathFactory) -> WindowCircuit:
    """Set up once."""
    return WindowCircuit.make(tmp_path_factory.mktemp("window"))


@pytest.fixture(scope="module")
def market(chain: LocalChain, window_circuit: WindowCircuit, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """A market with one round, and an observation that nobody has proven."""
    return deployed(chain, window_circuit, tmp_path_factory)


@pytest.fixture(scope="module")
def reorganised(
    settings: Settings, compiled: object, window_circuit: WindowCircuit, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    """Another one, whose chain is never brought back to a snapshot: Anvil cannot after a reorg."""
    for chain in anvil(settings, tmp_path_factory):
        yield deployed(chain, window_circuit, tmp_path_factory)


def anvil(settings: Settings, folders: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """A chain, ended at the end."""
    server = AnvilServer.start(folders.mktemp("anvil") / "anvil.log")
    yield LocalChain(settings, server.rpc_url)
    server.stop()


def deployed(chain: LocalChain, circuit: WindowCircuit, folders: pytest.TempPathFactory) -> Market:
    """A market with one round, and an observation that nobody has proven."""
    client = ChainClient.connect(settings_in(folders.mktemp("market"), tx_timeout_secs=2.0), chain.rpc_url)
    market = Market.deploy(client, circuit)
    market.fill_window()
    market.prove_round()
    market.observe(104.0)
    return market


def next_round(market: Market) -> ContractFunction:
    """The call that publishes the newest observation's round, with a real proof."""
    newest = market.prices.latest_round()
    proof = market.circuit.prove(market.volatility.expected_inputs(newest).inputs)
    return market.volatility.submit_round(newest, proof.outputs, proof.zk_proof)


def facts(market: Market) -> tuple[object, ...]:
    """What consumers see of the feed."""
    latest = market.volatility.latest()
    assert latest is not None
    return latest.round_id, latest.answer, market.volatility.root()


# --- 30: what a dropped block held ---


def test_attack_30_round_in_a_dropped_block_lands_once_more(reorganised: Market) -> None:
    """The same key sends the same transaction: one round, the same answer, no second one beside it."""
    market, before = reorganised, facts(reorganised)
    sender = Sender(market.client, OPERATOR, MemoryOutbox())
    call = next_round(market)
    first = sender.transact("round", call)
    landed = facts(market)
    market.client.rpc("anvil_reorg", 1, [])
    assert facts(market) == before
    assert market.client.receipt(bytes(first["transactionHash"])) is None
    again = sender.transact("round", call)
    assert again["transactionHash"] == first["transactionHash"]
    assert again["blockHash"] != first["blockHash"]
    assert facts(market)[:2] == landed[:2]


def test_attack_30_observation_dropped_under_a_round(reorganised: Market) -> None:
    """The proof is of a window that is no more: it must not be published over another one."""
    market = reorganised
    market.observe(104.0)
    call, before = next_round(market), facts(market)
    market.client.rpc("anvil_reorg", 1, [])
    market.observe(95.0)
    with pytest.raises(reverts.InvalidProof):
        Sender(market.client, OPERATOR, MemoryOutbox()).transact("round", call)
    assert facts(market) == before


# --- 31: operators' faults ---


def test_attack_31_two_services_for_one_feed(market: Market) -> None:
    """Each has a key, an outbox and a proof of its own: one round, and the slower one sends nothing."""
    ours, theirs = next_round(market), next_round(market)
    assert ours.arguments != theirs.arguments
    Sender(market.client, OPERATOR, MemoryOutbox()).transact("round", ours)
    landed, nonce = facts(market), market.client.nonce(RIVAL.address)
    newest = market.prices.latest_round()
    with pytest.raises(reverts.ObservationNotNewer) as caught:
        Sender(market.client, RIVAL, MemoryOutbox()).transact("round", theirs)
    assert caught.value.args_ == (newest, newest)
    assert (facts(market), market.client.nonce(RIVAL.address)) == (landed, nonce)


def test_attack_31_two_processes_with_one_key(market: Market) -> None:
    """They share the account and not the outbox: the round lands once, and the account's nonce moves by one."""
    call, nonce = next_round(market), market.client.nonce(OPERATOR.address)
    Sender(market.client, OPERATOR, MemoryOutbox()).transact("round", call)
    with pytest.raises(reverts.ObservationNotNewer):
        Sender(market.client, OPERATOR, MemoryOutbox()).transact("round", call)
    assert (facts(market)[0], market.client.nonce(OPERATOR.address)) == (2, nonce + 1)


def test_attack_31_key_without_funds(market: Market) -> None:
    poor, before = Account.from_key("0x" + "5b" * 32), facts(market)
    with pytest.raises(UnfundedKey, match=poor.address):
        Sender(market.client, poor, MemoryOutbox()).transact("round", next_round(market))
    assert facts(market) == before


def test_attack_31_nonce_taken_by_another_program(market: Market) -> None:
    """A transaction that this outbox knows nothing of uses the nonce up: the round is signed again and lands."""
    call, outbox = next_round(market), MemoryOutbox()

    class Dies(MemoryOutbox):
        def insert(self, entry: object) -> None:
            outbox.insert(entry)  # type: ignore[arg-type]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sender(market.client, OPERATOR, Dies()).transact("round", call)
    Sender(market.client, OPERATOR, MemoryOutbox()).send("foreign", OPERATOR.address, b"", 1)
    assert Sender(market.client, OPERATOR, outbox).transact("round", call)["status"] == 1
    assert facts(market)[0] == 2


@contextmanager
def lying(market: Market, chain: LocalChain, selector: str, result: str) -> Iterator[ChainClient]:
    """A client of a node that answers `result` to every call of a function, and the truth to everything else."""

    def reply(body: bytes) -> Reply:
        asked = json.loads(body)
        parameters = asked.get("params") or [{}]
        data = parameters[0].get("data", "") if isinstance(parameters[0], dict) else ""
        if asked["method"] == "eth_call" and data.startswith(selector):
            answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
        else:
            request = urllib.request.Request(chain.rpc_url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = response.read()
        return 200, {"Content-Type": "application/json"}, answer

    with serving(reply) as url:
        yield ChainClient.connect(market.client.settings, url)


def test_attack_31_node_that_lies_about_the_inputs(market: Market, chain: LocalChain) -> None:
    """A node can make a prover waste a proof: the chain computes the inputs itself, so nothing false is published."""
    newest, before = market.prices.latest_round(), facts(market)
    true = market.volatility.expected_inputs(newest)
    false = replace(true, inputs=(*true.inputs[:32], true.inputs[32] * 2, *true.inputs[33:]))
    fields = [list(false.inputs), false.observed_at, false.commitment]
    result = "0x" + encode(["int256[]", "uint64", "bytes32"], fields).hex()
    call = market.volatility.contract.functions.expectedInputs(newest)
    with lying(market, chain, call._encode_transaction_data()[:10], result) as client:
        feed = RiskFeed(client, market.volatility.address)
        told = feed.expected_inputs(newest)
        assert told.inputs == false.inputs
        proof = market.circuit.prove(told.inputs)
        with pytest.raises(reverts.InvalidProof):
            call = feed.submit_round(newest, proof.outputs, proof.zk_proof)
            Sender(client, OPERATOR, MemoryOutbox()).transact("round", call)
    assert facts(market) == before


def test_attack_31_node_of_another_chain(market: Market, chain: LocalChain) -> None:
    elsewhere = market.client.settings.model_copy(update={"chain_id": 1337})
    with pytest.raises(WrongChain):
        ChainClient.connect(elsewhere, chain.rpc_url)


def test_attack_31_node_that_simulates_what_the_chain_refuses(market: Market, chain: LocalChain) -> None:
    """The node says that a forged round passes, so it is sent, and reverts on chain: named, and nothing published."""
    newest, before = market.prices.latest_round(), facts(market)
    proof = market.circuit.prove(market.volatility.expected_inputs(newest).inputs)
    call = market.volatility.submit_round(newest, [proof.outputs[0] * 2], proof.zk_proof)
    with lying(market, chain, call._encode_transaction_data()[:10], "0x") as client, pytest.raises(ContractRevert):
        Sender(client, OPERATOR, MemoryOutbox()).transact("forged", call)
    assert facts(market) == before
