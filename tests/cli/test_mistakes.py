"""A user's mistake gets one clear sentence with what to do, the right exit status, and leaves nothing half-done."""

import socket
import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from newsletter.settings import load_settings
from subscribers.database import Database
from tests.conftest import free_port


def one_sentence(said, *, status=1):
    assert said.status == status
    assert "Traceback" not in said.err + said.out
    lines = said.err.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    return lines[-1].removeprefix("Error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("appeal", "list"),
        ("digest", "plan", "--cadence", "weekly"),
        ("send",),
        ("subscriber", "list"),
        ("database", "check"),
    ],
)
def test_without_init_it_says_to_run_init(run, arguments):
    assert "newsletter init" in one_sentence(run(*arguments))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("missing.txt", None, "missing.txt"),
        ("empty.txt", "", "empty.txt"),
        ("prose.txt", "Just some prose\nwithout any appeal.\n", "no appeal"),
        ("page.html", "<html><body><h1>Contact</h1><p>Write to us.</p></body></html>", "no appeal"),
        ("date.txt", "Title\n\nWritten by X Friday, 31 February 2012\n\nTeaser.\n", "31 February 2012"),
        ("broken.md", "---\ntitle: [unclosed\n---\nText\n", "broken.md"),
        ("tag.md", "---\ntitle: T\ndate: 2026-11-20\nlanguage: en-abcdefgh-abcdefgh\n---\nText\n", "language"),
        ("nodate.md", "---\ntitle: Title\n---\nText\n", "date"),
    ],
)
def test_a_source_that_cannot_be_read_is_told_and_nothing_is_kept(ready, tmp_path, name, content, word):
    if content is not None:
        (tmp_path / name).write_text(content)
    (tmp_path / "good.md").write_text("---\ntitle: Good\ndate: 2026-11-20\n---\nText.\n")
    sentence = one_sentence(ready("appeal", "import", "good.md", name))
    assert word.lower() in sentence.lower()
    assert ready("appeal", "list", "--json").out.strip() == "[]"


@pytest.mark.parametrize(
    "content", [None, b"", b"\x00\x01\x02\xff" * 100, b"name,city\nRosa,Lima\n", b"PK\x03\x04" + b"\x00" * 50]
)
def test_a_csv_that_is_none_is_told(ready, tmp_path, content):
    if content is not None:
        (tmp_path / "people.csv").write_bytes(content)
    assert "people.csv" in one_sentence(ready("subscriber", "import", "people.csv"))


def test_all_faults_of_the_settings_come_in_one_message(run, tmp_path):
    (tmp_path / "newsletter.toml").write_text(
        'smtp_prot = 25\nbase_url = "ftp://x"\nsmtp_port = 99999\nsender_address = "nobody"\ncolour = "red"\n'
    )
    sentence = one_sentence(run("appeal", "list"))
    for word in ("smtp_prot", "did you mean smtp_port?", "base_url", "smtp_port:", "sender_address", "colour"):
        assert word in sentence


