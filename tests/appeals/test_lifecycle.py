"""How an appeal lives: who may do what with it, and what is recorded."""

import threading

import pytest
from sqlalchemy import select

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target
from newsletter.appeals.appeal_text import TextStatus
from newsletter.appeals.editing import Changes, OnlyText, TextThere, TitleMissing, edit, remove_text, translate
from newsletter.appeals.ending import Ending
from newsletter.appeals.history import Move
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.labels import EVERY, Label, LabelKind, counts, newest
from newsletter.appeals.model import (
    Act,
    Appeal,
    AppealClosed,
    AppealNotClosed,
    AppealStatus,
    ApprovalNeeded,
    Audience,
    ChangedMeanwhile,
    FollowUp,
    NotApproved,
)
from newsletter.appeals.names import Register
from newsletter.appeals.organisers import (
    OPERATOR,
    NoSuchOrganiser,
    OrganiserNameWrong,
    OrganiserThere,
    acting,
    add_organiser,
    find_organiser,
)
from tests import builders
from tests.conftest import NOW

LAYLA, ROSA = Act(by="Layla", at=NOW), Act(by="Rosa", at=NOW)
NOBODY = Register()


def test_an_appeal_goes_from_draft_to_released_and_each_move_is_recorded(database):
    with database.write() as session:
        appeal = builders.appeal(session, released=None)
        edit(appeal, Changes(teaser="Twelve are held."), LAYLA, NOBODY)
        with pytest.raises(NotApproved):
            appeal.release(ROSA)
        assert appeal.approve(ROSA, second_look=True)
        assert (appeal.status, appeal.text.status) == (AppealStatus.APPROVED, TextStatus.APPROVED)
        assert appeal.public_document() is None
        assert appeal.release(LAYLA)
        assert appeal.close(ROSA, Ending.WON)
        appeal.reopen(LAYLA)
    with database.read() as session:
        appeal = find_appeal(session, "2026/001")
        assert appeal.status is AppealStatus.RELEASED
        assert [(made.move, made.by, made.version.content["texts"][0]["teaser"]) for made in appeal.moves] == [
            (Move.IMPORTED, "source", "Eleven people are held."),
            (Move.EDITED, "Layla", "Twelve are held."),
            (Move.APPROVED, "Rosa", "Twelve are held."),
            (Move.RELEASED, "Layla", "Twelve are held."),
            (Move.CLOSED, "Rosa", "Twelve are held."),
            (Move.REOPENED, "Layla", "Twelve are held."),
        ]
        assert len(appeal.versions) == 2
        assert appeal.revision == 6


def test_whoever_wrote_it_cannot_approve_it_and_who_changes_it_afterwards_has_written_it(database):
    with database.write() as session:
        appeal = builders.appeal(session, released=None)
        edit(appeal, Changes(title="Another"), LAYLA, NOBODY)
        with pytest.raises(ApprovalNeeded, match="Layla"):
            appeal.approve(LAYLA, second_look=True)
        appeal.approve(ROSA, second_look=True)
        edit(appeal, Changes(title="A third"), ROSA, NOBODY)
        assert appeal.status is AppealStatus.DRAFT
        with pytest.raises(ApprovalNeeded, match="Rosa"):
            appeal.approve(ROSA, second_look=True)
        assert appeal.approve(LAYLA, second_look=True)  # what she wrote was approved before


def test_where_no_second_look_is_wanted_one_person_does_it_all(database):
    with database.write() as session:
        appeal = builders.appeal(session, released=None)
        edit(appeal, Changes(title="Another"), LAYLA, NOBODY)
        assert appeal.approve(LAYLA, second_look=False)


def test_an_edit_takes_a_released_appeal_out_of_mails_while_its_page_stays_as_approved(database):
    with database.write() as session:
        appeal = builders.appeal(session)
        edit(appeal, Changes(title="Not approved"), LAYLA, NOBODY)
        assert appeal.status is AppealStatus.DRAFT
        assert appeal.public_document().texts[0].title == "Free the eleven"
        appeal.approve(ROSA, second_look=True)
        assert appeal.public_document().texts[0].title == "Free the eleven"
        appeal.release(ROSA)
        assert appeal.public_document().texts[0].title == "Not approved"


def test_what_stands_here_is_released_only_if_it_is_what_was_approved(database):
    with database.write() as session:
        appeal = builders.appeal(session, released=None)
        appeal.approve(ROSA, second_look=True)
        appeal.text.title = "Somebody wrote into the database"
        with pytest.raises(NotApproved):
            appeal.release(ROSA)


def test_an_edit_that_changes_nothing_needs_no_approval(database):
    with database.write() as session:
        appeal = builders.appeal(session)
        assert not edit(appeal, Changes(title="Free  the eleven"), LAYLA, NOBODY)
        assert appeal.status is AppealStatus.RELEASED


