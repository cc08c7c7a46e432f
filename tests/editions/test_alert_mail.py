"""What an alert and a follow-up say, in which order, and how little an attacker's appeal can do to them."""

from dataclasses import replace
from urllib.parse import unquote

import pytest
from lxml import html

from newsletter.editions.acting import LONGEST_LINK, ShownLetter, mailto
from newsletter.editions.message import LONGEST
from newsletter.editions.render import Renderer
from newsletter.editions.slots import Slot, pieces
from tests.editions.test_render import ATTACKS, BRAND, FULL, PERSONAL, whole_html, whole_text, words_of


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(BRAND)


def in_order(said, *words):
    places = [said.find(word) for word in words]
    assert -1 not in places, words[places.index(-1)]
    return places == sorted(places)


PARTS = (
    "Hello Anna,",
    "This corrects:",
    "Ten strikers arrested",
    "Urgent",
    "They were taken at dawn.",
    "What you can do",
    "Act by",
    "Write to the prosecutor",
    "Chief Prosecutor",
    "Market square, Saturday at noon",
    "What they demand",
    "Pay the wages",
    "Background",
    "They have been on strike",
    "Read the whole appeal",
    "Unsubscribe",
)


def test_it_says_what_happened_then_what_to_do_until_when_then_the_background(renderer):
    for said in (words_of(whole_html(renderer, FULL, mail="follow-up")), whole_text(renderer, FULL, mail="follow-up")):
        headline, _, rest = said.partition("Hello Anna,")
        assert FULL.title in headline
        assert in_order("Hello Anna," + rest, *PARTS)


def test_what_has_no_teaser_begins_with_its_text(renderer):
    alone = replace(FULL, teaser="", body="They were freed at *noon*.", background="", demands=())
    for said in (
        words_of(whole_html(renderer, alone, mail="follow-up")),
        whole_text(renderer, alone, mail="follow-up"),
    ):
        assert in_order(said, "This corrects:", "They were freed at", "What you can do")
        assert said.count("They were freed at") == 1
        assert "Background" not in said


def test_what_asks_for_nothing_begins_with_its_text_however_long(renderer):
    news = replace(FULL, teaser="", body="They were freed. " * 200, background="", actions=(), deadline=None)
    for said in (words_of(whole_html(renderer, news, mail="follow-up")), whole_text(renderer, news, mail="follow-up")):
        assert in_order(said.partition("Hello Anna,")[2], "They were freed", "What they demand")
        assert "Background" not in said


@pytest.mark.parametrize(
    ("facts", "parts"),
    [
        ({"body": "They were freed. " * 200}, ("What you can do", "Background", "They were freed")),
        ({"background": "It began in *July*."}, ("They were freed", "What you can do", "Background", "It began")),
        ({"teaser": "They are out."}, ("They are out", "What you can do", "Background", "They were freed")),
    ],
    ids=["long", "with background", "with teaser"],
)
def test_what_there_is_to_do_never_stands_behind_a_long_text(renderer, facts, parts):
    shown = replace(FULL, **{"teaser": "", "body": "They were freed.", "background": "", "demands": ()} | facts)
    for said in (words_of(whole_html(renderer, shown, mail="alert")), whole_text(renderer, shown, mail="alert")):
        assert in_order(said.partition("Hello Anna,")[2], *parts)


def test_an_alert_says_nothing_of_what_it_continues(renderer):
    assert "This corrects" not in whole_html(renderer, FULL, mail="alert")


def test_a_life_at_risk_is_said(renderer):
    page = words_of(whole_html(renderer, replace(FULL, life_at_risk=True), mail="alert"))
    assert "A life is at risk" in page


@pytest.mark.parametrize(
    ("mail", "facts", "subject"),
    [
        ("alert", {}, "Urgent: Eleven strikers arrested in Akçova"),
        ("alert", {"urgent": False}, "Eleven strikers arrested in Akçova"),
        ("alert", {"title": "Urgent appeal for the eleven"}, "Urgent appeal for the eleven"),
        ("follow-up", {}, "Correction: Eleven strikers arrested in Akçova"),
        ("follow-up", {"follow_up": "victory", "title": "Victory: they are free"}, "Victory: they are free"),
    ],
)
def test_the_subject_says_what_it_is_and_says_it_once(renderer, mail, facts, subject):
    assert renderer.subject([replace(FULL, **facts)], "en", mail=mail) == subject


def test_the_button_opens_a_mail_with_subject_and_letter(renderer):
    links = html.fromstring(whole_html(renderer, FULL, mail="alert")).xpath("//a[text()='Write an email']")
    first = links[0].get("href")
    assert first.startswith("mailto:prosecutor@example.org?subject=Serbest%20b%C4%B1rak%C4%B1n&body=")
    assert unquote(first).endswith("Sayın yetkili,\r\n\r\non bir işçi …\r\n\r\nSaygılarımla")
    assert links[0].get("aria-label") == "Write an email: Chief Prosecutor"
    tel = html.fromstring(whole_html(renderer, FULL, mail="alert")).xpath("//a[starts-with(@href, 'tel:')]")
    assert {link.get("href") for link in tel} == {"tel:+900005550100"}


def test_a_letter_that_is_too_long_for_a_link_stands_in_the_mail(renderer):
    page = html.fromstring(whole_html(renderer, FULL, mail="alert"))
    (letter,) = page.xpath("//td[contains(@class, 'letter')]")
    assert (letter.get("lang"), letter.get("dir")) == ("tr", "ltr")
    assert "Sayın yetkili" in letter.text_content()
    assert "too long for the link" in page.text_content()


