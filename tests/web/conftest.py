"""A site over a real server, on both databases."""

import pytest

from newsletter.web.app import create_app
from tests import builders
from tests.web.served import served


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys, time_zone="Europe/Berlin")


@pytest.fixture
def client(parts, monkeypatch):
    # What was asked for is sorted when a test says so, and never beside it.
    monkeypatch.setattr("newsletter.web.sorting.TICK_S", 3600.0)
    with served(create_app(parts)) as client:
        yield client
