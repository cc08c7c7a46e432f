"""What each command does and says; the whole way is in tests/scenarios."""

import json
import re
import stat
from pathlib import Path

import pytest

from subscribers.keys import Keys
from subscribers.tokens import Purpose, Tokens

LISTING = """Our appeals

Free the ferry crew

Written by Harbour Solidarity Tuesday, 06 November 2012

They struck for drinking water and were arrested in Turkey.


Bakers locked out

Written by Bread Union Wednesday, 07 November 2012

{teaser}


Page 1 of 1"""


@pytest.fixture
def listing(tmp_path):
    path = tmp_path / "appeals.txt"
    path.write_text(LISTING.format(teaser="The bakers of Lima in Peru are locked out."), encoding="utf-8")
    return path


def appeals(run):
    return {a["reference"]: a for a in json.loads(run("appeal", "list", "--json").out)}


def test_init_writes_settings_keys_and_database_once(run, tmp_path):
    first = run("init")
    assert first.status == 0
    keys = (tmp_path / "newsletter.keys").read_text()
    assert stat.S_IMODE((tmp_path / "newsletter.keys").stat().st_mode) == 0o600
    again = run("init")
    assert again.status == 0
    assert "stays as it is" in again.out
    assert (tmp_path / "newsletter.keys").read_text() == keys


def test_import_shows_what_is_new_and_again_what_is_unchanged(ready, listing):
    assert "2 appeals read: 2 new." in ready("appeal", "import", listing).out
    assert "2 appeals read: 0 new, 2 unchanged." in ready("appeal", "import", listing).out
    assert list(appeals(ready)) == ["2012/002", "2012/001"]


def test_a_dry_run_keeps_nothing(ready, listing):
    assert "Nothing was kept" in ready("appeal", "import", "--dry-run", listing).out
    assert appeals(ready) == {}


def test_an_untouched_draft_follows_its_source_and_says_so(ready, listing):
    ready("appeal", "import", listing)
    listing.write_text(LISTING.format(teaser="The bakers of Lima are back."), encoding="utf-8")
    said = ready("appeal", "import", listing)
    assert "2012/002  changed at the source; the draft follows it: Bakers locked out" in said.out
    assert appeals(ready)["2012/002"]["teaser"] == "The bakers of Lima are back."


@pytest.mark.parametrize("touch", [("edit", "2012/002", "--teaser", "Mine."), ("approve", "2012/002")])
def test_what_an_organiser_edited_or_approved_is_never_overwritten_silently(ready, listing, touch):
    ready("appeal", "import", listing)
    ready("appeal", *touch)
    mine = appeals(ready)["2012/002"]
    listing.write_text(LISTING.format(teaser="The bakers of Lima are back."), encoding="utf-8")
    said = ready("appeal", "import", listing)
    assert "changed at the source; kept as it is here" in said.out
    assert appeals(ready)["2012/002"] == mine | {"changed_at_source": True}
    shown = ready("appeal", "show", "2012/002").out
    assert "+ The bakers of Lima are back." in shown
    # Told once; importing the same again is no news.
    assert "2 unchanged" in ready("appeal", "import", listing).out
    ready("appeal", "update", "2012/002")
    taken = appeals(ready)["2012/002"]
    assert (taken["teaser"], taken["status"]) == ("The bakers of Lima are back.", "draft")


def test_an_organiser_decides_about_urgency_countries_and_topics(ready, listing):
    ready("appeal", "import", listing)
    ready("appeal", "edit", "2012/001", "--urgent", "--country", "Greece", "--country", "tr", "--topic", "Ferry  Crews")
    changed = appeals(ready)["2012/001"]
    assert (changed["urgent"], changed["countries"]) == (True, ["GR", "TR"])
    assert json.loads(ready("appeal", "show", "2012/001", "--json").out)["topics"] == ["ferry crews"]


def test_an_edit_of_what_was_released_needs_approval_again(ready, listing):
    ready("appeal", "import", listing)
    assert "Released 2 appeals" in ready("appeal", "approve", "--all", "--release").out
    assert "draft again" in ready("appeal", "edit", "2012/001", "--title", "Free them all").out
    assert appeals(ready)["2012/001"]["status"] == "draft"
    assert "has nothing approved" in ready("appeal", "release", "2012/001").err
    assert "Nothing goes out before" in ready("appeal", "approve", "2012/001").out
    assert appeals(ready)["2012/001"]["status"] == "approved"
    ready("appeal", "release", "2012/001")
    assert appeals(ready)["2012/001"]["status"] == "released"


