"""How a name may be written, and where it stands in a text: word by word, through what a text puts between letters."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from typing import Final
from urllib.parse import unquote

from newsletter.appeals.letters import fold, listed

_WORD: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = re.compile(r"[\s.,'’ʼ`_‐‑–+/%-]{0,3}")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10});")
_LOOKED_THROUGH: Final = frozenset("*`\\")  # what Markdown may put between the letters of a word
_SIGNS: Final = re.compile(r"\*+|`+")
_LEAST: Final = 3  # letters of a part of a name that is hidden by itself
_LEAST_STEM: Final = 4  # letters that a form has before endings may follow it
_LONGEST_ENDING: Final = 4
# What stands in many names and is none.
_PARTICLES: Final = frozenset(listed("abu bin bint binti dal del den der des dos ibn les los mac ould the van von"))


def without_entities(text: str) -> str:
    """Write HTML's entities as the letters that they are; what are none stay."""
    return _ENTITY.sub(_letter, text)


def _letter(entity: re.Match[str]) -> str:
    letter = unescape(entity[0])
    return letter if letter.isalpha() else entity[0]


def unquoted(url: str) -> str:
    """Read what an address says, however often it was percent-encoded."""
    for _ in range(3):
        read = unquote(url)
        if read == url:
            break
        url = read
    return url


def spellings(names: Iterable[str], keep: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """List the words to look for: whole names, both ways round, and each word of them that can be told from others."""
    kept = {key for word in keep for key, _start, _end in words_in(word)}
    for name in names:
        words = tuple(key for key, _start, _end in words_in(name))
        if not words:
            continue
        yield words
        if len(words) > 1:
            yield (words[-1], *words[:-1])
            yield from ((word,) for word in words if _tells(word) and word not in kept)


def _tells(word: str) -> bool:
    return len(word) >= (_LEAST if word.isascii() else _LEAST - 1) and word not in _PARTICLES


def words_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Give each word, folded, with where it begins and ends; signs that nobody sees are looked through."""
    seen, places = [], []
    for place, letter in enumerate(text):
        if letter not in _LOOKED_THROUGH and unicodedata.category(letter) not in {"Mn", "Cf", "Lm"}:
            seen.append(letter)
            places.append(place)
    folded = fold("".join(seen))
    for match in _WORD.finditer(folded):
        end = places[match.end() - 1] + 1
        while end < len(text) and unicodedata.category(text[end]) in {"Mn", "Cf"}:
            end += 1
        yield match[0], places[match.start()], end


def parted(written: str) -> tuple[str, str]:
    """Part what stood for a name into its words, and Markdown's signs that opened or closed something around it.

    `A**hmadi` within `**A**hmadi` gives `Ahmadi` and `**`: what was bold goes on being bold, and nothing is left over.
    """
    signs: list[str] = []
    for run in _SIGNS.findall(written):
        if signs and signs[-1] == run:
            signs.pop()
        else:
            signs.append(run)
    words = "".join(letter for letter in written if letter not in _LOOKED_THROUGH)
    return " ".join(words.split()), "".join(signs)


def stems(key: str) -> Iterator[str]:
    """List what a word may be a form of: itself, without an ending, without an Arabic prefix."""
    yield key
    for ending in range(1, _LONGEST_ENDING + 1):
        if len(key) - ending >= _LEAST_STEM:
            yield key[:-ending]
    if is_arabic(key):
        for prefix in ("و", "ف", "ب", "ل", "ک", "لل", "وب", "ول"):
            if key.startswith(prefix) and len(key) - len(prefix) >= _LEAST - 1:
                yield key[len(prefix) :]


def is_arabic(key: str) -> bool:
    """Say whether a word is in Arabic letters, where what others write before a word is written onto it."""
    return "\u0600" <= key[:1] <= "\u06ff"


def follow(text: str, here: Sequence[tuple[str, int, int]], wanted: Sequence[str]) -> bool:
    """Say whether words of a text stand together as the words of a name do; only its last may have an ending.

    Args:
        text: where they stand.
        here: as many of its words, from `words_in`; the first is known to fit.
        wanted: the name's words.
    """
    for number in range(1, len(wanted)):
        key, start, _end = here[number]
        if not _BETWEEN.fullmatch(text[here[number - 1][2] : start]):
            return False
        last = number == len(wanted) - 1
        if key != wanted[number] and not (last and wanted[number] in stems(key)):
            return False
    return True
