"""`newsletter send`: sends what is due, and ends when nothing is left to do. `newsletter worker`: goes on and on."""

from datetime import timedelta

import click

from newsletter.cli.context import Context, late_option, pass_context
from newsletter.cli.findings import tell_findings
from newsletter.cli.screen import counted, printable, say, show_json, warn
from newsletter.cli.screen import progress as progress_bar
from newsletter.cli.sending import SendingProgress, run_worker, tell_broken, tell_pause
from newsletter.delivery.model import DeliveryState
from newsletter.delivery.recurring import Run
from newsletter.delivery.report import backlog
from newsletter.delivery.worker import SendReport
from newsletter.errors import NewsletterError
from newsletter.wiring import Parts


@click.command()
@late_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def send(context: Context, late: timedelta | None, as_json: bool) -> int:
    """Plan the digests whose hour has come, and send what is queued and due, until nothing is left to do.

    Ctrl-C finishes what is on the wire and stops; nothing is lost. A second Ctrl-C ends at once; what was on the wire
    then is uncertain.
    """
    parts = context.parts
    ran, unplanned = Run(plans=(), broken={}), False
    try:
        with progress_bar("Composing editions") as bar:
            recurring = parts.recurring(late=late)
            ran = recurring.run(parts.clock(), on_progress=lambda count: bar.advance(bar.task_ids[0], count))
    except NewsletterError as fault:
        # A digest that can't go out must not keep back an alert that can.
        warn(printable(f"Error: no digest was planned. {fault}"))
        unplanned = True
    tell_broken(ran.broken)
    if not as_json:
        tell_findings(ran.findings, quiet=True)
        for made in ran.plans:
            mails, editions = counted(made.deliveries, "mail"), counted(made.editions, "edition")
            say(f"Mailing {made.mailing_id}, {made.cadence} digest: {mails} in {editions}.")
    with parts.database.read() as session:
        due = backlog(session, now=parts.clock()).due
    progress = SendingProgress(due or None)
    report = run_worker(parts.worker(on_progress=progress, on_fault=_tell_trouble, on_pause=tell_pause), progress)
    if as_json:
        show_json(_document(report))
    else:
        _tell(report)
    if report.fault:
        warn(printable(f"Error: {report.fault}"))
    return 1 if report.fault or report.paused or ran.broken or unplanned else 0


@click.command()
@pass_context
def worker(context: Context) -> None:
    """Send whatever becomes due, until it is stopped: for systemd and the like. Ctrl-C or SIGTERM stops it."""
    parts = context.parts
    say(f"Sending through {_servers(parts)} whatever becomes due. Ctrl-C ends it.")
    progress = SendingProgress(None)
    report = run_worker(
        parts.worker(on_progress=progress, on_fault=_tell_trouble, on_pause=tell_pause), progress, for_ever=True
    )
    _tell(report)


def _servers(parts: Parts) -> str:
    return ", ".join(f"{host}:{port}" for host, port in parts.settings.smtp_servers)


def _tell_trouble(fault: Exception, rest_s: float) -> None:
    warn(printable(f"{fault} Trying again in {rest_s:.0f} s."))


def _document(report: SendReport) -> dict[str, object]:
    return {
        "outcomes": report.outcomes,
        "due": report.left.due,
        "later": report.left.later,
        "next_at": report.left.next_at.isoformat() if report.left.next_at else None,
        "held": report.left.held,
        "recovered": dict(report.recovered),
        "paused": {str(mailing): reply for mailing, reply in report.paused.items()},
        "limited": report.limited,
        "seconds": round(report.seconds, 3),
        "fault": str(report.fault) if report.fault else None,
    }


def _tell(report: SendReport) -> None:
    for state, count in report.recovered.items():
        fate = "are uncertain now" if state == DeliveryState.UNCERTAIN else "are sent again"
        say(f"A sender that is gone was sending {counted(count, 'mail')}: they {fate}.")
    if not report.outcomes and not report.fault and not report.limited:
        say("Nothing is due.")
    for outcome, count in sorted(report.outcomes.items()):
        say(f"{count:>9,}  {outcome}")
    if report.outcomes.get("uncertain") or report.recovered.get(DeliveryState.UNCERTAIN):
        say(
            "Uncertain: it may have arrived, or not; nobody can know.\n"
            "`newsletter mailing show` says which, `mailing resolve` decides."
        )
    if report.left.held:
        say(f"{counted(report.left.held, 'mail')} held back: `newsletter mailing list` shows which mailing is paused.")
    if report.left.later and report.left.next_at:
        first = f"{report.left.next_at:%Y-%m-%d %H:%M} UTC"
        say(f"{counted(report.left.later, 'mail')} to go later, the first at {first}.")
    if report.limited:
        say("The daily limit is reached: the rest goes tomorrow. Alerts go at once all the same.")
    elif report.left.due:
        say(f"{counted(report.left.due, 'mail')} still queued: run `newsletter send` again.")
