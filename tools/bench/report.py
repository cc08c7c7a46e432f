"""What the runs come to: medians, ratios within a round, what was wanted of them, and a table to read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.table import Table

from tools.bench.alert import FIRST_WANTED_S, AlertRow
from tools.bench.answers import AnswerRow
from tools.bench.appeals import AppealRow
from tools.bench.contenders import Figure
from tools.bench.importing import MEMORY_WANTED_MB as IMPORT_MB
from tools.bench.importing import SECONDS_WANTED as IMPORT_SECONDS
from tools.bench.importing import ImportRow
from tools.bench.pages import P99_WANTED_MS, RATE, PageRow
from tools.bench.planning import PlanningRow

SOURCE, PLAIN = "smtp-source (C)", "aiosmtplib"
SQLITE, POSTGRESQL = "newsletter, SQLite", "newsletter, PostgreSQL"
RSA, ED25519 = "…, DKIM RSA-2048", "…, DKIM Ed25519"

WANTED = {("10 kB", SQLITE): 0.8, ("40 kB", SQLITE): 1.0, ("10 kB", POSTGRESQL): 0.6, ("40 kB", POSTGRESQL): 0.9}
WANTED_OF_PLAIN = 3.0
WANTED_MEMORY_MB = 150.0
FLAT = 1.1  # times the memory of the smaller mailing, at the most


@dataclass(frozen=True, kw_only=True)
class Span:
    """A ratio, taken in each round."""

    median: float
    least: float
    most: float

    @classmethod
    def over(cls, mine: Sequence[Figure], others: Sequence[Figure]) -> "Span":
        """Compare rounds pairwise: machines are slower and faster by the minute."""
        ratios = [one.rate / other.rate for one, other in zip(mine, others, strict=True)]
        return cls(median=round(median(ratios), 3), least=round(min(ratios), 3), most=round(max(ratios), 3))


@dataclass(frozen=True, kw_only=True)
class SpeedRow:
    """One contender at one size, over all rounds.

    Attributes:
        size, mail_bytes: what the size is called, and what it really is on the wire.
        mails: in each round.
        per_second: the median; of the contender's own time, without the start of its program.
        wall_per_second: the same with the start.
        memory_mb: the most in any round.
        of_source, of_plain: ratios of mails a second.
        wanted, wanted_of_plain: the least that those ought to be; None where nothing was promised.
    """

    size: str
    who: str
    mail_bytes: int
    mails: int
    per_second: int
    wall_per_second: int
    cpu_s_per_thousand: float
    memory_mb: float
    of_source: Span
    of_plain: Span
    wanted: float | None
    wanted_of_plain: float | None

    @classmethod
    def of(cls, size: str, who: str, runs: Mapping[tuple[str, str], Sequence[Figure]], mail_bytes: int) -> "SpeedRow":
        """Sum up."""
        figures = runs[size, who]
        wanted = WANTED.get((size, who))
        return cls(
            size=size,
            who=who,
            mail_bytes=mail_bytes,
            mails=figures[0].mails,
            per_second=round(median(one.rate for one in figures)),
            wall_per_second=round(median(one.mails / one.wall_s for one in figures)),
            cpu_s_per_thousand=round(median(one.cpu_s / one.mails * 1000 for one in figures), 3),
            memory_mb=round(max(one.memory_mb for one in figures), 1),
            of_source=Span.over(figures, runs[size, SOURCE]),
            of_plain=Span.over(figures, runs[size, PLAIN]),
            wanted=wanted,
            wanted_of_plain=None if wanted is None else WANTED_OF_PLAIN,
        )

    def document(self) -> dict[str, object]:
        """Give it for JSON, with what became of the promises."""
        return asdict(self) | {
            "met": _met(self.of_source.median, self.wanted),
            "met_of_plain": _met(self.of_plain.median, self.wanted_of_plain),
        }


@dataclass(frozen=True, kw_only=True)
class MemoryRow:
    """One mailing's memory.

    Attributes:
        flat: whether it is no more than that of the smallest mailing, give or take a tenth; None for that one.
    """

    mails: int
    mail_bytes: int
    memory_mb: float
    per_second: int
    wanted_mb: float
    flat: bool | None

    @classmethod
    def of(cls, figure: Figure, mail_bytes: int, smallest: Figure | None) -> "MemoryRow":
        """Sum up; `smallest` is what it has to be as flat as."""
        return cls(
            mails=figure.mails,
            mail_bytes=mail_bytes,
            memory_mb=round(figure.memory_mb, 1),
            per_second=round(figure.rate),
            wanted_mb=WANTED_MEMORY_MB,
            flat=None if smallest is None else figure.memory_mb <= smallest.memory_mb * FLAT,
        )

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"met": self.memory_mb < self.wanted_mb}


def speed_table(rows: Sequence[SpeedRow], *, connections: int, rounds: int) -> Table:
    """Draw the rows; fits 100 columns."""
    title = (
        f"{connections} connections, rounds: {rounds}; median (least…most)\n"
        f"Wanted of aiosmtplib: {WANTED_OF_PLAIN:g} times as many"
    )
    columns = ("bytes", "who", "mails/s", "CPU s/\n1,000", "MB", "of\nsmtp-source", "wanted", "of\naiosmtplib")
    table = _table(title, columns, left={"who", "wanted"})
    for place, row in enumerate(rows):
        if place and rows[place - 1].size != row.size:
            table.add_section()
        first = place == 0 or rows[place - 1].size != row.size
        span = row.of_source
        table.add_row(
            f"{row.mail_bytes:,}" if first else "",
            row.who,
            f"{row.per_second:,}",
            f"{row.cpu_s_per_thousand:.3f}",
            f"{row.memory_mb:.0f}",
            "1" if row.who == SOURCE else f"{span.median:.2f} ({span.least:.2f}…{span.most:.2f})",
            _verdict(span.median, row.wanted),
            f"{row.of_plain.median:.1f}{_told(row.of_plain.median, row.wanted_of_plain)}",
        )
    return table


def alert_table(rows: Sequence[AlertRow]) -> Table:
    """Draw the rows."""
    title = "An alert, launched while a digest to everybody is being sent"
    columns = (
        "people",
        "mails",
        "first after y (most)",
        "wanted",
        "after start (most)",
        "all queued",
        "last",
        "between",
    )
    table = _table(title, ("database", *columns), left={"database"})
    for row in rows:
        table.add_row(
            row.database,
            f"{row.people:,}",
            f"{row.alerts:,}",
            f"{row.from_yes_s:.2f} ({row.from_yes_most_s:.2f})",
            f"< {FIRST_WANTED_S:g}: {'met' if row.met else 'MISSED'}",
            f"{row.from_start_s:.2f} ({row.from_start_most_s:.2f})",
            f"{row.frozen_s:.1f}",
            f"{row.last_s:.1f}",
            f"{row.overtaken}",
        )
    return table


def memory_table(rows: Sequence[MemoryRow]) -> Table:
    """Draw the rows."""
    table = _table("Memory, SQLite", ("mails", "bytes", "mails/s", "MB", "wanted"), left={"wanted"})
    for row in rows:
        flat = "" if row.flat is None else f"; flat: {'met' if row.flat else 'MISSED'}"
        met = "met" if row.memory_mb < row.wanted_mb else "MISSED"
        table.add_row(
            f"{row.mails:,}",
            f"{row.mail_bytes:,}",
            f"{row.per_second:,}",
            f"{row.memory_mb:.0f}",
            f"< {row.wanted_mb:.0f}: {met}{flat}",
        )
    return table


def import_table(row: ImportRow) -> Table:
    """Draw the row."""
    table = _table("Import, SQLite", ("rows", "s", "MB", "wanted"), left={"wanted"})
    wanted = f"< {IMPORT_SECONDS:.0f} s, < {IMPORT_MB:.0f} MB: {'met' if row.met else 'MISSED'}"
    table.add_row(f"{row.rows:,}", f"{row.seconds:.1f}", f"{row.memory_mb:.0f}", wanted)
    return table


def page_table(rows: Sequence[PageRow]) -> Table:
    """Draw the rows."""
    title = f"Pages on one core, SQLite, {rows[0].people:,} subscribers, while a mailing runs"
    table = _table(
        title, ("what", "a second", "median ms", "p99 ms", "most ms", "mails/s", "wanted"), left={"what", "wanted"}
    )
    for row in rows:
        wanted = f"{RATE} a second, p99 < {P99_WANTED_MS[row.what]:.0f} ms: {'met' if row.met else 'MISSED'}"
        table.add_row(
            row.what,
            f"{row.rate:,.0f}",
            f"{row.p50_ms:.1f}",
            f"{row.p99_ms:.1f}",
            f"{row.most_ms:.0f}",
            f"{row.mails:,.0f}",
            wanted,
        )
    return table


def appeal_table(rows: Sequence[AppealRow]) -> Table:
    """Draw the rows."""
    table = _table("Appeals, SQLite", ("what", "of", "median ms", "most ms", "wanted"), left={"what", "wanted"})
    for row in rows:
        wanted = f"< {row.wanted_ms:,.0f} ms: {'met' if row.met else 'MISSED'}"
        table.add_row(row.what, f"{row.count:,}", f"{row.median_ms:,.1f}", f"{row.most_ms:,.1f}", wanted)
    return table


def planning_table(rows: Sequence[PlanningRow]) -> Table:
    """Draw the rows."""
    columns = ("database", "people", "mails", "editions", "planned s", "wanted", "composed s", "MB", "cards inlined")
    table = _table("A weekly digest", columns, left={"database", "wanted"})
    for row in rows:
        wanted = f"< {row.wanted_s:.0f} s: {'met' if row.plan_s < row.wanted_s else 'MISSED'}" if row.wanted_s else ""
        table.add_row(
            row.database,
            f"{row.people:,}",
            f"{row.mails:,}",
            f"{row.editions:,}",
            f"{row.plan_s:.1f}",
            wanted,
            f"{row.compose_s:.1f}",
            f"{row.peak_mb:,}",
            f"{row.inlined:,}",
        )
    return table


def answer_table(rows: Sequence[AnswerRow]) -> Table:
    """Draw the rows."""
    columns = ("address", "median ms", "after a new one's", "p", "")
    table = _table("Answers of the form to join", columns, left={"address", ""})
    for row in rows:
        found = "" if row.kind == "new" else "no difference found" if row.met else "A DIFFERENCE"
        table.add_row(row.kind, f"{row.median_ms:.2f}", f"{row.ahead:.3f}", f"{row.p:.3f}", found)
    return table


def _table(title: str, columns: Sequence[str], *, left: set[str]) -> Table:
    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return table


def _met(value: float, wanted: float | None) -> bool | None:
    return None if wanted is None else value >= wanted


def _verdict(value: float, wanted: float | None) -> str:
    return "" if wanted is None else f"≥ {wanted:.1f}{_told(value, wanted)}"


def _told(value: float, wanted: float | None) -> str:
    return "" if wanted is None else " met" if value >= wanted else " MISSED"
