"""The whole way on real input: a listing becomes appeals, 1,000 people get what concerns them, once, and can leave."""

import re
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from email.policy import SMTP
from pathlib import Path

import httpx
import pytest

from tests.scenarios.web_server import serving

KURDS, MOROCCO, NPSMK, EL_SALVADOR, ITALY, MASSACRE, OIL = (
    "Kurdish prisoners on hunger strike",
    "Morocco: General Strike Paralyses the Region of Ouarzazate (South) - New Appeal for Solidarity",
    "Kazakhstan: NPSMK - Solidarity with the student movement in Quebec",
    "Urgent solidarity appeal with El Salvador comrades",
    "Italy: Stop victimization of anti-fascist trade union leader Matteo Parlati",
    "Workers massacred in Kazakhstan: solidarity is needed!",
    "Kazakhstan oil workers’ strike: International solidarity urgently needed!",
)
FERRY = "Free the ferry crew"

OWN = Path(__file__).parents[1] / "appeals" / "sources" / "pages" / "listing.txt"
IZMIR, LOWELL, COPPER = (
    "Turkey: Free the Izmir dock organisers",
    "Urgent: hunger strike at the Lowell textile mill",
    "Chile: Copper miners' families need help",
)


@dataclass(frozen=True)
class Story:
    """A listing, what is in it, and who gets what of it.

    Attributes:
        facts: title, date, countries and urgency of each appeal, as `appeal list` has them.
        about_miners: the title of the one that an organiser gives the topic `miners`.
        kinds: language, topics and countries of each kind of reader, and the titles that they get, in order.
        people: how many there are, evenly of all kinds.
    """

    listing: Path
    facts: list
    about_miners: str
    kinds: dict
    people: int


@pytest.fixture(params=["real", "own"])
def story(request) -> Story:
    if request.param == "own":
        return Story(
            listing=OWN,
            facts=[
                (IZMIR, "2014-03-04", ["TR"], False),
                (LOWELL, "2014-02-28", ["BD"], True),
                (COPPER, "2014-02-03", ["CL"], False),
            ],
            about_miners=COPPER,
            kinds={
                "everything": (("en", "", ""), [LOWELL, IZMIR, COPPER]),
                "turkey": (("en", "", "TR"), [IZMIR]),
                "miners": (("en", "miners", ""), [COPPER]),
                "miners-bangladesh": (("en", "miners", "BD"), []),
                "arabic-chile": (("ar|en", "", "CL"), [COPPER]),
                "spanish": (("es", "", ""), []),
            },
            people=120,
        )
    return Story(
        listing=request.getfixturevalue("seeds"),
        facts=[
            (KURDS, "2012-11-06", ["TR"], False),
            (MOROCCO, "2012-10-17", ["MA"], False),
            (NPSMK, "2012-05-09", ["KZ"], False),
            (EL_SALVADOR, "2012-03-14", ["SV"], True),
            (ITALY, "2012-02-21", ["IT"], False),
            (MASSACRE, "2011-12-17", ["KZ"], False),
            (OIL, "2011-11-29", ["KZ"], True),
        ],
        about_miners=MOROCCO,
        kinds={
            # Urgent ones first, then by date.
            "everything": (("en", "", ""), [EL_SALVADOR, OIL, KURDS, MOROCCO, NPSMK, ITALY, MASSACRE]),
            "kazakhstan": (("en", "", "KZ"), [OIL, NPSMK, MASSACRE]),
            "turkey-morocco": (("en", "", "TR|MA"), [KURDS, MOROCCO]),
            "miners": (("en", "miners", ""), [MOROCCO]),
            "arabic-italy": (("ar|en", "", "IT"), [ITALY]),
            "spanish": (("es", "", ""), []),
        },
        people=1000,
    )


@pytest.fixture
def people(story, tmp_path):
    """A CSV of people, some with a name outside of ASCII, some at a domain outside of it; gives each one's kind."""
    lines = ["email,name,language,topics,countries,cadence,confirmed_at,consent_source"]
    names = ("", "Rosa", "Željka Ćosić", "ليلى حداد", "Søren, the Younger")
    kinds = {}
    for number in range(story.people):
        kind = list(story.kinds)[number % len(story.kinds)]
        domain = "bücher.example" if number % 50 == 0 else "example.org"
        language, topics, countries = story.kinds[kind][0]
        wishes = f"{language},{topics},{countries},weekly"
        lines.append(f'{kind}.{number}@{domain},"{names[number % 5]}",{wishes},2026-01-02T10:00Z,sign-up form')
        kinds[f"{kind}.{number}@{domain.replace('bücher', 'xn--bcher-kva')}"] = kind
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return kinds


