"""What evidence says of itself, and its form as JSON."""

from __future__ import annotations

from dataclasses import fields, replace

from oracle.domain.evidence import Check, CheckStatus, Evidence

BIG = 2**200
SOUND = Check("root", CheckStatus.OK, "a", "a")
BROKEN = Check("proof", CheckStatus.FAILED, "a", "b")
EVIDENCE = Evidence(**{  # type: ignore[arg-type]
    **{field.name: 0 if field.type == "int" else "" for field in fields(Evidence)},
    "answer": BIG,
    "proven_answer": BIG + 1,
    "prices": (2**53 + 1, 2),
    "inputs": (-BIG, 3),
    "outputs_wad": (BIG,),
    "instances": (BIG, 0),
    "checks": (SOUND,),
})  # fmt: skip


def test_as_json__large_integers__decimal_strings() -> None:
    found = EVIDENCE.as_json()
    assert (found["answer"], found["provenAnswer"]) == (str(BIG), str(BIG + 1))
    assert (found["inputs"], found["outputsWad"]) == ([str(-BIG), "3"], [str(BIG)])
    assert (found["instances"], found["prices"]) == ([str(BIG), "0"], [str(2**53 + 1), "2"])
    assert found["ok"] is True
    numbers = [value for value in found.values() if type(value) is int]
    assert max(numbers) < 2**53
    assert set(found) >= {"chainId", "roundId", "verifierCodeHash", "zkProof", "checks"}


def test_failed__one_check_of_two__named_and_not_ok() -> None:
    mixed = replace(EVIDENCE, checks=(SOUND, BROKEN))
    assert (mixed.ok, mixed.failed) == (False, (BROKEN,))
    assert mixed.as_json()["ok"] is False
    assert (EVIDENCE.ok, EVIDENCE.failed) == (True, ())
