"""Text with bold, italic and links in it, written as Markdown that reads back as the same text.

What HTML nests in any way is a flat row of runs here, each with all that holds for it. Where Markdown has no way of
emphasising a part (`**Note:**text` would show its asterisks), punctuation leaves the emphasis, or else that is dropped:
words go before looks.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

_SPECIAL: Final = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])|<(?=[^\s<])|&(?=#?\w{1,40};)")
_BLOCK_BEGINS: Final = re.compile(r"#{1,6}(?:\s|$)|[-+](?:\s|$)|[-\s]+$|=+\s*$|>|~~~")
_NUMBERED: Final = re.compile(r"(\d{1,9})(?=[.)](?:\s|$))")
_PICTURE: Final = re.compile(r"\\.|(`+)[^`].*?(?<!`)\1(?!`)|!(?=\[)", re.DOTALL)
_IN_ADDRESS: Final = {ord(letter): f"%{ord(letter):02X}" for letter in '()<>[]"`{}|\\^*'}
_SHOWN_AS_IT_IS: Final = re.compile(r"(?:https?|mailto):[A-Za-z0-9:/.?=&%#@_~+,-]+")
_ENTITY: Final = re.compile(r"&(?=#?\w{1,40};)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A piece of a paragraph.

    Attributes:
        text: plain text; a line break is a run of its own.
        strong, em, code: how it is emphasised.
        href: where it links, an absolute address, or empty.
    """

    text: str
    strong: bool = False
    em: bool = False
    code: bool = False
    href: str = ""


def written(runs: Sequence[Run]) -> str:
    """Write a paragraph as Markdown: one line, or several where it has breaks. Empty if it has no words."""
    source = _pieces(list(_settled(list(_tidy(runs)))), lambda run: run.href, _linked, "", "")
    source = _PICTURE.sub(lambda found: "\\!" if found[0] == "!" else found[0], source)
    return "\\\n".join(_as_no_block(line) for line in source.split("\n"))


def escaped(text: str) -> str:
    """Escape what Markdown would take for marks."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _as_no_block(line: str) -> str:
    """Escape what would make a list, a heading or a rule of a line."""
    if numbered := _NUMBERED.match(line):
        return f"{numbered[0]}\\{line[numbered.end() :]}"
    return f"\\{line}" if _BLOCK_BEGINS.match(line) else line


def _tidy(runs: Sequence[Run]) -> Iterator[Run]:
    """Make single spaces of all space, none at the ends or beside a break; what is between runs is a run of its own."""
    waiting = ""
    begun = False
    for run in runs:
        words = " ".join(run.text.split())
        if run.text == "\n":
            waiting = "\n"
        elif run.text[:1].isspace():
            waiting = waiting or " "
        if not words:
            continue
        if waiting and begun:
            yield Run(text=waiting)
        begun = True
        waiting = " " if run.text[-1:].isspace() else ""
        # In a link there is no code: its brackets couldn't be escaped.
        yield run if run.text == words and not run.code else replace(run, text=words, code=run.code and not run.href)


def _settled(runs: list[Run]) -> Iterator[Run]:
    """Let space take part in what holds on both its sides; let punctuation leave emphasis that ends beside a letter."""
    for at, run in enumerate(runs):
        before = runs[at - 1] if at else None
        after = runs[at + 1] if at + 1 < len(runs) else None
        if run.text.isspace() and before and after:
            yield Run(
                text=run.text,
                strong=before.strong and after.strong,
                em=before.em and after.em,
                code=before.code and after.code and run.text == " ",
                href=before.href if before.href == after.href else "",
            )
            continue
        text = run.text
        if before and _loses(run, before) and _is_word(before.text[-1]) and not run.code:
            inner = text.lstrip("".join(letter for letter in set(text) if _is_mark(letter)))
            if inner and len(inner) < len(text):
                yield replace(run, text=text[: len(text) - len(inner)], strong=False, em=False)
                text = inner
        tail = ""
        if after and _loses(run, after) and _is_word(after.text[0]) and not run.code:
            inner = text.rstrip("".join(letter for letter in set(text) if _is_mark(letter)))
            if inner:
                text, tail = inner, text[len(inner) :]
        yield run if text == run.text else replace(run, text=text)
        if tail:
            yield replace(run, text=tail, strong=False, em=False)


def _loses(run: Run, neighbour: Run) -> bool:
    return (run.strong and not neighbour.strong) or (run.em and not neighbour.em)


def _pieces(
    runs: Sequence[Run],
    key: Callable[[Run], object],
    write: Callable[[list[Run], str, str], str],
    before: str,
    after: str,
) -> str:
    """Write groups of runs one after the other, each with the letter on both its sides in mind."""
    groups = [list(group) for _, group in groupby(runs, key=key)]
    parts: list[str] = []
    for at, group in enumerate(groups):
        then = groups[at + 1][0].text[:1] if at + 1 < len(groups) else after
        parts.append(write(group, parts[-1][-1:] if parts else before, then))
    return "".join(parts)


def _linked(group: list[Run], before: str, after: str) -> str:
    href = group[0].href
    if not href:
        return _pieces(group, lambda run: run.strong, _strong, before, after)
    words = "".join(run.text for run in group)
    if words in {href, href.removeprefix("mailto:")} and _SHOWN_AS_IT_IS.fullmatch(href):
        return f"<{words}>"
    address = _ENTITY.sub("%26", href.translate(_IN_ADDRESS))
    return f"[{_pieces(group, lambda run: run.strong, _strong, '[', ']')}]({address})"


def _strong(group: list[Run], before: str, after: str) -> str:
    inner = _pieces(group, lambda run: run.em, _em, before, after)
    return _marked("**", inner, before, after) if group[0].strong else inner


def _em(group: list[Run], before: str, after: str) -> str:
    inner = "".join(_code(run.text) if run.code else escaped(run.text) for run in _joined(group))
    return _marked("*", inner, before, after) if group[0].em else inner


def _joined(group: list[Run]) -> Iterator[Run]:
    for code, runs in groupby(group, key=lambda run: run.code):
        yield Run(text="".join(run.text for run in runs), code=code)


def _code(text: str) -> str:
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    space = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{'`' * (longest + 1)}{space}{text}{space}{'`' * (longest + 1)}"


def _marked(mark: str, inner: str, before: str, after: str) -> str:
    """Emphasise, if CommonMark will see it so (0.31, 6.2): never beside another mark, only at a word's border."""
    core = inner.strip("*")
    if not core or before == "*" or core[0].isspace() or core[-1].isspace():
        return inner
    opens = not _is_mark(core[0]) or not before or before.isspace() or _is_mark(before)
    closes = not _is_mark(core[-1]) or not after or after.isspace() or _is_mark(after)
    return f"{mark}{inner}{mark}" if opens and closes else inner


def _is_word(letter: str) -> bool:
    return not letter.isspace() and not _is_mark(letter)


def _is_mark(letter: str) -> bool:
    """Tell punctuation as CommonMark has it: ASCII's, and Unicode's categories P and S."""
    return unicodedata.category(letter)[0] in "PS"
