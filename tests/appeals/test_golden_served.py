"""Each system's shape over a real web server: looked at, known again, moved, broken and mended."""

import json
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from newsletter.appeals.model import Appeal
from newsletter.appeals.source import SourceEntry, SourceKind
from tests.appeals.sources.golden_files import GOLDEN, SHAPES, feed_file
from tests.appeals.sources.site import Answer, running_site
from tests.appeals.test_polling import Watch


@pytest.fixture
def watch(database, keys):
    with running_site() as site:
        yield Watch(database, keys, site)


def put(site, folder):
    """Put a shape's files where its system has them, as if this machine were its host; gives how to read it there."""
    said = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    file = feed_file(folder) or folder / "listing.html"
    place = said["feed"] if feed_file(folder) else said["listing"]
    for where, name in ((place, file.name), (said["article"], "article.html")):
        content = (folder / name).read_bytes()
        for host in {urlsplit(each).netloc for each in said.values()}:
            for scheme in (b"https://", b"http://"):
                content = content.replace(scheme + host.encode(), site.address.encode())
        kind = (
            "application/json"
            if name.endswith(".json")
            else "application/xml"
            if name.endswith(".xml")
            else "text/html"
        )
        parts = urlsplit(where)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        site.answers[path] = Answer(body=content, content_type=kind, headers={"ETag": f'"{name}"'})
        if where == place:
            read_at = path
    return read_at, SourceKind.FEED if feed_file(folder) else SourceKind.LISTING


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_watched_over_the_web(watch, shape):
    folder = GOLDEN / shape
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["item"]
    path, kind = put(watch.site, folder)
    watch.add(path, kind)
    polled = watch.poll(take=1)
    assert (polled.failed, polled.faults, len(polled.taken)) == (False, (), 1)
    with watch.database.read() as session:
        [appeal] = session.scalars(select(Appeal))
        text = appeal.text
        read = (text.title, text.byline, appeal.published_on.isoformat(), text.teaser, text.language)
        assert read == tuple(expected[name] for name in ("title", "byline", "published_on", "teaser", "language"))
        assert bool(text.body) == bool(expected["body"])
        known = session.scalars(select(SourceEntry)).all()
    assert watch.poll().unchanged
    # Moved for good, the same is found there; broken, nothing is harmed; mended, nothing comes twice.
    watch.site.answers["/moved"] = watch.site.answers[path]
    watch.site.redirect(path, f"{watch.site.address}/moved", 301)
    assert watch.poll().taken == ()
    watch.site.answers[path] = Answer(status=500)
    assert watch.poll().failed
    put(watch.site, folder)
    again = watch.poll()
    assert (again.failed, again.taken, again.held) == (False, (), 0)
    with watch.database.read() as session:
        assert len(session.scalars(select(SourceEntry)).all()) == len(known)
