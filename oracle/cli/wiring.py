"""The one place where the parts are put together: settings -> chain, database, engine, keys, sender, service."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from eth_account.signers.local import LocalAccount

from oracle.chain.accounts import configured_account, local_roles, operator_account, sending_accounts
from oracle.chain.client import ChainClient, checked_address
from oracle.chain.deploy import Deployer
from oracle.chain.records import load_deployment
from oracle.chain.sender import Sender
from oracle.chain.sender_pool import SenderPool
from oracle.chain.signers import Signer
from oracle.cli import stack as records
from oracle.cli.market_plan import names
from oracle.cli.proving import opened_engine
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.domain.deployment import Deployment
from oracle.domain.outbox import Outbox
from oracle.errors import ConfigurationError, NotFound
from oracle.market.base import MarketSource
from oracle.settings import Settings
from oracle.units import WAD

WORKFLOWS_NAME: Final = "workflows.db"
# A worker waits so long for a service that starts at the same time
LEADER_SECS: Final = 60.0

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from oracle.daemon.book import BookService
    from oracle.daemon.service import OracleService, Role

Say = Callable[[str], None]


def connect(settings: Settings, rpc_url: str | None = None) -> ChainClient:
    """The chain at `rpc_url`, else at settings.rpc_url, else of the running stack. Raises NotFound without any."""
    if not rpc_url and not settings.rpc_url:
        rpc_url = records.require(settings).rpc_url
    return ChainClient.connect(settings, rpc_url or settings.rpc_url)


@contextmanager
def opened_database(settings: Settings) -> Iterator[Engine]:
    """The database with its tables, closed at the end."""
    from oracle.store import db

    engine = db.open_engine(db.database_url(settings))
    try:
        db.create_tables(engine)
        yield engine
    finally:
        engine.dispose()


def deploying_account(settings: Settings) -> Signer:
    """Who owns what is deployed: the configured key, on a local chain else its deployer."""
    configured = configured_account(settings)
    if configured is None and settings.chain_id in LOCAL_CHAIN_IDS:
        return local_roles(settings.chain_id).deployer
    return operator_account(settings)


def deployer(client: ChainClient, database: Engine, say: Say, namespace: str = "") -> Deployer:
    """What deploys onto a chain, and registers models there; a service's nonces are of its own namespace."""
    from oracle.store.outbox import SqlOutbox

    account = deploying_account(client.settings)
    return Deployer(client, Sender(client, account, SqlOutbox(database, namespace)), say)


def _quietly(_: str) -> None:
    pass


def sender_pool(client: ChainClient, outbox: Outbox) -> SenderPool:
    """All keys that send, over one outbox."""
    senders = [Sender(client, account, outbox) for account in sending_accounts(client.settings)]
    return SenderPool(client, senders, outbox, int(client.settings.balance_floor_eth * WAD))


def deployment(client: ChainClient) -> Deployment:
    """What is deployed on a chain. Raises NotFound when nothing is recorded."""
    found = load_deployment(client.settings, client.chain_id, client.chain_key)
    if found is None:
        raise NotFound(
            f"nothing is deployed on chain {client.chain_id} as far as {client.settings.state_dir} knows",
            remedy="deploy with `plumbline deploy`, or `plumbline up` for the embedded chain",
        )
    return found


@contextmanager
def opened_service(
    settings: Settings,
    client: ChainClient,
    sources: Sequence[MarketSource],
    *,
    role: Role | None = None,
    stop_secs: float | None = None,
) -> Iterator[OracleService]:
    """The service over what is deployed on a chain, started, and stopped at the end, which takes up to `stop_secs`.

    Each source serves the price feed that its symbol names. Raises NotFound when nothing is deployed.
    """
    from oracle.daemon.service import STOP_TIMEOUT_SECS, OracleService, Role, deployment_id
    from oracle.store import db
    from oracle.store.executors import DeploymentStore
    from oracle.store.outbox import SqlOutbox

    role = role or Role(_name_of(settings), shares=bool(settings.database_url))
    with opened_database(settings) as database, opened_engine(settings) as engine:
        shared, told = DeploymentStore(database), list[Deployment]()

        def deployed() -> Deployment:
            found = None if role.leads else shared.find(client.chain_key)
            found = found or deployment(client)
            if role.leads and told != [found]:  # at the start, and after a deployment, whoever made it
                shared.save(found)
                told[:] = [found]
            return found

        record = deployed() if role.leads else _told(deployed)
        workflows = db.open_engine(settings.database_url or db.sqlite_url(settings.state_dir / WORKFLOWS_NAME))
        service = OracleService.build(
            settings=settings,
            client=client,
            deployment=deployed,
            engine=engine,
            sender=sender_pool(client, SqlOutbox(database, deployment_id(record))),
            database=database,
            workflows=workflows,
            sources={names(source).price: source for source in sources},
            publisher_keys=_publisher_keys(settings),
            role=role,
            deployer=(lambda: deployer(client, database, _quietly, deployment_id(record))) if role.leads else None,
        )
        try:
            service.start()
            yield service
        finally:
            service.stop(STOP_TIMEOUT_SECS if stop_secs is None else stop_secs)
            workflows.dispose()


def _told(deployed: Callable[[], Deployment]) -> Deployment:
    """What is deployed, once the process that leads has said so; workers may start before it."""
    deadline = time.monotonic() + LEADER_SECS
    while True:
        try:
            return deployed()
        except NotFound:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)


def _name_of(settings: Settings) -> str:
    """The name of the process that serves this state folder: the same after its death, so that it resumes at once."""
    if not settings.database_url:
        return "local"
    folder = hashlib.sha256(str(settings.state_dir).encode()).hexdigest()[:8]
    return f"serve-{socket.gethostname()}-{folder}"


@contextmanager
def opened_book(client: ChainClient, sender: Sender) -> Iterator[BookService | None]:
    """The order book of the settings, started, and stopped at the end; None where they name none.

    Raises ConfigurationError when the settings' key is not its operator's.
    """
    settings = client.settings
    if not settings.book_address:
        yield None
        return
    from oracle.daemon.book import BookService
    from oracle.store.book import BookStore

    account = operator_account(settings)
    if not isinstance(account, LocalAccount):
        raise ConfigurationError(
            "an order book's receipts are signed by a key of this process, which a remote signer is not",
            remedy="give the operator's key or keystore, or unset PLUMBLINE_BOOK_ADDRESS",
        )
    key = f"{client.chain_key}:{checked_address(settings.book_address)}"
    with opened_database(settings) as database:
        book = BookService(client, sender, account, BookStore(database, key), settings.book_address)
        book.start()
        try:
            yield book
        finally:
            book.stop()


def _publisher_keys(settings: Settings) -> list[bytes]:
    """The keys that this process signs reports with: on a local chain every publisher's."""
    if settings.chain_id not in LOCAL_CHAIN_IDS:
        return []
    return [bytes(account.key) for account in local_roles(settings.chain_id).publishers]
