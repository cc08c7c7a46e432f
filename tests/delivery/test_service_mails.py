"""What service mails say of themselves before they are opened."""

from sqlalchemy import select

from newsletter.delivery.model import MailingKind, ServiceMail
from newsletter.editions.model import Edition
from newsletter.editions.stored import stored_edition
from subscribers.model import Subscriber
from tests import builders
from tests.conftest import NOW


def queue(parts, *names, kind=MailingKind.GOODBYE):
    with parts.database.write() as session:
        for person in session.scalars(select(Subscriber).where(Subscriber.name.in_(names)).order_by(Subscriber.id)):
            parts.service_desk.queue(
                session,
                kind,
                person,
                email=person.email,
                address_key=person.address_key,
                language=person.profile.languages[0],
                now=NOW,
            )


def test_a_last_mail_to_who_reads_discreetly_says_nothing_of_us_on_the_outside(database, keys):
    parts = builders.parts(database, keys)
    with database.write() as session:
        builders.person(session, "open@example.org", name="open")
        builders.person(session, "discreet@example.org", name="discreet", discreet=True)
    queue(parts, "open", "discreet")
    with database.read() as session:
        assert len(session.scalars(select(ServiceMail)).all()) == 2
        public, discreet = (
            stored_edition(session, edition.id, service=True)
            for edition in session.scalars(select(Edition).order_by(Edition.discreet))
        )
    assert "Solidarity Newsletter" in public.subject
    assert public.html is not None
    assert (discreet.subject, discreet.sender_name, discreet.html) == ("Newsletter", "Newsletter", None)
    assert discreet.text == public.text
