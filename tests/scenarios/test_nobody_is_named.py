"""Who must not be named is named nowhere: in no mail, page, feed, export, word of a command or copy of the database."""

import io
import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from email.policy import SMTP
from pathlib import Path

import pytest

from newsletter import cli
from newsletter.settings import load_settings
from newsletter.web.app import create_app
from newsletter.wiring import Parts
from tests.appeals.test_polling import ARTICLE, entry
from tests.conftest import POSTGRESQL_BINARIES
from tests.scenarios.newsletter_command import Result
from tests.scenarios.test_life_of_an_appeal import announce, complete, settle, text_of
from tests.web.looking import mark_on
from tests.web.served import served


@dataclass
class InProcess:
    """The same commands in this process, many times as quick: where it is what they say that counts."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture

    def run(self, *arguments, expect=0, typed=None):
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr("sys.argv", ["newsletter", *map(str, arguments)])
        if typed is not None:
            self.monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = self.capsys.readouterr()
        assert (ended.value.code or 0) == expect, f"{arguments}: {captured.err}"
        return Result(expect, captured.out, captured.err)

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").out)


@pytest.fixture
def in_process(newsletter, monkeypatch, capsys):
    for variable in [name for name in os.environ if name.startswith("NEWSLETTER_")]:
        monkeypatch.delenv(variable)
    fetch = Parts.web_fetch
    # No pause between requests: this machine bears it.
    monkeypatch.setattr(Parts, "web_fetch", lambda parts, robots=True, **_pause: fetch(parts, robots=robots, pause_s=0))
    return InProcess(newsletter.folder, monkeypatch, capsys)


NAME = re.compile("karim|ahmadi|کریم|احمدی", re.IGNORECASE)


@pytest.mark.parametrize("when", ["hidden-before-it-came", "hidden-afterwards"])
def test_a_name_without_consent_is_nowhere(in_process, mailserver, site, when, request):
    newsletter = in_process
    settle(newsletter, site)
    said = []

    def run(*arguments, expect=0):
        result = newsletter.run(*arguments, expect=expect)
        said.append(result.out + result.err)

    def hide():
        typed = "Karim Ahmadi\nکریم احمدی\n"
        done = newsletter.run("name", "hide", "--alias", "K., a nurse", "--alias-in", "fa=ک.", typed=typed)
        said.append(done.out + done.err)

    if when == "hidden-before-it-came":
        hide()
    site.page("/appeals/1", ARTICLE.format(title="Free Karim Ahmadi", author="Ahmadi's union", text="Karim is held."))
    announce(
        site,
        entry(0),
        entry(
            1,
            title="Free Karim Ahmadi",
            link="{base}/free-karim-ahmadi",
            text="Karim Ahmadi (کریم احمدی) is held. &lt;a href='https://example.org/karim'&gt;On Ahmadi&lt;/a&gt;",
            author="<dc:creator>Committee for Karim</dc:creator>",
        ),
    )
    newsletter.run("source", "poll")
    [draft] = newsletter.json("appeal", "list")
    reference = draft["reference"]
    complete(newsletter, reference, whom="Karim Ahmadi")
    newsletter.run("appeal", "edit", reference, "--topic", "free karim", "--country", "TR")
    (newsletter.folder / "fa.md").write_text(
        "---\ntitle: کریم احمدی را آزاد کنید\nlanguage: fa\ndate: 2026-11-20\nurl: https://example.org/fa\n"
        "background: کریم احمدی کارگر است\n---\nکریم احمدی بازداشت شد.\n"
    )
    newsletter.run("appeal", "translate", reference, "fa", "--from", "fa.md", "--as", "Layla")
    (newsletter.folder / "fa.md").unlink()
    (newsletter.folder / "sheet.md").unlink()
    # Another source has an article whose page can't be read, and more at once than are taken in.
    announce(site, entry(0), path="/other.xml")
    newsletter.run("source", "add", f"{site.address}/other.xml", "--yes")
    named = entry(7, title="Karim Ahmadi is ill", link="{base}/karim-ahmadi", date="Fri, 20 Nov 2020 10:00:00 GMT")
    announce(site, entry(0), named, path="/other.xml")
    newsletter.run("source", "poll", "2", expect=1)
    more = [entry(n, title=f"Karim Ahmadi, day {n}", text="Ahmadi is ill. {name-1}") for n in range(20, 40)]
    announce(site, entry(0), named, *more, path="/other.xml")
    newsletter.run("source", "poll", "2")
    if when == "hidden-afterwards":
        hide()
    newsletter.run("appeal", "approve", reference, "--release", "--as", "Hanna")
    newsletter.run("appeal", "close", reference, "--note", "Karim Ahmadi is free")
    newsletter.run("appeal", "reopen", reference)

    run("digest", "plan", "--cadence", "weekly")
    run("digest", "preview", "--language", "fa")
    run("send")
    for command in ("list", "show", "history", "sheet"):
        run("appeal", command, *([reference] if command != "list" else []))
        if command != "sheet":
            run("appeal", command, *([reference] if command != "list" else []), "--json")
    run("appeal", "history", reference, "--diff")
    run("source", "list", "--json")
    run("source", "show", "1", "--json")
    again = entry(8, title="Ahmadi again", link="{base}/again/karim-ahmadi", date="Fri, 20 Nov 2020 10:00:00 GMT")
    announce(site, entry(0), again, path="/other.xml")
    run("source", "poll", expect=1)
    run("source", "show", "2", "--json")
    run("source", "show", "2")
    run("name", "list", "--json")
    run("mailing", "list", "--json")
    run("mailing", "show", "1", "--json")
    run("subscriber", "show", "rosa@example.org", "--json")
    run("subscriber", "export", "people-now.csv")
    with closing(Parts(load_settings())) as parts, served(create_app(parts)) as client:
        paths = [f"/appeals/{reference}?in={tag}" for tag in ("en", "fa")] + [
            *("/appeals", "/appeals.atom", "/appeals.json", "/appeals.atom?in=fa", "/sitemap.xml", "/subscribe"),
            f"/appeals/{reference}/letter/prosecutor/1",
        ]
        answers = [client.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths)
        said += [answer.text for answer in answers]
        form = {"form": mark_on(answers[0]), "action": "prosecutor", "name": "A friend of Karim Ahmadi"}
        assert client.post(f"/appeals/{reference}/did", data=form).status_code == 303
        said.append(client.get(f"/appeals/{reference}?in=en&did=prosecutor").text)
    run("appeal", "show", reference)
    assert "Free K., a nurse" in answers[0].text
    assert "ک." in answers[1].text
    [mail] = mailserver.received
    said += [mail.message.as_bytes(policy=SMTP.clone(cte_type="8bit")).decode(), text_of(mail)]
    said += [mail.message.get_body(("html",)).get_content(), str(mail.message["Subject"])]
    said += [file.read_text() for file in sorted((newsletter.folder / "preview").iterdir())]
    said.append((newsletter.folder / "people-now.csv").read_text())
    assert "K., a nurse" in text_of(mail)
    assert [NAME.findall(each) for each in said if NAME.search(each)] == []
    kept = backup(newsletter, request)
    assert len(TEXT_COLUMNS & kept.keys()) == len(TEXT_COLUMNS)
    empty = {column for column in TEXT_COLUMNS if not kept[column].strip() and column not in SELDOM}
    assert empty == set(), "a column that holds nothing proves nothing"
    assert {column: text for column, text in kept.items() if NAME.search(_decoded(text))} == {}


def _decoded(text):
    """Read what JSON has written in ASCII."""
    return re.sub(r"\\\\?u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)


# What this story has nothing of: deferred mails, choices, sign-ups.
SELDOM = {"appeal_texts.offered", "mailings.note", "changes.before", "changes.after", "sign_ups.choices"}
SELDOM |= {"protected_names.consent_note", "appeals.picture_credit", "appeal_texts.picture_alt"}
# Where somebody could be named: every column with text about appeals, their sources and what was sent.
TEXT_COLUMNS = {
    *("appeals.topics", "appeals.actions", "appeals.picture_credit", "appeals.source"),
    *(f"appeal_texts.{name}" for name in ("title", "byline", "teaser", "body", "background", "demands", "url")),
    *("appeal_texts.picture_alt", "appeal_texts.pictures", "appeal_texts.offered"),
    *(
        "appeal_identities.name",
        "appeal_labels.value",
        "appeal_moves.by",
        "appeal_moves.note",
        "appeal_versions.content",
    ),
    *("sources.title", "sources.fault", "source_entries.title", "source_entries.url", "source_entries.content"),
    *("source_names.name", "parts.content", "editions.subject", "editions.preheader", "editions.intro"),
    *("mailings.note", "deliveries.reply", "deed_names.name", "profiles.topics", "changes.before", "changes.after"),
    *("sign_ups.choices", "protected_names.aliases", "protected_names.consent_note"),
}


def backup(newsletter, request):
    """A copy of the database, column by column; and the copy itself as the bytes that it is."""
    if (newsletter.folder / "newsletter.db").exists():
        copy = newsletter.folder / "copy.db"
        with sqlite3.connect(newsletter.folder / "newsletter.db") as source, sqlite3.connect(copy) as target:
            source.backup(target)
        whole = copy.read_bytes() + b"".join(file.read_bytes() for file in newsletter.folder.glob("newsletter.db*"))
        connection = sqlite3.connect(copy)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {"(the file)": whole.decode("utf-8", "replace")}
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')
            columns = [description[0] for description in rows.description]
            found = rows.fetchall()
            for place, column in enumerate(columns):
                kept[f"{table}.{column}"] = "\n".join(
                    str(row[place]) for row in found if not isinstance(row[place], bytes)
                )
        connection.close()
        return kept
    url = request.getfixturevalue("postgresql_url").replace("postgresql+psycopg", "postgresql")
    dump = subprocess.run([POSTGRESQL_BINARIES[0] / "pg_dump", url], capture_output=True, text=True, check=True).stdout
    kept = {"(the dump)": dump}
    for table, listed, rows in re.findall(
        r"^COPY public\.(\w+) \(([^)]*)\) FROM stdin;\n(.*?)^\\\.$", dump, re.MULTILINE | re.DOTALL
    ):
        columns = [name.strip(' "') for name in listed.split(",")]
        cells = [row.split("\t") for row in rows.splitlines()]
        for place, column in enumerate(columns):
            kept[f"{table}.{column}"] = "\n".join(row[place] for row in cells)
    return kept
