"""The whole way on real input: a listing becomes appeals, 1,000 people get what concerns them, once, and can leave."""

import re
import urllib.parse
from collections import Counter
from email.policy import SMTP

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
ALL = [EL_SALVADOR, OIL, KURDS, MOROCCO, NPSMK, ITALY, MASSACRE]  # urgent ones first, then by date

# language, topics, countries, cadence -> what they get, in order
KINDS = {
    "everything": (("en", "", "", "weekly"), ALL),
    "kazakhstan": (("en", "", "KZ", "weekly"), [OIL, NPSMK, MASSACRE]),
    "turkey-morocco": (("en", "", "TR|MA", "weekly"), [KURDS, MOROCCO]),
    "miners": (("en", "miners", "", "weekly"), [MOROCCO]),
    "arabic-italy": (("ar|en", "", "IT", "weekly"), [ITALY]),
    "spanish": (("es", "", "", "weekly"), []),
}


@pytest.fixture
def thousand(tmp_path):
    """A CSV of 1,000 people, evenly of six kinds; every seventh has a name outside of ASCII."""
    lines = ["email,name,language,topics,countries,cadence,confirmed_at,consent_source"]
    names = ("", "Rosa", "Željka Ćosić", "ليلى حداد", "Søren, the Younger")
    for number in range(1000):
        kind = list(KINDS)[number % len(KINDS)]
        language, topics, countries, cadence = KINDS[kind][0]
        domain = "bücher.example" if number % 50 == 0 else "example.org"
        name = names[number % len(names)]
        wishes = f"{language},{topics},{countries},{cadence}"
        lines.append(f'{kind}.{number}@{domain},"{name}",{wishes},2026-01-02T10:00Z,sign-up form')
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_listing_becomes_a_digest_for_a_thousand_people_and_nobody_gets_it_twice(
    newsletter, mailserver, seeds, thousand, tmp_path
):
    newsletter.run("appeal", "import", seeds)
    appeals = newsletter.json("appeal", "list")
    assert [(a["title"], a["published_on"], a["countries"], a["urgent"]) for a in appeals] == [
        (KURDS, "2012-11-06", ["TR"], False),
        (MOROCCO, "2012-10-17", ["MA"], False),
        (NPSMK, "2012-05-09", ["KZ"], False),
        (EL_SALVADOR, "2012-03-14", ["SV"], True),
        (ITALY, "2012-02-21", ["IT"], False),
        (MASSACRE, "2011-12-17", ["KZ"], False),
        (OIL, "2011-11-29", ["KZ"], True),
    ]
    assert {a["status"] for a in appeals} == {"draft"}
    assert "7 unchanged" in newsletter.run("appeal", "import", seeds).out

    # Drafts go nowhere.
    newsletter.run("subscriber", "import", thousand)
    assert newsletter.json("digest", "plan", "--cadence", "weekly")["mailing"] is None

    newsletter.run("appeal", "edit", appeals[1]["reference"], "--topic", "miners")
    newsletter.run("appeal", "approve", "--all")
    plan = newsletter.json("digest", "plan", "--cadence", "weekly")
    assert plan["editions"] == 5
    assert plan["skipped"] == {"no_text": 166}
    assert plan["deliveries"] == 834
    assert newsletter.json("digest", "plan", "--cadence", "weekly")["mailing"] is None, "planning twice plans once"

    sent = newsletter.json("send")
    assert sent == {"outcomes": {"accepted": 834}, "due": 0, "later": 0, "next_at": None, "fault": None}
    newsletter.run("send")

    _check_every_mail(mailserver, people=_people(thousand))

    # One person leaves by the link in their own mail; a new appeal reaches everybody else whom it concerns.
    leaver = mailserver.received[0]
    with serving(newsletter) as base_url:
        link = re.search(r"<(http[^>]+)>", leaver.message["List-Unsubscribe"])[1]
        path = urllib.parse.urlsplit(link).path
        assert httpx.get(base_url + path).status_code == 200
        one_click = httpx.post(base_url + path, data={"List-Unsubscribe": "One-Click"})
        assert (one_click.status_code, one_click.headers.get("set-cookie")) == (200, None)
    (tmp_path / "new.md").write_text("---\ntitle: Free the ferry crew\ndate: 2026-11-20\n---\nThey struck for water.\n")
    newsletter.run("appeal", "import", tmp_path / "new.md")
    newsletter.run("appeal", "approve", "--all")
    mailserver.received.clear()
    newsletter.run("digest", "plan", "--cadence", "weekly")
    newsletter.run("send")
    reached = [recipient for mail in mailserver.received for recipient in mail.recipients]
    wanted = {address for address, kind in _people(thousand).items() if kind == "everything"}
    assert set(reached) == wanted - set(leaver.recipients)
    assert len(reached) == len(set(reached))
    assert all(_titles(mail.message) == ["Free the ferry crew"] for mail in mailserver.received)


def _people(csv):
    people = {}
    for line in csv.read_text(encoding="utf-8").splitlines()[1:]:
        address = line.partition(",")[0]
        people[address.replace("bücher.example", "xn--bcher-kva.example")] = address.partition(".")[0]
    return people


def _check_every_mail(mailserver, people):
    got = Counter(recipient for mail in mailserver.received for recipient in mail.recipients)
    assert set(got) == {address for address, kind in people.items() if KINDS[kind][1]}
    assert set(got.values()) == {1}
    message_ids, links = set(), set()
    for mail in mailserver.received:
        (recipient,) = mail.recipients
        message = mail.parsed(SMTP.clone(raise_on_defect=True))
        assert _titles(message) == KINDS[people[recipient]][1]
        assert message["To"].addresses[0].addr_spec == recipient
        assert [message.get_body((kind,)).get_content_type() for kind in ("plain", "html")] == [
            "text/plain",
            "text/html",
        ]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["List-Id"] == "Hands Across Borders <newsletter.hands.example>"
        assert message["Date"].datetime is not None
        https, mailto = re.fullmatch(r"<(http[^>]+)>, <(mailto:[^>]+)>", message["List-Unsubscribe"]).groups()
        assert mailto.startswith("mailto:appeals@hands.example?subject=unsubscribe%20")
        for part in ("plain", "html"):
            content = message.get_body((part,)).get_content()
            assert https in content
            assert "/preferences/" in content
            assert "~slot." not in content
            assert "~part." not in content
        assert max(len(line) for line in mail.data.split(b"\r\n")) <= 998
        message_ids.add(message["Message-ID"])
        links.add(https)
    assert len(message_ids) == len(links) == len(mailserver.received)
    arabic = next(m for m in mailserver.received if m.recipients[0].startswith("arabic-italy"))
    assert 'dir="rtl"' in arabic.message.get_body(("html",)).get_content()


def _titles(message):
    """The appeals' titles in the order in which the text part has them."""
    text = message.get_body(("plain",)).get_content()
    titles = [*ALL, "Free the ferry crew"]
    return sorted((title for title in titles if title in text), key=text.index)
