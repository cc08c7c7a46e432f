"""Rendering: what a supporter sees, in every language, and what an attacker's appeal can't do to it."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from newsletter.editions.acting import ShownAction, ShownLetter, ShownTarget, mailto
from newsletter.editions.card import shorten
from newsletter.editions.inline import inline_page
from newsletter.editions.palette import ColourInvalid
from newsletter.editions.render import Renderer, TemplateBroken, TemplateLacks, templates_folder
from newsletter.editions.slots import Insert, Slot, fill, mark, pieces
from newsletter.editions.stored import compose_html, compose_text, more_words
from newsletter.editions.view import AppealView, Brand, Continued
from newsletter.languages import languages

BRAND = Brand(
    name="Solidarity & Friends",
    colour="#14545c",
    postal_address="14 Rue des Tisserands\n1000 Sampletown",
    home_url="https://solidarity.example/",
    appeals_url="https://news.example/appeals",
)
APPEAL = AppealView(
    reference="2026/014",
    language="en",
    title="Eleven strikers arrested in Akçova",
    byline="Textile Workers’ Committee",
    published_on=date(2026, 11, 21),
    countries=("TR", "EG"),
    topics=("strikes",),
    urgent=True,
    deadline=date(2026, 12, 3),
    teaser="They were taken at dawn.\n\nThe prosecutor decides on Thursday.",
    body="",
    url="https://appeals.example/2026/014?a=1&b=2",
)
_LETTER = ShownLetter(
    language="tr", direction="ltr", subject="Serbest bırakın", letter="Sayın yetkili,\n\non bir işçi …\n\nSaygılarımla"
)
_PROSECUTOR = ShownTarget(
    number=1,
    name="Chief Prosecutor",
    office="Akçova",
    address=("Adliye Sarayı", "Akçova"),
    emails=("prosecutor@example.org",),
    phone="+90 000 555 01 00",
    dial="+900005550100",
    mail=mailto(("prosecutor@example.org",), _LETTER),
    whole=True,
    letter=_LETTER,
    meaning=None,
    print_url="https://news.example/appeals/2026/014/letter/1/1?in=en",
)
FULL = replace(
    APPEAL,
    follow_up="correction",
    continues=Continued(title="Ten strikers arrested", url="https://news.example/appeals/2026/013?in=en"),
    background="They have been on strike **since** July.",
    demands=("Release the eleven", "Pay the wages"),
    actions=(
        ShownAction(
            key="1",
            kind="write",
            say="Write to the prosecutor",
            url="",
            place="",
            targets=(_PROSECUTOR, replace(_PROSECUTOR, number=2, name="Minister", whole=False)),
        ),
        ShownAction(key="2", kind="sign", say="", url="https://union.example/sign", place="", targets=()),
        ShownAction(key="3", kind="demonstrate", say="", url="", place="Market square, Saturday at noon", targets=()),
    ),
)
PERSONAL = {
    Slot.GREETING: "Hello Anna,",
    Slot.UNSUBSCRIBE_URL: "https://news.example/u/token?a=1&b=2",
    Slot.PREFERENCES_URL: "https://news.example/p/token",
}
ATTACKS = [
    "~slot.unsubscribe_url~",
    "~slot.greeting~",
    "~part.cards~",
    "&#126;slot.greeting~",
    "~sl\x00ot.greeting~",
    "\\~slot.greeting~",
    "{{ 7 * 191 }}",
    "{% include 'email/base/styles.css' %}",
    "<script>alert(1)</script>",
    "</style></title><script>alert(1)</script>",
    "<!--edge-->",
    "<img src=x onerror=alert(1)>",
    "![x](https://spy.example/pixel.gif)",
    '" onmouseover="alert(1)',
    "[press](javascript:alert(1))",
    "[press](data:text/html,x)",
    "<a href='https://evil.example'>x</a>",
    "one\r\nBcc: everyone@example.org\r\n\r\ntwo",
    "\u202egnp.exe",
    "</td></tr></table></body>",
    "%(title)s %s %%",
]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(BRAND)


def whole_html(renderer: Renderer, *appeals: AppealView, language: str = "en", mail: str = "digest") -> str:
    page = compose_html(
        renderer.shell_html(language, mail=mail),
        cards=[renderer.card_html(appeal, mail=mail) for appeal in appeals],
        preheader=renderer.preheader(appeals, language),
        intro=renderer.intro(appeals, language, mail=mail),
        more=more_words(0, language),
    )
    return fill(page, PERSONAL, html=True)


def whole_text(renderer: Renderer, *appeals: AppealView, language: str = "en", mail: str = "digest") -> str:
    text = compose_text(
        renderer.shell_text(language, mail=mail),
        cards=[renderer.card_text(appeal, mail=mail) for appeal in appeals],
        preheader=renderer.preheader(appeals, language),
        intro=renderer.intro(appeals, language, mail=mail),
        more=more_words(0, language),
    )
    return fill(text, PERSONAL, html=False)


def words_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


# What a supporter sees


def test_a_card_says_who_when_where_and_until_when(renderer):
    said = words_of(renderer.card_html(APPEAL))
    assert "Urgent" in said
    assert "Textile Workers’ Committee · 21 November 2026 · Türkiye, Egypt" in said
    assert "Act by 3 December 2026" in said
    assert "3\u00a0December\u00a02026" in renderer.card_html(APPEAL)  # a deadline isn't torn apart at a line's end
    assert "They were taken at dawn." in said


def test_title_and_button_lead_to_the_whole_appeal(renderer):
    links = html.fromstring(renderer.card_html(APPEAL)).xpath("//a")
    assert [link.get("href") for link in links] == [APPEAL.url, APPEAL.url]
    assert links[1].text == "Read the whole appeal"
    assert links[1].get("aria-label") == f"Read the whole appeal: {APPEAL.title}"


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "/2026/014", "https://", "ftp://x.example/", "https://a b.example"]
)
def test_an_appeal_without_a_web_address_has_neither_link_nor_button(renderer, url):
    bare = replace(APPEAL, url=url)
    assert "<a " not in renderer.card_html(bare)
    assert "Read the whole appeal" not in renderer.card_text(bare)


def test_a_card_leaves_out_what_is_not_known(renderer):
    sparse = replace(APPEAL, byline="", countries=(), urgent=False, deadline=None)
    said = words_of(renderer.card_html(sparse))
    assert "·" not in said
    assert "Act by" not in said
    assert "Urgent" not in said


def test_a_card_speaks_the_language_of_its_appeal(renderer):
    card = html.fromstring(renderer.card_html(replace(APPEAL, language="ar")))
    assert (card.get("lang"), card.get("dir")) == ("ar", "rtl")
    assert "21 نوفمبر 2026" in card.text_content()
    assert "تركيا، مصر" in card.text_content()


def test_the_text_part_reads_on_its_own(renderer):
    assert (
        whole_text(renderer, APPEAL)
        == """Solidarity & Friends
