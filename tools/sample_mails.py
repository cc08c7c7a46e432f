"""Every mail that we send, in every language, about the sample appeals: for pictures and checks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files

from newsletter.appeals.action import ActionKind, ActionWords
from newsletter.appeals.document import AppealDocument, TextDocument
from newsletter.appeals.item import Item
from newsletter.appeals.names import Register
from newsletter.appeals.sources.markdown import read_markdown
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.service_mails import FOLDERS, SLOTS
from newsletter.editions.compose import view
from newsletter.editions.message import Composed
from newsletter.editions.render import Renderer
from newsletter.editions.slots import Slot
from newsletter.editions.stored import Cards, Draft
from newsletter.editions.view import AppealView, Brand, Continued
from newsletter.languages import greeting, languages
from subscribers.preferences import Format
from tools.sample_words import WORDS

BRAND = Brand(
    name="Solidarity Without Borders",
    colour="#14545c",
    postal_address="14 Rue des Tisserands\n1000 Sampletown",
    home_url="https://appeals.example.org",
    appeals_url="https://news.example.org/appeals",
    join_url="https://news.example.org/subscribe",
    footer="Registered association 12/345",
)
BASE_URL = "https://news.example.org"
READERS = {
    "en": "Anna Bergström",
    "es": "Tomás Ibarra",
    "ar": "ليلى حداد",
    "tr": "Elif Korkmaz",
    "fa": "شیرین کاوه",
    "ru": "Анна Петрова",
    "kk": "Айгүл Серікқызы",
}
ABOUT_APPEALS = ("digest", "alert", "follow-up")
MORE = 3  # appeals beside those in a digest


@dataclass(frozen=True, kw_only=True)
class SampleMail:
    """One mail, its slots still open.

    Attributes:
        mail: its folder in `templates/email`.
        language: BCP 47 tag.
        draft: what it says.
    """

    mail: str
    language: str
    draft: Draft

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.mail}-{self.language}"

    @property
    def composed(self) -> Composed:
        """Put together."""
        return self.draft.composed()

    def slots(self) -> dict[Slot, str]:
        """Give what stands there for one reader."""
        sealed = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_"
        links = {slot: f"{BASE_URL}/{slot.value[0]}/{sealed}" for slot in Slot}
        return links | {Slot.GREETING: greeting(READERS.get(self.language, ""), self.language)}


def sample_mails(wanted: tuple[str, ...] = ()) -> Iterator[SampleMail]:
    """Give every mail in every language.

    Args:
        wanted: only in these languages; none means all.
    """
    renderer = Renderer(BRAND)
    for language in wanted or languages():
        appeals = sample_appeals(language)
        yield _about(renderer, "digest", language, appeals)
        yield _about(renderer, "alert", language, appeals[:1])
        yield _about(renderer, "follow-up", language, [_follow_up(appeals[-1])])
        for kind, slots in SLOTS.items():
            draft = renderer.service_mail(FOLDERS[kind], language, slots=slots)
            yield SampleMail(mail=FOLDERS[kind], language=language, draft=draft)


def sample_appeals(language: str) -> list[AppealView]:
    """Give the sample appeals, in the words of a language: urgent ones first, then the newest."""
    found: dict[str, dict[str, Item]] = {}
    for entry in files("newsletter").joinpath("demo", "samples").iterdir():
        if entry.name.endswith(".md"):
            item = read_markdown(entry.read_text(encoding="utf-8"), place=entry.name)
            found.setdefault(entry.name.partition(".")[0], {})[item.language] = item
    views = [_view(texts.get(language) or _put_into(language, texts["en"]), language) for texts in found.values()]
    return sorted(views, key=lambda one: (not one.urgent, -one.published_on.toordinal(), one.reference))


def _put_into(language: str, item: Item) -> Item:
    """Give an appeal that wasn't translated: the same to do for the same people, in words of that language."""
    words = WORDS[language]
    return replace(
        item,
        title=words.title,
        byline=words.byline,
        teaser=words.teaser,
        body=words.body,
        background="",
        demands=(words.demand,) * len(item.demands),
        actions=tuple(
            replace(
                action,
                words={
                    **action.words,
                    language: ActionWords(say=words.say, subject=words.subject, letter=words.letter)
                    if action.kind is ActionKind.WRITE
                    else ActionWords(),
                },
            )
            for action in item.actions or ()
        ),
    )


def _view(item: Item, language: str) -> AppealView:
    text = TextDocument(
        language=language,
        title=item.title,
        byline=item.byline,
        teaser=item.teaser,
        body=item.body,
        background=item.background,
        demands=item.demands,
        url=item.url,
    )
    document = AppealDocument(
        reference="2026/014",
        published_on=item.published_on,
        deadline=item.deadline,
        urgency=item.urgency or Urgency.NORMAL,
        countries=item.countries or (),
        topics=item.topics,
        texts=(text,),
        actions=item.actions or (),
    )
    return view(document, text, Register(), BASE_URL)


def _follow_up(appeal: AppealView) -> AppealView:
    return replace(
        appeal,
        follow_up="correction",
        continues=Continued(title="A title of what came before, which may be as long as a title is", url=appeal.url),
    )


def _about(renderer: Renderer, mail: str, language: str, appeals: list[AppealView]) -> SampleMail:
    draft = Draft(
        language=language,
        format=Format.HTML,
        subject=renderer.subject(appeals, language, mail=mail),
        preheader=renderer.preheader(appeals, language),
        intro=renderer.intro(appeals, language, mail=mail),
        shell_text=renderer.shell_text(language, mail=mail),
        shell_html=renderer.shell_html(language, mail=mail),
        cards=tuple(
            Cards(text=renderer.card_text(one, mail=mail), html=renderer.card_html(one, mail=mail)) for one in appeals
        ),
        more=MORE,
    )
    return SampleMail(mail=mail, language=language, draft=draft)
