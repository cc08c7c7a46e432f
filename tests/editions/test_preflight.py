"""What is found before a launch, in mails that have the fault, and nothing in those that have none."""

from dataclasses import replace
from datetime import date

import pytest

from newsletter.editions.message import Composed
from newsletter.editions.preflight import (
    Finding,
    Level,
    errors_of,
    links_of,
    lix_of,
    look_at_words,
    look_over,
    merged,
)
from newsletter.editions.render import Renderer
from tests.editions.test_render import BRAND, FULL
from tools.sample_mails import ABOUT_APPEALS, sample_mails

TODAY = date(2026, 11, 23)
PAGE = "<html><body><p style='color:#000000'>{}</p></body></html>"


def mail(inside="Hello", *, subject="Free the eleven", text="Hello", html=PAGE):
    return Composed(language="en", subject=subject, text=text, html=html.replace("{}", inside) if html else None)


def checks(found, level=None):
    return {finding.check for finding in found if level in {None, finding.level}}


@pytest.mark.parametrize("language", ["en", "ar", "de", "kk"])
def test_nothing_is_found_in_our_own_mails(language):
    for sample in sample_mails((language,)):
        found = look_over(sample.composed, where=sample.name)
        if sample.mail in ABOUT_APPEALS:
            assert found == [], sample.name
        assert errors_of(found) == [], sample.name


@pytest.mark.parametrize(
    ("composed", "check", "level"),
    [
        (mail(subject=""), "subject-missing", Level.ERROR),
        (mail(subject="x" * 79), "subject-long", Level.WARNING),
        (mail(subject="FREE THE ELEVEN NOW"), "subject-shouted", Level.WARNING),
        (mail(subject="Click here!"), "spam-prone", Level.WARNING),
        (mail(subject="Free {name-3}"), "unfilled", Level.ERROR),
        (mail(text=" \n"), "text-missing", Level.ERROR),
        (mail(text="Hello {{ name }}"), "unfilled", Level.WARNING),
        (mail("x" * 91_000), "size", Level.WARNING),
        (mail("x" * 103_000), "size", Level.ERROR),
        (mail("<style>" + "x" * 17_000 + "</style>"), "style-size", Level.WARNING),
        (mail("<img src='https://a.example/x.png'>"), "missing-alt", Level.ERROR),
        (mail("<img alt='' src='https://a.example/x.webp'>"), "picture-format", Level.WARNING),
        (mail("<a href='/appeals'>all</a>"), "relative-link", Level.ERROR),
        (mail("<a href=''>all</a>"), "relative-link", Level.ERROR),
        (mail("<a href='javascript:x()'>all</a>"), "relative-link", Level.ERROR),
        (mail("<a href='http://a.example/'>all</a>"), "http-link", Level.WARNING),
        (mail("<a href='https://a.example/'>https://bank.example/</a>"), "spam-prone", Level.WARNING),
        (mail("Hello %(name)s"), "unfilled", Level.WARNING),
        (mail("<span style='color:#cccccc'>pale</span>"), "contrast", Level.WARNING),
        (mail("<b style='color:#ffffff'>white</b>"), "contrast", Level.WARNING),
    ],
)
def test_each_fault_is_found_as_what_it_is_and_nothing_else_is(composed, check, level):
    found = look_over(composed, where="the digest")
    assert checks(found) == {check}
    assert {(finding.level, finding.where) for finding in found} == {(level, "the digest")}


def test_a_picture_with_empty_words_is_fine_for_it_only_decorates():
    assert look_over(mail("<img alt='' src='https://a.example/x.png'>"), where="") == []


def test_a_mail_in_text_alone_is_looked_over_too():
    assert look_over(mail(html=""), where="") == []
    assert checks(look_over(mail(html="", text="{name-1}"), where="")) == {"unfilled"}


@pytest.mark.parametrize("selector", [".page::before", "a:focus-visible", ":not(.a, .b)", ".page >"])
def test_what_a_sheet_says_of_what_has_no_words_stops_nothing(selector):
    page = (
        f"<html><head><style>@media (prefers-color-scheme: dark) {{ {selector} {{ color: #f4f1ea; }} }}</style></head>"
    )
    found = look_over(mail(html=f"{page}<body style='background-color:#ffffff'><p>Read me</p></body></html>"), where="")
    assert found == []


NIGHT = """<html><head><style>@media (prefers-color-scheme: dark) {{
  .page {{ background-color: #131211 !important; }}
  {} {{ color: {} !important; }}
}}</style></head><body class="page" style="background-color:#ffffff"><p class="prose" style="color:#222222">Read me</p>
</body></html>"""


@pytest.mark.parametrize(
    ("selector", "colour", "pale"),
    [(".prose", "#f4f1ea", set()), (".prose", "#333333", {"contrast"}), (".other", "#f4f1ea", {"contrast"})],
)
def test_what_can_be_read_by_day_is_also_looked_at_by_night(selector, colour, pale):
    found = look_over(mail(html=NIGHT.format(selector, colour)), where="")
    assert checks(found) == pale
    assert all("at night" in finding.words for finding in found)


