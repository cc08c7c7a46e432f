"""Sets the demo up in a folder of its own, sends one digest, and serves the pages until it is stopped."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import cast

from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Mount

from newsletter.appeals.countries import country_code
from newsletter.appeals.item import Item
from newsletter.appeals.model import Act, Appeal
from newsletter.appeals.organisers import add_organiser
from newsletter.appeals.sources import read_source
from newsletter.delivery.planning import Plan
from newsletter.delivery.worker import SendReport
from newsletter.demo.inbox import create_inbox
from newsletter.demo.postbox import Postbox
from newsletter.operations.schema import upgrade
from newsletter.operations.sender import sending
from newsletter.settings import Settings, load_settings, settings_file
from newsletter.web.app import create_app
from newsletter.web.serving import CannotListen, listening, serve
from newsletter.wiring import Parts
from subscribers.csv_file import open_csv
from subscribers.database import Database
from subscribers.importing import import_subscribers
from subscribers.keys import Keys
from subscribers.preferences import Cadence

USUAL_PORT = 8025
SETTINGS = "newsletter.toml"
WRITTEN_ON = date(2026, 11, 23)  # the day that the samples' dates and deadlines belong to


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was set up, for the one who started it.

    Attributes:
        folder: where settings, keys and database are.
        base_url: where the pages are.
        appeals, people: how many were taken in.
        plan, sent: what became of the digest.
    """

    folder: Path
    base_url: str
    appeals: int
    people: int
    plan: Plan
    sent: SendReport


def run_demo(folder: Path, *, port: int | None, show: Callable[[Shown], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        folder: an empty one.
        port: for the pages; 0 takes a free one, None the usual one or, if that is taken, a free one.
        show: told once everything is there and the pages answer.

    Raises:
        CannotListen: somebody else listens there.
    """
    with ExitStack() as stack:
        listener, base_url = _listen(stack, port)
        postbox = stack.enter_context(Postbox())
        parts = stack.enter_context(closing(Parts(_settings(folder, base_url=base_url, smtp_port=postbox.port))))
        shown = _set_up(parts, folder, base_url)
        # From here on mails go out as they come up: whoever tries the form finds the mail in the inbox.
        stack.enter_context(sending(folder / SETTINGS, on_end=lambda _status: None))
        app = create_app(parts)
        pages = Starlette(
            routes=[Mount("/inbox", create_inbox(postbox)), Mount("/", app)],
            lifespan=lambda _pages: cast("AbstractAsyncContextManager[None]", app.router.lifespan_context(app)),
        )
        serve(pages, listener, lambda: show(shown))


def _listen(stack: ExitStack, port: int | None) -> tuple[socket.socket, str]:
    try:
        return stack.enter_context(listening("127.0.0.1", USUAL_PORT if port is None else port))
    except CannotListen:
        if port is not None:
            raise
        return stack.enter_context(listening("127.0.0.1", 0))


def _settings(folder: Path, *, base_url: str, smtp_port: int) -> Settings:
    """Write real settings, so that every other command can be tried on the demo with --config."""
    own = {
        "base_url": f'"{base_url}"',
        "organisation": '"Hands Across Borders"',
        "postal_address": '"Hands Across Borders, 12 Mill Lane, Exampleton"',
        "sender_address": '"appeals@hands.example"',
        "smtp_host": '"127.0.0.1"',
        "smtp_port": str(smtp_port),
    }
    lines = [
        f"{key} = {own[key]}" if (key := line.partition(" = ")[0].lstrip("#")) in own and " = " in line else line
        for line in settings_file().splitlines()
    ]
    path = folder / SETTINGS
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = load_settings(path)
    Keys.generate().save(settings.keys_file)
    database = Database(settings.database_url, create=True)
    upgrade(database)
    database.dispose()
    return settings


def _moved(item: Item, by: timedelta) -> Item:
    """Bring a sample's dates to today: a demo of appeals whose deadlines have passed would show nothing."""
    deadline = item.deadline + by if item.deadline else None
    return replace(item, published_on=item.published_on + by, deadline=deadline)


def _set_up(parts: Parts, folder: Path, base_url: str) -> Shown:
    """Do what an organiser would: import, approve, bring people in, plan, send."""
    now = parts.clock()
    with as_file(files("newsletter") / "demo" / "samples") as samples:
        with parts.database.write() as session:
            # English first: an appeal is listed by the text that it came with.
            for file in sorted(samples.glob("*.md"), key=lambda file: (".en." not in file.name, file.name)):
                items = [_moved(item, now.date() - WRITTEN_ON) for item in read_source(str(file))]
                parts.desk.take_in(session, items, source=file.name, now=now)
            add_organiser(session, "Rosa", now=now)
            appeals = list(session.scalars(select(Appeal)))
            for appeal in appeals:
                appeal.approve(Act(by="Rosa", at=now), second_look=True)
                appeal.release(Act(by="Rosa", at=now))
        with open_csv(samples / "subscribers.csv") as csv, parts.database.write() as session:
            report = import_subscribers(
                session,
                csv,
                suppression=parts.suppression,
                default_language="en",
                country_code=country_code,
                now=now,
            )
    plan = parts.planner().launch(Cadence.WEEKLY, now=now)
    sent = asyncio.run(parts.worker().run())
    return Shown(folder=folder, base_url=base_url, appeals=len(appeals), people=report.taken, plan=plan, sent=sent)
