"""`newsletter init`: settings, keys and database, asking nothing that has a default."""

from pathlib import Path

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say
from newsletter.errors import NewsletterError
from newsletter.operations.schema import is_in_use, upgrade
from newsletter.settings import FILE_NAME, load_settings, settings_file
from subscribers.keys import Keys


class KeysLost(NewsletterError):
    """{path} is missing, and the database needs its own: put the copy back. Only for a new start move both away."""


@click.command()
@pass_context
def init(context: Context) -> None:
    """Write newsletter.toml and newsletter.keys here, and create or upgrade the database.

    What is there already is kept; running it again is safe.
    """
    path = context.config or Path(FILE_NAME)
    if path.exists():
        say(f"{path} is there already and stays as it is.")
    else:
        path.touch(mode=0o600)  # the relay's password may come to stand in it
        path.write_text(settings_file(), encoding="utf-8")
        say(f"Wrote {path}: set organisation, base_url, sender_address and smtp_host in it.")
    settings = load_settings(path)
    database = context.open_database(settings, create=True)
    if settings.keys_file.exists():
        Keys.load(settings.keys_file)
        say(f"{settings.keys_file.name} is there already and stays as it is.")
    elif is_in_use(database):
        # Fresh keys would end every link in mails already sent, and nobody who left would be recognised.
        raise KeysLost(path=settings.keys_file)
    else:
        Keys.generate().save(settings.keys_file)
        say(f"Wrote {settings.keys_file.name}: keep a copy of it, apart from the database's.")
    if upgrade(database):
        say(f"The database at {database.place} is ready.")
    else:
        say(f"The database at {database.place} is up to date.")
