"""A CSV file as a stream of rows, whatever program wrote it: encoding, delimiter and header are found out."""

import csv
import io
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parseaddr
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from charset_normalizer import from_bytes

from subscribers.errors import SubscribersError
from subscribers.formats import FLAGS, NAMES, folded, recognised
from subscribers.import_row import Reason, Row, RowProblem, shown

MAX_CELL = 10_000  # characters
MAX_RECORD = 100_000  # characters; a quote still open after these was never meant to be
MAX_RECORD_LINES = 1_000
_SAMPLE_BYTES = 1 << 16
_DELIMITERS = (",", ";", "\t")
_CODE_PAGES = ["cp1252", "cp1251", "cp1256"]  # more of them, and short Western lists are taken for Polish ones
_OFFICE = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods, xls
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))
_NO_HEADER_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\ud800-\udfff\ufffd]")
_NOTHING = frozenset(("", "0", "no", "n", "false", "-", "null", "none", "0000-00-00 00:00:00"))  # says a flag
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)  # Excel's own first line


class CsvMissing(SubscribersError):
    """There is no file {path}."""


class CsvIsNoFile(SubscribersError):
    """{path} is a folder or a device; give the CSV file itself."""


class CsvUnreadable(SubscribersError):
    """{path} can't be read: {reason}."""


class CsvIsSpreadsheet(SubscribersError):
    """{path} is a spreadsheet or an archive. Open it, save the sheet as CSV (UTF-8), and import that file."""


class CsvIsNoText(SubscribersError):
    """{path} is not a text file. Save the list as CSV (UTF-8), and import that file."""


class CsvIsEmpty(SubscribersError):
    """{path} is empty. Its first line must name the columns, such as: email,name,language,confirmed_at."""


class NoEmailColumn(SubscribersError):
    """{path} has no column 'email'. Its first line must name the columns, such as: email,name,language,confirmed_at.
    It has: {columns}. If one of them holds the addresses, say so: --column email="…".
    """


class HidesWhoLeft(SubscribersError):
    """{path} comes from {system}, whose export does not say who has left a list and kept the account. Export one list
    there, filtered to those who are subscribed to it and confirmed, and say so: --only-subscribed.
    """


class NoSuchColumn(SubscribersError):
    """{path} has no column {column!r}. It has: {columns}."""


