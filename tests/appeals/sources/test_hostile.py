"""Any bytes at all: a reader answers, or refuses in a sentence; what it hands over has bounds."""

import json
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.appeals.sources.article import read_article
from newsletter.appeals.sources.carried import carried
from newsletter.appeals.sources.charset import decode_doubting
from newsletter.appeals.sources.entry import HTML_LONGEST, MOST_ENTRIES
from newsletter.appeals.sources.faults import SourceFault
from newsletter.appeals.sources.feeds import read_feed
from newsletter.appeals.sources.items import item_of
from newsletter.appeals.sources.links import feed_links
from newsletter.appeals.sources.prose import BODY_LONGEST, TEASER_LONGEST, TITLE_LONGEST
from newsletter.appeals.sources.selecting import Selectors, read_entries
from newsletter.editions.body import body_html, body_text
from tests.appeals.sources.golden_files import GOLDEN

TODAY = date(2026, 11, 23)
BASE = "https://a.example/x/y"
FILES = sorted(path for path in GOLDEN.glob("*/*") if path.suffix in {".xml", ".html"} or path.name == "feed.json")


def read_all(content, *, charset="", base=BASE):
    """Read something as a feed, an article and a listing, and take it as far as an `Item` and a mail."""
    article = entries = None
    try:
        entries = list(read_feed(content, place="here", today=TODAY, base=base, charset=charset).entries)
    except SourceFault as fault:
        assert_sentence(fault)
    try:
        article = read_article(content, place="here", today=TODAY, base=base, charset=charset)
    except SourceFault as fault:
        assert_sentence(fault)
    try:
        text = decode_doubting(content, place="here", charset=charset)
        assert len(feed_links(text, base=base)) <= 50
        entries = entries or read_entries(text, place="here", today=TODAY, base=base)
    except SourceFault as fault:
        assert_sentence(fault)
    if article is not None:
        assert_bounded(article.title, article.byline, article.teaser, article.body)
    for entry in (entries or [])[:3]:
        assert len(entry.html) <= HTML_LONGEST
        assert entry.published_on is None or entry.published_on <= date(2026, 11, 24)
        item = item_of(entry, article, today=TODAY, source_guid_scope="here")
        assert_bounded(item.title, item.byline, item.teaser, item.body)
        assert item.identities
        assert all(len(name.encode()) <= 2400 for name in item.identities), "and they can be written in UTF-8"
        assert item.url == "" or item.url.startswith(("http://", "https://"))
        json.dumps(item.said).encode()
        assert len(item.content_hash) == 64
    assert len(entries or []) <= MOST_ENTRIES


def assert_sentence(fault):
    assert str(fault).startswith("here"), fault
    assert "\n" not in str(fault)
    assert len(str(fault)) < 700


def assert_bounded(title, byline, teaser, body):
    assert len(title) <= TITLE_LONGEST
    assert "\n" not in title + byline
    assert len(byline) <= TITLE_LONGEST
    assert len(teaser) <= TEASER_LONGEST
    assert len(body) <= BODY_LONGEST
    assert "<script" not in body_html(body)
    body_text(body)


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "windows-1256", "utf-16", "utf-7", "nonsense"]))
def test_any_bytes_are_read_or_refused(content, charset):
    read_all(content, charset=charset)


@st.composite
def mutated(draw):
    """A golden file that was cut, doubled in places, or had bytes flipped on its way."""
    content = bytearray(draw(st.sampled_from(FILES)).read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.integers(1, 400))
        match draw(st.sampled_from(["cut", "end", "double", "flip", "insert"])):
            case "cut":
                del content[at : at + length]
            case "end":
                del content[max(at, 200) :]
            case "double":
                content[at:at] = content[at : at + length]
            case "flip":
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                content[at:at] = draw(st.sampled_from(SCRAPS))
    return bytes(content)


SCRAPS = [
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"</item>",
    b"<item>",
    b"</rss>",
    b"<div>" * 50,
    b"</div>",
    b'"',
    b"&#0;",
    b"&#xD800;",
    b"\x00",
    b"\xff\xfe",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>&a;",
    b"<p hidden>",
    b"{",
    b"}",
    b"[",
    b"\\ud800",
    b"http://[",
    b"31.02.2012",
    b"<base href='http://['>",
    b"<base href='javascript:x'>",
    b"<html lang='\xc3\xa9'>",
    b"\xe2\x80\xae",
    b"<script type='application/ld+json'>",
    b"<time datetime='9999-99-99'>",
    b"<table>",
    b"<a href='//'>",
    b"<link>",
    b"<br>" * 9,
]


@settings(max_examples=250)
@given(mutated())
def test_golden_files_that_were_damaged_are_read_or_refused(content):
    read_all(content)


