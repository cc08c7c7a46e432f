"""Slots: what is personal gets where it belongs, and nowhere else."""

from email.message import EmailMessage
from email.policy import SMTP
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.editions.inline import inline_page
from newsletter.editions.slots import (
    Insert,
    Slot,
    SlotUnfilled,
    SlotUnknown,
    clean,
    fill,
    insert,
    mark,
    one_line,
    pieces,
)

EVERYTHING = {slot: slot.value for slot in Slot}
MARKS = [mark(place) for kind in (Slot, Insert) for place in kind]


def test_a_slot_takes_its_value_in_text_and_in_a_link():
    template = f"<p>{mark(Slot.GREETING)}</p><a href='{mark(Slot.UNSUBSCRIBE_URL)}'>out</a>"
    values = {Slot.GREETING: "Hello Anna,", Slot.UNSUBSCRIBE_URL: "https://example.org/u/x"}
    assert fill(template, values, html=True) == "<p>Hello Anna,</p><a href='https://example.org/u/x'>out</a>"


def test_values_are_escaped_in_html_and_left_alone_in_text():
    values = {Slot.GREETING: 'Hello <b>"O\'Neil" & Co</b>,'}
    assert fill(mark(Slot.GREETING), values, html=True) == (
        "Hello &lt;b&gt;&quot;O&#x27;Neil&quot; &amp; Co&lt;/b&gt;,"
    )
    assert fill(mark(Slot.GREETING), values, html=False) == values[Slot.GREETING]


def test_a_value_with_line_breaks_stays_on_one_line():
    assert fill(mark(Slot.GREETING), {Slot.GREETING: "Hello\r\nBcc: all\u2028you"}, html=False) == "Hello Bcc: all you"


@pytest.mark.parametrize("place", MARKS)
def test_a_name_that_holds_a_mark_is_not_filled_again(place):
    values = EVERYTHING | {Slot.GREETING: f"Hello {place},"}
    assert fill(mark(Slot.GREETING), values, html=False) == f"Hello {place},"


def test_a_slot_without_a_value_is_refused():
    with pytest.raises(SlotUnfilled, match="greeting"):
        fill(mark(Slot.GREETING), {Slot.UNSUBSCRIBE_URL: "x"}, html=False)


@pytest.mark.parametrize("unknown", ["~slot.password~", "~slot.~", "~slot.cards~"])
def test_an_unknown_slot_is_refused(unknown):
    with pytest.raises(SlotUnknown):
        fill(f"a {unknown} b", EVERYTHING, html=False)


def test_an_insert_without_a_value_is_refused_and_so_is_an_unknown_one():
    with pytest.raises(SlotUnfilled, match="cards"):
        insert(mark(Insert.CARDS), {})
    with pytest.raises(SlotUnknown):
        insert("~part.greeting~", {Insert.CARDS: ""})


def test_inserts_leave_the_slots_open():
    shell = mark(Slot.GREETING) + mark(Insert.INTRO)
    assert insert(shell, {Insert.INTRO: "Seven appeals."}) == mark(Slot.GREETING) + "Seven appeals."


def test_pieces_joined_again_are_the_template():
    template = f"a{mark(Slot.GREETING)}{mark(Slot.UNSUBSCRIBE_URL)}b"
    assert pieces(template) == ("a", Slot.GREETING, "", Slot.UNSUBSCRIBE_URL, "b")


@pytest.mark.parametrize("place", [*Slot, *Insert])
def test_marks_survive_the_inliner_in_text_and_in_links(place):
    page = f'<!DOCTYPE html><html><head></head><body><a href="{mark(place)}">{mark(place)}</a></body></html>'
    assert inline_page(page).count(mark(place)) == 2


@pytest.mark.parametrize("encoding", ["7bit", "8bit"])
def test_marks_survive_a_mime_body(encoding):
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))
    message.set_content("\n".join(MARKS) + "\n", cte=encoding)
    assert all(place.encode() in message.as_bytes() for place in MARKS)


@given(
    st.lists(st.one_of(st.text(max_size=8), st.sampled_from([*MARKS, "~", "~slot.", "slot.greeting~", "\x00", "\r"])))
)
def test_no_cleaned_text_holds_a_mark(parts):
    text = clean("".join(parts))
    assert pieces(text) == (text,)
    assert insert(text, {}) == text


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_a_cleaned_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


def test_cleaning_keeps_what_languages_need():
    # Persian joins and parts letters with ZWNJ, emoji with ZWJ; Arabic vowel signs are combining marks.
    for kept in ("می‌خواهیم", "👩‍🏭", "لم يُبلَّغ", "a\tb\n\nc", "naïve – “quoted”"):
        assert clean(kept) == kept


def test_cleaning_takes_overrides_of_direction_and_controls():
    assert clean("pay\u202egnp.exe\u2066\x07") == "paygnp.exe"


@given(st.text(), st.sampled_from(list(Slot)))
def test_a_filled_value_reads_as_it_was(value, slot):
    filled = fill(f"[{mark(slot)}]", {slot: value}, html=True)
    assert unescape(filled) == f"[{' '.join(value.split())}]"
