"""OpenSMTPD: Debian's package in a root of its own."""

import re
from typing import ClassVar

from tests.relays.relay import HOST_NAME, Event, Relay
from tests.relays.unpacked import lay_out


class OpenSmtpd(Relay):
    """Offers neither PIPELINING nor SMTPUTF8. `also` are lines of smtpd.conf."""

    package = "opensmtpd"
    queue_id = re.compile(r"([0-9a-f]{8}) Message accepted")
    events: ClassVar = {
        Event.LISTENS: re.compile(r"smtp: will accept at most"),
        Event.CLIENT_CAME: re.compile(r" smtp connected "),
        Event.CLIENT_LEFT: re.compile(r" smtp disconnected "),
        Event.TAKEN: re.compile(r" smtp message msgid=([0-9a-f]{8})"),
        # Its envelope's id is the message's and, behind it, the recipient's.
        Event.HANDED_ON: re.compile(r" mta delivery evpid=([0-9a-f]{8})[0-9a-f]{8} .* result=\"Ok\""),
    }

    def _prepare(self) -> list[str]:
        root = self._folder
        lay_out(root, package=self.package, program="usr/sbin/smtpd", users=("opensmtpd", "opensmtpq"))
        (root / "var/spool/smtpd").mkdir(mode=0o711)
        (root / "etc/known").write_text("".join(f"{address}\n" for address in self._knows or ()))
        recipients = "" if self._knows is None else "rcpt-to <known>"
        lines = [
            "table known file:/etc/known",
            *self._also,
            f"listen on 127.0.0.1 port {self.port} hostname {HOST_NAME}",
            f'action "onward" relay host smtp://127.0.0.1:{self._hop_port} helo {HOST_NAME}',
            f'match from any for any {recipients} action "onward"',
        ]
        (root / "etc/smtpd.conf").write_text("\n".join(lines) + "\n")
        return ["chroot", str(root), "/usr/sbin/smtpd", "-d", "-v", "-f", "/etc/smtpd.conf"]
