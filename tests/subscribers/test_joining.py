"""Double opt-in: nothing comes of a form alone; a link brings in whom it was sent to, and nobody else."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from subscribers.addresses import parse_address
from subscribers.choices import Choices
from subscribers.consent import Consent, ConsentAct
from subscribers.erasing import erase
from subscribers.joining import Confirmed, SignUpExpired, ask, confirm, decline, find_sign_up, sort, standing
from subscribers.leaving import leave
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Reading
from subscribers.requests import DECLINED_FOR, LIFE, MOST_MAILS, Next, SignUp, forget_old_requests
from subscribers.suppression import DECLINED, SuppressionList
from subscribers.tokens import InvalidToken
from tests import builders
from tests.conftest import NOW

HOUR = timedelta(hours=1)
WANTED = Choices(
    cadence=Cadence.DAILY, alerts=False, reading=Reading(languages=("tr", "en"), topics=frozenset({"prisons"}))
)


class Door:
    """Somebody at the door: what a test does to one database, at a moment that it names."""

    def __init__(self, database, keys):
        self.database = database
        self.suppression = SuppressionList(keys.suppression)

    def ask(self, email="rosa@example.org", *, at=NOW, name="Rosa"):
        """Fill in the form and see what follows; gives that and the sign-up's number."""
        with self.database.write() as session:
            sign_up = ask(
                session, parse_address(email), name=name, choices=WANTED, wording="I want it.", source="a stall", now=at
            )
            return sort(session, sign_up, suppression=self.suppression, cooldown=HOUR, now=at), sign_up.id

    def confirm(self, number, *, at=NOW):
        with self.database.write() as session:
            return confirm(session, find_sign_up(session, number, now=at), suppression=self.suppression, now=at)

    def decline(self, number, *, at=NOW):
        with self.database.write() as session:
            decline(session, find_sign_up(session, number, now=at), suppression=self.suppression, now=at)

    def leave(self, *, at=NOW):
        with self.database.write() as session:
            leave(session, session.scalars(select(Subscriber)).one().id, source="a test", now=at)

    def person(self):
        with self.database.read() as session:
            found = session.scalars(select(Subscriber)).one()
            return found, Choices.of(found)

    def count(self, kind):
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(kind))

    def suppressed(self, email="rosa@example.org"):
        with self.database.read() as session:
            found = self.suppression.find(session, parse_address(email).key)
            return found and found.reason


@pytest.fixture
def door(database, keys):
    return Door(database, keys)


def test_whoever_is_new_waits_until_they_confirm_and_then_has_what_they_chose(door):
    following, number = door.ask()
    waiting, _choices = door.person()
    assert (following, waiting.status, waiting.name, waiting.joined_at) == (Next.CONFIRM, Status.PENDING, "", None)
    assert door.count(Consent) == 0
    assert door.confirm(number, at=NOW + HOUR) is Confirmed.JOINED
    rosa, choices = door.person()
    assert (rosa.status, rosa.name, rosa.joined_at, choices) == (Status.ACTIVE, "Rosa", NOW + HOUR, WANTED)
    with door.database.read() as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.act, consent.at, consent.wording, consent.source) == (
            ConsentAct.GIVEN,
            NOW + HOUR,
            "I want it.",
            "a stall",
        )


def test_confirming_twice_is_fine_and_changes_nothing(door):
    number = door.ask()[1]
    door.confirm(number)
    assert door.confirm(number, at=NOW + HOUR) is Confirmed.ALREADY
    assert door.person()[0].joined_at == NOW
    assert door.count(Consent) == 1


def test_a_second_request_within_the_cooldown_leads_to_no_second_mail_and_leaves_nothing(door):
    door.ask()
    assert door.ask(at=NOW + HOUR - timedelta(seconds=1))[0] is Next.NOTHING
    assert door.count(SignUp) == 1
    assert door.ask(at=NOW + HOUR)[0] is Next.CONFIRM


def test_nobody_gets_more_than_a_few_however_often_a_stranger_asks(door):
    mailed = [door.ask(at=NOW + hour * HOUR)[0] for hour in range(24 * 7)]
    assert mailed.count(Next.CONFIRM) == MOST_MAILS
    assert set(mailed) == {Next.CONFIRM, Next.NOTHING}


