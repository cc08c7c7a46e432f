"""Which countries an appeal is about, matched against the names that countries and their people really have.

Names come from CLDR (through Babel) in the text's language and in English; `country_names.py` adds what CLDR hasn't:
adjectives, former and common names, and names that only look like a country's.
"""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.appeals.country_names import (
    ADJECTIVES,
    ENDINGS,
    GIVEN_NAMES,
    HEADLINE_NAMES,
    NAMES,
    NO_COUNTRY,
    NO_TERRITORY,
    ONLY_AFTER,
    PERSONS_TOO,
    SPLIT_NAMES,
)
from newsletter.appeals.letters import KNOWN, fold, locale, primary

_MOST = 5  # countries that are proposed; who names more means the world
_LONGEST = 20_000  # characters that are looked at
_MARKS = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670]")
_WORD = re.compile(r"[^\W\d_]+")
_TOGETHER = re.compile(r"[\s.,'’ʼ`\u200c‐‑–-]{0,3}")  # what may stand between the words of one name


@dataclass(frozen=True, kw_only=True)
class _Word:
    written: str
    key: str
    before: str  # what stands between this word and the one before


@dataclass(frozen=True, kw_only=True)
class _Name:
    """A name's words, stemmed; `code` is empty for what is no country ('Latin American')."""

    words: tuple[str, ...]
    code: str
    capital: bool
    upper: bool = False
    adjective: bool = False


def propose_countries(title: str, teaser: str, language: str = "en") -> tuple[str, ...]:
    """Propose which countries an appeal is about; an organiser decides.

    The title decides. Only if it names none does the teaser, and there only the country named most often, the
    earliest among equals: what a teaser mentions in passing is not what it is about.

    Args:
        title: one line.
        teaser: plain text.
        language: BCP 47 tag of both. English names are understood in every language.

    Returns:
        ISO 3166 alpha-2 (and CLDR's XK for Kosovo), in order of weight; empty if none is named.
    """
    in_title = _named(title, language)
    if in_title:
        return tuple(code for code, _ in in_title.most_common(_MOST))
    return tuple(code for code, _ in _named(teaser, language).most_common(1))


def country_code(text: str, language: str = "en") -> str | None:
    """Understand what a person wrote for a country in a field of its own.

    Args:
        text: a code or a name, in this language, in English or in any other that readers know.
        language: BCP 47 tag; decides where languages differ.

    Returns:
        ISO 3166 alpha-2 in upper case; None for what is no country, or could be two ('Congo').
    """
    wanted = " ".join(unicodedata.normalize("NFC", text[:200]).split())
    if re.fullmatch(r"[A-Za-z]{2}", wanted):
        upper = {"UK": "GB", "EL": "GR"}.get(wanted.upper(), wanted.upper())
        return upper if upper in _codes() else None
    key = _joined(wanted)
    if key in SPLIT_NAMES:
        return None
    for each in dict.fromkeys((primary(language), "en", *KNOWN)):
        if code := _by_whole_name(each).get(key):
            return code
    return None


def _named(text: str, language: str) -> Counter[str]:
    """Count the countries that a text names; equal counts stand in order of appearance."""
    language = primary(language)
    words = _words(text)
    shouted = not any(letter.islower() for letter in text)
    counts: Counter[str] = Counter()
    at = 0
    while at < len(words):
        name = _name_at(words, at, language, shouted=shouted)
        if name is None:
            at += 1
            continue
        if name.code and not _means_another(words, at, name, language):
            counts[_which_congo(name, words)] += 1
        at += len(name.words)
    return counts


def _words(text: str) -> list[_Word]:
    text = _MARKS.sub("", unicodedata.normalize("NFC", text[:_LONGEST]))
    found, end = [], 0
    for match in _WORD.finditer(text):
        found.append(_Word(written=match[0], key=fold(match[0]), before=text[end : match.start()]))
        end = match.end()
    return found


def _name_at(words: list[_Word], at: int, language: str, *, shouted: bool) -> _Name | None:
    """Find the longest name that begins with this word."""
    for tongue in dict.fromkeys((language, "en")):
        lexicon = _lexicon(tongue)
        candidates = [name for key in _readings(words[at].key, tongue) for name in lexicon.get(key, ())]
        for name in sorted(candidates, key=lambda each: -len(each.words)):
            if _stands_at(name, words, at, tongue, shouted=shouted):
                return name
    return None