def test_a_listing_becomes_a_digest_for_everybody_whom_it_concerns_and_nobody_gets_it_twice(
    newsletter, mailserver, story, people, tmp_path
):
    newsletter.run("appeal", "import", story.listing)
    appeals = newsletter.json("appeal", "list")
    assert [(a["title"], a["published_on"], a["countries"], a["urgent"]) for a in appeals] == story.facts
    assert {a["status"] for a in appeals} == {"draft"}
    assert f"{len(story.facts)} unchanged" in newsletter.run("appeal", "import", story.listing).out

    # Drafts go nowhere.
    newsletter.run("subscriber", "import", "people.csv")
    assert newsletter.json("digest", "plan", "--cadence", "weekly")["mailing"] is None

    miners = next(a["reference"] for a in appeals if a["title"] == story.about_miners)
    newsletter.run("appeal", "edit", miners, "--topic", "miners")
    newsletter.run("organiser", "add", "Hanna")
    newsletter.run("appeal", "approve", "--all", "--release", "--as", "Hanna")
    plan = newsletter.json("digest", "plan", "--cadence", "weekly")
    served = {address for address, kind in people.items() if story.kinds[kind][1]}
    assert plan["deliveries"] == len(served)
    assert plan["editions"] == sum(bool(titles) for _wishes, titles in story.kinds.values())
    assert sum(plan["skipped"].values()) == len(people) - len(served)
    assert newsletter.json("digest", "plan", "--cadence", "weekly")["mailing"] is None, "planning twice plans once"

    sent = newsletter.json("send")
    assert sent.pop("seconds") > 0
    assert sent == {
        "outcomes": {"accepted": len(served)},
        "due": 0,
        "later": 0,
        "next_at": None,
        "held": 0,
        "recovered": {},
        "paused": {},
        "limited": False,
        "fault": None,
    }
    newsletter.run("send")
    got = Counter(recipient for mail in mailserver.received for recipient in mail.recipients)
    assert got == Counter(served)
    _check_every_mail(mailserver, story, people)

    # One person leaves by the link in their own mail; a new appeal reaches everybody else whom it concerns.
    leaver = next(mail for mail in mailserver.received if mail.recipients[0].startswith("everything"))
    with serving(newsletter) as base_url:
        link = re.search(r"<(http[^>]+)>", leaver.message["List-Unsubscribe"])[1]
        path = urllib.parse.urlsplit(link).path
        assert httpx.get(base_url + path).status_code == 200
        one_click = httpx.post(base_url + path, data={"List-Unsubscribe": "One-Click"})
        assert (one_click.status_code, one_click.headers.get("set-cookie")) == (200, None)
    (tmp_path / "new.md").write_text(f"---\ntitle: {FERRY}\ndate: 2026-11-20\n---\nThey struck for water.\n")
    newsletter.run("appeal", "import", "new.md")
    newsletter.run("appeal", "approve", "--all", "--release", "--as", "Hanna")
    mailserver.received.clear()
    newsletter.run("digest", "plan", "--cadence", "weekly")
    newsletter.run("send")
    reached = Counter(recipient for mail in mailserver.received for recipient in mail.recipients)
    wanted = {address for address, kind in people.items() if kind == "everything"} - set(leaver.recipients)
    assert reached == Counter(wanted)
    assert all(_titles(mail.message, story) == [FERRY] for mail in mailserver.received)


def _check_every_mail(mailserver, story, people):
    message_ids, links = set(), set()
    for mail in mailserver.received:
        (recipient,) = mail.recipients
        message = mail.parsed(SMTP.clone(raise_on_defect=True))
        assert _titles(message, story) == story.kinds[people[recipient]][1]
        assert message["To"].addresses[0].addr_spec == recipient
        parts = [message.get_body((kind,)) for kind in ("plain", "html")]
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["List-Id"] == "Hands Across Borders <newsletter.hands.example>"
        assert message["Date"].datetime is not None
        https, mailto = re.fullmatch(r"<(http[^>]+)>, <(mailto:[^>]+)>", message["List-Unsubscribe"]).groups()
        assert mailto.startswith("mailto:appeals@hands.example?subject=unsubscribe%20")
        for part in parts:
            content = part.get_content()
            assert https in content
            assert "/preferences/" in content
            assert "~slot." not in content
            assert "~part." not in content
        assert "-thThe" not in parts[0].get_content()
        assert ('dir="rtl"' in parts[1].get_content()) is recipient.startswith("arabic")
        assert max(len(line) for line in mail.data.split(b"\r\n")) <= 998
        message_ids.add(message["Message-ID"])
        links.add(https)
    assert len(message_ids) == len(links) == len(mailserver.received)


def _titles(message, story):
    """The appeals' titles in the order in which the text part has them."""
    text = message.get_body(("plain",)).get_content()
    titles = [*(title for title, *_facts in story.facts), FERRY]
    return sorted((title for title in titles if title in text), key=text.index)
