"""The committed GARCH circuit against floats, against exact integers, and over every market at hand.

The chain of equalities: recursion = torch = ONNX (tests/unit/models), and here recursion = circuit within the budget,
circuit = integers exactly, features of the chain -> circuit -> annualised volatility.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from models.garch import MAGNITUDE, MAX_ERROR, SHAPE, WINDOW, horizon_weights, input_row, recursion, samples
from oracle.domain.features import PRICES, garch_inputs
from oracle.domain.garch import GarchParams, annualised_vol_wad, forecast
from oracle.errors import InputRejected
from oracle.market import open_source
from oracle.market.calibration import calibrate_source
from oracle.proving.building.keys import COMPILED, cache_folder
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings
from oracle.units import WAD, div_round, wad_from_scaled

pytestmark = pytest.mark.slow

CIRCUIT = "garch-vol-32"
HELD_OUT_SEED = 777
SCALE = SHAPE.input_scale
ONE = 1 << SCALE
SPOT = "open/spot_binance_1h_2020-09_2025-09.parquet"

Integers = Sequence[int]
Execute = Callable[[Sequence[Integers]], list[int]]
Window = tuple[list[int], GarchParams]


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ProvingEngine]:
    """The engine with the circuit's keys at hand."""
    running = ProvingEngine(settings)
    running.prepare(CIRCUIT)
    yield running
    running.close()


@pytest.fixture(scope="module")
def manifest(engine: ProvingEngine) -> CircuitManifest:
    """The committed manifest."""
    return engine.circuit(CIRCUIT)


@pytest.fixture(scope="module")
def execute(settings: Settings, manifest: CircuitManifest) -> Iterator[Execute]:
    """`execute(rows)`: the compiled circuit's output integer for each row of input integers."""
    compiled = str(cache_folder(settings.cache_dir, manifest) / COMPILED)
    with Worker(memory_mb=settings.prove_memory_mb) as worker:

        def run(rows: Sequence[Integers]) -> list[int]:
            samples = [[list(row)] for row in rows]
            found = worker.call("witnesses", circuit=compiled, samples=samples, seconds=400.0, timeout=500.0)
            assert len(found["outputs"]) == len(rows)
            return [int(output[0]) for output in found["outputs"]]

        yield run


def quantised(row: np.ndarray) -> list[int]:
    """A row of floats on the circuit's grid."""
    return [div_round(*_ratio(value)) for value in row]


def _ratio(value: float) -> tuple[int, int]:
    numerator, denominator = float(value).as_integer_ratio()
    return numerator << SCALE, denominator


def errors_of(outputs: Sequence[int], expected: np.ndarray) -> np.ndarray:
    """Errors in the card's sense."""
    got = np.array(outputs, dtype=np.float64) / 2.0 ** (2 * SCALE)
    return np.abs(got - expected) / np.maximum(expected, MAGNITUDE)


@dataclass(frozen=True)
class HeldOut:
    """Inputs over the domain that the build never saw: floats, the circuit's integers, and what it makes of them."""

    inputs: np.ndarray
    rows: list[list[int]]
    outputs: list[int]


@pytest.fixture(scope="module")
def held_out(execute: Execute) -> HeldOut:
    """1,100 of them, executed once."""
    inputs = samples(1_100, HELD_OUT_SEED)
    rows = [quantised(row) for row in inputs]
    return HeldOut(inputs, rows, execute(rows))


def test_witness__held_out_over_the_domain__within_budget(held_out: HeldOut) -> None:
    assert errors_of(held_out.outputs, recursion(held_out.inputs)).max() <= MAX_ERROR


def test_witness__given_what_the_chain_gives__nearly_exact(held_out: HeldOut) -> None:
    assert errors_of(held_out.outputs, recursion(np.array(held_out.rows) / ONE)).max() <= 1e-6


def market_windows(source_spec: str, symbol: str | None, start: str, count: int) -> Iterator[Window]:
    """Windows of a real market with the parameters fitted on what came before, evenly over a year and more."""
    source = open_source(source_spec, symbol, start=start)
    params = calibrate_source(source, source.start_time).params
    series = source.history(2**40, 10**6)
    first = next(i for i, o in enumerate(series) if o.observed_at >= source.start_time)
    for end in np.linspace(first, len(series), count, dtype=int):
        yield [o.price for o in series[end - PRICES : end]], params


def float_row(prices: Sequence[int], params: GarchParams) -> np.ndarray:
    """The circuit's inputs in floats, from prices and parameters that were never rounded."""
    x = np.diff(np.array(prices, dtype=float)) / np.array(prices[:-1], dtype=float) / (params.sigma_ref_wad / WAD)
    omega, alpha, beta = params.omega_wad / WAD, params.alpha_wad / WAD, params.beta_wad / WAD
    return input_row(x, omega, alpha, beta, params.horizon)


def check_market(execute: Execute, windows: Sequence[Window]) -> None:
    """Prices -> the chain's integers -> circuit -> annualised volatility, against floats all the way."""
    outputs = execute([garch_inputs(prices, params, SCALE) for prices, params in windows])
    rows = np.array([float_row(prices, params) for prices, params in windows])
    assert errors_of(outputs, recursion(rows)).max() <= MAX_ERROR
    for output, row, (_, params) in zip(outputs, rows, windows, strict=True):
        volatility = annualised_vol_wad(wad_from_scaled(output, 2 * SCALE), params) / WAD
        expected = params.sigma_ref_wad / WAD * np.sqrt(recursion(row[None])[0] * params.periods_per_year)
        assert volatility == pytest.approx(expected, rel=MAX_ERROR)


