"""What templates get to see: frozen values, never a database row, a setting or a request."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from newsletter.editions.acting import ShownAction

if TYPE_CHECKING:
    from newsletter.appeals.pictures import Picture  # senders do without what reads pictures


@dataclass(frozen=True, kw_only=True)
class Continued:
    """What an appeal continues.

    Attributes:
        title: one line, in the same language where there is a text in it.
        url: of its page.
    """

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class AppealView:
    """One appeal in one language, ready to be shown.

    Attributes:
        reference: `2026/014`.
        language: BCP 47 tag of the text.
        title, byline: one line each; byline may be empty.
        published_on: its date.
        countries: ISO 3166 alpha-2.
        topics: the organisation's own words.
        urgent: whether organisers marked it so.
        life_at_risk: whether they marked it as more than that.
        deadline: the last day on which acting helps, or None.
        teaser: plain text, paragraphs apart by an empty line.
        body: Markdown from outside, not yet sanitised; or empty.
        url: where to read it in full, or empty.
        follow_up: `update`, `correction` or `victory` where it continues another; else empty.
        continues: what that is.
        background: Markdown like the body; or empty.
        demands: one line each.
        actions: what there is to be done.
    """

    reference: str
    language: str
    title: str
    byline: str
    published_on: date
    countries: tuple[str, ...]
    topics: tuple[str, ...]
    urgent: bool
    deadline: date | None
    teaser: str
    body: str
    url: str
    follow_up: str = ""
    life_at_risk: bool = False
    continues: Continued | None = None
    background: str = ""
    demands: tuple[str, ...] = ()
    actions: tuple[ShownAction, ...] = ()


def appeal_path(reference: str, language: str = "") -> str:
    """Where an appeal's page is: the same for everybody, with nothing in it that says who asks."""
    return f"/appeals/{reference}" + (f"?in={language}" if language else "")


@dataclass(frozen=True, kw_only=True)
class Brand:
    """The organisation as its mails show it.

    Attributes:
        name: the organisation's name.
        colour: `#rrggbb`, for rules and buttons.
        postal_address: one line or several; shown in every footer.
        home_url: the organisation's site, or empty.
        appeals_url: where all its appeals are, for everybody; or empty.
        join_url: where one signs up; or empty.
        footer: lines below the postal address; may be empty.
        logo: a picture of the name, in place of it; None where there is none.
    """

    name: str
    colour: str
    postal_address: str
    home_url: str
    appeals_url: str = ""
    join_url: str = ""
    footer: str = ""
    logo: "Logo | None" = None


@dataclass(frozen=True, kw_only=True)
class Logo:
    """A picture of the organisation's name.

    Attributes:
        url: the same for everybody.
        width, height: in CSS pixels.
    """

    url: str
    width: int
    height: int


LOGO_WIDTH, LOGO_HEIGHT = 280, 56  # CSS pixels; what is larger is shown smaller, and sharp on fine screens


def fitted(picture: "Picture", base_url: str) -> Logo:
    """Give a picture the size in which mails show it, and the address from which they load it."""
    shrunk = min(1.0, LOGO_WIDTH / picture.width, LOGO_HEIGHT / picture.height)
    return Logo(
        url=f"{base_url}/logo/{picture.file_name}",
        width=max(1, round(picture.width * shrunk)),
        height=max(1, round(picture.height * shrunk)),
    )
