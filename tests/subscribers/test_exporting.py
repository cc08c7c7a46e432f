"""People go out as a file that brings the same people in elsewhere, and that calculates nothing; on both databases."""

import csv
import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import exporting
from subscribers.erasing import erase
from subscribers.exporting import COLUMNS, export_subscribers
from subscribers.keys import Keys
from subscribers.leaving import leave
from subscribers.model import Status
from subscribers.preferences import Cadence, Format
from subscribers.suppression import SuppressionList
from tests import builders
from tests.conftest import NOW


def export(database, **which):
    file = io.StringIO(newline="")
    with database.read() as session:
        count = export_subscribers(session, file, **which)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert count == len(rows)
    return rows


@pytest.fixture
def people(database):
    with database.write() as session:
        builders.person(
            session,
            "rosa@example.org",
            name="Rosa",
            cadence=Cadence.DAILY,
            languages=("es", "en"),
            topics=frozenset({"strikes", "prisons"}),
            countries=frozenset({"TR"}),
            format=Format.TEXT,
        )
        left = builders.person(session, "left@example.org")
        leave(session, left.id, source="unsubscribe page", now=NOW)
        gone = builders.person(session, "erased@example.org")
        erase(session, gone, suppression=SuppressionList(Keys.generate().suppression), now=NOW)


def test_a_row_says_what_an_import_wants_to_know(database, people):
    (rosa,) = export(database)
    joined = (NOW - timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rosa == {
        "email": "rosa@example.org",
        "name": "Rosa",
        "status": "active",
        "language": "es|en",
        "topics": "prisons|strikes",
        "countries": "TR",
        "cadence": "daily",
        "format": "text",
        "joined_at": joined,
        "left_at": "",
        "left_reason": "",
        "confirmed_at": joined,
        "consent_source": "a stall",
    }


def test_everybody_is_everybody_but_those_who_were_erased(database, people):
    assert [row["email"] for row in export(database, status=None)] == ["rosa@example.org", "left@example.org"]
    (left,) = export(database, status=Status.LEFT)
    assert (left["left_reason"], left["left_at"]) == ("unsubscribed", "2026-11-23T07:00:00Z")


def test_without_anybody_there_are_the_columns(database):
    file = io.StringIO(newline="")
    with database.read() as session:
        assert export_subscribers(session, file) == 0
    assert file.getvalue() == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_name_that_a_spreadsheet_would_calculate_is_made_harmless(database, name):
    with database.write() as session:
        builders.person(session, "rosa@example.org", name=name)
    (row,) = export(database)
    assert row["name"] == f"'{name}"


@given(st.text(max_size=30))
def test_no_cell_begins_a_formula_and_nothing_is_lost(cell):
    neutral = exporting._neutral(cell)
    assert not neutral.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert neutral.removeprefix("'") == cell.removeprefix("'")
