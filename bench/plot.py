"""One picture of a comparison: CPU seconds of a proof, gas, and seconds from ONNX to a first proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from bench.records import ARMS, ArmRecord
from bench.summary import RATIOS

PANELS = ("prove, CPU seconds", "from ONNX to a first proof, CPU seconds", "peak memory", "gas")
COLOURS = dict(zip(ARMS, ("#9aa5b1", "#d3b88c", "#1f6f8b"), strict=True))


def draw(records: Sequence[ArmRecord], path: Path) -> None:
    """Writes the picture; its kind follows the file's suffix. Arms that failed have no bar."""
    import matplotlib  # noqa: PLC0415 - slow to load

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    names = list(dict.fromkeys(record.network for record in records))
    figures = dict(RATIOS)
    picture, axes = pyplot.subplots(1, len(PANELS), figsize=(4 * len(PANELS), 1.5 + 0.35 * len(names)), sharey=True)
    for axis, panel in zip(axes, PANELS, strict=True):
        for offset, arm in enumerate(ARMS):
            points = [
                (names.index(record.network) + 0.27 * (offset - 1), figures[panel](record))
                for record in records
                if record.arm == arm and record.finished and figures[panel](record)
            ]
            axis.barh([y for y, _ in points], [x or 0 for _, x in points], 0.25, color=COLOURS[arm], label=arm)
        axis.set_xscale("log")
        shown = [value for record in records if record.finished and (value := figures[panel](record))]
        if shown:
            axis.set_xlim(10 ** math.floor(math.log10(min(shown)) - 0.2), 10 ** math.ceil(math.log10(max(shown))))
        axis.set_title(panel, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names, fontsize=8)
    axes[0].invert_yaxis()
    axes[0].legend(fontsize=8, loc="lower right")
    picture.tight_layout()
    picture.savefig(path, dpi=130)
    pyplot.close(picture)
