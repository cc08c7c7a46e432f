"""No sequence of imports, sign-ups, moves, bounces, complaints and erasures brings mail to somebody who left.

Only what they ask for after that, and confirm by themselves, does. A worker's claims are what is looked at.
"""

import shutil
import tempfile
from datetime import timedelta
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from sqlalchemy import select

from newsletter.delivery.claimed import Told
from newsletter.delivery.forgetting import forget_person
from newsletter.delivery.model import MailingKind
from newsletter.operations.schema import upgrade
from subscribers.addresses import parse_address
from subscribers.choices import Choices
from subscribers.database import Database
from subscribers.errors import Fault
from subscribers.import_row import Row
from subscribers.importing import import_subscribers
from subscribers.joining import Confirmed, ask, confirm, decline, find_sign_up
from subscribers.keys import Keys
from subscribers.leaving import leave
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.moving import ask_to_move, find_move, move
from subscribers.preferences import Cadence, Reading
from subscribers.requests import Move, SignUp
from tests import builders
from tests.conftest import NOW

ADDRESSES = st.sampled_from(["ada@example.org", "bo@example.org"])
STEP = timedelta(hours=2)  # longer than the time between two mails to an address


@cache
def _fresh() -> str:
    """Make an empty database once."""
    path = f"{tempfile.mkdtemp()}/fresh.db"
    database = Database(f"sqlite:///{path}", create=True)
    upgrade(database)
    database.dispose()
    return path


