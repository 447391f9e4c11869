"""Strangers' files in the sandbox: a circuit out of a good one, a reason with the node's name out of a hostile one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from oracle.errors import (
    ArtifactMismatch,
    Conflict,
    InputRejected,
    InvalidInput,
    ModelRejected,
    OracleError,
    SandboxUnavailable,
)
from oracle.proving import uploaded, uploads
from oracle.proving.building.manifest import Domain
from oracle.proving.building.rebuild import choose_srs, rebuild_circuit
from oracle.proving.building.reproduce import reproduce
from oracle.proving.cards import card_of
from oracle.proving.engine import ProvingEngine
from oracle.proving.family import add_batch
from oracle.proving.uploaded import MARKER, confinement_of, require_sandbox, sandbox_lacks, upload_of
from oracle.proving.uploads import build_upload, upload_record
from oracle.proving.workers.confinement import MECHANISMS, Confinement, missing
from oracle.proving.workers.onnx_operations import MAX_GRAPH_DEPTH, MAX_NODES, MAX_TENSOR_VALUES
from oracle.proving.workers.pool import Cancelled, TookTooLong, Worker
from oracle.settings import Settings
from tests.support import networks
from tests.support.networks import Network

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"this kernel lacks {', '.join(missing())}")

REQUEST = "5" * 32
OpenEngine = Callable[[Settings], ProvingEngine]


@pytest.fixture
def away(home: Settings, tmp_path: Path) -> Settings:
    """Settings with a state of their own and the session's cache."""
    return home.model_copy(update={"state_dir": tmp_path / "state"})


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return networks.relu(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def built(home: Settings, good: Network, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a state in which the good file was uploaded as `good`."""
    settings = home.model_copy(update={"state_dir": tmp_path_factory.mktemp("built")})
    upload(settings, good.onnx.read_bytes(), good.calibration.read_bytes(), "good")
    return settings


def upload(settings: Settings, content: bytes, samples: bytes, name: str = "mine", **options: Any) -> Any:
    record = upload_record(REQUEST, content, samples)
    return build_upload(settings, name, record, content, samples, **options)


# --- what becomes of a good one


def test_build_upload__good_file__a_marked_circuit_and_nothing_else_left(built: Settings, good: Network) -> None:
    folder = built.state_dir / "circuits" / "good"
    left = upload_of(folder)
    assert left == upload_record(REQUEST, good.onnx.read_bytes(), good.calibration.read_bytes())
    assert sorted(path.name for path in folder.iterdir()) == [
        "Verifier.sol",
        "manifest.json",
        "network.onnx",
        "settings.json",
        MARKER,
        "vk.key",
    ]
    assert list((built.state_dir / "uploads").iterdir()) == []


def test_engine__uploaded_circuit__is_proven_in_the_sandbox(
    built: Settings, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    confined: list[bool] = []
    start = Worker._start

    def watched(self: Worker) -> Any:
        confined.append(self._confinement is not None)
        return start(self)

    monkeypatch.setattr(Worker, "_start", watched)
    engine = open_engine(built)
    proof = engine.prove("good", engine.witness("good", engine.quantise("good", [[0.5, 1.0, -1.0, 2.0]])))
    engine.verify("good", proof)
    assert confined
    assert all(confined)


def test_reproduce_and_rebuild__uploaded_circuit__in_the_sandbox_too(
    built: Settings, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(built)
    folder, manifest = engine.folder("good"), engine.circuit("good")
    assert reproduce(built, folder, manifest).ok
    monkeypatch.setattr(uploaded, "_missing", lambda: ("landlock",))
    with pytest.raises(SandboxUnavailable):
        reproduce(built, folder, manifest)
    with pytest.raises(SandboxUnavailable):
        rebuild_circuit(built, folder, choose_srs(built, manifest.logrows, "dev"))
    with pytest.raises(SandboxUnavailable):
        engine.witness("good", [0, 0, 0, 0])


def test_add_batch__uploaded_circuit__is_refused(built: Settings, open_engine: OpenEngine) -> None:
    engine = open_engine(built)
    with pytest.raises(InvalidInput, match="outside the sandbox"):
        add_batch(built, engine.folder("good"), engine.circuit("good"), 4)


def test_card_of__uploaded_circuit__says_so(built: Settings, open_engine: OpenEngine) -> None:
    engine = open_engine(built)
    card = card_of(engine.folder("good"), engine.circuit("good"))
    assert card.report is None
    assert f"Uploaded by request {REQUEST}" in card.text
    assert engine.circuit("good").vk_hash in card.text


def test_build_upload__again_after_a_crash__is_what_stands(built: Settings, good: Network) -> None:
    before = (built.state_dir / "circuits" / "good" / "manifest.json").stat().st_mtime_ns
    upload(built, good.onnx.read_bytes(), good.calibration.read_bytes(), "good", on_progress=_never)
    assert (built.state_dir / "circuits" / "good" / "manifest.json").stat().st_mtime_ns == before


def _never(stage: str, fraction: float, detail: str) -> None:
    raise AssertionError(stage)


def test_build_upload__name_taken_meanwhile__conflict(built: Settings, good: Network) -> None:
    record = upload_record("6" * 32, b"", b"")
    with pytest.raises(Conflict):
        uploads._publish(
            built.state_dir / "circuits" / "good",
            built.state_dir / "circuits" / "good",
            record,
            ProvingEngine(built).circuit("good"),
        )


def test_confinement_of__damaged_mark__is_no_way_out(built: Settings, tmp_path: Path, open_engine: OpenEngine) -> None:
    (tmp_path / MARKER).write_text("{}")
    with pytest.raises(ArtifactMismatch):
        confinement_of(built, tmp_path, open_engine(built).circuit("good"))


# --- hostile files


def model(graph: Any, **options: Any) -> ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **options)


def linear(weights: TensorProto, *nodes: Any, shape: tuple[int, ...] = (1, 4)) -> ModelProto:
    """y = x @ weights, after the nodes."""
    return model(
        helper.make_graph(
            [*nodes, helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
            [weights],
        )
    )


def ones() -> TensorProto:
    return helper.make_tensor("w", TensorProto.FLOAT, [4, 1], [1.0] * 4)


def elsewhere(path: str) -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=path)
    return linear(tensor).SerializeToString()


def inner_elsewhere() -> bytes:
    """External data in a Constant's attribute, where not every check looks."""
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1])
    tensor.external_data.add(key="location", value="/etc/passwd")
    node = helper.make_node("Constant", [], ["c"], name="hidden", value=tensor)
    return linear(ones(), node).SerializeToString()


