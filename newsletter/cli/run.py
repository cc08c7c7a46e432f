"""`newsletter run`: pages and sender under one command; the sender is a process of its own, for quick pages."""

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say, warn
from newsletter.operations.sender import sending
from newsletter.web.app import create_app
from newsletter.web.serving import listening, serve


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@pass_context
def run(context: Context, host: str, port: int) -> None:
    """Serve the pages and send whatever becomes due, until it is stopped. Ctrl-C or SIGTERM stops both in order."""
    app = create_app(context.parts)
    with (
        listening(host, port) as (listener, address),
        sending(context.config, on_end=lambda status: warn(f"The sender ended ({status}); it is started anew.")),
    ):
        serve(app, listener, lambda: say(f"Serving {context.settings.base_url} at {address}. Ctrl-C ends it."))
