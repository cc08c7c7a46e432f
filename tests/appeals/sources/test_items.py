"""What becomes of an entry and its page: the better of both, and names that stay."""

from datetime import date

import pytest

from newsletter.appeals.item import same_thing
from newsletter.appeals.sources.article import Article
from newsletter.appeals.sources.entry import Entry
from newsletter.appeals.sources.identity import identities, without_tracking
from newsletter.appeals.sources.items import item_of

TODAY = date(2026, 11, 23)
URL = "https://a.example/news/1-strike"
LONG = "Four miners have been held since Sunday, and nobody says where they are or who took them."


def entry(**facts):
    return Entry(
        **({"title": "Strike", "url": URL, "published_on": date(2012, 11, 6), "place": "feed, entry 1"} | facts)
    )


def item(told=None, page=None, **facts):
    return item_of(told or entry(), page, today=TODAY, **({"source_guid_scope": "a"} | facts))


def test_what_the_feed_lacks_the_page_gives():
    page = Article(title="Strike", byline="Anna K.", language="tr-TR", teaser=LONG, body=f"{LONG}\n\nMore.", url=URL)
    found = item(entry(html=f"<p>{LONG}</p>", topics=("Mines",)), page)

    assert (found.byline, found.language, found.teaser, found.body) == ("Anna K.", "tr", LONG, "More.")
    assert (found.topics, found.place, found.url, found.urgency, found.countries) == (
        ("Mines",),
        "feed, entry 1",
        URL,
        None,
        None,
    )


def test_what_the_feed_says_goes_before_the_page():
    page = Article(title="Strike - Site", byline="Site", body="Less.", teaser="Less.")
    found = item(entry(byline="Anna", full=True, html=f"<p>{LONG}</p><p>And <b>more</b>.</p>"), page)

    assert (found.title, found.byline, found.teaser, found.body) == ("Strike", "Anna", LONG, "And **more**.")


def test_a_title_that_was_cut_off_is_the_page_s():
    assert item(entry(title="Strike at…"), Article(title="Strike at the mine")).title == "Strike at the mine"
    assert item(entry(title="Strike at…"), Article(title="Something else")).title == "Strike at…"
    assert item(entry(title=""), Article(title="Strike at the mine")).title == "Strike at the mine"
    assert item(entry(title="", html=f"<p>{LONG}</p>")).title == LONG


@pytest.mark.parametrize(
    ("told", "shown", "day"),
    [
        ("2012-11-06", "2012-11-07", "2012-11-07"),  # a zone's difference
        ("2012-11-06", "2012-11-05", "2012-11-05"),
        ("2012-11-06", "2019-01-01", "2012-11-06"),  # something else on the page
        ("2012-11-06", None, "2012-11-06"),
        (None, "2012-11-06", "2012-11-06"),
        (None, None, "2026-11-23"),
    ],
)
def test_the_date_is_the_page_s_where_it_only_differs_by_a_zone(told, shown, day):
    page = Article(title="", published_on=shown and date.fromisoformat(shown))
    found = item(entry(published_on=told and date.fromisoformat(told)), page)

    assert found.published_on.isoformat() == day
    assert any(name.startswith("dated:") for name in found.identities) == bool(told or shown)


def test_what_has_no_date_is_known_again_the_next_day():
    undated = Entry(title="Strike")
    names = [item_of(undated, today=day, source_guid_scope="a").identities for day in (TODAY, date(2026, 11, 24))]

    assert names[0] == names[1] == ("undated:a:strike",)
    assert item_of(undated, today=TODAY, source_guid_scope="b").identities != names[0]


def test_a_summary_is_the_teaser_unless_it_is_only_the_beginning():
    own = item(entry(full=True, html=f"<p>{LONG}</p><p>More.</p>", summary="In short: they are gone."))
    cut = item(entry(full=True, html=f"<p>{LONG}</p><p>More.</p>", summary="Four miners have been held since […]"))

    assert (own.teaser, own.body) == ("In short: they are gone.", f"{LONG}\n\nMore.")
    assert (cut.teaser, cut.body) == (LONG, "More.")


