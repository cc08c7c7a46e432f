"""Sources that are watched, over a real web server: nothing twice, nothing in a flood, nothing lost."""

import gzip
from datetime import timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import func, select

from newsletter.appeals.history import Move
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.names import Register, Rewriting, protect
from newsletter.appeals.polling import NothingHeld, Poller, complete, dismiss, held_of
from newsletter.appeals.protected import Forms
from newsletter.appeals.reading import Place, discover
from newsletter.appeals.source import NoSuchSource, Source, SourceEntry, SourceKind, due_sources
from newsletter.appeals.sources import SourceFault, WebFetch
from newsletter.appeals.sources.selecting import Selectors
from newsletter.appeals.sweeping import rewrite_appeals
from tests import builders
from tests.appeals.sources.site import Answer, Clock, running_site
from tests.conftest import NOW

HERE = (ip_network("127.0.0.1/32"),)
ITEM = """<item><title>{title}</title><link>{link}</link>{guid}<pubDate>{date}</pubDate>
<description>{text}</description>{author}</item>"""
RSS = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Our appeals</title><link>https://example.org/</link>{items}</channel></rss>"""
ARTICLE = """<html lang="en"><head><title>{title}</title></head><body><article><h1>{title}</h1>
<p class="byline">By <span class="author">{author}</span></p><time datetime="2026-11-20">20 November 2026</time>
<div class="entry-content"><p>{text}</p><p>The strike began in May, and it goes on in all the yards of the town.</p>
<p><img src="/tent.jpg" alt="A tent"></p></div></article></body></html>"""


def entry(number, title=None, **facts):
    about = {
        "title": title or f"Free the strikers of yard {number}",
        "link": f"{{base}}/appeals/{number}",
        "guid": f"<guid isPermaLink='false'>tag:{number}</guid>",
        "date": "Fri, 20 Nov 2026 10:00:00 GMT",
        "text": f"Yard {number}: they are held.",
        "author": "",
    } | facts
    return ITEM.format(**about)


@pytest.fixture
def site():
    with running_site() as site:
        yield site


class Watch:
    """A source, the newsletter around it and a clock that only the test moves."""

    def __init__(self, database, keys, site):
        self.now = NOW
        self.site, self.database = site, database
        self.parts = builders.parts(database, keys)
        clock = Clock()
        self.poller = Poller(
            database=database,
            desk=self.parts.desk,
            web=lambda: WebFetch(allowed=HERE, clock=clock, sleep=clock.sleep, limit_bytes=20_000_000),
            clock=lambda: self.now,
            chance=lambda: 0.5,
        )

    def feed(self, *entries, path="/feed.xml", **answer):
        body = RSS.format(items="".join(entries)).replace("{base}", self.site.address).encode()
        self.site.answers[path] = Answer(body=body, content_type="application/rss+xml", **answer)

    def add(self, path="/feed.xml", kind=SourceKind.FEED, **facts):
        about = {"topics": [], "selectors": {}, "location": self.site.address + path, "kind": kind} | facts
        with self.database.write() as session:
            made = Source(added_by="Rosa", added_at=self.now, next_poll_at=self.now, **about)
            session.add(made)
            session.flush()
            return made.id

    def poll(self, number=1, **wishes):
        return self.poller.poll([number], **wishes)[0]

    def titles(self):
        with self.database.read() as session:
            return [appeal.text.title for appeal in session.scalars(select(Appeal).order_by(Appeal.id))]

    def source(self, number=1):
        with self.database.read() as session:
            return session.get_one(Source, number)


@pytest.fixture
def watch(database, keys, site):
    return Watch(database, keys, site)


