"""Each system's shape, from its bytes to an `Item`; `golden_files` says how expectations are written anew."""

import io
import json

import feedparser
import pytest

from newsletter.appeals.sources.prose import one_line
from newsletter.editions.body import body_html
from tests.appeals.sources.golden_files import GOLDEN, SHAPES, feed_file, feed_of, read, written


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_read_as_expected(shape):
    expected = json.loads((GOLDEN / shape / "expected.json").read_text(encoding="utf-8"))

    assert json.loads(written(read(GOLDEN / shape))) == expected


def test_there_are_all_the_shapes_that_the_guide_promises():
    assert set(SHAPES) >= {
        "joomla15",
        "joomla25",
        "joomla3",
        "joomla4",
        "joomla5",
        "wordpress-rss",
        "wordpress-atom",
        "drupal",
        "ghost",
        "json-feed",
        "blogger",
        "hand-written",
        "farsi",
        "arabic",
        "rss091",
        "rdf10",
    }


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if (GOLDEN / shape / "feed.xml").exists()])
def test_feedparser_reads_the_same_of_it(shape):
    """A second reading by a library that knows these formats for twenty years."""
    file = feed_file(GOLDEN / shape)
    theirs = feedparser.parse(io.BytesIO(file.read_bytes()), sanitize_html=False, resolve_relative_uris=False)
    ours = feed_of(GOLDEN / shape)

    assert len(ours.entries) == len(theirs.entries)
    for mine, its in zip(ours.entries, theirs.entries, strict=True):
        assert mine.title == one_line(its.title).replace("&#8211;", "–").replace("&#8220;", "“").replace("&#8221;", "”")
        assert mine.guid == its.get("id", mine.guid)
        assert mine.url == its.link or its.link.startswith("/"), "theirs isn't made absolute without its address"
        if its.get("published_parsed") and mine.published_on and shape != "farsi":  # which they take for Gregorian
            assert mine.published_on.isoformat()[:7] == "{:04d}-{:02d}".format(*its.published_parsed[:2])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_mail_shows_of_it_has_no_marks_of_markdown_left(shape):
    body = json.loads((GOLDEN / shape / "expected.json").read_text(encoding="utf-8"))["article"]["body"]
    shown = body_html(body)

    assert shown.startswith("<p>")
    assert not any(mark in shown for mark in ("**", "](", "\\", "&lt;", "<script", "<img", "<form"))
