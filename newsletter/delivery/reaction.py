"""What a server's reply means for the recipient, the mailing and us (RFC 5321, RFC 3463): a table."""

import re
from enum import Flag, auto
from functools import lru_cache
from typing import NamedTuple

from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain, Why

START_INPUT = 354


class Stage(Flag):
    """What the reply answers."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()  # the command
    DOT = auto()  # the whole mail


_ANY = Stage.MAIL | Stage.RCPT | Stage.DATA | Stage.DOT
_OURS = Stage.MAIL | Stage.DATA  # commands that say nothing of a recipient
_THEIRS = Stage.RCPT | Stage.DOT
_GREY = r"gr[ea]y.?list|postgrey|try again in \d+ (sec|min)"
_QUOTA = r"quota|(mailbox|inbox|account)( is)? full|full (mailbox|inbox)"


class Meaning(NamedTuple):
    """What follows from a reply; `reaction.outcome_of` makes an outcome of it."""

    why: Why | None = None  # deferred for this
    accepted: bool = False
    dead: bool = False  # refused: there is no such mailbox, never write to it again
    unknown: bool = False  # the reply can't be one to this command


class Rule(NamedTuple):
    """One line of the table; `x` in a code stands for any digit or number."""

    at: Stage
    code: str
    enhanced: str
    words: str
    meaning: Meaning


REFUSED = Meaning()
ACCEPTED = Meaning(accepted=True)
DEAD = Meaning(dead=True)
UNKNOWN = Meaning(unknown=True)

# The first line that fits decides. An empty column fits everything.
TABLE = (
    #    at           code    enhanced   words    meaning
    Rule(Stage.DOT,   "2xx",  "",        "",      ACCEPTED),
    # 421 and what else is about the server, or about how much we send: says nothing of the recipient.
    Rule(_ANY,        "421",  "",        "",      Meaning(Why.BUSY)),
    Rule(_OURS,       "4xx",  "",        "",      Meaning(Why.BUSY)),
    Rule(_THEIRS,     "4xx",  "",        _GREY,   Meaning(Why.GREYLISTED)),
    Rule(_THEIRS,     "4xx",  "4.3.1",   "",      Meaning(Why.SLOW_DOWN)),  # the server's disk is full
    Rule(_THEIRS,     "4xx",  "4.3.2",   "",      Meaning(Why.SLOW_DOWN)),  # it takes no mail for now
    Rule(_THEIRS,     "4xx",  "4.5.3",   "",      Meaning(Why.SLOW_DOWN)),  # too many at once
    Rule(_THEIRS,     "4xx",  "4.7.0",   "",      Meaning(Why.SLOW_DOWN)),  # "too much mail from you for now"
    Rule(_THEIRS,     "4xx",  "4.7.28",  "",      Meaning(Why.SLOW_DOWN)),  # the same, as Gmail says it
    Rule(_THEIRS,     "450",  "4.7.1",   "",      Meaning(Why.GREYLISTED)),  # RFC 6647 5.1
    Rule(_THEIRS,     "451",  "4.7.1",   "",      Meaning(Why.GREYLISTED)),
    # A full mailbox passes, or does not, in days: also where the server says 'never'.
    Rule(_THEIRS,     "4xx",  "4.2.2",   "",      Meaning(Why.FULL)),
    Rule(_THEIRS,     "5xx",  "5.2.2",   "",      Meaning(Why.FULL)),
    Rule(_THEIRS,     "x52",  "none",    _QUOTA,  Meaning(Why.FULL)),
    Rule(_THEIRS,     "4xx",  "",        "",      Meaning(Why.SOFT)),
    # We, or this mail, are not wanted here: no other recipient will fare better.
    Rule(_OURS,       "5xx",  "5.7.x",   "",      Meaning(Why.BARRED)),
    Rule(_OURS,       "5xx",  "",        "",      Meaning(Why.SENDER)),
    Rule(_THEIRS,     "5xx",  "5.7.x",   "",      Meaning(Why.POLICY)),
    Rule(_THEIRS,     "5xx",  "5.1.7",   "",      Meaning(Why.POLICY)),  # our address, said late as Postfix does
    Rule(_THEIRS,     "5xx",  "5.1.8",   "",      Meaning(Why.POLICY)),  # our domain
    # Nobody there.
    Rule(_THEIRS,     "5xx",  "5.1.1",   "",      DEAD),  # no such mailbox
    Rule(_THEIRS,     "5xx",  "5.1.2",   "",      DEAD),  # no such domain
    Rule(_THEIRS,     "5xx",  "5.1.6",   "",      DEAD),  # moved, leaving no address
    Rule(_THEIRS,     "5xx",  "5.1.10",  "",      DEAD),  # a domain that takes no mail (RFC 7505)
    Rule(_THEIRS,     "5xx",  "5.2.1",   "",      DEAD),  # mailbox disabled
    Rule(_THEIRS,     "5xx",  "",        "",      REFUSED),
    Rule(_ANY,        "xxx",  "",        "",      UNKNOWN),
)  # fmt: skip

_LOCAL_PART = re.compile(r"[^\s<>@:;,()\[\]]+@")
_ENHANCED = re.compile(r"#?([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")


def outcome_of(stage: Stage, code: int, text: str) -> Outcome | None:
    """Say what a reply to a command means. For all commands but the dot, a reply that is not the one hoped for.

    Args:
        stage: what it answers.
        code: its three digits.
        text: its words on one line, an enhanced status code (RFC 3463) first, if there is one.

    Returns:
        The outcome; None if no server could mean this as an answer to that command. After the dot it is `Uncertain`
        even then.
    """
    reply = f"{code} {text}".rstrip()
    if "@" in reply:
        reply = _LOCAL_PART.sub("…@", reply)  # what is kept and shown names nobody, not even after erasure
    if stage is Stage.DOT and 200 <= code < 300:
        return Accepted(reply)  # the table's first line, said of nearly every mail, without the way through the table
    meaning = _meaning(stage, code, text)
    if meaning.why is not None:
        return Deferred(reply, meaning.why)
    if meaning.unknown:
        return Uncertain(f"the server answered nonsense: {reply}") if stage is Stage.DOT else None
    return Refused(reply, dead=meaning.dead, after_dot=stage is Stage.DOT)


def _meaning(stage: Stage, code: int, text: str) -> Meaning:
    found = _ENHANCED.match(text)
    digits = f"{code:03}"
    # A server that contradicts itself is taken by its code alone.
    enhanced = ".".join(found.groups()) if found and found[1] == digits[0] else "none"
    return next(
        rule.meaning
        for rule in TABLE
        if rule.at & stage
        and _pattern(rule.code).fullmatch(digits)
        and (not rule.enhanced or _pattern(rule.enhanced).fullmatch(enhanced))
        and (not rule.words or re.search(rule.words, text, re.IGNORECASE))
    )


@lru_cache(maxsize=100)
def _pattern(code: str) -> re.Pattern[str]:
    anything = r"\d+" if "." in code else r"\d"
    return re.compile(re.escape(code).replace("x", anything))
