"""Tells what a source announces anew from what is known of it, by every name that each thing has."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from newsletter.appeals.item import same_thing
from newsletter.appeals.reading import Found, Reading
from newsletter.appeals.source import EntryState, SourceEntry, SourceName


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Something that a reading holds.

    Attributes:
        found: it.
        entry_id: what it is known as; 0 where it is new.
        names: those of its names that nothing is known by yet.
        changed: whether it was taken in, and says something else now.
        renewed: whether it is held, and says something else now.
    """

    found: Found
    entry_id: int
    names: tuple[str, ...]
    changed: bool
    renewed: bool


def look(session: Session, number: int, reading: Reading) -> list[Seen]:
    """Tell what is new from what is known, by every name that it has; what stands there twice is taken once."""
    if not reading.found:
        return []
    names = select(SourceName.name, SourceName.entry_id).where(SourceName.source_id == number)
    by_name: dict[str, int] = {row.name: row.entry_id for row in session.execute(names)}
    names_of: dict[int, set[str]] = defaultdict(set)
    for name, entry_id in by_name.items():
        names_of[entry_id].add(name)
    entries = select(SourceEntry.id, SourceEntry.said_hash, SourceEntry.state).where(SourceEntry.source_id == number)
    known = {row.id: row for row in session.execute(entries)}

    def same(one: Found) -> int | None:
        numbers = (by_name[name] for name in one.names if name in by_name)
        return next((each for each in numbers if same_thing(one.names, names_of[each])), None)

    matched = [same(one) for one in reading.found]
    still_there = set(matched)
    seen: list[Seen] = []
    for place, (one, before) in enumerate(zip(reading.found, matched, strict=True), start=1):
        found_as = same(one) if before is None else before
        entry_id = 0 if found_as is None else found_as
        if found_as is None:
            # Another guid and another address, but the same date and title: if nothing else here is what we knew by
            # these, the site was rebuilt.
            moved = by_name.get(one.weak_name, 0)
            entry_id = moved if moved > 0 and moved not in still_there else 0
            still_there.add(entry_id)
        free = tuple(name for name in one.names if name not in by_name)
        if entry_id >= 0:
            row = known.get(entry_id)
            otherwise = row.state if row is not None and row.said_hash != one.said_hash else None
            seen.append(
                Seen(
                    found=one,
                    entry_id=entry_id,
                    names=free,
                    changed=otherwise is EntryState.TAKEN,
                    renewed=otherwise is EntryState.HELD,
                )
            )
        for name in free:  # those of this reading are known by numbers below zero
            by_name[name] = entry_id or -place
            names_of[entry_id or -place].add(name)
    return seen


def name_entries(session: Session, number: int, known_as: Sequence[tuple[int, Seen]]) -> None:
    """Know entries by all their names; one that another entry has stays with that."""
    names = [
        {"source_id": number, "name": name, "entry_id": entry_id} for entry_id, one in known_as for name in one.names
    ]
    if names:
        session.execute(insert(SourceName), names)
