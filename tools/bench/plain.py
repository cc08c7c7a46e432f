"""What one would write first: aiosmtplib's `sendmail()` in a loop. No database, one mail for all.

python -m tools.bench.plain PORT COUNT CONNECTIONS BYTES
"""

import asyncio
import sys
import time

import aiosmtplib
import uvloop


async def send(port: int, count: int, connections: int, size_bytes: int) -> float:
    """Send; gives the seconds."""
    head = b"From: news@example.org\r\nTo: rosa@example.org\r\nSubject: bench\r\n\r\n"
    line_of_it = b"All quiet on every front, and a line is as long as this one.\r\n"
    body = line_of_it * (1 + (size_bytes - len(head)) // len(line_of_it))
    mail = head + body[: size_bytes - len(head) - 2] + b"\r\n"
    began = time.monotonic()
    numbers = iter(range(count))

    async def line() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=60, start_tls=False) as client:
            for number in numbers:
                await client.sendmail("news@example.org", [f"person.{number}@list.example"], mail)

    await asyncio.gather(*[line() for _ in range(connections)])
    return time.monotonic() - began


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(send(*map(int, sys.argv[1:]))))
