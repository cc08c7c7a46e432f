"""What can go wrong, told one after another. Each story gives a verdict that `judge` holds against the promises."""

import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery import control
from newsletter.delivery.model import Delivery, DeliveryState, Mailing, MailingState, OnUncertain
from newsletter.delivery.worker import CLAIMS_PER_LINE
from subscribers.model import LeftReason, Subscriber
from tests.faults.campaign import CONNECTIONS, Campaign, Verdict, campaign, now
from tests.faults.ledgerserver import Fault, Ledger, Plan, Point
from tools.bench.newsletter_folder import Folder

HOLDS = 60  # times that the database is locked, for 0.2 s each: some seconds, however large the mailing
EACH_STATE = (
    Point.CONNECT,
    Point.MAIL,
    Point.RCPT,
    Point.DATA,
    Point.GO,
    Point.BODY,
    Point.DOT,
    Point.TAKEN,
    Point.ANSWERED,
)


def judge(choice: OnUncertain, verdict: Verdict) -> list[str]:
    """Say which promises were broken; none, if all is well."""
    wrong = []
    if verdict.lost:
        wrong.append(f"{verdict.lost} lost")
    if verdict.unknown:
        wrong.append(f"{verdict.unknown} taken, and the database does not know")
    if choice is OnUncertain.LEAVE and verdict.twice:
        wrong.append(f"{verdict.twice} twice, though at most once was promised")
    if choice is OnUncertain.RETRY and verdict.twice > verdict.uncertain_events:
        wrong.append(f"{verdict.twice} twice, with {verdict.uncertain_events} uncertain events")
    return wrong


