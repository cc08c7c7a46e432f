"""`newsletter digest`: see what people would get, and plan it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.countries import country_code
from newsletter.appeals.model import Appeal
from newsletter.appeals.names import Register
from newsletter.cli.context import Context, Moment, language_tags, late_option, pass_context
from newsletter.cli.findings import findings_document, tell_findings, with_dead_links
from newsletter.cli.previews import nobodys_slots, write_preview
from newsletter.cli.screen import counted, printable, progress, say, show_json, warn
from newsletter.cli.sending import tell_broken
from newsletter.delivery.candidates import candidates_at
from newsletter.delivery.model import Skip
from newsletter.delivery.planning import Plan
from newsletter.delivery.preflight import look_over_digests, without_text
from newsletter.delivery.recurring import Run
from newsletter.editions.digest import Digest, Nothing, Why, compose_digest
from newsletter.editions.preflight import errors_of
from newsletter.errors import NewsletterError
from newsletter.wiring import Parts
from subscribers.addresses import parse_address
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format, Reading

_CADENCES = click.Choice([cadence.value for cadence in Cadence if cadence is not Cadence.URGENT])


PAST, FUTURE = timedelta(days=1), timedelta(minutes=10)


class NotNow(NewsletterError):
    """A digest can't be planned for another day: what it holds would count as sent. Give --dry-run to see it."""


class NobodyThere(NewsletterError):
    """{address} is not among the subscribers."""


class NothingToPreview(NewsletterError):
    """There is nothing to show: {reason}."""


@click.group()
def digest() -> None:
    """See what people would get, and plan it."""


