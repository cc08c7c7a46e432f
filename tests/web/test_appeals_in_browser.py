"""Appeals' pages as people use them: by phone and desk, day and night, in two directions, with scripts and without."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target
from newsletter.appeals.deeds import deeds_of
from newsletter.appeals.editing import Changes, edit
from newsletter.appeals.ending import Ending
from newsletter.appeals.model import Act, Audience, FollowUp
from newsletter.appeals.names import Register
from newsletter.appeals.urgency import Urgency
from newsletter.web.app import create_app
from subscribers.database import Database
from tests import builders
from tests.conftest import NOW
from tests.web.served import served

LONG = "Zwangsarbeitslagerentschädigungsverweigerungsverfahren"
LETTER = "Dear Sir or Madam,\n\nrelease the eleven.\n\nYours faithfully,"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from newsletter.operations.schema import upgrade  # noqa: PLC0415 - the fixture's own
    from subscribers.keys import Keys  # noqa: PLC0415

    path = tmp_path_factory.mktemp("appeals") / "newsletter.db"
    database = Database(f"sqlite:///{path}", create=True)
    upgrade(database)
    parts = builders.parts(database, Keys.generate())
    with parts.database.write() as session:
        made = builders.appeal(
            session,
            f"Eleven strikers arrested: {LONG}",
            languages=("en", "ar"),
            countries=["TR"],
            topics=["strikes"],
            urgency=Urgency.LIFE_AT_RISK,
            deadline=(NOW + timedelta(days=8)).date(),
            body=f"### What happened\n\n- one\n- two\n\n> {LONG}\n\n    {LONG * 3}\n\n[a link](https://example.org/{LONG})",
            url="https://example.org/a",
            released=None,
        )
        target = Target(
            name=f"Chief Prosecutor {LONG}",
            office="Başsavcı",
            postal_address="Adliye\n27010 Gaziantep",
            emails=("prosecutor@example.org", f"{LONG[:40].lower().replace('ä', 'a')}@example.org"),
            phone="+90 342 555 0100",
            languages=("tr", "en"),
        )
        words = {
            "en": ActionWords(say="Ask for their release", subject="Release", letter=LETTER),
            "ar": ActionWords(say="اطلب الإفراج عنهم", subject="الإفراج", letter="السيد المدعي العام"),
        }
        actions = [
            Action(key="write", kind=ActionKind.WRITE, targets=(target,), words=words),
            Action(key="sign", kind=ActionKind.SIGN, url="https://example.org/petition"),
        ]
        changes = Changes(actions=actions, demands=["Release them"], background="It began in May.")
        edit(made, changes, Act(by="Tarek", at=NOW), Register())
        made.picture, made.picture_credit = builders.picture(session).content_hash, "Strike committee"
        for text in made.texts:
            text.picture_alt = "A tent"
        builders.approve_and_release(made)
        builders.follow_up(session, made, FollowUp.VICTORY, Audience.EVERYONE, title="They are free")
        builders.appeal(session, "It was won").close(Act(by="Hanna", at=NOW), Ending.WON)
        builders.appeal(session, "It is late", deadline=(NOW - timedelta(days=9)).date(), countries=["PE"])
        for number in range(20):
            builders.appeal(session, f"Number {number}")
    with served(create_app(parts)) as client:
        yield parts, str(client.base_url).rstrip("/")
    database.dispose()


PAGES = (
    "/",
    "/appeals",
    "/appeals?country=ZZ",
    "/appeals?page=2",
    "/appeals/2026/001",
    "/appeals/2026/001-2",
    "/appeals/2026/003",
    "/appeals/2026/004",
    "/appeals/2026/001/letter/write/1",
    "/appeals/2026/999",
)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_axe_finds_nothing_nothing_overflows_and_nothing_comes_from_elsewhere(browser, site, language, width, light):
    _parts, base_url = site
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=light)
    fetched, complaints = [], []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    for path in PAGES:
        page.goto(f"{base_url}{path}{'&' if '?' in path else '?'}in={language}")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
    assert all(url.startswith(base_url) for url in fetched)
    assert [each for each in complaints if "404" not in each] == []
    assert page.context.cookies() == []
    page.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_a_supporter_reads_acts_and_says_so(browser, site, scripts):
    parts, base_url = site
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=scripts)
    if scripts:
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    page = context.new_page()
    page.goto(f"{base_url}/appeals?in=en")
    page.locator("article h2 a", has_text="Eleven strikers").click()
    mail = page.locator('a[href^="mailto:prosecutor"]').get_attribute("href")
    assert "body=Dear%20Sir%20or%20Madam%2C%0D%0A%0D%0Arelease" in mail
    copying = page.locator("button", has_text="Copy the letter")
    if scripts:
        copying.click()  # waits until the script has shown it
        page.locator("button", has_text="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == LETTER
    else:
        assert not copying.is_visible()
    before = _deeds(parts)
    page.locator("#action-sign ~ form summary").click()
    page.locator("#name-sign").fill("Rosa of Hamburg")
    page.locator("#action-sign ~ form button").click()
    page.locator('[role="status"]').wait_for()
    assert _deeds(parts) == before + 1
    if scripts:
        page.wait_for_url(lambda address: "did=" not in address)  # what is passed on is the page, not our thanks
    page.locator("a", has_text="Print the letter").click()
    page.wait_for_url("**/letter/**")
    page.locator("[data-print]").wait_for(state="visible" if scripts else "hidden")
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert page.locator(".letter-text").inner_text() == LETTER
    context.close()


def _deeds(parts):
    with parts.database.read() as session:
        return deeds_of(session, 1).get("sign", 0)


def test_a_reader_of_another_language_goes_on_in_it(browser, site):
    _parts, base_url = site
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{base_url}/appeals/2026/001?in=en")
    page.locator('.tongues a[lang="ar"]').click()
    page.wait_for_url("**in=ar")
    assert page.locator("article").get_attribute("dir") == "rtl"
    assert page.evaluate("getComputedStyle(document.querySelector('article')).direction") == "rtl"
    assert page.locator(".letter").first.get_attribute("lang") == "ar"
    page.close()
