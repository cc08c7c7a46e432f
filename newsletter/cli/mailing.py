"""`newsletter mailing`: what was sent, what came of it, and what an organiser decides about it."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from newsletter.cli.alert import approve, correct
from newsletter.cli.context import Context, pass_context
from newsletter.cli.launching import selection_document, selection_lines
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table
from newsletter.delivery import control
from newsletter.delivery.control import Verdict
from newsletter.delivery.model import WAITING_STATES, DeliveryState, MailingState
from newsletter.delivery.report import MailingReport, mailings
from newsletter.delivery.report import mailing as one_mailing


@click.group()
def mailing() -> None:
    """See what was sent and what came of it; approve, hold back, stop, correct; decide what is uncertain."""


mailing.add_command(approve)
mailing.add_command(correct)


@mailing.command("list")
@click.option("--service", is_flag=True, help="Service mails too: confirmations of sign-ups and the like.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, service: bool, as_json: bool) -> None:
    """Show all mailings, the newest first."""
    with context.parts.database.read() as session:
        reports = mailings(session, service=service)
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
    for line in _lines(report):
        say(printable(line))
    if report.uncertain:
        _show_uncertain(report)


NUMBER = click.argument("number", type=click.IntRange(1, 2**31 - 1))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")


@mailing.command()
@NUMBER
@AS_JSON
@pass_context
def pause(context: Context, number: int, as_json: bool) -> None:
    """Hold a mailing back. Takes effect within a second, also in the middle of sending; `resume` lets it go on."""
    with context.parts.database.write() as session:
        changed = control.pause(session, number)
    _answer(number, "paused", f"Mailing {number} is paused{'' if changed else ' already'}.", as_json=as_json)


@mailing.command()
@NUMBER
@AS_JSON
@pass_context
def resume(context: Context, number: int, as_json: bool) -> None:
    """Let a paused mailing go on. `newsletter send`, or a worker that runs, sends the rest."""
    with context.parts.database.write() as session:
        changed = control.resume(session, number)
    said = (
        f"Mailing {number} goes on: `newsletter send`, or a worker that runs, sends the rest."
        if changed
        else f"Mailing {number} is not paused."
    )
    _answer(number, "running", said, as_json=as_json)


@mailing.command()
@NUMBER
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--dry-run", is_flag=True, help="Only say how many would get nothing.")
@AS_JSON
@pass_context
def cancel(context: Context, number: int, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Stop a mailing for good. Whoever has not got it yet will not get it."""
    with context.parts.database.read() as session:
        report = one_mailing(session, number)
    waiting = sum(report.states.get(state, 0) for state in WAITING_STATES)
    if dry_run:
        said = f"{counted(waiting, 'mail')} of mailing {number} would not go out. Nothing was changed."
        _answer(number, report.state, said, as_json=as_json, would_cancel=waiting)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Cancelling can't be undone: say --yes where nobody can be asked.")
        click.confirm(f"Cancel {counted(waiting, 'mail')} of mailing {number} for good?", abort=True)
    with progress("Cancelling", total=waiting) as bar:
        done = control.cancel(
            context.parts.database,
            number,
            now=context.parts.clock(),
            on_progress=lambda count: bar.update(bar.task_ids[0], completed=count),
        )
    said = f"Mailing {number} is cancelled: {done.cancelled:,} do not go out, {done.accepted:,} had gone already."
    if done.on_the_wire:
        said += f" {done.on_the_wire:,} are on the wire, or were when their sender died."
    numbers = {"cancelled": done.cancelled, "accepted": done.accepted, "on_the_wire": done.on_the_wire}
    _answer(number, "cancelled", said, as_json=as_json, **numbers)


