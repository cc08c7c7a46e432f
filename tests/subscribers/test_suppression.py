"""Who must get no mail is recognised for ever, and named nowhere."""

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from subscribers.suppression import LOOKUP_SIZE, Suppression, SuppressionList
from tests.subscribers.waiting import until_somebody_waits

ZEYNEP = "zeynep@example.org"


@pytest.fixture
def suppression(keys) -> SuppressionList:
    return SuppressionList(keys.suppression)


def test_a_suppressed_address_is_found_among_others(database, suppression, now):
    with database.write() as session:
        suppression.add(session, ZEYNEP, reason="unsubscribed", now=now)
    with database.read() as session:
        assert suppression.among(session, ["rosa@example.org", ZEYNEP]) == {ZEYNEP}
        assert suppression.among(session, []) == set()


def test_more_addresses_than_one_statement_holds_are_all_looked_up(database, suppression, now):
    everybody = [f"person{i}@example.org" for i in range(2 * LOOKUP_SIZE + 1)]
    left = {everybody[0], everybody[LOOKUP_SIZE - 1], everybody[LOOKUP_SIZE], everybody[-1]}
    with database.write() as session:
        for address in left:
            suppression.add(session, address, reason="bounced", now=now)
    with database.read() as session:
        assert suppression.among(session, iter(everybody)) == left


def test_the_first_reason_stays(database, suppression, now):
    with database.write() as session:
        suppression.add(session, ZEYNEP, reason="complained", now=now)
        suppression.add(session, ZEYNEP, reason="bounced", now=now)
    with database.read() as session:
        assert session.scalars(select(Suppression.reason)).all() == ["complained"]


def test_two_that_suppress_at_the_same_moment_both_go_on(database, suppression, now):
    if database.is_sqlite:
        pytest.skip("SQLite's writers are one at a time")
    second = threading.Thread(target=lambda: add_in_its_own_transaction(database, suppression, now))
    with database.write() as session:
        suppression.add(session, ZEYNEP, reason="bounced", now=now)
        second.start()  # it finds nothing yet, and its insert waits for us
        until_somebody_waits(database)
    second.join()
    with database.read() as session:
        assert session.scalars(select(Suppression.reason)).all() == ["bounced"]


def add_in_its_own_transaction(database, suppression, now):
    with database.write() as session:
        suppression.add(session, ZEYNEP, reason="complained", now=now)


def test_a_mistake_of_somebody_else_in_the_same_transaction_is_not_hidden(database, suppression, now):
    with database.write() as session:
        session.add(Suppression(hash=b"x", reason=None, at=now))
        with pytest.raises(IntegrityError):
            suppression.add(session, ZEYNEP, reason="bounced", now=now)
        session.rollback()


def test_a_stolen_database_names_nobody(database, suppression, now):
    with database.write() as session:
        suppression.add(session, ZEYNEP, reason="erased", now=now)
    with database.read() as session:
        [row] = session.execute(select(Suppression.__table__)).all()
        assert "zeynep" not in repr(row)
        assert SuppressionList(b"another key").among(session, [ZEYNEP]) == set()


def test_the_hash_is_hmac_sha_256(suppression):
    # RFC 4231, test case 2
    known = SuppressionList(b"Jefe").hash("what do ya want for nothing?")
    assert known.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert len(suppression.hash(ZEYNEP)) == 32
