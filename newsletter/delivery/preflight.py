"""What is looked over before a launch: the mails themselves, and what the appeals in them say."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.moments import today_somewhere
from newsletter.editions.compose import EditionPress
from newsletter.editions.digest import Candidate, Chosen, Digest, compose_digest, read_in
from newsletter.editions.message import Composed
from newsletter.editions.preflight import Finding, Level, errors_of, links_of, look_at_words, look_over, merged
from newsletter.errors import NewsletterError
from newsletter.languages import language_name
from subscribers.model import Status, Subscriber
from subscribers.preferences import Format, Profile, Reading

A_FEW = 3  # appeals in the mail of each language that is looked over before a digest goes out
_EVER = datetime.min.replace(tzinfo=UTC)


class NotFit(NewsletterError):
    """Nothing was launched, for a mail is not fit to go out: {errors}. See `newsletter digest preflight`."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What came of looking mails over.

    Attributes:
        findings: what is wrong, errors first.
        links: where they lead on the web, each with the mail or appeal that does.
        mails: those that were looked over, their slots still open.
    """

    findings: Sequence[Finding]
    links: Mapping[str, str] = field(default_factory=dict)
    mails: Sequence[Composed] = ()

    def require_fit(self) -> None:
        """Refuse to launch what has an error.

        Raises:
            NotFit: with every error.
        """
        if errors := errors_of(self.findings):
            raise NotFit(errors="; ".join(f"{each.where}: {each.words}" for each in errors))


def look_over_digests(
    session: Session, press: EditionPress, candidates: Sequence[Candidate], *, now: datetime, most: int | None = A_FEW
) -> Looked:
    """Look over a digest in each language, and what every appeal in it says.

    Args:
        session: any transaction.
        press: writes mails, and keeps what it has rendered.
        candidates: what may be in it.
        now: the moment.
        most: how many appeals stand in each mail that is looked over; None means all.
    """
    findings: list[Finding] = []
    links: dict[str, str] = {}
    for language in sorted({language for candidate in candidates for language in candidate.released}):
        digest = compose_digest(candidates, Reading(languages=(language,)), since=_EVER, most=most)
        if isinstance(digest, Digest):
            _look(session, press, digest, "digest", f"digest ({language})", findings, links)
    findings += _of_words(session, press, candidates, now)
    return Looked(findings=merged(findings), links=links)


def look_over_alert(session: Session, press: EditionPress, candidate: Candidate, mail: str, *, now: datetime) -> Looked:
    """Look over an alert in each of its appeal's languages; arguments as for `look_over_digests`."""
    findings: list[Finding] = []
    links: dict[str, str] = {}
    mails: list[Composed] = []
    for language in sorted(candidate.released):
        appeals = (Chosen(candidate.id, language),)
        digest = Digest(language=language, format=Format.HTML, discreet=False, appeals=appeals)
        mails.append(_look(session, press, digest, mail, f"{mail} ({language})", findings, links))
    findings += _of_words(session, press, [candidate], now, at_once=True)
    return Looked(findings=merged(findings), links=links, mails=mails)


def without_text(session: Session, press: EditionPress, candidates: Iterable[Candidate]) -> Iterator[Finding]:
    """Say of each appeal how many people read none of its languages, where that are many."""
    people: Counter[tuple[str, ...]] = Counter()
    rows = (
        select(Profile.languages, func.count())
        .join(Subscriber, Subscriber.profile_id == Profile.id)
        .where(Subscriber.status == Status.ACTIVE)
        .group_by(Profile.id)
    )
    for spoken, count in session.execute(rows):
        people[tuple(spoken)] += count
    for candidate in candidates:
        offered = tuple(candidate.released)
        lost: Counter[str] = Counter()
        for languages, count in people.items():
            if read_in(languages, offered) is None:
                lost[languages[0]] += count
        if lost:
            shown = press.view_of(session, candidate.version_id, offered[0])
            most = ", ".join(f"{language_name(tag, 'en')} {count:,}" for tag, count in lost.most_common(3))
            yield Finding(
                level=Level.WARNING,
                check="language-missing",
                where=shown.reference,
                words=f"{lost.total():,} people read none of its languages (first choice: {most})",
            )


def _look(
    session: Session,
    press: EditionPress,
    digest: Digest,
    mail: str,
    where: str,
    findings: list[Finding],
    links: dict[str, str],
) -> Composed:
    composed = press.draft(session, digest, mail=mail).composed()
    findings += look_over(composed, where=where)
    links |= dict.fromkeys(links_of(composed), where)
    return composed


def _of_words(
    session: Session, press: EditionPress, candidates: Iterable[Candidate], now: datetime, *, at_once: bool = False
) -> Iterator[Finding]:
    today = today_somewhere(now)
    for candidate in candidates:
        for language in sorted(candidate.released):
            shown = press.view_of(session, candidate.version_id, language)
            yield from look_at_words(shown, today=today, at_once=at_once)
