"""`newsletter alert`, `mailing approve` and `mailing correct`, as an organiser uses them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from newsletter.delivery import freezing
from newsletter.delivery.recurring import Recurring
from tests.cli.test_sending import sql

APPEAL = """---
id: one
title: Free the eleven
date: 2026-11-21
language: en
topics: [strikes]
urgent: life at risk
teaser: They are held.
---

Held since five in the morning.
"""
PEOPLE = """email,cadence,language,topics
a@x.example,urgent,en,
b@x.example,weekly,en,strikes
c@x.example,daily,ar,
d@x.example,monthly,en,prisons
"""


@pytest.fixture
def released(ready, tmp_path, mailserver, monkeypatch):
    """Four people, and an appeal that is released."""
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("NEWSLETTER_SMTP_PORT", str(mailserver.port))
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "one.md").write_text(APPEAL)
    for words in (
        ("organiser", "add", "Rosa"),
        ("organiser", "add", "Layla"),
        ("subscriber", "import", "people.csv", "--consent", "a stall"),
        ("appeal", "import", "one.md"),
        ("appeal", "approve", "--all", "--release"),
    ):
        assert ready(*words).status == 0
    return ready


def receivers(mailserver):
    return sorted(mail.recipients[0] for mail in mailserver.received)


def test_an_alert_shows_whom_it_goes_to_and_then_reaches_them(released, mailserver):
    shown = released("alert", "2026/001", "--dry-run")
    assert shown.out.splitlines()[0] == "2026/001  Free the eleven"
    for line in (
        r"2  get it",
        r"2  in English",
        r"1  who get alerts alone",
        r"1  with a weekly digest",
        r"1  don't: chose other topics",
        r"1  don't: no text in a language they read",
        r"Nothing was changed",
    ):
        assert re.search(line, shown.out), line
    assert "Nothing was sent yet" in released("mailing", "list").out
    done = json.loads(released("alert", "2026/001", "--yes", "--undo", "0", "--json").out)
    assert (done["mailing"], done["state"], done["people"]) == (1, "running", 2)
    assert done["left_out"] == {"no_text": 1, "other_topic": 1}
    assert released("send").status == 0
    assert receivers(mailserver) == ["a@x.example", "b@x.example"]
    assert "Free the eleven" in mailserver.received[0].message["Subject"]
    again = released("alert", "2026/001", "--yes")
    assert again.status == 1
    assert "2 had it" in again.err


def test_the_mails_can_be_looked_at_before_anything_is_sent(released, tmp_path):
    said = released("alert", "2026/001", "--dry-run", "--preview", "look")
    assert said.status == 0, said.err
    assert sorted(path.name for path in (tmp_path / "look").iterdir()) == ["alert-en.html", "alert-en.txt"]
    assert "A life is at risk" in (tmp_path / "look" / "alert-en.html").read_text()
    assert "~slot." not in (tmp_path / "look" / "alert-en.txt").read_text()
    assert "Nothing was sent yet" in released("mailing", "list").out


def test_nothing_goes_where_nobody_can_be_asked_and_nobody_said_yes(released):
    said = released("alert", "2026/001")
    assert said.status == 1
    assert "--yes" in said.err
    assert "Nothing was sent yet" in released("mailing", "list").out


def test_a_topic_that_nobody_chose_is_no_selection(released):
    said = released("alert", "2026/001", "--dry-run", "--topic", "striks")
    assert said.status == 2
    assert "nobody chose 'striks'; did you mean strikes?" in said.err
    assert released("alert", "2026/001", "--dry-run", "--topic", " Strikes ").status == 0
    assert released("subscriber", "erase", "d@x.example", "--yes").status == 0
    assert "nobody chose 'prisons'" in released("alert", "2026/001", "--dry-run", "--topic", "prisons").err
    assert released("subscriber", "erase", "b@x.example", "--yes").status == 0
    assert released("alert", "2026/001", "--dry-run", "--topic", "strikes").status == 0, "it is about that"


def test_for_a_while_it_can_be_stopped(released, mailserver):
    said = released("alert", "2026/001", "--yes", "--undo", "10m")
    assert "newsletter mailing cancel 1" in said.out
    assert "2 mails to go later, the first at" in released("send").out
    assert "mailing 1, queued until 20" in released("subscriber", "show", "b@x.example").out
    assert "2 do not go out" in released("mailing", "cancel", 1, "--yes").out
    released("send")
    assert receivers(mailserver) == []


def test_stopped_while_it_is_still_being_launched_nothing_more_goes(released, mailserver, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    monkeypatch.setattr(freezing, "FIRST", 1)

    def interrupt(*_all, **_how):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(freezing.Freezing, "go_on", interrupt)
        told = released("alert", "2026/001", "--yes", "--undo", "0")
    assert told.status == 1
    assert "Stopped: 1 mail not sent." in told.err
    released("digest", "plan", "--due")
    released("send")
    assert receivers(mailserver) == []


def test_what_is_not_frozen_yet_is_said(released, monkeypatch, tmp_path):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    monkeypatch.setattr(freezing, "FIRST", 1)
    monkeypatch.setattr(freezing.Freezing, "go_on", lambda *_all, **_how: None)
    released("alert", "2026/001", "--yes", "--undo", "0")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert "more to come: some people were not looked at yet" in released("mailing", "show", 1).out
    assert json.loads(released("mailing", "show", 1, "--json").out)["grows"] is True
    released("digest", "plan", "--due")
    assert "more to come" not in released("mailing", "show", 1).out


def test_the_second_organiser_sees_the_same_and_launches_it(released, mailserver, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "true")
    said = released("alert", "2026/001", "--cadence", "weekly", "--yes", "--as", "Rosa")
    assert "newsletter mailing approve 1 --as NAME" in said.out
    assert re.search(r"alert 2026/001\s+proposed", released("mailing", "list").out)
    assert "only those with the cadence: weekly" in released("mailing", "show", 1).out
    assert "another organiser approves it" in released("mailing", "approve", 1, "--yes", "--as", "Rosa").err
    shown = released("mailing", "approve", 1, "--dry-run", "--as", "Layla")
    assert "Proposed by Rosa:" in shown.out
    assert "2026/001  Free the eleven" in shown.out
    released("send")
    assert receivers(mailserver) == []
    assert released("mailing", "approve", 1, "--yes", "--undo", "0", "--as", "Layla").status == 0
    released("send")
    assert receivers(mailserver) == ["b@x.example"]
    report = json.loads(released("mailing", "show", 1, "--json").out)
    assert (report["proposed_by"], report["approved_by"], report["about"]) == ("Rosa", "Layla", "2026/001")
    assert report["selection"]["cadences"] == ["weekly"]


def test_a_digest_that_may_not_go_out_keeps_no_alert_back(released, tmp_path, mailserver, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    released("send")  # from now on whoever's hour comes is due
    released("alert", "2026/001", "--yes", "--undo", "0")
    (tmp_path / "two.md").write_text(APPEAL.replace("id: one", "id: two"))
    released("appeal", "import", "two.md")
    released("appeal", "approve", "2026/002", "--release")
    own = tmp_path / "own/email/digest/card.html"
    own.parent.mkdir(parents=True)
    own.write_text('<table><tr><td><img src="https://a.example/b.png"></td></tr></table>')
    monkeypatch.setenv("NEWSLETTER_TEMPLATES", "own")
    with monkeypatch.context() as patch:
        patch.setattr(Recurring, "_anybody_is_due", lambda *_all: True)
        told = released("send")
    assert "no digest was planned. Nothing was launched" in told.err
    assert told.status == 1
    assert receivers(mailserver) == ["a@x.example", "b@x.example"]


def test_a_correction_is_not_released_while_what_it_corrects_is_on_its_way(released, mailserver, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    released("alert", "2026/001", "--yes", "--undo", "0")
    words = ("appeal", "follow-up", "2026/001", "--kind", "correction", "--title", "Ten", "--teaser", "Not eleven.")
    assert "2026/001-2" in released(*words).out
    told = released("appeal", "approve", "2026/001-2", "--release")
    assert told.status == 1
    assert "2026/001 is still on its way with mailing 1" in told.err
    assert "is still on its way" in released("appeal", "approve", "--all", "--release").err
    released("mailing", "cancel", 1, "--yes")
    assert released("appeal", "approve", "2026/001-2", "--release").status == 0


def test_whoever_edits_is_told_what_still_sends_it(released, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    released("alert", "2026/001", "--yes", "--undo", "10m")
    told = released("appeal", "edit", "2026/001", "--title", "Free the twelve")
    assert "Mailing 1 still sends it as it was" in told.err


def test_who_gets_alerts_alone_has_no_digest_to_be_seen(released):
    told = released("digest", "preview", "--to", "a@x.example")
    assert "they get alerts alone" in told.err


def test_programs_see_what_people_see(released, tmp_path, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "true")
    proposed = json.loads(released("alert", "2026/001", "--yes", "--json", "--as", "Rosa").out)
    found = proposed["findings"]
    assert "nothing-to-do" in [each["check"] for each in found]
    words = ("mailing", "approve", 1, "--as", "Layla", "--json")
    shown = json.loads(released(*words, "--dry-run", "--preview", "look").out)
    # The preview asked whether the links' pages are there, too.
    assert [each for each in shown["findings"] if each["check"] != "dead-link"] == [
        each for each in found if each["check"] != "dead-link"
    ]
    assert (tmp_path / "look" / "alert-en.html").exists()
    launched = json.loads(released(*words, "--yes").out)
    assert [each["check"] for each in launched["findings"]] == ["http-link", "nothing-to-do"]
    assert (launched["people"], launched["state"]) == (2, "running")


def test_a_wrong_mailing_is_corrected_to_those_who_got_it(released, tmp_path, mailserver):
    released("alert", "2026/001", "--yes", "--undo", "0", "--cadence", "urgent")
    released("send")
    begun = released(
        "appeal",
        "follow-up",
        "2026/001",
        "--kind",
        "correction",
        "--title",
        "They are twelve",
        "--teaser",
        "Not eleven.",
    )
    assert begun.status == 0, begun.err
    assert "approve" in released("mailing", "correct", 1, "2026/001-2").err
    released("appeal", "approve", "2026/001-2", "--release")
    mailserver.received.clear()
    assert "Mailing 2" in released("mailing", "correct", 1, "2026/001-2", "--yes", "--undo", "0").out
    released("send")
    assert receivers(mailserver) == ["a@x.example"]
    assert "follow-up 2026/001-2" in released("mailing", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026/999",), "2026/999"),
        (("2026/001", "--part", "0"), "write it as 500 or 10%"),
        (("2026/001", "--part", "120%"), "write it as 500 or 10%"),
        (("2026/001", "--expires", "soon"), "write it as 90s, 30m, 6h or 2d"),
        (("2026/001", "--expires", "0", "--yes"), "expire before its first mail"),
        (("2026/001", "--country", "Nowhereland"), "is no country"),
        (("2026/001", "--language", "english"), "is no language"),
        (("2026/001", "--as", "Mallory"), "no organiser Mallory"),
        (("2026/001", "--got-original", "--yes"), "continues no other"),
    ],
)
def test_a_mistake_gets_one_sentence_and_sends_nothing(released, words, said):
    refused = released("alert", *words)
    assert refused.status in {1, 2}
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert "Nothing was sent yet" in released("mailing", "list").out


def test_at_a_terminal_ctrl_c_stops_what_has_not_gone(released, tmp_path):
    ours, theirs = pty.openpty()
    environment = os.environ | {"NEWSLETTER_SECOND_LOOK": "false", "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "alert", "2026/001", "--undo", "5m"],
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = _read_until(ours, "[y/N]")
        assert "2  get it" in seen
        os.write(ours, b"y\n")
        _read_until(ours, "Ctrl-C stops it")
        process.send_signal(signal.SIGINT)
        seen = _read_until(ours, "not sent")
        assert process.wait(30) == 1
    os.close(ours)
    assert "Stopped: 2 mails not sent." in seen
    assert sql(tmp_path, "SELECT DISTINCT state FROM deliveries WHERE edition_id IS NOT NULL") == [("cancelled",)]


def _read_until(terminal, words):
    seen = ""
    while words not in seen:
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen
