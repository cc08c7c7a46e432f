"""`newsletter appeal picture`: what an appeal shows."""

from pathlib import Path

import click

from newsletter.appeals.history import Move
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Act
from newsletter.appeals.names import Register
from newsletter.appeals.organisers import acting
from newsletter.appeals.pictures import keep_picture, read_picture
from newsletter.cli.appeal_editing import at_revision
from newsletter.cli.context import Context, as_organiser, pass_context
from newsletter.cli.screen import counted, progress, say


@click.command("picture")
@click.argument("reference")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from-source", type=click.IntRange(1), help="Fetch one that the source shows; `appeal show` numbers them."
)
@click.option("--alt", help="What it shows, for those who don't see it; in the first text's language.")
@click.option("--credit", help="Who made it, the name alone.")
@click.option("--remove", is_flag=True, help="Take the picture away.")
@at_revision
@as_organiser
@pass_context
def picture(
    context: Context,
    reference: str,
    file: Path | None,
    from_source: int | None,
    alt: str | None,
    credit: str | None,
    remove: bool,
    revision: int | None,
    organiser: str | None,
) -> None:
    """Give an appeal a picture. It is made anew: place, time and camera that a photograph tells stay here."""
    if sum((file is not None, from_source is not None, remove)) != 1:
        raise click.UsageError("Give a file, --from-source, or --remove.")
    place = str(file)
    parts = context.parts
    if from_source is not None:
        with parts.database.read() as session:
            listed = find_appeal(session, reference).text.pictures
        if from_source > len(listed):
            raise click.BadParameter(f"the source shows {counted(len(listed), 'picture')}", param_hint="--from-source")
        place, alt = listed[from_source - 1]["url"], alt or listed[from_source - 1]["alt"]
    if not remove and not alt:
        raise click.UsageError("Say what the picture shows (--alt): some can't see it, and many mail programs hide it.")
    content = b""
    if from_source is not None:
        with parts.web_fetch(robots=False, pause_s=0) as web, progress(f"Fetching {place}"):
            content = web(place).content
    elif file is not None:
        content = read_picture(file)
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        register = Register.writing(session, parts.name_seal)
        found = find_appeal(session, reference, lock=True)
        found.expect(revision)
        kept = None if remove else keep_picture(session, content, place=place)
        found.reopen_for_edit()
        found.picture = kept.content_hash if kept else ""
        found.text.picture_alt = register.hide(alt or "")
        found.picture_credit = register.hide(credit or "")
        found.written(Move.EDITED, act)
    if kept is None:
        say(f"{reference} has no picture any more. It waits for approval.")
    else:
        size = f"{kept.width} × {kept.height}, {len(kept.content):,} bytes"
        say(f"{reference} has a picture now: {size}. It waits for approval.")
