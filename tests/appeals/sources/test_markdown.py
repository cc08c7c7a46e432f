"""Markdown files with front matter."""

from datetime import date

import pytest

from newsletter.appeals.sources import read_source
from newsletter.appeals.sources.faults import (
    FrontMatterTwice,
    FrontMatterUnclosed,
    FrontMatterUnknownKey,
    FrontMatterUnreadable,
    FrontMatterWrongValue,
    ItemDateImpossible,
    ItemWithoutDate,
    ItemWithoutTitle,
)
from newsletter.appeals.sources.markdown import read_markdown
from newsletter.appeals.urgency import Urgency


def markdown(front, body="Text."):
    return read_markdown(f"---\n{front}\n---\n{body}\n", place="a.md")


def test_a_file_holds_one_appeal(pages):
    (item,) = read_source(str(pages / "hunger-strike.md"))

    assert item.title == "Urgent: hunger strike in Diyarbakir prison"
    assert item.byline == "In Defence of Prisoners"
    assert item.published_on == date(2012, 11, 6)
    assert item.deadline == date(2012, 11, 20)
    assert item.countries == ("TR",)
    assert item.topics == ("prisoners", "kurds")
    assert item.urgency is Urgency.URGENT
    assert item.teaser == "Sixty prisoners have eaten nothing for fifty-six days."
    assert item.body == "## What you can do\n\n- Write to the ministry."
    assert item.url == "https://appeals.example/42"
    assert item.language == "en"


def test_two_files_with_one_id_are_translations_of_one_appeal(pages):
    (english,) = read_source(str(pages / "hunger-strike.md"))
    (persian,) = read_source(str(pages / "hunger-strike.fa.md"))

    assert english.identities[0] == persian.identities[0] == "markdown:hunger-strike"
    assert (persian.language, persian.published_on) == ("fa", english.published_on)
    assert (persian.teaser, persian.body) == ("شصت زندانی غذا نمی\u200cخورند.", "متن کامل.")
    assert persian.countries is None
    assert persian.urgency is None


def test_without_an_id_date_and_title_name_it():
    assert markdown("title: A strike!\ndate: 2012-11-06").identities == ("dated:2012-11-06:a strike",)


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("countries: [TR, Greece]", ("TR", "GR")),
        ("country: Turkey, Griechenland", ("TR", "GR")),
        ("country: NO", ("NO",)),  # which YAML takes for 'false'
        ("countries: [NO, SE]", ("NO", "SE")),
        ("countries: []", ()),
        ("Countries: TR", ("TR",)),
    ],
)
def test_countries_are_codes_or_names(said, codes):
    assert markdown(f"title: T\ndate: 2012-11-06\n{said}").countries == codes


@pytest.mark.parametrize(
    "said", ["2012-11-06", "2012-11-06T10:00:00+00:00", "06 November 2012", "'2012-11-06'", "Tuesday, 06 November 2012"]
)
def test_dates_are_yaml_s_or_people_s(said):
    assert markdown(f"title: T\ndate: {said}").published_on == date(2012, 11, 6)


def test_a_title_may_be_the_first_heading():
    item = markdown("date: 2012-11-06", "# Strike at *Foxconn*\n\nFirst.\n\nSecond.")

    assert (item.title, item.teaser, item.body) == ("Strike at *Foxconn*", "First.", "Second.")


def test_a_title_that_yaml_takes_for_a_number_is_a_title():
    assert markdown("title: 1984\ndate: 2012-11-06").title == "1984"


@pytest.mark.parametrize(("said", "tag"), [("pt_br", "pt-BR"), ("EN", "en"), ("no", "no"), ("zh-hans", "zh-Hans")])
def test_a_language_is_a_tag(said, tag):
    assert markdown(f"title: T\ndate: 2012-11-06\nlang: {said}").language == tag