NAMES = st.sampled_from(
    [
        "rss",
        "feed",
        "channel",
        "item",
        "entry",
        "title",
        "link",
        "guid",
        "id",
        "description",
        "content:encoded",
        "summary",
        "content",
        "author",
        "name",
        "dc:creator",
        "dc:date",
        "pubDate",
        "published",
        "updated",
        "category",
        "language",
        "rdf:RDF",
        "rdf:li",
        "div",
        "p",
        "a",
        "img",
        "media:content",
        "x:y",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "<b>x</b>",
            "&amp;",
            "&lt;p&gt;",
            "<![CDATA[<p>x]]>",
            "2012-11-06",
            "/1",
            "https://a.example/1",
            "anna@a.example (A)",
        ]
    ),
)
ATTRIBUTES = st.sampled_from(
    [
        "",
        ' type="html"',
        ' type="xhtml"',
        ' mode="base64"',
        ' href="/1"',
        ' rel="next"',
        ' isPermaLink="true"',
        ' xml:lang="tr"',
        ' xml:base="//["',
        ' xmlns="http://www.w3.org/2005/Atom"',
        ' version="0.91"',
        " unquoted=x",
    ]
)
XML = st.recursive(
    TEXTS,
    lambda inner: st.tuples(NAMES, ATTRIBUTES, st.lists(inner, max_size=4), st.booleans()).map(
        lambda four: f"<{four[0]}{four[1]}>{''.join(four[2])}" + (f"</{four[0]}>" if four[3] else "")
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(st.sampled_from(["rss", "feed", "rdf:RDF"]), XML)
def test_any_xml_is_read_or_refused(root, inner):
    for content in (
        f"<{root}><channel>{inner}</channel></{root}>",
        f"<{root}><item>{inner}</item><entry>{inner}</entry></{root}>",
    ):
        read_all(content.encode("utf-8", "surrogatepass"))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "items",
                    "title",
                    "id",
                    "url",
                    "content_html",
                    "content_text",
                    "authors",
                    "author",
                    "name",
                    "tags",
                    "language",
                    "date_published",
                    "next_url",
                    "summary",
                    "@graph",
                    "@type",
                    "headline",
                    "datePublished",
                    "publisher",
                    "@id",
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=15,
)


@settings(max_examples=150)
@given(
    JSON,
    st.dictionaries(st.sampled_from(["title", "authors", "next_url", "language", "home_page_url"]), JSON, max_size=3),
)
def test_any_json_is_read_or_refused(items, facts):
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": items if isinstance(items, list) else [items],
        **facts,
    }
    read_all(json.dumps(whole).encode())
    script = json.dumps({"@type": "Article", **(items if isinstance(items, dict) else {"author": items})})
    read_all(f'<script type="application/ld+json">{script}</script><h1>Strike</h1><p>{"Words. " * 9}'.encode())


TAGS = st.sampled_from(
    [
        "p",
        "div",
        "a",
        "b",
        "i",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "h1",
        "h2",
        "blockquote",
        "pre",
        "code",
        "br",
        "img",
        "hr",
        "article",
        "time",
        "span",
        "form",
        "input",
        "script",
        "style",
        "dl",
        "dt",
        "dd",
        "figure",
        "figcaption",
        "svg",
        "select",
        "option",
        "header",
        "footer",
        "nav",
        "main",
        "noscript",
        "template",
    ]
)
MARKS = st.sampled_from(
    [
        "",
        " class='post'",
        " class='entry-content'",
        " class='byline'",
        " class='comments'",
        " class='date'",
        " href='/1'",
        " hidden",
        " style='display:none'",
        " src='/x.png'",
        " datetime='2012-11-06'",
        " id='cloak1'",
        " itemprop='articleBody'",
        " start='99999999999'",
        " rel='author'",
        " itemprop='author'",
        " class='h-entry'",
        " start='²'",
    ]
)
HTML = st.recursive(
    TEXTS,
    lambda inner: st.tuples(TAGS, MARKS, st.lists(inner, max_size=4), st.booleans()).map(
        lambda four: f"<{four[0]}{four[1]}>{''.join(four[2])}" + (f"</{four[0]}>" if four[3] else "")
    ),
    max_leaves=25,
)


@settings(max_examples=250)
@given(HTML)
def test_any_html_is_read_or_refused(html):
    read_all(f"<html><body>{html}{html}</body></html>".encode("utf-8", "surrogatepass"))
    found = carried(html, base=BASE)
    assert len(found.markdown) <= BODY_LONGEST


@settings(max_examples=100)
@given(st.text(max_size=20), HTML)
def test_any_selector_is_understood_or_refused(css, html):
    try:
        read_entries(
            f"{html}<p><a href='/1'>x</a></p>", place="here", today=TODAY, base=BASE, selectors=Selectors(item=css)
        )
    except SourceFault as fault:
        assert "\n" not in str(fault)  # noqa: PT017  whether it is one depends on the words
