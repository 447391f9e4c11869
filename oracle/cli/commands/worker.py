"""`plumbline worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli.context import invocation


def worker(
    ctx: typer.Context,
    *,
    circuit: Annotated[
        list[str] | None,
        typer.Option("--circuit", help="Only this circuit's own queue; repeat. Default: every proof."),
    ] = None,
    drain_secs: Annotated[
        float, typer.Option("--drain-secs", min=0, help="After SIGTERM: for the steps that run, at most.")
    ] = 60.0,
) -> None:
    """Proves for a service, on any machine that has its PostgreSQL, its chain and its circuits.

    Takes what waits in the queues, as many at once as PLUMBLINE_MAX_WORKERS and the free memory allow. On SIGTERM it
    ends its running steps and leaves the rest to the other workers; after kill -9 they take it up within a minute.

    Examples:

      PLUMBLINE_DATABASE_URL=postgresql://host/plumbline PLUMBLINE_RPC_URL=http://host:8545 plumbline worker

      PLUMBLINE_CIRCUIT_QUEUES=garch-vol-32 plumbline worker --circuit garch-vol-32
    """
    from oracle.cli.worker import run_worker

    run_worker(invocation(ctx), circuit or (), drain_secs)
