"""Fixture pages, a site that serves them, and what gets them from there."""

import contextlib
from pathlib import Path

import pytest

from newsletter.appeals.sources import WebFetch
from tests.appeals.sources.site import LOOPBACK, running_site


@pytest.fixture
def pages() -> Path:
    return Path(__file__).parent / "pages"


@pytest.fixture
def site():
    with running_site() as site:
        yield site


@pytest.fixture
def web():
    """Make a `WebFetch` that reads from this machine, without robots.txt and pauses unless that is asked for."""
    with contextlib.ExitStack() as opened:
        yield lambda **wishes: opened.enter_context(
            WebFetch(**({"allowed": LOOPBACK, "robots": False, "pause_s": 0} | wishes))
        )
