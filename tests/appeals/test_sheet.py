"""An appeal as a file to edit: what goes out comes back."""

from contextlib import suppress
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target, merged, renewed
from newsletter.appeals.document import AppealDocument, TextDocument
from newsletter.appeals.sheet import read_sheet, write_sheet
from newsletter.appeals.sources.faults import FrontMatterWrongValue, SourceFault
from newsletter.appeals.sources.markdown import read_markdown
from newsletter.appeals.urgency import Urgency

ACTIONS = (
    Action(
        key="prosecutor",
        kind=ActionKind.WRITE,
        targets=(
            Target(
                name="Başsavcı",
                office="Chief prosecutor",
                postal_address="Adliye Sarayı\n27000 Gaziantep",
                emails=("prosecutor@example.org",),
                phone="+90 342 555 0100",
                languages=("tr", "en"),
            ),
        ),
        words={
            "en": ActionWords(say="Ask for their release", subject="Release: now", letter="Dear Sir,\n\nfree them."),
            "tr": ActionWords(say="Serbest", subject="Serbest", letter="Sayın,\n\nserbest bırakın."),
        },
    ),
    Action(
        key="2", kind=ActionKind.SIGN, url="https://example.org/petition", words={"en": ActionWords(say="Sign: now")}
    ),
)


def document(text, **facts):
    about = {"deadline": None, "urgency": Urgency.NORMAL, "countries": (), "topics": (), "actions": ACTIONS} | facts
    return AppealDocument(reference="2026/014", published_on=date(2026, 11, 20), texts=(text,), **about)


def test_a_whole_appeal_comes_back_as_it_went_out():
    text = TextDocument(
        language="en",
        title="Free: the eleven",
        byline="A committee",
        teaser="One.\n\nTwo.",
        body="# Heading\n\n- one\n- two",
        background="It began in May.\n\nThen: June.",
        demands=("Release them", "Pay: what is owed"),
        url="https://example.org/11",
        picture_alt="A tent",
    )
    whole = document(
        text, deadline=date(2026, 12, 1), urgency=Urgency.LIFE_AT_RISK, countries=("TR", "NO"), topics=("strikes",)
    )
    written = write_sheet(whole, text, revision=7)
    changes, language, revision = read_sheet(written, place="a.md")
    assert (language, revision) == ("en", 7)
    for name in ("title", "byline", "teaser", "body", "background", "demands", "url", "picture_alt"):
        assert getattr(changes, name) == getattr(text, name)
    for name in ("deadline", "urgency", "countries", "topics", "actions"):
        assert getattr(changes, name) == getattr(whole, name)
    assert "letter: |-\n" in written  # a person is to edit it


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40)


@given(LINES, LINES, LINES)
def test_whatever_its_words_are_they_come_back(title, teaser, letter):
    title, teaser = " ".join(title.split()) or "T", " ".join(teaser.split())
    action = Action(key="1", kind=ActionKind.SHARE, words={"en": ActionWords(say=title, letter=letter.strip())})
    text = TextDocument(language="en", title=title, teaser=teaser)
    changes, _, _ = read_sheet(write_sheet(document(text, actions=(action,)), text, revision=1), place="a.md")
    # Text comes in as NFC, without what nobody sees: once more round, it stays.
    again, _, _ = read_sheet(
        write_sheet(
            document(TextDocument(language="en", title=changes.title, teaser=changes.teaser), actions=changes.actions),
            TextDocument(language="en", title=changes.title, teaser=changes.teaser),
            revision=1,
        ),
        place="a.md",
    )
    assert again == changes


@pytest.mark.parametrize(
    ("actions", "wrong"),
    [
        ("- {say: Write to them}", "actions, number 1, kind"),
        ("- {kind: write}", "actions, number 1, targets"),
        ("- {kind: sign, url: 'javascript:alert(1)'}", "actions, number 1, url"),
        ("- {kind: dance}", "actions, number 1, kind"),
        ("- {kind: share, colour: red}", "actions, number 1"),
        ("- [1, 2]", "actions, number 1"),
        ("{a: b}", "actions"),
        ("- {kind: share, key: a}\n- {kind: share, key: A}", "actions"),
        ("- {targets: [{office: x}]}", "actions, number 1, targets"),
        ("- {targets: [{name: x, emails: [nobody]}]}", "actions, number 1, targets, emails"),
        ("- {targets: [{name: x, emails: ['a@b.cc\\nBcc: c@d.ee']}]}", "actions, number 1, targets, emails"),
        ("- {targets: [{name: x, phone: 'call me'}]}", "actions, number 1, targets, phone"),
        ("- {targets: [{name: x, languages: [english]}]}", "actions, number 1, targets"),
        ("- {kind: share, letters: [a]}", "actions, number 1, letters"),
        ("- {kind: share, letter: {a: b}}", "actions, number 1, letter"),
    ],
)
def test_an_action_that_is_not_understood_is_told_and_nothing_is_guessed(actions, wrong):
    indented = "\n".join("  " + line for line in actions.splitlines())
    with pytest.raises(FrontMatterWrongValue) as refusal:
        read_markdown(f"---\ntitle: T\ndate: 2026-11-20\nactions:\n{indented}\n---\nText.\n", place="a.md")
    assert refusal.value.facts["key"] == wrong


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["say", "kind", "targets", "name", "letters", "en", "url", "emails"]), inner, max_size=3
            )
        ),
    )
)
def test_no_list_of_actions_breaks_the_reader(value):
    front = yaml.safe_dump({"title": "T", "date": "2026-11-20", "actions": value}, allow_unicode=True)
    with suppress(SourceFault):
        read_markdown(f"---\n{front}---\nText.\n", place="a.md")


def test_a_translation_brings_words_and_nothing_else():
    theirs = (Action(key="prosecutor", kind=ActionKind.SIGN, words={"es": ActionWords(say="Pide su libertad")}),)
    made = merged(ACTIONS, theirs, "es")
    assert made[0].words["es"].say == "Pide su libertad"
    assert (made[0].kind, made[0].targets, made[1]) == (ACTIONS[0].kind, ACTIONS[0].targets, ACTIONS[1])


def test_a_new_list_keeps_what_other_languages_say_of_the_same_action():
    made = renewed(ACTIONS, (Action(key="prosecutor", kind=ActionKind.SHARE, words={"en": ActionWords(say="New")}),))
    assert [action.key for action in made] == ["prosecutor"]
    assert (made[0].words["en"].say, made[0].words["tr"].say) == ("New", "Serbest")


def test_a_letter_is_in_a_language_that_its_reader_understands():
    [prosecutor] = ACTIONS[0].targets
    assert ACTIONS[0].letter_for(prosecutor, "en")[0] == "en"
    assert ACTIONS[0].letter_for(prosecutor, "fr")[0] == "tr"
    assert ACTIONS[0].letter_for(Target(name="x", languages=("de",)), "en")[0] == "en"
    assert ACTIONS[1].letter_for(prosecutor, "en") is None