class CsvFile:
    """An open file; iterate over it once for its rows.

    Attributes:
        format: the system that wrote it, if it is one of `formats`; empty otherwise.
        encoding: Python's name of the one that was found.
        delimiter: `,`, `;` or a tab.
        columns: the header's names that are understood, as they stand there.
        ignored: the header's names that are not, and will be ignored.
        hides_leaving: as in `Format`.
    """

    def __init__(self, path: Path, binary: BinaryIO, mapping: Mapping[str, str]) -> None:
        """Find out encoding and delimiter, and read the header; see `open_csv`."""
        self._path = path
        self._mapping = mapping
        self._binary = binary
        self._size = max(1, os.fstat(binary.fileno()).st_size)
        self.encoding = _encoding(path, binary)
        wide = self.encoding.startswith(("utf-16", "utf-32"))
        # Single undecodable bytes become lone surrogates (or U+FFFD) and cost one row, not the file.
        self._lost = re.compile("\ufffd" if wide else "[\ud800-\udfff]")
        errors = "replace" if wide else "surrogateescape"
        self._text = io.TextIOWrapper(binary, encoding=self.encoding, errors=errors, newline="")
        self._again: deque[str] = deque()  # lines that were read too far
        self._line = 0  # the physical line that was read last
        self.delimiter = ","
        self._read_header()

    @property
    def share_read(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self._binary.tell() / self._size)

    def __iter__(self) -> Iterator[Row | RowProblem]:
        """Give each row or what is wrong with it; blank lines are passed over.

        Raises:
            CsvUnreadable: the disk or the network gave up on the way.
        """
        try:
            yield from self._rows()
        except OSError as error:
            raise CsvUnreadable(path=self._path, reason=error.strerror or error) from None

    def _rows(self) -> Iterator[Row | RowProblem]:
        blank = " \t\r\n\x1a" + self.delimiter
        while line := self._next_line():
            if not line.strip(blank):
                continue
            start = self._line
            if len(line) >= MAX_RECORD:
                yield RowProblem(start, Reason.TOO_LONG)
                continue
            # Most rows hold no quote and need no parser.
            quoted = self._quoted(line) if '"' in line else None
            cells = line.rstrip("\r\n").split(self.delimiter) if quoted is None else quoted
            yield self._row(start, cells) if cells else RowProblem(start, Reason.BROKEN_QUOTES)

    def _row(self, line: int, cells: list[str]) -> Row | RowProblem:
        if len(cells) > self._width and not any(cells[self._width :]):
            del cells[self._width :]  # spreadsheets end rows with empty cells
        whole = "".join(cells)
        if "\0" in whole or (not whole.isascii() and self._lost.search(whole)):
            return RowProblem(line, Reason.NOT_TEXT)
        if len(whole) > MAX_CELL and max(map(len, cells)) > MAX_CELL:
            return RowProblem(line, Reason.TOO_LONG)
        if len(cells) != self._width:
            return RowProblem(line, Reason.CELL_COUNT, f"{_count(len(cells))} where the first line has {self._width}")
        cells.append("")  # what an absent column reads
        cells += [make(cells) for make in self._made]
        return Row(line, *self._pick(cells))

    def _quoted(self, line: str) -> list[str]:
        """Parse a record that starts with this line; empty if its quotes are broken, and the next line is a row."""
        lines = [line]

        def following() -> Iterator[str]:
            yield line
            length = len(line)
            while len(lines) < MAX_RECORD_LINES and length < MAX_RECORD and (more := self._next_line()):
                lines.append(more)
                length += len(more)
                yield more

        # strict: a stray quote must not swallow the rows after it.
        reader = csv.reader(following(), delimiter=self.delimiter, strict=True, skipinitialspace=True)
        try:
            return next(reader)
        except csv.Error:
            self._again.extendleft(reversed(lines[1:]))
            self._line -= len(lines) - 1
            return []

    def _next_line(self) -> str:
        """Give the next physical line with its end, or an empty text at the file's end."""
        line = self._again.popleft() if self._again else self._fresh_line()
        self._line += bool(line)
        return line

    def _fresh_line(self) -> str:
        line = rest = self._text.readline(MAX_RECORD)
        while len(line) == MAX_RECORD and rest and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(MAX_RECORD)  # what is far too long is not kept
        return line

    def _read_header(self) -> None:
        line = self._next_line()
        while line and not line.strip("\ufeff \t\r\n\x1a,;"):
            line = self._next_line()
        if not line:
            raise CsvIsEmpty(path=self._path)
        if _NO_HEADER_TEXT.search(line):
            raise CsvIsNoText(path=self._path)
        delimiters: tuple[str, ...] = _DELIMITERS
        if said := _SEPARATOR_LINE.fullmatch(line):
            delimiters = (said[1],)
            line = self._next_line()
        while line.count('"') % 2 and len(line) < MAX_CELL and (more := self._next_line()):
            line += more  # a name with a line break in it
        headers = {delimiter: _cells(line, delimiter) for delimiter in delimiters}
        self.delimiter = max(headers, key=lambda delimiter: (_known(headers[delimiter]), len(headers[delimiter])))
        header = headers[self.delimiter]
        if len(header) == 1 and "@" in header[0] and not self._mapping:
            # A list of addresses without a header row, as Mailman prints it: the line is somebody's already.
            self._again.appendleft(line)
            self._line -= 1
            self._settle_list()
        else:
            self._settle(header)

    def _settle(self, header: list[str]) -> None:
        names = [folded(name) for name in header]
        known = recognised(names)
        self.format = known.name if known else ""
        self.hides_leaving = known is not None and known.hides_leaving
        places = _places(names, known.columns if known else NAMES) | self._mapped(header)
        if "email" not in places:
            raise NoEmailColumn(path=self._path, columns=", ".join(map(shown, header)))
        self._width = len(header)
        self._made: list[Callable[[list[str]], str]] = []
        used = set(places.values())
        if "first" in places or "last" in places:
            places["name"] = self._make(_full_name(places.get("name"), places.get("first"), places.get("last")))
        for field, other in (known.instead if known else {}).items():
            if other in names:
                used.add(names.index(other))
                places[field] = self._make(_either(places.get(field, self._width), names.index(other)))
        flags = _flags(names, {**FLAGS, **known.flags} if known else FLAGS)
        if flags:
            used |= {place for place, _no, _word in flags}
            places["status"] = self._make(_standing(places.get("status", self._width), flags))
        self.columns = tuple(shown(header[place]) for place in sorted(used))
        self.ignored = tuple(
            shown(name) or f"column {place + 1}" for place, name in enumerate(header) if place not in used
        )
        self._pick = itemgetter(*(places.get(field, self._width) for field in Row._fields[1:]))

    def _settle_list(self) -> None:
        self.format, self.columns, self.ignored = "Mailman 3", ("email",), ()
        self.hides_leaving = False
        self._width, self._made = 1, []
        places = {
            "name": self._make(lambda cells: parseaddr(cells[0])[0] if "<" in cells[0] else ""),
            "email": self._make(lambda cells: parseaddr(cells[0])[1] if "<" in cells[0] else cells[0]),
        }
        self._pick = itemgetter(*(places.get(field, self._width) for field in Row._fields[1:]))

    def _make(self, made: Callable[[list[str]], str]) -> int:
        """Add what makes one more cell of a row's; gives the place where it will stand."""
        self._made.append(made)
        return self._width + len(self._made)

    def _mapped(self, header: list[str]) -> dict[str, int]:
        """Find the columns that somebody named for our fields."""
        places = {}
        for field, column in self._mapping.items():
            if column not in header:
                raise NoSuchColumn(path=self._path, column=column, columns=", ".join(map(shown, header)))
            places[field] = header.index(column)
        return places


