"""The short form of `make faults`: everything that can go wrong, once, with few people."""

import shutil

import pytest

from newsletter.delivery.model import OnUncertain
from tests.faults.campaign import Verdict
from tests.faults.stories import catalogue, judge, killed
from tools.bench.newsletter_folder import make

PEOPLE = 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("faults") / "newsletter", count=PEOPLE, mail_bytes=1)


@pytest.mark.parametrize("story", catalogue(full=False), ids=lambda story: f"{story.name}, {story.choice}")
def test_nothing_is_lost_and_nothing_comes_twice_that_was_not_allowed_to(story, folder, tmp_path):
    if story.needs and shutil.which(story.needs) is None:
        pytest.skip(f"{story.needs} is not installed")
    verdict = story.tell(folder, tmp_path / "story", story.choice)
    assert judge(story.choice, verdict) == [], verdict
    assert verdict.rows == PEOPLE


def test_on_postgresql_too_senders_that_are_killed_lose_nothing(postgresql, tmp_path):
    path = tmp_path / f"faults_{tmp_path.parent.name.replace('-', '_')}"
    folder = make(path, count=PEOPLE, mail_bytes=1, server=postgresql)
    verdict = killed(folder, tmp_path / "story", OnUncertain.LEAVE, kills=3)
    assert judge(OnUncertain.LEAVE, verdict) == [], verdict


@pytest.mark.parametrize(
    ("choice", "wrong"),
    [
        (OnUncertain.LEAVE, {"lost": 1}),
        (OnUncertain.LEAVE, {"unknown": 1}),
        (OnUncertain.LEAVE, {"twice": 1, "uncertain_events": 1}),
        (OnUncertain.RETRY, {"twice": 2, "uncertain_events": 1}),
    ],
)
def test_the_judge_sees_each_promise_that_is_broken(choice, wrong):
    fine = {"lost": 0, "twice": 0, "unknown": 0, "uncertain_events": 0, "uncertain": 0, "taken": 9, "rows": 9}
    assert judge(choice, Verdict(**fine)) == []
    assert judge(choice, Verdict(**(fine | wrong))) != []
