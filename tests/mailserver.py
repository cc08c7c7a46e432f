"""A real SMTP server for tests: it takes mail as a stranger would, and keeps what came."""

import email
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session


@dataclass(frozen=True)
class Received:
    """One mail as it arrived."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    secured: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return self.parsed(SMTP)

    def parsed(self, policy: Policy) -> EmailMessage:
        parsed = email.message_from_bytes(self.data, policy=policy)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """Listens on a free port of 127.0.0.1; each answer can be replaced by a reply of the test's own.

    Attributes:
        answer_mail, answer_rcpt, answer_data: given the address or the data, a reply line, or None for 250.
    """

    answer_mail: Callable[[str], str | None] = lambda _address: None
    answer_rcpt: Callable[[str], str | None] = lambda _address: None
    answer_data: Callable[[bytes], str | None] = lambda _data: None
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    users: dict[str, str] = field(default_factory=dict)
    smtputf8: bool = True
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._controller = _FreePort(
            self,
            hostname="127.0.0.1",
            port=0,
            enable_SMTPUTF8=self.smtputf8,
            ssl_context=self.tls if self.implicit_tls else None,
            tls_context=None if self.implicit_tls else self.tls,
            authenticator=self._authenticate if self.users else None,
            auth_required=bool(self.users),
            auth_require_tls=False,
        )
        self._controller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.server.sockets[0].getsockname()[1])

    def to(self, address: str) -> list[Received]:
        return [mail for mail in self.received if address in mail.recipients]

    async def handle_MAIL(self, server: object, session: Session, envelope: Envelope, address: str, options: list):
        if reply := self.answer_mail(address):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(self, server: object, session: Session, envelope: Envelope, address: str, options: list):
        if reply := self.answer_rcpt(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if reply := self.answer_data(envelope.content):
            return reply
        mail = Received(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            data=envelope.content,
            secured=session.ssl is not None or self.implicit_tls,
            user=str(session.auth_data) if session.authenticated else None,
        )
        with self._lock:
            self.received.append(mail)
        return "250 2.0.0 Kept"

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        name, password = data.login.decode(), data.password.decode()
        known = self.users.get(name) == password
        return AuthResult(success=known, handled=known, auth_data=name)


class _FreePort(Controller):
    """aiosmtpd checks that it can be reached at the port it was given; given 0, it must ask which one it got."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
