"""What every command shares: the settings, read when they are first needed."""

import re
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import click

from newsletter.languages import is_known
from newsletter.settings import Settings, is_language_tag, load_settings
from newsletter.wiring import Parts
from subscribers.database import Database

EARLIEST_YEAR, LATEST_YEAR = 2000, 2200


class Context:
    """Handed to each command by click."""

    def __init__(self, config: Path | None) -> None:
        """Take the path that --config names, or None."""
        self.config = config
        self._closing = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """The settings, checked."""
        return load_settings(self.config)

    @cached_property
    def parts(self) -> Parts:
        """Everything, joined; closed when the command ends."""
        return self._closing.enter_context(closing(Parts(self.settings)))

    def open_database(self, settings: Settings, *, create: bool = False) -> Database:
        """Open the database whatever its tables are; closed when the command ends."""
        database = Database(settings.database_url, create=create)
        self._closing.callback(database.dispose)
        return database

    def close(self) -> None:
        """Close all that was opened."""
        self._closing.close()


pass_context = click.make_pass_decorator(Context)


def language_tag(_context: click.Context, _option: click.Parameter, tag: str | None) -> str | None:
    """Take a language tag, or say how one is written."""
    if tag is not None and (not is_language_tag(tag) or not is_known(tag)):
        raise click.BadParameter(f"{tag!r} is no language that is known; write it as en or pt-BR")
    return tag


def language_tags(context: click.Context, option: click.Parameter, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Take several language tags in their order, or say how one is written."""
    return tuple(filter(None, (language_tag(context, option, tag) for tag in tags)))


as_organiser = click.option(
    "--as", "organiser", metavar="NAME", envvar="NEWSLETTER_AS", help="The organiser who does it; else the operator."
)


class Span(click.ParamType[timedelta]):
    """A length of time such as 90s, 30m, 6h or 2d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it, or say how it is written."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd]?)", str(value).strip())
        if found is None or (not found[2] and found[1] != "0"):
            self.fail(f"{value!r} is no length of time; write it as 90s, 30m, 6h or 2d", param, ctx)
        return timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}[found[2]])


def _late(_context: click.Context, _option: click.Parameter, span: timedelta | None) -> timedelta | None:
    # Whoever looks for what is due does so now and then: in between, nothing is missed.
    if span is not None and span < timedelta(hours=1):
        raise click.BadParameter("an hour is the least")
    return span


late_option = click.option(
    "--late",
    type=Span(),
    callback=_late,
    help="A digest whose hour passed longer ago, as 6h or 2d, while nothing ran does not come any more."
    "  [default: 1d for daily, 3d for weekly, 10d for monthly ones]",
)


class Moment(click.ParamType[datetime]):
    """A moment such as 2026-11-23T07:00Z; without a zone it is UTC."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or say how it is written."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a moment; write it as 2026-11-23T07:00Z", param, ctx)
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            self.fail(f"{value!r} lies too far from today", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
