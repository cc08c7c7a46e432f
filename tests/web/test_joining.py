"""Somebody joins: from the form over a mail that really arrives to the page that says so; on both databases."""

import asyncio
import base64
import json
import re
from datetime import timedelta

import altcha
import pytest
from sqlalchemy import func, select

from newsletter.delivery.forgetting import forget_person
from newsletter.delivery.model import Delivery, Mailing, MailingKind, MailingState, ServiceMail
from newsletter.delivery.story import story_of
from newsletter.web.public import subscribe
from subscribers.addresses import parse_address
from subscribers.consent import Consent
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.requests import LIFE, SignUp
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import everything, link, mark_on

LATER = NOW + timedelta(seconds=5)  # than the form was written, as a person is
FORM = {
    "email": "Rosa@Example.org",
    "name": "Rosa",
    "cadence": "daily",
    "alerts": "on",
    "language1": "en",
    "website": "",
}


@pytest.fixture
def parts(database, keys, mailserver):
    return builders.parts(database, keys, smtp_port=mailserver.port, organisation="Hands Across Borders")


def at(parts, moment):
    parts.clock = lambda: moment


def join(parts, client, **fields):
    """Fill in the form as a person without JavaScript does."""
    at(parts, NOW)
    form = {"form": mark_on(client.get("/subscribe")), **FORM, **fields}
    at(parts, LATER)
    return client.post("/subscribe", data=form)


def mails(parts, mailserver, email="rosa@example.org"):
    """Sort what was asked for, send what follows, and give what arrived at an address."""
    parts.reception.work(now=parts.clock())
    asyncio.run(parts.worker().run())
    return [mail.message for mail in mailserver.received if mail.recipients[0].lower() == email]


def page_in(mail, purpose):
    """Give the page that a mail's link of this kind opens: the same in text and in HTML."""
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    (found,) = set(re.findall(rf"https://news.hands.example(/{purpose}/[A-Za-z0-9_-]+)", text))
    assert found in html
    return found


def press(client, page):
    return client.post(page, data={"form": mark_on(client.get(page))})


def person(parts, email="rosa@example.org"):
    with parts.database.read() as session:
        return session.scalar(select(Subscriber).where(Subscriber.address_key == email))


def count(parts, kind):
    with parts.database.read() as session:
        return session.scalar(select(func.count()).select_from(kind))


def solved(page):
    """Do the work that the page sets the browser."""
    task = json.loads(re.search(r'data-challenge="([^"]+)"', page.text)[1].replace("&#34;", '"'))
    challenge = altcha.Challenge.from_dict(task)
    return altcha.Payload(challenge, altcha.solve_challenge(challenge)).to_base64()


