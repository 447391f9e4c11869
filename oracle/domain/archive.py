"""An evidence archive: one file with deterministic bytes, from which anybody checks a proof without asking anyone.

    member                     what
    index.json                 what the archive is of, and the SHA-256 of every other member
    proof.json                 the proof and its instances
    manifest.json, settings.json, vk.key   the circuit that it is of
    round.json                 a round, or a batch of a liquidation board: what the feed says of it, and what must be
                               known to compute that again
    observations.json          the same: the observations behind it, with the publishers' reports and signatures
    request.json               a request: what was asked, and what came of it
    transaction.json           the transaction that brought it on chain, signed, and its block

A zip without compression, members sorted, no times: equal members are equal bytes, and other bytes are refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from oracle.domain.json_text import parse_shallow
from oracle.errors import InputRejected

INDEX: Final = "index.json"
PROOF: Final = "proof.json"
ROUND: Final = "round.json"
OBSERVATIONS: Final = "observations.json"
REQUEST: Final = "request.json"
TRANSACTION: Final = "transaction.json"
CIRCUIT: Final = ("manifest.json", "settings.json", "vk.key")
NAMES: Final = frozenset({INDEX, PROOF, ROUND, OBSERVATIONS, REQUEST, TRANSACTION, *CIRCUIT})
FORMAT: Final = 1
MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 16
MEDIA_TYPE: Final = "application/zip"

Members = Mapping[str, bytes]


def document(value: Any) -> bytes:
    """A member's bytes: JSON in its one form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def pack(members: Members, *, kind: str, subject: str) -> bytes:
    """The archive of these members, whose index is made here."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    index = document({"format": FORMAT, "kind": kind, "subject": subject, "members": hashes})
    return _zipped({**members, INDEX: index})


def _zipped(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # Unix, whatever the machine
            archive.writestr(entry, members[name])
    return file.getvalue()


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The index and the other members of an archive.

    Raises InputRejected for what is no archive of this format, has other bytes than its members would be packed in, or
    a member that is not the one its index names.
    """
    if len(content) > MAX_BYTES:
        raise InputRejected(f"the archive has more than {MAX_BYTES} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            sound = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
            if not sound or not {entry.filename for entry in entries} <= NAMES or len(entries) > len(NAMES):
                raise InputRejected("the archive has members that none of this format has")
            members = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError, EOFError) as error:
        raise InputRejected(f"not an evidence archive: {error}") from None
    if _zipped(members) != content:
        raise InputRejected("the archive's bytes are not those that its members are packed in")
    if INDEX not in members:
        raise InputRejected("the archive has no index.json")
    index = parse(members, INDEX)
    listed = index.get("members")
    found = {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != INDEX}
    if index.get("format") != FORMAT or not isinstance(listed, dict):
        raise InputRejected(f"the archive's format is {index.get('format')}, this release knows {FORMAT}")
    if listed != found:
        wrong = sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
        raise InputRejected(f"the archive was changed: {', '.join(wrong)} is not what its index says")
    return index, {name: data for name, data in members.items() if name != INDEX}


def parse(members: Members, name: str) -> dict[str, Any]:
    """A member's JSON object. Raises InputRejected."""
    try:
        value = parse_shallow(members[name], MAX_DEPTH)
    except KeyError:
        raise InputRejected(f"the archive has no {name}") from None
    except ValueError as error:
        raise InputRejected(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputRejected(f"{name} is not an object")
    return value
