"""`newsletter keys`: what seals the links in mails."""

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import counted, say, show_json
from subscribers.keys import Keys


@click.group()
def keys() -> None:
    """Renew what seals the links in mails."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Show which keys there are, and which one seals new links. Their secrets are never shown."""
    held = context.parts.keys
    found = [{"number": number, "current": number == held.current} for number in sorted(held.tokens)]
    if as_json:
        show_json(found)
        return
    for one in found:
        say(f"{one['number']:>3}  {'seals new links' if one['current'] else 'opens links in older mails'}")


@keys.command()
@click.option(
    "--forget-old",
    is_flag=True,
    help="Older keys open nothing any more: for when the keys file was stolen. Every link in every mail so far dies.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@pass_context
def rotate(context: Context, forget_old: bool, yes: bool) -> None:
    """Make a fresh key for new links. Links in older mails keep working, unless --forget-old is given."""
    path = context.settings.keys_file
    if forget_old and not yes:
        question = "No link in any mail that was sent so far will work, the ways out among them. Go on?"
        click.confirm(question, abort=True)
    made = Keys.rotate(path, forget_old=forget_old)
    say(f"New links are sealed with key {made.current}. Keep a copy of {path.name}, apart from the database's.")
    if forget_old:
        say("Restart `newsletter run`, `web` and `worker` now: until then they take the older keys.")
    else:
        older = counted(len(made.tokens) - 1, "older key")
        say(f"Links in older mails keep working ({older}). What runs learns of the fresh one by itself.")
