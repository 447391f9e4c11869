"""What `plumbline book` does: reads a log and receipts from files or the service, and checks them against the chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from oracle.chain.book_check import check_log, check_receipt
from oracle.chain.matching import OrderMatching
from oracle.cli.service_access import api
from oracle.cli.wiring import connect
from oracle.domain.json_text import parse_shallow
from oracle.domain.matching_log import LogEntry, Order, Receipt
from oracle.errors import InvalidInput
from oracle.settings import Settings

PAGE: Final = 1_000


def verify(
    settings: Settings, contract: str, series: str, *, log: Path | None, receipts: Sequence[Path], rpc_url: str | None
) -> dict[str, Any]:
    """Facts of a log that is as committed. Raises ProofRejected when it is not, InvalidInput for an unreadable file."""
    if not series.isdecimal():
        raise InvalidInput(f"{series!r} is no series id", remedy="give the decimal number that the options book uses")
    series_id = int(series)
    matching = OrderMatching(connect(settings, rpc_url), contract)
    entries = [entry_of(line) for line in (_of_service(settings, series) if log is None else _of_file(log))]
    facts = check_log(matching, series_id, entries)
    for path in receipts:
        check_receipt(matching, entries, receipt_of(_read(path)))
    return facts | {"receipts": len(receipts)}


def entry_of(line: Any) -> LogEntry:
    """A log entry of the API's document. Raises InvalidInput."""
    try:
        numbers = (int(line["price"]), int(line["amount"]), int(line["expiry"]), int(line["nonce"]))
        order = Order(str(line["trader"]), int(line["seriesId"]), bool(line["isBuy"]), *numbers)
        return LogEntry(int(line["takenAt"]), bool(line["isCancel"]), order, bytes.fromhex(line["signature"][2:]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"not an entry of a log: {type(error).__name__} {error}") from None


def receipt_of(document: Any) -> Receipt:
    """A receipt of the API's document. Raises InvalidInput."""
    try:
        leaf = bytes.fromhex(document["leaf"][2:])
        return Receipt(leaf, int(document["seriesId"]), int(document["index"]), int(document["commitBy"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"not a receipt: {type(error).__name__} {error}") from None


def _of_service(settings: Settings, series: str) -> list[Any]:
    found: list[Any] = []
    with api(settings) as client:
        while page := client.get(f"/v1/book/{series}/log", first=len(found), count=PAGE)["entries"]:
            found += page
    return found


def _of_file(path: Path) -> list[Any]:
    document = _read(path)
    entries = document.get("entries") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise InvalidInput(f"{path} holds no log", remedy='give JSON: {"entries": [...]}, or the list alone')
    return entries


def _read(path: Path) -> Any:
    try:
        return parse_shallow(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON: {error}") from None
