"""Links that lead nowhere are told from those that do, by real servers."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

import pytest

from newsletter.editions.dead_links import DeadLinks
from tests.conftest import free_port

LOOPBACK = (ip_network("127.0.0.0/8"),)


LEADS_TO = {
    "/moved": "/fine",
    "/loop": "/loop",
    "/inside": "http://10.0.0.1/",
    "/ftp": "ftp://a.example/x",
    "/torn": "http://[::1",
    "/odd": "http://a.example:port/",
}


class Site(BaseHTTPRequestHandler):
    """Answers each path in its own way, and remembers what it was asked."""

    asked: list[tuple[str, str]]

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        self.server.asked.append((self.command, self.path))
        if self.path == "/slow":
            self.server.over.wait(30)
        to = LEADS_TO.get(self.path)
        status = {"/gone": 410, "/missing": 404, "/broken": 503}.get(
            self.path, 405 if self.path == "/only-get" and self.command == "HEAD" else 302 if to else 200
        )
        self.send_response(status)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words):
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.asked, server.over = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def address(site, path):
    return f"http://127.0.0.1:{site.server_port}{path}"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/fine", None),
        ("/moved", None),
        ("/only-get", None),
        ("/gone", "is not there"),
        ("/missing", "is not there"),
        ("/broken", "answers with an error (503)"),
        ("/loop", "can't be followed"),
        ("/inside", "leads into a private network"),
        ("/ftp", "can't be followed"),
        ("/torn", "can't be followed"),
        ("/odd", "can't be followed"),
    ],
)
def test_what_is_dead_is_said(site, path, said):
    link = address(site, path)
    assert DeadLinks("https://news.example", allowed=LOOPBACK).find([link]).get(link) == said


def test_nobody_there_is_said(site):
    nobody = f"http://127.0.0.1:{free_port()}/"
    found = DeadLinks("https://news.example", allowed=LOOPBACK, timeout_s=0.2).find([nobody, address(site, "/slow")])
    assert found == {nobody: "can't be reached", address(site, "/slow"): "does not answer"}


def test_our_own_network_is_asked_for_our_own_pages_alone(site):
    link = address(site, "/fine")
    assert DeadLinks("https://news.example").find([link]) == {link: "leads into a private network"}
    assert site.asked == []
    assert DeadLinks(address(site, "")).find([link]) == {}


def test_a_page_of_ours_leads_nobody_into_our_network(site):
    link = address(site, "/moved")
    assert DeadLinks(address(site, "")).find([link]) == {}
    assert site.asked == [("HEAD", "/moved")]


def test_a_name_that_leads_inside_is_not_asked(site):
    links = DeadLinks("https://news.example", resolve=lambda _host: [ip_address("127.0.0.1")])
    link = f"http://harmless.example:{site.server_port}/fine"
    assert links.find([link]) == {link: "leads into a private network"}
    assert site.asked == []


def test_each_page_is_asked_for_once(site):
    links = DeadLinks("https://news.example", allowed=LOOPBACK)
    one, other = address(site, "/missing#do"), address(site, "/missing")
    assert set(links.find([one, other])) == {one, other}
    assert site.asked == [("HEAD", "/missing")]