def _stands_at(name: _Name, words: list[_Word], at: int, language: str, *, shouted: bool) -> bool:
    here = words[at : at + len(name.words)]
    if len(here) < len(name.words) or not all(_TOGETHER.fullmatch(word.before) for word in here[1:]):
        return False
    for word, wanted in zip(here[1:], name.words[1:], strict=True):
        if wanted not in _readings(word.key, language):
            return False
    first = here[0].written
    if name.upper:
        return not shouted and all(word.written.isupper() for word in here)
    return not (name.capital and first[0].islower())


def _means_another(words: list[_Word], at: int, name: _Name, language: str) -> bool:
    """Tell whether a name stands for something else here: a person, a language."""
    before = words[at - 1] if at else None
    beside = before is not None and not words[at].before.strip()
    key = words[at].key
    only_after = ONLY_AFTER.get(language, {}).get(key) or ONLY_AFTER.get(language, {}).get(name.words[0])
    if only_after and len(name.words) == 1:
        return not (beside and before is not None and before.key in only_after)
    if key in PERSONS_TOO and len(name.words) == 1:
        if beside and before is not None and before.key in GIVEN_NAMES and before.written[0].isupper():
            return True
        if key in GIVEN_NAMES:
            return _is_given_name(words, at)
    return name.adjective and language == "en" and _is_a_language(words, at)


def _is_given_name(words: list[_Word], at: int) -> bool:
    """Tell 'Chad Smith arrested' from 'Chad Teachers on Strike': in prose, a surname is the next capital."""
    rest = words[at + 1 :]
    if not rest or rest[0].before.strip() or not rest[0].written[0].isupper() or rest[0].written.isupper():
        return False
    if rest[0].key in HEADLINE_NAMES:
        return False
    long = [word.written for word in rest[1:8] if len(word.written) > 3]
    return not long or sum(word[0].isupper() for word in long) / len(long) < 0.7


def _is_a_language(words: list[_Word], at: int) -> bool:
    """Tell 'in English' and 'the Spanish translation' from 'in Spanish prisons'."""
    after = words[at + 1] if at + 1 < len(words) else None
    ends = after is None or re.search(r"[.,;:!?)\]\n]", after.before) is not None or after.key in {"and", "or", "at"}
    if at and words[at - 1].key in {"in", "into", "speak", "speaks"} and ends:
        return True
    return after is not None and after.key in {"language", "translation", "translations", "version", "speaking"}


def _which_congo(name: _Name, words: list[_Word]) -> str:
    """Decide on a bare 'Congo' by the towns that the text names; without any, the one of 100 million people."""
    if " ".join(name.words) not in SPLIT_NAMES:
        return name.code
    towns = {word.key for word in words}
    return "CG" if towns & {"brazzaville", "pointe", "noire", "браззавиль"} and "kinshasa" not in towns else name.code


def _readings(key: str, language: str) -> tuple[str, ...]:
    """List what a word may be a form of: itself, its stem, and in Arabic what is left without its prefixes."""
    if language == "ar":
        return _arabic_readings(key)
    if language == "kk":
        return tuple(dict.fromkeys((key, *(key[:length] for length in range(len(key) - 1, 3, -1)))))
    return (key, stem) if (stem := _stem(key, language)) != key else (key,)


def _arabic_readings(key: str) -> tuple[str, ...]:
    """Take 'and', 'so', 'in', 'to', 'like' and the article off: والمغربية is read as مغربیه too."""
    found = [key]
    for prefix in ("و", "ف", "ب", "ل", "ک", "وب", "ول", "وک", "لل", "ولل"):
        if key.startswith(prefix) and len(key) - len(prefix) >= 3:
            rest = key[len(prefix) :]
            found.extend((rest, f"ال{rest}") if prefix.endswith("لل") else (rest,))
    found.extend(each[2:] for each in tuple(found) if each.startswith("ال") and len(each) >= 5)
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=8192)
def _stem(key: str, language: str) -> str:
    """Take a word's ending off, as far as it is one of the language's; used on names and on texts alike."""
    endings, again = ENDINGS.get(language, ((), False))
    while True:
        ending = next((each for each in endings if key.endswith(each) and len(key) - len(each) >= 4), "")
        if not ending:
            return key
        key = key[: -len(ending)]
        if not again:
            return key


