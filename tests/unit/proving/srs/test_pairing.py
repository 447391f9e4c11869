"""Pairings: bilinear, with points at infinity, and an interpreter left as it was."""

from __future__ import annotations

import subprocess
import sys

from oracle.proving.srs.curve import G1, G2, g2_multiply, multiply_base, negative
from oracle.proving.srs.pairing import pairing_is_one


def test_pairing_is_one__multiples_of_both_sides__bilinear() -> None:
    (six,) = multiply_base([6], window=4)
    assert pairing_is_one([(six, G2), (negative(multiply_base([2], window=4)[0]), g2_multiply(3))])
    assert not pairing_is_one([(six, G2), (negative(G1), g2_multiply(3))])


def test_pairing_is_one__points_at_infinity__add_nothing() -> None:
    assert pairing_is_one([(None, G2), (G1, None)])
    assert not pairing_is_one([(None, G2), (G1, G2)])


def test_pairing_is_one__recursion_limit__is_left_as_it_was() -> None:
    """In a process of its own, where py_ecc was not loaded before."""
    script = """
import sys
before = sys.getrecursionlimit()
from oracle.proving.srs.pairing import pairing_is_one
assert pairing_is_one([])
assert "py_ecc" in sys.modules and sys.getrecursionlimit() == before, sys.getrecursionlimit()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