def test_witness__sp500_windows__volatility_within_budget(execute: Execute) -> None:
    check_market(execute, list(market_windows("sp500", None, "2007-01-01", 100)))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_witness__hourly_coin_windows__volatility_within_budget(execute: Execute, data_dir: Path, symbol: str) -> None:
    check_market(execute, list(market_windows(f"csv:{data_dir / SPOT}", symbol, "2021-05-10", 100)))


def test_forecast__domain_twin__equals_the_models_recursion() -> None:
    for row in samples(200, HELD_OUT_SEED + 2):
        h0, omega, alpha, beta, a, b = row[WINDOW:]
        assert forecast(row[:WINDOW], h0, omega, alpha, beta, a, b) == pytest.approx(recursion(row[None])[0], rel=1e-12)


Divide = Callable[[int, int], int]


def as_ezkl(value: int, divisor: int) -> int:
    """The quotient that ezkl's witness takes: through a double, half away from zero. Values here are not negative."""
    return int(np.floor(float(value) / divisor + 0.5))


def down(value: int, divisor: int) -> int:
    """The smaller of the two quotients that the circuit's constraints allow."""
    return value // divisor


def up(value: int, divisor: int) -> int:
    """The larger of the two."""
    return -(-value // divisor)


def circuit_integers(row: Integers, divide: Divide) -> int:
    """The circuit in Python's integers, each rescaling by `divide`."""
    squares = [x * x for x in row[:WINDOW]]
    h0, omega, alpha, beta, a, b = row[WINDOW:]
    beta_2, second = beta * beta, alpha * beta
    third = divide(alpha * beta_2, ONE)
    fourth = divide(second * beta_2, ONE**2)
    constant = divide((beta + ONE) * (beta_2 + ONE**2), ONE)
    carry = divide(beta_2 * beta_2, ONE**2)
    h = h0 * ONE
    for start in range(0, WINDOW, 4):
        x1, x2, x3, x4 = squares[start : start + 4]
        past = x4 * alpha * ONE + x3 * second + x2 * third + x1 * fourth
        h = divide(past + omega * ONE * constant + carry * h, ONE**2)
    return divide(a * h, ONE) + b * ONE


def test_witness__python_integers__equal_bit_for_bit(held_out: HeldOut) -> None:
    assert held_out.outputs == [circuit_integers(row, as_ezkl) for row in held_out.rows]


def test_rescalings__either_way__answers_agree_to_a_hundred_millionth() -> None:
    # a rescaling's constraint admits both neighbours, so a prover may choose: this is all that the choice gives
    for row in samples(1_000, HELD_OUT_SEED + 4):
        integers = quantised(row)
        low, high = circuit_integers(integers, down), circuit_integers(integers, up)
        assert low <= circuit_integers(integers, as_ezkl) <= high
        assert (high - low) / max(high, MAGNITUDE * ONE**2) <= 1e-8


def test_rescalings__whole_domain__fit_the_decomposition() -> None:
    largest = 0

    def watched(value: int, divisor: int) -> int:
        nonlocal largest
        quotient = up(value, divisor)
        largest = max(largest, quotient, divisor)
        return quotient

    for row in samples(1_000, HELD_OUT_SEED + 5):
        largest = max(largest, circuit_integers(quantised(row), watched))
    assert largest > 1_000 * ONE**2  # the domain's edges were among them
    assert SHAPE.decomp_base**SHAPE.decomp_legs > 8 * largest


@pytest.mark.parametrize(
    ("column", "value"), [(0, 32.1), (5, -33.0), (WINDOW, 1025.0), (WINDOW + 2, 0.5), (WINDOW + 3, 1.0)]
)
def test_quantise__outside_the_domain__input_rejected(engine: ProvingEngine, column: int, value: float) -> None:
    row = samples(200, HELD_OUT_SEED)[-1]
    row[column] = value
    with pytest.raises(InputRejected, match=f"input {column} of garch-vol-32"):
        engine.quantise(CIRCUIT, [list(row)])


def test_prove__real_window__verifies_and_decodes(engine: ProvingEngine) -> None:
    prices, params = next(market_windows("sp500", None, "2008-10-01", 2))
    proof = engine.prove(CIRCUIT, engine.witness(CIRCUIT, garch_inputs(prices, params, SCALE)))
    engine.verify(CIRCUIT, proof)
    expected = recursion(float_row(prices, params)[None])[0]
    assert engine.outputs(CIRCUIT, proof)[0] == pytest.approx(expected, rel=MAX_ERROR)
    # the autumn of 2008: more than three times the variance of the years before
    assert expected > 3


def test_horizon_weights__domain_integers__equal_the_models() -> None:
    params = GarchParams(WAD // 100, WAD // 50, WAD // 10, 88 * WAD // 100, 24, 8766)
    a, b = horizon_weights(0.02, 0.98, 24)
    inputs = garch_inputs([10**12 + i for i in range(PRICES)], params, SCALE)
    assert inputs[-2:] == [round(a * ONE), round(b * ONE)]