class List(RuleBasedStateMachine):
    """A list that lives through whatever comes; beside it, what is remembered of each address."""

    sign_ups = Bundle("sign_ups")
    moves = Bundle("moves")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = f"{self.folder.name}/newsletter.db"
        shutil.copy(_fresh(), path)
        self.database = Database(f"sqlite:///{path}")
        self.parts = builders.parts(self.database, KEYS)
        self.now = NOW
        self.left_at = {}  # when each address last said no, or its mail provider did
        self.barred = set()  # those who had left elsewhere, as a file says
        self.own = set()  # those who are on by their own word, whatever a file says of elsewhere
        self.wanted_at = {}  # when each last said yes, or somebody proved that it had

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(address=ADDRESSES, status=st.sampled_from(["", "active", "unsubscribed", "bounced"]))
    def somebody_imports(self, address, status):
        self._tick()
        with self.database.write() as session:
            import_subscribers(
                session,
                [Row(2, address, status=status)],
                suppression=self.parts.suppression,
                consent="a list",
                default_language="en",
                now=self.now,
            )
        if status not in {"", "active"}:
            if address not in self.own:
                self.wanted_at.pop(address, None)
                self.barred.add(address)
        elif address in self.wanted_at:
            return
        elif address not in self.left_at and address not in self.barred:
            self.wanted_at[address] = self.now

    @rule(target=sign_ups, address=ADDRESSES)
    def somebody_fills_in_the_form(self, address):
        self._tick()
        with self.database.write() as session:
            choices = Choices(cadence=Cadence.WEEKLY, reading=Reading())
            number = ask(
                session, parse_address(address), name="", choices=choices, wording="", source="", now=self.now
            ).id
        self.parts.reception.work(now=self.now)
        with self.database.read() as session:
            kept = session.get(SignUp, number)
        return (number, address, self.now) if kept is not None else multiple()

    @rule(asked=sign_ups)
    def they_confirm(self, asked):
        number, address, asked_at = asked
        self._tick()
        came = self._try(
            lambda s: confirm(
                s, find_sign_up(s, number, now=self.now), suppression=self.parts.suppression, now=self.now
            )
        )
        if came is Confirmed.JOINED:
            assert asked_at > self.left_at.get(address, NOW), "what was asked for before they left brings nobody back"
            self.wanted_at[address] = self.now
            self.own.add(address)
            self.barred.discard(address)

    @rule(asked=sign_ups)
    def they_say_it_was_not_them(self, asked):
        number, address, _asked_at = asked
        self._tick()
        done = self._try(
            lambda s: (
                decline(s, find_sign_up(s, number, now=self.now), suppression=self.parts.suppression, now=self.now)
                or True
            )
        )
        if done:
            self._gone(address)

    @rule(address=ADDRESSES)
    def they_leave(self, address):
        self._tick()
        if self._with(address, lambda s, person: leave(s, person.id, source="a test", now=self.now)):
            self._gone(address)

    @rule(address=ADDRESSES, reason=st.sampled_from([LeftReason.BOUNCED, LeftReason.COMPLAINED]))
    def their_mail_comes_back(self, address, reason):
        self._tick()

        def bury(session, person):
            self.parts.suppression.add(session, person.address_key, reason=reason, now=self.now)
            return person.leave(reason, self.now)

        if self._with(address, bury):
            self._gone(address)

    @rule(address=ADDRESSES)
    def they_are_erased(self, address):
        self._tick()
        if self._with(
            address, lambda s, p: forget_person(s, p, suppression=self.parts.suppression, now=self.now) or True
        ):
            self._gone(address)

    @rule(target=moves, address=ADDRESSES, to=ADDRESSES)
    def they_want_it_elsewhere(self, address, to):
        self._tick()
        asked = self._with(address, lambda s, p: ask_to_move(s, p.id, parse_address(to), now=self.now))
        if not asked:
            return multiple()
        self.parts.reception.work(now=self.now)
        with self.database.read() as session:
            return session.scalars(select(Move.id).order_by(Move.id.desc())).first(), address, to

    @rule(asked=consumes(moves))
    def the_new_address_says_yes(self, asked):
        number, _address, to = asked
        self._tick()

        def do(session):
            found, person = find_move(session, number, now=self.now)
            return person.email, move(session, found, person, suppression=self.parts.suppression, now=self.now)

        if came := self._try(do):
            _before, former = came
            if former is not None:
                self.wanted_at.pop(former.email, None)
                self.wanted_at[to] = self.now
                self.left_at.pop(to, None)
                self.own.add(to)
                self.barred.discard(to)

    @rule()
    def the_week_is_over(self):
        self.now += timedelta(days=7)
        self.parts.reception.forget(now=self.now)

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def only_those_who_want_it_may_get_mail(self):
        self._check(self._may_get_mail())

    def teardown(self):
        # What a worker claims, once, since planning takes longer than all the rest.
        self._check(self._claimed())
        self.database.dispose()
        self.folder.cleanup()

    def _check(self, addresses):
        for address in addresses:
            wanted, left = self.wanted_at.get(address), self.left_at.get(address)
            assert wanted is not None, f"{address} never said yes, or has said no since"
            assert left is None or wanted > left, f"{address} has left"

    # ── how it is done ───────────────────────────────────────────────────────────────────────────────────────────

    def _tick(self):
        self.now += STEP

    def _gone(self, address):
        self.left_at[address] = self.now
        self.own.discard(address)
        self.wanted_at.pop(address, None)

    def _try(self, do):
        try:
            with self.database.write() as session:
                return do(session)
        except Fault:
            return None

    def _with(self, address, do):
        with self.database.write() as session:
            person = session.scalar(select(Subscriber).where(Subscriber.address_key == address))
            return do(session, person) if person is not None else None

    def _may_get_mail(self):
        with self.database.read() as session:
            active = session.scalars(select(Subscriber.address_key).where(Subscriber.status == Status.ACTIVE)).all()
            return set(active) - self.parts.suppression.among(session, active)

    def _claimed(self):
        """Plan a digest of something new, and give whom a worker would hand it over for."""
        with self.database.write() as session:
            builders.appeal(session, released=self.now)
        self.parts.planner().launch(Cadence.WEEKLY, now=self.now)
        bookkeeper = self.parts.bookkeeper()
        bookkeeper.enrol(now=self.now)
        news = bookkeeper.turn(Told.nothing(), want=100, now=self.now)
        return {letter.recipient for letter in news.letters if letter.mailing.kind is MailingKind.DIGEST}


KEYS = Keys.generate()

TestNobodyWhoLeft = List.TestCase
TestNobodyWhoLeft.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
