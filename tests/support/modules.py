"""GarchVolatilityModules for the tests."""

from __future__ import annotations

from web3.contract import Contract

from oracle.domain.garch import GarchParams
from oracle.units import WAD
from tests.support.local_chain import LocalChain

HOURLY = GarchParams(
    sigma_ref_wad=6 * WAD // 1000,
    omega_wad=2 * WAD // 100,
    alpha_wad=8 * WAD // 100,
    beta_wad=90 * WAD // 100,
    horizon=24,
    periods_per_year=8766,
)
SCALE_BITS = 16


def params_tuple(p: GarchParams) -> tuple[int, int, int, int, int, int]:
    """GarchParams in the ABI's order."""
    return (p.sigma_ref_wad, p.omega_wad, p.alpha_wad, p.beta_wad, p.horizon, p.periods_per_year)


def deploy_module(
    chain: LocalChain, source: str, params: GarchParams = HOURLY, scale_bits: int = SCALE_BITS, *, deployer: int = 0
) -> Contract:
    """A GarchVolatilityModule on the feed at `source`."""
    arguments = (source, params_tuple(params), scale_bits)
    return chain.deploy("GarchVolatilityModule", *arguments, sender=chain.address(deployer))
