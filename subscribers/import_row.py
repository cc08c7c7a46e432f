"""One row of an import: what its cells must hold, and each reason for which a row is not taken."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Self

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from subscribers.addresses import Address, NotAnAddress, parse_address
from subscribers.import_dates import AmbiguousDate, read_moment
from subscribers.model import LeftReason
from subscribers.preferences import Cadence, Reading

MAX_NAME = 200
MAX_SHOWN = 60  # characters of a wrong cell that a report repeats
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # before it stand the zeros of spreadsheets and databases
_KEPT_WISHES = 10_000
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-[a-z]{4})?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE | re.ASCII)
# In CLDR, not in ISO 3166; Kosovo (XK) is in neither and stays.
_NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn what follows a name
_NO = frozenset(
    ("no", "n", "false", "0", "none", "never", "off", "nein", "non", "нет", "hayır", "لا", "withdrawn", "unsubscribed")
)
_YES = frozenset(("yes", "y", "true", "1", "x", "ok", "on", "ja", "oui", "si", "sí", "sim", "да", "evet", "نعم", "-"))
# What a status column says, here and elsewhere.
_ON = frozenset(("", "active", "subscribed", "enabled", "confirmed", "on", "yes", "true", "1"))
_GONE = {
    **dict.fromkeys(("unsubscribed", "left", "opted out", "optedout", "removed", "erased"), LeftReason.UNSUBSCRIBED),
    **dict.fromkeys(("blocklisted", "blacklisted", "blocked"), LeftReason.UNSUBSCRIBED),
    **dict.fromkeys(("cleaned", "bounced", "bouncing", "by_bounces"), LeftReason.BOUNCED),
    **dict.fromkeys(("spam complaint", "spam", "complained"), LeftReason.COMPLAINED),
}
_NOT_ON = frozenset(
    (
        *("unconfirmed", "pending", "disabled", "inactive", "archived", "non-subscribed", "nonsubscribed", "unknown"),
        *("never subscribed", "transactional", "by_user", "by_moderator", "off", "no", "false", "0"),
    )
)


class Reason(StrEnum):
    """Why a row was not taken; `sentence` says it to a person, with a place for the row's `detail`."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> Self:
        """Make a member of a word, which is kept and counted, and its sentence."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member

    BROKEN_QUOTES = "broken_quotes", "A quotation mark opens a cell here and is not closed where the cell ends."
    CELL_COUNT = "cell_count", "This row has {detail}."
    TOO_LONG = "too_long", "This row is too long; a cell may have 10,000 characters."
    NOT_TEXT = "not_text", "This row holds bytes that are no text in the file's encoding."
    NO_ADDRESS = "no_address", "There is no email address."
    BAD_ADDRESS = "bad_address", "The email address can't be written to: {detail}."
    BAD_CADENCE = "bad_cadence", f"Cadence '{{detail}}' is none of {', '.join(Cadence)}."
    BAD_LANGUAGE = "bad_language", "'{detail}' is no language tag such as en, ar or pt-BR; several go apart by |."
    BAD_COUNTRY = "bad_country", "'{detail}' is no two-letter country code such as IR or TR; several go apart by |."
    BAD_DATE = "bad_date", "'{detail}' is no date that confirmed_at can hold; write 2026-05-01 or 2026-05-01T10:00Z."
    AMBIGUOUS_DATE = "ambiguous_date", "'{detail}' may be two dates, day or month first; write it as 2026-05-01."
    FUTURE_DATE = "future_date", "Consent can't have been given in the future ('{detail}')."
    NO_CONSENT_DATE = "no_consent_date", "confirmed_at doesn't say when this person agreed."
    NO_CONSENT_SOURCE = "no_consent_source", "consent_source doesn't say where or how this person agreed."
    CONSENT_REFUSED = "consent_refused", "The consent of this row says '{detail}'."
    DUPLICATE = "duplicate", "The same address was taken from line {detail}."
    PENDING = "pending", "This address is known and waits for its owner's own confirmation."
    LEFT_THERE = "left_there", "This person had left at the former place ('{detail}'): they stay off."
    NOT_ON = "not_on", "This person got no mail at the former place ('{detail}')."
    BAD_STATUS = (
        "bad_status",
        "Status '{detail}' may mean anything; take the column out, or write: active, unsubscribed.",
    )
    LEFT = "left", "This person has left; only they can come back, by signing up afresh."
    SUPPRESSED = "suppressed", "This address must get no mail; only its owner can undo that, by signing up afresh."


class RowProblem(NamedTuple):
    """One row that was not taken. Never holds the address, so that a log or a report names nobody."""

    line: int  # the physical line, from 1, where the row starts
    reason: Reason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, for a person."""
        return self.reason.sentence.format(detail=self.detail)


