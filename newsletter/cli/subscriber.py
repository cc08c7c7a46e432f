"""`newsletter subscriber`: bring people in with proof of their consent, and see who is there."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter.appeals.countries import country_code
from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn
from subscribers.csv_file import CsvFile, open_csv
from subscribers.import_row import Reason, RowProblem
from subscribers.importing import ImportReport, import_subscribers
from subscribers.model import Status, Subscriber

SHOWN = 20
KNOWN = "email, name, language, topics, countries, cadence, confirmed_at, consent_source"


@click.group()
def subscriber() -> None:
    """Bring people in, and see who is there."""


@subscriber.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--consent", help='How everybody in the file agreed: "signed the list at the May Day stall, 2026".')
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write every row not taken to this new file."
)
@click.option("--dry-run", is_flag=True, help="Check everything and report; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def import_(
    context: Context, file: Path, consent: str | None, report: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Take people over from a CSV file. Nobody who left comes back by it, nobody's own choices change.

    Columns: email, name, language, topics, countries, cadence, confirmed_at, consent_source; several values in
    a cell apart by |. Each row needs to say when and how that person agreed, or --consent says it for all.
    """
    parts = context.parts
    with ExitStack() as stack:
        csv = stack.enter_context(open_csv(file))
        sink = stack.enter_context(report.open("x", encoding="utf-8")) if report else None

        def note(problem: RowProblem) -> None:
            if sink:
                sink.write(printable(f"line {problem.line}: {problem.sentence}") + "\n")

        bar = stack.enter_context(progress("Reading", total=None))
        session = stack.enter_context(parts.database.write())
        parts.database.serialise(session, "subscribers")
        found = import_subscribers(
            session,
            csv,
            suppression=parts.suppression,
            consent=consent,
            default_language=parts.settings.language,
            country_code=country_code,
            now=parts.clock(),
            dry_run=dry_run,
            on_problem=note,
            on_progress=lambda count: bar.update(bar.task_ids[0], completed=count),
        )
    if as_json:
        show_json(_report_document(found, csv, dry_run=dry_run))
    else:
        _tell(found, csv, report, dry_run=dry_run)


@subscriber.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at the most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with all of them, for programs.")
@pass_context
def list_(context: Context, status: str | None, limit: int, as_json: bool) -> None:
    """Show subscribers, the newest first."""
    query = select(Subscriber).options(joinedload(Subscriber.profile)).order_by(Subscriber.id.desc())
    everyone = select(func.count()).select_from(Subscriber)
    if status:
        query = query.where(Subscriber.status == Status(status))
        everyone = everyone.where(Subscriber.status == Status(status))
    with context.parts.database.read() as session:
        total = session.scalar(everyone) or 0
        people = [_document(person) for person in session.scalars(query if as_json else query.limit(limit))]
    if as_json:
        show_json(people)
        return
    if not people:
        say("There is nobody yet. Bring people in with `newsletter subscriber import FILE.csv`.")
        return
    columns = ("email", "name", "status", "cadence", "languages", "topics", "countries")
    show_table(
        columns,
        [tuple(" ".join(p[c]) if isinstance(p[c], list) else str(p[c] or "") for c in columns) for p in people],
    )
    if total > len(people):
        say(f"… and {total - len(people):,} more; --limit shows more of them.")


def _document(person: Subscriber) -> dict[str, Any]:
    profile = person.profile
    return {
        "email": person.email,
        "name": person.name,
        "status": person.status.value,
        "left_reason": person.left_reason.value if person.left_reason else None,
        "cadence": person.cadence.value,
        "languages": profile.languages,
        "topics": profile.topics,
        "countries": profile.countries,
        "format": profile.format.value,
        "joined_at": person.joined_at.isoformat() if person.joined_at else None,
        "left_at": person.left_at.isoformat() if person.left_at else None,
    }


def _report_document(found: ImportReport, csv: CsvFile, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "read": found.read,
        "taken": found.taken,
        "already_there": found.already_there,
        "not_taken": {reason.value: count for reason, count in found.not_taken.items()},
        "problems": [
            {"line": problem.line, "reason": problem.reason.value, "sentence": problem.sentence}
            for problem in found.problems
        ],
        "encoding": csv.encoding,
        "ignored_columns": list(csv.ignored),
    }


def _tell(found: ImportReport, csv: CsvFile, report: Path | None, *, dry_run: bool) -> None:
    if not csv.encoding.startswith("utf"):
        warn(f"Read as {csv.encoding}: if names look wrong, save the file as UTF-8 and import that.")
    if csv.ignored:
        warn(printable(f"Columns not used: {', '.join(csv.ignored)}. Known are {KNOWN}."))
    shown = found.problems[:SHOWN]
    for problem in shown:
        warn(printable(f"line {problem.line}: {problem.sentence}"))
    if found.not_taken.keys() & {Reason.NO_CONSENT_DATE, Reason.NO_CONSENT_SOURCE}:
        warn('If everybody in the file agreed in one way, say so: --consent "signed the list at the May Day stall".')
    rest = found.not_taken_in_all - len(shown)
    if rest:
        where = f"all of them are in {report}" if report else "--report FILE writes them all down"
        warn(f"… and {counted(rest, 'row')} more not taken; {where}.")
    say(
        f"{counted(found.read, 'row')} read: {found.taken:,} {'would be taken' if dry_run else 'taken'}, "
        f"{found.already_there:,} already there, {found.not_taken_in_all:,} not taken."
        + (" Nothing was changed (--dry-run)." if dry_run else "")
    )
