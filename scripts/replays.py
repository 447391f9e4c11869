"""The crash windows, replayed, and docs/replays.md with what came of them: `make replays`.

    python scripts/replays.py --data FOLDER [--markets BTC] [--protocols perp] [--proofs sampled] [--twins-only]

FOLDER holds spot_binance_1h_2020-09_2025-09.parquet and perp_candles_1h.parquet, hourly candles with ts, symbol or
coin, and close. Each replay's report and plots go into .plumbline/replays; one that is there already is not run again,
so a run that was stopped goes on. The page is written from what is there.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from replaying.beside import write_coverage, write_level, write_seeds, write_years
from replaying.page import PAGE, page
from replaying.windows import MARKETS, OUT, PERP, PROTOCOLS, SPOT, WINDOWS, Run

from oracle.cli.signals import end_on_sigterm
from oracle.settings import PROJECT_ROOT


def main() -> int:
    end_on_sigterm()
    options = parsed()
    runs = [Run(p, m, w) for p in PROTOCOLS for m in MARKETS for w in WINDOWS]
    chosen = [r for r in runs if r.protocol in options.protocols and r.market in options.markets]
    wanted = [r for r in chosen if r.window in options.windows]
    if not options.page:
        data = Path(options.data or os.environ.get("PLUMBLINE_DATA", "")).expanduser()
        missing = [name for name in (SPOT, PERP) if not (data / name).is_file()]
        if missing:
            print(
                f"there is no {' and no '.join(missing)} in {data}: give --data or set PLUMBLINE_DATA", file=sys.stderr
            )
            return 2
        for run in wanted:
            if not run.done(contracts=not options.twins_only):
                run.replay(data, "none" if options.twins_only else options.proofs, contracts=not options.twins_only)
        if not (OUT / "coverage.json").is_file():
            write_coverage(data)
        write_years(data)
        write_level(data)
        for market in options.markets:
            if "perp" in options.protocols and not (OUT / f"seeds-{market.lower()}.json").is_file():
                write_seeds(data, market)
    PAGE.write_text(page(runs))
    print(f"wrote {PAGE.relative_to(PROJECT_ROOT)}")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help="folder of the two parquet files; default: PLUMBLINE_DATA")
    parser.add_argument("--markets", nargs="+", choices=MARKETS, default=MARKETS)
    parser.add_argument("--windows", nargs="+", choices=WINDOWS, default=tuple(WINDOWS))
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--proofs", choices=("all", "sampled", "none"), default="sampled")
    parser.add_argument("--twins-only", action="store_true", help="the Python twins alone, no contracts")
    parser.add_argument("--page", action="store_true", help="write the page from what is there; run nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
