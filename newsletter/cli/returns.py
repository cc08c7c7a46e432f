"""`newsletter returns`: mails that come back are brought in here."""

import sys
from collections import Counter
from pathlib import Path

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import counted, say, show_json
from newsletter.errors import NewsletterError
from newsletter.returns.unsubscribing import MAX_HEADER_BYTES, Heard, may_ask, requested, unsubscribe_by_mail

_SAID = {
    Heard.LEFT: "somebody has left the list",
    Heard.ALREADY: "they had left before",
    Heard.UNMARKED: "asks to leave without the mark of our mails: read it, then `subscriber unsubscribe EMAIL`",
    Heard.NO_REQUEST: "does not ask to leave; it was left alone",
}


class CanNotRead(NewsletterError):
    """Can't read {path}: {reason}."""


@click.group()
def returns() -> None:
    """Act on mails that come back."""


@returns.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def ingest(context: Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Take in mails: each PATH is a file with one, a folder of such, or - for standard input.

    Requests to leave are done, as mail programs send them to unsubscribe_address. To have your mail server do this by
    itself, let it pipe that address's mail here; in Postfix's or Exim's aliases: leave: "|newsletter returns ingest -"
    """
    parts = context.parts
    heard: Counter[Heard] = Counter()
    for path in _files(paths):
        data = _read(path)
        found = Heard.UNMARKED if may_ask(data) else Heard.NO_REQUEST
        if asked := requested(data):
            with parts.database.write() as session:
                found = unsubscribe_by_mail(
                    session, asked, tokens=parts.tokens, suppression=parts.suppression, now=parts.clock()
                )
        heard[found] += 1
        if not as_json:
            say(f"{'the mail' if str(path) == '-' else path}: {_SAID[found]}")
    if as_json:
        show_json({one.value: heard[one] for one in Heard})
    elif sum(heard.values()) > 1:
        say(f"{counted(sum(heard.values()), 'mail')}: {counted(heard[Heard.LEFT], 'person', 'people')} left.")


def _files(paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return found


def _read(path: Path) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MAX_HEADER_BYTES)
        with path.open("rb") as file:
            return file.read(MAX_HEADER_BYTES)
    except OSError as error:
        raise CanNotRead(path=path, reason=(error.strerror or str(error)).lower()) from None
