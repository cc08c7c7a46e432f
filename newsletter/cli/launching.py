"""What `newsletter alert`, `mailing approve` and `mailing correct` have in common: from a selection to a launch."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from newsletter.appeals.model import Appeal
from newsletter.appeals.names import Register
from newsletter.cli.findings import findings_document, tell_findings, with_dead_links
from newsletter.cli.previews import nobodys_slots, write_preview
from newsletter.cli.screen import counted, printable, progress, say, show_json, warn
from newsletter.cli.sending import tell_broken
from newsletter.delivery import control
from newsletter.delivery.alert_faults import NotProposed
from newsletter.delivery.alerting import UNDO, Alerted
from newsletter.delivery.freezing import Outlook
from newsletter.delivery.report import mailing as one_mailing
from newsletter.delivery.selection import Selection
from newsletter.editions.preflight import Finding
from newsletter.errors import NewsletterError
from newsletter.languages import language_name
from newsletter.wiring import Parts
from subscribers.preferences import Cadence, Format

LOOK_S = 0.2  # between two looks at the clock while an alert can still be stopped


class NotAnswered(NewsletterError):
    """Nothing was sent: there is nobody to ask here. Look at it with --dry-run, then give --yes."""


class Launching:
    """Shows whom an alert goes to, asks, proposes or launches it, and lets it be stopped for a while."""

    def __init__(
        self,
        parts: Parts,
        *,
        by: str,
        now: datetime,
        expires: timedelta,
        undo: timedelta,
        yes: bool,
        dry_run: bool,
        as_json: bool,
        preview: Path | None,
    ) -> None:
        """Take who does it, when, and how the command was called."""
        self._parts = parts
        self._alerts = parts.alerts()
        self._by, self._now = by, now
        self._expires_at = now + expires
        self._undo, self._yes, self._dry_run, self._as_json = undo, yes, dry_run, as_json
        self._preview = preview
        self._findings: list[Finding] = []
        self._foreseen: int | None = None  # how many people it goes to, where they were counted

    def run(self, selection: Selection) -> int:
        """Show whom an alert goes to; then propose it, or launch it."""
        proposes = self._parts.settings.second_look

        def outlook() -> Outlook:
            return self._alerts.look(
                selection, starts_at=self._now + self._undo, expires_at=self._expires_at, now=self._now
            )

        if self._dry_run or proposes or not self._yes or self._preview is not None:
            shown = self._show(selection, outlook)
            if self._dry_run:
                return self._say_only(shown)
            self._ask(f"Propose this alert to {counted(shown.people, 'person', 'people')}?" if proposes else shown)
        if not proposes:
            return self._launch(
                lambda moment, tell: self._alerts.launch(
                    selection,
                    by=self._by,
                    starts_at=moment + self._undo,
                    expires_at=self._expires_at,
                    now=moment,
                    on_progress=tell,
                )
            )
        number = self._alerts.propose(selection, by=self._by, expires_at=self._expires_at, now=self._now)
        if self._as_json:
            show_json({"mailing": number, "state": "proposed", **_document(shown), **self._found})
        else:
            say(f"Mailing {number} waits for another organiser: newsletter mailing approve {number} --as NAME")
            if self._undo != UNDO:
                say("For how long it can be stopped is said there: give --undo to `mailing approve`.")
        return 0

    def approve(self, number: int) -> int:
        """Show whom a proposed alert goes to now, and launch it."""
        if self._dry_run or not self._yes or self._preview is not None:
            with self._parts.database.read() as session:
                report = one_mailing(session, number)
            if report.selection is None:
                raise NotProposed(mailing=number, state=report.state)
            shown = self._show(
                report.selection,
                lambda: self._alerts.look_again(number, by=self._by, starts_at=self._now + self._undo, now=self._now),
                proposed_by=report.proposed_by,
            )
            if self._dry_run:
                return self._say_only(shown)
            self._ask(shown)
        return self._launch(
            lambda moment, tell: self._alerts.approve(
                number, by=self._by, starts_at=moment + self._undo, now=moment, on_progress=tell
            )
        )

    def _show(self, selection: Selection, outlook: Callable[[], Outlook], *, proposed_by: str | None = None) -> Outlook:
        with progress("Counting"):
            shown = outlook()
        self._foreseen = shown.people
        self._look_over(selection)
        if not self._as_json:
            if proposed_by is not None:
                say(printable(f"Proposed by {proposed_by}:"))
            self._say_whom(selection)
            _tell(shown)
            tell_findings(self._findings, quiet=True)
        return shown

    def _look_over(self, selection: Selection) -> None:
        """Find out what somebody should look at; refuse to go on with what isn't fit."""
        with progress("Looking it over"):
            looked = self._alerts.look_over(selection, now=self._now)
            looked.require_fit()
            self._findings = with_dead_links(looked, self._parts)
        if self._preview is None:
            return
        for composed in looked.mails:
            slots = nobodys_slots(self._parts, composed.language)
            for path in write_preview(self._preview, f"alert-{composed.language}", composed, slots):
                warn(f"Wrote {path}")

    def _say_whom(self, selection: Selection) -> None:
        with self._parts.database.read() as session:
            appeal = session.get_one(Appeal, selection.appeal_id)
            register = Register.load(session, self._parts.name_seal)
            say(printable(f"{appeal.reference}  {register.said(appeal.text.title, appeal.text.language)}"))
        for line in selection_lines(selection):
            say(printable(f"  only {line}"))

    def _say_only(self, shown: Outlook) -> int:
        if self._as_json:
            show_json(_document(shown) | self._found)
        else:
            say("Nothing was changed.")
        return 0

    @property
    def _found(self) -> dict[str, Any]:
        return {"findings": findings_document(self._findings)}

    def _ask(self, question: Outlook | str) -> None:
        if self._yes:
            return
        if not sys.stdin.isatty():
            raise NotAnswered
        asked = question if isinstance(question, str) else f"Send it to {counted(question.people, 'person', 'people')}?"
        click.confirm(asked, abort=True)

    def _launch(self, launch: Callable[[datetime, Callable[[int, int], None]], Alerted]) -> int:
        begun: list[int] = []
        try:
            with progress("Launching", total=self._foreseen) as bar:

                def tell(number: int, people: int) -> None:
                    begun[:] = [number]
                    bar.advance(bar.task_ids[0], people)

                done = launch(self._parts.clock(), tell)
        except KeyboardInterrupt:
            if not begun:
                raise
            return self._stop(begun[0])  # its first mails may be on their way already
        if self._foreseen is None:  # nobody has seen them
            self._findings = list(done.findings)
            if not self._as_json:
                tell_findings(self._findings, quiet=True)
        if self._as_json:
            show_json(
                {
                    "mailing": done.mailing_id,
                    "state": "paused" if done.broken else "running",
                    "starts_at": done.starts_at.isoformat(),
                }
                | _document(done.outlook)
                | {"people": done.people}
                | self._found
            )
        else:
            people = counted(done.people, "person", "people")
            say(f"Mailing {done.mailing_id}: an alert to {people}, {self._when(done)}.")
            say("A sender that runs (`newsletter run`, `newsletter worker`) sends it, else `newsletter send`.")
        if done.broken:
            tell_broken({done.mailing_id: done.broken})
            return 1
        return 0 if self._as_json else self._wait(done)

    def _when(self, done: Alerted) -> str:
        if not self._undo:
            return "ahead of everything else"
        return (
            f"from {done.starts_at:%H:%M:%S} UTC on; until then `newsletter mailing cancel {done.mailing_id}` stops it"
        )

    def _wait(self, done: Alerted) -> int:
        """Let somebody at a terminal stop it by Ctrl-C for as long as nothing went out."""
        if not self._undo or not sys.stderr.isatty() or self._yes:
            return 0
        try:
            with progress("Ctrl-C stops it", total=int(self._undo.total_seconds())) as bar:
                while (left := (done.starts_at - self._parts.clock()).total_seconds()) > 0:
                    bar.update(bar.task_ids[0], completed=self._undo.total_seconds() - left)
                    time.sleep(min(LOOK_S, left))
        except KeyboardInterrupt:
            return self._stop(done.mailing_id)
        at_once = done.outlook.people - done.outlook.by_night
        if done.outlook.by_night:
            now = f"It goes out to {at_once:,} now, and" if at_once else "It is night: it goes out"
            say(f"{now} to {done.outlook.by_night:,} in their morning, unless you cancel it before.")
        else:
            say("It goes out now.")
        return 0

    def _stop(self, number: int) -> int:
        stopped = control.cancel(self._parts.database, number, now=self._parts.clock())
        went = stopped.accepted + stopped.on_the_wire
        warn(f"Stopped: {counted(stopped.cancelled, 'mail')} not sent" + (f", {went:,} had gone." if went else "."))
        return 1


