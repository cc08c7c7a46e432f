"""Fixture pages, and a site that serves them."""

from pathlib import Path

import pytest

from tests.appeals.sources.site import running_site


@pytest.fixture
def pages() -> Path:
    return Path(__file__).parent / "pages"


@pytest.fixture
def site():
    with running_site() as site:
        yield site
