"""A newsletter with people and a planned digest, made by the same commands as an operator's."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from newsletter.delivery.claimed import Told
from newsletter.settings import load_settings
from newsletter.wiring import Parts
from subscribers.preferences import Format, Profile
from tools.bench.mail_size import WORDS, sentences_for, title
from tools.bench.servers import administer

ROOT = Path(__file__).parents[2]

NAMES = ("Rosa", "Жанна Ибраева", "Ana Pérez", "Søren", "Meryem Yılmaz", "Layla", "Chandrakant Ramachandran", "")
DOMAINS = 500
APPEALS = 8  # in a large digest; a small one has one
LARGE_BYTES = 20_000
SAMPLE = 50  # mails that are stamped to learn their size and to look into them
SETUP_S = 1800  # that one command may take
# Also where another copy is installed: what stands beside the bench is what it measures. It keeps its bytecode.
THIS_PROGRAM = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


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
            with copy.open("rb") as file:
                os.fsync(file.fileno())  # else the disk would still be writing it while the sender's time is taken
            return {"NEWSLETTER_DATABASE_URL": f"sqlite:///{copy}"}
        administer(self.server, f"DROP DATABASE IF EXISTS {name}")
        administer(self.server, f"CREATE DATABASE {name} TEMPLATE {self.path.name}")
        administer(self.server, "CHECKPOINT")
        return {"NEWSLETTER_DATABASE_URL": f"{self.server}/{name}"}

    def sample(self, **settings: str) -> list[bytes]:
        """Stamp the first mails of a copy as the sender would; gives them as they go over the wire."""
        with _parts(self.path, self.copy("sample") | settings) as parts:
            mailroom, bookkeeper = parts.worker().mailroom, parts.bookkeeper()
            bookkeeper.enrol(now=parts.clock())
            news = bookkeeper.turn(Told.nothing(), want=SAMPLE, now=parts.clock())
            mailroom.learn(news.frames)
            return [mailroom.envelope(letter).data for letter in news.letters]


def make(path: Path, *, count: int, mail_bytes: int, server: str | None = None, form: Format = Format.HTML) -> Folder:
    """Set a newsletter up.

    Args:
        path: a folder to be made; its name is the database's on a server.
        count: how many people.
        mail_bytes: how large each mail is to be on the wire, about; there is a smallest one.
        server: where a PostgreSQL database is to be made; None means SQLite.
        form: what everybody's mail is made of.
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
    if form is not Format.HTML:
        _let_everybody_read(form, path, environment)
    appeals = APPEALS if mail_bytes > LARGE_BYTES else 1
    _write_appeals(path, appeals, sentences_for(mail_bytes, appeals=appeals, form=form))
    command(path, "appeal", "import", *[f"appeal-{n}.md" for n in range(appeals)], **environment)
    command(path, "organiser", "add", "Bench", **environment)
    command(path, "appeal", "approve", "--all", "--release", "--as", "Bench", **environment)
    command(path, "digest", "plan", "--cadence", "weekly", **environment)
    if server is not None:
        administer(server, "VACUUM ANALYZE", database=path.name)  # now, not in the middle of a run
    mails = Folder(path, server, count, 0).sample()
    if len(set(mails)) < len(mails):
        raise SystemExit("Two people would get the very same mail: what is personal is missing.")
    return Folder(path, server, count, sum(map(len, mails)) // len(mails))


def command(path: Path, *arguments: str, **environment: str) -> str:
    """Run `newsletter` in a folder; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", *arguments],
        cwd=path,
        env=os.environ | THIS_PROGRAM | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SETUP_S,
    )
    if done.returncode:
        raise SystemExit(f"newsletter {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _let_everybody_read(form: Format, path: Path, environment: Mapping[str, str]) -> None:
    # A list from elsewhere doesn't say it; people choose it on their page.
    with _parts(path, environment) as parts, parts.database.write() as session:
        for profile in session.scalars(select(Profile)):
            profile.format = form
            profile.key = profile.reading.key


def _write_appeals(path: Path, appeals: int, sentences: int) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    for number in range(appeals):
        (path / f"appeal-{number}.md").write_text(
            f"---\nid: bench-{number}\ntitle: {title(number)}\nbyline: Strike committee\n"
            f"date: {yesterday}\nlanguage: en\nurl: https://appeals.example.org/{number}\n"
            f"teaser: |\n  {WORDS * sentences}\n---\n\n{WORDS}\n",
            encoding="utf-8",
        )


@contextmanager
def _parts(path: Path, environment: Mapping[str, str]) -> Iterator[Parts]:
    """Open a folder's newsletter in this process, with settings of its own."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with closing(Parts(load_settings(path / "newsletter.toml"))) as parts:
            yield parts
    finally:
        os.environ.clear()
        os.environ.update(before)
