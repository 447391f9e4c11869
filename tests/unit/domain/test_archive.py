"""An archive's bytes: the same for the same members, and refused when they are any others."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256

import pytest

from oracle.domain import archive
from oracle.domain.archive import INDEX, PROOF, REQUEST, ROUND, document, pack, parse, unpack
from oracle.errors import InputRejected

MEMBERS = {ROUND: b'{"b":1}\n', PROOF: b'{"a":1}\n'}


def zipped(members: Mapping[str, bytes], *, order: list[str] | None = None, how: int = zipfile.ZIP_STORED) -> bytes:
    """A zip as the format has it, of any members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as made:
        for name in order or sorted(members):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.compress_type = 3, how
            made.writestr(entry, members[name])
    return file.getvalue()


def indexed(content: Mapping[str, bytes], **changed: object) -> dict[str, bytes]:
    """Members with an index of theirs, in which fields are changed."""
    hashes = {name: sha256(data).hexdigest() for name, data in content.items()}
    return {**content, INDEX: document({"format": 1, "kind": "round", "subject": "x", "members": hashes} | changed)}


def test_document__any_value__one_form() -> None:
    assert document({"b": [1, "é"], "a": None}) == b'{"a":null,"b":[1,"\\u00e9"]}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        document({"a": float("nan")})


def test_pack__members__a_sorted_zip_without_times_and_back() -> None:
    packed = pack(MEMBERS, kind="round", subject="x")
    assert packed == zipped(indexed(MEMBERS)) == pack(dict(reversed(MEMBERS.items())), kind="round", subject="x")
    with zipfile.ZipFile(io.BytesIO(packed)) as made:
        entries = made.infolist()
    assert [(e.filename, e.compress_type, e.create_system) for e in entries] == [
        (name, zipfile.ZIP_STORED, 3) for name in (INDEX, PROOF, ROUND)
    ]
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    index, members = unpack(packed)
    assert members == MEMBERS
    hashes = {name: sha256(content).hexdigest() for name, content in MEMBERS.items()}
    assert index == {"format": 1, "kind": "round", "subject": "x", "members": hashes}


SOUND = indexed(MEMBERS)
OTHER_ORDER = [ROUND, PROOF, INDEX]
REFUSED: list[tuple[bytes, str]] = [
    (b"", "not an evidence archive"),
    (b"PK", "not an evidence archive"),
    (zipped({**SOUND, "other.json": b"{}"}), "members that none of this format has"),
    (zipped(SOUND, how=zipfile.ZIP_DEFLATED), "members that none of this format has"),
    (zipped(SOUND, order=OTHER_ORDER), "not those that its members are packed in"),
    (zipped(SOUND) + b"\0", "not those that its members are packed in"),
    (b"\0" + zipped(SOUND), "not those that its members are packed in"),
    (zipped(MEMBERS), "has no index.json"),
    (zipped({**MEMBERS, INDEX: b"[]"}), "index.json is not an object"),
    (zipped({**MEMBERS, INDEX: b"{"}), "index.json is not JSON"),
    (zipped(indexed(MEMBERS, format=2)), "format is 2, this release knows 1"),
    (zipped(indexed(MEMBERS, members=[])), "format is 1, this release knows 1"),
    (zipped({**SOUND, PROOF: b"{}"}), "the archive was changed: proof.json is not"),
    (zipped({**SOUND, REQUEST: b"{}"}), "the archive was changed: request.json is not"),
    (zipped({name: SOUND[name] for name in (INDEX, ROUND)}), "the archive was changed: proof.json is not"),
    (zipped({INDEX: SOUND[INDEX]}), "the archive was changed: proof.json, round.json is not"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_unpack__any_other_bytes__refused_with_what_is_wrong(content: bytes, message: str) -> None:
    with pytest.raises(InputRejected) as found:
        unpack(content)
    assert message in str(found.value)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_unpack__a_member_many_times__refused_unread() -> None:
    content = zipped(SOUND, order=[ROUND] * (len(archive.NAMES) + 1))
    with pytest.raises(InputRejected, match="members that none of this format has"):
        unpack(content)


def test_unpack__of_every_name__unpacked() -> None:
    members = dict.fromkeys(sorted(archive.NAMES - {INDEX}), b"{}")
    assert unpack(pack(members, kind="round", subject="x"))[1] == members


def test_unpack__damaged_in_a_member__refused() -> None:
    packed = bytearray(zipped(SOUND))
    packed[packed.index(MEMBERS[ROUND])] ^= 1
    with pytest.raises(InputRejected, match="not an evidence archive"):
        unpack(bytes(packed))


def test_unpack__as_large_as_may_be_and_a_byte_larger__refused_for_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert archive.MAX_BYTES == 67_108_864
    packed = pack(MEMBERS, kind="round", subject="x")
    monkeypatch.setattr(archive, "MAX_BYTES", len(packed))
    assert unpack(packed)[1] == MEMBERS
    monkeypatch.setattr(archive, "MAX_BYTES", len(packed) - 1)
    with pytest.raises(InputRejected, match=f"more than {len(packed) - 1} bytes"):
        unpack(packed)


def test_parse__as_deep_as_may_be_and_a_level_deeper__refused() -> None:
    deepest = b'{"a":' + b"[" * 15 + b"]" * 15 + b"}"
    assert parse({ROUND: deepest}, ROUND) == json.loads(deepest)
    with pytest.raises(InputRejected, match=r"round.json is not JSON: it is nested deeper than 16 levels"):
        parse({ROUND: b'{"a":' + b"[" * 16 + b"]" * 16 + b"}"}, ROUND)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "the archive has no round.json"),
        ({ROUND: b"{"}, "round.json is not JSON"),
        ({ROUND: b"\xff"}, "round.json is not JSON"),
        ({ROUND: b"[1]"}, "round.json is not an object"),
        ({ROUND: b"null"}, "round.json is not an object"),
    ],
)
def test_parse__no_object__refused(members: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputRejected, match=message):
        parse(members, ROUND)