def test_what_is_there_at_first_counts_as_known_and_what_comes_later_is_a_draft(watch):
    watch.feed(entry(1), entry(2))
    watch.add()
    first = watch.poll()
    assert (first.taken, first.known, first.held) == ((), 2, 0)
    watch.site.page("/appeals/3", ARTICLE.format(title="Yard 3", author="Harbour Union", text="Three are held."))
    watch.feed(entry(3), entry(1), entry(2))
    [fate] = watch.poll().taken
    assert fate.title == "Free the strikers of yard 3"
    with watch.database.read() as session:
        appeal = find_appeal(session, fate.reference)
        assert appeal.status is AppealStatus.DRAFT
        assert (appeal.text.byline, appeal.moves[0].by) == ("Harbour Union", "source")
        assert "goes on in all the yards" in appeal.text.body
        assert appeal.text.pictures == [{"url": f"{watch.site.address}/tent.jpg", "alt": "A tent"}]
    assert watch.poll().taken == ()
    assert "/tent.jpg" not in watch.site.asked


def test_the_newest_come_in_at_once_if_somebody_asks_for_them(watch):
    watch.feed(*(entry(n, date=f"{n:02} Nov 2026 10:00:00 GMT") for n in range(1, 20)))
    watch.add()
    polled = watch.poll(take=2)
    assert sorted(watch.titles()) == ["Free the strikers of yard 18", "Free the strikers of yard 19"]
    assert polled.known == 17


def test_what_is_held_follows_its_source_until_somebody_decides(watch):
    watch.feed(entry(0))
    watch.add(hold_above=1)
    watch.poll()
    watch.feed(entry(0), entry(1), entry(2))
    assert watch.poll().held == 2
    watch.feed(entry(0), entry(1, title="Twelve, not eleven", text="Twelve are held."), entry(2))
    assert (watch.poll().held, watch.titles()) == (0, [])
    with watch.database.read() as session:
        held = held_of(session, 1)
        assert sorted(row.title for row in held) == ["Free the strikers of yard 2", "Twelve, not eleven"]
    [fate] = watch.poller.take(1, [next(row.id for row in held if row.title.startswith("Twelve"))]).taken
    with watch.database.read() as session:
        assert find_appeal(session, fate.reference).text.teaser == "Twelve are held."


def test_what_changes_while_it_is_taken_is_seen_the_next_time(watch, monkeypatch):
    watch.feed(entry(0))
    watch.add(hold_above=1, reads_articles=False)
    watch.poll()
    watch.feed(entry(0), entry(1), entry(2))
    watch.poll()
    with watch.database.read() as session:
        [first] = [row.id for row in held_of(session, 1) if row.title.endswith("yard 1")]

    def meanwhile(*arguments, **named):
        monkeypatch.undo()
        watch.feed(entry(0), entry(1, title="Twelve, not eleven", text="Twelve are held."), entry(2))
        watch.poll()
        return complete(*arguments, **named)

    monkeypatch.setattr("newsletter.appeals.polling.complete", meanwhile)
    [fate] = watch.poller.take(1, [first]).taken
    assert fate.title == "Free the strikers of yard 1"
    watch.feed(entry(0), entry(1, title="Twelve, not eleven", text="Twelve are held."), entry(2))
    watch.poll()
    assert watch.titles() == ["Twelve, not eleven"]


def test_more_new_ones_than_usual_are_held_and_an_organiser_decides(watch):
    watch.feed(entry(0))
    watch.add(hold_above=3)
    watch.poll()
    watch.feed(*(entry(n) for n in range(5)))
    polled = watch.poll()
    assert (polled.taken, polled.held, watch.titles()) == ((), 4, [])
    watch.now += timedelta(hours=1)
    assert watch.poll().held == 0, "what is held is not new once more"
    with watch.database.read() as session:
        held = held_of(session, 1)
        assert [row.title for row in held] == [f"Free the strikers of yard {n}" for n in range(1, 5)]
    [fate] = watch.poller.take(1, [held[1].id], by="Rosa").taken
    assert watch.titles() == ["Free the strikers of yard 2"]
    with watch.database.write() as session:
        assert find_appeal(session, fate.reference).moves[0].by == "Rosa"
        assert dismiss(session, 1) == 3
        with pytest.raises(NothingHeld):
            dismiss(session, 1)
    assert watch.poll().taken == ()
    with pytest.raises(NothingHeld):
        watch.poller.take(1, [held[1].id])


