"""`newsletter mailing`: what was sent and what came of it."""

from typing import Any

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import printable, say, show_json, show_table
from newsletter.delivery.report import MailingReport, mailings
from newsletter.delivery.report import mailing as one_mailing


@click.group()
def mailing() -> None:
    """See what was sent and what came of it."""


@mailing.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Show all mailings, the newest first."""
    with context.parts.database.read() as session:
        reports = mailings(session)
    if as_json:
        show_json([_document(report) for report in reports])
    elif not reports:
        say("Nothing was sent yet. `newsletter digest plan` plans a digest.")
    else:
        show_table(
            ("id", "what", "state", "launched", "editions", "deliveries"),
            [
                (
                    str(report.id),
                    _what(report),
                    report.state,
                    f"{report.launched_at:%Y-%m-%d %H:%M} UTC",
                    str(report.editions),
                    ", ".join(f"{count:,} {state}" for state, count in sorted(report.states.items())),
                )
                for report in reports
            ],
        )


@mailing.command()
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def show(context: Context, number: int, as_json: bool) -> None:
    """Show one mailing: how many got it, who did not and why."""
    with context.parts.database.read() as session:
        report = one_mailing(session, number)
    if as_json:
        show_json(_document(report))
        return
    say(f"Mailing {report.id}: {_what(report)}, {report.state}, launched {report.launched_at:%Y-%m-%d %H:%M} UTC")
    say(f"{report.editions} editions")
    for state, count in sorted(report.states.items()):
        say(f"{count:>9,}  {state}")
        if state == "skipped":
            for skip, several in sorted(report.skips.items()):
                say(f"{several:>17,}  {skip.words}")
    for reply, count in report.replies.items():
        say(printable(f"{count:>9,}  × {reply}"))


def _what(report: MailingReport) -> str:
    return f"{report.cadence} {report.kind}" if report.cadence else report.kind


def _document(report: MailingReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "kind": report.kind,
        "cadence": report.cadence,
        "state": report.state,
        "launched_at": report.launched_at.isoformat(),
        "finished_at": report.finished_at.isoformat() if report.finished_at else None,
        "editions": report.editions,
        "deliveries": dict(report.states),
        "skipped": dict(report.skips),
        "replies": dict(report.replies),
    }
