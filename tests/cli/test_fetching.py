"""Sources in our own network: refused, until the operator allows them."""

import json

import pytest

from newsletter.settings import Settings
from tests.appeals.sources.site import running_site

LISTING = "Strike in Almaty\n\nWritten by Rosa Tuesday, 06 November 2012\n\nWe received this letter.\n"


@pytest.fixture
def site():
    with running_site() as site:
        site.page("/appeals.txt", LISTING, content_type="text/plain")
        yield site


def test_a_source_on_this_machine_is_refused_with_the_setting_that_allows_it(ready, site):
    said = ready("appeal", "import", f"{site.address}/appeals.txt")

    assert said.status == 1
    assert "leads to 127.0.0.1, this machine." in said.err
    assert "fetch_allow" in said.err
    assert site.asked == []
    assert ready("appeal", "list", "--json").out.strip() == "[]"


def test_a_network_that_is_allowed_is_read_from(ready, site, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_FETCH_ALLOW", "10.0.0.0/8, 127.0.0.0/8")

    assert ready("appeal", "import", f"{site.address}/appeals.txt").status == 0
    assert [appeal["title"] for appeal in json.loads(ready("appeal", "list", "--json").out)] == ["Strike in Almaty"]


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("", []),
        (" ", []),
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        ("10.0.0.0/8,fd00::/8 , 192.168.1.7,10.0.0.0/8", ["10.0.0.0/8", "fd00::/8", "192.168.1.7/32"]),
    ],
)
def test_networks_are_set_with_commas_between(text, networks):
    assert [str(network) for network in Settings(fetch_allow=text).fetch_networks] == networks


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1", ",", "10.*"])
def test_what_is_no_network_is_told(ready, monkeypatch, text):
    monkeypatch.setenv("NEWSLETTER_FETCH_ALLOW", text)
    said = ready("appeal", "list")

    assert said.status == 1
    assert "fetch_allow: must be networks such as 10.0.0.0/8" in said.err