def test_an_unknown_variable_in_the_environment_is_told(run, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP_HSOT", "mail.example.org")
    assert "did you mean smtp_host?" in one_sentence(run("appeal", "list"))


def test_a_variable_in_the_environment_goes_before_the_file(ready, monkeypatch, tmp_path):
    (tmp_path / "newsletter.toml").write_text('database_url = "sqlite:///one.db"\n')
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", "sqlite:///two.db")
    assert "two.db" in one_sentence(ready("appeal", "list"))


def test_settings_that_are_no_toml_are_told(run, tmp_path):
    (tmp_path / "newsletter.toml").write_text("smtp_port 25\n")
    assert "newsletter.toml" in one_sentence(run("appeal", "list"))


def test_a_settings_file_that_was_named_and_is_missing_is_told(run):
    assert "no-such.toml" in one_sentence(run("--config", "no-such.toml", "appeal", "list"))


def test_a_password_is_not_sent_over_a_readable_connection(run, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP_USERNAME", "rosa")
    monkeypatch.setenv("NEWSLETTER_SMTP_PASSWORD", "a-secret-phrase")
    monkeypatch.setenv("NEWSLETTER_SMTP_HOST", "mail.example.org")
    sentence = one_sentence(run("appeal", "list"))
    assert "starttls" in sentence
    assert "a-secret-phrase" not in sentence


def test_the_database_is_the_same_from_whatever_folder(ready, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert ready("--config", "../newsletter.toml", "appeal", "list").status == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_keys_file_that_others_may_read_is_refused(ready, tmp_path):
    (tmp_path / "newsletter.keys").chmod(0o644)
    assert "chmod 600" in one_sentence(ready("send"))


def test_missing_keys_are_told(ready, tmp_path):
    (tmp_path / "newsletter.keys").unlink()
    assert "newsletter.keys" in one_sentence(ready("send"))


def test_a_locked_database_is_told_and_nothing_is_changed(ready, tmp_path, monkeypatch):
    monkeypatch.setattr("subscribers.database.BUSY_TIMEOUT_S", 0.01)
    (tmp_path / "good.md").write_text("---\ntitle: Good\ndate: 2026-11-20\n---\nText.\n")
    other = sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked" in one_sentence(ready("appeal", "import", "good.md"))
    other.close()
    assert ready("appeal", "list", "--json").out.strip() == "[]"


def test_a_database_of_a_newer_program_is_told(ready, tmp_path):
    with sqlite3.connect(tmp_path / "newsletter.db") as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    assert "newer version" in one_sentence(ready("appeal", "list"))
    assert "newer version" in one_sentence(ready("init"))


def test_a_file_that_is_no_database_is_told(ready, tmp_path):
    for file in tmp_path.glob("newsletter.db*"):
        file.unlink()
    (tmp_path / "newsletter.db").write_text("not a database, " * 100)
    assert "newsletter.db" in one_sentence(ready("appeal", "list"))


def test_a_postgresql_that_is_away_is_told(run, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", f"postgresql://x:hidden-word@127.0.0.1:{free_port()}/none")
    sentence = one_sentence(run("appeal", "list"))
    assert "does not answer" in sentence
    assert "hidden-word" not in sentence


def test_a_relay_that_is_away_is_told_and_everything_stays_queued(ready, tmp_path, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP_PORT", str(free_port()))
    (tmp_path / "good.md").write_text("---\ntitle: Good\ndate: 2026-11-20\n---\nText.\n")
    (tmp_path / "people.csv").write_text("email\nrosa@example.org\n")
    ready("appeal", "import", "good.md")
    ready("appeal", "approve", "--all", "--release")
    ready("subscriber", "import", "people.csv", "--consent", "a stall")
    ready("digest", "plan", "--cadence", "weekly")
    sentence = one_sentence(ready("send"))
    assert "connection refused" in sentence
    assert '"queued": 1' in ready("mailing", "list", "--json").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("appeal", "import"),
        ("appeal", "approve"),
        ("appeal", "edit", "2026/001", "--deadline", "2026-11-30", "--no-deadline"),
        ("digest", "plan"),
        ("digest", "plan", "--cadence", "hourly"),
        ("digest", "plan", "--cadence", "weekly", "--now", "tomorrow"),
        ("digest", "preview", "--to", "a@b.cc", "--language", "en"),
        ("web", "--port", "99999"),
    ],
)
def test_wrong_usage_ends_with_status_2(ready, arguments):
    said = ready(*arguments)
    assert said.status == 2
    assert "Usage:" in said.err


def test_an_unknown_reference_or_mailing_is_told(ready):
    assert "2026/999" in one_sentence(ready("appeal", "approve", "2026/999"))
    assert "7" in one_sentence(ready("mailing", "show", "7"))


def test_approving_several_with_one_unknown_releases_none(ready, tmp_path):
    (tmp_path / "good.md").write_text("---\ntitle: Good\ndate: 2026-11-20\n---\nText.\n")
    ready("appeal", "import", "good.md")
    one_sentence(ready("appeal", "approve", "2026/001", "2026/999"))
    assert '"status": "draft"' in ready("appeal", "list", "--json").out


def test_a_taken_port_is_told(ready, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "--port" in one_sentence(ready("web", "--port", port))
        assert "--port" in one_sentence(ready("demo", "--port", port))


def test_a_place_that_cannot_be_written_is_told(run, tmp_path):
    (tmp_path / "newsletter.keys").mkdir()
    assert "newsletter.keys" in one_sentence(run("init"))


def test_a_report_or_preview_that_cannot_be_written_is_told(ready, tmp_path):
    (tmp_path / "people.csv").write_text("email\nrosa@example.org\n")
    said = ready("subscriber", "import", "people.csv", "--consent", "a stall", "--report", "no/such/folder.txt")
    assert "no/such/folder.txt" in one_sentence(said)
    assert ready("subscriber", "list", "--json").out.strip() == "[]"


def test_lost_keys_are_never_replaced_silently(ready, tmp_path):
    (tmp_path / "people.csv").write_text("email\nrosa@example.org\n")
    ready("subscriber", "import", "people.csv", "--consent", "a stall")
    (tmp_path / "newsletter.keys").unlink()
    assert "put the copy back" in one_sentence(ready("init"))
    assert not (tmp_path / "newsletter.keys").exists()


@pytest.mark.parametrize("moment", ["2062-11-23T07:00Z", "2020-01-01T00:00Z"])
def test_a_digest_is_not_planned_for_another_day(ready, moment):
    assert "--dry-run" in one_sentence(ready("digest", "plan", "--cadence", "weekly", "--now", moment))
    assert ready("digest", "plan", "--cadence", "weekly", "--now", moment, "--dry-run").status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("digest", "plan", "--cadence", "weekly", "--now", "0001-01-01T00:00"),
        ("digest", "plan", "--cadence", "weekly", "--now", "9999-12-31T00:00"),
        ("mailing", "show", "99999999999999999999999"),
        ("appeal", "edit", "2026/001", "--body", "latin.txt"),
        ("appeal", "import", "x.md", "--language", "en-abcdefgh-abcdefgh"),
    ],
)
def test_values_beyond_all_measure_are_wrong_usage(ready, tmp_path, arguments):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    said = ready(*arguments)
    assert said.status == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sender_address", "пресса@example.org"),
        ("database_url", "sqlite://"),
        ("language", "en-abcdefgh-abcdefgh"),
        ("base_url", "https://example.org/путь"),
    ],
)
def test_settings_that_could_not_work_are_told(run, monkeypatch, setting, value):
    monkeypatch.setenv(f"NEWSLETTER_{setting.upper()}", value)
    one_sentence(run("init"))


def test_a_base_url_outside_of_ascii_is_written_in_ascii(monkeypatch):
    monkeypatch.setenv("NEWSLETTER_BASE_URL", "https://пример.example:8443/a")
    assert load_settings(environ={}).base_url == "https://xn--e1afmkfd.example:8443/a"


def test_an_error_of_the_database_never_prints_what_it_was_about(sqlite_url):
    database = Database(sqlite_url)
    with pytest.raises(IntegrityError) as told, database.write() as session:
        for _ in range(2):
            session.execute(
                text("INSERT INTO appeal_identities (name, appeal_id) VALUES (:name, 1)"), {"name": "rosa@example.org"}
            )
    assert "rosa@example.org" not in str(told.value)
    database.dispose()
