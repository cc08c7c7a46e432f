"""The public pages of appeals: what they say, to whom, and what nobody can do with them."""

import json
import re
from datetime import date, timedelta
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target
from newsletter.appeals.deeds import DeedName, deeds_of
from newsletter.appeals.editing import Changes, edit
from newsletter.appeals.ending import Ending
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Act, Audience, FollowUp
from newsletter.appeals.names import Register, protect
from newsletter.appeals.protected import Forms, ProtectedName
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.withdrawing import sweep
from newsletter.web.app import create_app
from newsletter.web.limits import Ceiling
from newsletter.web.public import deed
from newsletter.web.public.deed import DeedCeilings
from tests import builders
from tests.conftest import NOW
from tests.web.looking import mark_on
from tests.web.served import served

ATOM = "{http://www.w3.org/2005/Atom}"
LETTER = "Sayın yetkili,\n\nOn bir işçiyi & eşini serbest bırakın?"
ACTIONS = (
    Action(
        key="prosecutor",
        kind=ActionKind.WRITE,
        targets=(
            Target(
                name="Chief Prosecutor",
                postal_address="Adliye\n27010 Gaziantep",
                emails=("prosecutor@example.org", "office+1@example.org"),
                phone="+90 342 555 0100",
                languages=("tr",),
            ),
        ),
        words={
            "en": ActionWords(say="Ask for their release", subject="Release", letter="Dear Sir, release them."),
            "tr": ActionWords(subject="Serbest bırakın", letter=LETTER),
        },
    ),
    Action(key="sign", kind=ActionKind.SIGN, url="https://example.org/petition?a=1&b=2"),
)


def fields(opened):
    """What the form of a page that was opened sends by itself."""
    return {"form": mark_on(opened), "once": re.search(r'name="once" value="([^"]+)"', opened.text)[1]}


def with_actions(session, actions=ACTIONS, **facts):
    made = builders.appeal(session, released=None, **facts)
    edit(made, Changes(actions=actions), Act(by="Tarek", at=NOW), Register())
    builders.approve_and_release(made)
    return made


def page(client, path, **options):
    answer = client.get(path, **options)
    assert answer.status_code == 200, path
    return LexborHTMLParser(answer.text)


def test_only_what_was_released_has_a_page(parts, client):
    with parts.database.write() as session:
        builders.appeal(session, "Draft", released=None)
        approved = builders.appeal(session, "Approved", released=None)
        approved.approve(Act(by="Hanna", at=NOW), second_look=True)
        builders.appeal(session, "Released")
    assert [client.get(f"/appeals/2026/00{n}").status_code for n in (1, 2, 3, 4)] == [404, 404, 200, 404]
    titles = [node.text() for node in page(client, "/appeals").css("article h2")]
    assert titles == ["Released"]
    assert "Draft" not in client.get("/appeals.atom").text


@pytest.mark.parametrize(
    "path", ["2026/1", "2026/001-x", "26/001", "2026/001'", "٢٠٢٦/٠٠١", "2026/" + "0" * 400, "2026/%00"]
)
def test_what_is_no_reference_has_no_page(client, path):
    assert client.get(f"/appeals/{path}").status_code == 404


def test_the_page_shows_what_was_approved_and_no_edit_since(parts, client):
    with parts.database.write() as session:
        made = builders.appeal(session, "As approved")
        edit(made, Changes(title="Not yet"), Act(by="Tarek", at=NOW), Register())
    assert page(client, "/appeals/2026/001").css_first("h1").text() == "As approved"


def test_it_speaks_the_language_that_is_asked_for_or_that_the_browser_prefers(parts, client):
    with parts.database.write() as session:
        builders.appeal(session, "Free them", languages=("en", "ar", "ckb"))
    arabic = page(client, "/appeals/2026/001?in=ar")
    assert arabic.css_first("article").attributes["dir"] == "rtl"
    assert arabic.css_first("h1").text() == "Free them [ar]"
    assert arabic.css_first("html").attributes["lang"] == "ar"
    # A language without a catalogue of ours has its text all the same.
    assert (
        page(client, "/appeals/2026/001", headers={"Accept-Language": "ckb"}).css_first("h1").text().endswith("[ckb]")
    )
    assert page(client, "/appeals/2026/001?in=zu").css_first("h1").text() == "Free them"
    assert [link.attributes["hreflang"] for link in arabic.css(".tongues a")] == ["en", "ar", "ckb"]


