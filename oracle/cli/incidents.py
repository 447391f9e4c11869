"""What guardians, owners and admins do when something is wrong: each a call that the contracts already allow.

Every action is read first and sent only where it changes something, so that a second run says so and sends nothing.
The key is the configured one, on a local chain else the deployer's; where a timelock or a multisig holds the role,
`--dry-run` gives the transaction to propose there.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from hexbytes import HexBytes
from web3.contract.contract import ContractFunction

from oracle.chain.board import LiquidationBoard, proven_contract
from oracle.chain.client import ChainClient, calldata, checked_address
from oracle.chain.feeds import ObservationFeed
from oracle.chain.models import ModelRegistry, ModelStatus
from oracle.chain.sender import Sender
from oracle.cli.wiring import connect, deploying_account, deployment, opened_database
from oracle.domain.deployment import FeedRecord, ModelRecord
from oracle.errors import InvalidInput, NotFound
from oracle.settings import Settings

USABLE = (ModelStatus.ACTIVE, ModelStatus.SUPERSEDED)


def set_paused(settings: Settings, name: str, *, paused: bool, rpc_url: str | None, dry_run: bool) -> dict[str, Any]:
    """Pauses a proven feed (its guardian), or ends that (its admin). Raises NotFound, InvalidInput, ContractRevert."""
    client = connect(settings, rpc_url)
    feed = proven_contract(client, _feed(client, name, proven=True))
    functions = feed.contract.functions
    call = None if feed.paused() == paused else (functions.pause() if paused else functions.unpause())
    sent = _send(client, f"{'pause' if paused else 'unpause'}/{feed.address}", call, dry_run=dry_run)
    facts = {"feed": name, "address": feed.address, "paused": feed.paused()}
    if isinstance(feed, LiquidationBoard):  # consumers find its reads refused, there is no answer in their place
        return facts | sent
    answer, stale = feed.conservative_answer()
    return facts | {"answer": answer, "stale": stale} | sent


def migrate(settings: Settings, name: str, version: int, *, rpc_url: str | None, dry_run: bool) -> dict[str, Any]:
    """Moves a proven feed to another version of its model, which the registry must accept proofs of now (its admin).

    0 is the version that is current. Raises NotFound, InvalidInput, ContractRevert.
    """
    client = connect(settings, rpc_url)
    record = _feed(client, name, proven=True)
    feed, registry = proven_contract(client, record), ModelRegistry(client, deployment(client).registry)
    before, model_id = feed.model_version(), feed.model_id()
    wanted = version or registry.current_version(model_id)
    call = None if wanted == before else feed.contract.functions.setModelVersion(wanted)
    sent = _send(client, f"migrate/{feed.address}/{wanted}", call, dry_run=dry_run)
    return {"feed": name, "address": feed.address, "modelId": model_id, "from": before, "version": wanted} | sent


def rotate(
    settings: Settings, name: str, publishers: Sequence[str], quorum: int, *, rpc_url: str | None, dry_run: bool
) -> dict[str, Any]:
    """Replaces an observed feed's publishers (its owner); what the old set signed is refused from that block on.

    Quorum 0 is the smallest majority. Raises NotFound, InvalidInput, ContractRevert.
    """
    addresses = [checked_address(address) for address in publishers]
    if len(set(addresses)) != len(addresses) or not addresses:
        raise InvalidInput("the publishers must be different addresses, one at least", remedy="repeat --publisher")
    client = connect(settings, rpc_url)
    feed = ObservationFeed(client, _feed(client, name, proven=False).address)
    needed = quorum or len(addresses) // 2 + 1
    before = feed.publisher_set_version()
    same = feed.publishers() == addresses and feed.quorum() == needed
    call = None if same else feed.contract.functions.setPublishers(addresses, needed)
    sent = _send(client, f"rotate/{feed.address}", call, dry_run=dry_run)
    facts = {"feed": name, "address": feed.address, "publishers": addresses, "quorum": needed}
    return facts | {"fromSetVersion": before, "setVersion": feed.publisher_set_version()} | sent


def revoke(settings: Settings, name: str, version: int, *, rpc_url: str | None, dry_run: bool) -> dict[str, Any]:
    """Revokes a model's version (its owner, or the guardian): no proof of it is accepted from that block on, for ever.

    0 is the version that is registered under this name. Raises NotFound, ContractRevert.
    """
    client = connect(settings, rpc_url)
    record = _model(client, name)
    registry = ModelRegistry(client, deployment(client).registry)
    wanted = version or record.version
    revoked = registry.version(record.model_id, wanted).status is ModelStatus.REVOKED
    call = None if revoked else registry.contract.functions.revokeVersion(record.model_id, wanted)
    sent = _send(client, f"revoke/{record.model_id}/{wanted}", call, dry_run=dry_run)
    status = registry.version(record.model_id, wanted).status
    stopped = [
        feed.name for feed in deployment(client).feeds.values() if feed.proven and _uses(client, feed, record, wanted)
    ]
    facts = {"model": name, "modelId": record.model_id, "version": wanted, "status": status.name.lower()}
    return facts | {"feedsWithoutVersion": stopped if status not in USABLE else []} | sent


def _send(client: ChainClient, purpose: str, call: ContractFunction | None, *, dry_run: bool) -> dict[str, Any]:
    """Sends the call, unless there is nothing to change or only its transaction is asked for."""
    if call is None:
        return {"changed": False}
    if dry_run:
        return {"changed": False, "to": call.address, "data": HexBytes(calldata(call)).to_0x_hex()}
    from oracle.store.outbox import SqlOutbox

    with opened_database(client.settings) as database:
        sender = Sender(client, deploying_account(client.settings), SqlOutbox(database))
        receipt = sender.transact(f"incident/{purpose}/{secrets.token_hex(8)}", call)
    return {"changed": True, "txHash": HexBytes(receipt["transactionHash"]).to_0x_hex()}


def _feed(client: ChainClient, name: str, *, proven: bool) -> FeedRecord:
    record = deployment(client).feed(name)
    if record.proven == proven:
        return record
    if proven:
        raise InvalidInput(
            f"{name} is observed, not proven: it has no pause and no model",
            remedy="replace its publishers with `plumbline publisher rotate`, and pause the feeds that stand on it",
        )
    raise InvalidInput(f"{name} is proven, it has no publishers", remedy=f"name its source, {record.observations}")


def _model(client: ChainClient, name: str) -> ModelRecord:
    record = deployment(client).models.get(name)
    if record is None:
        raise NotFound(f"{name} is not registered on chain {client.chain_id}", remedy="see `plumbline model list`")
    return record


def _uses(client: ChainClient, feed: FeedRecord, model: ModelRecord, version: int) -> bool:
    return feed.model == model.name and proven_contract(client, feed).model_version() == version
