"""`newsletter database`: its tables, brought up to date and looked at."""

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say
from newsletter.operations.schema import require_current
from newsletter.operations.schema import upgrade as bring_up_to_date


@click.group()
def database() -> None:
    """Look after the database."""


@database.command()
@pass_context
def upgrade(context: Context) -> None:
    """Bring an older database to this program's tables. Make a copy of it first."""
    opened = context.open_database(context.settings)
    changed = bring_up_to_date(opened)
    say(f"The database at {opened.place} {'was brought up to date' if changed else 'is up to date already'}.")


@database.command()
@pass_context
def check(context: Context) -> None:
    """Say whether the database can be reached and is this program's."""
    opened = context.open_database(context.settings)
    require_current(opened)
    say(f"The database at {opened.place} answers and is up to date.")
