"""GarchVolatilityModule's constructor: each range, and what it fixes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from web3.contract import Contract

from oracle.domain.garch import quantised_parameters
from oracle.units import WAD
from tests.support.local_chain import LocalChain
from tests.support.modules import HOURLY, SCALE_BITS, deploy_module, params_tuple
from tests.support.observations import Publishers


def name(text: str) -> bytes:
    return text.encode().ljust(32, b"\0")


def test_constructor__hourly_parameters__readable(module: Contract, feed: Publishers) -> None:
    functions = module.functions
    assert tuple(functions.params().call()) == params_tuple(HOURLY)
    assert tuple(functions.quantisedParameters().call()) == quantised_parameters(HOURLY, SCALE_BITS)
    assert functions.source().call() == feed.contract.address
    assert functions.inputScaleBits().call() == SCALE_BITS
    assert (functions.WINDOW().call(), functions.MODEL_INPUTS().call()) == (32, 38)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sigma_ref_wad": 0}, ("sigmaRefWad", 0, 1, 10 * WAD)),
        ({"sigma_ref_wad": 10 * WAD + 1}, ("sigmaRefWad", 10 * WAD + 1, 1, 10 * WAD)),
        ({"omega_wad": 0}, ("omegaWad", 0, 1, 1024 * WAD)),
        ({"omega_wad": 1024 * WAD + 1}, ("omegaWad", 1024 * WAD + 1, 1, 1024 * WAD)),
        ({"alpha_wad": WAD}, ("alphaWad", WAD, 0, WAD - 1)),
        ({"beta_wad": 2**256 - 1}, ("betaWad", 2**256 - 1, 0, WAD - 1)),
        ({"alpha_wad": WAD // 10}, ("alphaWad+betaWad", WAD, 0, WAD - 1)),
        ({"horizon": 0}, ("horizon", 0, 1, 365)),
        ({"horizon": 366}, ("horizon", 366, 1, 365)),
        ({"periods_per_year": 0}, ("periodsPerYear", 0, 1, 31_557_600)),
        ({"periods_per_year": 2**32 - 1}, ("periodsPerYear", 2**32 - 1, 1, 31_557_600)),
        ({"omega_wad": WAD >> 18}, ("omega", 0, 1, 2**256 - 1)),
        ({"alpha_wad": 0, "beta_wad": WAD - 1}, ("alpha+beta", 1 << 16, 0, (1 << 16) - 1)),
    ],
)
def test_constructor__out_of_range__reverts(reverts, chain: LocalChain, feed: Publishers, change, error) -> None:
    with reverts("ParameterOutOfRange", name(error[0]), *error[1:]):
        deploy_module(chain, feed.contract.address, replace(HOURLY, **change))


@pytest.mark.parametrize("scale_bits", [0, 7, 31, 255])
def test_constructor__scale_out_of_range__reverts(reverts, chain: LocalChain, feed, scale_bits: int) -> None:
    with reverts("ParameterOutOfRange", name("inputScaleBits"), scale_bits, 8, 30):
        deploy_module(chain, feed.contract.address, scale_bits=scale_bits)


def test_constructor__source_without_code__reverts(reverts, chain: LocalChain) -> None:
    with reverts("SourceWithoutCode", chain.address(12)):
        deploy_module(chain, chain.address(12))
