"""A realistic newsletter's people, what they want, and appeals: for planning, and for alerts.

The mix: 12 languages, a third of the people read two of them; 40 topics, of which half chose none and the others one to
five; 30 countries, of which two thirds chose none; one in ten reads text alone, one in fifty discreetly; a few of the
wishes are shared by many (Zipf), in 20,000 profiles. Three in a thousand joined this week, one in a hundred is paused.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.history import AppealMove, AppealVersion, Move
from newsletter.appeals.letters import listed
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.urgency import Urgency
from subscribers.database import Database, table
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence, Format, Profile, Reading

PEOPLE = 1_000_000
PROFILES = 20_000
LANGUAGES = ("en", "de", "fr", "es", "tr", "ar", "fa", "ru", "it", "pt", "ku", "kk")
TOPICS = [f"topic {number}" for number in range(40)]
COUNTRIES = listed("TR IR KZ PE MA IT SV CO FR DE ES GB US MX BR AR CL BO EC EG TN DZ IN BD LK PK AF PH ID KR")


def fill(database: Database, people: int, chance: random.Random, *, now: datetime) -> None:
    """Make people and their wishes.

    Args:
        database: empty, with its tables.
        people: how many.
        chance: decides what they want.
        now: the moment; all but a few joined long before it.
    """
    with database.write() as session:
        session.execute(insert(Profile), [_profile(reading) for reading in _readings(chance)])
        profiles = session.scalars(select(Profile.id).order_by(Profile.id)).all()
        shares = [1 / (place + 1) ** 0.7 for place in range(len(profiles))]
        joined = now - timedelta(days=400)
        for start in range(0, people, 50_000):
            chosen = chance.choices(profiles, shares, k=min(50_000, people - start))
            rows = [
                {
                    "email": f"person{number}@domain{number % 500}.example",
                    "address_key": f"person{number}@domain{number % 500}.example",
                    "name": "",
                    "status": Status.ACTIVE,
                    "created_at": joined,
                    "joined_at": now - timedelta(days=5) if number % 333 == 0 else joined,
                    "cadence": Cadence.WEEKLY,
                    "alerts": True,
                    "digest_hour": 7,
                    "digest_weekday": 1,
                    "time_zone": "",
                    "alerts_while_paused": False,
                    "token_epoch": 0,
                    "paused_until": now + timedelta(days=3) if number % 100 == 1 else None,
                    "profile_id": profile,
                }
                for number, profile in enumerate(chosen, start=start)
            ]
            session.execute(insert(table(Subscriber)), rows)


def add_appeals(
    database: Database,
    numbers: range,
    released: datetime,
    chance: random.Random,
    *,
    languages: Sequence[str] = (),
    urgency: Urgency = Urgency.NORMAL,
) -> None:
    """Release appeals.

    Args:
        database: where.
        numbers: theirs.
        released: when.
        chance: decides what they are about.
        languages: what their texts are in; empty means English and some others.
        urgency: theirs.
    """
    with database.write() as session:
        for number in numbers:
            said = languages or ["en", *chance.sample(LANGUAGES[1:], chance.randint(2, 9))]
            made = Appeal(
                reference=f"2026/{number:05}",
                status=AppealStatus.RELEASED,
                published_on=released.date(),
                urgency=urgency,
                countries=[chance.choice(COUNTRIES)],
                topics=chance.sample(TOPICS, 2),
                actions=[],
                picture="",
                picture_credit="",
                created_at=released,
                released_at=released,
                texts=[
                    AppealText(
                        language=language,
                        title=f"Appeal {number}: eleven strikers are held",
                        byline="Strike committee",
                        teaser="Eleven people are held. " * 8,
                        body="The strike began in May, and it goes on.\n\n" * 6,
                        url="",
                        background="",
                        demands=[],
                        picture_alt="",
                        status=TextStatus.RELEASED,
                        released_at=released,
                    )
                    for language in said
                ],
            )
            session.add(made)
            session.flush()
            document = made.document()
            version = AppealVersion(appeal_id=made.id, content_hash=document.content_hash, content=document.as_json)
            session.add(version)
            session.flush()
            made.public_id = made.approved_id = version.id
            session.add(
                AppealMove(appeal_id=made.id, move=Move.RELEASED, by="bench", at=released, version_id=version.id)
            )


def _readings(chance: random.Random) -> Iterator[Reading]:
    seen: set[Reading] = set()
    weights = [40, 12, 8, 10, 8, 5, 5, 4, 3, 2, 2, 1]
    while len(seen) < PROFILES:
        first = chance.choices(LANGUAGES, weights)[0]
        others = [language for language in chance.choices(LANGUAGES, weights, k=1) if language != first]
        discreet = chance.random() < 0.02
        reading = Reading(
            languages=(first, *(others if chance.random() < 0.33 else [])),
            topics=frozenset(chance.sample(TOPICS, chance.randint(1, 5))) if chance.random() < 0.5 else frozenset(),
            countries=frozenset(chance.sample(COUNTRIES, chance.randint(1, 3) if chance.random() < 0.33 else 0)),
            format=Format.TEXT if chance.random() < 0.1 else Format.HTML,
            discreet=discreet,
        )
        if reading not in seen:
            seen.add(reading)
            yield reading


def _profile(reading: Reading) -> dict[str, object]:
    made = Profile.new(reading)
    return {column.name: getattr(made, column.name) for column in table(Profile).columns if column.name != "id"}
