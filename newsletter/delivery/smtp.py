"""The courier that speaks SMTP (RFC 5321): one connection, kept open, opened again when it is lost."""

import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiosmtplib

from newsletter.delivery.courier import Envelope, RelayAway, RelayRefuses
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain
from newsletter.settings import Security

START_INPUT = 354
FINAL_REPLY_S = 600  # a server may scan the mail first (RFC 5321 4.5.3.2.6); giving up early makes it uncertain
UNAVAILABLE = 421  # "service not available, closing transmission channel": about the server, not the recipient


@dataclass(frozen=True, kw_only=True, repr=False)
class Relay:
    """Where mail is handed over, and how.

    Attributes:
        host, port: the server.
        security: plain, STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314).
        ca_file: certificate authorities to trust, PEM; None means the system's.
        username, password: empty means no sign-in.
        timeout_s: seconds to wait for each reply.
    """

    host: str
    port: int
    security: Security = Security.PLAIN
    ca_file: Path | None = None
    username: str = ""
    password: str = ""
    timeout_s: float = 60.0

    @property
    def server(self) -> str:
        """`host:port`, for messages."""
        return f"{self.host}:{self.port}"


class SmtpCourier:
    """Hands mail to a relay, command by command, so that it is known how far each mail came."""

    def __init__(self, relay: Relay) -> None:
        """Take the relay; nothing is opened yet."""
        self._relay = relay
        self._client: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        """Connect, secure and sign in."""
        await self._connection()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Say QUIT if there is somebody to say it to."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit(timeout=5)
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    async def deliver(self, envelope: Envelope) -> Outcome:
        """Hand over one mail; see `Courier.deliver`."""
        while True:
            reused = self._client is not None
            client = await self._connection()
            if envelope.smtputf8 and not client.supports_extension("smtputf8"):
                return Refused("the mail server takes no addresses outside of ASCII (no SMTPUTF8)")
            try:
                refusal = await self._announce(client, envelope)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as error:
                self._drop()
                refusal = Deferred(f"connection lost before the mail was sent: {_words(error)}", costs_attempt=False)
            if refusal is None:
                return await self._transfer(client, envelope)
            # Servers close connections that were idle or carried enough; a fresh one is all that is wanted then.
            if not (reused and self._client is None):
                return refusal

    async def _announce(self, client: aiosmtplib.SMTP, envelope: Envelope) -> Outcome | None:
        """Go through MAIL, RCPT and DATA; None means that the server waits for the message."""
        encoding = "utf-8" if envelope.smtputf8 else "ascii"
        options = ["SMTPUTF8"] if envelope.smtputf8 else []
        try:
            await client.mail(envelope.sender, options=options, encoding=encoding)
            await client.rcpt(envelope.recipient, encoding=encoding)
            code, text = await client.execute_command(b"DATA")
        except aiosmtplib.SMTPSenderRefused as error:
            await self._reset(client)
            if error.code >= 500:
                raise RelayRefuses(
                    server=self._relay.server, reply=f"{error.code} {_one_line(error.message)}"
                ) from None
            return self._deferred(error.code, error.message, costs_attempt=False)
        except aiosmtplib.SMTPRecipientRefused as error:
            await self._reset(client)
            if error.code >= 500:
                return Refused(f"{error.code} {_one_line(error.message)}")
            return self._deferred(error.code, error.message)
        if code == START_INPUT:
            return None
        await self._reset(client)
        if code >= 500:
            return Refused(f"{code} {_one_line(text)}")
        return self._deferred(code, text)

    async def _transfer(self, client: aiosmtplib.SMTP, envelope: Envelope) -> Outcome:
        """Send the message and its final dot; from here on a lost connection leaves us not knowing."""
        try:
            if client.protocol is None:
                return Deferred("connection lost before the mail was sent", costs_attempt=False)
            client.protocol.write(envelope.data)
            code, text = await client.protocol.read_response(timeout=max(FINAL_REPLY_S, self._relay.timeout_s))
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Uncertain(f"connection lost after the mail was sent: {_words(error)}")
        if 200 <= code < 300:
            return Accepted(f"{code} {_one_line(text)}")
        if code >= 500:
            return Refused(f"{code} {_one_line(text)}")
        return self._deferred(code, text)

    def _deferred(self, code: int, text: str, *, costs_attempt: bool = True) -> Deferred:
        if code == UNAVAILABLE:
            self._drop()
            costs_attempt = False
        return Deferred(f"{code} {_one_line(text)}", costs_attempt=costs_attempt)

    async def _connection(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.username or None,
            password=relay.password or None,
            timeout=relay.timeout_s,
            use_tls=relay.security is Security.TLS,
            start_tls=relay.security is Security.STARTTLS,  # never 'if offered': that can be stripped on the way
            tls_context=self._tls_context(),
        )
        try:
            await client.connect()
            await client.ehlo()
        except (OSError, aiosmtplib.SMTPTimeoutError) as error:  # aiosmtplib's connection errors are OSErrors too
            client.close()
            if isinstance(error, aiosmtplib.SMTPResponseException):
                raise RelayRefuses(server=relay.server, reply=_words(error)) from None
            raise RelayAway(server=relay.server, reason=_words(error)) from None
        except aiosmtplib.SMTPException as error:
            client.close()
            raise RelayRefuses(server=relay.server, reply=_words(error)) from None
        self._client = client
        return client

    def _tls_context(self) -> ssl.SSLContext | None:
        relay = self._relay
        if relay.security is Security.PLAIN:
            return None
        try:
            return ssl.create_default_context(cafile=relay.ca_file)
        except OSError as error:
            raise RelayAway(server=relay.server, reason=f"smtp_ca_file {relay.ca_file}: {error.strerror}") from None

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _words(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {_one_line(error.message)}"
    cause = error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError | socket.gaierror) and cause.errno:
        return os.strerror(cause.errno).lower()
    return _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split()).rstrip(".")
