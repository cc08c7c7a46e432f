"""Many people's writings in one transaction: each is told what came of theirs, and nobody suffers for another's."""

import asyncio
import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from subscribers import together as together_module
from subscribers.database import Database
from subscribers.errors import DatabaseLocked
from subscribers.leaving import leave
from subscribers.model import Status, Subscriber
from subscribers.together import Together
from subscribers.tokens import InvalidToken
from tests import builders
from tests.conftest import NOW


@pytest.fixture
def people(database):
    with database.write() as session:
        return [builders.person(session, f"p{number}@example.org").id for number in range(20)]


@pytest.fixture
def writer(database):
    writer = Together(database)
    yield writer
    writer.close()


def off(number):
    return lambda session: leave(session, number, source="a test", now=NOW)


def refused(session):
    leave(session, 1, source="never", now=NOW)  # written, and taken back with the fault
    raise InvalidToken


def left(database):
    with database.read() as session:
        return set(session.scalars(select(Subscriber.id).where(Subscriber.status == Status.LEFT)))


def do(writer, *jobs):
    async def all_at_once():
        return await asyncio.gather(*map(writer.write, jobs), return_exceptions=True)

    return asyncio.run(all_at_once())


@pytest.fixture
def transactions(database, monkeypatch):
    """Count the writing transactions."""
    begun = []
    write = Database.write

    def counted(self):
        begun.append(self)
        return write(self)

    monkeypatch.setattr(Database, "write", counted)
    return begun


def test_everybody_is_told_what_came_of_theirs(database, writer, people):
    assert do(writer, *map(off, people[:5]), off(people[0])) == [True] * 5 + [False]
    assert left(database) == set(people[:5])


def test_those_who_come_at_once_share_a_transaction(database, writer, people, transactions, monkeypatch):
    monkeypatch.setattr(together_module, "GATHER_S", 0.2)
    do(writer, *map(off, people))
    assert len(transactions) == 1
    assert left(database) == set(people)


def test_so_many_share_one_and_not_more(writer, people, transactions, monkeypatch):
    monkeypatch.setattr(together_module, "GATHER_S", 0.2)
    monkeypatch.setattr(together_module, "MOST", 8)
    do(writer, *map(off, people))
    assert len(transactions) == 3


def test_who_is_refused_is_told_so_and_the_others_are_served(database, writer, people):
    came = do(writer, off(people[5]), refused, off(people[6]), refused, off(people[7]))
    assert [type(one) for one in came] == [bool, InvalidToken, bool, InvalidToken, bool]
    assert left(database) == set(people[5:8])


def test_a_fault_of_the_database_by_one_is_that_ones_alone(database, writer, people):
    def doubled(session):
        session.add(
            Subscriber(
                **{
                    c.key: getattr(session.get_one(Subscriber, people[0]), c.key)
                    for c in Subscriber.__table__.columns
                    if c.key != "id"
                }
            )
        )

    came = do(writer, off(people[5]), doubled, off(people[6]))
    assert isinstance(came[1], IntegrityError)
    assert left(database) == {people[5], people[6]}


def test_a_database_that_does_not_answer_is_told_to_everybody_once(database, writer, people, monkeypatch):
    asked = []

    def locked(self):
        asked.append(self)
        raise DatabaseLocked

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", locked)
        patch.setattr(together_module, "GATHER_S", 0.2)
        came = do(writer, *map(off, people[:10]))
    assert {type(one) for one in came} == {DatabaseLocked}
    assert len(asked) == 1
    assert do(writer, off(people[0])) == [True]


def test_who_hangs_up_is_served_all_the_same(database, writer, people):
    async def hang_up():
        waiting = asyncio.ensure_future(writer.write(off(people[0])))
        await asyncio.sleep(0)
        waiting.cancel()
        return await writer.write(off(people[1]))

    assert asyncio.run(hang_up()) is True
    assert left(database) == {people[0], people[1]}


def test_what_was_asked_for_is_done_before_it_ends(database, people):
    writer = Together(database)
    began = threading.active_count()

    async def ask_and_close():
        waiting = [asyncio.ensure_future(writer.write(off(number))) for number in people]
        await asyncio.sleep(0)
        await asyncio.to_thread(writer.close)
        return await asyncio.gather(*waiting)

    assert asyncio.run(ask_and_close()) == [True] * len(people)
    assert left(database) == set(people)
    assert threading.active_count() <= began + 1  # asyncio's own thread may still be there


def test_it_waits_its_turn_behind_another_writer(database, writer, people):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's writers don't wait for one another")
    with database.write() as session:
        session.execute(select(func.count()).select_from(Subscriber))
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(do(writer, off(people[0]))))
        waiting.start()
        assert left(database) == set()
    waiting.join(timeout=20)
    assert answers == [[True]]
