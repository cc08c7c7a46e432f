"""Joins the parts. The one place that knows them all; nothing is created before it is asked for.

Nor is loaded what reads appeals and renders mails, which a sender does without: it takes long, and 40 MB.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter.delivery import warm_up
from newsletter.delivery.beside import Beside, beside
from newsletter.delivery.bookkeeper import Bookkeeper
from newsletter.delivery.dkim import signers
from newsletter.delivery.letters import Mailroom
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.pace import Pace
from newsletter.delivery.relays import Relays
from newsletter.delivery.smtp import Relay, SmtpCourier
from newsletter.delivery.stamp import Links, Stamp
from newsletter.delivery.worker import CLAIMS_PER_LINE, Worker
from newsletter.editions.message import Sender
from newsletter.editions.prepared import Signer
from newsletter.editions.view import Brand, fitted
from newsletter.operations.schema import require_current
from newsletter.settings import Settings
from subscribers.database import Database
from subscribers.keys import Keys, KeysWatch
from subscribers.suppression import SuppressionList
from subscribers.together import Together
from subscribers.tokens import Tokens

SIGN_UP_COOLDOWN = timedelta(hours=1)  # after a mail to confirm a sign-up no other one goes to that address for so long

if TYPE_CHECKING:
    from newsletter.appeals.intake import Desk
    from newsletter.appeals.pictures import Picture
    from newsletter.appeals.polling import Poller
    from newsletter.appeals.protected import NameSeal
    from newsletter.appeals.sources.fetching import WebFetch
    from newsletter.delivery.alerting import Alerts
    from newsletter.delivery.planning import Planner
    from newsletter.delivery.reception import Reception
    from newsletter.delivery.recurring import Recurring
    from newsletter.delivery.service_mails import ServiceDesk
    from newsletter.editions.compose import EditionPress
    from newsletter.editions.dead_links import DeadLinks
    from newsletter.editions.render import Renderer


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
        if "together" in self.__dict__:
            self.together.close()
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
    def together(self) -> Together:
        """What writes for many people at once."""
        return Together(self.database)

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
        return Tokens(self.keys, news=KeysWatch(self.settings.keys_file).news)

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
            appeals_url=f"{settings.base_url}/appeals",
            join_url=f"{settings.base_url}/subscribe",
            footer=settings.footer,
            logo=None if self.logo is None else fitted(self.logo, settings.base_url),
        )

    @cached_property
    def logo(self) -> "Picture | None":
        """The picture of the organisation's name, made anew; None where there is none."""
        if self.settings.logo is None:
            return None
        from newsletter.appeals.pictures import made_anew, read_picture  # noqa: PLC0415 - see above

        return made_anew(read_picture(self.settings.logo), place=str(self.settings.logo))

    @cached_property
    def renderer(self) -> "Renderer":
        """What turns appeals into words and pictures of words."""
        from newsletter.editions.render import Renderer  # noqa: PLC0415 - see above

        return Renderer(self.brand, override=self.settings.templates)

    @cached_property
    def sender(self) -> Sender:
        """Who mail comes from."""
        settings = self.settings
        return Sender(
            name=settings.organisation,
            address=settings.sender_address,
            bounce_address=settings.bounce_address or settings.sender_address,
            unsubscribe_address=settings.unsubscribe_address or settings.sender_address,
            list_id=settings.list_identifier,
            list_name=settings.organisation,
        )

    @cached_property
    def name_seal(self) -> "NameSeal":
        """What opens the names that may be said only with consent."""
        from newsletter.appeals.protected import NameSeal  # noqa: PLC0415 - see above

        return NameSeal(self.keys.lasting(b"names of people who may not be named"))

    @cached_property
    def desk(self) -> "Desk":
        """Where appeals are taken in."""
        from newsletter.appeals.countries import propose_countries  # noqa: PLC0415 - see above
        from newsletter.appeals.intake import Desk  # noqa: PLC0415
        from newsletter.appeals.urgency import propose_urgent  # noqa: PLC0415

        return Desk(
            database=self.database,
            seal=self.name_seal,
            propose_countries=propose_countries,
            propose_urgent=propose_urgent,
        )

    def web_fetch(self, *, robots: bool = True, pause_s: float = 1.0) -> "WebFetch":
        """Make what gets sources' pages, for one round."""
        from newsletter.appeals.sources.fetching import WebFetch  # noqa: PLC0415 - see above

        return WebFetch(allowed=self.settings.fetch_networks, robots=robots, pause_s=pause_s, limit_bytes=20_000_000)

    def poller(self) -> "Poller":
        """Make what looks at sources."""
        from newsletter.appeals.polling import Poller  # noqa: PLC0415 - see above

        return Poller(database=self.database, desk=self.desk, web=self.web_fetch, clock=self.clock)

    def press(self) -> "EditionPress":
        """Make what prints editions; a fresh one each time, since it keeps what it has rendered."""
        from newsletter.editions.compose import EditionPress  # noqa: PLC0415 - see above

        return EditionPress(self.renderer, self.name_seal, self.settings.base_url)

    def planner(self) -> "Planner":
        """Make a planner; a fresh one for each planning, since it keeps what it has rendered."""
        from newsletter.delivery.freezing import Freezing  # noqa: PLC0415 - see above
        from newsletter.delivery.planning import Planner  # noqa: PLC0415

        press = self.press()
        return Planner(
            database=self.database,
            press=press,
            freezing=Freezing(database=self.database, press=press, time_zone=self.settings.time_zone),
            lookback=timedelta(days=self.settings.lookback_days),
            message_domain=self.settings.sender_domain,
            most=self.settings.digest_most,
        )

    def dead_links(self) -> "DeadLinks":
        """Make what asks whether links lead anywhere."""
        from newsletter.editions.dead_links import DeadLinks  # noqa: PLC0415 - see above

        return DeadLinks(self.settings.base_url, allowed=self.settings.fetch_networks)

    def alerts(self) -> "Alerts":
        """Make what launches alerts; fresh for each."""
        from newsletter.delivery.alerting import Alerts  # noqa: PLC0415 - see above

        return Alerts(
            database=self.database,
            press=self.press(),
            message_domain=self.settings.sender_domain,
            time_zone=self.settings.time_zone,
            second_look=self.settings.second_look,
        )

    def recurring(self, *, late: timedelta | None = None) -> "Recurring":
        """Make what plans whatever is due, up to so long after its hour."""
        from newsletter.delivery.recurring import Recurring  # noqa: PLC0415 - see above

        return Recurring(
            database=self.database,
            planner=self.planner,
            time_zone=self.settings.time_zone,
            late=late,
        )

    @cached_property
    def service_desk(self) -> "ServiceDesk":
        """What writes service mails."""
        from newsletter.delivery.service_mails import ServiceDesk  # noqa: PLC0415 - see above

        return ServiceDesk(self.renderer, message_domain=self.settings.sender_domain)

    @cached_property
    def reception(self) -> "Reception":
        """What sees to sign-ups."""
        from newsletter.delivery.reception import Reception  # noqa: PLC0415 - see above

        return Reception(
            database=self.database,
            desk=self.service_desk,
            suppression=self.suppression,
            cooldown=SIGN_UP_COOLDOWN,
        )

    @cached_property
    def courier(self) -> Relays:
        """What hands mail over."""
        settings = self.settings
        relays = [
            Relay(
                host=host,
                port=port,
                security=settings.smtp_security,
                username=settings.smtp_username,
                password=settings.smtp_password,
            )
            for host, port in settings.smtp_servers
        ]
        return Relays([SmtpCourier(relay) for relay in relays])

    @cached_property
    def signers(self) -> tuple[Signer, ...]:
        """Who signs mails."""
        settings = self.settings
        if not settings.dkim_selector:
            return ()
        return tuple(signers(settings.dkim_selectors, self.keys, settings.sender_domain))

    def outbox(self) -> Outbox:
        """Make a queue's end, for one worker."""
        return Outbox(self.database, self.suppression, time_zone=self.settings.time_zone)

    def bookkeeper(self) -> Bookkeeper:
        """Make what asks the database for a worker."""
        stamp = Stamp(self.links, self.sender)
        return Bookkeeper(self.database, self.outbox(), stamp, self.sender, signed=bool(self.signers))

    def worker(
        self,
        *,
        on_progress: Callable[[Counter[str]], None] = lambda _outcomes: None,
        on_fault: Callable[[Exception, float], None] = lambda _fault, _rest_s: None,
        on_pause: Callable[[int, str], None] = lambda _mailing, _reply: None,
    ) -> Worker:
        """Make a sending worker, for one run."""
        settings = self.settings
        return Worker(
            hire=self._hire_bookkeeper,
            mailroom=Mailroom(self.signers),
            courier=self.courier,
            pace=Pace(
                per_second=settings.smtp_mails_per_hour / 3600 or None,
                concurrency=settings.smtp_connections * CLAIMS_PER_LINE,
            ),
            connections=settings.smtp_connections,
            clock=self.clock,
            allowance=self.allowance,
            on_progress=on_progress,
            on_fault=on_fault,
            on_pause=on_pause,
        )

    def _hire_bookkeeper(self) -> Beside:
        self.links  # noqa: B018 - a keys file that can't be used is told here, not in the other process
        self.database.dispose()  # a process that is about to be copied must have no connection open
        return beside(self.bookkeeper)

    def allowance(self, now: datetime) -> int | None:
        """Say how many mails may go out on the day of a moment; None means any number."""
        settings = self.settings
        return warm_up.allowance(
            day=now.date(), daily_limit=settings.daily_limit or None, warm_up_from=settings.warm_up_from
        )
