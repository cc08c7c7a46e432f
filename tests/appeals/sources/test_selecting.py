"""Listings of any make, with selectors and without; and the feeds that a page names."""

import time
from datetime import date

import pytest

from newsletter.appeals.sources.blog import read_blog
from newsletter.appeals.sources.faults import NoListing, NothingSelected, SelectorBroken, SelectorUnknown, SourceFault
from newsletter.appeals.sources.links import feed_links
from newsletter.appeals.sources.selecting import Selectors, read_entries

TODAY = date(2026, 11, 23)


def read(html, **facts):
    return read_entries(html, place="the page", today=TODAY, **({"base": "https://a.example/news/"} | facts))


def told(entries):
    return [(entry.title, entry.url.rpartition("/")[2], str(entry.published_on)) for entry in entries]


EXPECTED = [("Strike", "1", "2012-11-06"), ("Song", "2", "2012-11-05")]

LISTINGS = {
    "h-entry": "<div class='h-feed'>{}</div>|<div class='h-entry'><a class='u-url p-name' href='{0}'>{1}</a>"
    "<time class='dt-published' datetime='{2}'>x</time></div>",
    "article": "<main>{}</main>|<article><h2><a href='{0}'>{1}</a></h2><time datetime='{2}'>x</time><p>Words."
    "</p></article>",
    "post": "{}|<div class='post'><h3><a href='{0}'>{1}</a></h3><span class='date'>{2}</span></div>",
    "linked card": "{}|<article><a href='{0}'><h2>{1}</h2></a><time>{2}</time></article>",
    "list with dates": "<ul>{}</ul>|<li>{2} – <a href='{0}'>{1}</a></li>",
    "list, date behind": "<ul>{}</ul>|<li><a href='{0}'>{1}</a> ({2})</li>",
    "unclosed list": "<ul>{}</ul>|<li>{2} <a href='{0}'>{1}</a>",
    "definitions": "<dl>{}</dl>|<dt><a href='{0}'>{1}</a></dt><dd>{2}: what happened</dd>",
    "table": "<table>{}</table>|<tr><td>{2}</td><td><a href='{0}'>{1}</a></td></tr>",
    "striped table": "<table>{}</table>|<tr class='row{0}'><td>{2}</td><td><a href='{0}'>{1}</a></td></tr>",
    "blocks": "{}|<div class='teaser-box x{0}'><h4>{1}</h4><p>{2}</p><a href='{0}'>Read more</a></div>",
    "paragraphs": "<div>{}</div>|<p>{2}<br><a href='{0}'>{1}</a></p>",
}


@pytest.mark.parametrize("kind", LISTINGS)
@pytest.mark.parametrize("around", ["{}", "<nav><ul><li><a href='/'>Home</a><li><a href='/a'>About</a></ul></nav>{}"])
def test_a_listing_is_found_whatever_it_is_made_of(kind, around):
    frame, _, each = LISTINGS[kind].partition("|")
    rows = "".join(each.format(*row) for row in [("1", "Strike", "2012-11-06"), ("2", "Song", "2012-11-05")])

    assert told(read(around.format(frame.format(rows)))) == EXPECTED


@pytest.mark.parametrize(
    "name", ["joomla15-en", "joomla15-fa", "joomla25-es", "joomla3-fr", "joomla4-de", "joomla5-ar"]
)
def test_a_joomla_blog_is_read_by_its_own_reader(pages, name):
    text = (pages / f"{name}.html").read_text(encoding="utf-8")
    items, entries = read_blog(text, place="the page", base="https://a.example/"), read(text, base="https://a.example/")

    assert [(entry.title, entry.byline, entry.published_on) for entry in entries] == [
        (item.title, item.byline, item.published_on) for item in items
    ]


def test_headings_alone_make_a_listing_where_there_are_no_dates():
    rows = "".join(f"<div class='card'><h2><a href='{n}'>Strike {n}</a></h2><p>Words</p></div>" for n in (1, 2, 3))

    assert told(read(rows)) == [(f"Strike {n}", str(n), "None") for n in (1, 2, 3)]


def test_byline_and_teaser_are_read_where_they_stand():
    rows = "".join(
        f"<article><h2><a href='{n}'>Strike {n}</a></h2><p>By Anna K.</p><time datetime='2012-11-06'></time>"
        "<p>Four miners have been held since Sunday, nobody knows where.</p><p><a href='1'>Read more</a></p></article>"
        for n in (1, 2)
    )
    entry = read(rows)[0]

    assert entry.byline == "Anna K."
    assert entry.html == "<p>Four miners have been held since Sunday, nobody knows where.</p>"


def test_a_page_that_names_months_is_in_their_language():
    rows = "<ul><li>3/2/2003 <a href='1'>Dockers</a><li>24 décembre 2002 <a href='2'>Noël</a></ul>"

    assert [(entry.published_on, entry.language) for entry in read(rows)] == [
        (date(2003, 2, 3), "fr"),
        (date(2002, 12, 24), "fr"),
    ]


