"""Exim: Debian's package in a root of its own."""

import re
from pathlib import Path
from typing import ClassVar

import trustme

from tests.relays.relay import HOST_NAME, Event, Relay
from tests.relays.unpacked import lay_out

_CONFIGURATION = """
primary_hostname = {host_name}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
disable_ipv6
host_lookup =
timezone = UTC
keep_environment =
log_file_path = /logs/%slog
log_selector = +smtp_connection
write_rejectlog = false
# Hand on at once, however many mails come over one connection.
smtp_accept_queue_per_connection = 0
deliver_drop_privilege
acl_smtp_rcpt = recipients
{main}

begin acl
recipients:
{rules}
  accept

begin routers
onward:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = onward

begin transports
onward:
  driver = smtp
  port = {hop_port}

begin retry
* * F,1h,1m

begin authenticators
{authenticators}
"""
_KNOWN = """
  deny message = 5.1.1 No such user
       !recipients = /etc/known
"""
_SIGNED_IN = """
  deny message = 5.7.1 Relay not permitted
       !authenticated = *
"""
_PLAIN = """
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and{{eq{$auth2}{NAME}}{eq{$auth3}{PASSWORD}}}}
"""


class Exim(Relay):
    """Offers PIPELINING and SMTPUTF8; hangs up on who sends ahead without leave. `also` are main options."""

    package = "exim4-daemon-light"
    queue_id = re.compile(r"id=(\S+)")
    events: ClassVar = {
        Event.LISTENS: re.compile(r"daemon started: .* listening for SMTP"),
        Event.CLIENT_CAME: re.compile(r"SMTP connection from .* \(TCP/IP connection count"),
        Event.CLIENT_LEFT: re.compile(r"SMTP (?:connection|call) from .* (?:closed|lost|dropped)"),
        Event.TAKEN: re.compile(r" (\S+) <= "),
        Event.HANDED_ON: re.compile(r" (\S+) Completed"),
    }

    def __init__(
        self, *, certificate: trustme.LeafCert | None = None, user: tuple[str, str] | None = None, **relay: object
    ) -> None:
        """Take what `Relay` takes.

        Args:
            certificate: with one, it offers STARTTLS.
            user: name and password; with them it relays for nobody else, and asks for them inside of TLS only.
            relay: see there.
        """
        super().__init__(**relay)
        self._certificate = certificate
        self._user = user

    def _prepare(self) -> list[str]:
        root = self._folder
        lay_out(root, package=self.package, program="usr/sbin/exim4", users=("Debian-exim", "mail"))
        (root / "etc/known").write_text("".join(f"{address}\n" for address in self._knows or ()))
        name, password = self._user or ("", "")
        configuration = _CONFIGURATION.format(
            host_name=HOST_NAME,
            port=self.port,
            hop_port=self._hop_port,
            main="\n".join([*self._security(root), *self._also]),
            rules=(_KNOWN if self._knows is not None else "") + (_SIGNED_IN if self._user else ""),
            authenticators=_PLAIN.replace("NAME", name).replace("PASSWORD", password) if self._user else "",
        )
        (root / "etc/relay.conf").write_text(configuration)
        return ["chroot", str(root), "/usr/sbin/exim4", "-C", "/etc/relay.conf", "-bdf"]

    def _security(self, root: Path) -> list[str]:
        if self._certificate is None:
            return ["tls_advertise_hosts ="]
        self._certificate.private_key_and_cert_chain_pem.write_to_path(root / "etc/certificate.pem")
        return ["tls_advertise_hosts = *", "tls_certificate = /etc/certificate.pem"]
