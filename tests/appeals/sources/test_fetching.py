"""Pages of the web: asking again, what a server says besides the page, where it leads, and how it is left in peace."""

from ipaddress import IPv4Address

import pytest

from newsletter.appeals.sources import Page, SourceFault, Unchanged
from newsletter.appeals.sources.faults import (
    PageBusy,
    PageGarbled,
    PageGone,
    PageMissing,
    PageRefused,
    PageUnreachable,
    RedirectElsewhere,
    RedirectLoop,
    SchemeRefused,
)
from tests.appeals.sources.site import Answer, Clock, read_source, running_site
from tests.appeals.sources.test_source import NEXT, blog, titles

# Asking again


def test_what_has_not_changed_does_not_come_again(site, web):
    site.answers["/"] = Answer(body=b"news", headers={"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 07:00:00 GMT"})
    fetch = web()

    page = fetch.get(f"{site.address}/")
    again = fetch.get(f"{site.address}/", etag=page.etag, last_modified=page.last_modified)

    assert (page.content, page.etag, page.content_type) == (b"news", '"v1"', "text/html")
    assert again == Unchanged(location=f"{site.address}/")
    assert "If-None-Match" not in site.headers[0]
    assert site.headers[1]["If-None-Match"] == '"v1"'
    assert site.headers[1]["If-Modified-Since"] == "Mon, 23 Nov 2026 07:00:00 GMT"


def test_what_has_changed_comes_as_it_is_now(site, web):
    site.answers["/"] = Answer(body=b"more news", headers={"ETag": 'W/"v2"'})

    page = web().get(f"{site.address}/", etag='"v1"')

    assert (page.content, page.etag, page.last_modified) == (b"more news", 'W/"v2"', "")


def test_it_is_asked_behind_a_redirect_too(site, web):
    site.redirect("/old", "/new")
    site.answers["/new"] = Answer(headers={"ETag": '"v1"'})

    assert web().get(f"{site.address}/old", etag='"v1"') == Unchanged(location=f"{site.address}/new")


def test_unchanged_is_no_answer_to_who_did_not_ask(site, web):
    site.answers["/"] = Answer(status=304)
    with pytest.raises(PageRefused, match="answered 304"):
        web().get(f"{site.address}/")


@pytest.mark.parametrize("etag", ['"ü"', '"' + "x" * 400 + '"', ""])
def test_marks_that_no_header_should_hold_are_forgotten(site, web, etag):
    site.answers["/"] = Answer(headers={"ETag": etag})

    assert web().get(f"{site.address}/").etag == ""
    web().get(f"{site.address}/", etag=etag + "\r\nX-Evil: 1")
    assert "If-None-Match" not in site.headers[-1]


# What a server says about itself


@pytest.mark.parametrize(
    ("status", "fault", "sentence"),
    [
        (404, PageMissing, "answered 404 Not Found"),
        (410, PageGone, "taken down for good"),
        (403, PageRefused, "answered 403 Forbidden"),
        (500, PageRefused, "answered 500 Internal Server Error"),
        (300, PageRefused, "answered 300"),
    ],
)
def test_what_is_not_there_is_told_apart(site, web, status, fault, sentence):
    site.answers["/"] = Answer(status=status)
    with pytest.raises(PageRefused, match=sentence) as refusal:
        web()(f"{site.address}/")
    assert type(refusal.value) is fault
    assert refusal.value.status == status


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "wait_s", "words"),
    [
        ({"Retry-After": "120"}, 120, "Try again in 2 minutes."),
        ({"Retry-After": "Mon, 23 Nov 2026 09:00:00 GMT", "Date": "Mon, 23 Nov 2026 07:00:00 GMT"}, 7200, "in 2 hours"),
        ({"Retry-After": "Mon, 23 Nov 2026 06:00:00 GMT", "Date": "Mon, 23 Nov 2026 07:00:00 GMT"}, 0, "in 1 seconds"),
        ({"Retry-After": "99999999999999999999"}, 86_400, "in 24 hours"),
        ({"Retry-After": "tomorrow"}, None, "Try again later."),
        ({}, None, "Try again later."),
    ],
)
def test_who_wants_to_be_left_alone_says_for_how_long(site, web, status, headers, wait_s, words):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    site.answers["/"] = Answer(raw=f"HTTP/1.1 {status} No\r\n{lines}\r\n".encode())
    with pytest.raises(PageBusy, match=words) as refusal:
        web()(f"{site.address}/")
    assert refusal.value.retry_after_s == wait_s


# Redirects


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://appeals.example/", "gopher://x", "FILE://127.0.0.1/etc"])
def test_a_redirect_out_of_the_web_is_refused(site, web, to):
    site.redirect("/out", to)
    with pytest.raises(SchemeRefused, match=r"/out → \w+://.* is not a web address that can be read"):
        web()(f"{site.address}/out")


