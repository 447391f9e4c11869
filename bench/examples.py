"""Networks that this project was not tuned on: the kinds that ezkl's own examples show, each written anew in torch.

.venv/bin/python -m bench.examples DIR     writes DIR/<name>/network.onnx and input.json, for --onnx-dir DIR

The kinds follow the folders of examples/onnx in ezkl's repository: single operators, activations between two linear
layers, convolutions, normalisations, recurrent layers, a tree, an attention block. Weights are drawn with a fixed seed.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

SEED: Final = 20_261_128
SAMPLES: Final = 8
OPSET: Final = 17


class Only(nn.Module):
    """The single tensor, or the first of several, that `inner` gives, through `after`."""

    def __init__(self, inner: nn.Module, after: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.inner, self.after = inner, after

    def forward(self, x: Tensor) -> Tensor:
        """The outputs."""
        return self.after(self.inner(x))


class Trees(nn.Module):
    """Four trees of depth 3 over 6 features, walked by gathering as hummingbird's tree_trav does; the mean leaf."""

    DEPTH: Final = 3

    def __init__(self) -> None:
        super().__init__()
        inner = (1 << self.DEPTH) - 1
        self.register_buffer("feature", torch.randint(0, 6, (4, inner)))
        self.register_buffer("threshold", torch.rand(4, inner) * 2 - 1)
        self.register_buffer("leaf", torch.randn(4, inner + 1))

    def forward(self, x: Tensor) -> Tensor:
        """The mean of the leaves that the trees reach."""
        at = torch.zeros(x.shape[0], 4, dtype=torch.long)
        for _ in range(self.DEPTH):
            feature = torch.gather(self.feature, 1, at.T).T
            threshold = torch.gather(self.threshold, 1, at.T).T
            at = 2 * at + torch.where(torch.gather(x, 1, feature) > threshold, 2, 1)
        return torch.gather(self.leaf, 1, at.T - self.leaf.shape[1] + 1).T.mean(dim=1, keepdim=True)


class Attention(nn.Module):
    """One block of a transformer over four tokens of eight values: attention, residuals, normalisations, an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.first, self.second = nn.LayerNorm(8), nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        """The tokens after the block."""
        query, key, value = self.qkv(x).split(8, dim=-1)
        weights = torch.softmax(query @ key.transpose(1, 2) / 8**0.5, dim=-1)
        x = self.first(x + self.out(weights @ value))
        return self.second(x + self.mlp(x))


def _between(activation: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), activation, nn.Linear(8, 2))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU())


def _four_convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 8), nn.ReLU(),
        nn.Linear(8, 3), nn.ReLU(),
    )  # fmt: skip


def _lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16, 10), nn.ReLU(), nn.Linear(10, 4),
    )  # fmt: skip


def _batchnorm() -> nn.Module:
    norm = nn.BatchNorm1d(8)
    norm.running_mean, norm.running_var = torch.randn(8) * 0.3, torch.rand(8) + 0.5
    return nn.Sequential(nn.Linear(6, 8), norm, nn.ReLU(), nn.Linear(8, 2))


def _lstm() -> nn.Module:
    return Only(nn.LSTM(3, 4, batch_first=True), lambda answer: answer[0][:, -1])


def _gru() -> nn.Module:
    return Only(nn.GRU(3, 4, batch_first=True), lambda answer: answer[0][:, -1])


_VECTOR: Final = (1, 6)
EXAMPLES: Final[dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]]] = {
    "1l-mlp": (_mlp, (1, 3)),
    "1l-relu": (nn.ReLU, (1, 3)),
    "1l-sigmoid": (nn.Sigmoid, (1, 3)),
    "1l-tanh": (nn.Tanh, (1, 3)),
    "1l-softmax": (lambda: nn.Softmax(dim=-1), (1, 4)),
    "1l-maxpool": (lambda: nn.MaxPool2d(2), (1, 1, 6, 6)),
    "1l-average": (lambda: nn.AvgPool2d(2), (1, 1, 6, 6)),
    "leaky-relu": (lambda: _between(nn.LeakyReLU(0.05)), _VECTOR),
    "gelu": (lambda: _between(nn.GELU()), _VECTOR),
    "gelu-tanh": (lambda: _between(nn.GELU(approximate="tanh")), _VECTOR),
    "silu": (lambda: _between(nn.SiLU()), _VECTOR),
    "elu-selu": (lambda: nn.Sequential(_between(nn.ELU()), nn.SELU()), _VECTOR),
    "mlp-sigmoid": (lambda: nn.Sequential(_between(nn.ReLU()), nn.Sigmoid()), _VECTOR),
    "conv": (lambda: nn.Conv2d(3, 2, 3), (1, 3, 6, 6)),
    "4l-relu-conv-fc": (_four_convolutions, (1, 1, 8, 8)),
    "lenet": (_lenet, (1, 1, 12, 12)),
    "batchnorm": (_batchnorm, _VECTOR),
    "layernorm": (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 2)), _VECTOR),
    "lstm": (_lstm, (1, 4, 3)),
    "gru": (_gru, (1, 4, 3)),
    "trees": (Trees, _VECTOR),
    "attention": (Attention, (1, 4, 8)),
}


def write_examples(folder: Path) -> list[Path]:
    """A subfolder for each network, with its samples; an example that is there already is left as it is."""
    made = []
    for name, (module, shape) in EXAMPLES.items():
        place = folder / name
        made.append(place)
        if (place / "input.json").exists():
            continue
        place.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(SEED)
        network = module().eval()
        samples = torch.randn(SAMPLES, *shape).clamp(-2.5, 2.5).round(decimals=4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would rather export another way
            torch.onnx.export(network, (samples[0],), str(place / "network.onnx"), dynamo=False, opset_version=OPSET)
        (place / "input.json").write_text(json.dumps({"input_data": [samples.flatten().tolist()]}))
    return made


if __name__ == "__main__":
    for path in write_examples(Path(sys.argv[1])):
        print(path)
