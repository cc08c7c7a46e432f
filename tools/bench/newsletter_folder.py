"""A newsletter with people and a planned digest, made by the same commands as an operator's."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from newsletter.delivery.outbox import Outbox
from newsletter.settings import load_settings
from newsletter.wiring import Parts
from tools.bench.servers import administer

NAMES = ("Rosa", "Жанна Ибраева", "Ana Pérez", "Søren", "Meryem Yılmaz", "Layla", "Chandrakant Ramachandran", "")
DOMAINS = 500
WORDS = "They were taken from the strike tent at dawn and nobody has been told where they are being held. "
SAMPLE = 50  # mails that are stamped to learn their size


@dataclass(frozen=True)
class Folder:
    """A newsletter's folder with a digest that waits to be sent.

    Attributes:
        path: where its settings and keys are.
        server: the start of PostgreSQL's URLs; None where the database is SQLite's.
        count: deliveries that wait.
        mail_bytes: mean size of its mails on the wire.
    """

    path: Path
    server: str | None
    count: int
    mail_bytes: int

    def copy(self, name: str) -> dict[str, str]:
        """Make a database that is as this one was when it was made; gives the environment that names it."""
        if self.server is None:
            copy = self.path / f"{name}.db"
            for old in self.path.glob(f"{name}.db*"):
                old.unlink()
            shutil.copy(self.path / "newsletter.db", copy)
            return {"NEWSLETTER_DATABASE_URL": f"sqlite:///{copy}"}
        administer(self.server, f"DROP DATABASE IF EXISTS {name}")
        administer(self.server, f"CREATE DATABASE {name} TEMPLATE {self.path.name}")
        return {"NEWSLETTER_DATABASE_URL": f"{self.server}/{name}"}


def make(path: Path, *, count: int, mail_bytes: int, server: str | None = None) -> Folder:
    """Set a newsletter up.

    Args:
        path: a folder to be made; its name is the database's on a server.
        count: how many people.
        mail_bytes: how large each mail is to be on the wire, about.
        server: where a PostgreSQL database is to be made; None means SQLite.
    """
    path.mkdir(parents=True)
    environment = {}
    if server is not None:
        administer(server, f"CREATE DATABASE {path.name}")
        environment["NEWSLETTER_DATABASE_URL"] = f"{server}/{path.name}"
    command(path, "init", **environment)
    with (path / "people.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("email", "name", "cadence"))
        rows.writerows((f"person.{n}@list{n % DOMAINS}.example", NAMES[n % len(NAMES)], "weekly") for n in range(count))
    command(path, "subscriber", "import", "people.csv", "--consent", "a bench", **environment)
    appeals, words = _shape(mail_bytes)
    _write_appeals(path, appeals, words)
    command(path, "appeal", "import", *[f"appeal-{n}.md" for n in range(appeals)], **environment)
    command(path, "appeal", "approve", "--all", **environment)
    command(path, "digest", "plan", "--cadence", "weekly", **environment)
    made = Folder(path, server, count, 0)
    return Folder(path, server, count, _mean_size(made))


def command(path: Path, *arguments: str, **environment: str) -> str:
    """Run `newsletter` in a folder; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", *arguments],
        cwd=path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    if done.returncode:
        raise SystemExit(f"newsletter {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _shape(mail_bytes: int) -> tuple[int, int]:
    """Say how many appeals, and how many repetitions of the words in each, make a mail of about this size.

    The smallest digest with one appeal takes some 15 kB in text and HTML together, each further one some 3.5 kB.
    """
    appeals = max(1, min(8, (mail_bytes - 12_000) // 4_500))
    rest = mail_bytes - 11_500 - appeals * 3_500
    return appeals, max(1, rest // (appeals * 2 * len(WORDS)))


def _write_appeals(path: Path, appeals: int, words: int) -> None:
    for number in range(appeals):
        (path / f"appeal-{number}.md").write_text(
            f"---\nid: bench-{number}\ntitle: Strikers arrested, case {number}\nbyline: Strike committee\n"
            f"date: 2026-11-{number + 10}\nlanguage: en\nurl: https://appeals.example.org/{number}\n"
            f"teaser: |\n  {WORDS * words}\n---\n\n{WORDS}\n",
            encoding="utf-8",
        )


def _mean_size(folder: Folder) -> int:
    environment = folder.copy("sample")
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        parts = Parts(load_settings(folder.path / "newsletter.toml"))
        worker = parts.worker()
        outbox = Outbox(parts.database, parts.suppression)
        outbox.enrol(now=parts.clock())
        claims = outbox.turn([], want=SAMPLE, now=parts.clock()).claims
        sizes = [len(envelope.data) for one in claims if (envelope := worker.stamp.envelope(one)) is not None]
        parts.close()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return sum(sizes) // len(sizes)