@pytest.mark.parametrize("to", ["javascript:alert(1)", "data:,x", "//x:port/", "http://１.example/\x01"])
def test_a_redirect_to_what_is_no_address_is_refused(site, web, to):
    site.answers["/out"] = Answer(raw=f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n".encode())
    with pytest.raises(PageGarbled, match="broken: "):
        web()(f"{site.address}/out")


def test_a_redirect_to_nowhere_is_told(site, web):
    def look_up(host):
        if host != "here.example":
            raise ValueError(host)
        return [IPv4Address("127.0.0.1")]

    site.redirect("/out", "http://" + "x" * 70 + ".example/")
    with pytest.raises(PageUnreachable, match="that can be no host's name"):
        web(resolve=look_up)(f"http://here.example:{site.port}/out")


def test_five_redirects_are_followed_and_no_sixth(site, web):
    for number in range(6):
        site.redirect(f"/{number}", f"/{number + 1}")
    site.page("/6", "there")

    assert web()(f"{site.address}/1").location == f"{site.address}/6"
    with pytest.raises(RedirectLoop, match="more than 5 times"):
        web()(f"{site.address}/0")
    assert site.asked.count("/6") == 1


def test_a_circle_of_redirects_is_left(site, web):
    site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    with pytest.raises(RedirectLoop):
        web()(f"{site.address}/a")
    assert len(site.asked) == 6


def test_a_redirect_can_not_have_us_sign_in_and_ours_goes_nowhere(site, web):
    site.redirect("/out", f"http://them:secret@127.0.0.1:{site.port}/in")
    site.page("/in", "")

    page = web()(f"http://us:secret@127.0.0.1:{site.port}/out")

    assert ["Authorization" in headers for headers in site.headers] == [True, False]
    assert page.location == f"{site.address}/in"


def test_an_address_with_a_password_is_not_handed_on(site, web):
    site.page("/in", "words")

    assert web()(f"http://us:secret@127.0.0.1:{site.port}/in").location == f"{site.address}/in"
    for path in ("/nowhere", "/in"):
        with pytest.raises(SourceFault) as refusal:
            web(limit_bytes=0)(f"http://us:secret@127.0.0.1:{site.port}{path}")
        assert "secret" not in str(refusal.value)


def test_no_cookie_is_kept(site, web):
    site.answers["/"] = Answer(headers={"Set-Cookie": "who=you; Path=/"})
    fetch = web()
    fetch(f"{site.address}/")
    fetch(f"{site.address}/")

    assert "Cookie" not in site.headers[1]


# One source


def test_the_first_page_says_where_a_source_is_and_further_ones_stay_there(site, web):
    with running_site() as other:
        site.redirect("/", f"{other.address}/")
        other.page("/", "first")
        other.redirect("/2", f"{site.address}/2")
        fetch = web()
        source = fetch.source()

        assert source(f"{site.address}/").location == f"{other.address}/"
        for further in (f"{other.address}/2", f"{site.address}/2"):
            with pytest.raises(RedirectElsewhere, match="leads to another site"):
                source(further)
        assert site.asked == ["/"]
        assert fetch.source()(f"{site.address}/").content == b"first", "another source has another place"


def test_a_first_page_that_is_there_already_is_not_asked_for_again(site, web):
    site.page("/blog", blog("One", following=NEXT.format("/blog?start=1")))
    site.page("/blog?start=1", blog("Two"))
    fetch = web()
    first = fetch.get(f"{site.address}/blog")

    assert titles(read_source(f"{site.address}/blog", fetch=fetch.source(first))) == ["One", "Two"]
    assert site.asked == ["/blog", "/blog?start=1"]


# Leaving in peace


def test_between_two_requests_to_a_host_there_is_a_pause(site, web):
    clock = Clock()
    fetch = web(clock=clock, sleep=clock.sleep, pause_s=3)
    site.redirect("/old", "/new")
    site.page("/new", "")
    for path in ("/old", "/new"):
        fetch(f"{site.address}{path}")

    assert clock.slept == [3, 3]


def test_a_host_that_was_left_alone_meanwhile_is_asked_at_once_and_another_one_too(site, web):
    clock = Clock()
    fetch = web(clock=clock, sleep=clock.sleep, pause_s=3)
    site.page("/", "")
    fetch(f"{site.address}/")
    fetch(f"http://localhost:{site.port}/")
    assert clock.slept == []
    clock.now_s += 2
    fetch(f"{site.address}/")
    assert clock.slept == [1]
    clock.now_s += 100
    fetch(f"{site.address}/")
    assert clock.slept == [1]


def test_a_host_that_failed_is_left_alone_as_well(web):
    clock = Clock()
    fetch = web(clock=clock, sleep=clock.sleep, pause_s=3)
    with running_site() as gone:
        address = gone.address
    for _ in range(2):
        with pytest.raises(PageUnreachable):
            fetch(f"{address}/")

    assert clock.slept == [3]


def test_our_own_pauses_take_nothing_from_the_page_s_time(site, web):
    clock = Clock()
    site.redirect("/old", "/new")
    site.page("/new", "there")

    page = web(clock=clock, sleep=clock.sleep, pause_s=1000, total_s=60)(f"{site.address}/old")

    assert page == Page(location=f"{site.address}/new", content=b"there", content_type="text/html")
    assert clock.slept == [1000]
