"""What organisers do with appeals from the command line."""

import io
import json

import pytest

from newsletter.appeals.editing import Changes, edit
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Act
from newsletter.appeals.names import Register
from subscribers.database import Database
from tests.conftest import NOW

SHEET = """---
title: Free the eleven
byline: Strike committee
date: 2026-11-20
topics: [strikes]
actions:
  - say: Ask for their release
    subject: Release them
    letter: Dear Sir, release them.
    targets: [{name: Prosecutor, emails: [prosecutor@example.org]}]
---
They are held.

The strike began in May.
"""


@pytest.fixture
def careful(ready, monkeypatch, tmp_path):
    """Where a second look is wanted, with two organisers and one appeal."""
    monkeypatch.delenv("NEWSLETTER_SECOND_LOOK")
    for name in ("Layla", "Rosa"):
        assert ready("organiser", "add", name).status == 0
    (tmp_path / "a.md").write_text(SHEET)
    assert ready("appeal", "import", "a.md", "--as", "Layla").status == 0
    return ready


def shown(run, reference="2026/001"):
    return json.loads(run("appeal", "show", reference, "--json").out)


def test_another_organiser_has_to_approve_and_the_record_says_who(careful):
    refused = careful("appeal", "approve", "2026/001", "--as", "Layla")
    assert refused.status == 1
    assert "Layla wrote what stands there" in refused.err
    assert "Approved 1 appeal" in careful("appeal", "approve", "2026/001", "--as", "rosa").out
    careful("appeal", "release", "2026/001")
    moves = json.loads(careful("appeal", "history", "2026/001", "--json").out)
    assert [(move["move"], move["by"]) for move in moves] == [
        ("imported", "Layla"),
        ("approved", "Rosa"),
        ("released", "operator"),
    ]
    assert "approved" in careful("appeal", "history", "2026/001").out


def test_an_organiser_who_is_not_there_can_do_nothing(careful):
    assert "There is no organiser Nobody" in careful("appeal", "approve", "2026/001", "--as", "Nobody").err
    careful("organiser", "remove", "Rosa")
    assert careful("appeal", "approve", "2026/001", "--as", "Rosa").status == 1
    assert [row["removed_at"] is None for row in json.loads(careful("organiser", "list", "--json").out)] == [
        True,
        False,
    ]


def test_approval_of_what_was_read_is_refused_once_it_is_another(careful):
    revision = shown(careful)["revision"]
    careful("appeal", "edit", "2026/001", "--title", "Another", "--as", "Layla")
    refused = careful("appeal", "approve", "2026/001", "--revision", revision, "--as", "Rosa")
    assert refused.status == 1
    assert "was changed by Layla" in refused.err
    assert shown(careful)["status"] == "draft"


def test_a_sheet_goes_out_and_comes_back(careful, tmp_path):
    sheet = careful("appeal", "sheet", "2026/001").out
    assert "prosecutor@example.org" in sheet
    (tmp_path / "b.md").write_text(sheet.replace("Release them", "Release them now"))
    careful("appeal", "edit", "2026/001", "--from", "b.md")
    assert shown(careful)["actions"][0]["words"]["en"]["subject"] == "Release them now"
    again = careful("appeal", "edit", "2026/001", "--from", "b.md")
    assert (again.status, shown(careful)["revision"]) == (1, 2)
    assert "you had 1" in again.err


def test_an_editor_opens_and_what_was_written_is_kept_if_somebody_was_quicker(careful, tmp_path, monkeypatch):
    def slow_editor(text, extension):
        assert extension == ".md"
        database = Database("sqlite:///newsletter.db")
        with database.write() as session:
            edit(find_appeal(session, "2026/001"), Changes(title="Quicker"), Act(by="Rosa", at=NOW), Register())
        database.dispose()
        return text.replace("They are held.", "They are held since May.")

    monkeypatch.setattr("click.edit", slow_editor)
    monkeypatch.setattr("newsletter.cli.appeal_editing.sys.stdin.isatty", lambda: True)
    refused = careful("appeal", "edit", "2026/001", "--as", "Layla")
    assert refused.status == 1
    assert "changed by Rosa" in refused.err
    assert "mend 2026-001.1.md" in refused.err
    assert "since May" in (tmp_path / "2026-001.1.md").read_text()
    assert shown(careful)["title"] == "Quicker"