@functools.cache
def _lexicon(language: str) -> dict[str, list[_Name]]:
    """Collect everything that a text in this language may call a country, by its first word."""
    found: dict[str, list[_Name]] = {}
    for name in _names_in(language):
        known = found.setdefault(name.words[0], [])
        same = next((each for each in known if each.words == name.words and each.upper == name.upper), None)
        if same is None:
            known.append(name)
        elif same.code == name.code and same.capital and not name.capital:
            known[known.index(same)] = name  # 'Turchia' and 'turche' have one stem; the looser of both decides
    return found


def _names_in(language: str) -> Iterator[_Name]:
    """List a language's names, those first that win over others of the same words."""

    def name(text: str, code: str, *, capital: bool, upper: bool = False, adjective: bool = False) -> _Name:
        words = tuple(_stem(word.key, language) for word in _words(text))
        return _Name(words=words, code=code, capital=capital, upper=upper, adjective=adjective)

    for text in filter(str.strip, NO_COUNTRY.get(language, "").split(",")):
        yield name(text, "", capital=False)
    for code, text in _table(NAMES.get(language, "")):
        yield name(text, code, capital=True, upper=text.isupper() and text.isascii() and len(text) <= 6)
    for code, text in _territories(language):
        yield name(text, code, capital=True)
    for code, text in _table(ADJECTIVES.get(language, "")):
        yield name(text, code, capital=language in {"en", "nl", "tr"}, adjective=True)
        if language == "en":
            yield name(f"{text}s", code, capital=True)
    if language == "ar":
        for code, text in (*_territories(language), *_table(NAMES["ar"])):
            for nisba in _nisbas(text):
                yield name(nisba, code, capital=False, adjective=True)


def _nisbas(name: str) -> list[str]:
    """Form Arabic adjectives from a name of one word: تركيا gives ترکی, ترکیه, ترکیون (folded)."""
    key = _joined(name)
    if " " in key:
        return []
    base = key[2:] if key.startswith("ال") and len(key) >= 5 and not key.startswith("المان") else key
    base = re.sub(r"(?:یا|ا|ه)$", "", base)
    return [base + ending for ending in ("ی", "یه", "یون", "یین", "یات")] if len(base) >= 3 else []


@functools.cache
def _territories(language: str) -> tuple[tuple[str, str], ...]:
    """List CLDR's country names in a language, each also without what stands in brackets, and what stands there."""
    known = locale(language)
    found = []
    for code, name in sorted(known.territories.items()) if known else ():
        if code in _codes():
            bracketed = re.search(r"\(([^)]*)\)", name)
            plain = re.sub(r"\s*\([^)]*\)", "", name)
            # 'Myanmar (Burma)' has two names; 'Hong Kong SAR China' is Hong Kong, and no name of China's.
            plain = re.sub(r"\s+(?:SAR\s+China|S\.?A\.?R\.?.*|RAE de .*|RAS chinoise de .*)$", "", plain)
            found.append((code, plain))
            if bracketed and code == "MM":
                found.append((code, bracketed[1]))
            if " & " in plain:
                found.append((code, plain.replace(" & ", " and ")))
    return tuple(found)


@functools.cache
def _codes() -> frozenset[str]:
    english = locale("en")
    names = english.territories if english else {}
    return frozenset(code for code in names if re.fullmatch(r"[A-Z]{2}", code) and code not in NO_TERRITORY)


@functools.cache
def _table(text: str) -> tuple[tuple[str, str], ...]:
    """Read `CODE name, name; CODE name`."""
    found: list[tuple[str, str]] = []
    for entry in filter(str.strip, text.split(";")):
        code, names = entry.split(maxsplit=1)
        found.extend((code, " ".join(name.split())) for name in names.split(",") if name.strip())
    return tuple(found)


@functools.cache
def _by_whole_name(language: str) -> dict[str, str]:
    """Names and adjectives in full, for fields that hold nothing else."""
    found: dict[str, str] = {}
    for source in (_territories(language), _table(NAMES.get(language, "")), _table(ADJECTIVES.get(language, ""))):
        for code, text in source:
            if _joined(text) not in SPLIT_NAMES:
                found.setdefault(_joined(text), code)
    return found


def _joined(text: str) -> str:
    return " ".join(word.key for word in _words(text) if word.key not in {"the", "and"})
