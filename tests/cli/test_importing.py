"""Imports and undoing them, links that are revoked, a form for other sites, keys: as an operator uses the commands."""

import json
import re
import sqlite3

import pytest

from subscribers.keys import Keys
from subscribers.tokens import Purpose, Tokens

PHPLIST = (
    "ID,Email,Is this subscriber confirmed,Is this subscriber blacklisted,Entered\n"
    "1,ada@example.org,1,0,2024-05-01 10:30:00\n"
    "2,gone@example.org,1,1,2024-05-01 10:30:00\n"
)


@pytest.fixture
def imported(ready, tmp_path):
    (tmp_path / "old.csv").write_text(PHPLIST)
    return ready("subscriber", "import", "old.csv", "--consent", "moved from phpList", "--undo-within", "30")


def emails(run):
    return [one["email"] for one in json.loads(run("subscriber", "list", "--json").out)]


def test_an_import_says_what_it_is_what_it_did_and_how_to_take_it_back(imported):
    assert imported.status == 0
    assert "Recognised as phpList's." in imported.out
    assert "2 rows read: 1 taken, 0 already there, 1 not taken." in imported.out
    assert "1 address suppressed: their owners had left at the former place." in imported.out
    assert "newsletter subscriber undo 1" in imported.out


def test_imports_are_listed_and_undone(ready, imported):
    (one,) = json.loads(ready("subscriber", "imports", "--json").out)
    assert (one["file"], one["taken"], one["undone_at"]) == ("old.csv", 1, None)
    done = ready("subscriber", "undo", "1")
    assert done.status == 0
    assert "1 subscriber removed, 0 kept" in done.out
    assert "1 address suppressed no longer." in done.out
    assert emails(ready) == []
    assert "undone" in ready("subscriber", "imports").out
    again = ready("subscriber", "undo", "1")
    assert (again.status, again.err.startswith("Error: Import 1 was undone on")) == (1, True)


def test_an_import_that_is_not_there_is_told_with_what_to_do(ready):
    said = ready("subscriber", "undo", "7")
    assert (said.status, said.err) == (1, "Error: There is no import 7. `newsletter subscriber imports` lists them.\n")


def test_columns_are_named_by_hand(ready, tmp_path):
    (tmp_path / "p.csv").write_text("Kontakt;Wer\nada@example.org;Ada\n")
    said = ready(
        "subscriber", "import", "p.csv", "--consent", "a stall", "--column", "email=Kontakt", "--column", "name=Wer"
    )
    assert said.status == 0
    assert emails(ready) == ["ada@example.org"]


@pytest.mark.parametrize("given", ["email", "=x", "email=", "colour=x", "line=x"])
def test_a_mapping_that_can_not_be_read_is_told_with_the_fields(ready, tmp_path, given):
    (tmp_path / "p.csv").write_text("Kontakt\nada@example.org\n")
    said = ready("subscriber", "import", "p.csv", "--column", given)
    assert (said.status, "fields: email, name" in said.err) == (2, True)


def test_links_of_one_person_are_revoked(ready, imported, tmp_path):
    assert ready("subscriber", "revoke", "ADA@example.org").status == 0
    assert ready("subscriber", "revoke", "nobody@example.org").status == 1
    with sqlite3.connect(tmp_path / "newsletter.db") as database:
        assert database.execute("SELECT token_epoch FROM subscribers").fetchall() == [(1,)]


def test_the_form_for_another_site_is_plain_html_in_the_language_asked_for(ready):
    made = ready("subscriber", "form", "--language", "ar", "--source", 'union"<x>').out
    assert 'action="http://localhost:8000/subscribe?in=ar"' in made
    assert 'dir="rtl"' in made
    assert 'value="union&quot;&lt;x&gt;"' in made
    assert "<script" not in made


def test_keys_are_rotated_and_old_links_keep_working(ready, tmp_path):
    path = tmp_path / "newsletter.keys"
    old = Tokens(Keys.load(path)).issue(Purpose.UNSUBSCRIBE, subscriber_id=1, epoch=0)
    said = ready("keys", "rotate")
    assert (said.status, "sealed with key 2" in said.out) == (0, True)
    assert Tokens(Keys.load(path)).read(Purpose.UNSUBSCRIBE, old).subscriber_id == 1
    assert json.loads(ready("keys", "list", "--json").out) == [
        {"number": 1, "current": False},
        {"number": 2, "current": True},
    ]
    assert ready("keys", "rotate", "--forget-old", "--yes").status == 0
    assert set(Keys.load(path).tokens) == {3}
    secrets = re.findall(r'= "([^"]+)"', path.read_text())
    assert not any(secret in ready("keys", "list").out for secret in secrets)