def test_other_spellings_of_an_address_are_the_same_address(door):
    door.ask("Rosa@Example.org")
    assert door.ask("rosa@EXAMPLE.ORG", at=NOW + timedelta(minutes=1))[0] is Next.NOTHING


def test_plus_details_are_one_mailbox(door):
    assert door.ask("rosa+1@example.org")[0] is Next.CONFIRM
    assert {door.ask(f"rosa+{n}@example.org")[0] for n in range(2, 30)} == {Next.NOTHING}
    assert door.ask("rosa@example.org")[0] is Next.NOTHING


def test_the_spelling_that_the_link_was_sent_to_is_the_one_that_gets_the_mails(door):
    with door.database.write() as session:
        builders.person(session, "Rosa@example.org").leave(LeftReason.UNSUBSCRIBED, NOW)
    door.confirm(door.ask("ROSA@example.org", at=NOW + HOUR)[1], at=NOW + HOUR)
    assert door.person()[0].email == "ROSA@example.org"


def test_who_leaves_while_they_press_a_second_time_stays_off(door):
    if door.database.is_sqlite:
        pytest.skip("SQLite's writers are one at a time")
    number = door.ask()[1]
    with door.database.write() as leaving:
        # A second press has read that they wait; meanwhile the first one is done, and they leave.
        find_sign_up(leaving, number, now=NOW)
        door.confirm(number)
        door.leave(at=NOW + HOUR)
        came = confirm(leaving, find_sign_up(leaving, number, now=NOW), suppression=door.suppression, now=NOW + HOUR)
    assert came is Confirmed.LEFT
    assert door.person()[0].status is Status.LEFT


def test_who_is_on_already_is_told_so_and_nobody_changes_their_choices(door):
    with door.database.write() as session:
        before = Choices.of(builders.person(session, "rosa@example.org"))
    following, number = door.ask(name="Somebody else")
    assert following is Next.ALREADY
    assert door.confirm(number) is Confirmed.ALREADY
    rosa, choices = door.person()
    assert (rosa.name, choices) == ("", before)


def test_a_link_lasts_for_a_week(door):
    number = door.ask()[1]
    with pytest.raises(SignUpExpired, match="7 days"):
        door.confirm(number, at=NOW + LIFE)
    assert door.confirm(number, at=NOW + LIFE - timedelta(seconds=1)) is Confirmed.JOINED


def test_a_sign_up_is_forgotten_after_a_week(door):
    number = door.ask()[1]
    with door.database.write() as session:
        assert forget_old_requests(session, now=NOW + LIFE - timedelta(seconds=1)) == 0
        assert forget_old_requests(session, now=NOW + LIFE) == 1
    with pytest.raises(InvalidToken):
        door.confirm(number)


@pytest.mark.parametrize("reason", [LeftReason.UNSUBSCRIBED, LeftReason.BOUNCED])
def test_who_left_comes_back_by_a_fresh_double_opt_in(door, reason):
    with door.database.write() as session:
        rosa = builders.person(session, "rosa@example.org")
        rosa.leave(reason, NOW)
        door.suppression.add(session, rosa.address_key, reason=reason, now=NOW)
    following, number = door.ask(at=NOW + HOUR)
    assert (following, door.person()[0].status) == (Next.CONFIRM, Status.LEFT)
    assert door.confirm(number, at=NOW + HOUR) is Confirmed.JOINED
    rosa, choices = door.person()
    assert (rosa.status, rosa.left_reason, rosa.left_at, choices) == (Status.ACTIVE, None, None, WANTED)
    assert door.suppressed() is None


def test_who_left_by_mistake_is_asked_again_at_once_and_then_not_again(door):
    door.confirm(door.ask()[1])
    door.leave(at=NOW + timedelta(minutes=1))
    following, number = door.ask(at=NOW + timedelta(minutes=2))
    assert following is Next.CONFIRM
    assert door.ask(at=NOW + timedelta(minutes=3))[0] is Next.NOTHING
    assert door.confirm(number, at=NOW + timedelta(minutes=4)) is Confirmed.JOINED


