"""How many words make a digest of a wanted size: composed as in earnest, in memory, without a database."""

from datetime import UTC, date, datetime

from newsletter.editions.message import Personal, Sender
from newsletter.editions.prepared import prepare
from newsletter.editions.render import Renderer
from newsletter.editions.slots import Slot
from newsletter.editions.stored import Cards, Draft
from newsletter.editions.view import AppealView, Brand
from subscribers.preferences import Format

WORDS = "They were taken from the strike tent at dawn and nobody has been told where they are being held. "
FAR_APART = 40  # sentences between the two sizes that the line is drawn through
TOKEN = "t" * 38
_SENDER = Sender(
    name="Solidarity Newsletter",
    address="news@example.org",
    bounce_address="news@example.org",
    unsubscribe_address="news@example.org",
    list_id="newsletter.example.org",
    list_name="Solidarity Newsletter",
)
_PERSON = Personal(
    name="Rosa",
    address="person.12345@list123.example",
    message_id="<12345.0123456789abcdef@example.org>",
    unsubscribe_token=TOKEN,
    slots=dict.fromkeys(Slot, f"https://news.example.org/unsubscribe/{TOKEN}") | {Slot.GREETING: "Dear Rosa,"},
)


def sentences_for(mail_bytes: int, *, appeals: int, form: Format) -> int:
    """Say how often the words stand in each appeal's teaser for a mail of about this size; at least once.

    Args:
        mail_bytes: size on the wire. There is a smallest digest, which no wish makes smaller.
        appeals: how many are in the digest.
        form: what the mail is made of.
    """
    least, more = (_size(appeals, sentences, form) for sentences in (1, 1 + FAR_APART))
    return max(1, 1 + round((mail_bytes - least) * FAR_APART / (more - least)))


def title(number: int) -> str:
    """Give an appeal's title."""
    return f"Strikers arrested, case {number}"


def _size(appeals: int, sentences: int, form: Format) -> int:
    renderer = Renderer(Brand(name=_SENDER.name, colour="#14545c", postal_address="", home_url=""))
    views = [_view(number, sentences) for number in range(appeals)]
    draft = Draft(
        language="en",
        format=form,
        subject=renderer.subject(views, "en"),
        preheader=renderer.preheader(views, "en"),
        intro=renderer.intro(views, "en"),
        shell_text=renderer.shell_text("en"),
        shell_html=renderer.shell_html("en"),
        cards=tuple(Cards(text=renderer.card_text(one), html=renderer.card_html(one)) for one in views),
    )
    frame, places = prepare(draft.composed(), _SENDER, date=datetime(2026, 11, 23, 7, tzinfo=UTC))
    return len(frame.fill(places.values(_PERSON), ()))


def _view(number: int, sentences: int) -> AppealView:
    return AppealView(
        reference=f"2026/{number:03d}",
        language="en",
        title=title(number),
        byline="Strike committee",
        published_on=date(2026, 11, 10),
        countries=(),
        topics=(),
        urgent=False,
        deadline=None,
        teaser=WORDS * sentences,
        body=WORDS,
        url=f"https://appeals.example.org/{number}",
    )
