"""What the command line prints: facts on stdout, progress and errors on stderr, so that `--json | jq` always works."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oracle.errors import Halt, InvalidInput, OracleError, Retry, SkipCycle

if TYPE_CHECKING:
    from rich.console import Console

WIDEST_TABLE = 1_000

EXIT_UNKNOWN = 1
EXIT_HALT = 3
EXIT_CODES: tuple[tuple[type[OracleError], int], ...] = (
    (InvalidInput, 2),
    (Halt, EXIT_HALT),
    (Retry, 4),
    (SkipCycle, 5),
)


def exit_code(error: BaseException) -> int:
    """2 for the caller's data, 3 where a person has to act, 4 where a repeat may do, 5 for a refusal, else 1."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), EXIT_UNKNOWN)


def stdout() -> Console:
    """The console for facts."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)


def stderr() -> Console:
    """The console for progress and errors."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on stdout; integers stay exact, bytes become 0x-hex."""
    sys.stdout.write(json.dumps(value, indent=2, default=_encode) + "\n")


def _encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout; columns that start with `>` are right-aligned. Never cut nor folded, however wide."""
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = stdout()
    wide = console.options.update(max_width=WIDEST_TABLE)
    console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)


def format_time(observed_at: int, *, daily: bool) -> str:
    """2008-09-15, or 2021-05-19 12:00 for markets finer than daily; UTC."""
    return datetime.fromtimestamp(observed_at, UTC).strftime("%Y-%m-%d" if daily else "%Y-%m-%d %H:%M")


def decimal(value: int | None, decimals: int) -> str:
    """An integer at `decimals` as a decimal number, exact, without trailing zeros; `-` for None."""
    if value is None:
        return "-"
    whole, fraction = divmod(abs(value), 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def print_error(error: BaseException, *, as_json: bool, verbose: bool) -> None:
    """One line that says what is wrong and one that says what to do; a traceback only when asked for."""
    remedy = error.remedy if isinstance(error, OracleError) else ""
    if verbose:
        stderr().print_exception()
    elif not isinstance(error, OracleError):
        remedy = "this is a fault in Plumbline; the same command after `plumbline --verbose` shows where"
    message = str(error) or type(error).__name__
    if as_json:
        document = {"error": type(error).__name__, "message": message, "remedy": remedy, "exitCode": exit_code(error)}
        sys.stderr.write(json.dumps(document) + "\n")
        return
    sys.stderr.write(f"{type(error).__name__}: {' '.join(message.split())}\n")
    if remedy:
        sys.stderr.write(f"  -> {remedy}\n")


@contextmanager
def working(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Shows on stderr that work goes on; the function that it gives tells how far it is. Silent when quiet."""
    if quiet:
        yield lambda _: None
        return
    console = stderr()
    if not console.is_terminal:
        yield _changes(lambda text: console.print(f"{title}: {text}", markup=False))
        return
    with console.status(title) as spinner:
        yield lambda text: spinner.update(f"{title}: {text}")


def _changes(say: Callable[[str], None]) -> Callable[[str], None]:
    """Passes on a text unless it is the one before."""
    last = ""

    def changed(text: str) -> None:
        nonlocal last
        if text != last:
            say(text)
        last = text

    return changed


def print_facts(facts: Mapping[str, Any]) -> None:
    """Name and value, a line each; lists and records as JSON."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if isinstance(value, dict | list | tuple):
            text = json.dumps(value, default=_encode)
        else:
            text = _encode(value) if isinstance(value, bytes) else str(value)
        sys.stdout.write(f"{name.ljust(width)}  {text}\n")


def print_verification(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """What a verification found: `checks`, all passed (a failed one raises before), and the facts about it."""
    if as_json:
        print_json(facts)
        return
    for check in facts["checks"]:
        sys.stdout.write(f"ok  {check}\n")
    for check in facts.get("notChecked", ()):
        sys.stdout.write(f"--  {check}\n")
    print_facts({name: value for name, value in facts.items() if name not in {"checks", "notChecked"}})
