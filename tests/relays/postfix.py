"""Postfix as Debian installs it: an instance of our own, apart from the system's."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from tests.relays.relay import HOST_NAME, Event, Relay

# The parts of it that a relay needs: name, type, private, unprivileged, chroot, wake-up, limit, command (master(5)).
_PARTS = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Relay):
    """Offers PIPELINING and SMTPUTF8. `also` are lines of main.cf."""

    package = "postfix"
    queue_id = re.compile(r"queued as (\w+)")
    events: ClassVar = {
        Event.LISTENS: re.compile(r"master\[\d+\]: daemon started"),
        Event.CLIENT_CAME: re.compile(r"smtpd\[\d+\]: connect from"),
        Event.CLIENT_LEFT: re.compile(r"smtpd\[\d+\]: disconnect from"),
        Event.TAKEN: re.compile(r"cleanup\[\d+\]: (\w+): message-id="),
        Event.HANDED_ON: re.compile(r"qmgr\[\d+\]: (\w+): removed"),
    }

    def _prepare(self) -> list[str]:
        if shutil.which("postfix") is None:
            pytest.skip("Postfix is not installed (Debian: postfix)")
        for name in ("etc", "queue", "data"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        etc = self._folder / "etc"
        lines = [
            "compatibility_level = 3.6",
            f"queue_directory = {self._folder}/queue",
            f"data_directory = {self._folder}/data",
            "maillog_file = /dev/stdout",
            f"myhostname = {HOST_NAME}",
            "inet_interfaces = 127.0.0.1",
            "inet_protocols = ipv4",
            "mynetworks = 127.0.0.0/8",
            "mydestination =",
            "alias_maps =",
            "smtpd_peername_lookup = no",
            "smtp_dns_support_level = disabled",
            f"relayhost = [127.0.0.1]:{self._hop_port}",
            *self._recipients(etc),
            *self._also,
        ]
        (etc / "main.cf").write_text("\n".join(lines) + "\n")
        (etc / "master.cf").write_text(_PARTS.format(port=self.port))
        # Postfix waits for seconds while a file of its configuration looks as if somebody were still writing it.
        for file in etc.iterdir():
            os.utime(file, (0, 0))
        return ["postfix", "-c", str(etc), "start-fg"]

    def _recipients(self, etc: Path) -> list[str]:
        if self._knows is None:
            return []
        (etc / "known").write_text("".join(f"{address} known\n" for address in self._knows))
        domains = {address.rpartition("@")[2] for address in self._knows}
        return [f"relay_domains = {' '.join(sorted(domains))}", f"relay_recipient_maps = texthash:{etc}/known"]

    def _stop(self) -> None:
        # Not this process's own child, but that one's.
        subprocess.run(["postfix", "-c", self._folder / "etc", "stop"], capture_output=True, check=False)
