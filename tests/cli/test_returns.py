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
    assert json.loads(run("returns", "ingest", "-", "--json").out) == {"left": 1, "already": 0, "no_request": 0}
    assert [one["status"] for one in json.loads(run("subscriber", "list", "--json").out)] == ["left", "left"]
    assert run("returns", "ingest", "nowhere.eml").status == 1
