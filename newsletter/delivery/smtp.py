"""The courier that speaks SMTP: connects, secures and signs in through aiosmtplib, then talks by itself."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from newsletter.delivery.conversation import Conversation, Offer, one_line, words
from newsletter.delivery.courier import RelayAway, RelayRefuses, Work
from newsletter.settings import Security

REFUSAL = 500
MAILS_A_CONNECTION = 100  # many relays close a connection after so many, and some not politely


@dataclass(frozen=True, kw_only=True, repr=False)
class Relay:
    """Where mail is handed over, and how.

    Attributes:
        host, port: the server.
        security: plain, STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314).
        username, password: empty means no sign-in.
        timeout_s: seconds to wait for each reply but the last.
        mails: how many go over one connection before it is made anew.
    """

    host: str
    port: int
    security: Security = Security.PLAIN
    username: str = ""
    password: str = ""
    timeout_s: float = 60.0
    mails: int = MAILS_A_CONNECTION

    @property
    def server(self) -> str:
        """`host:port`, for messages."""
        return f"{self.host}:{self.port}"


class SmtpCourier:
    """Opens lines to one relay."""

    def __init__(self, relay: Relay) -> None:
        """Take the relay; nothing is opened yet."""
        self._relay = relay

    @property
    def server(self) -> str:
        """`host:port`."""
        return self._relay.server

    async def open(self, work: Work) -> Conversation:
        """Connect, secure and sign in; see `Courier.open`."""
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout_s,
            use_tls=relay.security is Security.TLS,
            start_tls=relay.security is Security.STARTTLS,
            username=relay.username or None,
            password=relay.password or None,
            # The system's certificate authorities, or those of the environment's SSL_CERT_FILE.
            tls_context=None if relay.security is Security.PLAIN else ssl.create_default_context(),
        )
        try:
            await client.connect()
            await client.ehlo()
        except (OSError, aiosmtplib.SMTPException) as error:  # aiosmtplib's connection errors are OSErrors too
            client.close()
            if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= REFUSAL:
                raise RelayRefuses(server=relay.server, reply=_words(error)) from None
            if isinstance(error, OSError | aiosmtplib.SMTPResponseException | aiosmtplib.SMTPTimeoutError):
                raise RelayAway(server=relay.server, reason=_words(error)) from None
            raise RelayRefuses(server=relay.server, reply=_words(error)) from None  # such as: no STARTTLS offered
        except BaseException:
            client.close()
            raise
        transport = cast(asyncio.Transport, client.transport)
        offer = Offer(
            pipelining=client.supports_extension("pipelining"), smtputf8=client.supports_extension("smtputf8")
        )
        return Conversation(
            transport,
            offer,
            work,
            server=relay.server,
            timeout_s=relay.timeout_s,
            mails=relay.mails,
            loop=asyncio.get_running_loop(),
        )


def _words(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {one_line(error.message)}".rstrip(".")
    cause = error.__cause__
    return words(cause if isinstance(cause, OSError) and cause.errno else error).rstrip(".")