def test_a_translation_and_a_follow_up_begin_as_drafts(careful, tmp_path):
    careful("appeal", "approve", "2026/001", "--release", "--as", "Rosa")
    careful("appeal", "translate", "2026/001", "es", "--title", "Libertad", "--teaser", "Once.")
    assert [(text["language"], text["status"]) for text in shown(careful)["texts"]] == [
        ("en", "released"),
        ("es", "draft"),
    ]
    said = careful(
        "appeal", "follow-up", "2026/001", "--kind", "correction", "--title", "Twelve", "--teaser", "Not 11."
    )
    assert "2026/001-2 continues 2026/001" in said.out
    made = shown(careful, "2026/001-2")
    assert (made["follow_up"], made["audience"], made["original"]) == ("correction", "recipients", "2026/001")
    assert "continued by 2026/001-2" in careful("appeal", "show", "2026/001").out


def test_an_ending_is_recorded_and_shown(careful):
    careful("appeal", "close", "2026/001", "--ending", "won", "--note", "All are free.")
    assert "closed (won)" in careful("appeal", "show", "2026/001").out
    assert json.loads(careful("appeal", "history", "2026/001", "--json").out)[-1]["note"] == "won: All are free."
    assert "is open again: it is a draft" in careful("appeal", "reopen", "2026/001").out


