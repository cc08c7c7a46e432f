"""What card templates get to see of an appeal: clean lines, and where the mail would be too long, fewer of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from newsletter.editions.acting import ShownAction, ShownTarget
from newsletter.editions.body import web_address
from newsletter.editions.slots import clean, one_line
from newsletter.editions.view import AppealView, Continued
from newsletter.languages import country_names, date_text

FEW = 8  # targets of an action, where the mail would be too long
LONGEST_LEAD = 1_500  # characters of a body that may stand before what to do
SHORT_TEASER = 300  # characters of it, there
_BODY_OF_MAIL = re.compile(r"[?&]body=[^&]*")


@dataclass(frozen=True, kw_only=True)
class Card:
    """One appeal as card templates see it: cleaned, in words, nothing left to decide.

    Attributes:
        title, byline, date, countries, deadline: one line each; byline, countries and deadline may be empty.
        urgent, life_at_risk: whether it wears the badge, and which.
        teaser: paragraphs.
        leads: whether the body stands before what to do: there is no teaser, and it is short, or asks for nothing.
        body, background: sanitised HTML in card.html, plain text in card.txt; or empty.
        url: absolute http(s), or empty.
        follow_up, continues: as in `AppealView`.
        demands: one line each.
        actions: what there is to be done.
        whole: whether all of it is to stand there; else it is too long, and the page has it.
    """

    title: str
    byline: str
    date: str
    countries: str
    urgent: bool
    deadline: str
    teaser: tuple[str, ...]
    leads: bool
    body: str
    url: str
    follow_up: str
    life_at_risk: bool
    continues: Continued | None
    background: str
    demands: tuple[str, ...]
    actions: tuple[ShownAction, ...]
    whole: bool


def shorten(text: str, longest: int) -> str:
    """Cut a line between words where one is near, and show by an ellipsis that it was cut."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    at_word, _, _ = cut.rpartition(" ")
    return (at_word if len(at_word) > longest // 2 else cut).rstrip(" ,;:.·–—-،؛") + "…"


def card_of(appeal: AppealView, *, body: str, background: str, whole: bool) -> Card:
    """Show an appeal.

    Args:
        appeal: which, in its language.
        body: of it, as the template takes it.
        background: as its body.
        whole: whether all of it is to stand there; else what is longest is left to its page.
    """
    language = appeal.language
    body = body if whole else ""
    asks = bool(appeal.actions or appeal.deadline)
    paragraphs = list(filter(None, map(one_line, clean(appeal.teaser).split("\n\n"))))
    return Card(
        title=one_line(appeal.title),
        byline=one_line(appeal.byline),
        date=date_text(appeal.published_on, language),
        countries=country_names(appeal.countries, language),
        urgent=appeal.urgent,
        deadline=date_text(appeal.deadline, language) if appeal.deadline else "",
        teaser=tuple(paragraphs if whole else _beginning(paragraphs, SHORT_TEASER)),
        leads=not paragraphs and bool(body) and (len(appeal.body) <= LONGEST_LEAD or not asks),
        body=body,
        url=web_address(appeal.url),
        follow_up=appeal.follow_up,
        life_at_risk=appeal.life_at_risk,
        continues=Continued(title=one_line(appeal.continues.title), url=web_address(appeal.continues.url))
        if appeal.continues
        else None,
        background=background if whole else "",
        demands=tuple(map(one_line, appeal.demands)),
        actions=tuple(_clean_action(action if whole else _brief(action)) for action in appeal.actions),
        whole=whole,
    )


def _beginning(paragraphs: Sequence[str], longest: int) -> Iterator[str]:
    """Give the first paragraphs, so many characters of them at the most."""
    for paragraph in paragraphs:
        if longest <= 0:
            return
        yield shorten(paragraph, longest)
        longest -= len(paragraph)


def _brief(action: ShownAction) -> ShownAction:
    """Give an action without its letters, which the appeal's page has, and with its first targets alone."""
    return replace(
        action,
        targets=tuple(
            replace(target, letter=None, mail=_BODY_OF_MAIL.sub("", target.mail)) for target in action.targets[:FEW]
        ),
    )


def _clean_action(action: ShownAction) -> ShownAction:
    return replace(
        action,
        say=one_line(action.say),
        place=one_line(action.place),
        url=web_address(action.url),
        targets=tuple(map(_clean_target, action.targets)),
    )


def _clean_target(target: ShownTarget) -> ShownTarget:
    return replace(
        target,
        name=one_line(target.name),
        office=one_line(target.office),
        address=tuple(map(one_line, target.address)),
        emails=tuple(map(one_line, target.emails)),
        phone=one_line(target.phone),
        mail=one_line(target.mail),
        letter=target.letter
        and replace(target.letter, subject=one_line(target.letter.subject), letter=clean(target.letter.letter).strip()),
    )
