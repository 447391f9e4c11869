"""The tuner: cheapest first, within the error, with room in every table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.proving.building.manifest import Domain
from oracle.proving.tuning.baseline import calibrated_plan
from oracle.proving.tuning.cost import Cost, logrows_for, predict
from oracle.proving.tuning.runs import Grid, bits_needed
from oracle.proving.tuning.tuner import Tuner, _fill, cheapest_first
from oracle.proving.validation import (
    EDGE_SAMPLES,
    ModelForm,
    Validation,
    candidate_domains,
    draw_samples,
    output_magnitudes,
    score,
)
from oracle.proving.workers.pool import ToolError, Worker
from tests.support import networks

FORM = ModelForm(["x"], ["float32"], [[1, 4]], [[1, 1]], ["float32"])
DOMAIN = [Domain(low=-3.0, high=3.0)]
CALIBRATION = [[[0.5, -1.0, 2.0, 0.25]], [[-0.5, 1.0, -2.0, 0.75]]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(memory_mb=4096) as started:
        yield started


def _tuner(worker: Worker, model: Path, folder: Path, *, edges: int) -> Tuner:
    samples = draw_samples(FORM, DOMAIN, CALIBRATION, 32, edges=edges)
    validation = Validation.over(worker, model, form=FORM, domain=DOMAIN, samples=samples, magnitudes=[0.5])
    return Tuner(worker, model, validation, folder)


def test_candidates__no_table__are_within_the_error_and_sorted(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=EDGE_SAMPLES)
    found = tuner.candidates(1e-3, "balanced", 3)
    weights = [candidate.cost.weight("balanced") for candidate in found]
    assert weights == sorted(weights)
    assert all(candidate.scale_result.score.error <= 1e-3 for candidate in found)
    for candidate in found:
        assert candidate.params.decomp_base**candidate.params.decomp_legs > 1 << candidate.scale_result.bits
        assert 1 << candidate.params.logrows >= max(candidate.rows, candidate.params.decomp_base)


@pytest.mark.parametrize("objective", ["seconds", "gas", "memory"])
def test_candidates__objective__comes_first(worker: Worker, tmp_path: Path, objective: str) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=EDGE_SAMPLES)
    found = tuner.candidates(1e-2, objective, 3)  # type: ignore[arg-type]
    figure = {"seconds": lambda c: c.cpu_seconds, "gas": lambda c: c.gas, "memory": lambda c: c.memory_mb}[objective]
    assert figure(found[0].cost) == min(figure(candidate.cost) for candidate in found)


def test_candidates__layer_normalisation__are_such_as_some_witness_satisfies(worker: Worker, tmp_path: Path) -> None:
    """Rescaled at four times its scale, ezkl's circuit of it has constraints that no witness satisfies."""
    tuner = _tuner(worker, networks.normalised(tmp_path).onnx, tmp_path, edges=0)
    found = tuner.candidates(1e-2, "balanced", 1)
    assert found
    assert tuner._satisfiable(found[0])
    assert max(candidate.params.rebase_multiplier for candidate in found) < 4
    rare = tuner.exact_result(Grid(0, 4), 1e-2, 20)
    assert rare is not None
    shaped = tuner._shaped(rare, "balanced", 1, [], all_shapes=False)
    assert shaped
    assert not tuner._satisfiable(shaped[0])


def test_candidates__table__covers_what_was_looked_up_with_a_margin(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.logistic(tmp_path).onnx, tmp_path, edges=0)
    for candidate in tuner.candidates(5e-3, "balanced", 2):
        low, high = candidate.params.lookup_range
        assert low <= 1.25 * candidate.scale_result.lookup_min
        assert high >= 1.25 * candidate.scale_result.lookup_max
        assert high - low < 1 << candidate.params.logrows
        assert candidate.params.rebase_multiplier == 1


def test_candidates__never__skip_the_range_checks(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=EDGE_SAMPLES)
    for candidate in tuner.candidates(1e-2, "seconds", 2):
        arguments = candidate.params.run_args()
        assert arguments["ignore_range_check_inputs_outputs"] is False
        assert (arguments["input_visibility"], arguments["output_visibility"]) == ("public", "public")
        assert arguments["param_visibility"] == "fixed"
        assert tuner.settings(candidate.params)["run_args"]["ignore_range_check_inputs_outputs"] is False


def test_run__finer_scale__has_a_smaller_error(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=0)
    errors = []
    for scale in (6, 10, 14):
        result = tuner.run(Grid(scale))
        assert result is not None
        errors.append(result.score.error)
    assert errors == sorted(errors, reverse=True)