def test_a_picture_needs_words(careful, tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    assert careful("appeal", "picture", "2026/001", "a.svg").status == 2
    refused = careful("appeal", "picture", "2026/001", "a.svg", "--alt", "A tent")
    assert (refused.status, "a.svg can't be used as a picture" in refused.err) == (1, True)


def test_a_name_is_hidden_from_standard_input_and_nothing_says_it_any_more(careful, monkeypatch):
    careful("appeal", "edit", "2026/001", "--title", "Free Karim Ahmadi", "--teaser", "Karim is held.")
    monkeypatch.setattr("sys.stdin", io.StringIO("Karim Ahmadi\n"))
    hidden = careful("name", "hide", "--alias", "K.", "--alias-in", "fa=ک.")
    assert "It stands in 1 appeal (2026/001); hidden there." in hidden.out
    said = [
        careful("appeal", "list").out,
        careful("appeal", "show", "2026/001").out,
        careful("appeal", "show", "2026/001", "--json").out,
        careful("appeal", "history", "2026/001", "--diff").out,
        careful("appeal", "sheet", "2026/001").out,
        careful("name", "list", "--json").out,
        careful("name", "list").out,
    ]
    assert not [text for text in said if "karim" in text.casefold() or "ahmadi" in text.casefold()]
    assert "Free K." in said[0]
    careful("name", "consent", "1", "--note", "her letter")
    assert "Free Karim Ahmadi" in careful("appeal", "list").out
    careful("name", "withdraw", "1")
    assert "Free K." in careful("appeal", "list").out
    assert careful("name", "withdraw", "9").status == 1


def test_a_translation_is_written_in_the_editor_over_the_first_text_and_says_what_it_left(careful, monkeypatch):
    shown_to_translator = []

    def editor(text, **_kind):
        shown_to_translator.append(text)
        spanish = {"title: Free the eleven": "title: Libertad", "say: Ask for their release": "say: Pida su libertad"}
        spanish |= {"letter: Dear Sir, release them.": ""}
        for english, words in spanish.items():
            assert english in text
            text = text.replace(english, words, 1)
        return text

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.edit", editor)
    made = careful("appeal", "translate", "2026/001", "es", "--as", "Rosa")
    assert made.status == 0, made.err
    assert "language: es" in shown_to_translator[0]
    assert "Not translated: the letter of action 1." in made.out
    assert "`newsletter appeal edit 2026/001 --language es` goes on" in made.out
    texts = {text["language"]: text for text in shown(careful)["texts"]}
    assert texts["es"]["title"] == "Libertad"
    assert texts["es"]["missing"] == ["the letter of action 1"]
    assert texts["en"]["missing"] == []
    assert shown(careful)["actions"][0]["words"]["es"]["say"] == "Pida su libertad"
    assert shown(careful)["actions"][0]["words"]["en"]["letter"] == "Dear Sir, release them."
    assert "Not translated: the letter of action 1" in careful("appeal", "show", "2026/001").out
    refused = careful("appeal", "translate", "2026/001", "es")
    assert (refused.status, "has a text in 'es' already" in refused.err) == (1, True)


def test_a_translation_can_be_taken_away_and_its_page_goes_with_the_next_release(careful):
    careful("appeal", "translate", "2026/001", "es", "--title", "Libertad", "--teaser", "Once.", "--as", "Layla")
    careful("appeal", "approve", "2026/001", "--release", "--as", "Rosa")
    refused = careful("appeal", "translate", "2026/001", "en", "--remove")
    assert (refused.status, "that text stays" in refused.err) == (1, True)
    assert careful("appeal", "translate", "2026/001", "es", "--remove", "--title", "x").status == 2
    assert "It waits for approval" in careful("appeal", "translate", "2026/001", "es", "--remove", "--as", "Layla").out
    document = shown(careful)
    assert (document["languages"], document["status"], document["public"]) == (["en"], "draft", "earlier")
    assert careful("appeal", "translate", "2026/001", "es", "--remove").status == 1
    careful("appeal", "approve", "2026/001", "--release", "--as", "Rosa")
    assert shown(careful)["public"] == "this"


def test_a_draft_translation_goes_without_touching_what_is_released(careful):
    careful("appeal", "approve", "2026/001", "--release", "--as", "Rosa")
    careful("appeal", "translate", "2026/001", "es", "--title", "Libertad", "--teaser", "Once.", "--as", "Layla")
    careful("appeal", "translate", "2026/001", "es", "--remove", "--as", "Layla")
    assert (shown(careful)["status"], shown(careful)["public"], shown(careful)["next"]) == ("released", "this", None)


def test_what_is_shown_says_what_the_public_sees_and_what_comes_next(careful):
    assert "it has no page yet; next: newsletter appeal approve 2026/001" in careful("appeal", "show", "2026/001").out
    careful("appeal", "approve", "2026/001", "--as", "Rosa")
    assert "it has no page yet; next: newsletter appeal release 2026/001" in careful("appeal", "show", "2026/001").out
    careful("appeal", "release", "2026/001")
    assert "its page shows what stands here\n" in careful("appeal", "show", "2026/001").out
    careful("appeal", "edit", "2026/001", "--title", "Free all eleven", "--as", "Layla")
    said = careful("appeal", "show", "2026/001").out
    assert "its page shows what was released before; next: newsletter appeal approve 2026/001" in said
    moves = json.loads(careful("appeal", "history", "2026/001", "--json").out)
    assert [made["revision"] for made in moves] == [1, 2, 3, 4]
    assert moves[-1]["revision"] == shown(careful)["revision"]
    diff = careful("appeal", "history", "2026/001", "--diff").out
    assert "@@" not in diff
    assert "  -  title: Free the eleven\n  +  title: Free all eleven\n" in diff
    careful("appeal", "close", "2026/001", "--ending", "withdrawn")
    assert "its page says that it was withdrawn" in careful("appeal", "show", "2026/001").out


def test_what_was_never_public_has_no_page_when_it_is_withdrawn(careful):
    careful("appeal", "close", "2026/001", "--ending", "withdrawn")
    assert "it has no page yet" in careful("appeal", "show", "2026/001").out


def test_a_name_in_an_address_alone_is_told_too(careful, monkeypatch, tmp_path):
    careful("appeal", "edit", "2026/001", "--title", "Free them")
    sheet = careful("appeal", "sheet", "2026/001").out.replace("url: ''", "url: https://example.org/karim-ahmadi")
    (tmp_path / "sheet.md").write_text(sheet)
    assert careful("appeal", "edit", "2026/001", "--from", "sheet.md").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("Karim Ahmadi\n"))
    assert "It stands in 1 appeal (2026/001); it would be" in careful("name", "hide", "--alias", "K.", "--dry-run").out
    assert shown(careful)["url"] == "https://example.org/karim-ahmadi"
    monkeypatch.setattr("sys.stdin", io.StringIO("Karim Ahmadi\n"))
    hidden = careful("name", "hide", "--alias", "K.")
    assert "It stands in 1 appeal (2026/001); hidden there." in hidden.out
    assert "Web addresses and topics that held it are gone." in hidden.out
    assert shown(careful)["url"] == ""
    assert json.loads(careful("appeal", "history", "2026/001", "--json").out)[-1]["move"] == "named"


