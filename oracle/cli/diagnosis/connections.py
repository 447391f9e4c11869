"""The chain, the database, and the stack that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from oracle.cli import stack as records
from oracle.cli.diagnosis.check import Check, broken, note, ok
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.errors import NotFound, OracleError
from oracle.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def check_contracts(settings: Settings) -> Iterator[Check]:
    """The compiled contracts."""
    from oracle.chain import build

    found = build.load_all(settings)
    if {"ModelRegistry", "InferenceVerifier", "ObservationFeed", "RiskFeed", "LendingVault"} <= set(found):
        yield ok("contracts", f"{len(found)} compiled in {build.artifacts_dir(settings)}")
    else:
        yield broken("contracts", f"not compiled in {build.artifacts_dir(settings)}", "run `make contracts`")


def check_chain(settings: Settings) -> Iterator[Check]:
    """The RPC and its chain id, and what the keys have on it."""
    from oracle.chain.client import ChainClient
    from oracle.cli.diagnosis.keys import check_balances

    stack = records.find(settings)
    rpc_url = settings.rpc_url or (stack.rpc_url if stack is not None and stack.alive() else "")
    if not rpc_url:
        yield note("rpc", "none configured and no stack running", "start the embedded one with `plumbline up`")
        return
    client = ChainClient.connect(settings, rpc_url, tries=1)
    yield ok("rpc", f"{rpc_url}, chain {client.chain_id}, block {client.head().number}")
    yield from check_balances(settings, client)


def check_confirmations(settings: Settings) -> Iterator[Check]:
    """Confirmations that fit the chain."""
    if settings.chain_id not in LOCAL_CHAIN_IDS and settings.confirmations == 0:
        yield note(
            "confirmations", "0 on a chain that may reorganise", "set PLUMBLINE_CONFIRMATIONS past its reorg depth"
        )


def check_database(settings: Settings) -> Iterator[Check]:
    """The database that requests and transactions are kept in."""
    import sqlalchemy as sa

    from oracle.store import db

    url = db.database_url(settings)
    shown = sa.make_url(url).render_as_string(hide_password=True)
    if not settings.database_url and not (settings.state_dir / db.DATABASE_NAME).exists():
        yield ok("database", f"{shown}, made at first use")
        return
    engine = db.open_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT 1")).scalar_one()
            if engine.dialect.name == "sqlite":
                found = connection.execute(sa.text("PRAGMA quick_check")).scalar_one()
        if found not in (1, "ok"):
            remedy = "run `plumbline down`, then `plumbline up --fresh`"
            yield broken("database", f"{shown} is damaged: {found}", remedy)
            return
        yield ok("database", shown)
        yield _schema(engine)
        if engine.dialect.name == "postgresql":
            yield _connections(engine)
    except sa.exc.DBAPIError as error:
        mended = db.database_error(error)
        yield broken("database", str(mended), mended.remedy)
    finally:
        engine.dispose()


def _schema(engine: Engine) -> Check:
    from oracle.store import migrating

    found, wanted = migrating.current(engine), migrating.newest()
    if found == wanted:
        return ok("schema", f"revision {found}")
    if found and found not in {script.revision for script in migrating.scripts().walk_revisions()}:
        return broken("schema", f"revision {found} is none of this version's", "install the version that migrated it")
    remedy = "it is brought up to date at the next start, or by `plumbline db upgrade`"
    return note("schema", f"revision {found or 'none'}, this version's is {wanted}", remedy)


def _connections(engine: Engine) -> Check:
    """Whether the server has connections left for one more process."""
    import sqlalchemy as sa

    from oracle.store.db import CONNECTIONS

    with engine.connect() as connection:
        most = int(connection.execute(sa.text("SHOW max_connections")).scalar_one())
        used = int(connection.execute(sa.text("SELECT count(*) FROM pg_stat_activity")).scalar_one())
    detail = f"{used} of {most} connections are in use; a process takes up to {CONNECTIONS}"
    if most - used < CONNECTIONS:
        return note("connections", detail, "raise the server's max_connections, or run fewer processes")
    return ok("connections", detail)


def check_stack(settings: Settings) -> Iterator[Check]:
    """The running stack: its processes, and whether its service is ready."""
    from oracle.cli.service_access import api

    try:
        stack = records.require(settings)
    except NotFound as error:
        yield note("stack", str(error), error.remedy)
        return
    for name in ("supervisor", "service", "anvil"):
        process = getattr(stack, name)
        if process is None or (name == "anvil" and not stack.embedded):
            continue
        if process.ref.alive():
            yield ok(name, f"pid {process.pid}")
        else:
            yield broken(name, f"pid {process.pid} has ended", "run `plumbline up`: it takes over what still runs")
    try:
        with api(settings) as client:
            client.get("/v1/health/ready")
        yield ok("api", stack.api_url)
    except OracleError as error:
        yield broken("api", str(error), f"see {settings.state_dir / 'logs' / 'service.log'}")
