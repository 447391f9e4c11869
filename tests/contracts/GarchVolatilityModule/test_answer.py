"""GarchVolatilityModule.answer: variance in, annualised volatility out."""

from __future__ import annotations

import pytest
from web3.contract import Contract

from oracle.domain.garch import annualised_vol_wad
from oracle.units import WAD
from tests.support.modules import HOURLY


@pytest.mark.parametrize("variance", [0, 1, WAD, 17 * WAD // 10, 1024 * WAD, 2**128 - 1])
def test_answer__variance__as_the_twin(module: Contract, variance: int) -> None:
    assert module.functions.answer([variance]).call() == annualised_vol_wad(variance, HOURLY)


def test_answer__reference_variance__is_the_annualised_reference(module: Contract) -> None:
    answer = module.functions.answer([WAD]).call()
    assert (answer - 1) ** 2 < HOURLY.sigma_ref_wad**2 * HOURLY.periods_per_year <= answer**2


@pytest.mark.parametrize("variance", [-1, -(2**255)])
def test_answer__negative__reverts(reverts, module: Contract, variance: int) -> None:
    with reverts("NegativeVariance", variance):
        module.functions.answer([variance]).call()


@pytest.mark.parametrize("variance", [2**128, 2**255 - 1])
def test_answer__beyond_any_variance__reverts(reverts, module: Contract, variance: int) -> None:
    with reverts("VarianceOutOfRange", variance):
        module.functions.answer([variance]).call()


@pytest.mark.parametrize("count", [0, 2])
def test_answer__not_one_output__reverts(reverts, module: Contract, count: int) -> None:
    with reverts("OutputCountMismatch", count, 1):
        module.functions.answer([WAD] * count).call()