@pytest.mark.parametrize(
    ("style", "pale"),
    [
        ("font-size:16px", {"contrast"}),
        ("font-size:24px", set()),
        ("font-size:19px;font-weight:bold", set()),
        ("font-size:18px;font-weight:bold", {"contrast"}),
    ],
)
def test_large_words_may_be_paler(style, pale):
    grey = "#8a8a8a"  # 3.45 on white
    assert checks(look_over(mail(f"<span style='color:{grey};{style}'>words</span>"), where="")) == pale


def test_own_templates_are_what_it_is_for(tmp_path):
    place = tmp_path / "email" / "digest" / "card.html"
    place.parent.mkdir(parents=True)
    place.write_text('<p style="color:#dddddd">{{ card.title }} <a href="more">more</a> <img src="x.gif"></p>')
    renderer = Renderer(BRAND, override=tmp_path)
    composed = mail(renderer.card_html(FULL))
    assert checks(look_over(composed, where=""), Level.ERROR) == {"relative-link", "missing-alt"}
    assert "contrast" in checks(look_over(composed, where=""), Level.WARNING)


# ── what an appeal says ──────────────────────────────────────────────────────────────────────────────────────────────

HARD = (
    "Unverhältnismäßigkeitsbeschwerdeverfahren " * 30 + "haben stattgefunden, nachdem Verhandlungen scheiterten " * 10
)
EASY = "They sat in a tent. They asked for pay. The police came at dawn and took them away. " * 10


@pytest.mark.parametrize(
    ("facts", "check", "level"),
    [
        ({"deadline": date(2026, 11, 22)}, "deadline-passed", Level.ERROR),
        ({"deadline": TODAY}, "deadline-today", Level.WARNING),
        ({"teaser": "Lorem ipsum dolor"}, "unfilled", Level.WARNING),
        ({"demands": ("TODO: ask the lawyer",)}, "unfilled", Level.WARNING),
        ({"body": "Act now!!"}, "spam-prone", Level.WARNING),
        ({"body": HARD}, "reading-ease", Level.WARNING),
        ({"actions": ()}, "nothing-to-do", Level.WARNING),
    ],
)
def test_what_an_appeal_says_is_looked_at(facts, check, level):
    (found,) = look_at_words(replace(FULL, **facts), today=TODAY, at_once=True)
    assert (found.check, found.level, found.where) == (check, level, "2026/014 (en)")


def test_a_good_appeal_has_nothing_to_mend():
    assert look_at_words(replace(FULL, body=EASY), today=TODAY) == []


def test_lix_tells_what_children_read_from_laws_and_says_nothing_where_it_can_not():
    assert lix_of(EASY) < 25
    assert lix_of(HARD) > 60
    assert lix_of("Too short to say.") is None
    assert lix_of("اعتقال أحد عشر عامل نسيج " * 30) is None


def test_links_are_found_and_readers_own_are_not_among_them():
    sample = next(one for one in sample_mails(("en",)) if one.mail == "alert")
    links = links_of(sample.composed)
    assert "https://dokuma-sen.example/eleven" in links
    assert not [link for link in links if "slot" in link or link.startswith("mailto")]


def test_what_is_the_same_in_many_mails_is_told_once():
    findings = [
        Finding(level=Level.WARNING, check="a", where="digest (en)", words="one"),
        Finding(level=Level.ERROR, check="b", where="digest (en)", words="two"),
        Finding(level=Level.WARNING, check="a", where="digest (ar)", words="one"),
    ]
    assert [(each.level, each.where) for each in merged(findings)] == [
        (Level.ERROR, "digest (en)"),
        (Level.WARNING, "digest (en), digest (ar)"),
    ]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Paran todo en la fábrica.", []),
        ("TODO: how many are held?", ["it says “TODO”: was something to be filled in?"]),
        (
            "Lorem ipsum, and write to [NAME].",
            ["it says “Lorem ipsum”, “[NAME]”: was something to be filled in?"],
        ),
        (
            "See [the list](#list) and [the call](call/7), [ring us](tel:+4930123) or [write](mailto:a@b.example).",
            [
                "the link “#list” leads nowhere from a mail: its words stand there without it",
                "the link “call/7” leads nowhere from a mail: its words stand there without it",
            ],
        ),
    ],
)
def test_every_word_that_needs_a_look_is_told(said, found):
    told = look_at_words(replace(FULL, body=said), today=TODAY)
    assert [finding.words for finding in told] == found


def test_long_words_say_nothing_where_every_word_is_long():
    said = "Забастовщикам предъявлены обвинения государственного значения, подчёркивают представители профсоюзов. " * 20
    assert look_at_words(replace(FULL, language="ru", body=said), today=TODAY) == []
    assert [finding.check for finding in look_at_words(replace(FULL, body=said), today=TODAY)] == ["reading-ease"]
