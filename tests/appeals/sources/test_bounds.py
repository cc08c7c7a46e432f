"""What a server can overdo has bounds: size, packing, headers, time; and lies about them are found out."""

import gzip
import tracemalloc
import zlib

import pytest

from newsletter.appeals.sources.faults import (
    PageGarbled,
    PageTimeout,
    SourceTooLarge,
)
from tests.appeals.sources.site import Answer, Clock

OK = b"HTTP/1.1 200 OK\r\n"


# Size


def test_a_body_without_end_is_cut_off(site, web):
    site.answers["/"] = Answer(repeated=b"<p>and so on</p>" * 4096)
    with pytest.raises(SourceTooLarge, match="larger than 1 MB"):
        web(limit_bytes=1_000_000)(f"{site.address}/")


def test_a_body_just_as_large_as_allowed_is_read(site, web):
    site.answers["/"] = Answer(body=b"x" * 5000)

    assert len(web(limit_bytes=5000)(f"{site.address}/").content) == 5000
    with pytest.raises(SourceTooLarge):
        web(limit_bytes=4999)(f"{site.address}/")


def test_a_body_that_says_how_large_it_will_be_is_refused_before_it_comes(site, web):
    site.answers["/"] = Answer(raw=OK + b"Content-Length: 20000000\r\n\r\n")
    with pytest.raises(SourceTooLarge, match="larger than 10 MB"):
        web()(f"{site.address}/")


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),  # interim answers (RFC 9110, 15.2) may be any number
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 4000 + b"\r\na\r\n"),  # 4 kB around each letter
    ],
)
def test_what_comes_around_a_body_counts_as_well(site, web, start, more):
    site.answers["/"] = Answer(raw=start, repeated=more)
    with pytest.raises(SourceTooLarge):
        web(limit_bytes=1000)(f"{site.address}/")


@pytest.mark.parametrize("line", [b"X-More: and more\r\n", b"x", b"Set-Cookie: a=b\r\n" * 1000])
def test_headers_without_end_are_given_up(site, web, line):
    site.answers["/"] = Answer(raw=OK + b"X-Long: ", repeated=line)
    with pytest.raises(PageGarbled):
        web()(f"{site.address}/")


# Packing


def packed(content, window=zlib.MAX_WBITS | 16):
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(content) + packer.flush()


PACKINGS = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS, "Deflate": -zlib.MAX_WBITS}  # the last one is bare


@pytest.mark.parametrize("coding", PACKINGS)
def test_what_is_packed_is_unpacked(site, web, coding):
    text = b"<p>Solidarity</p>" * 50_000
    site.answers["/"] = Answer(body=packed(text, PACKINGS[coding]), headers={"Content-Encoding": coding})

    assert web()(f"{site.address}/").content == text
    assert site.headers[0]["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("coding", PACKINGS)
def test_a_bomb_takes_no_more_memory_than_a_page_may(site, web, coding):
    bomb = packed(bytes(60_000_000), PACKINGS[coding])  # 60 kB: it comes in one piece
    site.answers["/"] = Answer(body=bomb, headers={"Content-Encoding": coding})
    fetch = web(limit_bytes=1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(SourceTooLarge, match="larger than 1 MB"):
            fetch(f"{site.address}/")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "compress", "gzip, gzip", "gzip,identity,deflate", "deflate, gzip", "rot13"]
)
def test_what_is_packed_otherwise_or_twice_is_refused(site, web, coding):
    site.answers["/"] = Answer(body=gzip.compress(gzip.compress(b"x"), mtime=0), headers={"Content-Encoding": coding})
    with pytest.raises(PageGarbled, match=r"it is packed as .* give the file"):
        web()(f"{site.address}/")


def test_two_lines_that_say_how_it_is_packed_are_one_list(site, web):
    raw = OK + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(gzip.compress(b"x"), mtime=0)
    site.answers["/"] = Answer(raw=raw)
    with pytest.raises(PageGarbled, match="packed as gzip, gzip"):
        web()(f"{site.address}/")


@pytest.mark.parametrize("cut", [1, 5, 30, -8, -1])
def test_what_is_packed_and_breaks_off_is_no_page(site, web, cut):
    body = gzip.compress(bytes(range(256)) * 100)[:cut]
    site.answers["/"] = Answer(body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(PageGarbled, match="it ends too early"):
        web()(f"{site.address}/")


def test_what_only_says_that_it_is_packed_is_no_page(site, web):
    site.answers["/"] = Answer(body=b"<p>plain</p>", headers={"Content-Encoding": "gzip"})
    with pytest.raises(PageGarbled, match="incorrect header"):
        web()(f"{site.address}/")


@pytest.mark.parametrize("coding", ["", "identity", "gzip"])
def test_an_empty_body_is_one_however_it_is_said_to_be_packed(site, web, coding):
    site.answers["/"] = Answer(headers={"Content-Encoding": coding})

    assert web()(f"{site.address}/").content == b""


# Lies about length, and what is no HTTP


def test_a_body_shorter_than_it_says_is_no_page(site, web):
    site.answers["/"] = Answer(raw=OK + b"Content-Length: 100\r\n\r\nshort")
    with pytest.raises(PageGarbled, match="broken: peer closed connection"):
        web()(f"{site.address}/")


def test_what_follows_a_body_is_not_taken_for_the_next_answer(site, web):
    site.answers["/"] = Answer(raw=OK + b"Content-Length: 4\r\n\r\npage" + OK + b"Content-Length: 5\r\n\r\nforge")
    site.page("/next", "next")
    fetch = web()

    assert fetch(f"{site.address}/").content == b"page"
    assert fetch(f"{site.address}/next").content == b"next"


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail.example ESMTP\r\n", b"\0" * 100, b"<html>plain</html>"),
        *(
            OK + b"Content-Length: -1\r\n\r\n",
            OK + b"Content-Length: 1, 2\r\n\r\n",
            OK + b"Transfer-Encoding: odd\r\n\r\n",
        ),
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_told(site, web, raw):
    site.answers["/"] = Answer(raw=raw)
    with pytest.raises(PageGarbled) as refusal:
        web()(f"{site.address}/")
    assert "\n" not in str(refusal.value)


# Time


def test_a_server_that_says_nothing_is_given_up(site, web):
    site.answers["/"] = Answer(silent=True)
    with pytest.raises(PageTimeout, match=r"within 0\.2 seconds"):
        web(timeout_s=0.2)(f"{site.address}/")


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + b"\r\n", b"<p>and so on</p>"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"", mtime=0), b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_server_that_drips_is_given_up_wherever_it_does(site, web, start, more):
    site.answers["/"] = Answer(raw=start, repeated=more)
    with pytest.raises(PageTimeout, match="within 60 seconds"):
        web(limit_bytes=10**12, clock=Clock(step_s=8))(f"{site.address}/")


def test_the_time_is_for_all_redirects_together(site, web):
    for number in range(4):
        site.redirect(f"/{number}", f"/{number + 1}")
    site.page("/4", "there")

    assert web(clock=Clock(step_s=1), total_s=100)(f"{site.address}/0").content == b"there"
    with pytest.raises(PageTimeout, match="within 20 seconds"):
        web(clock=Clock(step_s=1), total_s=20)(f"{site.address}/0")


def test_no_time_is_left_for_a_wait_that_is_longer_than_the_page_may_take(site, web):
    site.answers["/"] = Answer(silent=True)
    with pytest.raises(PageTimeout):
        web(timeout_s=600, total_s=0.2)(f"{site.address}/")
