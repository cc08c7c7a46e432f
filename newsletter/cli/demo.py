"""`newsletter demo`: look around without setting anything up."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from newsletter.cli.screen import counted, say
from newsletter.demo.run import Shown, run_demo


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help="For the pages; without it 8025, or a free one if that is taken."
)
def demo(port: int | None) -> None:
    """Show the whole thing on this machine: sample appeals, sample people, one digest, and an inbox.

    Everything is in a temporary folder that goes when you stop it. No mail leaves this machine.
    """
    with tempfile.TemporaryDirectory(prefix="newsletter-demo-") as folder:
        run_demo(Path(folder), port=port, show=_tell)
    say("The demo is over; nothing of it is left.")


def _tell(shown: Shown) -> None:
    config = shown.folder / "newsletter.toml"
    command = "newsletter" if shutil.which("newsletter") else sys.argv[0]
    accepted = shown.sent.outcomes.get("accepted", 0)
    say(
        f"{counted(shown.appeals, 'appeal')} and {counted(shown.people, 'subscriber')} are in, and one weekly digest "
        f"went out: {counted(accepted, 'mail')} in {counted(shown.plan.editions, 'edition')}."
    )
    say(f"""
  The inbox    {shown.base_url}/inbox/

Open a mail there and press its unsubscribe link. To try more, in another terminal:

  {command} --config {config} appeal list
  {command} --config {config} subscriber list
  {command} --config {config} mailing show 1
  {command} --config {config} digest preview --language ar --output {shown.folder}/preview

Ctrl-C ends it.""")
