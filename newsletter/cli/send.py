"""`newsletter send`: sends what is due, and ends when nothing is left to do."""

import asyncio
import signal
from collections import Counter

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, warn
from newsletter.delivery.outbox import backlog
from newsletter.delivery.worker import SendReport, Worker


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def send(context: Context, as_json: bool) -> int:
    """Send what is queued and due. Ctrl-C finishes what is on the wire and stops; nothing is lost."""
    parts = context.parts
    with parts.database.read() as session:
        due = backlog(session, now=parts.clock()).due
    with progress("Sending", total=due) as bar:

        def advance(outcomes: Counter[str]) -> None:
            bar.update(bar.task_ids[0], completed=outcomes.total())

        report = asyncio.run(run_until_told(parts.worker(on_progress=advance)))
    if as_json:
        show_json(
            {
                "outcomes": report.outcomes,
                "due": report.left.due,
                "later": report.left.later,
                "next_at": report.left.next_at.isoformat() if report.left.next_at else None,
                "fault": str(report.fault) if report.fault else None,
            }
        )
    else:
        _tell(report)
    if report.fault:
        warn(printable(f"Error: {report.fault}"))
        return 1
    return 0


async def run_until_told(worker: Worker) -> SendReport:
    """Run a worker; SIGINT and SIGTERM ask it to stop at a sound point, a second one ends it at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        worker.stop()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await worker.run()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _tell(report: SendReport) -> None:
    if not report.outcomes and not report.fault:
        say("Nothing is due.")
    for outcome, count in sorted(report.outcomes.items()):
        say(f"{count:>9,}  {outcome}")
    if report.outcomes.get("uncertain"):
        say("Uncertain: the connection broke after the mail was sent. It may have arrived; it is not sent again.")
    if report.left.later and report.left.next_at:
        first = f"{report.left.next_at:%Y-%m-%d %H:%M} UTC"
        say(f"{counted(report.left.later, 'mail')} will be tried again, the first at {first}.")
    if report.left.due:
        say(f"{counted(report.left.due, 'mail')} still queued: run `newsletter send` again.")
