"""From appeals to what a reader sees: parts rendered once a language, and composed once an edition."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.bccache import Bucket
from markupsafe import Markup

from newsletter.appeals.urgency import propose_urgent
from newsletter.editions.body import body_html, body_text, web_address
from newsletter.editions.card import card_of, shorten
from newsletter.editions.inline import inline_fragment, inline_page
from newsletter.editions.palette import Palette
from newsletter.editions.slots import Insert, Slot, clean, mark, one_line, pieces
from newsletter.editions.stored import Draft
from newsletter.editions.view import AppealView, Brand
from newsletter.errors import NewsletterError
from newsletter.languages import date_text, direction, number_text, words
from subscribers.preferences import Format

_TITLE_IN_SUBJECT = 60  # characters; phones show about 40 to 60
_SUBJECT = 75  # what stands beside the title included
_LEAST_OF_TITLE = 30
_PREHEADER = 110
_ARABIC_SCRIPT = frozenset({"ar", "ckb", "fa", "ps", "sd", "ug", "ur"})


class TemplateBroken(NewsletterError):
    """The template {template} can't be rendered: {reason}. Mend it, or remove your own so that ours is used."""


class TemplateLacks(NewsletterError):
    """The template {template} lacks {mark}, without which no mail may go out. Put it back."""


class TemplateHas(NewsletterError):
    """The template {template} has {mark}, which no such mail can have. Take it out."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a language sits on the page.

    Attributes:
        language: BCP 47 tag.
        direction: `rtl` or `ltr`; start and end are the sides where a line begins and ends.
        arabic: whether its letters need Arabic fonts and more room between lines.
        palette: the organisation's colours.
    """

    language: str
    direction: Literal["rtl", "ltr"]
    arabic: bool
    palette: Palette

    @property
    def start(self) -> str:
        """`left` or `right`."""
        return "right" if self.direction == "rtl" else "left"

    @property
    def end(self) -> str:
        """`right` or `left`."""
        return "left" if self.direction == "rtl" else "right"


