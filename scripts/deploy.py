"""Deploys the core contracts with eth-ape: scripts/ape run deploy [--network ethereum:local:foundry].

Registry, verifier, an observation feed of five publishers and a GARCH module on it: what a contract team needs to build
on. Proven feeds need a circuit beside them: `plumbline deploy` brings those.
"""

from ape import accounts, networks, project

PUBLISHERS = range(2, 7)
QUORUM = 3
LIMITS = (12 * 3600, 7 * 86_400, 86_400, 100, 2_000)  # daily: minInterval, maxInterval, maxReportAge, spread, move
GARCH = (10**16, 5 * 10**16, 10 * 10**16, 85 * 10**16, 5, 252)  # sigmaRef, omega, alpha, beta, horizon, periods a year
SCALE_BITS = 16
CAPACITY = 4096


def main() -> None:
    """Deploys with the first development account, on a local network only: its key is public."""
    if not networks.provider.network.is_dev:
        raise SystemExit("scripts/deploy.py uses development keys: local networks only. Elsewhere: plumbline deploy")
    keys = accounts.test_accounts
    deployer, publishers = keys[0], [keys[i] for i in PUBLISHERS]
    registry = project.ModelRegistry.deploy(deployer, deployer, 0, sender=deployer)
    verifier = project.InferenceVerifier.deploy(registry, sender=deployer)
    feed = project.ObservationFeed.deploy("SPX / USD", CAPACITY, deployer, publishers, QUORUM, LIMITS, sender=deployer)
    module = project.GarchVolatilityModule.deploy(feed, GARCH, SCALE_BITS, sender=deployer)
    for name, contract in (("ModelRegistry", registry), ("InferenceVerifier", verifier)):
        print(f"{name:24}{contract.address}")
    for name, contract in (("ObservationFeed", feed), ("GarchVolatilityModule", module)):
        print(f"{name:24}{contract.address}")
