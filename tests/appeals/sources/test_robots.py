"""What a site asks programs to leave alone is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.sources.faults import (
    AddressRefused,
    PageBusy,
    PageUnreachable,
    RobotsForbid,
    RobotsUnreadable,
)
from newsletter.appeals.sources.robots import AGENT, Rules
from tests.appeals.sources.site import Answer, Clock, read_source, running_site
from tests.appeals.sources.test_source import NEXT, blog, titles

HERE = "https://appeals.example"


def allows(text, path):
    return Rules(text.encode()).allow(f"{HERE}{path}")


# The rules


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/", True),
        ("User-agent: *\nDisallow: /", "/", False),
        ("User-agent: *\nDisallow:", "/", True),
        ("User-agent: *\nDisallow: /admin\nDisallow: /*?print=", "/blog", True),
        ("User-agent: *\nDisallow: /admin\nDisallow: /*?print=", "/blog?print=1", False),
        ("User-agent: *\nDisallow: /\nAllow: /blog", "/blog?start=2", True),
        ("User-agent: *\nDisallow: /blog$", "/blog/1", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        # The group for us goes before the one for all, wherever it stands and however it is written.
        ("User-agent: *\nDisallow: /\n\nUser-agent: Solidarity-Newsletter\nAllow: /", "/", True),
        ("User-agent: solidarity-newsletter/1.0\nDisallow: /\n\nUser-agent: *\nAllow: /", "/", False),
        ("user agent SOLIDARITY-NEWSLETTER # us\nDisallow: /x\n\nUser-agent: *\nDisallow: /", "/y", True),
        ("User-agent: Googlebot\nUser-agent: solidarity-newsletter\nDisallow: /", "/", False),
        # What is for others is not for us, though its name begins or ends as ours does.
        ("User-agent: solidarity\nDisallow: /", "/", True),
        ("User-agent: newsletter\nDisallow: /", "/", True),
        ("User-agent: solidarity-newsletter-archive\nDisallow: /", "/", True),
        ("User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow: /x", "/y", True),
        ("User-agent: *bot\nDisallow: /", "/", True),
        ("User-agent:\nDisallow: /", "/", True),
        ("<html><body>Disallow: /</body></html>", "/", True),
    ],
)
def test_rules_are_read_as_they_are_meant(text, path, allowed):
    assert allows(text, path) is allowed


LINES = st.builds(
    "{}: {}".format,
    st.sampled_from(["Allow", "Disallow", "Crawl-delay", "Request-rate", "Visit-time", "Host", "User-agent"]),
    st.one_of(st.text(max_size=20), st.sampled_from(["//[", "1/0", "9" * 5000, "1/2s 2500-9999", "%", "$*$"])),
)


@given(st.one_of(st.binary(max_size=300), st.lists(LINES, max_size=9).map(lambda lines: "\n".join(lines).encode())))
def test_no_bytes_raise_anything(content):
    rules = Rules(b"User-agent: *\nDisallow: /x\n" + content)
    rules.allow(f"{HERE}/\u00fc?x=%ff")
    assert rules.crawl_delay_s >= 0


def test_a_byte_order_mark_hides_no_rule():
    assert not allows("\ufeffUser-agent: *\nDisallow: /", "/")


def test_half_a_megabyte_is_heeded_and_no_more():
    filling = b"# and so on\n" * 40_000
    closed = b"User-agent: *\nDisallow: /"

    assert not Rules(filling + closed).allow(f"{HERE}/")
    assert Rules(filling * 2 + closed).allow(f"{HERE}/")


@pytest.mark.parametrize(
    "form", ["User-agent: a{}", "useragent a{}", " USER \t AGENT a{} # x", "User-agent: *{}", "user-agent{}"]
)
def test_agents_without_number_are_one_to_us(form):
    """Each rule would be copied to each of them."""
    text = "\n".join(form.format(number) for number in range(300))

    assert len(Rules(f"{text}\nDisallow: /".encode())._rules._user_agents) <= 1


# Asking for them


def test_what_robots_txt_forbids_is_not_read_and_the_sentence_says_what_to_do(site, web):
    site.robots("User-agent: *\nDisallow: /private")
    site.page("/private", "")
    with pytest.raises(RobotsForbid, match=rf"robots\.txt asks programs not to read .*/private\. Ask .* allow {AGENT}"):
        web(robots=True)(f"{site.address}/private")
    assert site.asked == ["/robots.txt"]


def test_what_it_allows_is_read_and_it_is_asked_for_once(site, web):
    site.robots("User-agent: *\nDisallow: /private")
    for path in ("/one", "/two"):
        site.page(path, "")
    fetch = web(robots=True)
    fetch(f"{site.address}/one")
    fetch(f"http://us:secret@127.0.0.1:{site.port}/two#there")

    assert site.asked == ["/robots.txt", "/one", "/two"]


def test_further_pages_of_a_source_are_asked_about_as_well(site, web):
    site.robots("User-agent: *\nDisallow: /*start=")
    site.page("/blog", blog("One", following=NEXT.format("/blog?start=1")))
    with pytest.raises(RobotsForbid):
        read_source(f"{site.address}/blog", fetch=web(robots=True).source())


def test_a_person_who_names_a_page_reads_it_as_in_a_browser(site):
    site.robots("User-agent: *\nDisallow: /")
    site.page("/blog", blog("One"))

    assert titles(read_source(f"{site.address}/blog")) == ["One"]
    assert site.asked == ["/blog"]


def test_where_a_redirect_leads_has_rules_of_its_own(site, web):
    with running_site() as other:
        site.redirect("/out", f"{other.address}/in")
        other.robots("User-agent: *\nDisallow: /in")
        with pytest.raises(RobotsForbid):
            web(robots=True)(f"{site.address}/out")
        assert other.asked == ["/robots.txt"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_site_without_one_allows_everything(site, web, status):
    site.answers["/robots.txt"] = Answer(status=status)
    site.page("/", "here")

    assert web(robots=True)(f"{site.address}/").content == b"here"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=502),
        Answer(raw=b""),
        Answer(body=b"x", headers={"Content-Encoding": "gzip"}),
        Answer(status=302, to="ftp://appeals.example/robots.txt"),
    ],
)
def test_a_site_whose_rules_can_not_be_known_is_not_read_now_and_asked_again_later(site, web, answer):
    site.answers["/robots.txt"] = answer
    site.page("/", "here")
    fetch = web(robots=True)
    with pytest.raises(RobotsUnreadable, match=r"can't be had now: .*\. Try again later\."):
        fetch(f"{site.address}/")
    assert "/" not in site.asked
    site.robots("")
    assert fetch(f"{site.address}/").content == b"here"


def test_a_site_that_is_away_is_not_blamed_on_its_robots_txt(web):
    with running_site() as gone:
        address = gone.address
    with pytest.raises(PageUnreachable, match="Connection refused"):
        web(robots=True)(f"{address}/")


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_is_too_busy_for_its_robots_txt_says_for_how_long(site, web, status):
    site.answers["/robots.txt"] = Answer(status=status, headers={"Retry-After": "60"})
    with pytest.raises(PageBusy) as refusal:
        web(robots=True)(f"{site.address}/")
    assert refusal.value.retry_after_s == 60


def test_a_robots_txt_elsewhere_is_followed_to_and_one_in_a_circle_is_none(site, web):
    site.redirect("/robots.txt", "/there.txt")
    site.page("/there.txt", "User-agent: *\nDisallow: /private")
    site.page("/", "here")
    with pytest.raises(RobotsForbid):
        web(robots=True)(f"{site.address}/private")
    site.redirect("/there.txt", "/robots.txt")
    assert web(robots=True)(f"{site.address}/").content == b"here"


def test_a_robots_txt_leads_nobody_inside(site, web):
    site.redirect("/robots.txt", "http://169.254.169.254/")
    with pytest.raises(AddressRefused):
        web(robots=True)(f"{site.address}/")
    assert site.asked == ["/robots.txt"]


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "100000000"}])
def test_of_a_robots_txt_without_end_the_beginning_is_heeded(site, web, headers):
    start = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    rules = "User-agent: *\nDisallow: /private\n"
    site.answers["/robots.txt"] = Answer(
        raw=f"HTTP/1.1 200 OK\r\n{start}\r\n{rules}".encode(), repeated=b"# more\n" * 999
    )
    site.page("/", "here")
    fetch = web(robots=True)

    assert fetch(f"{site.address}/").content == b"here"
    with pytest.raises(RobotsForbid):
        fetch(f"{site.address}/private")


@pytest.mark.parametrize(
    ("said", "pause_s"), [("3", 3), ("0.1", 1), ("9999999", 10), ("nan", 1), ("-5", 1), ("soon", 1), ("inf", 1)]
)
def test_a_site_may_ask_for_a_longer_pause_but_not_for_any(site, web, said, pause_s):
    clock = Clock()
    site.robots(f"User-agent: *\nCrawl-delay: {said}")
    site.page("/", "")
    fetch = web(robots=True, pause_s=1, clock=clock, sleep=clock.sleep)
    fetch(f"{site.address}/")
    fetch(f"{site.address}/")

    assert clock.slept == [pause_s, pause_s]