class _Compiled(BytecodeCache):
    """What templates were compiled to, for as long as the program runs."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Renderer:
    """Renders an organisation's mails from templates; the same part twice gives the same bytes.

    Nothing here knows a subscriber: what is personal stays a slot.
    """

    def __init__(self, brand: Brand, *, override: Path | None = None) -> None:
        """Take the organisation's face.

        Args:
            brand: shown in every mail.
            override: a folder laid out like `templates/`; each file in it is used in place of ours.

        Raises:
            ColourInvalid: the brand's colour isn't `#rrggbb`.
        """
        self._brand = Brand(
            name=one_line(brand.name),
            colour=brand.colour,
            postal_address=clean(brand.postal_address).strip(),
            home_url=web_address(brand.home_url),
            appeals_url=web_address(brand.appeals_url),
            join_url=web_address(brand.join_url),
            footer=clean(brand.footer).strip(),
            logo=brand.logo,
        )
        self._palette = Palette.of(brand.colour)
        self._folders = [override, templates_folder()] if override else [templates_folder()]
        self._environments: dict[str, Environment] = {}
        self._compiled = _Compiled()
        self._styles: dict[str, str] = {}

    def card_html(self, appeal: AppealView, *, mail: str = "digest", whole: bool = True) -> str:
        """One appeal as a piece of HTML with its styles inline, in the appeal's own language.

        Args:
            appeal: the appeal.
            mail: the folder of the mail that it stands in.
            whole: whether all of it is to stand there; else what is longest is left to its page.
        """
        body, background = (
            Markup(body_html(words))  # noqa: S704 - nh3 made it safe
            for words in (appeal.body, appeal.background)
        )
        card = card_of(appeal, body=body, background=background, whole=whole)
        rendered = self._render(f"email/{mail}/card.html", appeal.language, card=card)
        return clean(inline_fragment(rendered, styles=self._stylesheet(appeal.language)))

    def card_text(self, appeal: AppealView, *, mail: str = "digest", whole: bool = True) -> str:
        """One appeal as plain text, in its own language; no line is wrapped. Arguments as for `card_html`."""
        card = card_of(appeal, body=body_text(appeal.body), background=body_text(appeal.background), whole=whole)
        return clean(self._render(f"email/{mail}/card.txt", appeal.language, card=card)).strip("\n")

    def shell_html(self, language: str, *, mail: str = "digest") -> str:
        """The page around the cards, styles inline, with inserts and slots left as marks.

        Raises:
            TemplateLacks: there is no place for the cards, or no link to leave the list.
        """
        shell = inline_page(self._render(f"email/{mail}/body.html", language, **_marks()))
        return _whole(shell, f"email/{mail}/body.html")

    def shell_text(self, language: str, *, mail: str = "digest") -> str:
        """The text around the cards, with inserts and slots left as marks.

        Raises:
            TemplateLacks: there is no place for the cards, or no link to leave the list.
        """
        shell = self._render(f"email/{mail}/body.txt", language, **_marks()).strip("\n") + "\n"
        return _whole(shell, f"email/{mail}/body.txt")

    def subject(self, appeals: Sequence[AppealView], language: str, *, mail: str = "digest") -> str:
        """One line that says what is in it: the most pressing title, and how many more.

        Args:
            appeals: at least one, in the order of the edition.
            language: the edition's.
            mail: the folder of the mail.
        """
        first = _most_pressing(appeals)
        whole = one_line(first.title)

        def subject(room: int) -> str:
            title = shorten(whole, room)
            facts = {
                "title": title,
                # 'Urgent: Urgent appeal for …' would say it twice.
                "urgent": first.urgent and not propose_urgent(title),
                "follow_up": first.follow_up,
                "others": len(appeals) - 1,
            }
            return one_line(self._render(f"email/{mail}/subject.txt", language, **facts))

        said = subject(_TITLE_IN_SUBJECT)
        beside = len(said) - len(shorten(whole, _TITLE_IN_SUBJECT))
        return said if len(said) <= _SUBJECT else subject(max(_LEAST_OF_TITLE, _SUBJECT - beside))

    def preheader(self, appeals: Sequence[AppealView], language: str) -> str:
        """The line that inboxes show after the subject: what the subject left out. Plain text.

        Args:
            appeals: at least one, in the order of the edition.
            language: the edition's.
        """
        first = _most_pressing(appeals)
        said = [one_line(appeal.title) for appeal in appeals if appeal is not first] or [one_line(first.teaser)]
        if first.deadline:
            day = date_text(first.deadline, language)
            said.insert(0, words(language).gettext("Act by %(date)s") % {"date": day})
        return shorten(" · ".join(said), _PREHEADER)

    def intro(self, appeals: Sequence[AppealView], language: str, *, mail: str = "digest") -> str:
        """What stands above the first card, as plain text.

        In a digest it says how many there are, and how many are urgent; what is about one appeal has its title there.
        """
        if mail != "digest":
            return one_line(appeals[0].title)
        urgent = sum(appeal.urgent for appeal in appeals)
        say = words(language).ngettext
        total = {"count": number_text(len(appeals), language)}
        if urgent == len(appeals):
            return (
                say(
                    "%(count)s urgent appeal asks for your solidarity.",
                    "%(count)s urgent appeals ask for your solidarity.",
                    urgent,
                )
                % total
            )
        sentence = (
            say(
                "%(count)s appeal asks for your solidarity.", "%(count)s appeals ask for your solidarity.", len(appeals)
            )
            % total
        )
        if not urgent:
            return sentence
        pressing = {"count": number_text(urgent, language)}
        return sentence + " " + say("%(count)s of them is urgent.", "%(count)s of them are urgent.", urgent) % pressing

    def service_mail(self, mail: str, language: str, *, slots: Collection[Slot]) -> Draft:
        """A mail about one thing that somebody asked for, its slots still open.

        Args:
            mail: its folder in `templates/email`.
            language: the reader's.
            slots: the links that it has to have, and no others.

        Raises:
            TemplateLacks: one of them is not in it.
            TemplateHas: there is a link in it that such a mail does not have.
        """
        html = inline_page(self._render(f"email/{mail}/body.html", language, **_marks()))
        text = self._render(f"email/{mail}/body.txt", language, **_marks()).strip("\n") + "\n"
        for written, name in ((html, "body.html"), (text, "body.txt")):
            found = {piece for piece in pieces(written) if isinstance(piece, Slot)} - {Slot.GREETING}
            if lacking := set(slots) - found:
                raise TemplateLacks(template=f"email/{mail}/{name}", mark=f"the mark for {min(lacking).value}")
            if foreign := found - set(slots):
                raise TemplateHas(template=f"email/{mail}/{name}", mark=min(foreign).value)
        return Draft(
            language=language,
            format=Format.HTML,
            subject=one_line(self._render(f"email/{mail}/subject.txt", language)),
            preheader="",
            intro="",
            shell_text=text,
            shell_html=html,
            cards=(),
        )

    def _render(self, template: str, language: str, **facts: object) -> str:
        try:
            return self._environment(language).get_template(template).render(facts)
        except RecursionError as fault:
            raise TemplateBroken(template=template, reason="it includes or extends itself") from fault
        except (TemplateError, UnicodeDecodeError, TypeError, ValueError, ArithmeticError) as fault:
            raise TemplateBroken(template=template, reason=fault) from fault

    def _stylesheet(self, language: str) -> str:
        if language not in self._styles:
            self._styles[language] = self._render("email/base/styles.css", language)
        return self._styles[language]

    def _environment(self, language: str) -> Environment:
        """One for each language, since a template's words are bound to its environment."""
        if language not in self._environments:
            environment = Environment(
                loader=FileSystemLoader(self._folders),
                autoescape=select_autoescape(["html"]),
                undefined=StrictUndefined,
                extensions=["jinja2.ext.i18n"],
                trim_blocks=True,
                lstrip_blocks=True,
                auto_reload=False,
                bytecode_cache=self._compiled,  # languages differ in their words alone
            )
            environment.install_gettext_translations(words(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
            environment.filters["number"] = lambda number: number_text(number, language)
            environment.globals.update(brand=self._brand, look=self._look(language))
            self._environments[language] = environment
        return self._environments[language]

    def _look(self, language: str) -> Look:
        return Look(
            language=language,
            direction=direction(language),
            arabic=language.split("-", maxsplit=1)[0] in _ARABIC_SCRIPT,
            palette=self._palette,
        )


@cache
def templates_folder() -> Path:
    """Where our templates are: inside the package when it was installed, beside it in a checkout."""
    package = Path(str(files("newsletter")))
    shipped = package / "templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


def _most_pressing(appeals: Sequence[AppealView]) -> AppealView:
    return next((appeal for appeal in appeals if appeal.urgent), appeals[0])


def _marks() -> dict[str, Markup]:
    return {place.value: Markup(mark(place)) for kind in (Slot, Insert) for place in kind}  # noqa: S704 - ours


def _whole(shell: str, template: str) -> str:
    for place in (Insert.CARDS, Slot.UNSUBSCRIBE_URL):
        if mark(place) not in shell:
            raise TemplateLacks(template=template, mark=f"the mark for {place.value}")
    return shell
