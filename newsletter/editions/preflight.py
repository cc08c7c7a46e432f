"""Looks a mail over before it is launched: what stops it, and what somebody should look at.

It reads what is really sent, HTML, text and subject with their slots filled, and what the appeals say.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from lxml import html as lxml_html

from newsletter.editions.body import links_left_out
from newsletter.editions.contrast import pale_places
from newsletter.editions.message import LONGEST, Composed
from newsletter.editions.slots import Slot, fill
from newsletter.editions.view import AppealView

CUT_AT = 102_000
LONGEST_STYLE = 16_000  # bytes: Gmail drops a longer <style>
LONGEST_SUBJECT = 78  # characters; most inboxes show fewer
# LIX, of which law texts have more; only for languages in which people have found what is hard.
HARDEST = {"en": 60, "de": 65, "fr": 60, "es": 60, "it": 65, "pt": 62}
FEWEST_WORDS = 50  # below, LIX says nothing
SHOUTED = 0.6  # of a line's letters in capitals

_FILLED = dict.fromkeys(Slot, "https://example.org/x")
_OURS = re.compile(r"~(?:slot|part)\.|\{name-\d", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{|\}\}|\{%|%\([a-z_]+\)s")
_PLACEHOLDER = re.compile(r"\b(?i:lorem ipsum)\b|\b(?:TODO|FIXME|XXX+)\b|\[(?i:name|date|link|title|placeholder)\]")
_SPAM = re.compile(
    r"\bclick here\b|\bact now\b|\b100 ?% free\b|\bfree money\b|\byou(?:'ve| have) won\b|\bno obligation\b"
    r"|\${3,}|!{2,}|\bdear (?:sirs?|madam)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:;…]+(?=\s|$)")
_WORD = re.compile(r"[^\W\d_]+")
_NO_LIX = re.compile(r"[\u0590-\u08ff\u0e00-\u0e7f\u3040-\u9fff]")  # scripts in which a long word says nothing


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"  # stops a launch
    WARNING = "warning"  # is shown


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """Something about a mail.

    Attributes:
        level: how bad it is.
        check: which check found it, in a word or two with a line between: `missing-alt`.
        where: which mail or appeal.
        words: one sentence.
    """

    level: Level
    check: str
    where: str
    words: str


def look_over(composed: Composed, *, where: str) -> list[Finding]:
    """Look over a mail as it is sent.

    Args:
        composed: the edition, its slots still open.
        where: how to name it to a person.
    """
    found = [*_subject(composed.subject), *_text(fill(composed.text, _FILLED, html=False))]
    if composed.html is not None:
        found += _page(fill(composed.html, _FILLED, html=True))
    return [Finding(level=level, check=check, where=where, words=words) for level, check, words in dict.fromkeys(found)]


def look_at_words(appeal: AppealView, *, today: date, at_once: bool = False) -> list[Finding]:
    """Look at what an appeal says in one language.

    Args:
        appeal: the appeal.
        today: the day that it still is somewhere.
        at_once: whether it goes out by itself, to people who are to do something.
    """
    where = f"{appeal.reference} ({appeal.language})"
    letters = {to.letter.letter for action in appeal.actions for to in action.targets if to.letter}
    said = "\n\n".join((appeal.title, appeal.teaser, appeal.body, appeal.background, *appeal.demands))
    found = list(_words(said, *sorted(letters)))
    if (hardest := HARDEST.get(appeal.language.partition("-")[0])) and (lix := lix_of(said)) and lix > hardest:
        words = f"it is hard to read (LIX {lix:.0f}): shorter sentences reach more people"
        found.append((Level.WARNING, "reading-ease", words))
    lost = [link for text in (appeal.body, appeal.background) for link in links_left_out(text)]
    found += [
        (Level.WARNING, "lost-link", f"the link “{link}” leads nowhere from a mail: its words stand there without it")
        for link in dict.fromkeys(lost)
    ]
    if appeal.deadline is not None and appeal.deadline < today:
        found.append((Level.ERROR, "deadline-passed", f"its deadline was {appeal.deadline:%Y-%m-%d}"))
    elif appeal.deadline == today:
        found.append((Level.WARNING, "deadline-today", "its deadline is today: who reads it tomorrow comes too late"))
    if at_once and not appeal.actions:
        found.append((Level.WARNING, "nothing-to-do", "it has no action: no button says what people can do"))
    return [Finding(level=level, check=check, where=where, words=words) for level, check, words in found]


def links_of(composed: Composed) -> set[str]:
    """Give the addresses on the web that a mail in HTML leads to, those that are one reader's alone apart."""
    page = lxml_html.fromstring(fill(composed.html or "", dict.fromkeys(Slot, ""), html=True))
    return {link for link in page.xpath("//a/@href | //img/@src") if urlsplit(link).scheme in {"http", "https"}}


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Give each finding once, with all places where it was found; errors first."""
    places: dict[tuple[Level, str, str], dict[str, None]] = {}
    for each in findings:
        places.setdefault((each.level, each.check, each.words), {})[each.where] = None
    return sorted(
        Finding(level=level, check=check, where=", ".join(found), words=words)
        for (level, check, words), found in places.items()
    )


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """Give those that stop a launch."""
    return [finding for finding in findings if finding.level is Level.ERROR]


_Found = tuple[Level, str, str]


def _subject(subject: str) -> Iterator[_Found]:
    if not subject.strip():
        yield Level.ERROR, "subject-missing", "there is no subject"
    if len(subject) > LONGEST_SUBJECT:
        yield Level.WARNING, "subject-long", f"the subject has {len(subject)} characters; inboxes show about 60"
    if _is_shouted(subject):
        yield Level.WARNING, "subject-shouted", "the subject is in capitals: filters and people take it for spam"
    yield from _marks(subject, "the subject")
    if found := _SPAM.search(subject):
        yield Level.WARNING, "spam-prone", f"the subject says “{found[0]}”, as spam does"


def _text(text: str) -> Iterator[_Found]:
    if not text.strip():
        yield Level.ERROR, "text-missing", "there is no text part"
    yield from _marks(text, "the text part")


def _page(page: str) -> Iterator[_Found]:
    size = len(page.encode())
    if size > CUT_AT:
        yield Level.ERROR, "size", f"the page has {size:,} bytes: Gmail cuts its end off, and the link to leave with it"
    elif size > LONGEST:
        yield Level.WARNING, "size", f"the page has {size:,} bytes, more than {LONGEST:,}"
    if (style := sum(len(each.encode()) for each in re.findall(r"<style.*?</style>", page, re.DOTALL))) > LONGEST_STYLE:
        yield Level.WARNING, "style-size", f"its style sheets have {style:,} bytes: Gmail drops them"
    yield from _marks(page, "the page")
    tree = lxml_html.fromstring(page)
    for image in tree.xpath("//img"):
        if image.get("alt") is None:
            yield Level.ERROR, "missing-alt", "a picture has no alternative text"
        if not re.search(r"\.(?:png|jpe?g)$", urlsplit(image.get("src") or "").path, re.IGNORECASE):
            yield Level.WARNING, "picture-format", "a picture is neither PNG nor JPEG: some mail programs show none"
    for link in tree.xpath("//a"):
        yield from _link(link.get("href") or "", " ".join(link.text_content().split()))
    for light, words in pale_places(tree):
        yield Level.WARNING, "contrast", f"“{words}” can hardly be read {'at night' if light == 'dark' else 'by day'}"


def _link(target: str, words: str) -> Iterator[_Found]:
    scheme = urlsplit(target).scheme
    if scheme == "http":
        host = urlsplit(target).netloc
        yield (
            Level.WARNING,
            "http-link",
            f"links to {host} are not protected: whoever watches the net sees what is read",
        )
    elif scheme not in {"https", "mailto", "tel"}:
        yield Level.ERROR, "relative-link", f"the link “{target}” leads nowhere from a mail"
    shown = re.match(r"https?://([^/\s]+)", words)
    if shown and scheme in {"http", "https"} and shown[1].lower() != urlsplit(target).netloc.lower():
        yield Level.WARNING, "spam-prone", f"a link shows {shown[1]} and leads elsewhere, as fraud does"


def _marks(said: str, what: str) -> Iterator[_Found]:
    if found := _OURS.search(said):
        yield Level.ERROR, "unfilled", f"{what} has “{said[found.start() : found.end() + 12]}” where words should stand"
    elif found := _TEMPLATE.search(re.sub(r"<style.*?</style>", "", said, flags=re.DOTALL)):
        yield Level.WARNING, "unfilled", f"{what} has “{found[0]}”: was something to be filled in?"


def _words(*texts: str) -> Iterator[_Found]:
    said = "\n\n".join(texts)
    if found := _PLACEHOLDER.findall(said):
        yield Level.WARNING, "unfilled", f"it says {_quoted(found)}: was something to be filled in?"
    if found := _SPAM.findall(said):
        yield Level.WARNING, "spam-prone", f"it says {_quoted(found)}, as spam does"


def _quoted(found: Iterable[str]) -> str:
    return ", ".join(f"“{each}”" for each in dict.fromkeys(found))


def lix_of(text: str) -> float | None:
    """Say how hard a text is to read: words a sentence, and words of more than six letters in a hundred (Björnsson).

    Returns:
        About 30 for what children read and 60 for laws; None where it says nothing.
    """
    words = _WORD.findall(text)
    if len(words) < FEWEST_WORDS or len(_NO_LIX.findall(text)) > len(text) / 10:
        return None
    sentences = max(1, len(_SENTENCE_END.findall(text)))
    return len(words) / sentences + 100 * sum(len(word) > 6 for word in words) / len(words)


def _is_shouted(line: str) -> bool:
    letters = [letter for letter in line if letter.upper() != letter.lower()]
    return len(letters) >= 10 and sum(letter.isupper() for letter in letters) / len(letters) > SHOUTED