@digest.command()
@click.option("--cadence", type=_CADENCES, help="Everybody's of one cadence, whatever their hour.")
@click.option("--due", is_flag=True, help="Theirs whose hour has come since the last look; `newsletter run` does it.")
@late_option
@click.option("--now", type=Moment(), help="With --cadence: as if it were this moment, such as 2026-11-23T07:00Z.")
@click.option("--dry-run", is_flag=True, help="With --cadence: show what would be planned; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def plan(
    context: Context,
    cadence: str | None,
    due: bool,
    late: timedelta | None,
    now: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Group subscribers into editions of what is new to each, and queue a mail for each person.

    Nothing is sent yet: `newsletter send` does that. Planning twice plans once.
    """
    _check_words(cadence, due=due, late=late, now=now, dry_run=dry_run)
    parts = context.parts
    moment = now or parts.clock()
    if now and not dry_run and not -PAST < now - parts.clock() < FUTURE:
        raise NotNow
    with progress("Planning and composing editions") as bar:

        def on_progress(count: int) -> None:
            bar.advance(bar.task_ids[0], count)

        if cadence is None:
            ran = parts.recurring(late=late).run(moment, on_progress=on_progress)
        else:
            ran = _planned(parts, cadence, moment, dry_run=dry_run, on_progress=on_progress)
    made, broken, findings = ran.plans, ran.broken, ran.findings
    documents = [_document(each, dry_run=dry_run) for each in made]
    tell_broken(broken)
    if as_json:
        found = {"findings": findings_document(findings)}
        show_json({"plans": documents, **found} if due else documents[0] | found)
    else:
        tell_findings(findings, quiet=True)
        _warn_of_unset(parts.settings.unset)
        for each in made:
            _tell(each, dry_run=dry_run)
        if not made:
            say("Nobody's digest is due.")
    if broken:
        raise SystemExit(1)


def _check_words(
    cadence: str | None, *, due: bool, late: timedelta | None, now: datetime | None, dry_run: bool
) -> None:
    """Refuse options that don't go together."""
    if (cadence is not None) == due:
        raise click.UsageError("Give either --cadence or --due.")
    if due and (now or dry_run):
        raise click.UsageError("--now and --dry-run go with --cadence.")
    if late is not None and not due:
        raise click.UsageError("--late goes with --due.")


def _planned(parts: Parts, cadence: str, moment: datetime, *, dry_run: bool, on_progress: Callable[[int], None]) -> Run:
    if dry_run:
        planner = parts.planner()
        looked = planner.look_over(moment)
        with parts.database.write() as session:
            made = planner.plan_digest(session, Cadence(cadence), now=moment)
            session.rollback()
        return Run(plans=[made], broken={}, findings=looked.findings)
    made = parts.planner().launch(Cadence(cadence), now=moment, on_progress=on_progress)
    return Run(plans=[made], broken=made.broken, findings=made.findings)


def _document(made: Plan, *, dry_run: bool) -> dict[str, object]:
    return {
        "mailing": None if dry_run else made.mailing_id,
        "cadence": made.cadence.value,
        "deliveries": made.deliveries,
        "editions": made.editions,
        "skipped": {reason.value: count for reason, count in made.skipped.items()},
    }


@digest.command()
@click.option("--offline", is_flag=True, help="Don't ask for the links' pages.")
@click.option("--now", type=Moment(), help="As if it were this moment.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def preflight(context: Context, offline: bool, now: datetime | None, as_json: bool) -> int:
    """Look over what would go out: size, links, what is unfilled, contrast, subject, languages, reading ease.

    A digest with every open appeal is written in each language, and what each appeal says is looked at. The same is
    done before every launch, without asking for the links' pages and with a few appeals in each mail. Errors stop a
    launch, and make this command end with status 1; warnings don't.
    """
    parts = context.parts
    moment = now or parts.clock()
    press = parts.press()
    with progress("Looking it over"):
        with parts.database.read() as session:
            candidates = candidates_at(session, moment)
            looked = look_over_digests(session, press, candidates, now=moment, most=parts.settings.digest_most)
            missing = list(without_text(session, press, candidates))
        found = [*(looked.findings if offline else with_dead_links(looked, parts)), *missing]
    if as_json:
        show_json(findings_document(found))
    elif not candidates:
        say("No appeal is open: there is nothing to look over.")
    else:
        tell_findings(found)
    return 1 if errors_of(found) else 0


@digest.command()
@click.option("--to", "address", metavar="EMAIL", help="What this subscriber would get now.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    callback=language_tags,
    help="Without --to: languages read, in order. Again for each.",
)
@click.option("--country", "countries", multiple=True, help="Without --to: only these. Again for each.")
@click.option("--topic", "topics", multiple=True, help="Without --to: only these. Again for each.")
@click.option("--text", "text_only", is_flag=True, help="Without --to: as somebody gets it who wants text alone.")
@click.option("--now", type=Moment(), help="As if it were this moment.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("preview"),
    show_default=True,
    help="Folder for digest.html and digest.txt.",
)
@pass_context
def preview(
    context: Context,
    address: str | None,
    languages: tuple[str, ...],
    countries: tuple[str, ...],
    topics: tuple[str, ...],
    text_only: bool,
    now: datetime | None,
    output: Path,
) -> None:
    """Write HTML and text of what one person, or anybody with these wishes, would get. Nothing is sent.

    With --to it is also said of each appeal why it is in or not.
    """
    if address and (languages or countries or topics or text_only):
        raise click.UsageError("Give either --to or wishes, not both.")
    parts = context.parts
    moment = now or parts.clock()
    with parts.database.read() as session:
        if address:
            key = parse_address(address).key
            person = session.scalar(select(Subscriber).where(Subscriber.address_key == key))
            if person is None:
                raise NobodyThere(address=address)
            if person.cadence is Cadence.URGENT:
                raise NothingToPreview(reason="they get alerts alone, and no digest")
            planner = parts.planner()
            verdict = planner.verdict_for(session, person, now=moment)
            name = person.name
            if not isinstance(verdict, Skip) or verdict in (Skip.NOTHING_NEW, Skip.NO_TEXT):
                _tell_reasons(session, planner.reasons_for(session, person, now=moment), parts)
        else:
            reading = Reading(
                languages=languages or (parts.settings.language,),
                countries=frozenset(_code(country) for country in countries),
                topics=frozenset(" ".join(topic.casefold().split()) for topic in topics),
                format=Format.TEXT if text_only else Format.HTML,
            )
            candidates = candidates_at(session, moment)
            since, most = datetime.min.replace(tzinfo=moment.tzinfo), parts.settings.digest_most
            outcome = compose_digest(candidates, reading, since=since, most=most)
            verdict = Skip(outcome.value) if isinstance(outcome, Nothing) else outcome
            name = ""
        if not isinstance(verdict, Digest):
            raise NothingToPreview(reason=verdict.words)
        composed = parts.press().draft(session, verdict).composed()
    written = write_preview(output, "digest", composed, nobodys_slots(parts, verdict.language, name=name))
    _warn_of_unset(parts.settings.unset)
    say(printable(f"Subject: {composed.subject}"))
    for path in written:
        say(f"Wrote {path}")


_REASONS = {
    Why.IN: "is in it",
    Why.LATER: "comes with the next one: there are more than one digest holds",
    Why.HAD: "they had it, or it is on its way",
    Why.NOT_RECIPIENT: "is for those who got what it continues",
    Why.OTHER_TOPIC: "is about no topic that they chose",
    Why.OTHER_COUNTRY: "is about no country that they chose",
    Why.BEFORE_THEM: "was released before they joined",
    Why.NO_TEXT: "has no text in a language that they read",
}


def _tell_reasons(session: Session, reasons: Mapping[int, Why], parts: Parts) -> None:
    """Say of each open appeal why it is in somebody's digest or not, those that are in it first."""
    register = Register.load(session, parts.name_seal)
    for why in Why:
        for number in (each for each, reason in reasons.items() if reason is why):
            appeal = session.get_one(Appeal, number)
            title = register.said(appeal.text.title, appeal.text.language)
            say(printable(f"{appeal.reference}  {_REASONS[why]}: {title}"))


def _code(country: str) -> str:
    code = country_code(country)
    if code is None:
        raise click.BadParameter(f"{country!r} is no country; give a code such as KZ", param_hint="--country")
    return code


def _warn_of_unset(unset: list[str]) -> None:
    if unset:
        warn(f"Still at their defaults: {', '.join(unset)}. Set them before you send; mails are frozen when planned.")


def _tell(made: Plan, *, dry_run: bool) -> None:
    for reason, count in sorted(made.skipped.items()):
        say(f"{count:>9,}  left out: {reason.words}")
    if made.mailing_id is None:
        say(f"Nobody who chose {made.cadence} gets a digest now; nothing was planned.")
    elif dry_run:
        say(f"Would plan {counted(made.deliveries, 'mail')} in {counted(made.editions, 'edition')}.")
    else:
        mails, editions = counted(made.deliveries, "mail"), counted(made.editions, "edition")
        say(f"Mailing {made.mailing_id}: {mails} in {editions} queued.")
        say("Send with `newsletter send`.")
