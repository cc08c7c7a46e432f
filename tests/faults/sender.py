"""`newsletter send` with a clock that can be told to be ahead, or to jump: what is retried later can be seen today.

python -m tests.faults.sender [SECONDS AHEAD] [JUMP EVERY SO MANY SECONDS]
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta

from newsletter.cli.sending import run_worker
from newsletter.settings import load_settings
from newsletter.wiring import Parts

JUMP = timedelta(minutes=45)


def main(ahead_s: float, jump_every_s: float) -> None:
    began = time.monotonic()

    def clock() -> datetime:
        moment = datetime.now(UTC) + timedelta(seconds=ahead_s)
        if jump_every_s:
            # Forth and back: nothing may depend on the calendar being steady.
            moment += JUMP * (int((time.monotonic() - began) / jump_every_s) % 3 - 1)
        return moment

    report = run_worker(Parts(load_settings(), clock=clock).worker())
    sys.stdout.write(json.dumps({"outcomes": report.outcomes, "fault": str(report.fault) if report.fault else None}))


if __name__ == "__main__":
    main(*map(float, [*sys.argv[1:], "0", "0"][:2]))
