"""ezkl's calls, as a worker process makes them. Nothing else imports ezkl."""

from __future__ import annotations

import asyncio
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import ezkl

from oracle.proving.felts import hex_from_int, ints_from_rows
from oracle.proving.srs import store as srs

Json = Any

# ezkl's stubs claim that arguments with defaults are required
_ezkl: Any = ezkl


def settings(model: str, out: str, run_args: dict[str, Json]) -> Json:
    """Writes ezkl's settings for these run arguments and returns them."""
    chosen = dict(run_args)
    rebase_scale = chosen.pop("rebase_scale", None)
    document = _gen_settings(model, out, chosen)
    if rebase_scale is not None:
        # ezkl's Python arguments lack it, its settings have it; what follows from it is as if weights had that scale
        coarse = _gen_settings(model, out, chosen | {"param_scale": rebase_scale})
        document["run_args"]["rebase_scale"] = rebase_scale
        for name in ("required_lookups", "required_range_checks", "model_output_scales"):
            document[name] = coarse[name]
        Path(out).write_text(json.dumps(document))
    return document


def _gen_settings(model: str, out: str, run_args: dict[str, Json]) -> Json:
    arguments = _ezkl.PyRunArgs()
    for name, value in run_args.items():
        setattr(arguments, name, tuple(value) if name == "lookup_range" else value)
    _ezkl.gen_settings(model, out, py_run_args=arguments)
    return json.loads(Path(out).read_text())


def compile_circuit(model: str, circuit: str, settings_path: str) -> None:
    """Compiles an ONNX file under a settings file."""
    _ezkl.compile_circuit(model, circuit, settings_path)


def witness(circuit: str, inputs: list[list[int]], out: str) -> Json:
    """Executes the circuit on exact signed integers and writes ezkl's witness file; see _summary."""
    return _summary(_run(circuit, inputs, out))


def witnesses(circuit: str, samples: list[list[list[int]]], seconds: float) -> Json:
    """Executes samples, stopping after so many CPU seconds, however busy the machine is: outputs, the extremes of
    lookup inputs, and the time it took."""
    started, cpu = time.monotonic(), _cpu_secs()
    outputs, low, high = [], 0, 0
    for sample in samples:
        summary = _summary(_run(circuit, sample, None))
        outputs.append(summary["outputs"])
        low, high = min(low, summary["lookup_min"]), max(high, summary["lookup_max"])
        if _cpu_secs() - cpu > seconds:
            break
    return {
        "outputs": outputs,
        "lookup_min": low,
        "lookup_max": high,
        "seconds": time.monotonic() - started,
        "cpu_seconds": _cpu_secs() - cpu,
    }


def _run(circuit: str, inputs: list[list[int]], out: str | None) -> Json:
    rows = [[hex_from_int(value) for value in row] for row in inputs]
    with tempfile.NamedTemporaryFile("w", dir=".", suffix=".json") as file:
        json.dump({"input_data": rows}, file)
        file.flush()
        return _ezkl.gen_witness(file.name, circuit, out)


def _summary(document: Json) -> Json:
    """Inputs and outputs as signed integers, and the extremes of what was looked up in tables."""
    return {
        "inputs": ints_from_rows(document["inputs"]),
        "outputs": ints_from_rows(document["outputs"]),
        "lookup_min": int(document["min_lookup_inputs"]),
        "lookup_max": int(document["max_lookup_inputs"]),
    }


def mock(witness_path: str, circuit: str) -> None:
    """Checks every constraint without cryptography; raises when one fails."""
    if not _ezkl.mock(witness_path, circuit):
        raise RuntimeError("the witness does not satisfy the circuit")


def setup(circuit: str, vk: str, pk: str, srs_path: str) -> Json:
    """Makes both keys; returns seconds spent."""
    started = time.monotonic()
    _ezkl.setup(circuit, vk, pk, srs_path)
    return {"seconds": time.monotonic() - started}


def prove(witness_path: str, circuit: str, pk: str, srs_path: str) -> Json:
    """A proof: hex bytes, its instances as ezkl's hex, wall and CPU seconds, and the process's peak memory in MB."""
    started, cpu = time.monotonic(), _cpu_secs()
    with tempfile.NamedTemporaryFile(dir=".", suffix=".json") as file:
        _ezkl.prove(witness_path, circuit, pk, file.name, srs_path)
        document = json.loads(Path(file.name).read_text())
    return {
        "proof": bytes(document["proof"]).hex(),
        "instances": [text for column in document["instances"] for text in column],
        "seconds": time.monotonic() - started,
        "cpu_seconds": _cpu_secs() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def verify(proof: str, instances: list[str], settings_path: str, vk: str, srs_path: str) -> bool:
    """Whether ezkl accepts a proof (hex bytes) for these instances (ezkl's hex). It ignores trailing bytes."""
    document = {"instances": [instances], "proof": list(bytes.fromhex(proof)), "hex_proof": "0x" + proof}
    document |= dict.fromkeys(("protocol", "split", "pretty_public_inputs", "timestamp", "version"))
    with tempfile.NamedTemporaryFile("w", dir=".", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        return bool(_ezkl.verify(file.name, settings_path, vk, srs_path))


def evm_verifier(vk: str, settings_path: str, srs_path: str, out: str) -> None:
    """Writes the Solidity verifier; ezkl may fail after that, at the ABI, for which it wants solc."""

    async def write() -> None:
        await _ezkl.create_evm_verifier(vk, settings_path, out, out + ".abi", srs_path)

    try:
        asyncio.run(write())
    except RuntimeError:
        if not Path(out).exists():
            raise
    finally:
        Path(out + ".abi").unlink(missing_ok=True)


def calibrate(model: str, data: str, settings_path: str, target: str) -> Json:
    """Lets ezkl calibrate a settings file in place; returns the settings and seconds spent."""
    started, cpu = time.monotonic(), _cpu_secs()
    _ezkl.gen_settings(model, settings_path)
    _ezkl.calibrate_settings(data, model, settings_path, target)
    document = json.loads(Path(settings_path).read_text())
    return {"settings": document, "seconds": time.monotonic() - started, "cpu_seconds": _cpu_secs() - cpu}


def dev_srs(cache_dir: str, logrows: int) -> str:
    """Path of the development SRS, made when missing."""
    return str(srs.dev_srs(Path(cache_dir), logrows))


def _cpu_secs() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
