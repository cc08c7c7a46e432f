"""Two at once, in two transactions of PostgreSQL: each waits for the other, and nothing is written over.

The first is stopped in the middle of what it does; the second, in a thread, is seen to wait for it, then goes on.
"""

import threading
import time

import pytest
from sqlalchemy import text

from newsletter.appeals import intake
from newsletter.appeals.deeds import deeds_of, did
from newsletter.appeals.editing import Changes, edit, remove_text, translate
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.item import Item
from newsletter.appeals.model import Act, AppealStatus
from newsletter.appeals.names import Register, protect
from newsletter.appeals.protected import Forms, find_name
from newsletter.delivery.candidates import candidates_at
from newsletter.delivery.withdrawing import sweep
from newsletter.editions.digest import Chosen, Digest
from subscribers.database import Database
from subscribers.preferences import Format
from tests import builders
from tests.conftest import NOW


@pytest.fixture
def parts(postgresql_url, keys):
    database = Database(postgresql_url)
    yield builders.parts(database, keys)
    database.dispose()


def item(title):
    return Item(identities=("url:example.org/1",), title=title, byline="", published_on=NOW.date(), teaser="Held.")


def take_in(parts, title):
    with parts.database.write() as session:
        return parts.desk.take_in(session, [item(title)], source="x", now=NOW)[0].taken


class Beside:
    """Does something in a thread while another transaction is open; gives whether it had to wait for that."""

    def __init__(self, database, work):
        self._database, self._failed = database, None

        def run():
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by `done`
                self._failed = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def waits(self):
        """Look until the database says that somebody waits for a lock, or until it is done."""
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        until = time.monotonic() + 20
        while self._thread.is_alive() and time.monotonic() < until:
            with self._database.read() as session:
                if session.scalar(waiting):
                    return True
        return False

    def done(self):
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._failed is not None:
            raise self._failed


@pytest.mark.parametrize("what", ["approve", "edit"])
def test_a_source_that_changed_writes_over_neither_an_approval_nor_an_edit(parts, monkeypatch, what):
    take_in(parts, "Original")
    compare, beside = intake._compare, []

    def organiser():
        with parts.database.write() as session:
            found = find_appeal(session, "2026/001", lock=True)
            if what == "edit":
                edit(found, Changes(title="Ours"), Act(by="Rosa", at=NOW), Register())
            else:
                found.approve(Act(by="Hanna", at=NOW), second_look=True)
                found.release(Act(by="Hanna", at=NOW))

    def slow(*arguments):
        beside.append(Beside(parts.database, organiser))
        assert beside[0].waits(), "the appeal is locked while its source is taken over"
        return compare(*arguments)

    monkeypatch.setattr(intake, "_compare", slow)
    take_in(parts, "From the source")
    beside[0].done()
    with parts.database.read() as session:
        found = find_appeal(session, "2026/001")
        if what == "edit":
            assert (found.status, found.text.title, found.revision) == (AppealStatus.DRAFT, "Ours", 3)
        else:
            assert found.public_document() == found.document()
            assert found.text.title == "From the source"


def test_a_mail_says_what_was_approved_though_somebody_edits_while_it_is_made(parts):
    with parts.database.write() as session:
        number = builders.appeal(session, "As approved").id
    with parts.database.write() as session:
        assert [candidate.id for candidate in candidates_at(session, NOW)] == [number]
        with parts.database.write() as other:
            edit(find_appeal(other, "2026/001"), Changes(title="Not approved"), Act(by="Rosa", at=NOW), Register())
        session.expire_all()
        digest = Digest(language="en", format=Format.HTML, discreet=False, appeals=(Chosen(number, "en"),))
        draft = parts.press().draft(session, digest)
    assert draft.subject == "As approved"
    assert "Not approved" not in draft.cards[0].text + draft.cards[0].html


def test_a_name_that_is_hidden_while_a_translation_goes_stands_in_no_version(parts):
    with parts.database.write() as session:
        made = builders.appeal(session, "Free Karim Ahmadi", released=None)
        translate(made, "es", Changes(title="Libertad", teaser="Once."), Act(by="Rosa", at=NOW), Register())

    def hide():
        with parts.database.write() as session:
            parts.database.serialise(session, "names")
            protect(session, parts.name_seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
            sweep(session, Register.writing(session, parts.name_seal), language="en", now=NOW)

    with parts.database.write() as session:
        parts.database.share(session, "names")
        remove_text(find_appeal(session, "2026/001", lock=True), "es", Act(by="Rosa", at=NOW))
        beside = Beside(parts.database, hide)
        assert beside.waits()
    beside.done()
    with parts.database.read() as session:
        versions = find_appeal(session, "2026/001").versions
        assert len(versions) > 1
        assert not [version for version in versions if "Ahmadi" in str(version.content)]


def test_two_who_write_a_name_otherwise_in_the_same_moment_do_not_wait_for_each_other(parts):
    with parts.database.write() as session:
        protect(session, parts.name_seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
    with parts.database.write() as one, parts.database.write() as other:
        first, second = (Register.writing(each, parts.name_seal) for each in (one, other))
        kept = [first.hide("Ahmadi"), second.hide("Karim"), first.hide("Karim"), second.hide("Ahmadi")]
    with parts.database.write() as session:
        find_name(session, 1).consent_at = NOW
        register = Register.load(session, parts.name_seal)
        assert [register.said(text, "en") for text in kept] == ["Ahmadi", "Karim", "Karim", "Ahmadi"]


def test_a_name_that_is_hidden_while_something_comes_in_is_hidden_in_that_too(parts, monkeypatch):
    beside = []

    def hide():
        with parts.database.write() as session:
            parts.database.serialise(session, "names")
            protect(session, parts.name_seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
            sweep(session, Register.writing(session, parts.name_seal), language="en", now=NOW)

    load = Register.writing.__func__

    def slow(cls, session, seal):
        register = load(cls, session, seal)
        if not beside:
            beside.append(Beside(parts.database, hide))
            assert beside[0].waits(), "hiding waits until what comes in is kept"
        return register

    monkeypatch.setattr(Register, "writing", classmethod(slow))
    take_in(parts, "Free Karim Ahmadi")
    beside[0].done()
    with parts.database.read() as session:
        assert find_appeal(session, "2026/001").text.title == "Free {name-1}"


def test_many_who_are_the_first_to_say_that_they_did_it_are_all_counted(parts):
    with parts.database.write() as session:
        number = builders.appeal(session).id
    together, failed = threading.Barrier(4), []

    def say():
        try:
            with parts.database.write() as session:
                session.execute(text("SELECT 1"))
                together.wait(20)
                did(session, number, "sign", name="", register=Register(), now=NOW)
        except Exception as error:  # noqa: BLE001 - shown below
            failed.append(error)

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    with parts.database.read() as session:
        assert deeds_of(session, number) == {"sign": 4}
