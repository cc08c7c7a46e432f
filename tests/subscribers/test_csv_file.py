"""Lists come from every program there is; each row is read, or reported by its line."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers import csv_file
from subscribers.csv_file import (
    CsvFile,
    CsvIsEmpty,
    CsvIsNoFile,
    CsvIsNoText,
    CsvIsSpreadsheet,
    CsvMissing,
    CsvUnreadable,
    NoEmailColumn,
    open_csv,
)
from subscribers.errors import SubscribersError
from subscribers.import_row import Reason, Row, RowProblem

PEOPLE = "email,name\nzeynep@example.org,Zeynep Çelik\nrosa@example.org,Rosa Müller\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def rows_of(path: Path, content: str | bytes, encoding: str = "utf-8") -> list[Row | RowProblem]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    with open_csv(path) as file:
        return list(file)


def header_of(path: Path, header: str) -> CsvFile:
    path.write_text(header + "\n", encoding="utf-8")
    with open_csv(path) as file:
        return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_and_without_a_mark(path, encoding):
    assert rows_of(path, PEOPLE, encoding) == [
        Row(2, "zeynep@example.org", "Zeynep Çelik"),
        Row(3, "rosa@example.org", "Rosa Müller"),
    ]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["José Muñoz", "François Lefèvre", "Jürgen Groß", "Bjørn Ødegård", "Conceição Araújo"]),
        ("cp1251", ["Иван Петров", "Ольга Кузнецова", "Дмитрий Соколов", "Юлия Щербакова", "Фёдор Цветков"]),
        ("cp1256", ["محمد حسين", "فاطمة الزهراء", "عبد الرحمن", "ليلى خالد", "يوسف إبراهيم"]),
    ],
)
def test_windows_code_pages_are_recognised_by_their_letters(path, encoding, names):
    content = "email,name\n" + "".join(f"person{i}@example.org,{name}\n" for i, name in enumerate(names))
    assert [row.name for row in rows_of(path, content, encoding)] == names


def test_one_accented_name_in_a_long_list_is_enough(path):
    plain = "".join(f"person{i}@example.org,Ana {i}\n" for i in range(20_000))
    rows = rows_of(path, f"email,name\n{plain}jose@example.org,José Muñoz\n", "cp1252")
    assert rows[-1] == Row(20_002, "jose@example.org", "José Muñoz")


def test_a_row_with_bytes_from_another_encoding_costs_that_row_only(path):
    content = PEOPLE.encode() + "jose@example.org,José\n".encode("cp1252") + b"ada@example.org,Ada\n"
    assert rows_of(path, content)[2:] == [RowProblem(4, Reason.NOT_TEXT), Row(5, "ada@example.org", "Ada")]


def test_half_a_character_at_the_end_of_utf_16_costs_that_row_only(path):
    rows = rows_of(path, PEOPLE.encode("utf-16") + b"x")
    assert rows[:2] == rows_of(path, PEOPLE)
    assert rows[2:] == [RowProblem(4, Reason.NOT_TEXT)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(path, delimiter, end):
    rows = rows_of(path, PEOPLE.replace(",", delimiter).replace("\n", end))
    assert rows == [Row(2, "zeynep@example.org", "Zeynep Çelik"), Row(3, "rosa@example.org", "Rosa Müller")]


def test_the_delimiter_is_the_one_that_parts_the_columns(path):
    assert rows_of(path, 'email;"name, in full";cadence\nada@example.org;Lovelace, Ada;daily\n') == [
        Row(2, "ada@example.org", cadence="daily")
    ]


def test_a_single_column_needs_no_delimiter(path):
    assert rows_of(path, "E-Mail\nada@example.org\n") == [Row(2, "ada@example.org")]


def test_excels_own_first_line_names_the_delimiter(path):
    assert rows_of(path, "sep=;\r\nemail;name\r\nada@example.org;Ada\r\n") == [Row(3, "ada@example.org", "Ada")]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("E-Mail", "email"),
        ("EMAIL ADDRESS", "email"),
        ("e_mail", "email"),
        ("Full name", "name"),
        ("lang", "language"),
        ("Languages", "language"),
        ("Interests", "topics"),
        ("country", "countries"),
        ("Frequency", "cadence"),
        ("Opt-in date", "confirmed_at"),
        ("Confirmed at", "confirmed_at"),
        ("CONFIRM_TIME", "confirmed_at"),
        ("consent", "consent_source"),
        ("Consent-Source", "consent_source"),
    ],
)
def test_column_names_are_taken_as_people_write_them(path, header, field):
    first = "mail" if field != "email" else "name"
    [row] = rows_of(path, f"{first},{header}\nx,cell\n")
    assert getattr(row, field) == "cell"


def test_first_and_last_name_make_one_name(path):
    content = "Last name,Email,First name\nLuxemburg,rosa@example.org,Rosa\n"
    assert rows_of(path, content) == [Row(2, "rosa@example.org", "Rosa Luxemburg")]


def test_a_full_name_goes_before_first_and_last(path):
    content = "email,name,first name,last name\na@example.org,Ada L.,Ada,Lovelace\nb@example.org, ,Bea,Braun\n"
    assert [row.name for row in rows_of(path, content)] == ["Ada L.", "Bea Braun"]


def test_unknown_columns_are_named_and_ignored(path):
    file = header_of(path, "Phone,email,,Favourite colour,ada@example.org")
    assert file.columns == ("email",)
    assert file.ignored == ("Phone", "column 3", "Favourite colour", "…")


def test_of_two_columns_for_the_same_thing_the_better_name_is_read(path):
    file = header_of(path, "OPTIN_TIME,Email,CONFIRM_TIME")
    assert file.ignored == ("OPTIN_TIME",)


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(path):
    content = 'email,name\r\nada@example.org,"Lovelace, ""Ada""\r\nCountess"\r\nrosa@example.org, "Rosa"\r\n'
    assert rows_of(path, content) == [
        Row(2, "ada@example.org", 'Lovelace, "Ada"\r\nCountess'),
        Row(4, "rosa@example.org", "Rosa"),
    ]


def test_a_column_name_may_have_a_line_break(path):
    assert rows_of(path, 'email,"Opt-in\ndate"\na@example.org,2026-05-01\n') == [
        Row(3, "a@example.org", confirmed_at="2026-05-01")
    ]


def test_blank_rows_are_passed_over_and_counted_as_lines(path):
    assert rows_of(path, "\n\nemail,name\n\n,,,\n  \na@example.org,Ada\n\x1a") == [Row(7, "a@example.org", "Ada")]


def test_rows_with_too_many_or_too_few_cells_are_reported(path):
    assert rows_of(path, "email,name\na@example.org\nb@example.org,Bea,x\nc@example.org,Cem,,\n") == [
        RowProblem(2, Reason.CELL_COUNT, "1 cell where the first line has 2"),
        RowProblem(3, Reason.CELL_COUNT, "3 cells where the first line has 2"),
        Row(4, "c@example.org", "Cem"),
    ]


def test_an_unclosed_quote_costs_its_own_row_only(path):
    content = 'email,name\na@example.org,"Ada\nb@example.org,"Bea"\nc@example.org,Cem\n'
    assert rows_of(path, content) == [
        RowProblem(2, Reason.BROKEN_QUOTES),
        Row(3, "b@example.org", "Bea"),
        Row(4, "c@example.org", "Cem"),
    ]


def test_a_quote_left_open_to_the_end_costs_its_own_row_only(path):
    people = "".join(f"person{i}@example.org,Ana\n" for i in range(5_000))
    rows = rows_of(path, f'email,name\na@example.org,"Ada\n{people}z@example.org,"Zoe\n')
    assert rows[0] == RowProblem(2, Reason.BROKEN_QUOTES)
    assert rows[1] == Row(3, "person0@example.org", "Ana")
    assert rows[5_000] == Row(5_002, "person4999@example.org", "Ana")
    assert rows[5_001:] == [RowProblem(5_003, Reason.BROKEN_QUOTES)]


def test_lines_are_counted_rightly_after_a_quote_that_was_open_to_the_end(path):
    content = 'email,name\na@example.org,"Ada\nb@example.org\nc@example.org,Cem\n'
    assert [row.line for row in rows_of(path, content)] == [2, 3, 4]


def test_a_row_with_a_zero_byte_is_reported(path):
    assert rows_of(path, "email,name\na@example.org,A\0da\nb@example.org,Bea\n") == [
        RowProblem(2, Reason.NOT_TEXT),
        Row(3, "b@example.org", "Bea"),
    ]


@pytest.mark.parametrize("length", [10_001, csv_file.MAX_RECORD - 20, csv_file.MAX_RECORD, 3 * csv_file.MAX_RECORD])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_that_is_far_too_long_costs_its_own_row_only(path, length, quote):
    rows = rows_of(path, f"email,name\na@example.org,{quote}{'x' * length}{quote}\nb@example.org,Bea\n")
    assert rows == [RowProblem(2, Reason.TOO_LONG), Row(3, "b@example.org", "Bea")]


def test_a_cell_of_ten_thousand_characters_is_read(path):
    [row] = rows_of(path, f"email,name\na@example.org,{'x' * csv_file.MAX_CELL}\n")
    assert len(row.name) == csv_file.MAX_CELL


def test_an_open_quote_before_a_line_that_is_far_too_long_loses_no_other_row(path):
    content = f'email,name\na@example.org,"Ada\n{"x" * 250_000}\nb@example.org,Bea\n'
    assert rows_of(path, content) == [
        RowProblem(2, Reason.BROKEN_QUOTES),
        RowProblem(3, Reason.TOO_LONG),
        Row(4, "b@example.org", "Bea"),
    ]


def test_progress_is_told_as_a_share_of_the_file(path):
    path.write_text("email\n" + "a@example.org\n" * 10_000, encoding="utf-8")
    with open_csv(path) as file:
        rows = iter(file)
        next(rows)
        early = file.share_read
        assert sum(1 for _ in rows) == 9_999
        assert 0 < early < 0.5
        assert file.share_read == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", CsvIsEmpty),
        (b"\xef\xbb\xbf", CsvIsEmpty),
        (b"\xff\xfe", CsvIsEmpty),
        (b" \r\n\r\n", CsvIsEmpty),
        (b"name,phone\nAda,123\n", NoEmailColumn),
        (b"ada@example.org,Ada\n", NoEmailColumn),
        (b"sep=;\n", NoEmailColumn),
        (b"PK\x03\x04\x14\x00\x06\x00", CsvIsSpreadsheet),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100), CsvIsNoText),
        (bytes(range(256)) * 10, CsvIsNoText),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_one_sentence(path, content, error):
    path.write_bytes(content)
    with pytest.raises(error) as caught, open_csv(path):
        pass
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "ada@example.org" not in str(caught.value)


def test_what_is_no_readable_file_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(CsvMissing), open_csv(tmp_path / "nothing.csv"):
        pass
    with pytest.raises(CsvIsNoFile), open_csv(tmp_path):
        pass
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(CsvIsNoFile), open_csv(tmp_path / "pipe.csv"):
        pass
    with pytest.raises(CsvUnreadable), open_csv(tmp_path / ("x" * 300)):
        pass
    with pytest.raises(CsvUnreadable), open_csv(Path("a\0b")):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_we_may_not_read_is_refused_in_one_sentence(path):
    path.write_text(PEOPLE, encoding="utf-8")
    path.chmod(0)
    with pytest.raises(CsvUnreadable, match="Permission denied"), open_csv(path):
        pass


CSV_ISH = st.lists(
    st.sampled_from(
        [b"a@example.org", b",", b";", b"\t", b'"', b"\n", b"\r\n", b"\r", b"\0", b"\xe9", b"\xc3\xa9", b" "]
    )
).map(b"".join)


@given(
    st.binary() | CSV_ISH,
    st.sampled_from([b"", b"email,name\n", b'"email";"name"\r\n', "email\tname\n".encode("utf-16")]),
)
@example(b"\xd8\x00\xd8\x00", b"\xfe\xff")
@example(b"+AGE-", b"")
def test_any_bytes_give_rows_problems_or_one_sentence(tmp_path, content, header):
    path = tmp_path / "any.csv"
    path.write_bytes(header + content)
    try:
        with open_csv(path) as file:
            rows = list(file)
    except SubscribersError:
        return
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all(len(row.sentence) > 10 for row in rows if isinstance(row, RowProblem))


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text('ab,;"\r\n\t', max_size=20)),
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_was_quoted_as_rfc_4180_says_comes_back_as_it_was(tmp_path, people, delimiter, encoding):
    path = tmp_path / "quoted.csv"
    cell = lambda text: '"' + text.replace('"', '""') + '"'  # noqa: E731 - a name for one expression
    lines = ["email,name".replace(",", delimiter), *(cell(email) + delimiter + cell(name) for email, name in people)]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    with open_csv(path) as file:
        assert [(row.email, row.name) for row in file] == people