def selection_lines(selection: Selection) -> list[str]:
    """Say whom an alert is for, beyond what each of them chose; nothing where that is everybody."""
    lines = [
        f"{what}: {', '.join(sorted(chosen))}"
        for what, chosen in (
            ("those who read about the topics", selection.topics),
            ("those who read about the countries", selection.countries),
            ("in the languages", selection.languages),
            ("those with the cadence", selection.cadences),
        )
        if chosen
    ]
    if selection.only_recipients:
        lines.append("those who got what it continues")
    if selection.corrects is not None:
        lines.append(f"those who got what it corrects with mailing {selection.corrects}")
    lines += [f"those who did not get mailing {number}" for number in selection.without]
    if selection.part is not None:
        lines.append(f"a random part of them: {selection.part}")
    return lines


def selection_document(selection: Selection) -> dict[str, Any]:
    """Give the same for programs."""
    return {
        "topics": sorted(selection.topics),
        "countries": sorted(selection.countries),
        "languages": sorted(selection.languages),
        "cadences": sorted(selection.cadences),
        "got_original": selection.only_recipients,
        "corrects": selection.corrects,
        "without": list(selection.without),
        "part": str(selection.part) if selection.part is not None else None,
    }


def _tell(outlook: Outlook) -> None:
    say(
        f"{outlook.people:>9,}  get it"
        + (f", {outlook.by_night:,} of them in their morning" if outlook.by_night else "")
    )
    languages: dict[str, int] = {}
    for share in outlook.shares:
        languages[share.digest.language] = languages.get(share.digest.language, 0) + share.people
    for language, people in sorted(languages.items(), key=lambda each: -each[1]):
        say(printable(f"{people:>17,}  in {language_name(language, 'en')}"))
    for cadence, people in sorted(outlook.cadences.items(), key=lambda each: -each[1]):
        say(f"{people:>17,}  {_CADENCES[cadence]}")
    text_alone = sum(share.people for share in outlook.shares if share.digest.format is Format.TEXT)
    if text_alone:
        say(f"{text_alone:>17,}  as text alone")
    for why, people in sorted(outlook.out.items(), key=lambda each: -each[1]):
        say(f"{people:>9,}  don't: {why.words}")


_CADENCES = {
    Cadence.URGENT: "who get alerts alone",
    Cadence.EACH: "who get each appeal",
    Cadence.DAILY: "with a daily digest",
    Cadence.WEEKLY: "with a weekly digest",
    Cadence.MONTHLY: "with a monthly digest",
}


def _document(outlook: Outlook) -> dict[str, Any]:
    return {
        "people": outlook.people,
        "by_night": outlook.by_night,
        "editions": [
            {
                "language": share.digest.language,
                "format": share.digest.format.value,
                "discreet": share.digest.discreet,
                "people": share.people,
            }
            for share in outlook.shares
        ],
        "cadences": {cadence.value: people for cadence, people in outlook.cadences.items()},
        "left_out": {why.value: people for why, people in outlook.out.items()},
    }