def killed(
    folder: Folder, scratch: Path, choice: OnUncertain, *, kills: int, seed: int = 0, at: Point | None = None
) -> Verdict:
    """Senders are killed again and again (SIGKILL): at a point of the conversation, or at any instant."""
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    with campaign(folder, scratch, choice=choice) as story:
        spread = max(2, folder.count // (kills + 1))
        for _ in range(kills):
            sender = story.start()
            # Points are passed once a mail; a moment later than one is any instant.
            point = at or chance.choice(EACH_STATE[1:])
            nth = 1 if point is Point.CONNECT else chance.randint(1, spread)
            delay_s = 0.0 if at else chance.random() * 0.003
            story.order("kill", pid=sender.pid, at=point, nth=nth, delay_s=delay_s)
            story.finish(sender)
            assert sender.returncode == -signal.SIGKILL, "it was to die before it was done"
        story.order("forget_kill")
        story.send_until_done()
        return few_uncertain(story.verdict(), kills)


def few_uncertain(verdict: Verdict, kills: int) -> Verdict:
    """See that each death left no more open than its claims."""
    assert verdict.uncertain <= kills * CONNECTIONS * CLAIMS_PER_LINE, verdict
    return verdict


def without_bookkeeper(folder: Folder, scratch: Path, choice: OnUncertain, *, kills: int) -> Verdict:
    """The process beside the sender is killed, again and again: nobody writes down what the server says any more."""
    with campaign(folder, scratch, choice=choice) as story:
        for number in range(kills):
            sender = story.start()
            story.wait_for(Point.MAIL, 1)
            (bookkeeper,) = children(sender.pid)
            story.order("kill", pid=bookkeeper, at=EACH_STATE[2 + number % 7], nth=7, delay_s=0.0)
            said = story.finish(sender)
            assert sender.returncode == 1, said
            assert "BookkeeperGone" in said
        story.order("forget_kill")
        story.send_until_done()
        return few_uncertain(story.verdict(), kills)


def children(pid: int) -> list[int]:
    """Give the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def misbehaving(folder: Folder, scratch: Path, choice: OnUncertain, plan: Plan) -> Verdict:
    """The server breaks connections, is busy, answers nonsense or takes its time."""
    with campaign(folder, scratch, choice=choice, plan=plan) as story:
        story.send_until_done()
        wanted = {f"fault {fault.at}" for fault in plan.faults}
        assert wanted <= set(Ledger.read(story.ledger_path).reached), "what was planned did not happen"
        verdict = story.verdict()
        assert not (plan.greylist and verdict.twice), "no connection broke, so nothing may come twice"
        return verdict


def two_workers(folder: Folder, scratch: Path, choice: OnUncertain) -> Verdict:
    """Two senders share one database."""
    with campaign(folder, scratch, choice=choice) as story:
        both = [story.start(), story.start()]
        for sender in both:
            story.finish(sender)
        story.send_until_done()
        return story.verdict()


def jumping_clock(folder: Folder, scratch: Path, choice: OnUncertain) -> Verdict:
    """The clock jumps by three quarters of an hour, forth and back, while two senders are at it."""
    with campaign(folder, scratch, choice=choice) as story:
        both = [story.start(jump_every_s=0.05), story.start(jump_every_s=0.07)]
        for sender in both:
            story.finish(sender)
        story.send_until_done()
        return story.verdict()


def locked_database(folder: Folder, scratch: Path, choice: OnUncertain) -> Verdict:
    """Another program holds the database again and again while mails are under way."""
    with campaign(folder, scratch, choice=choice) as story:
        path = story.environment["NEWSLETTER_DATABASE_URL"].removeprefix("sqlite:///")
        over = threading.Event()

        def hold() -> None:
            with sqlite3.connect(path, isolation_level=None, timeout=30) as holder:
                for _ in range(HOLDS):
                    if over.is_set():
                        break
                    holder.execute("BEGIN IMMEDIATE")
                    over.wait(0.2)
                    holder.execute("ROLLBACK")
                    over.wait(0.02)
            holder.close()

        thread = threading.Thread(target=hold)
        thread.start()
        try:
            story.send()
        finally:
            over.set()
            thread.join()
        story.send_until_done()
        return story.verdict()


def failing_disk(folder: Folder, scratch: Path, choice: OnUncertain, *, error: str, call: str, when: str) -> Verdict:
    """The kernel says that the disk is broken or full when the database writes (strace's injection)."""
    with campaign(folder, scratch, choice=choice) as story:
        inject = f"inject={call}:error={error}:when={when}"
        trace = scratch / "trace"
        # Only once: what goes on after that has to make it good.
        story.send(wrap=["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", inject])
        assert "(INJECTED)" in trace.read_text(errors="replace"), "the fault did not happen"
        story.send_until_done()
        return story.verdict()


def in_the_middle(folder: Folder, scratch: Path, choice: OnUncertain, act: Callable[[Campaign], set[str]]) -> Verdict:
    """An organiser or a subscriber decides something while a sender waits for answers; then it goes on.

    Args:
        folder, scratch, choice: as for every story.
        act: does it; gives the addresses that may get nothing from then on.
    """
    with campaign(folder, scratch, choice=choice) as story:
        sender = story.start()
        story.wait_for(Point.TAKEN, folder.count // 4)
        story.order("hold")
        barred = act(story)
        before = {take.recipient for take in Ledger.read(story.ledger_path).takes}
        story.order("release")
        story.finish(sender)
        with story.database() as database, database.write() as session:
            mailing = session.scalars(select(Mailing)).one()
            if mailing.state is MailingState.PAUSED:
                control.resume(session, mailing.id)
        story.send_until_done()
        late = {take.recipient for take in Ledger.read(story.ledger_path).takes} & barred
        assert not late - before, "somebody got a mail who had left, or whose mailing was cancelled, before the claim"
        return story.verdict()


def everybody_queued_leaves(story: Campaign) -> set[str]:
    """All who are not being written to at this moment leave."""
    with story.database() as database, database.write() as session:
        leavers = _people(session, DeliveryState.QUEUED)
        for person in leavers:
            person.leave(LeftReason.UNSUBSCRIBED, now())
        assert leavers, "somebody was to leave"
        return {person.email for person in leavers}


def pause(story: Campaign) -> set[str]:
    """An organiser pauses."""
    with story.database() as database, database.write() as session:
        control.pause(session, session.scalars(select(Mailing.id)).one())
    return set()


def cancel(story: Campaign) -> set[str]:
    """An organiser cancels."""
    with story.database() as database:
        with database.read() as session:
            number = session.scalars(select(Mailing.id)).one()
        assert control.cancel(database, number, now=now()).cancelled, "something was to be cancelled"
        with database.read() as session:
            return {person.email for person in _people(session, DeliveryState.CANCELLED)}


def _people(session: Session, state: DeliveryState) -> Sequence[Subscriber]:
    rows = select(Delivery.subscriber_id).where(Delivery.state == state)
    return session.scalars(select(Subscriber).where(Subscriber.id.in_(rows))).all()


def drops(at: Point, every: int) -> Plan:
    """A server that hangs up at a point."""
    return Plan(faults=(Fault(at=at, every=every, drop=True),))


def says(at: Point, reply: str, every: int, *, drop: bool = False) -> Plan:
    """A server that says something else at a point."""
    return Plan(faults=(Fault(at=at, every=every, reply=reply, drop=drop),))


@dataclass(frozen=True, kw_only=True)
class Story:
    """One line of the table.

    Attributes:
        name: what goes wrong.
        choice: what the mailing does with what is uncertain.
        tell: makes it happen once.
        times: how often that is told in full.
        kills: how many senders die in one telling.
        short: whether it belongs to the short form too.
        needs: a program that must be there.
    """

    name: str
    choice: OnUncertain
    tell: Callable[[Folder, Path, OnUncertain], Verdict]
    times: int = 1
    kills: int = 0
    short: bool = True
    needs: str = ""


BOTH = (OnUncertain.LEAVE, OnUncertain.RETRY)


def catalogue(*, full: bool) -> list[Story]:
    """Give the stories that both forms tell; in full with more of everything."""
    kills = 12 if full else 3
    every = 200 if full else 40
    stories = [
        Story(name="killed at any instant", choice=choice, tell=_killed(kills), times=7, kills=kills) for choice in BOTH
    ]
    stories += [
        Story(
            name=f"killed at {point}",
            choice=choice,
            tell=_killed(3 if full else 1, at=point),
            times=1,
            kills=3 if full else 1,
            short=choice is OnUncertain.LEAVE and point in {Point.MAIL, Point.GO, Point.TAKEN, Point.ANSWERED},
        )
        for point in EACH_STATE
        for choice in BOTH
    ]
    stories += [
        Story(
            name="the bookkeeper is killed",
            choice=choice,
            tell=_without_bookkeeper(14 if full else 2),
            kills=14 if full else 2,
            short=choice is OnUncertain.RETRY,
        )
        for choice in BOTH
    ]
    wrongs = [
        ("hangs up before 354", drops(Point.DATA, every), True),
        ("hangs up in the body", drops(Point.BODY, every), False),
        ("hangs up at the dot", drops(Point.DOT, every), True),
        ("takes it and hangs up", drops(Point.TAKEN, every), True),
        ("421 to the greeting", says(Point.CONNECT, "421 4.3.2 Busy\r\n", 3, drop=True), False),
        ("421 to MAIL", says(Point.MAIL, "421 4.3.2 Busy\r\n", every, drop=True), True),
        ("421 to RCPT", says(Point.RCPT, "421 4.3.2 Busy\r\n", every, drop=True), False),
        ("421 to DATA", says(Point.DATA, "421 4.3.2 Busy\r\n", every, drop=True), False),
        ("421 to the dot", says(Point.DOT, "421 4.3.2 Busy\r\n", every, drop=True), True),
        ("nonsense after the dot", says(Point.TAKEN, "All right then\r\n", every), True),
        ("a slow final reply", Plan(faults=(Fault(at=Point.TAKEN, every=every, slow_s=1.5),)), True),
        ("greylisting", Plan(greylist=True), True),
        (
            "no pipelining, hangs up",
            Plan(pipelining=False, faults=(Fault(at=Point.DOT, every=every, drop=True),)),
            True,
        ),
    ]
    stories += [
        Story(name=name, choice=choice, tell=_misbehaving(plan), short=short and choice is OnUncertain.RETRY)
        for name, plan, short in wrongs
        for choice in BOTH
    ]
    stories += [
        Story(name="two senders", choice=OnUncertain.LEAVE, tell=two_workers, times=3),
        Story(name="a clock that jumps", choice=OnUncertain.LEAVE, tell=jumping_clock, times=3),
        Story(name="a locked database", choice=OnUncertain.LEAVE, tell=locked_database),
        Story(name="everybody who is queued leaves", choice=OnUncertain.LEAVE, tell=_middle(everybody_queued_leaves)),
        Story(name="pause in the middle", choice=OnUncertain.LEAVE, tell=_middle(pause)),
        Story(name="cancel in the middle", choice=OnUncertain.LEAVE, tell=_middle(cancel)),
    ]
    for error, call in (("EIO", "fdatasync"), ("ENOSPC", "pwrite64")):
        stories += [
            Story(
                name=f"{error} from {call}",
                choice=choice,
                tell=_failing(error, call),
                needs="strace",
                short=choice is OnUncertain.LEAVE,
            )
            for choice in BOTH
        ]
    return stories if full else [story for story in stories if story.short]


def _killed(kills: int, at: Point | None = None) -> Callable[[Folder, Path, OnUncertain], Verdict]:
    seeds = count()
    return lambda folder, scratch, choice: killed(folder, scratch, choice, kills=kills, seed=next(seeds), at=at)


def _without_bookkeeper(kills: int) -> Callable[[Folder, Path, OnUncertain], Verdict]:
    return lambda folder, scratch, choice: without_bookkeeper(folder, scratch, choice, kills=kills)


def _misbehaving(plan: Plan) -> Callable[[Folder, Path, OnUncertain], Verdict]:
    return lambda folder, scratch, choice: misbehaving(folder, scratch, choice, plan)


def _middle(act: Callable[[Campaign], set[str]]) -> Callable[[Folder, Path, OnUncertain], Verdict]:
    return lambda folder, scratch, choice: in_the_middle(folder, scratch, choice, act)


def _failing(error: str, call: str) -> Callable[[Folder, Path, OnUncertain], Verdict]:
    return lambda folder, scratch, choice: failing_disk(folder, scratch, choice, error=error, call=call, when="20")
