"""What `plumbline status` says: the stack's processes, and the chain's own word on every feed and model."""

from __future__ import annotations

from typing import Any

from oracle.chain.board import opened_feed
from oracle.chain.client import ChainClient
from oracle.chain.models import ModelRegistry
from oracle.chain.records import load_deployment
from oracle.cli import stack as records
from oracle.cli.contracts import contracts
from oracle.cli.stack import Stack
from oracle.client import Client
from oracle.domain.deployment import Deployment, FeedRecord, ModelRecord
from oracle.errors import OracleError
from oracle.settings import Settings


def collect(settings: Settings) -> dict[str, Any]:
    """All facts, JSON-ready; integers exact. Raises NotFound without a stack, RpcUnavailable without its chain."""
    stack = _stack(settings)
    client = ChainClient.connect(settings, stack.rpc_url)
    deployed = load_deployment(settings, client.chain_id, client.chain_key)
    return {
        "rpcUrl": stack.rpc_url,
        "chainId": client.chain_id,
        "block": client.head().number,
        "apiUrl": stack.api_url,
        "stateDir": str(settings.state_dir),
        "source": stack.source,
        "contracts": contracts(deployed) if deployed else {},
        "feeds": [_feed(client, feed) for feed in _sorted(deployed.feeds)] if deployed else [],
        "models": [_model(client, deployed, model) for model in _sorted(deployed.models)] if deployed else [],
        "service": _service(stack),
        "supervisor": _process(stack.supervisor),
        "anvil": _process(stack.anvil),
    }


def _stack(settings: Settings) -> Stack:
    """The running stack; without one, a stand-in for the configured chain."""
    found = records.find(settings)
    if settings.rpc_url and (found is None or not found.alive()):
        return Stack(rpc_url=settings.rpc_url, chain_id=settings.chain_id, source="", embedded=False)
    return records.require(settings)


def _sorted(records_by_name: dict[str, Any]) -> list[Any]:
    return [records_by_name[name] for name in sorted(records_by_name)]


def _feed(client: ChainClient, record: FeedRecord) -> dict[str, Any]:
    latest = opened_feed(client, record).latest()
    return {
        "name": record.name,
        "kind": record.kind,
        "address": record.address,
        "decimals": record.decimals,
        "description": record.description,
        "roundId": latest.round_id if latest else 0,
        "answer": latest.answer if latest else None,
        "observedAt": latest.observed_at if latest else 0,
        "updatedAt": latest.updated_at if latest else 0,
        "heartbeat": record.heartbeat,
        "model": record.model,
    }


def _model(client: ChainClient, deployed: Deployment, record: ModelRecord) -> dict[str, Any]:
    stored = ModelRegistry(client, deployed.registry).version(record.model_id, record.version)
    return {
        "name": record.name,
        "modelId": record.model_id,
        "version": record.version,
        "status": stored.status.name.capitalize(),
        "verifier": record.verifier,
        "modelHash": record.model_hash,
        "circuitHash": record.circuit_hash,
        "vkHash": record.vk_hash,
        "srsKind": record.srs_kind,
        "inputCount": record.input_count,
        "outputCount": record.output_count,
    }


def _service(stack: Stack) -> dict[str, Any]:
    ready = False
    if stack.api_url:
        try:
            with Client(stack.api_url, tries=1) as client:
                client.get("/v1/health/ready")
            ready = True
        except OracleError:
            pass
    return {"pid": _process(stack.service)["pid"], "ready": ready}


def _process(process: records.ProcessRecord | None) -> dict[str, Any]:
    return {"pid": process.pid if process is not None and process.ref.alive() else None}