def test_a_closed_appeal_can_neither_be_approved_nor_edited(ready, listing):
    ready("appeal", "import", listing)
    ready("appeal", "close", "2012/001")
    for command in (("approve", "2012/001"), ("edit", "2012/001", "--title", "x")):
        said = ready("appeal", *command)
        assert said.status == 1
        assert said.err.startswith("Error: Appeal 2012/001 is closed; it goes into no further mail.")


def test_two_markdown_files_of_one_id_are_one_appeal_in_two_languages(ready, tmp_path):
    for language, title in (("en", "Free the ferry crew"), ("es", "Libertad para la tripulación")):
        text = f"---\nid: ferry\ntitle: {title}\nlanguage: {language}\ndate: 2026-11-20\n---\nWater.\n"
        (tmp_path / f"{language}.md").write_text(text, encoding="utf-8")
    ready("appeal", "import", "en.md", "es.md")
    (only,) = appeals(ready).values()
    assert only["languages"] == ["en", "es"]


def test_people_come_in_and_every_row_not_taken_is_told_with_its_line(ready, tmp_path):
    (tmp_path / "people.csv").write_text(
        "E-Mail;Name;Cadence;Confirmed at;Consent source\n"
        "rosa@example.org;Rosa;weekly;2026-01-02;stall\n"
        "not-an-address;X;weekly;2026-01-02;stall\n"
        "b@example.org;B;hourly;2026-01-02;stall\n"
        "c@example.org;C;weekly;;\n",
        encoding="utf-8",
    )
    dry = ready("subscriber", "import", "people.csv", "--dry-run")
    assert "4 rows read: 1 would be taken" in dry.out
    assert json.loads(ready("subscriber", "list", "--json").out) == []
    said = ready("subscriber", "import", "people.csv", "--report", "bad.txt")
    assert said.status == 0
    assert "4 rows read: 1 taken, 0 already there, 3 not taken." in said.out
    for line in (3, 4, 5):
        assert f"line {line}: " in said.err
        assert f"line {line}: " in (tmp_path / "bad.txt").read_text()
    assert "b@example.org" not in said.err
    assert [p["email"] for p in json.loads(ready("subscriber", "list", "--json").out)] == ["rosa@example.org"]


def test_preview_writes_what_one_person_or_anybody_with_these_wishes_would_get(ready, listing, tmp_path):
    ready("appeal", "import", listing)
    ready("appeal", "approve", "--all", "--release")
    (tmp_path / "p.csv").write_text("email,countries\nrosa@example.org,TR\n")
    ready("subscriber", "import", "p.csv", "--consent", "a stall")
    said = ready("digest", "preview", "--to", "Rosa@Example.org", "--output", "mine")
    assert "Subject: Free the ferry crew" in said.out
    assert "is in it: Free the ferry crew" in said.out
    assert "is about no country that they chose: Bakers" in said.out
    assert "Bakers" not in (tmp_path / "mine/digest.txt").read_text()
    assert "Free the ferry crew" in (tmp_path / "mine/digest.html").read_text()
    ready("digest", "preview", "--country", "PE", "--text", "--output", "other")
    assert "Bakers" in (tmp_path / "other/digest.txt").read_text()
    assert not (tmp_path / "other/digest.html").exists()
    none = ready("digest", "preview", "--language", "tr")
    assert (none.status, none.err) == (1, "Error: There is nothing to show: no text in a language they read.\n")


def test_a_planned_mailing_is_listed_and_shown(ready, listing, tmp_path):
    ready("appeal", "import", listing)
    ready("appeal", "approve", "--all", "--release")
    (tmp_path / "p.csv").write_text("email\nrosa@example.org\n")
    ready("subscriber", "import", "p.csv", "--consent", "a stall")
    assert "Would plan 1 mail in 1 edition." in ready("digest", "plan", "--cadence", "weekly", "--dry-run").out
    assert json.loads(ready("mailing", "list", "--json").out) == []
    assert "Mailing 1: 1 mail in 1 edition queued." in ready("digest", "plan", "--cadence", "weekly").out
    (mailing,) = json.loads(ready("mailing", "list", "--json").out)
    assert mailing["deliveries"] == {"queued": 1}
    assert "1  queued" in ready("mailing", "show", "1").out


def test_what_comes_from_outside_cannot_steer_the_terminal(ready, tmp_path):
    (tmp_path / "x.md").write_text('---\ntitle: "Red \\e[31m alert [bold]x[/bold]"\ndate: 2026-11-20\n---\nText.\n')
    ready("appeal", "import", "x.md")
    for said in (ready("appeal", "list"), ready("appeal", "show", "2026/001")):
        assert "\x1b[31m" not in said.out
    assert "[bold]x[/bold]" in ready("appeal", "list").out


