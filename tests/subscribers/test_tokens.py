"""A link opens one thing, for one person, and nothing else."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.keys import Keys
from subscribers.tokens import Claim, InvalidToken, Purpose, Tokens

ZEYNEP = 4711

numbers = st.integers(0, 2**64 - 1)
epochs = st.integers(0, 2**16 - 1)
purposes = st.sampled_from(Purpose)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(Keys.generate())


@given(purposes, numbers, epochs)
def test_a_token_says_who_it_was_made_for(tokens, purpose, subscriber_id, epoch):
    token = tokens.issue(purpose, subscriber_id=subscriber_id, epoch=epoch)
    assert tokens.read(purpose, token) == Claim(subscriber_id, epoch)


def test_a_token_is_the_same_in_every_mail_and_fits_into_a_link(tokens):
    token = tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=ZEYNEP, epoch=0)
    assert token == tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=ZEYNEP, epoch=0)
    assert re.fullmatch(r"[A-Za-z0-9_-]{36}", token)


def test_neighbours_have_nothing_in_common_but_the_key(tokens):
    mine, yours = (tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=n, epoch=0) for n in (ZEYNEP, ZEYNEP + 1))
    assert sum(a == b for a, b in zip(mine[2:], yours[2:], strict=True)) < 10


@given(purposes, purposes, numbers)
def test_a_token_for_one_purpose_is_worthless_for_another(tokens, made_for, used_for, subscriber_id):
    token = tokens.issue(made_for, subscriber_id=subscriber_id, epoch=0)
    if made_for == used_for:
        assert tokens.read(used_for, token)
    else:
        with pytest.raises(InvalidToken):
            tokens.read(used_for, token)


@given(purposes, numbers, epochs, st.integers(0, 27 * 8 - 1))
def test_any_flipped_bit_makes_it_worthless(tokens, purpose, subscriber_id, epoch, bit):
    raw = bytearray(base64.urlsafe_b64decode(tokens.issue(purpose, subscriber_id=subscriber_id, epoch=epoch)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidToken):
        tokens.read(purpose, base64.urlsafe_b64encode(raw).decode())


@given(numbers, st.integers(0, 35), st.characters())
def test_any_other_character_makes_it_worthless(tokens, subscriber_id, place, character):
    token = tokens.issue(Purpose.PREFERENCES, subscriber_id=subscriber_id, epoch=3)
    other = token[:place] + character + token[place + 1 :]
    if other == token:
        return
    with pytest.raises(InvalidToken):
        tokens.read(Purpose.PREFERENCES, other)


@given(
    st.text()
    | st.text("AB_-+/=09", min_size=30, max_size=40)
    | st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_whatever_somebody_makes_up_is_worthless(tokens, text):
    with pytest.raises(InvalidToken):
        tokens.read(Purpose.UNSUBSCRIBE, text)


def test_a_token_has_one_spelling(tokens):
    token = next(
        token
        for number in range(1_000)
        if "-" in (token := tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=number, epoch=0))
    )
    for other in (token.replace("-", "+"), token + "=", token + "====", token + "\n", " " + token, token[:-1]):
        with pytest.raises(InvalidToken):
            tokens.read(Purpose.UNSUBSCRIBE, other)


@given(purposes, numbers)
def test_another_newsletters_token_is_worthless(tokens, purpose, subscriber_id):
    token = Tokens(Keys.generate()).issue(purpose, subscriber_id=subscriber_id, epoch=0)
    with pytest.raises(InvalidToken):
        tokens.read(purpose, token)


def test_links_in_old_mails_work_after_a_change_of_keys():
    old, fresh = Keys.generate(), Keys.generate()
    token = Tokens(old).issue(Purpose.UNSUBSCRIBE, subscriber_id=ZEYNEP, epoch=0)
    both = Keys(tokens={1: old.tokens[1], 2: fresh.tokens[1]}, current=2, suppression=old.suppression)
    assert Tokens(both).read(Purpose.UNSUBSCRIBE, token) == Claim(ZEYNEP, 0)
    assert Tokens(both).issue(Purpose.UNSUBSCRIBE, subscriber_id=ZEYNEP, epoch=0) != token
    gone = Keys(tokens={2: fresh.tokens[1]}, current=2, suppression=old.suppression)
    with pytest.raises(InvalidToken):
        Tokens(gone).read(Purpose.UNSUBSCRIBE, token)
