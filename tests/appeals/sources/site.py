"""A small web site on a free port of this machine, with the misbehaviours that real ones have."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

from newsletter.appeals import sources

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))  # where tests have their sites


def read_source(location, **wishes):
    """Read a source as the newsletter does, from this machine too."""
    return sources.read_source(location, allowed=LOOPBACK, **wishes)


class Clock:
    """Moves by one step whenever somebody looks, and by as much as is slept."""

    def __init__(self, step_s=0.0):
        self.now_s, self.step_s, self.slept = 1000.0, step_s, []

    def __call__(self):
        self.now_s += self.step_s
        return self.now_s

    def sleep(self, wait_s):
        self.slept.append(wait_s)
        self.now_s += wait_s


@dataclass(kw_only=True)
class Answer:
    """What is said to a request.

    Attributes:
        raw: these bytes, in place of an answer in good form.
        repeated: what follows without end, until nobody listens any more; a test that is wrong ends all the same.
        silent: nothing (more) is said, and the connection stays.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html"
    to: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    repeated: bytes = b""
    silent: bool = False


@dataclass(kw_only=True)
class Site:
    """What is at each path, and what was asked for."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> str:
        return self.address.rpartition(":")[2]

    def page(self, path: str, text: str, *, encoding: str = "utf-8", content_type: str = "text/html") -> None:
        self.answers[path] = Answer(body=text.encode(encoding), content_type=content_type)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.answers[path] = Answer(status=status, to=to)

    def robots(self, text: str) -> None:
        self.page("/robots.txt", text, content_type="text/plain")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        site.asked.append(self.path)
        site.headers.append(dict(self.headers))
        site.agents.add(self.headers["User-Agent"])
        answer = site.answers.get(self.path, Answer(status=404, body=b"<h1>Not Found</h1>"))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            if answer.raw is not None:
                self.wfile.write(answer.raw)
            elif not answer.silent:
                self.answer(answer)
            for _ in range(min(200_000, 60_000_000 // max(1, len(answer.repeated))) if answer.repeated else 0):
                self.wfile.write(answer.repeated)
            if answer.silent:
                site.released.wait(30)

    def answer(self, answer):
        etag = answer.headers.get("ETag")
        unchanged = etag is not None and self.headers["If-None-Match"] == etag
        self.send_response(304 if unchanged else answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.to:
            self.send_header("Location", answer.to)
        self.end_headers()
        if not unchanged:
            self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running_site(host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.site = site = Site(address=f"{'https' if tls else 'http'}://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
