"""The files that people leave other systems with, told apart by their header rows, and what columns are called.

Names are compared without case, spaces and punctuation: see `folded`. What a recognised format calls a column counts
alone, for a column of the same name may mean something else there: a country that somebody lives in is none that they
want to read about.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

# What programs and people call a column, best first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "mailaddress", "address", "emailid", "emails"),
    "name": ("name", "fullname", "displayname", "contactname"),
    "first": ("firstname", "givenname", "forename"),
    "last": ("lastname", "surname", "familyname"),
    "language": ("language", "languages", "lang", "langs", "locale"),
    "topics": ("topics", "topic", "interests", "interest"),
    "countries": ("countries", "country"),
    "cadence": ("cadence", "frequency", "rhythm", "howoften"),
    "confirmed_at": (
        *("confirmedat", "confirmedon", "confirmed", "confirmtime", "confirmationdate", "confirmationtime"),
        *("consentat", "consentdate", "consentgivenat", "optinat", "optindate", "optintime", "optedinat"),
        *("subscribedat", "subscriptiondate", "signupdate"),
    ),
    "consent_source": ("consentsource", "consent", "optinsource", "signupsource", "subscriptionsource", "source"),
    "status": ("status", "subscriptionstatus", "emailstatus", "memberstatus"),
}
_PERSON = {field: NAMES[field] for field in ("name", "first", "last", "language", "consent_source", "status")}


class Format(NamedTuple):
    """One system's export.

    Attributes:
        name: the system's.
        marks: columns that no other one has; all of them are there.
        columns: what it calls ours, best first.
        instead: a column whose cell counts where the best one's is empty; by field.
        hides_leaving: whether somebody who has left a list there can look in it as if they had not.
        flags: columns that say that somebody is off, with the word for that: where the cell is not empty, or (`-`
            before the name) where it says no.
    """

    name: str
    marks: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    instead: Mapping[str, str] = MappingProxyType({})
    flags: Mapping[str, str] = MappingProxyType({})
    hides_leaving: bool = False


FORMATS: Sequence[Format] = (
    Format(
        name="Mailchimp",
        marks=("emailaddress", "leid", "euid"),
        columns={**_PERSON, "email": ("emailaddress",), "confirmed_at": ("confirmtime",)},
        instead={"confirmed_at": "optintime"},
        flags={"unsubtime": "unsubscribed", "cleantime": "cleaned"},
    ),
    Format(
        name="listmonk",
        marks=("uuid", "email", "attributes", "status"),
        columns={**_PERSON, "email": ("email",), "confirmed_at": ("createdat",)},
        hides_leaving=True,
    ),
    Format(
        name="phpList",
        marks=("email", "isthissubscriberconfirmed"),
        columns={**_PERSON, "email": ("email",), "confirmed_at": ("entered",)},
        flags={
            "-isthissubscriberconfirmed": "unconfirmed",
            "isthissubscriberblacklisted": "blacklisted",
            "isthisaccountdisabled": "disabled",
        },
    ),
    Format(
        name="Action Network",
        marks=("email", "can2subscriptionstatus"),
        columns={
            **_PERSON,
            "email": ("email",),
            "status": ("can2subscriptionstatus", "status"),
            "confirmed_at": ("createdat", "createddate", "datecreated", "timestamp"),
        },
    ),
    Format(
        name="Mailman 3",
        marks=("displayname", "deliverymode"),
        columns={
            **_PERSON,
            "email": ("address", "email"),
            "name": ("displayname",),
            "language": ("preferredlanguage", "language"),
            "confirmed_at": NAMES["confirmed_at"],
            "status": ("deliverystatus", "status"),
        },
    ),
)

# Beside a recognised format's own: what says anywhere that somebody is off.
FLAGS: Mapping[str, str] = {
    "unsubscribedat": "unsubscribed",
    "unsubscribetime": "unsubscribed",
    "unsubscribedate": "unsubscribed",
    "optouttime": "unsubscribed",
    "leftat": "unsubscribed",
    "blacklisted": "blacklisted",
    "blocklisted": "blocklisted",
    "bouncedat": "bounced",
    "unsubscribed": "unsubscribed",
    "optedout": "unsubscribed",
    "optout": "unsubscribed",
    "-subscribed": "off",
    "-active": "off",
}


def folded(name: str) -> str:
    """Give a column's name as names are compared here."""
    return "".join(filter(str.isalnum, name.casefold()))


def speaks_of_leaving(name: str) -> bool:
    """Say whether a column that is not understood may say that somebody is off: that is not passed over in silence."""
    return any(
        word in folded(name) for word in ("unsub", "opt", "status", "subscri", "block", "black", "bounce", "left")
    )


def recognised(header: Sequence[str]) -> Format | None:
    """Give the format that a header row is of, if it is one of these.

    Args:
        header: folded names.
    """
    return next((one for one in FORMATS if set(one.marks) <= set(header)), None)