def test_calibrated_plan__fallback__is_ezkls_choice_with_every_check(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=0)
    plan = calibrated_plan(
        worker,
        circuit_id="theirs",
        model=tuner.model,
        validation=tuner.validation,
        max_error=1e-2,
        scratch=tmp_path,
    )
    arguments = plan.settings["run_args"]
    assert (arguments["decomp_base"], arguments["logrows"]) == (16_384, 15)
    assert arguments["ignore_range_check_inputs_outputs"] is False


def test_cheapest_first__same_shape__is_tried_once(worker: Worker, tmp_path: Path) -> None:
    tuner = _tuner(worker, networks.relu(tmp_path).onnx, tmp_path, edges=0)
    tried = list(cheapest_first(tuner.candidates(1e-2, "balanced", 3, all_shapes=True), 3))
    assert len({(one.params.logrows, one.params.columns) for one in tried}) == len(tried) == 3


@pytest.mark.parametrize(
    ("low", "high", "room", "expected"),
    [
        (0, 0, 1014, (-506, 506)),
        (-100, 50, 1014, (-531, 481)),
        (-1000, 10, 1014, (-1001, 11)),
        (20, 30, 1014, (-491, 521)),
    ],
)
def test_fill__spare_room__goes_to_both_sides(low: int, high: int, room: int, expected: tuple[int, int]) -> None:
    assert _fill(low, high, room) == expected


@pytest.mark.parametrize(("sizes", "expected"), [((1,), 6), ((1014,), 10), ((1015,), 11), ((5, 5000), 13)])
def test_logrows_for__sizes__leave_room_for_blinding(sizes: tuple[int, ...], expected: int) -> None:
    assert logrows_for(*sizes) == expected


def test_bits_needed__ezkls_complaint__is_read() -> None:
    said = "decomposition error: integer -1025 is too large to be represented by base 16 and n 2"
    assert bits_needed(ToolError("failed", [said])) == 11
    assert bits_needed(ToolError("failed", ["something else"])) is None


def test_predict__more_columns__cost_more_gas() -> None:
    costs = [
        predict(logrows=12, columns=columns, lookups=0, public_values=9, einsum=False) for columns in (1, 2, 3, 4, 5)
    ]
    assert [cost.gas for cost in costs] == [368_000, 480_000, 593_000, 700_000, 807_000]
    assert costs == sorted(costs, key=lambda cost: cost.cpu_seconds)


def test_weight__balanced__trades_gas_for_seconds() -> None:
    assert Cost(12, 1.0, 400_000, 0.0).weight("balanced") == 2.0


def test_candidate_domains__values__start_wide_and_end_with_their_own_range() -> None:
    found = [domains[0] for domains in candidate_domains([[-1.0, 0.5, 0.2]], ["float32"])]
    assert found[0] == Domain(low=-4.0, high=4.0)
    assert found[-1] == Domain(low=-1.0, high=0.5)


def test_candidate_domains__many_positive_values__stay_positive() -> None:
    found = [domains[0] for domains in candidate_domains([[0.5, 1.0] * 32], ["float32"])]
    assert found[0] == Domain(low=0.0, high=2.0)
    assert all(domain.low >= 0 for domain in found)


def test_draw_samples__edges_and_calibration__are_among_them() -> None:
    samples = draw_samples(FORM, DOMAIN, CALIBRATION, 32, edges=2)
    assert samples[:3] == [[[3.0] * 4], [[-3.0] * 4], CALIBRATION[0]]
    assert len(samples) == 32
    assert all(-3.0 <= value <= 3.0 for sample in samples for value in sample[0])
    assert draw_samples(FORM, DOMAIN, CALIBRATION, 32, edges=2) == samples


def test_output_magnitudes__zeros__do_not_count() -> None:
    assert output_magnitudes([[[0.0, 0.0]], [[0.0, 4.0]]]) == [4.0]
    assert output_magnitudes([[[0.0]]]) == [1.0]


def test_score__errors__are_relative_to_the_larger_of_magnitude_and_answer() -> None:
    validation = Validation(FORM, DOMAIN, [[[0.0] * 4]] * 2, [[[0.1]], [[8.0]]], [1.0])
    got = score(validation, [[round(0.2 * 1024)], [9 * 1024]], [10])
    assert got.absolute == pytest.approx([1.0])
    assert got.error == pytest.approx(0.125)


def test_score__classes_that_differ__count_as_wrong() -> None:
    form = ModelForm(["x"], ["float32"], [[1, 4]], [[1]], ["int64"])
    validation = Validation(form, DOMAIN, [[[0.0] * 4]] * 2, [[[1.0]], [[2.0]]], [1.0])
    assert score(validation, [[1], [2]], [0]).error == 0.0
    assert score(validation, [[1], [3]], [0]).error == 1.0