@contextmanager
def open_csv(
    path: Path, *, mapping: Mapping[str, str] = MappingProxyType({}), only_subscribed: bool = False
) -> Iterator[CsvFile]:
    """Open a file of subscribers.

    Args:
        path: a file in UTF-8, UTF-16 or windows-1252, -1251 or -1256, with cells apart by comma, semicolon or tab,
            quoted as RFC 4180 says; its first line names the columns. A list of addresses alone needs no such line.
        mapping: for fields of `Row`, or `first` and `last` (name), how the file calls the column; exactly as it stands
            there. What is not named is found out.
        only_subscribed: whether somebody has seen to it that nobody is in it who has left, where its format hides that.

    Raises:
        CsvMissing: it is not there.
        CsvIsNoFile: it is a folder or a device.
        CsvUnreadable: the system doesn't let us.
        CsvIsSpreadsheet: it is what a spreadsheet program keeps.
        CsvIsNoText: it is something else.
        CsvIsEmpty: it holds nothing.
        NoEmailColumn: its first line names no column for addresses.
        NoSuchColumn: the mapping names one that is not there.
        HidesWhoLeft: its format does.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CsvIsNoFile(path=path)
        binary = path.open("rb")
    except FileNotFoundError:
        raise CsvMissing(path=path) from None
    except (OSError, ValueError) as error:
        raise CsvUnreadable(path=path, reason=getattr(error, "strerror", None) or error) from None
    with binary:
        try:
            file = CsvFile(path, binary, mapping)
        except OSError as error:
            raise CsvUnreadable(path=path, reason=error.strerror or error) from None
        if file.hides_leaving and not only_subscribed:
            raise HidesWhoLeft(path=path, system=file.format)
        yield file


def _count(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _places(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Say in which place each of our columns stands; where two would do, the better name has it."""
    places: dict[str, int] = {}
    for field, called in known.items():
        found = next((names.index(name) for name in called if name in names), None)
        if found is not None:
            places[field] = found
    return places


def _known(header: Sequence[str]) -> int:
    """Count the columns that are understood."""
    names = [folded(name) for name in header]
    known = recognised(names)
    return len(_places(names, known.columns if known else NAMES))


def _flags(names: Sequence[str], flags: Mapping[str, str]) -> list[tuple[int, bool, str]]:
    """Find the columns that say that somebody is off: place, whether it says so by 'no', and the word for it."""
    return [
        (names.index(name.removeprefix("-")), name.startswith("-"), word)
        for name, word in flags.items()
        if name.removeprefix("-") in names
    ]


def _full_name(name: int | None, first: int | None, last: int | None) -> Callable[[list[str]], str]:
    parts = [place for place in (first, last) if place is not None]

    def made(cells: list[str]) -> str:
        if name is not None and cells[name].strip():
            return cells[name]
        return " ".join(cells[place] for place in parts)

    return made


def _either(best: int, other: int) -> Callable[[list[str]], str]:
    return lambda cells: cells[best] if cells[best].strip() else cells[other]


def _standing(status: int, flags: Sequence[tuple[int, bool, str]]) -> Callable[[list[str]], str]:
    def made(cells: list[str]) -> str:
        for place, by_no, word in flags:
            if (cells[place].strip().casefold() in _NOTHING) is by_no:
                return word
        return cells[status]

    return made


def _encoding(path: Path, binary: BinaryIO) -> str:
    """Find out the encoding, and leave the file at its start."""
    head = binary.read(_SAMPLE_BYTES)
    binary.seek(0)
    if head.startswith(_OFFICE):
        raise CsvIsSpreadsheet(path=path)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # The header's Latin letters have a zero as every second byte in UTF-16, and in no other encoding.
    even, odd = head[0:32:2].count(0), head[1:32:2].count(0)
    if min(even, odd) == 0 and max(even, odd) * 4 >= len(head[:32]) > 0:
        return "utf-16-le" if odd > even else "utf-16-be"
    if (len(head) - len(head.translate(None, _CONTROLS))) * 10 > len(head):
        raise CsvIsNoText(path=path)
    return _narrow_encoding(binary)


def _narrow_encoding(binary: BinaryIO) -> str:
    """Read on to the end: a name outside of ASCII may stand in the last line only."""
    good = bad = 0
    sample = bytearray()
    while line := binary.readline(_SAMPLE_BYTES):
        if line.isascii():
            continue
        try:
            line.decode()
            good += 1
        except UnicodeDecodeError:
            bad += 1
            if len(sample) < _SAMPLE_BYTES:
                sample += line
    binary.seek(0)
    if bad == 0 or good > bad:
        return "utf-8"  # the bad ones are reported one by one
    best = from_bytes(bytes(sample), cp_isolation=_CODE_PAGES, preemptive_behaviour=False).best()
    return best.encoding if best else "cp1252"
