"""The command line: parse, call one domain verb, say what came of it. No rules here."""

import logging
import sys
from pathlib import Path

import click

from newsletter import __version__
from newsletter.cli.appeal import appeal
from newsletter.cli.context import Context
from newsletter.cli.database import database
from newsletter.cli.demo import demo
from newsletter.cli.digest import digest
from newsletter.cli.dkim import dkim
from newsletter.cli.init import init
from newsletter.cli.mailing import mailing
from newsletter.cli.run import run
from newsletter.cli.send import send, worker
from newsletter.cli.subscriber import subscriber
from newsletter.cli.web import web
from subscribers.errors import Fault

INTERRUPTED = 130  # 128 and SIGINT, as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; without it NEWSLETTER_CONFIG, then newsletter.toml in this folder.",
)
@click.version_option(__version__, prog_name="newsletter")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Newsletters and urgent alerts for solidarity campaigns.

    A first digest: init, appeal import, appeal approve, subscriber import, digest plan, send.
    To look around first: demo.
    """
    context.obj = Context(config)
    context.call_on_close(context.obj.close)


for command in (init, demo, appeal, subscriber, digest, mailing, run, send, worker, web, database, dkim):
    cli.add_command(command)


def main() -> None:
    """Run the command line: exit status 0 done, 1 refused or failed, 2 wrong usage."""
    # Libraries' warnings are for developers; what an operator must know is said in sentences.
    logging.getLogger("CSSUTILS").setLevel(logging.CRITICAL)
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Fault as fault:
        click.echo(f"Error: {fault}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; there is nobody to tell
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that may not be written: the system's words name it
        click.echo(f"Error: {error.filename or 'The system'}: {error.strerror or error}.", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
