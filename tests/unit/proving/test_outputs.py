"""Logits read as what the given model says."""

from __future__ import annotations

import math

import pytest

from oracle.errors import InvalidInput
from oracle.proving.building.manifest import CircuitManifest, OutputTransform
from oracle.proving.outputs import model_outputs


def _manifest(shapes: list[list[int]], transforms: list[OutputTransform]) -> CircuitManifest:
    return CircuitManifest.model_construct(
        circuit_id="logit",
        output_shapes=shapes,
        output_count=sum(math.prod(shape) for shape in shapes),
        outputs_transform=transforms,
    )


def test_model_outputs__nothing_left_out__are_the_circuits() -> None:
    assert model_outputs(_manifest([[1, 2]], []), [0.5, -3.0]) == [0.5, -3.0]


@pytest.mark.parametrize("logit", [0.0, 2.0, -2.0, 800.0, -800.0])
def test_model_outputs__sigmoid__is_applied_without_overflow(logit: float) -> None:
    (value,) = model_outputs(_manifest([[1, 1]], ["sigmoid"]), [logit])
    assert 0.0 <= value <= 1.0
    assert value == pytest.approx(0.5 * (1 + math.tanh(logit / 2)), abs=1e-15)


def test_model_outputs__softmax__runs_along_the_last_axis() -> None:
    values = model_outputs(_manifest([[2, 2]], ["softmax"]), [0.0, 0.0, 1000.0, 0.0])
    assert values == pytest.approx([0.5, 0.5, 1.0, 0.0])


def test_model_outputs__log_softmax__is_its_logarithm() -> None:
    assert model_outputs(_manifest([[1, 2]], ["log_softmax"]), [0.0, 0.0]) == pytest.approx([-math.log(2)] * 2)


def test_model_outputs__each_tensor__has_its_own() -> None:
    values = model_outputs(_manifest([[1, 1], [1, 1]], ["identity", "sigmoid"]), [7.0, 0.0])
    assert values == [7.0, 0.5]


def test_model_outputs__wrong_number__is_refused() -> None:
    with pytest.raises(InvalidInput, match="gives 2 values, not 1"):
        model_outputs(_manifest([[1, 2]], []), [0.5])
