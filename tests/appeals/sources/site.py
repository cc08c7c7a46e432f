"""A small web site on a free port of this machine, with the misbehaviours that real ones have."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(kw_only=True)
class Answer:
    body: bytes = b""
    status: int = 200
    content_type: str = "text/html"
    to: str = ""
    endless: bool = False
    silent: bool = False


@dataclass(kw_only=True)
class Site:
    """What is at each path, and what was asked for."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    def page(self, path: str, text: str, *, encoding: str = "utf-8", content_type: str = "text/html") -> None:
        self.answers[path] = Answer(body=text.encode(encoding), content_type=content_type)

    def redirect(self, path: str, to: str) -> None:
        self.answers[path] = Answer(status=302, to=to)


@contextlib.contextmanager
def running_site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(self.path)
            site.agents.add(self.headers["User-Agent"])
            answer = site.answers.get(self.path, Answer(status=404, body=b"<h1>Not Found</h1>"))
            with contextlib.suppress(ConnectionError):
                if answer.silent:
                    site.released.wait(30)
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                if answer.to:
                    self.send_header("Location", answer.to)
                self.end_headers()
                self.wfile.write(answer.body)
                while answer.endless:
                    self.wfile.write(b"<p>and so on</p>" * 4096)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Site(address=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