@pytest.mark.parametrize(
    "change",
    [
        {"link": "https://example.org/appeals/{n}"},
        {"link": "http://example.org/appeals/{n}", "guid": ""},
        {"link": "https://www.example.org/appeals/{n}/?utm_source=rss", "guid": ""},
        {"link": "https://example.org/a-new-slug-{n}", "guid": "<guid isPermaLink='false'>tag:{n}</guid>"},
        {"link": "https://example.org/other/{n}", "guid": "<guid>https://example.org/other/{n}</guid>"},
    ],
    ids=["https", "http-again", "www", "slug", "rebuilt"],
)
def test_a_site_that_moved_or_was_rebuilt_brings_no_flood(watch, change):
    def entries(**facts):
        return [
            entry(n, title=f"Yard number {n}", **{name: value.replace("{n}", str(n)) for name, value in facts.items()})
            for n in range(8)
        ]

    guid = "" if change.get("guid") == "" else "<guid isPermaLink='false'>tag:{n}</guid>"
    watch.feed(*entries(link="http://example.org/appeals/{n}", guid=guid))
    watch.add(hold_above=3, reads_articles=False)
    watch.poll()
    watch.feed(*entries(**change))
    polled = watch.poll()
    assert (polled.taken, polled.held) == ((), 0)


