"""What an organiser does with a mailing, by the commands; and the commands that send."""

import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from newsletter.cli.sending import SendingProgress
from newsletter.settings import Settings
from tests.conftest import free_port

APPEAL = "---\nid: one\ntitle: Free the eleven\ndate: 2026-11-21\nlanguage: en\nteaser: They are held.\n---\n\nHeld.\n"


@pytest.fixture
def planned(ready, tmp_path, mailserver, monkeypatch):
    """Three people and a digest for them that waits to be sent."""
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("NEWSLETTER_SMTP_PORT", str(mailserver.port))
    (tmp_path / "people.csv").write_text("email,cadence\na@x.example,weekly\nb@x.example,weekly\nc@x.example,weekly\n")
    (tmp_path / "one.md").write_text(APPEAL)
    for words in (
        ("subscriber", "import", "people.csv", "--consent", "a stall"),
        ("appeal", "import", "one.md"),
        ("appeal", "approve", "--all", "--release"),
        ("digest", "plan", "--cadence", "weekly"),
    ):
        assert ready(*words).status == 0
    return ready


def sql(tmp_path, statement):
    with sqlite3.connect(tmp_path / "newsletter.db") as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


def test_a_mailing_is_paused_and_goes_on(planned, mailserver):
    assert "is paused." in planned("mailing", "pause", 1).out
    assert "paused already" in planned("mailing", "pause", 1).out
    assert "Nothing is due" in planned("send").out
    assert json.loads(planned("mailing", "resume", 1, "--json").out) == {"id": 1, "state": "running"}
    assert "is not paused" in planned("mailing", "resume", 1).out
    assert re.search(r"3\s+accepted", planned("send").out)
    assert len(mailserver.received) == 3
    over = planned("mailing", "pause", 1)
    assert (over.status, over.err.count("\n")) == (1, 1)
    assert "finished already" in over.err


def test_a_mailing_is_cancelled_only_after_somebody_said_yes(planned, mailserver):
    assert planned("mailing", "cancel", 1).status == 2
    assert "3 mails of mailing 1 would not go out" in planned("mailing", "cancel", 1, "--dry-run").out
    assert "3 do not go out" in planned("mailing", "cancel", 1, "--yes").out
    assert "Nothing is due" in planned("send").out
    assert mailserver.received == []
    assert planned("mailing", "resume", 1).status == 1
    assert json.loads(planned("mailing", "show", 1, "--json").out)["deliveries"] == {"cancelled": 3}


def test_what_is_uncertain_is_listed_and_decided(planned, tmp_path, mailserver):
    planned("send")
    sql(tmp_path, "UPDATE deliveries SET state = 'uncertain', reply = 'lost' WHERE id = 2")
    listed = json.loads(planned("mailing", "resolve", 1, "--json").out)
    assert [(one["id"], one["address"], one["reason"]) for one in listed] == [(2, "b@x.example", "lost")]
    assert "b@x.example" in planned("mailing", "show", 1).out
    assert planned("mailing", "resolve", 1, "--sent").status == 2
    assert "is accepted, not uncertain" in planned("mailing", "resolve", 1, "a@x.example", "--sent").err
    assert "has no delivery" in planned("mailing", "resolve", 1, "z@x.example", "--again").err
    assert "queued to be sent again" in planned("mailing", "resolve", 1, "b@x.example", "--again").out
    first = [mail.message["Message-ID"] for mail in mailserver.received if "b@x.example" in mail.recipients]
    planned("send")
    again = [mail.message["Message-ID"] for mail in mailserver.received if "b@x.example" in mail.recipients]
    assert again == first * 2
    sql(tmp_path, "UPDATE deliveries SET state = 'uncertain' WHERE id = 3")
    assert json.loads(planned("mailing", "resolve", 1, "--all", "--sent", "--json").out)["decided"] == 1
    assert sql(tmp_path, "SELECT DISTINCT state FROM deliveries") == [("accepted",)]


def test_a_reply_about_us_is_told_loudly_and_with_what_to_do(planned, mailserver):
    mailserver.answer_rcpt = lambda _address: "554 5.7.1 Relay access denied"
    said = planned("send")
    assert said.status == 1
    assert "PAUSED: mailing 1" in said.err
    assert "newsletter mailing resume 1" in said.err
    shown = planned("mailing", "show", 1).out
    assert "Relay access denied" in shown
    assert "newsletter mailing resume 1" in shown


def test_the_daily_limit_leaves_the_rest_for_tomorrow(planned, monkeypatch, mailserver):
    monkeypatch.setenv("NEWSLETTER_DAILY_LIMIT", "2")
    said = planned("send")
    assert (said.status, len(mailserver.received)) == (0, 2)
    assert "The daily limit is reached" in said.out
    assert json.loads(planned("send", "--json").out)["limited"] is True
    assert len(mailserver.received) == 2


def test_when_the_first_server_is_away_the_next_one_takes_it(planned, monkeypatch, mailserver):
    monkeypatch.setenv("NEWSLETTER_SMTP_PORT", str(free_port()))
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", f"localhost, 127.0.0.1:{mailserver.port}")
    assert planned("send").status == 0
    assert len(mailserver.received) == 3