def bomb() -> bytes:
    """A tensor of 2^60 values in four bytes."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 30, 1 << 30], raw_data=b"\0" * 4)
    return linear(tensor).SerializeToString()


def hollow() -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1000, 1000], raw_data=b"\0" * 4)
    return linear(tensor).SerializeToString()


def negative() -> bytes:
    return linear(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-4, 1])).SerializeToString()


def wide() -> bytes:
    return linear(ones(), shape=(1 << 40, 1 << 40)).SerializeToString()


def nested(depth: int) -> bytes:
    """Graphs in graphs."""
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])
    for level in range(depth):
        node = helper.make_node("If", ["c"], ["y"], name=f"if-{level}", then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "g", [], [])
    graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4]))
    return model(graph).SerializeToString()


def many() -> bytes:
    nodes = [helper.make_node("Identity", ["x"], [f"h{i}"], name=f"n{i}") for i in range(MAX_NODES + 1)]
    return linear(ones(), *nodes).SerializeToString()


def functions() -> bytes:
    """Functions that call each other: a few lines that unfold without end."""
    node = helper.make_node("f1", ["a"], ["b"], domain="mine")
    made = [
        helper.make_function("mine", f"f{i}", ["a"], ["b"], [node, node], [helper.make_opsetid("mine", 1)])
        for i in range(20)
    ]
    found = linear(ones())
    found.functions.extend(made)
    return found.SerializeToString()


def foreign() -> bytes:
    found = linear(ones(), helper.make_node("Run", ["x"], ["h"], name="shell", domain="com.microsoft"))
    return found.SerializeToString()


HOSTILE = {
    "empty graph": (lambda: ModelProto().SerializeToString() or b"\0", "not an ONNX file", ""),
    "wrong bytes": (lambda: b"PK\x03\x04" + bytes(1_000), "not an ONNX file", ""),
    "truncated": (lambda: linear(ones()).SerializeToString()[:-20], "ONNX", ""),
    "deep protobuf": (lambda: b"\x3a\xff\xff\xff\xff\x0f" * 10_000, "not an ONNX file", ""),
    "data of another path": (lambda: elsewhere("../../../../../etc/passwd"), "stored in another file", "w"),
    "data of an absolute path": (lambda: elsewhere("/proc/self/environ"), "stored in another file", "w"),
    "data of another path inside": (inner_elsewhere, "stored in another file", "hidden"),
    "tensor bomb": (bomb, "values in", "w"),
    "hollow tensor": (hollow, "claims 1000000 values and holds 4 bytes", "w"),
    "negative shape": (negative, "has the shape", "w"),
    "wide input": (wide, "has a shape of", "x"),
    "nested graphs": (lambda: nested(MAX_GRAPH_DEPTH + 2), "nested deeper", "if-1"),
    "too many nodes": (many, f"more than {MAX_NODES} nodes", f"n{MAX_NODES}"),
    "functions": (functions, "functions or operators of its own", ""),
    "foreign operator": (foreign, "not ONNX's own", "shell"),
}


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker(memory_mb=2048, confinement=Confinement(tmp_path_factory.mktemp("confined"))) as worker:
        yield worker


@pytest.mark.parametrize("case", HOSTILE)
def test_admit__hostile_file__refused_by_name(confined: Worker, case: str) -> None:
    make, message, node = HOSTILE[case]
    path = confined.folder / "hostile.onnx"
    path.write_bytes(make())
    with pytest.raises(ModelRejected, match=message) as caught:
        confined.call("admit", path=str(path))
    assert caught.value.node == node


def test_build_upload__hostile_file__refused_by_name_and_nothing_left(away: Settings, good: Network) -> None:
    with pytest.raises(ModelRejected, match="stored in another file") as caught:
        upload(away, elsewhere("../../../../etc/passwd"), good.calibration.read_bytes())
    assert caught.value.node == "w"
    assert not (away.state_dir / "circuits" / "mine").exists()
    assert list((away.state_dir / "uploads").iterdir()) == []


def test_admit__largest_that_is_taken__within_the_limits(confined: Worker) -> None:
    side = 4_000
    assert side * side <= MAX_TENSOR_VALUES
    tensor = TensorProto(name="w", data_type=TensorProto.INT8, dims=[side, side], raw_data=bytes(side * side))
    path = confined.folder / "large.onnx"
    path.write_bytes(linear(tensor).SerializeToString())
    assert confined.call("admit", path=str(path)) == {"nodes": 1, "tensors": 1, "values": side * side}


def growing() -> bytes:
    """Small in the file; at run time it asks for 8 GB."""
    shape = helper.make_tensor("value", TensorProto.INT64, [3], [1 << 11, 1 << 10, 1 << 10])
    return linear(
        ones(),
        helper.make_node("Constant", [], ["s"], name="shape", value=shape),
        helper.make_node("ConstantOfShape", ["s"], ["huge"], name="huge"),
        helper.make_node("ReduceSum", ["huge"], ["sum"], name="sum", keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["z"], name="add"),
    ).SerializeToString()


def test_build_upload__grows_at_run_time__fails_without_harm(away: Settings, good: Network) -> None:
    small = away.model_copy(update={"upload_memory_mb": 512, "upload_timeout_secs": 60.0})
    with pytest.raises(OracleError):
        upload(small, growing(), good.calibration.read_bytes(), domain=[Domain(low=-1, high=1)])
    assert not (away.state_dir / "circuits" / "mine").exists()


def test_build_upload__operator_that_ezkl_lacks__named(away: Settings, good: Network) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["x"], ["h"], name="first"),
            helper.make_node("Det", ["h"], ["y"], name="culprit"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
    )
    with pytest.raises(ModelRejected, match="culprit") as caught:
        upload(away, model(graph).SerializeToString(), good.calibration.read_bytes())
    assert caught.value.node == "culprit"


def test_build_upload__samples_of_another_shape__input_rejected(away: Settings, good: Network) -> None:
    with pytest.raises(InputRejected):
        upload(away, good.onnx.read_bytes(), json.dumps({"input_data": [[1.0, 2.0, 3.0]]}).encode())


def test_build_upload__longer_than_allowed__takes_no_longer(away: Settings, good: Network) -> None:
    short = away.model_copy(update={"upload_timeout_secs": 0.6})
    with pytest.raises(OracleError) as caught:
        upload(short, good.onnx.read_bytes(), good.calibration.read_bytes())
    assert "took" in str(caught.value) or isinstance(caught.value, TookTooLong)


def test_build_upload__cancelled__ends(away: Settings, good: Network) -> None:
    cancel = threading.Event()

    def stop(stage: str, fraction: float, detail: str) -> None:
        if stage == "validate":
            cancel.set()

    with pytest.raises(Cancelled):
        upload(away, good.onnx.read_bytes(), good.calibration.read_bytes(), cancel=cancel, on_progress=stop)
    assert list((away.state_dir / "uploads").iterdir()) == []


# --- machines that cannot


@pytest.mark.parametrize("lacking", MECHANISMS)
def test_require_sandbox__kernel_without_a_mechanism__refused_unless_permitted(
    away: Settings, monkeypatch: pytest.MonkeyPatch, good: Network, lacking: str
) -> None:
    monkeypatch.setattr(uploaded, "_missing", lambda: (lacking,))
    with pytest.raises(SandboxUnavailable, match=lacking):
        upload(away, good.onnx.read_bytes(), good.calibration.read_bytes())
    require_sandbox(away.model_copy(update={"upload_sandbox": "weaker"}))


def test_require_sandbox__state_among_the_libraries__refused_whatever_is_permitted(away: Settings) -> None:
    inside = Path(onnx.__file__).parent / "state"
    for mode in ("full", "weaker"):
        exposed = away.model_copy(update={"state_dir": inside, "upload_sandbox": mode})
        assert sandbox_lacks(exposed) == (f"a place for {inside} outside the libraries",)
        with pytest.raises(SandboxUnavailable):
            require_sandbox(exposed)