def test_nothing_that_stands_there_twice_comes_twice(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    watch.feed(
        entry(1), entry(1), entry(1, guid=""), entry(2, guid="<guid>tag:9</guid>"), entry(3, guid="<guid>tag:9</guid>")
    )
    watch.poll()
    assert sorted(watch.titles()) == [f"Free the strikers of yard {n}" for n in (1, 2, 3)]


def test_a_change_there_is_followed_by_an_untouched_draft_and_shown_where_somebody_worked_on_it(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    watch.feed(entry(1), entry(2))
    one, two = watch.poll().taken
    with watch.database.write() as session:
        builders.approve_and_release(find_appeal(session, two.reference))
    watch.feed(entry(1, text="They are free."), entry(2, text="They are free."))
    assert [fate.taken for fate in watch.poll().taken] == ["updated", "changed"]
    with watch.database.read() as session:
        assert find_appeal(session, one.reference).text.teaser == "They are free."
        kept = find_appeal(session, two.reference)
        assert (kept.status, kept.text.teaser) == (AppealStatus.RELEASED, "Yard 2: they are held.")
        assert kept.text.offered["teaser"] == "They are free."
        assert [made.move for made in find_appeal(session, one.reference).moves] == [Move.IMPORTED, Move.UPDATED]
    assert watch.poll().taken == ()


def test_what_was_read_is_asked_with_only_once_it_was_kept(watch):
    watch.feed(entry(1), headers={"ETag": '"one"'})
    watch.add()
    watch.poll()
    assert watch.source().etag == '"one"'
    assert watch.poll().unchanged
    # The site wants to be left alone in the middle: what was not read is not lost.
    watch.site.answers["/appeals/2"] = Answer(status=429, headers={"Retry-After": "120"})
    watch.feed(entry(1), entry(2), headers={"ETag": '"two"'})
    polled = watch.poll()
    assert (polled.taken, len(polled.faults), watch.source().etag) == ((), 1, '"one"')
    watch.site.page("/appeals/2", ARTICLE.format(title="Yard 2", author="X", text="Held."))
    assert len(watch.poll().taken) == 1
    assert watch.source().etag == '"two"'


def test_an_article_whose_page_is_gone_comes_in_as_the_feed_has_it(watch):
    watch.feed(entry(0))
    watch.add()
    watch.poll()
    watch.feed(entry(1))
    polled = watch.poll()
    assert len(polled.taken) == 1
    assert "404" in polled.faults[0]
    assert watch.source().fault == polled.faults[0]


FAULTS = {
    "not-there": Answer(status=404),
    "broken-server": Answer(status=500),
    "truncated": Answer(body=b"<?xml version='1.0'?><rss version='2.0'><chan", content_type="application/rss+xml"),
    "no-feed": Answer(body=b"<html><body><p>Under construction</p></body></html>"),
    "gzip-bomb": Answer(body=gzip.compress(b"\0" * 30_000_000), headers={"Content-Encoding": "gzip"}),
    "lies-about-its-encoding": Answer(body=b"\xff\xfe<\x00r", content_type="application/rss+xml; charset=utf-8"),
    "never-ends": Answer(body=b"<rss><channel>", repeated=b"<item><title>x</title></item>" * 500),
    "to-this-machine": Answer(status=302, to="http://127.0.0.2:1/"),
    "to-the-cloud": Answer(status=302, to="http://169.254.169.254/latest/meta-data/"),
    "to-a-file": Answer(status=302, to="file:///etc/passwd"),
    "binary": Answer(body=bytes(range(256)) * 100),
    "empty": Answer(body=b""),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_source_that_fails_says_so_in_one_sentence_and_nothing_that_is_stored_is_harmed(watch, fault):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    watch.feed(entry(1))
    watch.poll()
    before = _rows(watch)
    watch.site.answers["/feed.xml"] = fault
    polled = watch.poll()
    assert polled.failed
    assert len(polled.faults) == 1
    assert "\n" not in polled.faults[0]
    assert polled.faults[0].endswith((".", "?"))
    assert "Traceback" not in polled.faults[0]
    source = watch.source()
    assert (source.fault, source.failures, source.failing_since) == (polled.faults[0], 1, watch.now)
    assert _rows(watch) == before
    # As soon as it is there again, all is well.
    watch.feed(entry(0), entry(1), entry(2))
    assert len(watch.poll().taken) == 1
    assert (watch.source().fault, watch.source().failures) == ("", 0)


def _rows(watch):
    with watch.database.read() as session:
        entries = session.execute(select(SourceEntry.id, SourceEntry.state, SourceEntry.title)).all()
        return entries, [(appeal.reference, appeal.text.title) for appeal in session.scalars(select(Appeal))]


def test_a_bomb_of_entities_does_not_go_off(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    nested = b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    watch.site.answers["/feed.xml"] = Answer(
        body=b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY x SYSTEM 'file:///etc/hostname'>"
        + nested
        + b"]><rss version='2.0'><channel><item><title>Bomb &j; &x;</title><guid>b</guid></item></channel></rss>",
        content_type="application/rss+xml",
    )
    watch.poll()
    assert all(len(title) < 100 for title in watch.titles())


def test_two_articles_of_one_day_and_title_are_two_while_both_are_there(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    watch.feed(entry(1, title="Update"), entry(2, title="Update"))
    assert len(watch.poll().taken) == 2
    watch.feed(entry(3, title="Update"), entry(1, title="Update"), entry(2, title="Update"))
    assert len(watch.poll().taken) == 1


def test_an_appeal_whose_site_was_rebuilt_follows_it(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    watch.feed(entry(1))
    [before] = watch.poll().taken
    watch.feed(entry(1, link="https://new.example/x", guid="<guid>https://new.example/x</guid>", text="Still held."))
    [after] = watch.poll().taken
    assert (after.reference, after.taken) == (before.reference, "updated")
    with watch.database.read() as session:
        assert find_appeal(session, before.reference).text.url == "https://new.example/x"
    assert watch.poll().taken == ()


def test_a_feed_that_is_not_whole_gives_what_is_whole_and_says_so(watch):
    watch.feed(entry(0))
    watch.add(reads_articles=False)
    watch.poll()
    whole = RSS.format(items=entry(1) + entry(2)).replace("{base}", "https://example.org").encode()
    watch.site.answers["/feed.xml"] = Answer(body=whole[: whole.index(b"Yard 2")], content_type="application/rss+xml")
    polled = watch.poll()
    assert [fate.title for fate in polled.taken] == ["Free the strikers of yard 1"]
    assert "not whole" in polled.faults[0]


def test_the_longer_it_fails_the_seldomer_it_is_asked_and_a_site_that_names_a_time_is_heeded(watch):
    watch.add(interval_minutes=60)
    waits = []
    for _ in range(7):
        watch.poll()
        waits.append(watch.source().next_poll_at - watch.now)
        watch.now = watch.source().next_poll_at
    hours = [wait.total_seconds() / 3600 for wait in waits]
    assert hours == [2, 4, 8, 16, 24, 24, 24]
    watch.site.answers["/feed.xml"] = Answer(status=503, headers={"Retry-After": "86000"})
    watch.poll()
    assert watch.source().next_poll_at - watch.now >= timedelta(seconds=86_000)
    watch.site.answers["/feed.xml"] = Answer(status=410)
    watch.poll()
    assert watch.source().next_poll_at - watch.now == timedelta(days=7)


def test_robots_are_heeded(watch):
    watch.feed(entry(0))
    watch.add()
    watch.site.robots("User-agent: *\nDisallow: /feed")
    polled = watch.poll()
    assert polled.failed
    assert "robots.txt" in polled.faults[0]
    assert "/feed.xml" not in watch.site.asked


def test_only_what_is_due_is_looked_at_and_by_one_at_a_time(watch):
    watch.feed(entry(0))
    watch.add(interval_minutes=30)
    with watch.database.read() as session:
        assert due_sources(session, watch.now) == [1]
    watch.poll()
    with watch.database.read() as session:
        assert due_sources(session, watch.now + timedelta(minutes=29)) == []
        assert due_sources(session, watch.now + timedelta(minutes=30)) == [1]
    assert watch.poller.poll([1], due_only=True) == []
    with watch.database.write() as session:
        session.get_one(Source, 1).removed_at = watch.now
    with pytest.raises(NoSuchSource):
        watch.poll()


def test_fifty_thousand_entries_are_read_up_to_a_limit_and_held(watch):
    watch.feed(entry(0))
    watch.add()
    watch.poll()
    watch.feed(*(entry(n, text="x") for n in range(50_000)))
    polled = watch.poll()
    assert polled.held in {4_999, 5_000}, "the newest, of which one may be known"
    assert "not whole" in polled.faults[0]
    assert watch.titles() == []


def test_a_folder_of_markdown_is_watched_and_one_bad_file_harms_no_other(watch, tmp_path):
    good = "---\ntitle: {title}\ndate: 2026-11-20\nid: {id}\n---\nThey are held.\n"
    (tmp_path / "a.md").write_text(good.format(title="One", id="one"))
    (tmp_path / "secret.txt").write_text("none")
    watch.add(kind=SourceKind.FOLDER, location=str(tmp_path))
    assert watch.poll().known == 1
    (tmp_path / "b.md").write_text(good.format(title="Two", id="two"))
    (tmp_path / "c.md").write_text("---\ntitle: [broken\n---\n")
    (tmp_path / "outside.md").symlink_to("/etc/hostname")
    polled = watch.poll()
    assert watch.titles() == ["Two"]
    assert "c.md" in polled.faults[0]
    (tmp_path / "b.md").write_text(good.format(title="Two, corrected", id="two"))
    assert [fate.taken for fate in watch.poll().taken] == ["updated"]
    for file in tmp_path.iterdir():
        file.unlink()
    assert watch.poll().failed
    assert watch.titles() == ["Two, corrected"]


def test_a_listing_page_is_read_by_selectors(watch):
    row = "<tr class='row'><td><a href='/a/{n}'>Yard {n} is on strike</a></td><td class='when'>{n}.11.2026</td></tr>"
    watch.site.page("/list", f"<html lang='de'><table>{row.format(n=1)}{row.format(n=2)}</table></html>")
    watch.add(
        "/list", SourceKind.LISTING, reads_articles=False, selectors={"item": "tr.row", "title": "a", "date": ".when"}
    )
    assert watch.poll().known == 2
    watch.site.page("/list", f"<html lang='de'><table>{''.join(row.format(n=n) for n in (3, 2, 1))}</table></html>")
    watch.poll()
    with watch.database.read() as session:
        [appeal] = session.scalars(select(Appeal))
        assert (appeal.text.title, appeal.published_on.isoformat(), appeal.text.language) == (
            "Yard 3 is on strike",
            "2026-11-03",
            "de",
        )


def test_older_articles_of_a_listing_are_held_page_by_page(watch):
    def listing(numbers, following):
        rows = "".join(
            f"<article><h2><a href='/appeals/{n}'>Free the strikers of yard {n}</a></h2>"
            f"<time datetime='2026-11-{n + 1:02}'>x</time><p>They are held in the yard.</p></article>"
            for n in numbers
        )
        return f"<html lang='en'><body><main>{rows}</main>{following}</body></html>"

    watch.feed(entry(9), entry(8))
    watch.add(reads_articles=False)
    watch.poll()
    watch.site.page("/all", listing([9, 8, 7, 6], "<a rel='next' href='/all?page=2'>Next</a>"))
    watch.site.page("/all?page=2", listing([5, 4, 3], "<a rel='next' href='/all'>Next</a>"))
    polled = watch.poller.backfill(1, f"{watch.site.address}/all", max_pages=9)
    assert polled.held == 5
    assert len(watch.poller.take(1).taken) == 5
    with pytest.raises(SourceFault):
        watch.poller.backfill(1, f"{watch.site.address}/nowhere", max_pages=9)


@pytest.mark.parametrize("kind", ["page-with-feed", "page-with-dead-feed", "listing", "text", "folder", "feed"])
def test_a_place_is_found_out(watch, tmp_path, kind):
    watch.feed(entry(1), entry(2))
    names_feed = "<link rel='alternate' type='application/rss+xml' title='Appeals' href='{}'>"
    posts = "".join(
        f"<article><h2><a href='/{n}'>Yard {n} on strike</a></h2><time datetime='2026-11-0{n}'>x</time><p>Held.</p>"
        "</article>"
        for n in (1, 2, 3)
    )
    watch.site.page(
        "/page-with-feed", f"<html><head>{names_feed.format('/feed.xml')}</head><body>{posts}</body></html>"
    )
    watch.site.page(
        "/page-with-dead-feed", f"<html><head>{names_feed.format('/gone')}</head><body>{posts}</body></html>"
    )
    watch.site.page("/listing", f"<html><body>{posts}</body></html>")
    watch.site.page(
        "/text", "Our appeals\n\nFree them\n\nWritten by Rosa Tuesday, 06 November 2012\n\nThey are held.\n",
        content_type="text/plain",
    )  # fmt: skip
    (tmp_path / "a.md").write_text("---\ntitle: One\ndate: 2026-11-20\n---\nHeld.\n")
    location = str(tmp_path) if kind == "folder" else f"{watch.site.address}/{'feed.xml' if kind == 'feed' else kind}"
    clock = Clock()
    with WebFetch(allowed=HERE, clock=clock, sleep=clock.sleep, limit_bytes=20_000_000) as web:
        found = discover(Place(location=location, kind=SourceKind.FEED, scope=""), web, today=NOW.date())
    expected = {
        "page-with-feed": (SourceKind.FEED, 2),
        "page-with-dead-feed": (SourceKind.LISTING, 3),
        "listing": (SourceKind.LISTING, 3),
        "text": (SourceKind.TEXT, 1),
        "folder": (SourceKind.FOLDER, 1),
        "feed": (SourceKind.FEED, 2),
    }
    assert (found.place.kind, len(found.reading.found)) == expected[kind]


def test_a_page_without_a_listing_is_refused_in_one_sentence(watch):
    watch.site.page("/about", "<html><body><h1>About us</h1><p>We are a union of port workers.</p></body></html>")
    clock = Clock()
    place = Place(location=f"{watch.site.address}/about", kind=SourceKind.FEED, scope="", selectors=Selectors())
    with (
        WebFetch(allowed=HERE, clock=clock, sleep=clock.sleep, limit_bytes=20_000_000) as web,
        pytest.raises(SourceFault) as refusal,
    ):
        discover(place, web, today=NOW.date())
    assert "\n" not in str(refusal.value)


def test_a_protected_name_comes_in_hidden_from_wherever_it_is(watch):
    with watch.database.write() as session:
        seal = watch.parts.name_seal
        protect(session, seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
    watch.feed(entry(0))
    watch.add(hold_above=0)
    watch.poll()
    article = ARTICLE.format(title="Free Karim Ahmadi", author="Ahmadi's family", text="Mr Ahmadi is held. {name-1}!")
    watch.site.page("/appeals/1", article)
    watch.feed(entry(1, title="Free Karim Ahmadi", text="Karim is held.", link="{base}/appeals/1?who=karim-ahmadi"))
    watch.site.answers["/appeals/1?who=karim-ahmadi"] = watch.site.answers["/appeals/1"]
    assert watch.poll().held == 1
    watch.site.answers["/feed.xml"] = Answer(status=404)
    watch.poll()
    assert "ahmadi" not in _everything(watch).casefold()
    watch.poller.take(1)
    assert "ahmadi" not in _everything(watch).casefold()
    assert watch.titles() == ["Free {name-1}"]


def test_a_name_that_is_protected_later_goes_out_of_what_sources_announced(watch):
    watch.feed(entry(0, title="Known: Karim Ahmadi"))
    watch.add(hold_above=0)
    watch.poll()
    watch.feed(entry(1, title="Held: Karim Ahmadi", text="Karim is held."))
    watch.poll()
    assert "Ahmadi" in _everything(watch)
    with watch.database.write() as session:
        seal = watch.parts.name_seal
        protect(session, seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
        rewrite_appeals(session, Rewriting.hiding(Register.writing(session, seal)))
    assert "ahmadi" not in _everything(watch).casefold()


def _everything(watch):
    with watch.database.read() as session:
        found = [f"{row.title} {row.url} {row.content}" for row in session.scalars(select(SourceEntry))]
        found += [f"{row.title} {row.fault}" for row in session.scalars(select(Source))]
        found += [f"{a.text.document} {a.source} {a.moves[0].version.content}" for a in session.scalars(select(Appeal))]
        assert session.scalar(select(func.count()).select_from(SourceEntry))
        return "\n".join(found)


def test_a_page_that_is_away_for_a_while_empties_no_draft_and_keeps_none_back_for_good(watch):
    watch.feed(entry(0))
    watch.add()
    watch.poll()
    watch.site.page("/appeals/1", ARTICLE.format(title="Yard 1", author="Union", text="One is held."))
    watch.feed(entry(1))
    [fate] = watch.poll().taken
    watch.site.answers["/appeals/1"] = Answer(status=500)
    watch.site.answers["/appeals/2"] = Answer(status=500)
    today = {"date": "Mon, 23 Nov 2026 06:00:00 GMT"}
    watch.feed(entry(1, text="They are free."), entry(2, **today), headers={"ETag": '"now"'})
    polled = watch.poll()
    assert (polled.taken, len(polled.faults), watch.source().etag) == ((), 2, "")
    with watch.database.read() as session:
        kept = find_appeal(session, fate.reference).text
        assert (kept.byline, "goes on in all the yards" in kept.body) == ("Union", True)
    watch.site.page("/appeals/1", ARTICLE.format(title="Yard 1", author="Union", text="One is free."))
    assert [fate.taken for fate in watch.poll().taken] == ["updated"]
    watch.now += timedelta(days=3)
    assert [fate.title for fate in watch.poll().taken] == ["Free the strikers of yard 2"]


def test_marks_from_outside_are_none(watch):
    with watch.database.write() as session:
        protect(session, watch.parts.name_seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
    watch.feed(entry(0))
    watch.add(hold_above=0)
    watch.poll()
    watch.site.page("/appeals/1", ARTICLE.format(title="Free {name-1}", author="{name-1}", text="Hi &#123;name-1}."))
    watch.feed(entry(1, title="Free {name-1}", text="{name-1}"))
    assert watch.poll().held == 1
    watch.poller.take(1)
    assert "{name-1}" not in _everything(watch)
    assert watch.titles() == ["Free …"]


def test_a_fault_of_ours_ends_no_round_and_is_told(watch, monkeypatch):
    watch.feed(entry(0))
    watch.add()
    watch.add()
    monkeypatch.setattr("newsletter.appeals.polling.read_place", lambda *_a, **_k: 1 / 0)
    polled = watch.poller.poll([1, 2])
    assert [one.failed for one in polled] == [True, True]
    assert "ZeroDivisionError" in watch.source(2).fault
