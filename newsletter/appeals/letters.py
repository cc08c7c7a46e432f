"""Languages and their letters: what readers compare words with."""

import functools
import re
import unicodedata

from babel import Locale, UnknownLocaleError

# Languages that readers try where a text doesn't say its own. The order is that of trying.
KNOWN = (
    "en",
    "es",
    "fr",
    "de",
    "it",
    "pt",
    "nl",
    "ru",
    "uk",
    "pl",
    "el",
    "tr",
    "ar",
    "fa",
    "ku",
    "ckb",
    "kk",
    "sv",
    "da",
)

# Letters that one word is written with in several ways: Persian and Arabic keyboards, alef with and without hamza.
_SAME = {"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ی", "ı": "i"}


class _Folding(dict[int, str]):
    """A table for `str.translate` that fills itself with the letters that it meets."""

    def __missing__(self, code: int) -> str:
        self[code] = _folded(chr(code))
        return self[code]


def _folded(letter: str) -> str:
    if letter in _SAME:
        return _SAME[letter]
    if letter in "йЙ":  # a letter of its own, no accented и: endings hang on it
        return "й"
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    bare = unicodedata.normalize("NFD", letter)[0]
    return _SAME.get(bare, bare.lower()[0])


def fold(text: str) -> str:
    """Take case, accents and ways of writing digits out of a text.

    Args:
        text: in NFC.

    Returns:
        As many characters as came in, so that places found in the one are places in the other.
    """
    return text.translate(_folding())


@functools.cache
def _folding() -> _Folding:
    return _Folding()


def primary(tag: str) -> str:
    """Tell the language of a BCP 47 tag without its region: `en` for `en-GB`; `en` too where there is none.

    Kurmanji's own code, `kmr`, is given as `ku`, as CLDR and most sites have it.
    """
    found = re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", tag)
    code = found[1].lower() if found else "en"
    return "ku" if code == "kmr" else code


@functools.cache
def locale(tag: str) -> Locale | None:
    """Find CLDR's data for a tag, or for its language alone; None where CLDR has none."""
    for candidate in (tag.strip().replace("-", "_"), primary(tag)):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return None


def listed(text: str) -> tuple[str, ...]:
    """Write a list of words as they stand in a sentence: `listed("th thumb logo")`."""
    return tuple(text.split())