def test_somebody_joins(parts, client, mailserver):
    answer = join(parts, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/sent")
    assert "Look into your inbox" in client.get("/subscribe/sent").text
    (mail,) = mails(parts, mailserver)
    assert mail["To"] == "Rosa@example.org"
    assert mail["Subject"] == "Please confirm: mails from Hands Across Borders"
    page = page_in(mail, "confirm")
    assert "Rosa@example.org" in client.get(page).text
    assert person(parts).status is Status.PENDING
    joined = press(client, page)
    assert "You are on the list" in joined.text
    rosa = person(parts)
    assert (rosa.status, rosa.name, rosa.cadence, rosa.alerts) == (Status.ACTIVE, "Rosa", Cadence.DAILY, True)
    preferences = re.search(r'href="(/preferences/[^"]+)"', joined.text)[1]
    assert client.get(preferences).status_code == 200
    with parts.database.read() as session:
        consent = session.scalars(select(Consent)).one()
        assert consent.source == "sign-up page"
        assert consent.wording in client.get("/subscribe").text
        assert "political opinions" in consent.wording
        asked, welcome = session.scalars(select(Mailing).order_by(Mailing.id)).all()
        assert (asked.state, welcome.kind) == (MailingState.FINISHED, MailingKind.WELCOME)
    mailserver.received.clear()
    (mail,) = mails(parts, mailserver)
    assert (mail["To"], mail["Subject"]) == ("Rosa@example.org", "Welcome: mails from Hands Across Borders")
    assert client.get(page_in(mail, "preferences")).status_code == 200


def test_the_mail_is_no_lists_and_greets_nobody_by_a_strangers_words(parts, client, mailserver):
    join(parts, client, name="Win a prize at evil.example")
    (mail,) = mails(parts, mailserver)
    assert "prize" not in mail.as_string()
    assert not [name for name in mail if name.lower().startswith("list-")]
    assert mail["Auto-Submitted"] == "auto-generated"


def test_an_organiser_and_the_one_who_asked_see_what_was_asked_for(parts, client, mailserver):
    join(parts, client, source="union.example")
    mails(parts, mailserver)
    address = parse_address("rosa@example.org")
    with parts.database.read() as session:
        told = story_of(session, address, parts.suppression)
    assert told.verdict(NOW) == "gets no mail yet: the sign-up was not confirmed"
    (asked,) = told.requests
    assert (asked.kind, asked.source, asked.confirmed_at) == ("join", "union.example", None)
    assert told.document()["requests"][0]["email"] == "Rosa@example.org"


def test_a_second_press_is_fine_and_the_link_opens_no_preferences(parts, client, mailserver):
    join(parts, client)
    page = page_in(mails(parts, mailserver)[0], "confirm")
    press(client, page)
    again = client.get(page)
    assert "already" in again.text
    assert "/preferences/" not in again.text
    assert client.get(page.replace("confirm", "preferences")).status_code == 404


def test_this_was_not_me(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    assert "deleted" in press(client, page_in(mail, "decline")).text
    assert "deleted" in client.get(page_in(mail, "decline")).text
    assert (person(parts), count(parts, Delivery), count(parts, ServiceMail)) == (None, 0, 0)
    assert "deleted" in client.get(page_in(mail, "confirm")).text
    join(parts, client)
    assert len(mails(parts, mailserver)) == 1
    assert count(parts, SignUp) == 1  # the one that says no, without an address


def test_after_a_week_nothing_is_left_of_who_did_not_confirm(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    parts.reception.forget(now=LATER + LIFE - timedelta(seconds=1))
    assert person(parts) is not None
    parts.reception.forget(now=LATER + LIFE)
    assert (person(parts), count(parts, SignUp), count(parts, Delivery), count(parts, ServiceMail)) == (None, 0, 0, 0)
    at(parts, LATER + LIFE)
    assert client.get(page_in(mail, "confirm")).status_code == 404


def test_a_link_that_is_too_old_says_so(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    at(parts, LATER + LIFE)
    answer = client.get(page_in(mail, "confirm"))
    assert (answer.status_code, "7 days" in answer.text) == (410, True)


def test_who_is_on_already_is_told_so_by_mail_alone(parts, client, mailserver):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org", languages=("ar",))
    answer = join(parts, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/sent")
    (mail,) = mails(parts, mailserver)
    assert mail["Content-Language"] == "ar"
    assert client.get(page_in(mail, "preferences")).status_code == 200
    assert person(parts).name == ""


def test_who_is_on_under_another_spelling_gets_the_link_where_their_mails_go(parts, client, mailserver):
    with parts.database.write() as session:
        builders.person(session, "straße@example.org")
    join(parts, client, email="STRASSE@example.org")
    parts.reception.work(now=LATER)
    asyncio.run(parts.worker().run())
    assert [mail.recipients[0] for mail in mailserver.received] == ["straße@example.org"]


def test_the_question_shows_what_is_agreed_to(parts, client, mailserver):
    join(parts, client)
    page = client.get(page_in(mails(parts, mailserver)[0], "confirm"))
    assert "political opinions" in page.text


@pytest.mark.parametrize("how", ["erased", "declined"])
def test_nothing_that_waits_goes_out_and_no_address_stays_after_that(parts, client, mailserver, how):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org").leave("unsubscribed", NOW - timedelta(days=1))
    join(parts, client)
    parts.reception.work(now=LATER)
    with parts.database.write() as session:
        rosa = session.scalars(select(Subscriber)).one()
        if how == "erased":
            forget_person(session, rosa, suppression=parts.suppression, now=LATER)
    if how == "declined":
        press(client, f"/decline/{parts.tokens.issue_errand(Purpose.DECLINE, 1)}")
    asyncio.run(parts.worker().run())
    assert mailserver.received == []
    assert count(parts, ServiceMail) == 0


def test_a_mail_that_hangs_keeps_no_address_for_ever(parts, client, mailserver):
    join(parts, client)
    parts.reception.work(now=LATER)
    with parts.database.write() as session:
        session.scalars(select(Mailing)).one().state = MailingState.PAUSED
    parts.reception.forget(now=LATER + timedelta(days=10))
    assert (count(parts, ServiceMail), count(parts, SignUp)) == (0, 0)


def test_one_recipients_server_holds_back_nobody_elses_confirmation(parts, client, mailserver):
    mailserver.answer_rcpt = lambda address: "550 5.7.1 we do not like you" if "evil" in address else None
    join(parts, client, email="rosa@evil.example")
    join(parts, client, email="olga@example.org")
    assert len(mails(parts, mailserver, "olga@example.org")) == 1
    with parts.database.read() as session:
        assert {one.state for one in session.scalars(select(Mailing))} <= {MailingState.RUNNING, MailingState.FINISHED}


def test_somebody_leaves_and_comes_back(parts, client, mailserver):
    with parts.database.write() as session:
        rosa = builders.person(session, "rosa@example.org")
    client.post(link(parts, rosa, Purpose.UNSUBSCRIBE))
    gone = client.get(link(parts, rosa, Purpose.PREFERENCES))
    assert (gone.status_code, 'href="/subscribe?in=en"' in gone.text) == (409, True)
    join(parts, client)
    assert person(parts).status is Status.LEFT
    press(client, page_in(mails(parts, mailserver)[0], "confirm"))
    assert person(parts).status is Status.ACTIVE
    assert client.get(link(parts, rosa, Purpose.PREFERENCES)).status_code == 200


def test_a_mail_that_can_not_be_delivered_buries_nobody(parts, client, mailserver):
    mailserver.answer_rcpt = lambda _address: "550 5.1.1 no such user"
    join(parts, client)
    mails(parts, mailserver)
    assert person(parts).status is Status.PENDING
    with parts.database.read() as session:
        assert parts.suppression.find(session, "rosa@example.org") is None


# ── the form against those who would sign others up ──────────────────────────────────────────────────────────────


def test_whatever_is_known_of_an_address_the_answer_is_the_same(parts, client):
    with parts.database.write() as session:
        builders.person(session, "active@example.org")
        builders.person(session, "left@example.org").leave("unsubscribed", NOW)
        parts.suppression.add(session, "declined@example.org", reason="declined", now=NOW)
        parts.suppression.add(session, "suppressed@example.org", reason="bounced", now=NOW)
    answers = {
        email: join(parts, client, email=email)
        for email in ("active@example.org", "left@example.org", "declined@example.org", "new@example.org")
    }
    seen = {
        (a.status_code, a.text, tuple(sorted(set(a.headers) - {"date"})), a.headers["location"])
        for a in answers.values()
    }
    assert len(seen) == 1


def test_a_machine_that_fills_in_every_field_is_thanked_and_nothing_stored(parts, client):
    answer = join(parts, client, website="https://evil.example")
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/sent")
    assert count(parts, SignUp) == 0


def test_who_is_quicker_than_people_presses_once_more(parts, client):
    form = {"form": mark_on(client.get("/subscribe")), **FORM}
    answer = client.post("/subscribe", data=form)
    assert (answer.status_code, "once more" in answer.text, 'value="Rosa@Example.org"' in answer.text) == (
        422,
        True,
        True,
    )
    assert count(parts, SignUp) == 0
    at(parts, LATER)
    form["form"] = mark_on(answer)
    assert client.post("/subscribe", data=form).status_code == 303


def test_whose_browser_did_its_work_is_taken_at_once_and_once(parts, client):
    page = client.get("/subscribe")
    form = {"form": mark_on(page), "proof": solved(page), **FORM}
    assert client.post("/subscribe", data=form).status_code == 303
    assert client.post("/subscribe", data=form).status_code == 422
    assert count(parts, SignUp) == 1


@pytest.mark.parametrize("spoil", ["e30=", "?", "x" * 5_000, base64.b64encode(b'{"challenge": []}').decode(), "\0"])
def test_work_that_was_not_done_counts_for_nothing(parts, client, spoil):
    form = {"form": mark_on(client.get("/subscribe")), "proof": spoil, **FORM}
    assert client.post("/subscribe", data=form).status_code == 422
    assert count(parts, SignUp) == 0


def test_work_for_another_page_counts_for_nothing(parts, client):
    other = client.get("/subscribe")
    at(parts, NOW + timedelta(seconds=1))
    form = {"form": mark_on(client.get("/subscribe")), "proof": solved(other), **FORM}
    assert client.post("/subscribe", data=form).status_code == 422


def test_a_form_that_is_not_ours_or_a_day_old_is_not_taken(parts, client):
    form = {"form": mark_on(client.get("/subscribe")), **FORM}
    at(parts, NOW + timedelta(days=1, seconds=1))
    assert client.post("/subscribe", data=form).status_code == 400
    assert client.post("/subscribe", data={**form, "form": "A" * 36}).status_code == 400
    assert count(parts, SignUp) == 0


def test_one_network_signs_up_a_few_without_work_and_then_has_to_wait(parts, client):
    answers = [join(parts, client, email=f"p{number}@example.org").status_code for number in range(10)]
    assert answers == [303] * 8 + [429] * 2
    assert count(parts, SignUp) == 8


def test_the_form_of_another_site_goes_on_here_with_what_was_typed(parts, client):
    answer = client.post(
        "/subscribe?in=ar", data={"email": "rosa@example.org", "source": "union.example", "topic": "x"}
    )
    assert (answer.status_code, answer.headers["content-language"]) == (200, "ar")
    assert 'value="rosa@example.org"' in answer.text
    assert 'name="source" value="union.example"' in answer.text
    assert count(parts, SignUp) == 0


@pytest.mark.parametrize(
    "email", ["", "rosa", "rosa@localhost", "a@b@c.org", "rosa@example.org\r\nBcc: x@y.org", "x" * 2_000]
)
def test_what_is_no_address_is_told_and_nothing_stored(parts, client, email):
    answer = join(parts, client, email=email)
    assert answer.status_code == 422
    assert count(parts, SignUp) == 0


def test_what_no_form_of_ours_offers_is_as_if_it_was_not_said(parts, client, mailserver):
    join(parts, client, cadence="hourly", language1="xx", topic="<script>", country="ZZ", name="R" * 5_000)
    press(client, page_in(mails(parts, mailserver)[0], "confirm"))
    rosa = person(parts)
    assert (rosa.cadence, rosa.profile_id > 0, len(rosa.name)) == (Cadence.WEEKLY, True, subscribe.MAX_NAME)


def test_a_page_that_is_only_looked_at_changes_nothing(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    before = everything(parts)
    for page in (page_in(mail, "confirm"), page_in(mail, "decline"), "/subscribe", "/subscribe/sent"):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert client.request(method, page).status_code in {200, 405}
    assert everything(parts) == before


def test_neither_link_works_for_the_other_page(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    confirm, decline = page_in(mail, "confirm"), page_in(mail, "decline")
    crossed = [
        confirm.replace("confirm", "decline"),
        decline.replace("decline", "confirm"),
        confirm.replace("confirm", "move"),
    ]
    assert [client.get(page).status_code for page in crossed] == [404] * 3


def test_without_the_mark_of_its_page_nobody_is_confirmed(parts, client, mailserver):
    join(parts, client)
    (mail,) = mails(parts, mailserver)
    for mark in ("", "A" * 36, mark_on(client.get("/subscribe"))):
        assert client.post(page_in(mail, "confirm"), data={"form": mark}).status_code == 400
    assert person(parts).status is Status.PENDING


# ── a change of address ──────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_has_their_mail_sent_elsewhere(parts, client, mailserver):
    with parts.database.write() as session:
        rosa = builders.person(session, "rosa@example.org")
    page = f"{link(parts, rosa, Purpose.PREFERENCES)}/address"
    answer = client.post(page, data={"form": mark_on(client.get(page)), "email": "rosa@new.example"})
    assert "on its way" in answer.text
    (asked,) = mails(parts, mailserver, "rosa@new.example")
    assert mails(parts, mailserver, "rosa@example.org") == []
    assert "old one was told" in press(client, page_in(asked, "move")).text
    assert person(parts, "rosa@new.example").id == rosa.id
    assert "old one was told" in client.get(page_in(asked, "move")).text
    (told,) = mails(parts, mailserver, "rosa@example.org")
    assert "rosa@new" not in told.as_string()
    assert client.get(page_in(told, "preferences")).status_code == 200


def test_the_answer_is_the_same_where_somebody_gets_mail_at_the_new_address_already(parts, client, mailserver):
    with parts.database.write() as session:
        rosa = builders.person(session, "rosa@example.org")
        builders.person(session, "other@example.org")
    page = f"{link(parts, rosa, Purpose.PREFERENCES)}/address"
    answers = [
        client.post(page, data={"form": mark_on(client.get(page)), "email": email})
        for email in ("other@example.org", "nobody@example.org")
    ]
    assert answers[0].text == answers[1].text
    assert mails(parts, mailserver, "other@example.org") == []
    assert len(mails(parts, mailserver, "nobody@example.org")) == 1


@pytest.mark.parametrize("email", ["", "rosa", "rosa@example.org\r\nBcc: x@y.org"])
def test_what_is_no_new_address_is_told(parts, client, email):
    with parts.database.write() as session:
        rosa = builders.person(session, "rosa@example.org")
    page = f"{link(parts, rosa, Purpose.PREFERENCES)}/address"
    answer = client.post(page, data={"form": mark_on(client.get(page)), "email": email})
    assert (answer.status_code, "slip" in answer.text) == (422, True)
