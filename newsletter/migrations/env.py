"""Alembic's way in: the connection is handed over by `newsletter.operations.schema`."""

from alembic import context

import newsletter.appeals.model
import newsletter.delivery.model
import newsletter.editions.model  # noqa: F401
import subscribers.choices
import subscribers.consent
import subscribers.imports
import subscribers.model
import subscribers.requests
import subscribers.suppression  # noqa: F401 - each import adds its tables to the metadata
from subscribers.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    user_module_prefix="subscribers.database.",
)
with context.begin_transaction():
    context.run_migrations()