def test_a_link_is_never_longer_than_mail_programs_take():
    letter = ShownLetter(language="ar", direction="rtl", subject="حرية", letter="سلام " * 400)
    assert len(mailto(("a@example.org",), letter)) > LONGEST_LINK
    assert len(mailto(("a@example.org",), letter, whole=False)) < LONGEST_LINK


def test_the_text_gives_addresses_bare_and_wraps_nothing(renderer):
    text = whole_text(renderer, replace(FULL, teaser="word " * 200), mail="alert")
    lines = text.splitlines()
    assert "prosecutor@example.org" in lines
    assert "https://union.example/sign" in lines
    assert "> Sayın yetkili," in lines
    assert ("word " * 200).strip() in lines
    assert "\n\n\n" not in text


def test_what_is_too_long_leaves_its_body_to_the_page(renderer):
    brief = renderer.card_html(FULL, mail="alert", whole=False)
    assert "Read on" in brief
    assert "They have been on strike" not in brief
    assert "Write to the prosecutor" in brief  # what to do is never left out
    assert "Read on:\nhttps://appeals.example/" in renderer.card_text(FULL, mail="alert", whole=False)


def hostile(attack):
    target = replace(
        FULL.actions[0].targets[0],
        name=attack,
        office=attack,
        address=(attack,),
        emails=(attack,),
        phone=attack,
        whole=False,
        letter=replace(FULL.actions[0].targets[0].letter, subject=attack, letter=attack),
        mail=mailto(("a@example.org",), ShownLetter(language="en", direction="ltr", subject=attack, letter=attack)),
    )
    return replace(
        FULL,
        title=attack,
        demands=(attack,),
        background=attack,
        continues=replace(FULL.continues, title=attack, url=attack),
        actions=(
            replace(FULL.actions[0], say=attack, place=attack, url=attack, targets=(target,)),
            replace(FULL.actions[1], url=attack),
        ),
    )


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("mail", ["digest", "alert", "follow-up"])
def test_whatever_an_appeal_says_it_stays_words(renderer, attack, mail):
    view = hostile(attack)
    for card in (renderer.card_html(view, mail=mail), renderer.card_text(view, mail=mail)):
        assert pieces(card) == (card,)  # no slot in it, whose value would be a reader's own link
    page = html.fromstring(whole_html(renderer, view, mail=mail))
    assert page.xpath("//script | //img | //iframe | //@*[starts-with(name(), 'on')]") == []
    schemes = {link.partition(":")[0] for link in page.xpath("//@href")}
    assert schemes <= {"https", "mailto", "tel"}
    ours = {PERSONAL[Slot.UNSUBSCRIBE_URL], PERSONAL[Slot.PREFERENCES_URL]}
    assert sorted(link for link in page.xpath("//@href") if link in ours) == sorted(ours)
    assert page.xpath("//*[@role='article']")[0].xpath(".//a[text()='Unsubscribe']")
    assert not any("evil.example" in link for link in page.xpath("//@href") if not link.startswith("mailto:"))


def with_targets(count, letter):
    """An alert that asks to write one letter to many."""
    (action, *_others) = FULL.actions
    said = ShownLetter(language="fa", direction="rtl", subject="آزادی", letter=letter)
    targets = [
        replace(
            action.targets[0],
            number=number,
            name=f"Deputy {number}",
            emails=(f"deputy{number}@parliament.example",),
            letter=said,
            mail=mailto((f"deputy{number}@parliament.example",), said, whole=len(letter) < 200),
            whole=len(letter) < 200,
        )
        for number in range(count)
    ]
    return replace(FULL, actions=(replace(action, targets=tuple(targets)),))


def test_a_letter_that_many_get_stands_there_once(renderer):
    view = with_targets(50, "آزادشان کنید. " * 100)
    page = html.fromstring(whole_html(renderer, view, mail="alert"))
    assert len(page.xpath("//td[contains(@class, 'letter')]")) == 1
    assert whole_text(renderer, view, mail="alert").count("> ") == 1
    assert all(f"deputy{number}@parliament.example" in page.text_content() for number in range(50))


@pytest.mark.parametrize("letter", ["آزادشان کنید. " * 100, "آزادشان کنید. " * 10])
def test_an_alert_to_fifty_deputies_is_no_longer_than_a_mail_may_be(renderer, letter):
    view = with_targets(50, letter)
    brief = renderer.card_html(view, mail="alert", whole=False)
    shell = renderer.shell_html("en", mail="alert")
    assert len(brief.encode()) + len(shell.encode()) < LONGEST - 2_000
    assert "body=" not in brief
    assert "mailto:deputy0@parliament.example?subject=" in brief
    assert "Read on" in brief
    text = renderer.card_text(view, mail="alert", whole=False)
    assert "deputy0@parliament.example" in text
    assert len(text.encode()) < 10_000


def test_an_address_puts_nothing_into_the_mail(renderer):
    action = FULL.actions[0]
    target = replace(action.targets[0], emails=("a?bcc=evil@evil.example&subject=x@example.org",))
    page = html.fromstring(
        whole_html(renderer, replace(FULL, actions=(replace(action, targets=(target,)),)), mail="alert")
    )
    links = [link for link in page.xpath("//a/@href") if link.startswith("mailto:a")]
    assert links
    assert not any("?" in link or "&" in link for link in links)
