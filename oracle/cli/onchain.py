"""What `plumbline onchain` does: the coordinator on a chain, a request to it, and what became of one."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any, Final

from oracle.chain.client import ChainClient
from oracle.chain.coordinator import Coordinator
from oracle.chain.sender import Sender
from oracle.cli.proofs import read_inputs
from oracle.cli.proving import opened_engine
from oracle.cli.wiring import Say, connect, deployer, deploying_account, deployment, opened_database
from oracle.domain.onchain import NATIVE, OnchainStatus
from oracle.errors import ConfigurationError, NotFound
from oracle.settings import Settings
from oracle.store.outbox import SqlOutbox

POLL_SECS: Final = 0.2


def deploy_coordinator(settings: Settings, rpc_url: str | None, say: Say) -> dict[str, Any]:
    """Brings a coordinator onto the chain, over what is deployed there; one that stands is left as it is."""
    client = connect(settings, rpc_url)
    with opened_database(settings) as database:
        record = deployer(client, database, say).deploy_coordinator()
    return {"chainId": client.chain_id, "coordinator": record.coordinator, "fromBlock": record.coordinator_block}


def set_price(
    settings: Settings, model: str, base: int, per_callback_gas: int, *, rpc_url: str | None, token: str = NATIVE
) -> dict[str, Any]:
    """Offers a model for at least `base` + `per_callback_gas` * its callback's gas, in the token's units."""
    client = connect(settings, rpc_url)
    model_id = deployment(client).model(model).model_id
    with opened_database(settings) as database:
        sender = Sender(client, deploying_account(settings), SqlOutbox(database))
        call = coordinator_of(client).set_price(model_id, token, base, per_callback_gas)
        receipt = sender.transact(f"price:{secrets.token_hex(8)}", call)
    return {"model": model, "modelId": model_id, "token": token, "txHash": receipt["transactionHash"].to_0x_hex()}


def ask(
    settings: Settings,
    model: str,
    input_file: Path,
    *,
    fee: int,
    life_secs: int,
    prover: str,
    rpc_url: str | None,
    follow: bool,
    say: Say,
) -> dict[str, Any]:
    """A request for a model's answer about these inputs, paid in the native coin; with `follow` what became of it.

    `fee` in wei, 0: the quote. `prover`: who alone may answer, until the deadline; empty: anybody, by commitment.
    """
    client = connect(settings, rpc_url)
    record = deployment(client).model(model)
    coordinator = coordinator_of(client)
    with opened_engine(settings) as engine:
        inputs = engine.quantise(model, read_inputs(input_file).tensors)
    fee = fee or coordinator.quote(record.model_id, NATIVE, 0)
    deadline = client.head().timestamp + life_secs
    terms = (record.model_id, NATIVE, 0, NATIVE, fee, deadline, prover or NATIVE, deadline if prover else 0)
    with opened_database(settings) as database:
        sender = Sender(client, deploying_account(settings), SqlOutbox(database))
        receipt = sender.transact(f"ask:{secrets.token_hex(8)}", coordinator.request(terms, inputs), fee)
    asked = coordinator.asked_in(receipt)[0]
    say(f"request {asked.request_id} is in block {asked.block_number}")
    return status(settings, asked.request_id, rpc_url=rpc_url, follow=follow, say=say)


def status(
    settings: Settings, request_id: int, *, rpc_url: str | None, follow: bool = False, say: Say = lambda _: None
) -> dict[str, Any]:
    """A request's facts from the chain alone; with `follow` once it is open no more."""
    client = connect(settings, rpc_url)
    coordinator = coordinator_of(client)
    while (facts := coordinator.request_of(request_id)).status is OnchainStatus.OPEN and follow:
        say(f"request {request_id} is open until {facts.deadline}")
        time.sleep(POLL_SECS)
    if facts.status is OnchainStatus.NONE:
        raise NotFound(f"no request {request_id} at {coordinator.address}")
    shown: dict[str, Any] = {
        "requestId": request_id,
        "coordinator": coordinator.address,
        "status": facts.status.name.lower(),
        "modelId": facts.model_id,
        "version": facts.version,
        "fee": facts.fee,
        "feeToken": facts.fee_token,
        "createdAt": facts.created_at,
        "deadline": facts.deadline,
        "prover": facts.prover,
        "callback": facts.callback.name.lower(),
    }
    if facts.status is OnchainStatus.FULFILLED:
        answer = coordinator.answer(request_id, deployment(client).coordinator_block)
        if answer is not None:
            shown |= {"fulfilledAt": facts.fulfilled_at, "payee": answer.payee, "txHash": answer.tx_hash}
            shown["outputsWad"] = list(answer.outputs_wad)
    return shown


def coordinator_of(client: ChainClient) -> Coordinator:
    """The deployment's coordinator. Raises ConfigurationError without one."""
    address = deployment(client).coordinator
    if not address:
        raise ConfigurationError(
            f"there is no coordinator on chain {client.chain_id}", remedy="run `plumbline onchain deploy`"
        )
    return Coordinator(client, address)
