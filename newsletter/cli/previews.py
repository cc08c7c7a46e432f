"""Writes mails into files, as one reader would get them, to be looked at before anything is sent."""

from collections.abc import Mapping
from pathlib import Path

from newsletter.editions.message import Composed
from newsletter.editions.slots import Slot, fill
from newsletter.wiring import Parts


def nobodys_slots(parts: Parts, language: str, *, name: str = "") -> Mapping[Slot, str]:
    """Give what stands in a preview's slots: nobody has the number 0, so no link in it takes a reader off the list."""
    return parts.links.personal(subscriber_id=0, epoch=0, name=name, address="", message_id="", language=language).slots


def write_preview(folder: Path, name: str, composed: Composed, slots: Mapping[Slot, str]) -> list[Path]:
    """Write `name.txt` and, where there is HTML, `name.html`; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.txt"]
    written[0].write_text(fill(composed.text, slots, html=False), encoding="utf-8")
    page = folder / f"{name}.html"
    if composed.html is None:
        page.unlink(missing_ok=True)  # one of another time would be taken for this mail's
    else:
        page.write_text(fill(composed.html, slots, html=True), encoding="utf-8")
        written.append(page)
    return written