def test_a_deadline_that_has_passed_is_pointed_out(careful):
    late = careful("appeal", "edit", "2026/001", "--deadline", "2020-01-31")
    assert "The deadline, 2020-01-31, has passed: 2026/001 goes into no mail." in late.err
    assert careful("appeal", "edit", "2026/001", "--deadline", "2199-01-31").err == ""


def test_what_would_be_hidden_can_be_seen_first_and_a_mistake_be_taken_back(careful, monkeypatch):
    careful("appeal", "edit", "2026/001", "--title", "Roses and Rose Day", "--teaser", "In ROSE.")
    before = shown(careful)["texts"]

    def typed(words):
        monkeypatch.setattr("sys.stdin", io.StringIO(words))

    typed("Rose\n")
    tried = careful("name", "hide", "--alias", "M.", "--dry-run")
    assert "It stands in 1 appeal (2026/001); it would be hidden there. Nothing was changed." in tried.out
    assert shown(careful)["texts"] == before
    assert "No name is protected yet" in careful("name", "list").out
    typed("Rose\n")
    hidden = careful("name", "hide", "--alias", "M.", "--as", "Layla")
    assert "If it was a mistake: `newsletter name remove 1`" in hidden.out
    assert shown(careful)["texts"][0]["title"] == "M. and M. Day"
    typed("")
    refused = careful("name", "remove", "1")
    assert (refused.status, "would be said in public again" in refused.err) == (1, True)
    assert "2026/001" in careful("name", "remove", "1", "--yes", "--as", "Rosa").out
    assert shown(careful)["texts"] == before
    assert careful("name", "remove", "1", "--yes").status == 1
    moves = json.loads(careful("appeal", "history", "2026/001", "--json").out)
    assert [(made["move"], made["by"], made["note"]) for made in moves[-2:]] == [
        ("named", "Layla", "name 1 is hidden"),
        ("named", "Rosa", "name 1 is not protected any more"),
    ]
    assert moves[-2]["text"] == moves[-1]["text"]


def test_on_a_terminal_the_words_that_would_be_hidden_are_shown_and_it_is_asked(careful, monkeypatch):
    careful("appeal", "edit", "2026/001", "--title", "Roses and Rose Day")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def typed(*lines):
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))

    typed("Rose", "", "n")
    answer = careful("name", "hide", "--alias", "M.")
    assert answer.out.endswith("Nothing was changed.\n")
    assert "It is written as “Roses”, “Rose”" in answer.err
    assert "hidden there. Hide it?" in answer.err
    typed("Rose", "", "y")
    assert "Name 1 is hidden" in careful("name", "hide", "--alias", "M.").out
    typed("n")
    assert "Nothing was changed." in careful("name", "remove", "1").out
    typed("y")
    assert careful("name", "remove", "1").status == 0
    assert shown(careful)["texts"][0]["title"] == "Roses and Rose Day"


def test_what_was_approved_stays_approved_when_a_name_is_hidden_and_given_back(careful, monkeypatch):
    careful("appeal", "edit", "2026/001", "--title", "Free Karim Ahmadi, free Ahmadi", "--as", "Layla")
    careful("appeal", "approve", "2026/001", "--as", "Rosa")
    monkeypatch.setattr("sys.stdin", io.StringIO("Karim Ahmadi\n"))
    careful("name", "hide", "--alias", "K.")
    assert careful("appeal", "release", "2026/001").status == 0
    careful("name", "remove", "1", "--yes")
    assert "closed" in careful("appeal", "close", "2026/001").out
    assert "it is released" in careful("appeal", "reopen", "2026/001").out
    assert shown(careful)["texts"][0]["title"] == "Free Karim Ahmadi, free Ahmadi"


def test_the_sheet_of_one_appeal_goes_over_no_other(careful, tmp_path):
    (tmp_path / "other.md").write_text(SHEET.replace("Free the eleven", "Another"))
    careful("appeal", "import", "other.md", "--as", "Layla")
    (tmp_path / "sheet.md").write_text(careful("appeal", "sheet", "2026/002").out)
    refused = careful("appeal", "edit", "2026/001", "--from", "sheet.md")
    assert (refused.status, "is the sheet of appeal 2026/002" in refused.err) == (1, True)


