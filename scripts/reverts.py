"""Adds to oracle/chain/reverts.py a class for every ABI error in build/ that it lacks, and to a class that is there the
signatures of its name that it lacks; remedies and everything else stay as they are.

    python scripts/reverts.py

Run it after a contract declared a new error; tests/unit/chain/test_reverts.py fails until then.
"""

from __future__ import annotations

import re
import textwrap

from eth_utils.abi import abi_to_signature

from oracle.chain import build
from oracle.chain.abi_revert import ErrorSignature
from oracle.settings import PROJECT_ROOT, Settings

REVERTS = PROJECT_ROOT / "oracle" / "chain" / "reverts.py"
MARK = "# --- declared by contracts, by name\n"
WIDTH = 120
ABI = re.compile(r'^    abi = \((?:\s*"[^"]*",?)*\s*\)\n?', re.M)
CLASS = re.compile(r"^class (\w+)\(AbiRevert\):.*?(?=^class |\Z)", re.M | re.S)


def main() -> int:
    """Rewrites the file's second part in alphabetical order."""
    head, tail = REVERTS.read_text().split(MARK)
    classes = {match[1]: match[0].strip() for match in CLASS.finditer(tail)}
    for name, signatures in sorted(_declared().items()):
        if f"class {name}(AbiRevert):" not in head:
            classes[name] = with_signatures(classes.get(name, f"class {name}(AbiRevert):"), sorted(signatures))
    body = "\n\n\n".join(classes[name] for name in sorted(classes))
    REVERTS.write_text(f"{head}{MARK}\n\n{body}\n")
    print(f"{REVERTS.name}: {len(classes)} classes")
    return 0


def with_signatures(source: str, signatures: list[str]) -> str:
    """A class's source with those of the signatures of which it has no selector yet, behind its own."""
    found = ABI.search(source)
    own = re.findall(r'"([^"]+)"', found[0]) if found else []
    known = {ErrorSignature.parse(text).selector for text in own}
    missing = [text for text in signatures if ErrorSignature.parse(text).selector not in known]
    if not missing:
        return source
    kept = ABI.sub("", source).rstrip()
    return f"{kept}\n{_abi([*own, *missing])}"


def _declared() -> dict[str, set[str]]:
    """Each error's name with its signatures, arguments named; one for each list of types."""
    found: dict[str, dict[str, str]] = {}
    for artifact in build.load_all(Settings()).values():
        for entry in artifact.abi:
            if entry["type"] == "error":
                arguments = [f"{i['type']} {i['name'] or f'arg{k}'}" for k, i in enumerate(entry["inputs"])]
                found.setdefault(entry["name"], {})[abi_to_signature(entry)] = (
                    f"{entry['name']}({', '.join(arguments)})"
                )
    return {name: set(signatures.values()) for name, signatures in found.items()}


def _abi(signatures: list[str]) -> str:
    one_line = "    abi = (" + "".join(f'"{s}", ' for s in signatures).rstrip(" ") + ")"
    if len(one_line) <= WIDTH:
        return one_line
    inner = "\n".join(f'"{s}",' for s in signatures)
    return "\n".join(["    abi = (", textwrap.indent(inner, " " * 8), "    )"])


if __name__ == "__main__":
    raise SystemExit(main())
