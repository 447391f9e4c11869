"""A replay's files: report.json, and SVG plots of aggregates; the market's own series is in neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from oracle.cli.replay.run import Replayed
from oracle.domain.replay.runs import HourRecord, VariantRun
from oracle.errors import StorageFull, ToolMissing

INCHES: Final = (6.4, 2.6)
PLOTS: Final[dict[str, tuple[str, Callable[[VariantRun], list[float]]]]] = {
    "requirement": ("requirement in force, share", lambda run: [h.requirement for h in run.hours]),
    "collateral": ("collateral, thousands", lambda run: [h.collateral / 1e3 for h in run.hours]),
    "bad-debt": ("bad debt so far, thousands", lambda run: _so_far(run, lambda h: h.bad_debt / 1e3)),
    "liquidations": ("liquidations so far", lambda run: _so_far(run, lambda h: float(h.liquidations))),
}


def require_matplotlib() -> None:
    """Raises ToolMissing unless plots can be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ToolMissing(
            "plots need matplotlib, which is not installed",
            remedy="install the extra with pip install 'plumbline[models]', or leave out --out and take --json",
        ) from error


def write_plots(replayed: Replayed, folder: Path) -> list[Path]:
    """report.json and one SVG for each figure, the same bytes each time. Raises StorageFull, ToolMissing."""
    require_matplotlib()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report = folder / "report.json"
        report.write_text(json.dumps(replayed.report.document(), indent=2) + "\n")
        drawn = [_draw(replayed, name, folder / f"{name}.svg") for name in PLOTS]
    except OSError as error:
        raise StorageFull(f"cannot write into {folder}: {error}") from error
    return [report, *drawn]


def _draw(replayed: Replayed, name: str, path: Path) -> Path:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    label, values = PLOTS[name]
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "path.simplify_threshold": 1.0}):
        figure, axes = plt.subplots(figsize=INCHES, layout="constrained")
        for run in replayed.runs:
            axes.plot(values(run), label=run.name, linewidth=1)
        _finish(axes, label)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return path


def _finish(axes: Any, label: str) -> None:
    axes.set_xlabel("hours since the start")
    axes.set_ylabel(label)
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)


def _so_far(run: VariantRun, value: Callable[[HourRecord], float]) -> list[float]:
    return list(accumulate(value(h) for h in run.hours))
