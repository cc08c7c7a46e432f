"""`newsletter appeal approve`, `release`, `close`, `reopen`, `history`: how an appeal lives."""

import difflib
from collections.abc import Sequence
from typing import Any

import click
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from newsletter.appeals.ending import Ending
from newsletter.appeals.history import Move
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Act, Appeal, AppealStatus, ApprovalNeeded, FollowUp
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.names import Register, said_all
from newsletter.appeals.organisers import acting
from newsletter.cli.context import Context, as_organiser, pass_context
from newsletter.cli.screen import counted, printable, say, show_json, show_table, warn
from newsletter.delivery.report import still_carrying
from newsletter.errors import NewsletterError


class StillOnItsWay(NewsletterError):
    """{reference} would come before what it corrects: {original} is still on its way with mailing {mailings}. Stop that
    first: `newsletter mailing cancel`, or `newsletter appeal close {original} --ending withdrawn`.
    """


class LookAgain(NewsletterError):
    """Appeal {reference} was changed by its source ({by}). Read it again, then approve that: --revision {revision}."""


@click.command()
@click.argument("references", nargs=-1, metavar="REFERENCE...")
@click.option("--all", "everything", is_flag=True, help="Every draft that waits for it.")
@click.option("--revision", type=int, help="The one that you read (`appeal show`); refused if it is another now.")
@click.option("--release", "release_too", is_flag=True, help="Release them as well.")
@as_organiser
@pass_context
def approve(
    context: Context,
    references: tuple[str, ...],
    everything: bool,
    revision: int | None,
    release_too: bool,
    organiser: str | None,
) -> None:
    """Approve appeals, exactly as they stand here now. What is changed later needs approval again.

    Whoever wrote what stands here can't approve it, unless `second_look` is off.
    """
    if bool(references) == everything:
        raise click.UsageError("Name the appeals, or give --all.")
    if revision is not None and len(references) != 1:
        raise click.UsageError("--revision belongs to one appeal.")
    parts = context.parts
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=now)
        second_look = parts.settings.second_look
        if everything:
            waiting = [each for each in _every(session) if each.waits_for_approval or release_too]
            chosen = [each for each in waiting if not _left_out(each, act, second_look=second_look)]
        else:
            chosen = [find_appeal(session, each, lock=True) for each in references]
        for found in chosen:
            found.expect(revision)
            if revision is None and _changed_by_source(found):
                raise LookAgain(reference=found.reference, by=found.moves[-1].by, revision=found.revision)
        if release_too:
            chosen = _without_early_ones(session, chosen, named=not everything)
        approved = [found.reference for found in chosen if found.approve(act, second_look=second_look)]
        released = [
            found.reference for found in chosen if release_too and found.waits_for_release and found.release(act)
        ]
        still_open = _open_originals(chosen, released)
        today = today_somewhere(now)
        late = [found.reference for found in chosen if found.deadline and found.deadline < today]
    for reference in late:
        warn(f"{reference}: its deadline has passed; it goes into no mail.")
    _tell(references, approved, released)
    _tell_of_open(still_open)


def _changed_by_source(found: Appeal) -> bool:
    moves = [made.move for made in found.moves if made.move is not Move.NAMED]
    return moves[-1:] == [Move.UPDATED]


def _left_out(found: Appeal, act: Act, *, second_look: bool) -> bool:
    """Say whether one of all is left out, and tell why: one that waits keeps no other back."""
    if not found.waits_for_approval:
        return False
    if _changed_by_source(found):
        warn(str(LookAgain(reference=found.reference, by=found.moves[-1].by, revision=found.revision)))
        return True
    if second_look and act.by in found.writers:
        warn(str(ApprovalNeeded(reference=found.reference, by=act.by)))
        return True
    return False


def _comes_too_early(session: Session, found: Appeal) -> StillOnItsWay | None:
    """Say why a correction can't be released: it would come before the wrong mail, which is still on its way."""
    original = found.original
    if found.follow_up is not FollowUp.CORRECTION or original is None or found.status is AppealStatus.RELEASED:
        return None
    if original.status is AppealStatus.CLOSED or not (mailings := still_carrying(session, original.id)):
        return None
    numbers = ", ".join(map(str, mailings))
    return StillOnItsWay(reference=found.reference, original=original.reference, mailings=numbers)


def _without_early_ones(session: Session, chosen: Sequence[Appeal], *, named: bool) -> list[Appeal]:
    """Leave out what can't be released now, and tell why; refuse all where one of those was named."""
    left = []
    for found in chosen:
        if (fault := _comes_too_early(session, found)) is None:
            left.append(found)
        elif named:
            raise fault
        else:
            warn(str(fault))
    return left


def _open_originals(chosen: Sequence[Appeal], released: Sequence[str]) -> list[str]:
    """List the appeals that were won, as a follow-up says, and still ask people to act."""
    won = [found.original for found in chosen if found.reference in released and found.follow_up is FollowUp.VICTORY]
    return [each.reference for each in won if each is not None and each.status is not AppealStatus.CLOSED]