Appeals for solidarity

Hello Anna,

1 urgent appeal asks for your solidarity.

------------------------------------------------

[Urgent]
Eleven strikers arrested in Akçova
Textile Workers’ Committee · 21 November 2026 · Türkiye, Egypt
Act by 3 December 2026

They were taken at dawn.

The prosecutor decides on Thursday.

Read the whole appeal:
https://appeals.example/2026/014?a=1&b=2

------------------------------------------------

All appeals:
https://news.example/appeals?in=en

------------------------------------------------

Unsubscribe:
https://news.example/u/token?a=1&b=2

Your preferences:
https://news.example/p/token

You get this mail because you asked for it. \
Nothing in it reports whether you open it or what you click.

Solidarity & Friends
14 Rue des Tisserands
1000 Sampletown
https://solidarity.example/
"""
    )


def test_the_subject_names_the_most_pressing_appeal_and_how_many_more(renderer):
    calm = replace(APPEAL, urgent=False, title="A calm one")
    assert renderer.subject([calm, APPEAL, calm], "en") == (
        "Urgent: Eleven strikers arrested in Akçova, and 2 more appeals"
    )
    assert renderer.subject([calm, calm], "en") == "A calm one, and 1 more appeal"
    assert renderer.subject([calm], "en") == "A calm one"


def test_the_preheader_says_what_the_subject_left_out(renderer):
    calm = replace(APPEAL, urgent=False, deadline=None, title="A calm one")
    assert renderer.preheader([calm, APPEAL], "en") == "Act by 3 December 2026 · A calm one"
    assert renderer.preheader([calm], "en") == "They were taken at dawn. The prosecutor decides on Thursday."


@pytest.mark.parametrize(
    ("urgent", "calm", "intro"),
    [
        (0, 3, "3 appeals ask for your solidarity."),
        (1, 0, "1 urgent appeal asks for your solidarity."),
        (1, 6, "7 appeals ask for your solidarity. One of them is urgent."),
        (2, 5, "7 appeals ask for your solidarity. 2 of them are urgent."),
    ],
)
def test_the_intro_counts(renderer, urgent, calm, intro):
    appeals = [APPEAL] * urgent + [replace(APPEAL, urgent=False)] * calm
    assert renderer.intro(appeals, "en") == intro


def test_the_body_is_read_from_markdown(renderer):
    body = "# What to do\n\nSign **now**:\n\n- [the petition](https://sign.example/1)\n- <mailto:press@union.example>\n"
    appeal = replace(APPEAL, body=body)
    card = html.fromstring(renderer.card_html(appeal))
    assert [heading.text for heading in card.iter("h3")] == ["What to do"]
    assert "https://sign.example/1" in [link.get("href") for link in card.iter("a")]
    assert (
        "What to do\n\nSign *now*:\n\n- the petition <https://sign.example/1>\n- press@union.example\n"
        in renderer.card_text(appeal)
    )


# What an attacker's appeal can't do


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("field", ["title", "byline", "teaser", "body", "url"])
def test_an_appeal_can_neither_fill_a_slot_nor_open_a_tag(renderer, attack, field):
    value = f"https://evil.example/{attack}" if field == "url" else attack
    hostile = replace(APPEAL, **{field: value})
    cards = [renderer.card_html(hostile), renderer.card_text(hostile)]
    cards += [renderer.subject([hostile], "en"), renderer.preheader([hostile], "en")]
    for card in cards:
        assert pieces(card) == (card,)
        assert "~part." not in card
        assert "1337" not in card
    written = whole_html(renderer, hostile)
    assert not re.search(r"<script|<img|<!--edge", written)
    page = html.fromstring(written)
    assert page.xpath("//script | //img | //iframe | //form | //link | //object") == []
    assert page.xpath("//@*[starts-with(name(), 'on')]") == []
    schemes = {re.split(r"[:/]", href)[0] for href in page.xpath("//@href")}
    assert schemes <= {"http", "https", "mailto"}
    # Nothing got out of its card: the footer is whole, and the greeting stands once.
    assert page.text_content().count("Hello Anna,") == 1
    assert [link.text for link in page.xpath("//a[@class='way']")] == ["All appeals", "Unsubscribe", "Your preferences"]
    assert whole_text(renderer, hostile).count(PERSONAL[Slot.UNSUBSCRIBE_URL]) == 1


@settings(max_examples=30, deadline=None)
@given(title=st.text(), byline=st.text(), teaser=st.text(), body=st.text(), url=st.text())
def test_no_text_at_all_breaks_a_card(title, byline, teaser, body, url):
    renderer = Renderer(BRAND)
    strange = replace(APPEAL, title=title, byline=byline, teaser=teaser, body=body, url=url)
    card = renderer.card_html(strange)
    assert card.startswith("<table")
    assert card.endswith("</table>")
    assert pieces(card) == (card,)
    assert len(renderer.subject([strange], "en").splitlines()) == 1
    assert renderer.card_text(strange).encode()


def test_a_deeply_nested_body_stays_whole(renderer):
    for deep in ("*" * 4000 + "a" + "*" * 4000, ">" * 4000 + "a", "- " * 2000 + "a", "[" * 4000 + "a" + "](b)" * 4000):
        assert renderer.card_html(replace(APPEAL, body=deep)).endswith("</table>")
        renderer.card_text(replace(APPEAL, body=deep))


def test_a_subject_can_not_carry_a_second_header(renderer):
    hostile = replace(APPEAL, title="Hello\r\nBcc: everyone@example.org")
    assert renderer.subject([hostile], "en") == "Urgent: Hello Bcc: everyone@example.org"


def test_a_brand_with_anything_but_a_colour_is_refused():
    with pytest.raises(ColourInvalid, match="six digits"):
        Renderer(replace(BRAND, colour="red;} </style><script>"))


def test_a_brand_name_with_a_mark_stays_a_name():
    renderer = Renderer(replace(BRAND, name="~slot.greeting~"))
    assert renderer.shell_text("en").count(mark(Slot.GREETING)) == 1


# What mail programs need


@pytest.mark.parametrize("language", [*languages(), "he", "ckb", "ur", "pt-BR"])
def test_every_shell_has_its_slots_its_inserts_and_its_language(renderer, language):
    shell = renderer.shell_html(language)
    its_own = set(Slot) - {Slot.CONFIRM_URL, Slot.DECLINE_URL}  # those are service mails'
    assert {piece for piece in pieces(shell) if isinstance(piece, Slot)} == its_own
    assert all(mark(place) in shell for place in Insert)
    page = html.fromstring(shell)
    article = page.xpath("//*[@role='article']")[0]
    assert (article.get("lang"), article.get("dir")) == (page.get("lang"), page.get("dir"))
    assert page.get("lang") == language
    assert "14 Rue des Tisserands" in renderer.shell_text(language)


def test_right_to_left_swaps_the_sides(renderer):
    arabic, english = (renderer.card_html(replace(APPEAL, language=tag)) for tag in ("ar", "en"))
    assert "border-right:4px" in arabic
    assert "left" not in arabic
    assert "border-left:4px" in english
    assert "right" not in english


def styles(page: str) -> list[tuple[str, str | None, str | None]]:
    return [
        (str(e.tag), e.get("style"), e.get("bgcolor")) for e in html.fromstring(page).iter() if isinstance(e.tag, str)
    ]


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("mail", ["digest", "alert", "follow-up"])
def test_parts_inlined_apart_look_like_the_page_inlined_whole(renderer, language, mail):
    appeals = [
        replace(FULL, language=language, body="# a\n\n> b\n\n1. c\n\n- [d](https://e.example)\n\n`f`\n\n***\n\n    g"),
        replace(APPEAL, language=language, urgent=False),
    ]
    apart = compose_html(
        renderer.shell_html(language, mail=mail),
        cards=[renderer.card_html(a, mail=mail) for a in appeals],
        preheader="p",
        intro="i",
    )
    raw = Renderer(BRAND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("newsletter.editions.render.inline_page", lambda page: page)
        patch.setattr("newsletter.editions.render.inline_fragment", lambda fragment, styles: fragment)
        whole = compose_html(
            raw.shell_html(language, mail=mail),
            cards=[raw.card_html(a, mail=mail) for a in appeals],
            preheader="p",
            intro="i",
        )
    assert styles(apart) == styles(inline_page(whole))
    assert sum(style is not None for _, style, _ in styles(apart)) > 50


def test_dark_mode_survives_the_inliner(renderer):
    shell = renderer.shell_html("en")
    assert "@media (prefers-color-scheme: dark)" in shell
    assert '<meta name="color-scheme" content="light dark">' in shell
    night = shell.partition("@media (prefers-color-scheme: dark) {")[2].partition("\n}")[0]
    declarations = re.findall(r"\{(.*?)\}", night)
    assert len(declarations) > 15
    assert all("!important" in declaration for declaration in declarations)
    # What a style attribute sets, a style sheet can only change for an element that kept its class.
    pages = [whole_html(renderer, FULL, replace(APPEAL, urgent=False), mail=mail) for mail in ("digest", "follow-up")]
    named = [names for page in pages for names in html.fromstring(page).xpath("//@class")]
    classes = {name for names in named for name in names.split()}
    assert set(re.findall(r"\.([a-z-]+)", night)) <= classes


def test_every_colour_has_six_digits(renderer):
    page = whole_html(renderer, replace(APPEAL, body="a\n\n> b"))
    colours = re.findall(r"(?:color|border[a-z-]*|bgcolor)[:=][^;\"]*?(#[0-9a-fA-F]+)", page)
    assert len(colours) > 20
    assert {len(colour) for colour in colours} == {7}


def test_a_digest_of_seven_stays_under_what_gmail_clips(renderer):
    body = "## Background\n\n" + "They have been on strike for nineteen days. " * 40 + "\n\n- one\n- two\n"
    page = whole_html(renderer, *[replace(APPEAL, body=body)] * 7)
    assert len(page.encode()) < 90_000
    assert sum(len(style.encode()) for style in re.findall(r"<style.*?</style>", page, re.DOTALL)) < 16_000


def test_nothing_remote_is_loaded_and_nothing_is_tracked(renderer):
    page = whole_html(renderer, APPEAL)
    assert not re.search(r"<img|<link|@import|@font-face|url\(|\bsrc=|background=|http-equiv=.refresh", page)
    ours = {BRAND.home_url, f"{BRAND.appeals_url}?in=en", APPEAL.url}
    ours |= {PERSONAL[Slot.UNSUBSCRIBE_URL], PERSONAL[Slot.PREFERENCES_URL]}
    assert set(html.fromstring(page).xpath("//@href")) == ours


def test_outlook_gets_a_table_of_fixed_width_and_closes_it(renderer):
    comments = re.findall(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", renderer.shell_html("en"), re.DOTALL)
    drawn = "".join(comments[1:])
    assert 'width="600"' in drawn
    assert drawn.count("<table") == drawn.count("</table>") == 1


def test_the_preheader_is_followed_by_room_so_that_nothing_else_shows(renderer):
    hidden = html.fromstring(renderer.shell_html("en")).xpath("//div[@class='preheader']")[0].text
    assert hidden.startswith(mark(Insert.PREHEADER))
    assert len(hidden) > 200
    assert not hidden.removeprefix(mark(Insert.PREHEADER)).strip("\u034f\u200c\xa0 \n")


def test_headings_go_down_one_step_at_a_time(renderer):
    page = html.fromstring(whole_html(renderer, replace(APPEAL, body="# One\n\n### Two")))
    assert [heading.tag for heading in page.xpath("//h1 | //h2 | //h3 | //h4")] == ["h1", "h2", "h3", "h4"]


def test_rendering_twice_gives_the_same_bytes():
    one, other = Renderer(BRAND), Renderer(BRAND)
    appeal = replace(APPEAL, body="**a** [b](https://c.example)\n\n- d")
    assert one.card_html(appeal) == one.card_html(appeal) == other.card_html(appeal)
    assert one.shell_html("ar") == one.shell_html("ar") == other.shell_html("ar")


# An organisation's own templates


def own(folder: Path, name: str, content: str) -> Renderer:
    place = folder / name
    place.parent.mkdir(parents=True)
    place.write_text(content, encoding="utf-8")
    return Renderer(BRAND, override=folder)


def test_an_organisation_replaces_one_file_and_keeps_the_rest(tmp_path):
    renderer = own(tmp_path, "email/digest/card.txt", "* {{ card.title }}\n")
    assert renderer.card_text(APPEAL) == f"* {APPEAL.title}"
    assert "Unsubscribe" in renderer.shell_text("en")


def test_own_templates_without_a_way_out_are_refused(tmp_path):
    renderer = own(tmp_path, "email/digest/body.txt", "{{ cards }}")
    with pytest.raises(TemplateLacks, match="unsubscribe_url"):
        renderer.shell_text("en")


@pytest.mark.parametrize(
    "template", ["{{ subscriber.email }}", "{% if %}", "{% include 'gone.html' %}", "{{ card.title.x() }}"]
)
def test_a_broken_template_is_named(tmp_path, template):
    renderer = own(tmp_path, "email/digest/card.html", template)
    with pytest.raises(TemplateBroken, match=re.escape("email/digest/card.html")):
        renderer.card_html(APPEAL)


@pytest.mark.parametrize(
    "content",
    [
        b'{% extends "email/digest/card.html" %}',
        "<p>{{ card.title }} é</p>".encode("latin-1"),
        b"{{ card.title + 1 }}",
        b"{{ 1 / 0 }}",
    ],
)
def test_a_template_that_fails_in_its_own_way_is_named(tmp_path, content):
    own = tmp_path / "email/digest/card.html"
    own.parent.mkdir(parents=True)
    own.write_bytes(content)
    with pytest.raises(TemplateBroken, match=r"email/digest/card\.html"):
        Renderer(BRAND, override=tmp_path).card_html(APPEAL)


def test_our_templates_are_found():
    assert (templates_folder() / "email" / "base" / "styles.css").is_file()


@given(st.text(), st.integers(min_value=5, max_value=80))
def test_a_shortened_line_fits(text, longest):
    assert len(shorten(text, longest)) <= longest


def test_lines_are_cut_between_words():
    assert shorten("Eleven strikers arrested at dawn, in Akçova", 35) == "Eleven strikers arrested at dawn…"
    assert shorten("short", 35) == "short"
