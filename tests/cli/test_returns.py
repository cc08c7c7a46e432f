"""`newsletter returns ingest`: mails that ask to leave, from files, folders and a pipe."""

import io
import json
import sys
from types import SimpleNamespace

from subscribers.keys import Keys
from subscribers.tokens import Tokens


def test_the_command_takes_files_folders_and_standard_input(run, monkeypatch, tmp_path):
    run("init")
    (tmp_path / "p.csv").write_text("email\nrosa@example.org\nada@example.org\n")
    run("subscriber", "import", "p.csv", "--consent", "a stall")
    tokens = Tokens(Keys.load(tmp_path / "newsletter.keys"))
    asks = [
        f"Subject: unsubscribe {tokens.issue('unsubscribe', subscriber_id=n, epoch=0)}\n\n".encode() for n in (1, 2)
    ]
    folder = tmp_path / "mails" / "new"
    folder.mkdir(parents=True)
    (folder / "1").write_bytes(asks[0])
    (folder / "2").write_bytes(b"Subject: Out of office\n\n")
    said = run("returns", "ingest", "mails")
    assert (said.status, "2 mails: 1 person left." in said.out) == (0, True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(asks[1])))
    assert json.loads(run("returns", "ingest", "-", "--json").out) == {
        "left": 1,
        "already": 0,
        "unmarked": 0,
        "no_request": 0,
    }
    assert [one["status"] for one in json.loads(run("subscriber", "list", "--json").out)] == ["left", "left"]
    assert run("returns", "ingest", "nowhere.eml").status == 1
    (tmp_path / "plain.eml").write_bytes(b"From: ada@example.org\nSubject: Unsubscribe\n\n")
    assert "subscriber unsubscribe EMAIL" in run("returns", "ingest", "plain.eml").out


def test_an_organiser_takes_somebody_off_by_hand(run, tmp_path):
    run("init")
    (tmp_path / "p.csv").write_text("email\nrosa@example.org\n")
    run("subscriber", "import", "p.csv", "--consent", "a stall")
    assert "is off" in run("subscriber", "unsubscribe", "Rosa@example.org").out
    assert "had left already" in run("subscriber", "unsubscribe", "rosa@example.org").out
    told = json.loads(run("subscriber", "show", "rosa@example.org", "--json").out)
    assert (told["person"]["status"], told["consents"][0]["source"]) == ("left", "an organiser")
    assert run("subscriber", "unsubscribe", "nobody@example.org").status == 1


def test_whom_an_organiser_takes_off_is_told_unless_they_must_not_be(run, tmp_path, mailserver, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("NEWSLETTER_SMTP_PORT", str(mailserver.port))
    run("init")
    (tmp_path / "p.csv").write_text("email,language\nrosa@example.org,es\nlayla@example.org,en\n")
    run("subscriber", "import", "p.csv", "--consent", "a stall")
    run("subscriber", "unsubscribe", "rosa@example.org")
    run("subscriber", "unsubscribe", "rosa@example.org")
    run("subscriber", "unsubscribe", "layla@example.org", "--quiet")
    assert run("send").status == 0
    (mail,) = mailserver.received
    assert mail.recipients == ("rosa@example.org",)
    assert mail.message["Subject"].startswith("Te has dado de baja")
    assert not [name for name in mail.message if name.lower().startswith("list-")]
    assert "http://localhost:8000/subscribe" in mail.message.get_body(("plain",)).get_content()
