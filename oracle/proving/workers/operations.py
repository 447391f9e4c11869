"""What a worker process can be asked to do, by name. Paths come as strings; results must be JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from oracle.proving.rewrites import pipeline
from oracle.proving.workers import ezkl_operations as ezkl_ops
from oracle.proving.workers import onnx_operations as onnx_ops

OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "settings": ezkl_ops.settings,
    "compile": ezkl_ops.compile_circuit,
    "witness": ezkl_ops.witness,
    "witnesses": ezkl_ops.witnesses,
    "mock": ezkl_ops.mock,
    "setup": ezkl_ops.setup,
    "prove": ezkl_ops.prove,
    "verify": ezkl_ops.verify,
    "evm_verifier": ezkl_ops.evm_verifier,
    "calibrate": ezkl_ops.calibrate,
    "dev_srs": ezkl_ops.dev_srs,
    "admit": onnx_ops.admit,
    "inspect": onnx_ops.inspect,
    "bind": onnx_ops.bind,
    "cut": onnx_ops.cut,
    "reference": onnx_ops.reference,
    "simplify": pipeline.simplify,
    "logits": pipeline.logits,
    "rational": pipeline.rational,
}