def test_every_command_has_help(run):
    for command in (
        [],
        ["appeal"],
        ["appeal", "import"],
        ["digest", "plan"],
        ["subscriber", "import"],
        ["send"],
        ["web"],
    ):
        said = run(*command, "--help")
        assert said.status == 0
        assert "Usage: newsletter" in said.out


def test_a_page_in_another_language_comes_in_as_what_it_is(ready):
    pages = Path(__file__).parents[1] / "appeals" / "sources" / "pages"
    ready("appeal", "import", *sorted(pages.glob("joomla5-ar*.html")), *sorted(pages.glob("joomla3-fr*.html")))
    assert {tuple(a["languages"]) for a in appeals(ready).values()} == {("ar",), ("fr",)}


def test_what_changed_besides_the_words_is_taken_or_shown_too(ready, tmp_path):
    path = tmp_path / "ferry.md"
    text = "---\nid: ferry\ntitle: Free the crew\ndate: 2026-11-20\ncountries: [{}]\ndeadline: {}\n---\nWater.\n"
    path.write_text(text.format("GR", "2030-12-20"))
    ready("appeal", "import", "ferry.md")
    path.write_text(text.format("TR", "2030-12-01"))
    assert "the draft follows it" in ready("appeal", "import", "ferry.md").out
    followed = json.loads(ready("appeal", "show", "2026/001", "--json").out)
    assert (followed["countries"], followed["deadline"]) == (["TR"], "2030-12-01")
    # It was changed since anybody looked: that is approved by its revision, and not among all.
    assert "Read it again" in ready("appeal", "approve", "--all", "--release").err
    ready("appeal", "approve", "2026/001", "--release", "--revision", followed["revision"])
    path.write_text(text.format("TR", "2030-11-27"))
    assert "kept as it is here" in ready("appeal", "import", "ferry.md").out
    shown = ready("appeal", "show", "2026/001").out
    assert "- deadline: 2030-12-01\n+ deadline: 2030-11-27" in shown
    ready("appeal", "update", "2026/001")
    assert json.loads(ready("appeal", "show", "2026/001", "--json").out)["deadline"] == "2030-11-27"


def test_two_articles_of_one_day_and_title_are_two_if_their_addresses_differ(ready, tmp_path):
    for number in (1, 2):
        text = f"---\ntitle: Update\ndate: 2026-11-20\nurl: https://example.org/{number}\n---\nPart {number}.\n"
        (tmp_path / f"{number}.md").write_text(text)
    ready("appeal", "import", "1.md", "2.md")
    assert len(appeals(ready)) == 2
    again = ready("appeal", "import", "2.md", "1.md")
    assert "2 unchanged" in again.out


def test_a_name_that_another_appeal_has_stays_with_that_one(ready, tmp_path):
    with_address = "---\ntitle: {}\ndate: 2026-11-20\nurl: https://example.org/1\n---\nText.\n"
    (tmp_path / "a.md").write_text(with_address.format("First title"))
    (tmp_path / "b.md").write_text("---\ntitle: Second title\ndate: 2026-11-20\n---\nText.\n")
    ready("appeal", "import", "a.md", "b.md")
    (tmp_path / "a.md").write_text(with_address.format("Second title"))
    for _ in range(2):
        assert ready("appeal", "import", "a.md").status == 0
    assert len(appeals(ready)) == 2


def test_a_preview_holds_no_link_that_works(ready, listing, tmp_path):
    ready("appeal", "import", listing)
    ready("appeal", "approve", "--all", "--release")
    (tmp_path / "p.csv").write_text("email\nrosa@example.org\n")
    ready("subscriber", "import", "p.csv", "--consent", "a stall")
    ready("digest", "preview", "--to", "rosa@example.org")
    token = re.search(r"/unsubscribe/([\w-]+)", (tmp_path / "preview/digest.txt").read_text())[1]
    keys = Keys.load(tmp_path / "newsletter.keys")
    assert Tokens(keys).read(Purpose.UNSUBSCRIBE, token).subscriber_id == 0


