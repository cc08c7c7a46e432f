"""`newsletter web`: the pages that links in mails lead to."""

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say
from newsletter.web.app import create_app
from newsletter.web.serving import listening, serve


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@pass_context
def web(context: Context, host: str, port: int) -> None:
    """Serve the pages for joining, preferences and leaving. Ctrl-C ends it."""
    app = create_app(context.parts)
    with listening(host, port) as (listener, address):
        serve(app, listener, lambda: say(f"Serving {context.settings.base_url} at {address}. Ctrl-C ends it."))
