"""An SMTP server that breaks the connection at a chosen point, which a well-behaved one never does."""

import asyncio
from dataclasses import dataclass, field
from typing import Self


@dataclass
class BrokenServer:
    """Takes mail until `breaks` says otherwise.

    Attributes:
        breaks: verb at which the connection is cut: MAIL, RCPT, DATA, `body` (after some of it) or `dot` (after all).
        times: how often it does that; afterwards it behaves.
        reply_to: other replies, by verb.
        pipelining: whether it offers that.
        most: mails over one connection; to more it says `reply_to_more` at MAIL.
        holds: whether it keeps back the answer to a mail until `release` is set; `holding` is set meanwhile.
    """

    breaks: str = ""
    times: int = 1_000
    reply_to: dict[str, bytes] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    pipelining: bool = False
    most: int = 1_000
    reply_to_more: bytes = b""
    holds: bool = False
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except ConnectionError:
            pass  # the client has left; that is its right
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        before = len(self.taken)
        while line := await reader.readline():
            verb = line[:4].decode("ascii").upper().strip()
            if self._breaks_at(verb):
                return
            if verb == "EHLO" and self.pipelining:
                writer.write(b"250-fine\r\n250 PIPELINING\r\n")
                continue
            if verb == "MAIL" and len(self.taken) - before >= self.most:
                writer.write(self.reply_to_more)
                continue
            if verb == "DATA" and verb not in self.reply_to:
                writer.write(b"354 go on\r\n")
                if not await self._take(reader, writer):
                    return
                continue
            writer.write(self.reply_to.get(verb, b"250 fine\r\n"))
            if verb == "QUIT" or self.reply_to.get(verb, b"").startswith(b"421"):
                return

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            more = await (reader.read(1) if self.breaks == "body" else reader.readline())
            if not more:
                return False
            data += more
            if self._breaks_at("body"):
                return False
        if self._breaks_at("dot"):
            self.taken.append(data)
            return False
        self.taken.append(data)
        if self.holds:
            self.holding.set()
            await self.release.wait()
        writer.write(self.reply_to.get("dot", b"250 kept\r\n"))
        return True

    def _breaks_at(self, point: str) -> bool:
        if self.breaks != point or not self.times:
            return False
        self.times -= 1
        return True