def test_a_report_never_overwrites_a_file(ready, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("email\nrosa@example.org\n")
    said = ready("subscriber", "import", "people.csv", "--consent", "a stall", "--report", "people.csv")
    assert said.status == 1
    assert people.read_text() == "email\nrosa@example.org\n"


def test_topics_are_alike_whoever_wrote_them_and_however(ready, tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: A\ndate: 2026-11-20\ntopics: [Trade  Unions]\n---\nText.\n")
    (tmp_path / "p.csv").write_text("email,topics\nrosa@example.org,TRADE UNIONS\n")
    ready("appeal", "import", "a.md")
    ready("appeal", "approve", "--all", "--release")
    ready("subscriber", "import", "p.csv", "--consent", "a stall")
    assert "1 mail in 1 edition queued" in ready("digest", "plan", "--cadence", "weekly").out


def test_each_language_leads_to_its_own_page(ready, tmp_path):
    for language in ("en", "es"):
        front = f"id: x\ntitle: Title {language}\nlanguage: {language}\ndate: 2026-11-20"
        (tmp_path / f"{language}.md").write_text(f"---\n{front}\nurl: https://example.org/{language}\n---\nText.\n")
    ready("appeal", "import", "en.md", "es.md")
    ready("appeal", "approve", "--all", "--release")
    ready("digest", "preview", "--language", "es")
    page = (tmp_path / "preview/digest.txt").read_text()
    assert "/appeals/2026/001?in=es" in page
    assert "https://example.org/en" not in page


def test_nobody_else_on_the_machine_may_read_what_init_wrote(ready, tmp_path):
    ready("appeal", "list")
    for name in ("newsletter.toml", "newsletter.keys", "newsletter.db"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_passed_deadline_and_settings_nobody_set_are_told(ready, tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: A\ndate: 2020-11-20\ndeadline: 2020-11-30\n---\nText.\n")
    ready("appeal", "import", "a.md")
    assert "deadline has passed" in ready("appeal", "approve", "--all", "--release").err
    said = ready("digest", "plan", "--cadence", "weekly")
    assert "organisation, postal_address, base_url, sender_address" in said.err


def test_what_an_organiser_pastes_is_freed_of_controls(ready, listing, tmp_path):
    ready("appeal", "import", listing)
    (tmp_path / "body.md").write_bytes(b"One\x00\x1b[31m two\n\nthree")
    assert ready("appeal", "edit", "2012/001", "--body", "body.md").status == 0
    (text,) = json.loads(ready("appeal", "show", "2012/001", "--json").out)["texts"]
    assert text["body"] == "One[31m two\n\nthree"


def test_subscriber_show_tells_the_story_of_an_address(ready, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("email,name,language\nrosa@example.org,Rosa \x1b[31mRed,es\n", encoding="utf-8")
    ready("subscriber", "import", people, "--consent", "signed at the stall")
    shown = ready("subscriber", "show", "ROSA@example.org")
    assert shown.status == 0
    assert "rosa@example.org is written to." in shown.out
    assert "given: signed at the stall" in shown.out
    for words in (
        "hour                 7",
        "weekday              Monday",
        "alerts               yes",
        "topics               all",
    ):
        assert words in shown.out
    assert "\x1b" not in shown.out
    told = json.loads(ready("subscriber", "show", "rosa@example.org", "--json").out)
    assert told["person"]["choices"]["languages"] == ["es"]
    assert [one["source"] for one in told["consents"]] == ["signed at the stall"]


@pytest.mark.parametrize(("address", "status"), [("nobody@example.org", 0), ("not an address", 1)])
def test_subscriber_show_says_so_where_there_is_nobody(ready, address, status):
    shown = ready("subscriber", "show", address)
    assert shown.status == status
    assert "no subscriber has this address" in shown.out if status == 0 else "not an email address" in shown.err


def test_subscriber_erase_forgets_a_person_and_says_what_stays(ready, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("email\nrosa@example.org\n", encoding="utf-8")
    ready("subscriber", "import", people, "--consent", "signed at the stall")
    erased = ready("subscriber", "erase", "Rosa@example.org", "--yes")
    assert (erased.status, "no import brings it back" in erased.out) == (0, True)
    assert "suppressed since" in ready("subscriber", "show", "rosa@example.org").out
    assert "(erased)" in ready("subscriber", "list").out
    assert "0 taken" in ready("subscriber", "import", people, "--consent", "signed at the stall").out
    again = ready("subscriber", "erase", "rosa@example.org", "--yes")
    assert (again.status, "No subscriber has this address" in again.err) == (1, True)


def test_subscriber_export_writes_a_file_that_import_reads_and_only_its_owner(ready, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("email,name,language\nrosa@example.org,Rosa,es\n", encoding="utf-8")
    ready("subscriber", "import", people, "--consent", "signed at the stall")
    out = tmp_path / "out.csv"
    assert "1 subscriber written" in ready("subscriber", "export", out).out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "1 already there" in ready("subscriber", "import", out).out
    again = ready("subscriber", "export", out)
    assert (again.status, "file exists" in again.err) == (1, True)
