"""`plumbline feed`: feeds of the running service, through its API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oracle.cli import render
from oracle.cli.commands.confirming import DryRunOption, RpcOption, YesOption, confirm
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="feed", help="Feeds: list them, push a round, read and verify rounds.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The feed's name, such as spx-volatility.", show_default=False)]


@app.command("list")
def list_feeds(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every feed with its newest round.

    Example:

      plumbline feed list
    """
    from oracle.cli.service_access import api, exact

    call = invocation(ctx)
    with api(call.settings) as client:
        feeds = [exact(feed) for feed in client.get("/v1/feeds")["feeds"]]
    if call.as_json:
        render.print_json(feeds)
        return
    rows = [(f["name"], f["kind"], f["address"], f["roundId"], _answer(f), f["observedAt"], f["unit"]) for f in feeds]
    render.print_table("", ("name", "kind", "address", ">round", ">answer", ">observed at", "answer is"), rows)


@app.command("push")
def push(ctx: typer.Context, *, name: Name, as_json: JsonOption = False) -> None:
    """Advances the market by one step and makes the feed's next round; returns when it is on chain.

    Examples:

      plumbline feed push spx-volatility

      plumbline feed push spx-usd --json
    """
    from oracle.cli.service_access import push_and_wait

    call = invocation(ctx)
    with render.working(f"pushing {name}", quiet=call.as_json) as say:
        made = push_and_wait(call.settings, name, say)
    if call.as_json:
        render.print_json(made)
    else:
        typer.echo(f"{name} round {made['roundId']}: {_answer(made)} observed at {made['observedAt']}")


@app.command("rounds")
def rounds(
    ctx: typer.Context,
    *,
    name: Name,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The newest rounds of a feed.

    Example:

      plumbline feed rounds spx-volatility --limit 5
    """
    from oracle.cli.service_access import api, exact

    call = invocation(ctx)
    with api(call.settings) as client:
        found = [exact(entry) for entry in client.get(f"/v1/feeds/{name}/rounds", limit=limit)["rounds"]]
    if call.as_json:
        render.print_json(found)
        return
    rows = [(r["roundId"], r["observedAt"], r["updatedAt"], r["answer"]) for r in found]
    render.print_table(name, (">round", ">observed at", ">updated at", ">answer"), rows)


@app.command("positions")
def positions(ctx: typer.Context, *, name: Name, as_json: JsonOption = False) -> None:
    """A liquidation board's positions: the proven probability of liquidation within 7 days, the likeliest first.

    Example:

      plumbline feed positions sim-liquidation
    """
    from oracle.cli.service_access import api, exact

    call = invocation(ctx)
    with api(call.settings) as client:
        found = [exact(entry) for entry in client.get(f"/v1/feeds/{name}/positions")["positions"]]
    if call.as_json:
        render.print_json(found)
        return
    rows = [
        (p["account"], render.decimal(p["probability"], 18), render.decimal(p["confidence"], 18), p["observedAt"])
        for p in found
    ]
    render.print_table(name, ("account", ">probability", ">confidence", ">observed at"), rows)


@app.command("verify")
def verify(
    ctx: typer.Context,
    *,
    name: Name,
    round_id: Annotated[int, typer.Argument(help="The round; 0 for the newest.", min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """Verifies a round again from the chain alone: its event, its transaction, and the contracts it names.

    Example:

      plumbline feed verify spx-volatility 3
    """
    from oracle.cli.verification import verify_round

    call = invocation(ctx)
    render.print_verification(verify_round(call.settings, name, round_id), as_json=call.as_json)


@app.command("pause")
def pause(
    ctx: typer.Context,
    *,
    name: Name,
    rpc_url: RpcOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stops a proven feed: no round is taken, and consumers read its conservative value. By its guardian.

    Example:

      plumbline feed pause spx-volatility --yes
    """
    _set_paused(ctx, name, paused=True, rpc_url=rpc_url, dry_run=dry_run, yes=yes)


@app.command("unpause")
def unpause(
    ctx: typer.Context,
    *,
    name: Name,
    rpc_url: RpcOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ends a feed's pause. By its admin, not by the guardian.

    Example:

      plumbline feed unpause spx-volatility --yes
    """
    _set_paused(ctx, name, paused=False, rpc_url=rpc_url, dry_run=dry_run, yes=yes)


def _set_paused(ctx: typer.Context, name: str, *, paused: bool, rpc_url: str | None, dry_run: bool, yes: bool) -> None:
    from oracle.cli.incidents import set_paused

    call = invocation(ctx)
    confirm(f"{'pause' if paused else 'unpause'} {name}", yes=yes or dry_run)
    facts = set_paused(call.settings, name, paused=paused, rpc_url=rpc_url, dry_run=dry_run)
    render.print_json(facts) if call.as_json else render.print_facts(facts)


@app.command("migrate")
def migrate(
    ctx: typer.Context,
    *,
    name: Name,
    version: Annotated[int, typer.Option("--version", min=0, help="The model's version; 0: the current one.")] = 0,
    rpc_url: RpcOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Moves a proven feed to another version of its model, for its next rounds. By its admin.

    The version must be active in the registry: `plumbline model deploy` brings it there.

    Example:

      plumbline feed migrate spx-volatility --version 2 --yes
    """
    from oracle.cli.incidents import migrate as migrated

    call = invocation(ctx)
    confirm(
        f"move {name} to {f'version {version}' if version else 'the current version'} of its model", yes=yes or dry_run
    )
    facts = migrated(call.settings, name, version, rpc_url=rpc_url, dry_run=dry_run)
    render.print_json(facts) if call.as_json else render.print_facts(facts)


def _answer(feed: dict[str, Any]) -> str:
    return render.decimal(feed["answer"], feed["decimals"])