def test_a_link_that_was_used_brings_nobody_back_who_left_since(door):
    number = door.ask()[1]
    door.confirm(number)
    door.leave(at=NOW + HOUR)
    assert door.confirm(number, at=NOW + 2 * HOUR) is Confirmed.LEFT
    assert door.person()[0].status is Status.LEFT


def test_neither_does_another_one_that_was_asked_for_before_they_left(door):
    first, second = door.ask()[1], door.ask(at=NOW + HOUR)[1]
    door.confirm(first, at=NOW + HOUR)
    door.leave(at=NOW + 2 * HOUR)
    assert door.confirm(second, at=NOW + 3 * HOUR) is Confirmed.LEFT
    assert door.person()[0].status is Status.LEFT


def test_who_says_that_it_was_not_them_is_not_asked_again_for_a_year(door):
    number = door.ask()[1]
    door.decline(number)
    door.decline(number)  # twice is fine
    with door.database.read() as session:
        kept = session.scalars(select(SignUp)).one()
        assert (kept.email, kept.name, kept.address_key) == ("", "", "")
    assert door.suppressed() == DECLINED
    assert door.ask(at=NOW + DECLINED_FOR - HOUR)[0] is Next.NOTHING
    assert door.ask(at=NOW + DECLINED_FOR)[0] is Next.CONFIRM


def test_no_link_that_was_sent_before_works_after_that(door):
    first, second = door.ask()[1], door.ask(at=NOW + HOUR)[1]
    door.decline(second, at=NOW + HOUR)
    assert [door.confirm(number, at=NOW + HOUR) for number in (first, second)] == [Confirmed.LEFT, Confirmed.LEFT]
    assert door.person()[0].status is Status.PENDING


def test_who_joined_and_then_says_that_it_was_not_them_is_off(door):
    number = door.ask()[1]
    door.confirm(number)
    door.decline(number)
    assert door.person()[0].status is Status.LEFT
    assert door.suppressed() == DECLINED


def test_declining_counts_whatever_the_address_was_suppressed_for_before(door):
    with door.database.write() as session:
        door.suppression.add(session, "rosa@example.org", reason=LeftReason.BOUNCED, now=NOW)
    door.decline(door.ask()[1])
    assert door.suppressed() == DECLINED


def test_who_called_our_mail_spam_is_not_asked(door):
    with door.database.write() as session:
        builders.person(session, "rosa@example.org").leave(LeftReason.COMPLAINED, NOW)
        door.suppression.add(session, "rosa@example.org", reason=LeftReason.COMPLAINED, now=NOW)
    assert door.ask()[0] is Next.NOTHING


def test_who_was_erased_comes_back_as_somebody_new(door):
    with door.database.write() as session:
        erase(session, builders.person(session, "rosa@example.org"), suppression=door.suppression, now=NOW)
    assert door.suppressed() == LeftReason.ERASED
    following, number = door.ask()
    assert following is Next.CONFIRM
    assert door.confirm(number) is Confirmed.JOINED
    assert door.suppressed() is None
    with door.database.read() as session:
        assert sorted(one.status for one in session.scalars(select(Subscriber))) == [Status.ACTIVE, Status.LEFT]


def test_erasing_takes_what_they_asked_for_with_it(door):
    number = door.ask()[1]
    door.confirm(number)
    with door.database.write() as session:
        erase(session, session.scalars(select(Subscriber)).one(), suppression=door.suppression, now=NOW)
    assert door.count(SignUp) == 0
    with pytest.raises(InvalidToken):
        door.confirm(number)


def test_what_nobody_has_sorted_yet_can_not_be_confirmed(door):
    with door.database.write() as session:
        number = ask(
            session, parse_address("rosa@example.org"), name="", choices=WANTED, wording="", source="", now=NOW
        ).id
    with pytest.raises(InvalidToken):
        door.confirm(number)


def test_looking_at_a_link_says_what_would_come_of_it_and_does_nothing(door):
    number = door.ask()[1]
    with door.database.read() as session:  # the database itself refuses every change
        assert standing(session, find_sign_up(session, number, now=NOW)) is None
    door.confirm(number)
    with door.database.read() as session:
        assert standing(session, find_sign_up(session, number, now=NOW)) is Confirmed.ALREADY