def test_a_letter_is_filled_into_the_link_in_the_language_that_its_reader_reads(parts, client):
    with parts.database.write() as session:
        with_actions(session)
    found = page(client, "/appeals/2026/001?in=en")
    link = found.css_first('a[href^="mailto:prosecutor"]').attributes["href"]
    parsed = urlsplit(link)
    assert unquote(parsed.path) == "prosecutor@example.org,office+1@example.org"
    assert parse_qs(parsed.query) == {"subject": ["Serbest bırakın"], "body": [LETTER.replace("\n", "\r\n")]}
    assert " " not in link
    letters = [node.attributes["lang"] for node in found.css(".letter")]
    assert letters == ["en", "tr"], "what it says first, then the letter itself"
    assert found.css_first('a[href^="tel:"]').attributes["href"] == "tel:+903425550100"


def test_a_letter_that_no_link_can_carry_is_copied(parts, client):
    long = Action(
        key="1",
        kind=ActionKind.WRITE,
        targets=(Target(name="X", emails=("x@example.org",)),),
        words={"en": ActionWords(subject="S", letter="ş" * 700)},
    )
    with parts.database.write() as session:
        with_actions(session, [long])
    found = page(client, "/appeals/2026/001?in=en")
    assert found.css_first('a[href^="mailto:x"]').attributes["href"] == "mailto:x@example.org?subject=S"
    assert "too long for the link" in found.text()


def test_a_letter_can_be_printed_and_nothing_else_has_such_a_page(parts, client):
    with parts.database.write() as session:
        with_actions(session)
    found = page(client, "/appeals/2026/001/letter/prosecutor/1?in=en")
    assert found.css_first(".letter-text").text() == LETTER
    assert found.css_first("address").html.count("<br>") == 2, "each line is one"
    for path in ("prosecutor/2", "prosecutor/0", "sign/1", "other/1", "prosecutor/١"):
        assert client.get(f"/appeals/2026/001/letter/{path}").status_code == 404


@pytest.mark.parametrize("ending", [Ending.WON, Ending.PARTLY_WON, Ending.LOST, Ending.OVER])
def test_a_closed_appeal_says_what_became_of_it_and_asks_for_nothing(parts, client, ending):
    with parts.database.write() as session:
        with_actions(session).close(Act(by="Hanna", at=NOW), ending)
    found = page(client, "/appeals/2026/001?in=en")
    words = {"won": "was won.", "partly_won": "in part.", "lost": "not succeed.", "over": "is closed."}
    assert words[ending] in found.css_first(".notice").text()
    assert found.css(".action") == []
    assert client.get("/appeals/2026/001/letter/prosecutor/1").status_code == 404


def test_after_its_deadline_it_asks_for_nothing(parts, client):
    with parts.database.write() as session:
        with_actions(session, deadline=date(2026, 11, 20))
    found = page(client, "/appeals/2026/001?in=en")
    assert "please do not write any more" in found.css_first(".notice").text()
    assert found.css(".action, .badge") == []


def test_a_withdrawn_appeal_shows_nothing(parts, client):
    with parts.database.write() as session:
        with_actions(session, title="What nobody must read").close(Act(by="Hanna", at=NOW), Ending.WITHDRAWN)
    answer = client.get("/appeals/2026/001?in=en")
    assert (answer.status_code, "nobody must read" in answer.text) == (410, False)
    assert "nobody must read" not in client.get("/appeals").text + client.get("/appeals.json").text


def test_follow_ups_stand_with_their_original_and_lead_back_to_it(parts, client):
    with parts.database.write() as session:
        original = builders.appeal(session, "Free them")
        builders.follow_up(session, original, FollowUp.CORRECTION, Audience.RECIPIENTS, title="They are twelve")
        builders.follow_up(session, original, FollowUp.VICTORY, Audience.EVERYONE, title="They are free")
        builders.follow_up(session, original, FollowUp.UPDATE, Audience.EVERYONE, title="Draft", released=None)
    story = page(client, "/appeals/2026/001?in=en").css_first(".story")
    assert [" ".join(item.text().split()) for item in story.css("li")] == [
        "Correction They are twelve 23 November 2026",
        "Victory They are free 23 November 2026",
    ]
    victory = page(client, "/appeals/2026/001-3?in=en")
    assert victory.css_first(".notice a").attributes["href"] == "/appeals/2026/001?in=en"
    assert [link.text() for link in victory.css(".story a")] == ["They are twelve"]


