"""What servers say, as they say it, and what follows from it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.outcome import Accepted, Deferred, Refused, Uncertain, Why
from newsletter.delivery.reaction import TABLE, Stage, _pattern, outcome_of

MAIL, RCPT, DATA, DOT = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT
REFUSED, DEAD, ACCEPTED = "refused", "dead", "accepted"

SAID = [
    (DOT, 250, "2.0.0 Ok: queued as 4XyZ", ACCEPTED),
    (DOT, 250, "OK id=1abc-000-2D", ACCEPTED),
    # busy
    (MAIL, 421, "4.3.2 Service shutting down", Why.BUSY),
    (RCPT, 421, "4.7.0 [TSS04] Messages temporarily deferred due to user complaints", Why.BUSY),
    (DOT, 421, "4.7.28 Our system has detected an unusual rate of mail", Why.BUSY),
    (MAIL, 452, "4.3.1 Insufficient system storage", Why.BUSY),
    (MAIL, 450, "4.7.1 Client host rejected: cannot find your hostname", Why.BUSY),
    (DATA, 451, "4.3.0 Try later", Why.BUSY),
    # greylisted
    (RCPT, 450, "4.2.0 <a@b>: Recipient address rejected: Greylisted, see http://postgrey/help", Why.GREYLISTED),
    (RCPT, 451, "4.7.1 Please try again later", Why.GREYLISTED),
    (RCPT, 450, "4.7.1 Try again later", Why.GREYLISTED),
    (RCPT, 451, "Temporarily rejected. Try again in 5 minutes (graylisting)", Why.GREYLISTED),
    # too much for that domain
    (RCPT, 452, "4.5.3 Too many recipients", Why.SLOW_DOWN),
    (DOT, 450, "4.7.28 Rate limited", Why.SLOW_DOWN),
    (RCPT, 451, "4.7.0 Temporary server error", Why.SLOW_DOWN),
    (RCPT, 451, "4.3.2 Please try again later", Why.SLOW_DOWN),
    (DOT, 452, "4.3.1 Out of space", Why.SLOW_DOWN),
    # full
    (RCPT, 452, "4.2.2 The email account that you tried to reach is over quota", Why.FULL),
    (RCPT, 552, "5.2.2 Mailbox full", Why.FULL),
    (RCPT, 552, "Mailbox is full", Why.FULL),
    (RCPT, 452, "user is over quota", Why.FULL),
    # soft
    (RCPT, 450, "4.1.2 Domain not found", Why.SOFT),
    (DOT, 451, "4.6.0 Cannot scan now", Why.SOFT),
    (RCPT, 451, "Local problem", Why.SOFT),
    # about us
    (MAIL, 550, "5.7.1 Sender not allowed", Why.BARRED),
    (MAIL, 530, "5.7.0 Authentication required", Why.BARRED),
    (MAIL, 550, "Sender rejected", Why.SENDER),
    (DATA, 554, "5.5.1 No", Why.SENDER),
    (RCPT, 554, "5.7.1 Relay access denied", Why.POLICY),
    (DOT, 550, "5.7.26 This mail is unauthenticated", Why.POLICY),
    (RCPT, 550, "5.1.8 <news@x>: Sender address rejected: Domain not found", Why.POLICY),
    (RCPT, 553, "5.1.7 Sender address malformed", Why.POLICY),
    # nobody there
    (RCPT, 550, "5.1.1 <a@b>: User unknown", DEAD),
    (DOT, 550, "5.1.1 No such user", DEAD),
    (RCPT, 550, "5.1.2 Bad destination", DEAD),
    (RCPT, 551, "5.1.6 Moved", DEAD),
    (RCPT, 556, "5.1.10 Null MX", DEAD),
    (RCPT, 550, "5.2.1 The account is disabled", DEAD),
    (RCPT, 550, "#5.1.1 unknown", DEAD),
    # no, and no more than that
    (RCPT, 550, "No such user here", REFUSED),
    (RCPT, 550, "5.4.1 Recipient address rejected: Access denied", REFUSED),
    (RCPT, 550, "5.1.0 Address rejected", REFUSED),
    (DOT, 554, "5.6.0 Message content rejected", REFUSED),
    # a server that contradicts itself is taken by its code
    (RCPT, 450, "5.1.1 No such user", Why.SOFT),
    (RCPT, 550, "4.2.2 Mailbox full", REFUSED),
    (RCPT, 550, "5.1.11 Not the same number", REFUSED),
]


@pytest.mark.parametrize(("stage", "code", "text", "meaning"), SAID)
def test_what_a_server_says_has_this_meaning(stage, code, text, meaning):
    reply = f"{code} {text}".replace("<a@", "<…@").replace("<news@", "<…@")
    match meaning:
        case Why():
            assert outcome_of(stage, code, text) == Deferred(reply, meaning)
        case "accepted":
            assert outcome_of(stage, code, text) == Accepted(reply)
        case _:
            assert outcome_of(stage, code, text) == Refused(reply, dead=meaning == DEAD, after_dot=stage is DOT)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("5.7.1 <rosa.l+x@example.org>: Relay access denied", "554 5.7.1 <…@example.org>: Relay access denied"),
        ("rosa@example.org, an@x.y unknown", "554 …@example.org, …@x.y unknown"),
        ("No such user", "554 No such user"),
    ],
)
def test_what_is_kept_of_a_reply_names_nobody(said, kept):
    assert outcome_of(RCPT, 554, said).reply == kept


def test_every_line_of_the_table_is_reached_by_one_of_these():
    reached = {id(_first(stage, code, text)) for stage, code, text, _meaning in SAID}
    reached.add(id(_first(MAIL, 354, "Go on")))
    assert [rule for rule in TABLE if id(rule) not in reached] == []


def _first(stage, code, text):
    found = re.match(r"#?([245]\.\d+\.\d+)(?!\S)", text)
    enhanced = found[1] if found and found[1][0] == str(code)[0] else "none"
    return next(
        rule
        for rule in TABLE
        if rule.at & stage
        and _pattern(rule.code).fullmatch(str(code))
        and (not rule.enhanced or _pattern(rule.enhanced).fullmatch(enhanced))
        and (not rule.words or re.search(rule.words, text, re.IGNORECASE))
    )


@pytest.mark.parametrize("stage", [MAIL, RCPT, DATA])
@pytest.mark.parametrize("code", [354, 100, 600, 999, 220])
def test_before_the_dot_a_reply_that_can_not_be_one_means_nothing(stage, code):
    assert outcome_of(stage, code, "Go on") is None


@given(st.sampled_from([MAIL, RCPT, DATA, DOT]), st.integers(0, 999), st.text(max_size=60))
def test_whatever_is_said_nobody_is_buried_or_taken_for_served_without_a_reason(stage, code, text):
    outcome = outcome_of(stage, code, text)
    assert isinstance(outcome, Accepted) == (stage is DOT and 200 <= code < 300)
    if stage is DOT:
        assert outcome is not None
        assert isinstance(outcome, Uncertain) == (code // 100 not in {2, 4, 5})
    if isinstance(outcome, Refused):
        assert code // 100 == 5
        assert stage in {RCPT, DOT}
        assert not outcome.dead or re.match(r"#?5\.(1\.(1|2|6|10)|2\.1)(?!\S)", text)


def test_only_what_is_said_of_a_recipient_costs_an_attempt():
    assert {why for why in Why if why.costs_attempt} == {Why.SOFT, Why.GREYLISTED, Why.FULL, Why.POLICY}
    assert {why for why in Why if why.pauses_mailing} == {Why.POLICY, Why.BARRED}
    assert {why for why in Why if why.stops_run} == {Why.SENDER, Why.BARRED}
