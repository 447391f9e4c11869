"""The crash windows, and one of them replayed and kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.cli.context import load_settings
from oracle.cli.replay.plots import write_plots
from oracle.cli.replay.run import ReplayOptions, run_replay
from oracle.domain.replay.report import Report
from oracle.settings import PROJECT_ROOT

SPOT: Final = "spot_binance_1h_2020-09_2025-09.parquet"
PERP: Final = "perp_candles_1h.parquet"
OUT: Final = PROJECT_ROOT / ".plumbline" / "replays"
# From about nine days before each fall's worst day to five after it
WINDOWS: Final = {
    "2021-05": (SPOT, "2021-05-10", "2021-05-24"),
    "2022-06": (SPOT, "2022-06-08", "2022-06-22"),
    "2022-11": (SPOT, "2022-11-04", "2022-11-18"),
    "2025-10": (PERP, "2025-10-05", "2025-10-19"),
}
MARKETS: Final = ("BTC", "ETH")
PROTOCOLS: Final = ("perp", "options", "lending")


@dataclass(frozen=True)
class Run:
    """One window of one market through one protocol."""

    protocol: str
    market: str
    window: str

    @property
    def folder(self) -> Path:
        return OUT / f"{self.protocol}-{self.market.lower()}-{self.window}"

    def report(self) -> Report | None:
        path = self.folder / "report.json"
        return Report.of(json.loads(path.read_text())) if path.is_file() else None

    def done(self, *, contracts: bool) -> bool:
        """Whether it need not run again."""
        report = self.report()
        return report is not None and (report.calls > 0 or not contracts)

    def replay(self, data: Path, proofs: str, *, contracts: bool) -> None:
        """Runs it and writes its files."""
        file, start, end = WINDOWS[self.window]
        source, name = f"csv:{data / file}", symbol(file, self.market)
        options = ReplayOptions(self.protocol, source, name, start, end, proofs, contracts=contracts)
        print(f"replaying {self.folder.name}", flush=True)
        replayed = run_replay(load_settings(), options, lambda text: None)
        write_plots(replayed, self.folder)
        print(f"  {replayed.report.verdict}, {replayed.report.seconds:.0f} s", flush=True)


def symbol(file: str, market: str) -> str:
    """What a file calls a market."""
    return f"{market}USDT" if file == SPOT else f"binance:{market}"
