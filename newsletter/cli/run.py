"""`newsletter run`: pages, sender, digests and the look at sources under one command; all but the pages elsewhere."""

from datetime import timedelta

import click

from newsletter.appeals.source import due_sources
from newsletter.cli.context import Context, late_option, pass_context
from newsletter.cli.screen import printable, say, warn
from newsletter.operations.chores import chore
from newsletter.operations.sender import sending
from newsletter.web.app import create_app
from newsletter.web.serving import listening, serve


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@late_option
@pass_context
def run(context: Context, host: str, port: int, late: timedelta | None) -> None:
    """Serve the pages, plan digests at each reader's hour, send whatever is due, look at sources, until it is stopped.

    Ctrl-C or SIGTERM stops all of it in order.
    """
    parts = context.parts
    app = create_app(parts)

    recurring = parts.recurring(late=late)
    plan = ["digest", "plan", "--due", *([] if late is None else ["--late", f"{late.total_seconds():.0f}s"])]

    def sources_due() -> bool:
        with parts.database.read() as session:
            return bool(due_sources(session, parts.clock()))

    def digests_due() -> bool:
        return recurring.is_due(parts.clock())

    def tell(said: str) -> None:
        warn(printable(said))

    with (
        listening(host, port) as (listener, address),
        sending(context.config, on_end=lambda status: warn(f"The sender ended ({status}); it is started anew.")),
        chore(context.config, "source", "poll", "--due", is_due=sources_due, on_fault=tell),
        chore(context.config, *plan, is_due=digests_due, on_fault=tell),
    ):
        serve(app, listener, lambda: say(f"Serving {context.settings.base_url} at {address}. Ctrl-C ends it."))
