"""Sets the demo up in a folder of its own, sends one digest, and serves the pages until it is stopped."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import uvicorn
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Mount

from newsletter.appeals.countries import country_code
from newsletter.appeals.item import Item
from newsletter.appeals.model import Appeal
from newsletter.appeals.sources import read_source
from newsletter.delivery.planning import Plan
from newsletter.delivery.worker import SendReport
from newsletter.demo.inbox import create_inbox
from newsletter.demo.postbox import Postbox
from newsletter.errors import NewsletterError
from newsletter.operations.schema import upgrade
from newsletter.settings import Settings, load_settings, settings_file
from newsletter.web.app import create_app
from newsletter.wiring import Parts
from subscribers.csv_file import open_csv
from subscribers.database import Database
from subscribers.importing import import_subscribers
from subscribers.keys import Keys
from subscribers.preferences import Cadence


class PortTaken(NewsletterError):
    """Port {port} of this machine is in use. Give another with `newsletter demo --port`, or 0 for a free one."""


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


def run_demo(folder: Path, *, port: int, show: Callable[[Shown], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        folder: an empty one.
        port: for the pages; 0 takes a free one.
        show: told once everything is there and the pages answer.

    Raises:
        PortTaken: somebody else listens there.
    """
    listener = _listen(port)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    postbox = Postbox()
    smtp_port = postbox.open()
    try:
        parts = Parts(_settings(folder, base_url=base_url, smtp_port=smtp_port))
        shown = _set_up(parts, folder, base_url)
        pages = Starlette(routes=[Mount("/inbox", create_inbox(postbox)), Mount("/", create_app(parts))])
        config = uvicorn.Config(pages, access_log=False, log_level="warning", server_header=False)
        server = _Announcing(config, lambda: show(shown))
        server.run(sockets=[listener])
    finally:
        postbox.close()
        listener.close()


class _Announcing(uvicorn.Server):
    """Says so once it listens, not before: what is printed can be opened."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise PortTaken(port=port) from None
    return listener


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
    path = folder / "newsletter.toml"
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
            for file in sorted(samples.glob("*.md")):
                items = [_moved(item, now.date() - WRITTEN_ON) for item in read_source(str(file))]
                parts.desk.take_in(session, items, source=file.name, now=now)
            appeals = list(session.scalars(select(Appeal)))
            for appeal in appeals:
                appeal.approve(now)
        with open_csv(samples / "subscribers.csv") as csv, parts.database.write() as session:
            report = import_subscribers(
                session,
                csv,
                suppression=parts.suppression,
                default_language="en",
                country_code=country_code,
                now=now,
            )
    with parts.database.write() as session:
        plan = parts.planner().plan_digest(session, Cadence.WEEKLY, now=now)
    sent = asyncio.run(parts.worker().run())
    return Shown(folder=folder, base_url=base_url, appeals=len(appeals), people=report.taken, plan=plan, sent=sent)
