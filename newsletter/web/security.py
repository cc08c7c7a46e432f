"""What every answer carries so that a page can leak nothing and be made to do nothing."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# For the one page that lets the browser do a little work; see `proof`.
SCRIPTED = {"Content-Security-Policy": f"{_POLICY}; script-src 'self'; worker-src 'self'"}
# Of pages that are for everybody: search engines may find them, and whoever shares one is not kept from it.
PUBLIC = {"Cache-Control": "public, max-age=60", "X-Robots-Tag": "all", "Vary": "Accept-Language"}
SCRIPTED_PUBLIC = {**PUBLIC, "Cache-Control": "no-cache", "Content-Security-Policy": f"{_POLICY}; script-src 'self'"}
HEADERS = {
    # Nothing from elsewhere, no script at all, and no page of ours inside a page of somebody else's.
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",  # the addresses of pages hold tokens
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "browsing-topics=()",
}


class SecurityHeaders:
    """Adds the headers to every answer, those of faults included."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the wrapped application does, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
