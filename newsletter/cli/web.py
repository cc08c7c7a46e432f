"""`newsletter web`: the pages that links in mails lead to."""

import click
import uvicorn

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say
from newsletter.web.app import create_app


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@pass_context
def web(context: Context, host: str, port: int) -> None:
    """Serve the pages for leaving and for preferences."""
    app = create_app(context.parts)
    say(f"Serving {context.settings.base_url} at http://{host}:{port}. Ctrl-C stops.")
    # No access log: the addresses of these pages hold tokens.
    uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", server_header=False)
