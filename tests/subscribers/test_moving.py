"""A change of address: nothing moves before the new one says yes, and nobody learns from it who gets mail."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from subscribers.addresses import parse_address
from subscribers.choices import Change
from subscribers.erasing import erase
from subscribers.leaving import leave
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.moving import AddressTaken, MoveExpired, ask_to_move, find_move, move, revoke_links, sort_move
from subscribers.requests import LIFE, MOST_MAILS, Move, Next
from subscribers.suppression import DECLINED, SuppressionList
from subscribers.tokens import InvalidToken
from tests import builders
from tests.conftest import NOW

NEW = "rosa@new.example"
HOUR = timedelta(hours=1)


class Mover:
    """Rosa, who wants her mail elsewhere."""

    def __init__(self, database, keys):
        self.database = database
        self.suppression = SuppressionList(keys.suppression)
        with database.write() as session:
            self.id = builders.person(session, "rosa@old.example").id

    def ask(self, to=NEW, *, at=NOW):
        """Ask for it and see what follows; None where too much was asked for."""
        with self.database.write() as session:
            if not ask_to_move(session, self.id, parse_address(to), now=at):
                return None
            asked = session.scalars(select(Move).where(Move.sorted_at.is_(None))).one()
            return sort_move(session, asked, suppression=self.suppression, cooldown=HOUR, now=at)

    def confirm(self, number=1, *, at=NOW):
        with self.database.write() as session:
            asked, person = find_move(session, number, now=at)
            return move(session, asked, person, suppression=self.suppression, now=at)

    def other(self, email=NEW, do=lambda _session, _person: None):
        with self.database.write() as session:
            do(session, builders.person(session, email))

    @property
    def address(self):
        with self.database.read() as session:
            rosa = session.get_one(Subscriber, self.id)
            return rosa.email, rosa.address_key


@pytest.fixture
def rosa(database, keys):
    return Mover(database, keys)


def test_it_moves_once_the_new_address_says_yes_and_not_before(rosa):
    assert rosa.ask("Rosa@New.example") is Next.CONFIRM
    assert rosa.address == ("rosa@old.example",) * 2
    assert rosa.confirm() == ("rosa@old.example", "rosa@old.example", None)
    assert rosa.address == ("Rosa@new.example", "rosa@new.example")
    with rosa.database.read() as session:
        change = session.scalars(select(Change)).one()
        assert (change.before, change.after) == ({"email": "rosa@old.example"}, {"email": "Rosa@new.example"})


def test_saying_yes_twice_is_fine_and_tells_the_old_address_once(rosa):
    rosa.ask()
    assert rosa.confirm() is not None
    assert rosa.confirm() is None


def test_nobody_is_asked_at_an_address_that_gets_mail_already(rosa):
    rosa.other()
    assert rosa.ask() is Next.NOTHING
    with pytest.raises(InvalidToken):
        rosa.confirm()


def test_who_joins_with_it_meanwhile_keeps_it(rosa):
    rosa.ask()
    rosa.other()
    with pytest.raises(AddressTaken):
        rosa.confirm()
    assert rosa.address[0] == "rosa@old.example"


def test_what_is_kept_of_somebody_who_left_with_that_address_gives_way(rosa):
    rosa.other(do=lambda session, person: leave(session, person.id, source="a test", now=NOW))
    assert rosa.ask() is Next.CONFIRM
    rosa.confirm()
    assert rosa.address[0] == NEW
    with rosa.database.read() as session:
        former = session.scalars(select(Subscriber).where(Subscriber.id != rosa.id)).one()
        assert (former.status, former.left_reason, former.email) == (Status.LEFT, LeftReason.ERASED, "")
        assert rosa.suppression.find(session, NEW) is None


def test_who_declined_at_that_address_is_not_asked(rosa):
    with rosa.database.write() as session:
        rosa.suppression.add(session, NEW, reason=DECLINED, now=NOW)
    assert rosa.ask() is Next.NOTHING


def test_nobody_is_asked_twice_within_the_cooldown_nor_can_one_person_ask_many(rosa):
    assert rosa.ask() is Next.CONFIRM
    assert rosa.ask(at=NOW + HOUR / 2) is Next.NOTHING
    assert rosa.ask("other@new.example") is Next.CONFIRM
    assert MOST_MAILS == 3
    assert rosa.ask("third@new.example") is None


def test_a_link_lasts_for_a_week(rosa):
    rosa.ask()
    with pytest.raises(MoveExpired, match="7 days"):
        rosa.confirm(at=NOW + LIFE)


def test_when_their_links_are_revoked_nobody_who_had_one_can_finish_a_move(rosa):
    rosa.ask("thief@evil.example")
    with rosa.database.write() as session:
        revoke_links(session, session.get_one(Subscriber, rosa.id))
    with pytest.raises(InvalidToken):
        rosa.confirm()
    assert rosa.address[0] == "rosa@old.example"


def test_who_left_or_was_erased_is_not_moved(rosa):
    rosa.ask()
    with rosa.database.write() as session:
        leave(session, rosa.id, source="a test", now=NOW)
    with pytest.raises(InvalidToken):
        rosa.confirm()
    with rosa.database.write() as session:
        erase(session, session.get_one(Subscriber, rosa.id), suppression=rosa.suppression, now=NOW)
        assert session.scalars(select(Move)).all() == []