def test_a_teaser_costs_no_link():
    with_link = f'<p>{LONG} <a href="/sign">Sign</a></p><p>More.</p>'
    found = item(entry(full=True, html=with_link))
    assert (found.teaser, found.body) == (f"{LONG} Sign", f"{LONG} [Sign](https://a.example/sign)\n\nMore.")

    short = item(entry(full=True, html='<p>They are gone.</p><p>Write to <a href="mailto:a@b.example">him</a>.</p>'))
    assert (short.teaser, short.body) == ("They are gone.", "Write to [him](mailto:a@b.example).")


def test_a_text_that_begins_with_its_title_does_not_say_it_twice():
    for first in ("<h2>Strike</h2>", "<p><b>Strike</b></p>", "<p>STRIKE</p>"):
        assert item(entry(full=True, html=f"{first}<p>{LONG}</p><p>More.</p>")).teaser == LONG


def test_a_description_alone_is_teaser_and_body():
    found = item(entry(html=f"<p>{LONG}</p><p>{LONG} Again.</p>"))

    assert (found.teaser, found.body) == (LONG, f"{LONG} Again.")
    assert item(entry(html="<ul><li>One</li></ul>")).teaser == "One"
    assert item(entry()).teaser == ""


def test_the_language_is_the_organiser_s_then_the_page_s_then_the_feed_s():
    told, page = entry(language="en-US"), Article(title="", language="tr")

    assert item(told, page, language="ku-TR").language == "ku"
    assert item(told, page).language == "tr"
    assert item(told).language == "en"
    assert item().language == "en"


def test_addresses_in_mails_tell_nobody_where_readers_came_from():
    assert item(entry(url=f"{URL}?id=3&utm_source=rss&fbclid=x")).url == f"{URL}?id=3"
    assert without_tracking("https://a.example/?a=1&&b=%20#x") == "https://a.example/?a=1&&b=%20#x"


# Names

WAYS = [
    "http://a.example/news/1-strike",
    "https://www.a.example/news/1-strike/",
    "https://A.example:443/news/1-strike?utm_medium=rss",
    "https://a.example/news/1-strike#comments",
    "https://a.example/news/1-strike?print=1",
]


@pytest.mark.parametrize("url", WAYS)
def test_one_page_is_one_appeal_however_it_is_written(url):
    assert set(item(entry(url=url)).identities) == set(item().identities)
    assert item(entry(guid=url)).identities[0] == "guid:a:a.example/news/1-strike"


def test_a_page_s_own_address_names_it_too_but_not_what_stands_above_it():
    def names(own):
        return [name for name in item(page=Article(title="", url=own)).identities if name.startswith("url:")]

    assert names("https://a.example/1.html") == ["url:a.example/news/1-strike", "url:a.example/1.html"]
    for above in ("https://a.example/", "https://a.example/news", "https://a.example/news/", URL):
        assert names(above) == ["url:a.example/news/1-strike"]


def names(*, url="", guid="", day=date(2012, 11, 6), title="Strike", scope="a"):
    return identities(title=title, published_on=day, url=url, guid=guid, scope=scope)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (names(guid="1", url="https://a.example/1"), names(guid="1", url="https://a.example/moved"), True),
        (names(guid="1", title="Old"), names(guid="1", title="New"), True),
        (names(guid="1"), names(guid="2"), False),  # two articles of one day with one title
        (names(guid="1"), names(guid="1", scope="b"), True),  # another feed's guid says nothing; date and title do
        (names(guid="1"), names(), True),
        (names(guid="1", url="https://a.example/1"), names(guid="9", url="https://a.example/1"), True),  # a new system
        (names(guid="1", url="https://a.example/1"), names(guid="2", url="https://a.example/2"), False),
        (names(url="https://a.example/1"), names(url="https://a.example/2"), False),
        (names(guid="1", day=None), names(guid="2", day=None), False),
        (names(guid="1", scope="x:1"), names(guid="2", scope="x:2"), True),
    ],
)
def test_two_items_are_one_by_the_strongest_name_that_both_have(one, other, same):
    assert same_thing(one, other) is same
    assert same_thing(other, one) is same


def test_a_scope_with_a_colon_stays_in_one_piece():
    assert names(guid="1", scope="a.example:80")[0] == "guid:a.example%3A80:1"


def test_names_fit_into_their_column():
    assert all(
        len(name) <= 600 for name in names(guid="g" * 5000, url="https://a.example/" + "x" * 1900, title="t" * 900)
    )
