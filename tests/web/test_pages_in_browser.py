"""The pages as people see them: on a phone and on a desk, by day and by night, in two directions, by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from newsletter.web.app import create_app
from subscribers.database import Database
from subscribers.model import Status, Subscriber
from subscribers.tokens import Purpose
from tests import builders
from tests.web.served import served


@pytest.fixture
def site(sqlite_url, keys):
    """A running site with two people; gives its address, the people's links and a way to look them up."""
    parts = builders.parts(Database(sqlite_url), keys)
    with parts.database.write() as session:
        people = {
            "en": builders.person(session, "rosa@example.org", countries=frozenset({"KZ", "TR"})),
            "ar": builders.person(session, "layla@example.org", languages=("ar", "en"), topics=frozenset({"strikes"})),
        }
    with served(create_app(parts)) as client:
        base_url = str(client.base_url).rstrip("/")

        def link(language, purpose=Purpose.UNSUBSCRIBE):
            token = parts.tokens.issue(purpose, subscriber_id=people[language].id, epoch=0)
            return f"{base_url}/{purpose}/{token}"

        def status(language):
            with parts.database.read() as session:
                return session.get_one(Subscriber, people[language].id).status

        yield base_url, link, status
    parts.database.dispose()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_somebody_leaves_by_keyboard_and_nothing_is_fetched_from_elsewhere(browser, site, language, scripts):
    base_url, link, status = site
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=scripts)
    page = context.new_page()
    fetched, complaints = [], []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(link(language))
    assert status(language) is Status.ACTIVE
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert status(language) is Status.LEFT
    page.locator('input[value="too_many"]').check()
    page.locator("button").focus()
    page.keyboard.press("Enter")
    page.locator('[role="status"]').wait_for()
    assert page.locator("button").count() == 0
    assert all(url.startswith(base_url) for url in fetched)
    assert complaints == []
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
def test_somebody_chooses_otherwise_and_sees_it_kept(browser, site, language, width, scripts):
    base_url, link, _status = site
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    page = context.new_page()
    fetched, complaints = [], []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(link(language, Purpose.PREFERENCES))
    page.locator('input[name="cadence"][value="daily"]').check()
    page.locator('input[name="alerts"]').uncheck()
    page.locator("#hour").select_option("19")
    page.locator("#time_zone").select_option("Asia/Kathmandu")
    page.locator("#language3").select_option("tr")
    page.locator("#pause").fill("2026-12-03")
    page.locator('input[name="discreet"]').check()
    page.locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**?saved")
    assert page.locator('[role="status"]').count() == 1
    assert page.locator('input[name="cadence"][value="daily"]').is_checked()
    assert not page.locator('input[name="alerts"]').is_checked()
    assert page.locator("#hour").input_value() == "19"
    assert page.locator("#time_zone").input_value() == "Asia/Kathmandu"
    assert page.locator("#pause").input_value() == "2026-12-03"
    assert "tr" in [page.locator(f"#language{place}").input_value() for place in (1, 2, 3)]
    assert page.locator('input[name="discreet"]').is_checked()
    assert all(url.startswith(base_url) for url in fetched)
    assert complaints == []
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(browser, site, language, width, light):
    base_url, link, _status = site
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=light)
    own = link(language, Purpose.PREFERENCES)
    for address in (link(language), own, f"{own}/data", f"{own}/erase", f"{base_url}/", f"{base_url}/unsubscribe/x"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.goto(link(language, Purpose.PREFERENCES))
    for place in range(1, 5):
        page.locator(f"#language{place}").select_option("")
    page.locator("button").click()
    page.locator('[role="alert"]').wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()
