"""`newsletter organiser`: who may act for the organisation."""

import click
from sqlalchemy import select

from newsletter.appeals.organisers import Organiser, add_organiser, find_organiser
from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say, show_json, show_table


@click.group()
def organiser() -> None:
    """Name those who may act for the organisation: `--as NAME` says on any command who does it."""


@organiser.command()
@click.argument("name")
@pass_context
def add(context: Context, name: str) -> None:
    """Let somebody act."""
    with context.parts.database.write() as session:
        made = add_organiser(session, name, now=context.parts.clock()).name
    say(f"{made} may act now.")


@organiser.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Show them all."""
    with context.parts.database.read() as session:
        rows = session.scalars(select(Organiser).order_by(Organiser.id)).all()
        documents = [
            {
                "name": row.name,
                "added_at": row.added_at.isoformat(timespec="seconds"),
                "removed_at": row.removed_at.isoformat(timespec="seconds") if row.removed_at else None,
            }
            for row in rows
        ]
    if as_json:
        show_json(documents)
    elif not documents:
        say("There are none yet. Add one with `newsletter organiser add NAME`.")
    else:
        columns = ("name", "added_at", "removed_at")
        show_table(columns, [tuple(str(document[column] or "") for column in columns) for document in documents])


@organiser.command()
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Let somebody act no more. What they did stays recorded."""
    with context.parts.database.write() as session:
        found = find_organiser(session, name)
        found.removed_at = context.parts.clock()
        removed = found.name
    say(f"{removed} may not act any more.")
