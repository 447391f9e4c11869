"""What alembic runs: the revisions, over the connection that oracle.store.migrating has opened and locked."""

from __future__ import annotations

from alembic import context

from oracle.store.migrating import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
