"""Markdown that is written block by block: paragraphs, headings, lists and quotes within each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from newsletter.appeals.letters import fold
from newsletter.appeals.sources.prose import BODY_LONGEST, plain
from newsletter.appeals.sources.runs import Run, written
from newsletter.appeals.sources.wording import is_read_more

RULE: Final = "* * *"
_DEEPEST: Final = 6  # lists in quotes in lists: further in, all is one level
_MOST_OPENING: Final = 20  # paragraphs
_APPEARED: Final = re.compile(r"The post .{1,500} (?:appeared first on|first appeared on) .{1,300}", re.DOTALL)


@dataclass(kw_only=True)
class _Holder:
    """A quote or an item of a list, with what its lines begin with."""

    depth: int
    first: str
    rest: str
    begun: bool = False
    count: int = 0  # of blocks in it


@dataclass(kw_only=True)
class _List:
    depth: int
    mark: str
    number: int | None


class Blocks:
    """Takes blocks in their order, and writes them.

    Attributes:
        opening: the paragraphs that it began with, one plain line each.
        said: the first blocks of any kind, one plain line each.
    """

    def __init__(self, title: str) -> None:
        """Begin a text.

        Args:
            title: what is known to be its title; a first line that only says it again is left out.
        """
        self.opening: list[str] = []
        self.said: list[str] = []
        self._title = fold(title)
        self._lines: list[str] = []
        self._length = 0
        self._holders: list[_Holder] = []
        self._lists: list[_List] = []
        self._opens = True  # whether only paragraphs were written as yet
        self._tight = False  # whether the next block follows without an empty line
        self._last_list = ("", -1)  # the mark and place of the list that ended last

    @property
    def is_full(self) -> bool:
        """Whether there is more than a body may have."""
        return self._length > BODY_LONGEST

    def markdown(self) -> str:
        """Give all that was written."""
        text = "\n".join(self._lines).strip("\n")
        if self.is_full:
            text = text[: text.rfind("\n\n", 0, BODY_LONGEST - 3)] if "\n\n" in text[:BODY_LONGEST] else ""
            text += "\n\n…"
        return text.strip("\n")

    def begin_list(self, depth: int, *, ordered: bool, start: str) -> None:
        """Begin a list.

        Args:
            depth: of the element, by which its end is told.
            ordered: whether its items are numbered.
            start: the first number, as it stands there.
        """
        number = None
        if ordered:
            number = int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 1
        mark = "." if ordered else "-"
        if self._last_list == (mark, len(self._lines)):  # two lists in a row would be one
            mark = ")" if ordered else "+"
        self._lists.append(_List(depth=depth, mark=mark, number=number))
        holder = self._holders[-1] if self._holders else None
        self._tight = holder is not None and holder.first != "> " and holder.count == 1 and (number or 1) == 1

    def begin_item(self, depth: int) -> None:
        """Begin an item of the list that began last, or of none."""
        if not self._lists:
            self._lists.append(_List(depth=max(depth - 1, 0), mark="-", number=None))
        of = self._lists[-1]
        if of.number is None:
            bullet = f"{of.mark} "
        else:
            bullet = f"{of.number}{of.mark} "
            of.number += 1
        self._hold(depth, bullet, " " * len(bullet))

    def begin_quote(self, depth: int) -> None:
        """Begin a quote."""
        self._hold(depth, "> ", "> ")

    def end(self, depth: int, *, item: bool) -> None:
        """End the list, item or quote that began at this depth, if one did."""
        if self._holders and self._holders[-1].depth == depth:
            self._tight = self._holders.pop().begun and bool(self._lists) and item
        if self._lists and self._lists[-1].depth == depth:
            self._last_list = (self._lists.pop().mark, len(self._lines))
            self._tight = False

    def paragraph(self, runs: Sequence[Run], *, heading: int = 0, table: bool = False) -> None:
        """Write a paragraph, or a heading of a level from 1; nothing where it has no words."""
        if not any(run.text.strip() for run in runs):
            return
        text = written(runs)
        line = " ".join("".join(run.text for run in runs).split())
        if not text or self._is_furniture(line, runs):
            return
        opens = not (heading or self._holders or table)
        if self._opens and opens and len(self.opening) < _MOST_OPENING:
            self.opening.append(line)
        if len(self.said) < _MOST_OPENING:
            self.said.append(line)
        self._write([_headed(text, heading)] if heading else text.split("\n"), opens=opens)

    def rule(self) -> None:
        """Write a rule."""
        self._write([RULE])

    def fence(self, text: str) -> None:
        """Write text that keeps its lines and spaces."""
        lines = [line.rstrip() for line in plain(text).expandtabs(4).strip("\n").split("\n")]
        if any(lines):
            ticks = "`" * max(3, *(len(found) + 1 for found in re.findall("`+", text) or ("",)))
            self._write([ticks, *lines, ticks])

    def _hold(self, depth: int, first: str, rest: str) -> None:
        if len(self._holders) < _DEEPEST:
            self._holders.append(_Holder(depth=depth, first=first, rest=rest))

    def _is_furniture(self, line: str, runs: Sequence[Run]) -> bool:
        """Tell a line that is none of the text: its title once more, 'Read more', WordPress's own footer."""
        if not self._lines and self._title and fold(line) == self._title:
            return True
        return _APPEARED.fullmatch(line) is not None or (bool(runs[-1].href) and is_read_more(line))

    def _write(self, lines: list[str], *, opens: bool = False) -> None:
        """Write a block's lines, each with what its holders begin lines with."""
        if self._lines and not self._tight:
            self._lines.append("".join(holder.rest if holder.begun else "" for holder in self._holders).rstrip())
        self._tight = False
        self._opens = self._opens and opens
        for line in lines:
            prefix = "".join(holder.rest if holder.begun else holder.first for holder in self._holders)
            for holder in self._holders:
                holder.begun = True
            self._lines.append((prefix + line).rstrip())
            self._length += len(self._lines[-1]) + 1
        for holder in self._holders:
            holder.count += 1


def _headed(text: str, level: int) -> str:
    """Write a heading; signs at its end would close it, and not be shown."""
    core = text.rstrip("#")
    closing = len(text) - len(core)
    is_escaped = (len(core) - len(core.rstrip("\\"))) % 2 == 1
    ending = "\\#" * closing
    return f"{'#' * level} {core}{ending[1:] if is_escaped else ending}"