def test_a_letter_that_is_taken_out_is_gone(careful, tmp_path):
    sheet = careful("appeal", "sheet", "2026/001").out
    with_letter = sheet.replace(
        "letter: Dear Sir, release them.", "letter: Dear Sir\n    letters: {tr: {letter: Sayın}}"
    )
    (tmp_path / "sheet.md").write_text(with_letter)
    careful("appeal", "edit", "2026/001", "--from", "sheet.md")
    assert "tr" in shown(careful)["actions"][0]["words"]
    without = careful("appeal", "sheet", "2026/001").out
    (tmp_path / "sheet.md").write_text(
        without[: without.index("    letters:")] + without[without.index("    targets:") :]
    )
    careful("appeal", "edit", "2026/001", "--from", "sheet.md")
    assert list(shown(careful)["actions"][0]["words"]) == ["en"]


def test_what_its_source_changed_is_approved_only_by_who_read_it_again(careful, tmp_path):
    (tmp_path / "a.md").write_text(SHEET.replace("They are held.", "They are free."))
    careful("appeal", "import", "a.md", "--as", "Layla")
    refused = careful("appeal", "approve", "2026/001", "--as", "Rosa")
    assert (refused.status, "--revision 2" in refused.err) == (1, True)
    assert careful("appeal", "approve", "2026/001", "--as", "Rosa", "--revision", "2").status == 0


def test_what_was_written_in_an_editor_is_kept_also_where_it_cannot_be_read(careful, tmp_path, monkeypatch):
    monkeypatch.setattr("newsletter.cli.appeal_editing.sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.edit", lambda text, **_kind: text.replace("demands: []", "demands: [x"))
    refused = careful("appeal", "edit", "2026/001", "--as", "Layla")
    assert (refused.status, "mend 2026-001.1.md" in refused.err) == (1, True)
    assert "demands: [x" in (tmp_path / "2026-001.1.md").read_text()


def test_without_a_terminal_no_editor_opens(careful):
    assert careful("appeal", "edit", "2026/001").status == 2


def test_all_that_goes_out_is_shown_before_it_is_approved(careful):
    told = careful("appeal", "show", "2026/001").out
    assert "to Prosecutor, prosecutor@example.org" in told
    assert "Subject: Release them" in told
    assert "Dear Sir, release them." in told


def test_one_that_waits_keeps_no_other_back(careful, tmp_path):
    (tmp_path / "other.md").write_text(SHEET.replace("Free the eleven", "Another"))
    careful("appeal", "import", "other.md", "--as", "Rosa")
    said = careful("appeal", "approve", "--all", "--as", "Rosa")
    assert "Approved 1 appeal: 2026/001." in said.out
    assert "2026/002 needs a second look" in said.err


def test_a_mark_that_names_nobody_is_refused_and_a_name_is_protected_once(careful, monkeypatch):
    refused = careful("appeal", "edit", "2026/001", "--title", "Free {name-7}")
    assert (refused.status, "no protected name 7" in refused.err) == (1, True)
    for status in (0, 1):
        monkeypatch.setattr("sys.stdin", io.StringIO("Karim Ahmadi\n"))
        assert careful("name", "hide", "--alias", "K.").status == status
    assert careful("appeal", "edit", "2026/001", "--title", "Free {name-1}").status == 0
    assert "It stands in 1 appeal (2026/001)" in careful("name", "withdraw", "1").out


def test_an_appeal_that_was_won_and_still_asks_is_pointed_out(careful):
    careful("appeal", "approve", "2026/001", "--release", "--as", "Rosa")
    careful(
        "appeal", "follow-up", "2026/001", "--kind", "victory", "--title", "Free", "--teaser", "All.", "--as", "Layla"
    )
    said = careful("appeal", "approve", "2026/001-2", "--release", "--as", "Rosa").out
    assert "`newsletter appeal close 2026/001 --ending won`" in said


def test_a_language_that_nobody_knows_is_refused(careful):
    assert careful("appeal", "translate", "2026/001", "xx", "--title", "a", "--teaser", "b").status == 2
