from pathlib import Path

import pytest

from tests.appeals.sources.site import running_site
from tests.scenarios.newsletter_command import Newsletter

SEEDS = Path(__file__).parents[2].parent / "shared" / "seeds" / "solidarity-appeals.txt"


@pytest.fixture
def seeds() -> Path:
    if not SEEDS.exists():
        pytest.skip("the real listing (../shared/seeds) is not beside this checkout")
    return SEEDS


@pytest.fixture(params=["sqlite", "postgresql"])
def newsletter(request, tmp_path, mailserver) -> Newsletter:
    """An installation on each kind of database, with a real mail server to send to."""
    settings = {
        "organisation": "Hands Across Borders",
        "postal_address": "12 Mill Lane, Exampleton",
        "base_url": "http://127.0.0.1:9",
        "sender_address": "appeals@hands.example",
        "smtp_host": "127.0.0.1",
        "smtp_port": mailserver.port,
    }
    if request.param == "postgresql":
        settings["database_url"] = request.getfixturevalue("postgresql_url")
    made = Newsletter(tmp_path)
    made.settle(**settings)
    return made


@pytest.fixture
def site():
    """A web site that appeals come in from."""
    with running_site() as site:
        yield site