class Row(NamedTuple):
    """A row's cells as they stand in the file; an absent column is an empty cell."""

    line: int
    email: str
    name: str = ""
    language: str = ""
    topics: str = ""
    countries: str = ""
    cadence: str = ""
    confirmed_at: str = ""
    consent_source: str = ""
    status: str = ""


class Gone(NamedTuple):
    """What a row says of somebody who left at the former place: they are not taken, and nobody else brings them in."""

    line: int
    address: Address
    reason: LeftReason
    said: str


class Applicant(NamedTuple):
    """What a good row says; nothing has been asked of the database yet."""

    line: int
    address: Address
    name: str
    cadence: Cadence
    reading: Reading
    confirmed_at: datetime
    consent_source: str


class RowReader:
    """Reads the cells of one import's rows."""

    def __init__(
        self,
        *,
        consent: str | None,
        default_language: str,
        country_code: Callable[[str], str | None] | None,
        now: datetime,
    ) -> None:
        """Take what holds for every row; see `import_subscribers`."""
        self._consent = one_line(consent or "")
        self._default_language = default_language
        self._country_code = country_code
        self._now = now
        self._territories = {str(c) for c in Locale("en").territories if str(c).isalpha()} - _NO_COUNTRIES
        self._aliases: dict[str, list[str]] = get_global("territory_aliases")  # type: ignore[assignment]
        self._wishes: dict[tuple[str, str, str], Reading] = {}

    def read(self, row: Row) -> Applicant | Gone | RowProblem:
        """Read one row: a person who may be taken, one who left, or the first thing that is wrong."""
        try:
            if row.status and (word := row.status.strip().casefold()) not in _ON:
                return _off(row, word)
            confirmed_at, source = self._consent_of(row)
            return Applicant(
                row.line,
                _address(row.email),
                one_line(row.name)[:MAX_NAME].rstrip(),
                _cadence(row.cadence),
                self._reading(row),
                confirmed_at,
                source,
            )
        except _RefusedError as refused:
            return RowProblem(row.line, refused.reason, refused.detail)

    def _consent_of(self, row: Row) -> tuple[datetime, str]:
        source, date = one_line(row.consent_source), row.confirmed_at.strip()
        for said in (source, date):
            if said.casefold() in _NO:
                raise _RefusedError(Reason.CONSENT_REFUSED, said)
        if source.casefold() in _YES:
            source = ""  # a ticked box doesn't say where it stood
        source = source or self._consent
        if not row.email.strip():
            raise _RefusedError(Reason.NO_ADDRESS)
        if not source:
            raise _RefusedError(Reason.NO_CONSENT_SOURCE)
        if not date and not self._consent:
            raise _RefusedError(Reason.NO_CONSENT_DATE)
        return self._moment(date) if date else self._now, source

    def _moment(self, text: str) -> datetime:
        try:
            moment = read_moment(text)
        except AmbiguousDate:
            raise _RefusedError(Reason.AMBIGUOUS_DATE, text) from None
        if moment is None or moment < EARLIEST:
            raise _RefusedError(Reason.BAD_DATE, text)
        if moment > self._now:
            raise _RefusedError(Reason.FUTURE_DATE, text)
        return moment

    def _reading(self, row: Row) -> Reading:
        # Many rows share few wishes: each combination of cells is read once.
        cells = (row.language, row.topics, row.countries)
        reading = self._wishes.get(cells)
        if reading is None:
            reading = Reading(
                languages=tuple(dict.fromkeys(map(_language, _several(row.language)))) or (self._default_language,),
                topics=frozenset(unicodedata.normalize("NFC", t.casefold()) for t in _several(row.topics)),
                countries=frozenset(map(self._country, _several(row.countries))),
            )
            if len(self._wishes) >= _KEPT_WISHES:
                self._wishes.clear()
            self._wishes[cells] = reading
        return reading

    def _country(self, text: str) -> str:
        code = text.upper()
        if code in self._territories:
            return code
        successors = self._aliases.get(code, []) if len(code) == 2 else []
        if len(successors) == 1:
            return successors[0]  # UK is GB
        found = self._country_code(text) if self._country_code else None
        if found is None:
            raise _RefusedError(Reason.BAD_COUNTRY, text)
        return found


