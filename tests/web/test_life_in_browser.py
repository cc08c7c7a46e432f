"""A subscriber's whole life in a real browser: join, confirm, choose, pause, move, leave, come back.

In English and in Arabic, on a phone and on a desk, with scripts and without; the links are those of mails that arrived.
"""

import asyncio
import re
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select

from newsletter.web.app import create_app
from subscribers.database import Database
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW
from tests.web.served import served


@pytest.fixture
def site(sqlite_url, keys, mailserver):
    parts = builders.parts(Database(sqlite_url), keys, smtp_port=mailserver.port, organisation="Hands Across Borders")
    with parts.database.write() as session:
        builders.appeal(session, languages=("en", "ar"), topics=["strikes", "prisons"], countries=["TR", "IR"])
    with served(create_app(parts)) as client:
        yield Site(parts, mailserver, str(client.base_url).rstrip("/"))
    parts.close()


class Site:
    """The pages, the mails that they lead to, and what is kept of the one who is there."""

    def __init__(self, parts, mailserver, base_url):
        self.parts, self.mailserver, self.base_url = parts, mailserver, base_url

    def at(self, moment):
        self.parts.clock = lambda: moment

    def link(self, email, purpose):
        """Give the page that the newest mail to an address leads to."""
        self.parts.reception.work(now=self.parts.clock())
        # In a thread of its own: the browser's has an event loop that is running.
        sender = threading.Thread(target=lambda: asyncio.run(self.parts.worker().run()))
        sender.start()
        sender.join()
        text = self.mailserver.to(email)[-1].message.get_body(("plain",)).get_content()
        return self.base_url + re.search(rf"/{purpose}/[A-Za-z0-9_-]+", text)[0]

    def person(self, email):
        with self.parts.database.read() as session:
            return session.scalars(select(Subscriber).where(Subscriber.address_key == email)).one()


@contextmanager
def visited(browser, site, width, language, *, scripts):
    """Open a page for one visitor; nothing comes from elsewhere, nothing complains, nothing is set."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=scripts, locale=language
    )
    page = context.new_page()
    fetched, complaints = [], []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [url for url in fetched if not url.startswith(site.base_url)] == []
    # What a browser says of an answer with another status than 200.
    assert [one for one in complaints if "409" not in one] == []
    assert context.cookies() == []
    context.close()


def looked_at(page, width, *, scripts):
    """The page that is open is whole: nothing overflows, and axe finds nothing."""
    if scripts:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        found = Axe().run(page)
        assert found.violations_count == 0, (page.url, found.generate_report())


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
def test_somebody_lives_with_it(browser, site, language, width, scripts):
    with visited(browser, site, width, language, scripts=scripts) as page:

        def press(button="main form button"):
            with page.expect_navigation():
                page.locator(button).first.press("Enter")
            looked_at(page, width, scripts=scripts)

        def join(moment):
            site.at(moment)
            page.goto(f"{site.base_url}/subscribe")
            assert page.locator("html").get_attribute("lang") == language
            assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
            looked_at(page, width, scripts=scripts)
            if scripts:
                page.locator('input[name="proof"]:not([value=""])').wait_for(state="attached")
            else:
                site.at(moment + timedelta(seconds=5))
            page.locator("#email").fill("rosa@example.org")
            page.locator('input[name="cadence"][value="daily"]').check()
            page.locator("summary").press("Enter")
            page.locator('input[name="topic"][value="strikes"]').check()
            press()
            assert "/subscribe/sent" in page.url

        # They join, and confirm.
        join(NOW)
        page.goto(site.link("rosa@example.org", "confirm"))
        looked_at(page, width, scripts=scripts)
        press()
        rosa = site.person("rosa@example.org")
        assert (rosa.status, rosa.cadence, rosa.profile_id > 0) == (Status.ACTIVE, Cadence.DAILY, True)

        # They choose otherwise, pause, and see it kept.
        with page.expect_navigation():
            page.locator('main a[href^="/preferences/"]').press("Enter")
        own = page.url
        assert page.locator('input[name="topic"][value="strikes"]').is_checked()
        page.locator('input[name="cadence"][value="monthly"]').check()
        page.locator("#time_zone").select_option("Asia/Kathmandu")
        page.locator("#pause").fill("2026-12-03")
        page.locator('input[name="format"][value="text"]').check()
        press()
        assert page.locator('[role="status"]').count() == 1
        rosa = site.person("rosa@example.org")
        assert (rosa.cadence, rosa.time_zone, rosa.paused_until is not None) == (
            Cadence.MONTHLY,
            "Asia/Kathmandu",
            True,
        )

        # They have their mail sent elsewhere.
        page.goto(f"{own.partition('?')[0]}/address")
        looked_at(page, width, scripts=scripts)
        page.locator("#email").fill("rosa@new.example")
        press()
        page.goto(site.link("rosa@new.example", "move"))
        looked_at(page, width, scripts=scripts)
        press()
        assert site.person("rosa@new.example").id == rosa.id
        assert site.link("rosa@example.org", "preferences") == own.partition("?")[0], "the old address was told"

        # They leave, and find that there is nothing to choose any more.
        page.goto(own)
        with page.expect_navigation():
            page.locator('main a[href^="/unsubscribe/"]').press("Enter")
        looked_at(page, width, scripts=scripts)
        press()
        assert site.person("rosa@new.example").status is Status.LEFT
        page.goto(own)
        looked_at(page, width, scripts=scripts)
        assert page.locator('a[href^="/subscribe"]').count() == 1

        # They come back, as somebody who asks for it afresh; and once more, to say that the last was not them.
        join(NOW + timedelta(hours=2))
        page.goto(site.link("rosa@example.org", "confirm"))
        press()
        join(NOW + timedelta(hours=4))
        assert site.link("rosa@example.org", "preferences"), "who is on already is told so by mail"
        page.goto(site.link("rosa@example.org", "preferences"))
        looked_at(page, width, scripts=scripts)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_somebody_says_that_it_was_not_them(browser, site, language):
    with visited(browser, site, 360, language, scripts=True) as page:
        page.goto(f"{site.base_url}/subscribe")
        page.locator('input[name="proof"]:not([value=""])').wait_for(state="attached")
        page.locator("#email").fill("rosa@example.org")
        with page.expect_navigation():
            page.locator("main form button").press("Enter")
        page.goto(site.link("rosa@example.org", "decline"))
        looked_at(page, 360, scripts=True)
        with page.expect_navigation():
            page.locator("main form button").press("Enter")
        looked_at(page, 360, scripts=True)
    with site.parts.database.read() as session:
        assert session.scalars(select(Subscriber)).all() == []
