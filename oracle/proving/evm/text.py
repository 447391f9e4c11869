"""Solidity text of a rewritten verifier: its frame, and loops over instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

WORD: Final = 0x20
UNROLL: Final = 8

CHECK_INSTANCE: Final = ["ok := and(ok, lt(mload({at}), r))"]


def unrolled(start: int, count: int, lines: list[str]) -> Iterator[str]:
    """`lines` for each of `count` words from memory address `start` on; `{at}` stands for the address."""
    rounds, rest = divmod(count, UNROLL)
    if rounds > 1:
        end = start + rounds * UNROLL * WORD
        yield f"for {{ let p := {start:#x} }} lt(p, {end:#x}) {{ p := add(p, {UNROLL * WORD:#x}) }} {{"
        for step in range(UNROLL):
            at = "p" if step == 0 else f"add(p, {step * WORD:#x})"
            yield from (f"    {line.replace('{at}', at)}" for line in lines)
        yield "}"
        start = end
    else:
        rest = count
    for step in range(rest):
        yield from (line.replace("{at}", f"{start + step * WORD:#x}") for line in lines)


def unpack(name: str, to: int, count: int, width: int) -> Iterator[str]:
    """Signed big-endian integers of `width` bytes from calldata as field elements in memory."""
    in_word = WORD // width
    rounds, rest = divmod(count, in_word)
    sign = width - 1

    def element(step: int, at: str) -> str:
        shift = 8 * (WORD - width * (step + 1))
        taken = f"shr({shift}, w)" if shift else "w"
        return f"mstore({at}, mod(add(r, signextend({sign}, {taken})), r))"

    yield f"let c := {name}.offset"
    yield "let w"
    if rounds > 1:
        end = to + rounds * WORD * in_word
        yield f"for {{ let p := {to:#x} }} lt(p, {end:#x}) {{ p := add(p, {in_word * WORD:#x}) }} {{"
        yield "    w := calldataload(c)"
        yield "    c := add(c, 0x20)"
        for step in range(in_word):
            yield "    " + element(step, "p" if step == 0 else f"add(p, {step * WORD:#x})")
        yield "}"
        to = end
    else:
        rest = count
    for index in range(rest):
        if index % in_word == 0:
            yield f"w := calldataload({'c' if index == 0 else f'add(c, {index // in_word * WORD:#x})'})"
        yield element(index % in_word, f"{to + index * WORD:#x}")


def indent(lines: Iterator[str] | list[str], columns: int) -> str:
    return "\n".join(" " * columns + line for line in lines)


CONTRACT: Final = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A circuit's verifier: ezkl's, rewritten for less gas
contract Halo2Verifier {{
    uint256 private constant R = {modulus};

    /// @notice Returns true for a valid proof; a bad one reverts without data.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {{
        uint256 ok;
        uint256 at;
        assembly {{
            let r := R
            at := proof.offset
            ok := and(and(eq(proof.length, {proof_length:#x}), eq(at, 0x64)), eq(instances.length, {instance_count:#x}))
            if ok {{
                {copy_instances}
{check_instances}
            }}
        }}
        _verify(at, ok);
    }}

    /// @notice The same for instances as packed integers, each signed and big-endian: inputs of 4 bytes, outputs of 8.
    function verifyPacked(bytes calldata proof, bytes calldata inputs, bytes calldata outputs)
        external
        view
        returns (bool)
    {{
        uint256 ok;
        uint256 at;
        assembly {{
            let r := R
            at := proof.offset
            ok := and(eq(proof.length, {proof_length:#x}), eq(at, 0x84))
            ok := and(ok, and(eq(inputs.length, {input_bytes:#x}), eq(outputs.length, {output_bytes:#x})))
            if ok {{
{unpack_inputs}
            }}
            if ok {{
{unpack_outputs}
            }}
        }}
        _verify(at, ok);
    }}

    /// @dev Ends the call. `at`: where the proof begins in calldata; `ok`: 1 when all was well so far.
    /// The instances are in memory.
    function _verify(uint256 at, uint256 ok) private view {{
        assembly {{
            let r := R
{body}
        }}
    }}
}}
"""
