"""Options that actions on a chain share: which chain, whether to ask, whether to send."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from oracle.errors import InvalidInput

RpcOption = Annotated[str | None, typer.Option("--rpc-url", help="Another chain than the stack's.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Send nothing: print the transaction, for a timelock or a multisig to send."),
]


def confirm(what: str, *, yes: bool) -> None:
    """Returns when it may be done; asks on a terminal. Raises InvalidInput where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"nobody is there to confirm: {what}", remedy="add --yes")
    typer.confirm(f"{what}?", abort=True, err=True)