def with_letter(session, *, reads=(), released=NOW):
    """An appeal whose translation brings a letter of its own, still a draft."""
    appeal = builders.appeal(session, released=None)
    target = Target(name="The prosecutor", emails=("prosecutor@example.org",), languages=reads)
    words = {"en": ActionWords(say="Write", letter="Dear Sir")}
    ask = Action(key="write", kind=ActionKind.WRITE, targets=(target,), words=words)
    edit(appeal, Changes(actions=[ask]), LAYLA, NOBODY)
    if released:
        appeal.approve(ROSA, second_look=True)
        appeal.release(ROSA)
    spanish = Action(key="write", kind=ActionKind.WRITE, words={"es": ActionWords(say="Escriba", letter="Señor")})
    translate(appeal, "es", Changes(title="Libertad", teaser="Once.", actions=[spanish]), LAYLA, NOBODY)
    return appeal


def test_a_translation_that_is_taken_away_takes_its_letter_along_and_leaves_what_is_released_released(database):
    with database.write() as session:
        appeal = with_letter(session)
        remove_text(appeal, "es", LAYLA)
        assert list(appeal.doable[0].words) == ["en"]
        assert (appeal.status, appeal.public_document()) == (AppealStatus.RELEASED, appeal.document())


def test_a_letter_that_a_target_reads_stays_and_waits_for_approval(database):
    with database.write() as session:
        appeal = with_letter(session, reads=("es",))
        remove_text(appeal, "es", LAYLA)
        assert appeal.doable[0].words["es"].letter == "Señor"
        assert appeal.status is AppealStatus.DRAFT
        assert appeal.approve(ROSA, second_look=True)
        assert appeal.release(ROSA)


def test_what_was_approved_and_lost_a_text_can_be_approved_again(database):
    with database.write() as session:
        appeal = with_letter(session, released=None)
        appeal.approve(ROSA, second_look=True)
        remove_text(appeal, "es", LAYLA)
        assert (appeal.status, appeal.waits_for_approval) == (AppealStatus.DRAFT, True)
        assert appeal.approve(ROSA, second_look=True)
        translate(appeal, "fr", Changes(title="Liberté", teaser="Onze."), LAYLA, NOBODY)
        remove_text(appeal, "fr", LAYLA)
        assert appeal.status is AppealStatus.APPROVED, "it stands as it was approved"
        assert appeal.release(ROSA)


def test_two_translations_were_approved_together_and_one_is_taken_away(database):
    with database.write() as session:
        appeal = with_letter(session)
        translate(appeal, "fr", Changes(title="Liberté", teaser="Onze."), LAYLA, NOBODY)
        appeal.approve(ROSA, second_look=True)
        remove_text(appeal, "es", LAYLA)
        texts = {text.language: text.status for text in appeal.texts}
        assert texts == {"en": TextStatus.RELEASED, "fr": TextStatus.DRAFT}
        assert (appeal.status, appeal.waits_for_approval) == (AppealStatus.RELEASED, True)
        assert appeal.approve(ROSA, second_look=True)
        assert appeal.release(ROSA)
        assert [text.language for text in appeal.public_document().texts] == ["en", "fr"]
        with pytest.raises(OnlyText):
            remove_text(appeal, "en", LAYLA)


def test_the_second_of_two_who_edit_at_once_is_told(database):
    with database.write() as session:
        builders.appeal(session, released=None)
    read = threading.Barrier(2)
    said = {}

    def work(name):
        with database.read() as session:
            revision = find_appeal(session, "2026/001").revision
        read.wait(20)
        try:
            with database.write() as session:
                appeal = find_appeal(session, "2026/001", lock=True)
                edit(appeal, Changes(title=f"{name}'s"), Act(by=name, at=NOW), NOBODY, revision=revision)
            said[name] = None
        except ChangedMeanwhile as fault:
            said[name] = fault

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Layla", "Rosa")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    [first] = [name for name, fault in said.items() if fault is None]
    [fault] = [fault for fault in said.values() if fault is not None]
    assert fault.facts["by"] == first
    with database.read() as session:
        assert find_appeal(session, "2026/001").text.title == f"{first}'s"


def test_what_is_closed_can_only_be_opened_again(database):
    with database.write() as session:
        appeal = builders.appeal(session)
        with pytest.raises(AppealNotClosed):
            appeal.reopen(ROSA)
        appeal.close(ROSA, Ending.LOST)
        for act in (
            lambda: edit(appeal, Changes(title="x"), LAYLA, NOBODY),
            lambda: appeal.approve(ROSA, second_look=False),
            lambda: appeal.release(ROSA),
            lambda: translate(appeal, "es", Changes(title="x"), LAYLA, NOBODY),
        ):
            with pytest.raises(AppealClosed):
                act()
        assert not appeal.close(ROSA, Ending.LOST)
        assert appeal.close(ROSA, Ending.PARTLY_WON)
        assert appeal.text.title == "Free the eleven"
        assert [text.language for text in appeal.texts] == ["en"]