def test_what_a_title_says_itself_stands_there_once(parts, client):
    with parts.database.write() as session:
        original = builders.appeal(session, "Free them")
        builders.follow_up(session, original, FollowUp.CORRECTION, Audience.RECIPIENTS, title="Correction: twelve")
    found = page(client, "/appeals/2026/001-2?in=en")
    assert [" ".join(badge.text().split()) for badge in found.css(".badge")] == []
    assert found.css_first("title").text() == "Correction: twelve · Solidarity Newsletter"
    assert page(client, "/appeals/2026/001?in=en").css(".story .badge") == []
    assert page(client, "/?in=en").css_first("title").text() == "Solidarity Newsletter"


def test_a_page_is_the_same_for_everybody_keeps_nothing_and_loads_nothing_from_elsewhere(parts, client):
    with parts.database.write() as session:
        with_actions(session, title='Free <b>them</b> & "all" </script>', url="https://example.org/a")
    answer = client.get("/appeals/2026/001?in=en")
    assert "set-cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "all"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    found = LexborHTMLParser(answer.text)
    loaded = [
        node.attributes.get("src") or node.attributes.get("href")
        for node in found.css("script[src], img, link[rel=stylesheet]")
    ]
    assert all(each.startswith("/") for each in loaded)
    assert found.css_first("h1").text() == 'Free <b>them</b> & "all" </script>'
    about = json.loads(found.css_first('script[type="application/ld+json"]').text())
    assert about["headline"] == 'Free <b>them</b> & "all" </script>'
    assert found.css_first('meta[property="og:title"]').attributes["content"] == about["headline"]
    tokens = re.findall(r"[A-Za-z0-9_-]{36}", answer.text.replace(mark_on(answer), ""))
    assert tokens == []


def test_i_did_this_is_counted_and_ties_to_nobody_who_does_not_want_it(parts, client):
    with parts.database.write() as session:
        number = with_actions(session).id
    for name in ("", "  Rosa\x00 of\nHamburg "):
        data = fields(client.get("/appeals/2026/001?in=en")) | {"action": "prosecutor", "name": name}
        done = client.post("/appeals/2026/001/did?in=en", data=data)
        # A second press, or a page that is loaded again, is no second deed.
        assert client.post("/appeals/2026/001/did?in=en", data=data).status_code == 303
        assert (done.status_code, done.headers["location"]) == (303, "/appeals/2026/001?in=en&did=prosecutor")
    with parts.database.read() as session:
        assert deeds_of(session, number) == {"prosecutor": 2}
        assert [row.name for row in session.query(DeedName)] == ["Rosa of Hamburg"]
    found = page(client, "/appeals/2026/001?in=en&did=prosecutor")
    assert "2 people did" in found.text()
    assert "Rosa" not in found.text()
    assert found.css_first('[role="status"]').text() == "Thank you. It counts."


