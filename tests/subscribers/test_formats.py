"""The files that people leave other systems with: recognised, read right, and nobody brought in who had left there."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from subscribers.choices import Choices, choose
from subscribers.csv_file import HidesWhoLeft, NoSuchColumn, open_csv
from subscribers.import_row import Reason, Row
from subscribers.importing import import_subscribers
from subscribers.imports import Import
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.suppression import SuppressionList
from tests import builders
from tests.conftest import NOW

MAILCHIMP = (
    '"Email Address","First Name","Last Name",Country,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,'
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
FILES = {
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '6f1c,ada@example.org,Ada,"{""city"": ""Oslo""}",enabled,2024-05-01 10:30:00.123456 +0000 UTC,2025-01-01\n'
        "6f1d,gone@example.org,Gone,{},blocklisted,2024-05-01 10:30:00 +0000 UTC,2025-01-01\n"
        "6f1e,off@example.org,Off,{},disabled,2024-05-01 10:30:00 +0000 UTC,2025-01-01\n"
    ),
    "Mailchimp": (
        f"{MAILCHIMP},UNSUB_TIME,CLEAN_TIME\n"
        'ada@example.org,Ada,,Norway,2,"2024-05-01 10:00:00",192.0.2.1,"2024-05-01 10:30:00",192.0.2.1,'
        '59,10,1,2,Europe/Oslo,NO,03,"2024-06-01 10:00:00",1,aa,,"""a""",,\n'
        'gone@example.org,Gone,,,2,,,"2024-05-01 10:30:00",,,,,,,,,,2,bb,,,"2025-01-02 10:00:00",\n'
        'dead@example.org,Dead,,,2,,,"2024-05-01 10:30:00",,,,,,,,,,3,cc,,,,"2025-01-02 10:00:00"\n'
    ),
    "phpList": (
        "ID,Email,Is this subscriber confirmed,Is this subscriber blacklisted,Entered,Name,List Membership\n"
        "1,ada@example.org,1,0,2024-05-01 10:30:00,Ada,Appeals\n"
        "2,gone@example.org,1,1,2024-05-01 10:30:00,Gone,Appeals\n"
        "3,off@example.org,0,0,2024-05-01 10:30:00,Off,Appeals\n"
    ),
    "Action Network": (
        "uuid,first_name,last_name,email,country,can2_user_tags,can2_subscription_status,created_at\n"
        "x1,Ada,,ada@example.org,NO,strikes,subscribed,2024-05-01 10:30:00 UTC\n"
        "x2,Gone,,gone@example.org,NO,,unsubscribed,2024-05-01 10:30:00 UTC\n"
        "x3,Dead,,dead@example.org,NO,,bouncing,2024-05-01 10:30:00 UTC\n"
    ),
    "Mailman 3": (
        "address,display_name,delivery_mode,delivery_status,preferred_language\n"
        "ada@example.org,Ada,regular,enabled,en\n"
        "dead@example.org,Dead,regular,by_bounces,en\n"
        "off@example.org,Off,regular,by_user,en\n"
    ),
}


@pytest.fixture
def take(database, keys, tmp_path):
    """Give what imports a text as a file, with the statement that everybody in it agreed."""

    def take(text: str, *, mapping=None, consent="moved from the former list", only_subscribed=True, **options):
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        with open_csv(path, mapping=mapping or {}, only_subscribed=only_subscribed) as csv, database.write() as session:
            facts = {"suppression": SuppressionList(keys.suppression), "default_language": "nb", "now": NOW}
            return import_subscribers(session, csv, consent=consent, file=path.name, **facts, **options), csv

    return take


def people(database):
    with database.read() as session:
        return {
            one.email: (one.name, one.status, one.profile.languages, one.profile.countries, one.profile.topics)
            for one in session.scalars(select(Subscriber))
        }


def why_suppressed(database, keys, email):
    with database.read() as session:
        found = SuppressionList(keys.suppression).find(session, email)
        return found and found.reason


@pytest.mark.parametrize("system", FILES)
def test_an_export_is_recognised_and_only_who_was_on_there_is_taken(database, keys, take, system):
    report, csv = take(FILES[system])
    assert csv.format == system
    assert (report.read, report.taken) == (3, 1)
    language = "en" if system == "Mailman 3" else "nb"
    assert people(database) == {"ada@example.org": ("Ada", Status.ACTIVE, [language], [], [])}
    reasons = set(report.not_taken)
    assert reasons <= {Reason.LEFT_THERE, Reason.NOT_ON}
    gone = {
        "gone@example.org": LeftReason.UNSUBSCRIBED,
        "dead@example.org": LeftReason.BOUNCED,
        "off@example.org": None,
    }
    for email, reason in gone.items():
        assert why_suppressed(database, keys, email) == (reason if email in FILES[system] else None)


@pytest.mark.parametrize("system", sorted(set(FILES) - {"Mailman 3"}))
def test_when_they_agreed_is_what_the_former_place_says(database, take, system):
    take(FILES[system])
    with database.read() as session:
        (consent,) = session.execute(builders.consents_of("ada@example.org")).scalars()
        assert (consent.at.isoformat(), consent.source) == ("2024-05-01T10:30:00+00:00", "moved from the former list")


@pytest.mark.parametrize("system", FILES)
def test_evidence_of_consent_is_demanded_of_every_system(take, system):
    report, _csv = take(FILES[system], consent=None)
    assert report.taken == 0
    assert Reason.NO_CONSENT_SOURCE in report.not_taken


def test_mailchimp_without_a_confirmation_says_when_they_signed_up(take, database):
    take(f"{MAILCHIMP}\nada@example.org,Ada,,,2,2024-05-01 10:00:00" + "," * 15 + "\n")
    with database.read() as session:
        (consent,) = session.execute(builders.consents_of("ada@example.org")).scalars()
        assert consent.at.isoformat() == "2024-05-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("ada@example.org\nrosa@example.org\n", [("ada@example.org", ""), ("rosa@example.org", "")]),
        (
            "Ada Lovelace <ada@example.org>\nrosa@example.org\n",
            [("ada@example.org", "Ada Lovelace"), ("rosa@example.org", "")],
        ),
    ],
)
def test_a_list_of_addresses_alone_needs_no_header(tmp_path, text, rows):
    path = tmp_path / "members.txt"
    path.write_text(text)
    with open_csv(path) as csv:
        assert [(row.email, row.name, row.line) for row in csv] == [
            (*one, line) for line, one in enumerate(rows, start=1)
        ]


def test_who_left_there_is_not_brought_in_by_another_file_later(take, database):
    take(FILES["listmonk"])
    report, _csv = take("email\ngone@example.org\n")
    assert report.not_taken == {Reason.SUPPRESSED: 1}


def test_who_is_on_here_by_their_own_word_stays_on_though_they_left_there(take, database, keys):
    with database.write() as session:
        builders.person(session, "gone@example.org")
    report, _csv = take(FILES["listmonk"])
    assert report.already_there == 1
    assert why_suppressed(database, keys, "gone@example.org") is None
    assert people(database)["gone@example.org"][1] is Status.ACTIVE


def test_our_own_export_of_everybody_brings_back_nobody_who_left(take, database):
    report, _csv = take(
        "email,name,status,language,left_at\nada@example.org,Ada,active,en,\ngone@example.org,Gone,left,en,2026-01-01\n"
    )
    assert (report.taken, report.not_taken) == (1, {Reason.LEFT_THERE: 1})


def test_a_status_that_may_mean_anything_is_asked_about(take):
    report, _csv = take("email,status\nada@example.org,VIP\n")
    assert report.not_taken == {Reason.BAD_STATUS: 1}
    assert "'VIP'" in report.problems[0].sentence


def test_an_export_that_hides_who_has_left_is_refused_until_somebody_says_that_nobody_in_it_has(take, database):
    with pytest.raises(HidesWhoLeft, match="--only-subscribed"):
        take(FILES["listmonk"], only_subscribed=False)
    assert people(database) == {}


def test_of_two_rows_that_contradict_each_other_the_one_that_says_no_counts(take, database, keys):
    for text in (
        "a@example.org,active\na@example.org,unsubscribed\n",
        "b@example.org,unsubscribed\nb@example.org,active\n",
    ):
        take(f"email,status\n{text}")
    assert people(database) == {}
    assert why_suppressed(database, keys, "a@example.org") == why_suppressed(database, keys, "b@example.org")


def test_whom_a_file_alone_has_brought_is_taken_off_by_a_later_one(take, database, keys):
    take("email,status\nada@example.org,active\n")
    report, _csv = take("email,status\nada@example.org,unsubscribed\n")
    assert report.not_taken == {Reason.LEFT_THERE: 1}
    assert people(database)["ada@example.org"][1] is Status.LEFT
    assert why_suppressed(database, keys, "ada@example.org") == LeftReason.UNSUBSCRIBED


def test_who_has_chosen_something_here_since_is_here_by_their_own_word(take, database, keys):
    take("email,status\nada@example.org,active\n")
    with database.write() as session:
        ada = session.scalars(select(Subscriber)).one()
        before = Choices.of(ada)
        choose(session, ada.id, before, replace(before, hour=20), source="preferences page", now=NOW)
    take("email,status\nada@example.org,unsubscribed\n")
    assert people(database)["ada@example.org"][1] is Status.ACTIVE


@pytest.mark.parametrize("system", sorted(set(FILES) - {"listmonk", "Action Network", "Mailman 3"}))
def test_a_status_column_that_somebody_added_is_heeded_in_any_format(take, database, system):
    header, first, *_rest = FILES[system].splitlines()
    take(f"{header},Status\n{first},unsubscribed\n")
    assert people(database) == {}


@pytest.mark.parametrize(
    ("column", "cell"), [("unsubscribed", "1"), ("Opted out", "yes"), ("subscribed", "no"), ("active", "0")]
)
def test_plain_columns_say_it_too(take, database, column, cell):
    report, _csv = take(f"email,{column}\nada@example.org,{cell}\n")
    assert (report.taken, people(database)) == (0, {})


def test_a_hand_made_list_is_no_mailman_list_by_its_names_alone(take, database):
    _report, csv = take("Display Name,Address,Status\nAda,ada@example.org,unsubscribed\n")
    assert (csv.format, people(database)) == ("", {})


def test_columns_can_be_named(take, database):
    report, csv = take(
        "Kontakt;Wer;Land;Sprache\nada@example.org;Ada;NO;en\n",
        mapping={"email": "Kontakt", "name": "Wer", "countries": "Land", "language": "Sprache"},
    )
    assert (report.taken, csv.ignored) == (1, ())
    assert people(database) == {"ada@example.org": ("Ada", Status.ACTIVE, ["en"], ["NO"], [])}


def test_a_column_that_is_not_there_is_told_with_those_that_are(take):
    with pytest.raises(NoSuchColumn, match=r"no column .Mail privat.\. It has: Kontakt, Wer"):
        take("Kontakt,Wer\nada@example.org,Ada\n", mapping={"email": "Mail privat"})


def test_each_import_is_kept_as_one_row_and_a_dry_run_as_none(take, database):
    assert take(FILES["listmonk"], dry_run=True)[0].number is None
    assert take(FILES["listmonk"])[0].number is not None
    assert take(FILES["listmonk"])[0].number is None, "it changed nothing: there is nothing to undo"
    with database.read() as session:
        kept = session.scalars(select(Import)).one()
        assert (kept.file, kept.consent, kept.taken) == ("people.csv", "moved from the former list", 1)


def test_rows_hold_what_they_held_before_there_were_formats(tmp_path: Path):
    path = tmp_path / "plain.csv"
    path.write_text("email,first name,last name,country,consent date\nada@example.org,Ada,Lovelace,GB,2026-05-01\n")
    with open_csv(path) as csv:
        assert list(csv) == [Row(2, "ada@example.org", "Ada Lovelace", countries="GB", confirmed_at="2026-05-01")]
        assert csv.format == ""