def _tell_of_open(references: Sequence[str]) -> None:
    for reference in references:
        say(f"{reference} still asks people to act: `newsletter appeal close {reference} --ending won` ends that.")


def _tell(references: Sequence[str], approved: Sequence[str], released: Sequence[str]) -> None:
    for reference in references:
        if reference not in approved and reference not in released:
            say(f"{reference} was approved already.")
    if released:
        say(f"Released {counted(len(released), 'appeal')}: {', '.join(released)}.")
    elif approved:
        say(f"Approved {counted(len(approved), 'appeal')}: {', '.join(approved)}.")
        say("Nothing goes out before `newsletter appeal release`.")
    elif not references:
        say("Nothing waits for approval.")


@click.command()
@click.argument("references", nargs=-1, metavar="REFERENCE...")
@click.option("--all", "everything", is_flag=True, help="Everything that is approved.")
@as_organiser
@pass_context
def release(context: Context, references: tuple[str, ...], everything: bool, organiser: str | None) -> None:
    """Release what was approved: it has a page now, and goes into the next digests."""
    if bool(references) == everything:
        raise click.UsageError("Name the appeals, or give --all.")
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        if everything:
            chosen = [found for found in _every(session) if found.waits_for_release]
        else:
            chosen = [find_appeal(session, each, lock=True) for each in references]
        chosen = _without_early_ones(session, chosen, named=not everything)
        released = [found.reference for found in chosen if found.release(act)]
        still_open = _open_originals(chosen, released)
    for reference in references:
        if reference not in released:
            say(f"{reference} was released already.")
    if released:
        say(f"Released {counted(len(released), 'appeal')}: {', '.join(released)}.")
    elif not references:
        say("Nothing to release.")
    _tell_of_open(still_open)


@click.command()
@click.argument("reference")
@click.option(
    "--ending",
    type=click.Choice([ending.value for ending in Ending]),
    default=Ending.OVER.value,
    show_default=True,
    help="What became of it; its page says so. Of what is withdrawn the page shows nothing.",
)
@click.option("--note", default="", help="Why, for the record; not shown in public.")
@as_organiser
@pass_context
def close(context: Context, reference: str, ending: str, note: str, organiser: str | None) -> None:
    """Close an appeal: it goes into no further mail."""
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        register = Register.writing(session, parts.name_seal)
        act = Act(by=acting(session, organiser), at=parts.clock(), note=register.hide(" ".join(note.split())))
        closed = find_appeal(session, reference, lock=True).close(act, Ending(ending))
    say(f"{reference} is closed." if closed else f"{reference} was closed already.")


@click.command()
@click.argument("reference")
@as_organiser
@pass_context
def reopen(context: Context, reference: str, organiser: str | None) -> None:
    """Open a closed appeal again. It is released at once if it stands here as it was released."""
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        found = find_appeal(session, reference, lock=True)
        found.reopen(act)
        status = found.status.value
    say(f"{reference} is open again: it is {'a draft' if status == 'draft' else status}.")


@click.command()
@click.argument("reference")
@click.option("--diff", is_flag=True, help="Show what each move changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def history(context: Context, reference: str, diff: bool, as_json: bool) -> None:
    """Show who did what with an appeal, and when."""
    with context.parts.database.read() as session:
        register = Register.load(session, context.parts.name_seal)
        found = find_appeal(session, reference)
        first = found.revision - len(found.moves) + 1  # each move raised it by one
        moves = [
            {
                "revision": first + number,
                "move": made.move.value,
                "by": made.by,
                "at": made.at.isoformat(timespec="seconds"),
                "note": register.said(made.note, found.text.language),
                "text": said_all(made.version.content, register, found.text.language),
            }
            for number, made in enumerate(found.moves)
        ]
    if as_json:
        show_json(moves)
    elif diff:
        before: dict[str, Any] = {}
        for made in moves:
            say(f"{made['at']}  {made['move']} by {made['by']}{': ' + made['note'] if made['note'] else ''}")
            say(printable("\n".join(_difference(before, made["text"]))))
            before = made["text"]
    else:
        columns = ("revision", "at", "move", "by", "note")
        show_table(columns, [tuple(str(made[column]) for column in columns) for made in moves])


def _difference(before: dict[str, Any], after: dict[str, Any]) -> Sequence[str]:
    ours, theirs = (_as_lines(each) for each in (before, after))
    lines = difflib.unified_diff(ours, theirs, lineterm="", n=0)
    return [f"  {line}" for line in lines if line[:3] not in {"---", "+++", "@@ "}]


def _as_lines(content: dict[str, Any]) -> list[str]:
    content = content | ({"picture": content["picture"][:8]} if content.get("picture") else {})  # enough to tell apart
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000).splitlines() if content else []


def _every(session: Session) -> list[Appeal]:
    """Give every appeal that is open."""
    query = (
        select(Appeal)
        .where(Appeal.status != AppealStatus.CLOSED)
        .options(selectinload(Appeal.texts))
        .order_by(Appeal.id)
        .with_for_update()
    )
    return list(session.scalars(query))