def test_bounces_can_say_by_themselves_what_bounced(planned, monkeypatch, mailserver):
    monkeypatch.setenv("NEWSLETTER_BOUNCE_ADDRESS", "bounces+*@hands.example")
    assert planned("send").status == 0
    senders = {mail.sender for mail in mailserver.received}
    assert len(senders) == 3
    assert all(re.fullmatch(r"bounces\+[123]-[0-9a-f]{10}@hands\.example", sender) for sender in senders)


@pytest.mark.parametrize(
    "wrong", ["", "mail.example:0", "a b", ":25", "user@host:25", "a.example,,b.example", "[::1", "a:b", "a:99999"]
)
def test_what_is_no_server_is_told(run, monkeypatch, wrong):
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", wrong)
    said = run("appeal", "list")
    assert said.status == 1
    assert "smtp_host: must be a host" in said.err


def test_servers_are_read_with_and_without_a_port():
    servers = Settings(smtp_host="mail.example, relay.example:2525, ::1, [::2]:26", smtp_port=587).smtp_servers
    assert servers == (("mail.example", 587), ("relay.example", 2525), ("::1", 587), ("::2", 26))


def test_a_password_goes_in_the_clear_to_no_server_elsewhere():
    login = {"smtp_username": "a", "smtp_password": "b"}
    assert Settings(smtp_host="localhost, ::1", **login)
    with pytest.raises(ValueError, match="smtp_security is plain"):
        Settings(smtp_host="localhost, mail.example", **login)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])  # the other: its terminal was closed
def test_a_worker_sends_what_becomes_due_and_ends_in_order_when_it_is_told(planned, tmp_path, mailserver, told):
    taken = []
    read, write = os.pipe()

    def note(_data):
        taken.append(1)
        if len(taken) == 3:
            os.write(write, b"x")

    mailserver.answer_data = note
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "worker"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as worker:
        assert os.read(read, 1) == b"x"
        worker.send_signal(told)
        said, _ = worker.communicate(timeout=60)
    os.close(read)
    os.close(write)
    assert worker.returncode == 0
    assert re.search(r"3\s+accepted", said)
    assert sql(tmp_path, "SELECT state, count(*) FROM deliveries GROUP BY state") == [("accepted", 3)]
    assert sql(tmp_path, "SELECT * FROM workers") == []


def test_progress_tells_rate_done_deferred_and_time_left(capsys, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr("newsletter.cli.sending.time.monotonic", lambda: seconds[0])
    progress = SendingProgress(10_000)
    outcomes = Counter()
    for _ in range(11):
        seconds[0] += 1.0
        outcomes["accepted"] += 100
        outcomes["deferred"] += 1
        progress(outcomes)
    assert capsys.readouterr().err.splitlines() == ["1,010 of 10,000 done · 10 deferred · 101/s · 89 s left"]


def test_pages_and_sender_run_under_one_command_and_end_together(planned, tmp_path, mailserver):
    read, write = os.pipe()
    mailserver.answer_data = lambda _data: os.write(write, b"x") and None
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "run", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as both:
        lines = iter(both.stdout.readline, "")
        address = next(found[1] for line in lines if (found := re.search(r" at (http://\S+?)\. ", line)))
        assert httpx.get(f"{address}/unsubscribe/x").status_code == 404
        assert [os.read(read, 1) for _ in range(3)] == [b"x"] * 3
        both.send_signal(signal.SIGINT)
        both.communicate(timeout=60)
    os.close(read)
    os.close(write)
    assert both.returncode == 0
    assert sql(tmp_path, "SELECT state, count(*) FROM deliveries GROUP BY state") == [("accepted", 3)]
    assert sql(tmp_path, "SELECT * FROM workers") == []


def test_when_the_pages_are_killed_the_sender_ends_too_and_in_order(planned, tmp_path, mailserver):
    read, write = os.pipe()
    go_on = threading.Event()

    def hold(_data):
        os.write(write, b"x")
        go_on.wait(60)

    mailserver.answer_data = hold
    with subprocess.Popen([sys.executable, "-m", "newsletter", "run", "--port", "0"], cwd=tmp_path) as both:
        assert os.read(read, 1) == b"x"
        (sender,) = Path(f"/proc/{both.pid}/task/{both.pid}/children").read_text().split()
        ended = os.pidfd_open(int(sender))
        both.kill()
    go_on.set()
    assert select.select([ended], [], [], 60)[0]
    for descriptor in (read, write, ended):
        os.close(descriptor)
    assert sql(tmp_path, "SELECT * FROM workers") == [], "it took itself off"
    assert ("sending",) not in sql(tmp_path, "SELECT state FROM deliveries")


def test_two_opposite_verdicts_are_refused(planned):
    said = planned("mailing", "resolve", 1, "--all", "--sent", "--again")
    assert (said.status, "Either --sent or --again" in said.err) == (2, True)


def test_the_summary_names_what_is_held_back(planned):
    planned("mailing", "pause", 1)
    assert "3 mails held back" in planned("send").out
