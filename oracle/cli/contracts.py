"""The names under which contracts are shown."""

from __future__ import annotations

from oracle.domain.deployment import Deployment


def contracts(deployment: Deployment) -> dict[str, str]:
    """Every contract's address by its name in the deployment."""
    found = {"registry": deployment.registry, "inference-verifier": deployment.inference_verifier}
    found |= {f"token/{token.symbol}": token.address for token in deployment.tokens.values()}
    found |= {f"verifier/{model.name}": model.verifier for model in deployment.models.values()}
    found |= {f"feed/{feed.name}": feed.address for feed in deployment.feeds.values()}
    found |= {f"module/{feed.name}": feed.feature_module for feed in deployment.feeds.values() if feed.feature_module}
    return found | {f"lending/{vault.name}": vault.address for vault in deployment.lending.values()}
