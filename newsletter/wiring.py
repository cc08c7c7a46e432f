"""Joins the parts. The one place that knows them all; nothing is created before it is asked for."""

import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property

from newsletter.appeals.countries import propose_countries
from newsletter.appeals.intake import Desk
from newsletter.appeals.urgency import propose_urgent
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.planning import Planner
from newsletter.delivery.smtp import Relay, SmtpCourier
from newsletter.delivery.stamp import Links, Stamp
from newsletter.delivery.worker import Worker
from newsletter.editions.compose import EditionPress
from newsletter.editions.message import Sender
from newsletter.editions.render import Renderer
from newsletter.editions.view import Brand
from newsletter.operations.schema import require_current
from newsletter.settings import Settings
from subscribers.database import Database
from subscribers.keys import Keys
from subscribers.suppression import SuppressionList
from subscribers.tokens import Tokens


def utc_now() -> datetime:
    """Give the moment; the only clock that is read."""
    return datetime.now(UTC)


class Parts:
    """The newsletter's parts, joined by its settings; each is made when it is first asked for."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Take the settings, and the clock that everything goes by."""
        self.settings = settings
        self.clock = clock

    def close(self) -> None:
        """Close what was opened."""
        if "database" in self.__dict__:
            self.database.dispose()

    @cached_property
    def database(self) -> Database:
        """The database, refused unless its tables are this program's."""
        database = Database(self.settings.database_url)
        try:
            require_current(database)
        except Exception:
            database.dispose()
            raise
        return database

    @cached_property
    def keys(self) -> Keys:
        """The secrets."""
        return Keys.load(self.settings.keys_file)

    @cached_property
    def suppression(self) -> SuppressionList:
        """Who must get no mail."""
        return SuppressionList(self.keys.suppression)

    @cached_property
    def tokens(self) -> Tokens:
        """What seals links."""
        return Tokens(self.keys)

    @cached_property
    def links(self) -> Links:
        """Where links lead."""
        return Links(self.tokens, self.settings.base_url)

    @cached_property
    def brand(self) -> Brand:
        """The organisation's face."""
        settings = self.settings
        return Brand(
            name=settings.organisation,
            colour=settings.colour,
            postal_address=settings.postal_address,
            home_url=settings.home_url,
        )

    @cached_property
    def renderer(self) -> Renderer:
        """What turns appeals into words and pictures of words."""
        return Renderer(self.brand, override=self.settings.templates)

    @cached_property
    def sender(self) -> Sender:
        """Who mail comes from."""
        settings = self.settings
        return Sender(
            name=settings.sender_name or settings.organisation,
            address=settings.sender_address,
            bounce_address=settings.bounce_address or settings.sender_address,
            unsubscribe_address=settings.unsubscribe_address or settings.sender_address,
            list_id=settings.list_identifier,
            list_name=settings.organisation,
        )

    @cached_property
    def desk(self) -> Desk:
        """Where appeals are taken in."""
        return Desk(database=self.database, propose_countries=propose_countries, propose_urgent=propose_urgent)

    def planner(self, on_progress: Callable[[int], None] = lambda _count: None) -> Planner:
        """Make a planner; a fresh one for each planning, since it keeps what it has rendered."""
        return Planner(
            database=self.database,
            press=EditionPress(self.renderer),
            lookback=timedelta(days=self.settings.lookback_days),
            message_domain=self.settings.sender_domain,
            on_progress=on_progress,
        )

    def worker(self, on_progress: Callable[[Counter[str]], None] = lambda _outcomes: None) -> Worker:
        """Make a sending worker with a name that no other has."""
        settings = self.settings
        relay = Relay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            ca_file=settings.smtp_ca_file,
            username=settings.smtp_username,
            password=settings.smtp_password,
            timeout_s=settings.smtp_timeout_s,
        )
        name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        return Worker(
            database=self.database,
            outbox=Outbox(self.database, self.suppression, worker=name),
            stamp=Stamp(self.database, self.links, self.sender),
            courier=lambda: SmtpCourier(relay),
            connections=settings.smtp_connections,
            clock=self.clock,
            on_progress=on_progress,
        )