def test_a_draft_that_was_closed_is_a_draft_again(database):
    with database.write() as session:
        appeal = builders.appeal(session, released=None)
        appeal.close(ROSA)
        appeal.reopen(ROSA)
        assert appeal.status is AppealStatus.DRAFT


def test_a_withdrawn_appeal_is_public_no_more(database):
    with database.write() as session:
        appeal = builders.appeal(session, countries=["TR"], topics=["strikes"], languages=("en", "ar"))
        assert newest(session, [EVERY, Label(LabelKind.COUNTRY, "TR")], limit=9) == [appeal.id]
        assert counts(session, LabelKind.LANGUAGE) == {"ar": 1, "en": 1}
        appeal.close(ROSA, Ending.WITHDRAWN)
        session.flush()
        assert appeal.public_document() is None
        assert newest(session, [EVERY], limit=9) == []
        appeal.reopen(ROSA)
        session.flush()
        assert newest(session, [EVERY], limit=9) == [appeal.id]


def test_labels_follow_what_is_released(database):
    with database.write() as session:
        appeal = builders.appeal(session, countries=["TR", "IR"])
        edit(appeal, Changes(countries=["IR", "PE"]), LAYLA, NOBODY)
        assert counts(session, LabelKind.COUNTRY) == {"IR": 1, "TR": 1}
        builders.approve_and_release(appeal)
        session.flush()
        assert counts(session, LabelKind.COUNTRY) == {"IR": 1, "PE": 1}


def test_the_newest_appeals_come_first_and_page_by_page(database):
    with database.write() as session:
        made = [builders.appeal(session, f"number {n}", topics=["even"] if n % 2 == 0 else []).id for n in range(6)]
        assert newest(session, [EVERY], limit=4) == made[:1:-1]
        assert newest(session, [EVERY], limit=4, offset=4) == made[1::-1]
        assert newest(session, [Label(LabelKind.TOPIC, "even"), EVERY], limit=9, by_release=True) == made[4::-2]


def test_follow_ups_are_numbered_after_their_original_whatever_they_continue(database):
    with database.write() as session:
        original = builders.appeal(session, countries=["TR"], topics=["strikes"])
        update = builders.follow_up(session, original, FollowUp.UPDATE, Audience.EVERYONE)
        victory = builders.follow_up(session, update, FollowUp.VICTORY, Audience.RECIPIENTS, released=None)
        assert [update.reference, victory.reference] == ["2026/001-2", "2026/001-3"]
        assert (victory.original, victory.countries, victory.topics) == (original, ["TR"], ["strikes"])
        assert builders.appeal(session, reference=None, released=None).reference != update.reference
        assert victory.writers == ("Tarek",)
        with pytest.raises(TitleMissing):
            builders.follow_up(session, original, FollowUp.UPDATE, Audience.EVERYONE, title=" ")


def test_a_language_has_one_text(database):
    with database.write() as session:
        appeal = builders.appeal(session)
        with pytest.raises(TextThere):
            translate(appeal, "en", Changes(title="x"), LAYLA, NOBODY)


def test_a_released_appeal_stays_released_when_a_translation_comes(database):
    with database.write() as session:
        appeal = builders.appeal(session)
        builders.translation(appeal, "es")
        assert appeal.status is AppealStatus.RELEASED
        assert [text.language for text in appeal.public_document().texts] == ["en"]
        appeal.approve(ROSA, second_look=True)
        assert [text.status for text in appeal.texts] == [TextStatus.RELEASED, TextStatus.APPROVED]
        assert appeal.waits_for_release
        appeal.release(ROSA)
        assert [text.language for text in appeal.public_document().texts] == ["en", "es"]


def test_organisers_are_known_by_name_and_what_they_did_outlives_them(database):
    with database.write() as session:
        add_organiser(session, " Rosa  Diaz ", now=NOW)
        assert acting(session, "rosa diaz") == "Rosa Diaz"
        assert acting(session, None) == OPERATOR
        with pytest.raises(OrganiserThere):
            add_organiser(session, "ROSA DIAZ", now=NOW)
        find_organiser(session, "Rosa Diaz").removed_at = NOW
        session.flush()
        with pytest.raises(NoSuchOrganiser):
            acting(session, "Rosa Diaz")
        add_organiser(session, "Rosa Diaz", now=NOW)
        assert acting(session, "Rosa Diaz") == "Rosa Diaz"


@pytest.mark.parametrize("name", ["", "operator", "Source", "a\nb\x07", "x" * 101])
def test_some_names_no_organiser_can_have(database, name):
    with database.write() as session, pytest.raises(OrganiserNameWrong):
        add_organiser(session, name, now=NOW)


def test_every_appeal_in_the_house_can_be_read_back_from_its_versions(database):
    with database.write() as session:
        builders.appeal(session, languages=("en", "ar"), countries=["TR"], deadline=NOW.date())
    with database.read() as session:
        appeal = session.scalars(select(Appeal)).one()
        assert appeal.public_document() == appeal.document()
