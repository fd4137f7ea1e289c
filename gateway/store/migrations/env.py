"""Runs migrations on the connection that gateway.store.migrate hands over."""

from alembic import context

from gateway.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # gateway.store.migrate holds the one transaction
)
context.run_migrations()