class _RefusedError(Exception):
    """A cell that can't be taken; `RowReader.read` makes a `RowProblem` of it."""

    def __init__(self, reason: Reason, cell: str = "") -> None:
        self.reason = reason
        self.detail = shown(cell)


def one_line(text: str) -> str:
    """Give a text on one line in NFC: white space collapsed, without control, private-use and turning characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(
            c for c in text if c.isspace() or not (unicodedata.category(c) in {"Cc", "Co", "Cs"} or c in _TURNS_TEXT)
        )
    return " ".join(text.split())


def shown(cell: str) -> str:
    """Give so much of a wrong cell as a report may repeat: short, and nothing that may be an address."""
    cell = one_line(cell)
    if "@" in cell or "＠" in cell:
        return "…"  # the columns may be shifted, and a report names nobody
    return cell if len(cell) <= MAX_SHOWN else cell[: MAX_SHOWN - 1] + "…"


def _several(cell: str) -> list[str]:
    return [value for part in cell.split("|") if (value := one_line(part))]


def _address(cell: str) -> Address:
    try:
        return parse_address(cell)
    except NotAnAddress as error:
        # What the validator says in brackets and after a colon repeats parts of the address.
        reason = str(error.facts["reason"]).partition(" (")[0].partition(":")[0].rstrip(".")
    refused = _RefusedError(Reason.BAD_ADDRESS)
    refused.detail = reason
    raise refused


def _off(row: Row, word: str) -> Gone:
    """Read the row of somebody who got no mail at the former place."""
    if word in _GONE:
        return Gone(row.line, _address(row.email), _GONE[word], word)
    raise _RefusedError(Reason.NOT_ON if word in _NOT_ON else Reason.BAD_STATUS, row.status)


def _cadence(cell: str) -> Cadence:
    word = cell.strip().casefold()
    try:
        return Cadence(word) if word else Cadence.WEEKLY
    except ValueError:
        raise _RefusedError(Reason.BAD_CADENCE, cell) from None


def _language(text: str) -> str:
    tag = _LANGUAGE.fullmatch(text.replace("_", "-"))
    if tag is None or tag[1].lower() == "und":
        raise _RefusedError(Reason.BAD_LANGUAGE, text)
    try:
        locale = Locale.parse(tag[0], sep="-")
    except (ValueError, UnknownLocaleError):
        raise _RefusedError(Reason.BAD_LANGUAGE, text) from None
    if tag[2] is None:
        return locale.language  # babel adds a likely region to some; nobody wrote it
    if locale.territory != tag[2].upper():
        raise _RefusedError(Reason.BAD_LANGUAGE, text)
    return f"{locale.language}-{locale.territory}"