@mailing.command()
@NUMBER
@click.argument("which", required=False)
@click.option("--all", "everything", is_flag=True, help="All that are uncertain.")
@click.option("--sent", is_flag=True, help="It arrived: count it as accepted.")
@click.option("--again", is_flag=True, help="Send it again, the very same mail.")
@AS_JSON
@pass_context
def resolve(
    context: Context, number: int, which: str | None, everything: bool, sent: bool, again: bool, as_json: bool
) -> None:
    """Decide about mails of which nobody knows whether they arrived. Without a verdict it lists them.

    WHICH is a person's address, or the number of a delivery as `mailing show` gives it.
    """
    parts = context.parts
    if sent and again:
        raise click.UsageError("Either --sent or --again.")
    if not sent and not again:
        with parts.database.read() as session:
            report = one_mailing(session, number)
        if as_json:
            show_json(_document(report)["uncertain"])
        elif report.uncertain:
            _show_uncertain(report)
        else:
            say(f"Nothing of mailing {number} is uncertain.{_still_sending(report)}")
        return
    if everything == (which is not None):
        raise click.UsageError("Say which one, by its number or address, or --all.")
    with parts.database.write() as session:
        found = control.uncertain(session, number, which)
        verdict = Verdict.SENT if sent else Verdict.AGAIN
        decided = control.resolve(session, number, found, verdict, now=parts.clock())
    become = "counted as accepted" if sent else "queued to be sent again"
    _answer(number, verdict, f"{counted(decided, 'mail')} {become}.", as_json=as_json, decided=decided)


def _show_uncertain(report: MailingReport) -> None:
    say("Uncertain: these may have arrived, or not; the connection broke, or the sender died, and nobody can know.")
    for one in report.uncertain:
        say(printable(f"{one.id:>9}  {one.address}  {one.reason}"))
    hidden = report.states.get(DeliveryState.UNCERTAIN, 0) - len(report.uncertain)
    if hidden > 0:
        say(f"           and {hidden:,} more")
    say(f"Decide with `newsletter mailing resolve {report.id} ADDRESS --sent` or `--again`; `--all` takes all of them.")


def _still_sending(report: MailingReport) -> str:
    sending = report.states.get(DeliveryState.SENDING, 0)
    return (
        f" {sending:,} are being sent; if their sender died, the next `newsletter send` finds out." if sending else ""
    )


def _answer(number: int, state: str, said: str, *, as_json: bool, **facts: object) -> None:
    if as_json:
        show_json({"id": number, "state": state, **facts})
    else:
        say(said)


def _what(report: MailingReport) -> str:
    if report.about is not None:
        return f"{report.kind} {report.about}"
    return f"{report.cadence} {report.kind}" if report.cadence else report.kind


def _lines(report: MailingReport) -> Iterator[str]:
    began = "proposed" if report.state is MailingState.PROPOSED else "launched"
    yield f"Mailing {report.id}: {_what(report)}, {report.state}, {began} {report.launched_at:%Y-%m-%d %H:%M} UTC"
    yield from _of_alert(report)
    if report.state is MailingState.PROPOSED:
        yield f"Another organiser launches it: newsletter mailing approve {report.id} --as NAME"
        return
    yield counted(report.editions, "edition")
    yield from _of_deliveries(report)
    if report.grows:
        yield "          more to come: some people were not looked at yet"
    for why, count in sorted(report.left_out.items()):
        yield f"{count:>9,}  left out: {why.words}"
    for reply, count in report.replies.items():
        yield f"{count:>9,}  × {reply}"
    if report.note and report.state is not MailingState.PAUSED:
        yield report.note
    elif report.note:
        yield f"PAUSED: {report.note}"
        yield f"Nobody was taken off the list. Mend the cause, then: newsletter mailing resume {report.id}"


def _of_deliveries(report: MailingReport) -> Iterator[str]:
    for state, count in sorted(report.states.items()):
        yield f"{count:>9,}  {state}"
        if state == "skipped":
            for skip, several in sorted(report.skips.items()):
                yield f"{several:>17,}  {skip.words}"
        if state == "sending" and (hint := _still_sending(report)):
            yield f"          {hint}"


def _of_alert(report: MailingReport) -> Iterator[str]:
    if report.selection is None:
        return
    said = f"proposed by {report.proposed_by}" + (f", approved by {report.approved_by}" if report.approved_by else "")
    yield f"{said}; not sent after {report.expires_at:%Y-%m-%d %H:%M} UTC"
    yield from (f"only {line}" for line in selection_lines(report.selection))


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
        "note": report.note,
        "expires_at": report.expires_at.isoformat(),
        "about": report.about,
        "selection": selection_document(report.selection) if report.selection else None,
        "left_out": {why.value: count for why, count in report.left_out.items()},
        "proposed_by": report.proposed_by,
        "approved_by": report.approved_by,
        "grows": report.grows,
        "uncertain": [
            {
                "id": one.id,
                "address": one.address,
                "name": one.name,
                "since": one.since.isoformat() if one.since else None,
                "reason": one.reason,
            }
            for one in report.uncertain
        ],
    }
