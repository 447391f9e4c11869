"""Whole circuit folders of fixed parameters: built as the intake builds them, without a search."""

from __future__ import annotations

import tempfile
from pathlib import Path

from oracle.proving.building.build import Plan, Site, build
from oracle.proving.building.keys import CircuitParams
from oracle.proving.building.manifest import CircuitManifest, Domain
from oracle.proving.samples import read_calibration, split_samples
from oracle.proving.validation import ModelForm, Validation
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings
from tests.support.networks import Network

MEMORY_MB = 2048
REACH = 5.0
MAX_ERROR = 5e-2

# Without a table; and with tables of 2^10 rows, with weights finer than inputs
NO_TABLE = CircuitParams(10, 10, 1, 64, 5, 1, (-128, 128), 7)
TABLE = CircuitParams(6, 11, 1, 256, 4, 1, (-500, 500), 10)


def build_fixed(settings: Settings, name: str, network: Network, params: CircuitParams) -> CircuitManifest:
    """The circuit of these parameters in the user's circuits folder; inputs from -5 to 5."""
    with tempfile.TemporaryDirectory() as scratch, Worker(memory_mb=MEMORY_MB) as worker:
        validation = _validation(worker, network)
        out = Path(scratch) / "settings.json"
        document = worker.call("settings", model=str(network.onnx), out=str(out), run_args=params.run_args())
        plan = Plan(name, network.onnx, document, validation, MAX_ERROR, 500_000)
        site = Site(settings.cache_dir, MEMORY_MB, settings.prove_timeout_secs, None, lambda *_: None)
        return build(plan, site, settings.state_dir / "circuits" / name)


def _validation(worker: Worker, network: Network) -> Validation:
    described = worker.call("inspect", path=str(network.onnx))["inputs"]
    names, shapes = [value["name"] for value in described], [value["shape"] for value in described]
    samples = split_samples(read_calibration(network.calibration)[0], names, shapes)
    answer = worker.call("reference", path=str(network.onnx), samples=samples[:1], shapes=shapes)
    form = ModelForm(names, [value["dtype"] for value in described], shapes, answer["shapes"], answer["dtypes"])
    domain = [Domain(low=-REACH, high=REACH) for _ in shapes]
    ones = [1.0] * len(answer["shapes"])
    return Validation.over(worker, network.onnx, form=form, domain=domain, samples=samples, magnitudes=ones)
