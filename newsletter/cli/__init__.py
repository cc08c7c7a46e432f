"""The command line: parse, call one domain verb, say what came of it. No rules here."""

import gc
import logging
import sys
from importlib import import_module
from pathlib import Path

import click

from newsletter import __version__
from newsletter.cli.context import Context
from subscribers.errors import Fault

INTERRUPTED = 130  # 128 and SIGINT, as shells have it
# Where each command is; only the one that is called is loaded.
COMMANDS = {
    "init": "init",
    "demo": "demo",
    "alert": "alert",
    "appeal": "appeal",
    "name": "name",
    "organiser": "organiser",
    "source": "source",
    "subscriber": "subscriber",
    "digest": "digest",
    "mailing": "mailing",
    "run": "run",
    "send": "send",
    "worker": "send",
    "web": "web",
    "database": "database",
    "dkim": "dkim",
    "keys": "keys",
    "returns": "returns",
}


class Commands(click.Group):
    """The commands, each loaded when it is called or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name them."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"newsletter.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    if not gc.isenabled():  # see `__main__`; by now the command is loaded
        gc.freeze()
        gc.enable()
    context.obj = Context(config)
    context.call_on_close(context.obj.close)


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