@pytest.mark.parametrize(
    ("front", "fault", "sentence"),
    [
        ("title: T\ndate: 2012-02-31", ItemDateImpossible, "a.md, line 3: “2012-02-31” is a date that doesn't exist"),
        ("title: T\ndate: 31 February 2012", ItemDateImpossible, "a.md: “31 February 2012”"),
        ("title: T\ndate: soon", FrontMatterWrongValue, "a.md: “date” should be a date such as 2012-11-06, not “soon”"),
        (
            "title: T",
            ItemWithoutDate,
            "a.md: “T” has no date. Add a line such as `date: 2012-11-06` to its front matter.",
        ),
        ("date: 2012-11-06", ItemWithoutTitle, "a.md: this appeal has no title"),
        ("title: Strike: day 4\ndate: 2012-11-06", FrontMatterUnreadable, "a.md, line 2: the front matter is not YAML"),
        ("title: T\n\tdate: 2012-11-06", FrontMatterUnreadable, "a.md, line 3"),
        (
            "- a\n- b",
            FrontMatterUnreadable,
            "a.md, line 2: the front matter is not YAML that can be read (there are no keys",
        ),
        ("title: !!python/object:os.system x", FrontMatterUnreadable, "a.md, line 2"),
        ("title: !!int ''", FrontMatterUnreadable, "a.md, line 2"),
        ("title: !!bool 7", FrontMatterUnreadable, "a.md, line 2"),
        ("a: " + "[" * 5000, FrontMatterUnreadable, "a.md, line 2"),
        ("titel: T", FrontMatterUnknownKey, "a.md: the front matter has no key “titel”; did you mean “title”?"),
        (
            "coutries: TR",
            FrontMatterUnknownKey,
            "a.md: the front matter has no key “coutries”; did you mean “countries”?",
        ),
        ("zzz: T", FrontMatterUnknownKey, "a.md: the front matter has no key “zzz”; these are known: title, byline, "),
        ("7: T", FrontMatterUnknownKey, "a.md: the front matter has no key “7”"),
        ("title: T\nheadline: U", FrontMatterTwice, "a.md: “title” and “headline” say the same thing"),
        ("title: [T]", FrontMatterWrongValue, "a.md: “title” should be a text, not a list"),
        ("title: {a: b}", FrontMatterWrongValue, "a.md: “title” should be a text, not a list of keys"),
        ("title: T\ndate: 2012-11-06\nurgent: perhaps", FrontMatterWrongValue, "a.md: “urgent” should be yes, no or"),
        ("title: T\ndate: 2012-11-06\nurl: /x", FrontMatterWrongValue, "a.md: “url” should be a whole address"),
        (
            "title: T\ndate: 2012-11-06\nurl: javascript:x",
            FrontMatterWrongValue,
            "a.md: “url” should be a whole address",
        ),
        (
            "title: T\ndate: 2012-11-06\ncountry: Kurdistan",
            FrontMatterWrongValue,
            "a.md: “countries” should be country names",
        ),
        (
            "title: T\ndate: 2012-11-06\ncountry: Congo",
            FrontMatterWrongValue,
            "a.md: “countries” should be country names",
        ),
        ("title: T\ndate: 2012-11-06\ntopics: {a: b}", FrontMatterWrongValue, "a.md: “topics” should be a list"),
        (
            "title: T\ndate: 2012-11-06\nlang: english",
            FrontMatterWrongValue,
            "a.md: “language” should be a language tag",
        ),
    ],
)
def test_front_matter_that_is_wrong_is_told_in_one_sentence(front, fault, sentence):
    with pytest.raises(fault) as refusal:
        markdown(front)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


def test_front_matter_without_an_end_is_told():
    with pytest.raises(FrontMatterUnclosed, match="three dashes"):
        read_markdown("---\ntitle: T\n", place="a.md")


def test_aliases_that_multiply_without_end_do_no_harm():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
    )
    with pytest.raises(FrontMatterUnknownKey):
        markdown(bomb)


@pytest.mark.parametrize(
    ("text", "teaser", "body"),
    [
        ("**Twelve** people *are* `held`\nsince noon.\n\nMore.", "Twelve people are held since noon.", "More."),
        ("5 * 3 and snake_case_words\n\nMore.", "5 * 3 and snake_case_words", "More."),
        ("Closely\n# followed", "Closely", "# followed"),
        ("See [the union](https://a.example).\n\nMore.", "See the union.", None),
        ("See [the union][u].\n\nMore.\n\n[u]: https://a.example", "See the union.", None),
        ("See <https://a.example>.\n\nMore.", "See https://a.example.", None),
        ("![Photo](p.jpg)\n\nThey are *held*.\n\nMore.", "They are held.", None),
        ("## Urgent\n\nThey are held.", "They are held.", None),
        ("- [sign](https://a.example)\n- write\n\nMore.", "sign", None),
        ("> They said *no*.\n\nMore.", "They said no.", None),
        ("[u]: https://a.example\n\nHeld.\n\nSee [it][u].", "Held.", "[u]: https://a.example\n\nSee [it][u]."),
        ("![Photo](p.jpg)", "", None),
    ],
)
def test_a_teaser_has_no_marks_of_markdown_and_the_body_loses_no_link(text, teaser, body):
    item = markdown("title: T\ndate: 2012-11-06", text)
    assert (item.teaser, item.body) == (teaser, text if body is None else body)