def test_a_date_after_tomorrow_is_none():
    rows = "<ul><li>2031-01-01 <a href='1'>A</a><li>2012-11-06 <a href='2'>B</a></ul>"
    assert [entry.published_on for entry in read(rows)] == [None, date(2012, 11, 6)]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>Just words</p>",
        "<ul><li><a href='/'>Home</a><li><a href='/a'>About</a></ul>",
        "<a href='/1'>One</a>",
        "<article><h1><a href='/1'>Only one</a></h1></article>",
        "<ul><li>2012-11-06<li>2012-11-05</ul>",
    ],
)
def test_a_page_without_a_listing_is_refused_in_one_sentence(html):
    with pytest.raises(NoListing, match=r"the page has no list of articles .* CSS selectors"):
        read(html)


# Selectors

PAGE = """<div class="x"><b class="t">Strike</b> <i>06.11.2012</i> <a href="/more/1">more</a> <u>Anna</u>
<q>Words</q></div>
<div class="x"><b class="t">Song</b> <i>05.11.2012</i> <a href="/more/2">more</a></div><div class="x"></div>"""


def test_given_selectors_are_followed():
    entries = read(PAGE, selectors=Selectors(item=".x", title=".t", link="a", date="i", byline="u", teaser="q"))

    assert told(entries) == EXPECTED
    assert (entries[0].byline, entries[0].html) == ("Anna", "<q>Words</q>")


def test_what_is_not_given_is_found_out():
    assert told(read(PAGE, selectors=Selectors(item=".x", title=".t"))) == EXPECTED


def test_one_item_is_enough_where_it_was_asked_for():
    assert len(read("<p id='a'><a href='/1'>One</a></p>", selectors=Selectors(item="#a"))) == 1


def test_an_item_may_itself_be_the_link():
    html = "<a class='x' href='1'><b>Strike</b> 2012-11-06</a><a class='x' href='2'><b>Song</b> 2012-11-05</a>"
    assert told(read(html, selectors=Selectors(item="a.x", title="b"))) == EXPECTED


def test_selectors_that_match_nothing_say_which():
    with pytest.raises(NothingSelected, match=r"“\.nothing”.*correct the selector for item"):
        read(PAGE, selectors=Selectors(item=".nothing"))


@pytest.mark.parametrize("css", ["[[", "!!", "::bogus(", ">", "a,,b", "x" * 400])
def test_css_that_cannot_be_read_is_refused_before_any_page(css):
    with pytest.raises(SelectorBroken, match=r"selector for title, “.*”, is not CSS .* `h2`"):
        Selectors(title=css)


def test_a_selector_that_is_not_known_is_refused_with_the_nearest():
    with pytest.raises(SelectorUnknown, match=r"no selector named “titel”; did you mean “title”\?"):
        Selectors.named({"titel": "h2"})
    with pytest.raises(SelectorUnknown, match=r"these are known: item, title, link, date, byline, teaser"):
        Selectors.named({"zzz": "h2"})
    assert Selectors.named({"item": " .x "}).item == ".x"


@pytest.mark.parametrize(
    "html",
    [
        "<li><a href=x>2012-11-06</a>" * 15_000,
        "<div>" * 100_000,
        "<tr><td><a href=x>y</a>" * 20_000,
        "<article>" * 50_000,
        "<div class=item><a href=x>y" * 20_000,
        "<dt><a href=1>x</a>" + "<dd>y" * 50_000,
        "<p><a href=x>" * 20_000,
    ],
    ids=lambda html: html[:24],
)
def test_a_hostile_listing_costs_bounded_time(html):
    started = time.process_time()
    try:
        read(html)
    except SourceFault as fault:
        assert isinstance(fault, NoListing)  # noqa: PT017
    assert time.process_time() - started < 15


# Feeds that a page names


def test_feeds_that_a_page_names_are_listed_in_its_order():
    links = feed_links(
        "<head><base href='/deep/'>"
        "<link rel='alternate' type='application/rss+xml' title='News &amp; more' href='feed'>"
        "<link rel='ALTERNATE' type='application/atom+xml; charset=utf-8' href='https://b.example/atom'>"
        "<link rel='alternate' type='application/feed+json' href='feed.json'>"
        "<link rel='alternate' type='application/rss+xml' title='Again' href='feed'>"
        "<link rel='alternate' type='application/rss+xml' title='Comments' href='/comments/feed/'>"
        "<link rel='alternate' type='application/json' href='/wp-json/wp/v2/pages/2'>"
        "<link rel='alternate' hreflang='fr' type='text/html' href='/fr'>"
        "<link rel='stylesheet' type='text/css' href='/x.css'>"
        "<link rel='alternate' type='application/rss+xml' href='javascript:x'></head>",
        base="https://a.example/x",
    )

    assert [(each.url, each.title, each.type) for each in links] == [
        ("https://a.example/deep/feed", "News & more", "RSS"),
        ("https://b.example/atom", "", "Atom"),
        ("https://a.example/deep/feed.json", "", "JSON Feed"),
    ]
    assert feed_links("") == []
