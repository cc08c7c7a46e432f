"""What organisers do with sources from the command line."""

import json

import pytest
from PIL import Image

from newsletter.wiring import Parts
from tests.appeals.sources.site import Answer, running_site
from tests.appeals.test_pictures import file_of
from tests.appeals.test_polling import ARTICLE, RSS, entry


@pytest.fixture
def site():
    with running_site() as site:
        yield site


@pytest.fixture
def here(ready, monkeypatch):
    """Where this machine may be read from."""
    monkeypatch.setenv("NEWSLETTER_FETCH_ALLOW", "127.0.0.1/32")
    fetch = Parts.web_fetch
    # No pause between requests: this machine bears it.
    monkeypatch.setattr(Parts, "web_fetch", lambda parts, robots=True, **_pause: fetch(parts, robots=robots, pause_s=0))
    return ready


def put(site, *numbers):
    items = "".join(entry(n) for n in numbers).replace("{base}", site.address)
    site.page("/feed.xml", RSS.format(items=items), content_type="application/rss+xml")
    for n in numbers:
        text = ARTICLE.format(title=f"Yard {n}", author="Harbour Union", text=f"Yard {n} is held.")
        site.page(f"/appeals/{n}", text)


def listed(run):
    return json.loads(run("appeal", "list", "--json").out)


def test_a_source_is_shown_before_it_is_kept_and_then_watched(here, site):
    put(site, 1, 2)
    site.page("/", "<link rel='alternate' type='application/rss+xml' href='/feed.xml'><p>Welcome</p>")
    refused = here("source", "add", f"{site.address}/", "--yes", "--take", "1")
    assert refused.status == 0, refused.err
    assert "is a feed, “Our appeals”: 2 articles." in refused.out
    assert "by Harbour Union" in refused.out
    assert "Source 1 is watched." in refused.out
    assert "Source 1: 1 new, 1 known from now on." in refused.out
    assert len(listed(here)) == 1
    again = here("source", "add", f"{site.address}/", "--yes")
    assert (again.status, "Source 1 watches" in again.err) == (1, True)
    put(site, 1, 2, 3)
    assert "new: Free the strikers of yard 3" in here("source", "poll").out
    assert "No source is due." in here("source", "poll", "--due").out
    [document] = json.loads(here("source", "list", "--json").out)
    assert (document["kind"], document["known"], document["taken"]) == ("feed", 3, 2)
    assert "feed" in here("source", "list").out
    here("source", "remove", "1")
    assert "No source is watched" in here("source", "list").out
    assert here("source", "show", "1").status == 1


def test_nothing_is_kept_unless_somebody_says_yes(here, site, monkeypatch):
    put(site, 1)
    monkeypatch.setattr("click.confirm", lambda *_a, **_k: False)
    assert "Nothing was kept." in here("source", "add", f"{site.address}/feed.xml").out
    assert json.loads(here("source", "list", "--json").out) == []


def test_what_is_held_is_listed_taken_and_left_out(here, site):
    put(site, 0)
    here("source", "add", f"{site.address}/feed.xml", "--yes", "--hold-above", "2", "--topic", "Strikes")
    put(site, 0, 1, 2, 3)
    assert "3 held: see `newsletter source show 1`" in here("source", "poll", "1").out
    held = json.loads(here("source", "show", "1", "--json").out)["held_entries"]
    assert len(held) == 3
    assert "wait for your decision" in here("source", "show", "1").out
    assert here("source", "take", "1").status == 2
    assert "1 new" in here("source", "take", "1", held[0]["number"]).out
    assert "Left out 2 articles." in here("source", "dismiss", "1", "--all").out
    [taken] = listed(here)
    assert json.loads(here("appeal", "show", taken["reference"], "--json").out)["topics"] == ["strikes"]
    assert here("source", "take", "1", "--all").status == 1


def test_a_source_that_fails_is_told_by_the_status_and_in_the_list(here, site):
    put(site, 1)
    here("source", "add", f"{site.address}/feed.xml", "--yes")
    site.answers.clear()
    failed = here("source", "poll")
    assert failed.status == 1
    assert "404" in failed.err
    assert "404" in here("source", "list").out


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("http://127.0.0.9/",), 1, "127.0.0.9"),
        (("{site}/nothing",), 1, "404"),
        (("{site}/", "--select", "nonsense"), 2, "item=article.post"),
        (("{site}/", "--select", "thing=x"), 1, "thing"),
        (("{site}/", "--select", "item=((("), 1, "((("),
        (("nowhere",), 1, "nowhere"),
        (("{site}/", "--every", "1"), 2, "15"),
    ],
)
def test_what_cannot_be_watched_is_told_in_one_sentence(here, site, arguments, status, sentence):
    site.page("/", "<html><body><p>Hello</p></body></html>")
    said = here("source", "add", *(each.replace("{site}", site.address) for each in arguments), "--yes")
    assert (said.status, sentence in said.err) == (status, True), said.err


def test_a_feed_and_a_single_article_can_be_imported_once(here, site):
    put(site, 1, 2)
    assert "2 appeals read: 2 new." in here("appeal", "import", f"{site.address}/feed.xml").out
    assert "1 appeal read: 0 new" in here("appeal", "import", "--article", f"{site.address}/appeals/1").out
    put(site, 3)
    assert "1 appeal read: 1 new." in here("appeal", "import", "--article", f"{site.address}/appeals/3").out


def test_a_picture_of_the_source_comes_only_if_somebody_asks(here, site):
    put(site, 1)
    here("appeal", "import", "--article", f"{site.address}/appeals/1")
    [made] = listed(here)
    assert f"1. {site.address}/tent.jpg  A tent" in here("appeal", "show", made["reference"]).out
    assert "/tent.jpg" not in site.asked
    site.answers["/tent.jpg"] = Answer(body=file_of(Image.new("RGB", (40, 30))), content_type="image/jpeg")
    assert "has a picture now: 40 × 30" in here("appeal", "picture", made["reference"], "--from-source", "1").out
    assert here("appeal", "picture", made["reference"], "--from-source", "2").status == 2


def test_a_folder_in_which_one_file_cannot_be_read_is_told_by_the_status_too(here, tmp_path):
    folder = tmp_path / "appeals"
    folder.mkdir()
    (folder / "a.md").write_text("---\ntitle: Free them\ndate: 2026-11-20\n---\nThey are held.\n")
    assert here("source", "add", "appeals", "--yes").status == 0
    assert here("source", "poll").status == 0
    (folder / "b.md").write_text("---\ntitle: No date\n---\nText\n")
    polled = here("source", "poll")
    assert (polled.status, "Add a line such as `date: 2012-11-06`" in polled.err) == (1, True)