def test_nothing_is_counted_without_our_own_form_for_another_appeal_or_for_what_is_not_asked(parts, client):
    with parts.database.write() as session:
        number = with_actions(session).id
        with_actions(session)
    mark = mark_on(client.get("/appeals/2026/001"))
    answers = [
        client.post("/appeals/2026/001/did", data={"action": "sign"}),
        client.post("/appeals/2026/001/did", data={"form": "x" * 50, "action": "sign"}),
        client.post("/appeals/2026/002/did", data={"form": mark, "action": "sign"}),
        client.post("/appeals/2026/001/did", data={"form": mark, "action": "dance"}),
        client.post("/appeals/2026/009/did", data={"form": mark, "action": "sign"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 404, 404]
    with parts.database.read() as session:
        assert deeds_of(session, number) == {}


def test_above_a_ceiling_nothing_is_counted_and_nobody_is_told(parts, monkeypatch):
    with parts.database.write() as session:
        number = with_actions(session).id
    monkeypatch.setattr(deed, "DeedCeilings", lambda: DeedCeilings(of_network=Ceiling(3)))
    with served(create_app(parts)) as client:
        answers = set()
        for _ in range(8):
            data = fields(client.get("/appeals/2026/001")) | {"action": "sign"}
            answers.add(client.post("/appeals/2026/001/did", data=data).status_code)
    assert answers == {303}
    with parts.database.read() as session:
        assert deeds_of(session, number) == {"sign": 3}


def test_the_archive_is_narrowed_by_country_and_topic_and_goes_on_page_by_page(parts, client):
    with parts.database.write() as session:
        for n in range(45):
            builders.appeal(
                session, f"Number {n}", countries=["TR" if n % 3 else "PE"], topics=["trade unions"] if n % 2 else []
            )
    first = page(client, "/appeals?in=en")
    assert len(first.css("article")) == 20
    assert first.css_first('a[rel="next"]').attributes["href"] == "/appeals?in=en&page=2"
    last = page(client, "/appeals?in=en&page=3")
    assert (len(last.css("article")), last.css_first('a[rel="next"]')) == (5, None)
    both = page(client, "/appeals?country=pe&topic=Trade+Unions&in=en")
    assert [node.text() for node in both.css("article h2")] == [f"Number {n}" for n in (39, 33, 27, 21, 15, 9, 3)]
    assert both.css_first("#country option[selected]").text() == "Peru (15)"
    for odd in ("page=-1", "page=0", "page=x", "page=" + "9" * 6000, "country=" + "x" * 4000, "topic=%00", "page=٢"):
        assert client.get(f"/appeals?{odd}").status_code == 200


def test_feeds_say_the_same_for_machines_and_whoever_has_them_gets_them_once(parts, client):
    with parts.database.write() as session:
        builders.appeal(
            session, "Free <them>", body="**Bold**\n\n<script>x</script>", topics=["strikes"], countries=["TR"]
        )
        builders.appeal(session, "Other", languages=("en", "ar"))
    atom = client.get("/appeals.atom?topic=strikes")
    assert atom.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(atom.content)
    [entry] = root.findall(f"{ATOM}entry")
    assert entry.find(f"{ATOM}title").text == "Free <them>"
    assert entry.find(f"{ATOM}id").text == "https://news.hands.example/appeals/2026/001"
    assert "<strong>Bold</strong>" in entry.find(f"{ATOM}content").text
    assert "<script" not in entry.find(f"{ATOM}content").text
    again = client.get("/appeals.atom?topic=strikes", headers={"If-None-Match": atom.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    feed = client.get("/appeals.json?in=ar").json()
    assert [item["title"] for item in feed["items"]] == ["Other [ar]", "Free <them>"]
    assert feed["feed_url"] == "https://news.hands.example/appeals.json?in=ar"
    assert client.get("/appeals.json?country=PE").json()["items"] == []


def test_what_is_released_later_comes_first_in_feeds_whatever_its_date(parts, client):
    with parts.database.write() as session:
        builders.appeal(session, "New", released=NOW - timedelta(days=2))
        old = builders.appeal(session, "Old", released=None)
        old.published_on = date(2012, 11, 6)
        builders.approve_and_release(old, NOW - timedelta(days=1))
    assert [item["title"] for item in client.get("/appeals.json").json()["items"]] == ["Old", "New"]
    assert [node.text() for node in page(client, "/appeals").css("article h2")] == ["New", "Old"]


def test_search_engines_find_appeals_and_nobodys_own_page(parts, client):
    with parts.database.write() as session:
        builders.appeal(session)
        builders.appeal(session, released=None)
    sitemap = ET.fromstring(client.get("/sitemap.xml").content)
    assert [node.text for node in sitemap.findall(".//{*}loc")] == ["https://news.hands.example/appeals/2026/001"]
    robots = client.get("/robots.txt").text
    assert "Disallow: /\n" in robots
    assert "Sitemap: https://news.hands.example/sitemap.xml" in robots


def test_a_picture_is_served_as_what_it_is_and_nothing_else_is(parts, client):
    with parts.database.write() as session:
        made = builders.appeal(session, released=None)
        kept = builders.picture(session)
        made.picture, made.text.picture_alt, made.picture_credit = kept.content_hash, "A tent", "Strike committee"
        builders.approve_and_release(made)
    found = page(client, "/appeals/2026/001?in=en").css_first("figure img")
    assert found.attributes["alt"] == "A tent"
    answer = client.get(found.attributes["src"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == kept.content
    for name in ("x.jpg", kept.content_hash, kept.content_hash + ".png", kept.content_hash + ".html", "%2e%2e"):
        assert client.get(f"/pictures/{name}").status_code == 404


def test_a_name_is_said_only_with_consent_wherever_a_page_could_say_it(parts, client):
    action = Action(
        key="1", kind=ActionKind.SHARE, words={"en": ActionWords(say="Write for Karim", letter="Free Ahmadi!")}
    )
    with parts.database.write() as session:
        made = with_actions(
            session,
            [action],
            title="Free Karim Ahmadi",
            teaser="Karim is held.",
            urgency=Urgency.LIFE_AT_RISK,
            url="https://example.org/karim-ahmadi",
            topics=["ahmadi"],
        )
        builders.follow_up(session, made, FollowUp.UPDATE, Audience.EVERYONE, title="Karim is ill")
        forms = Forms(names=("Karim Ahmadi",))
        number = protect(session, parts.name_seal, forms, {"": "K., a nurse"}, by="Hanna", now=NOW).id
        sweep(session, Register.writing(session, parts.name_seal), language="en", now=NOW)
    paths = (
        "/appeals",
        "/appeals/2026/001?in=en",
        "/appeals/2026/001-2",
        "/appeals.atom",
        "/appeals.json",
        "/sitemap.xml",
    )
    said = "\n".join(client.get(path).text for path in paths)
    assert "karim" not in said.casefold()
    assert "ahmadi" not in said.casefold()
    assert "Free K., a nurse" in said
    with parts.database.write() as session:
        session.get_one(ProtectedName, number).consent_at = NOW
    assert "Free Karim Ahmadi" in client.get("/appeals/2026/001?in=en").text
    with parts.database.read() as session:
        assert find_appeal(session, "2026/001").text.title == f"Free {{name-{number}}}"


@pytest.mark.parametrize("original", ["withdrawn", "draft"])
def test_a_correction_can_be_read_also_where_what_it_corrects_can_not(parts, client, original):
    with parts.database.write() as session:
        made = builders.appeal(session, released=None if original == "draft" else NOW - timedelta(days=1))
        builders.follow_up(session, made, FollowUp.CORRECTION, Audience.EVERYONE, title="It was wrong")
        if original == "withdrawn":
            made.close(Act(by="Hanna", at=NOW), Ending.WITHDRAWN)
    assert page(client, "/appeals/2026/001-2?in=en").css_first("h1").text() == "It was wrong"


def test_a_picture_is_shown_only_as_long_as_an_appeal_with_it_is_public(parts, client):
    with parts.database.write() as session:
        made = builders.appeal(session, released=None)
        kept = builders.picture(session)
        made.picture = kept.content_hash
    assert client.get(f"/pictures/{kept.file_name}").status_code == 404
    with parts.database.write() as session:
        builders.approve_and_release(find_appeal(session, "2026/001"))
    assert client.get(f"/pictures/{kept.file_name}").status_code == 200
    with parts.database.write() as session:
        find_appeal(session, "2026/001").close(Act(by="Hanna", at=NOW), Ending.WITHDRAWN)
    assert client.get(f"/pictures/{kept.file_name}").status_code == 404


def test_a_topic_that_says_a_name_is_called_otherwise_and_two_may_become_one(parts, client):
    with parts.database.write() as session:
        builders.appeal(session, topics=["karim ahmadi", "ahmadi", "strikes"])
        forms = Forms(names=("Karim Ahmadi",))
        protect(session, parts.name_seal, forms, {"": "K."}, by="Hanna", now=NOW)
        sweep(session, Register.writing(session, parts.name_seal), language="en", now=NOW)
    options = [node.text() for node in page(client, "/appeals?in=en").css("#topic option")]
    assert options == ["All topics", "k. (1)", "strikes (1)"]
