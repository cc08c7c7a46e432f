"""`make faults`: every story in full, over a mailing of thousands, and the table of what came of it."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.stories import catalogue, judge
from tools.bench.newsletter_folder import make


def main() -> int:
    """Tell all stories; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--only", default="", help="stories with these words in their name")
    chosen = parser.parse_args()
    table = Table(box=None, header_style="bold", title=f"{chosen.people:,} mails each time")
    for column in ("what goes wrong", "uncertain are", "times", "kills", "mails", "lost", "twice", "uncertain", ""):
        table.add_column(column, justify="left" if column in {"what goes wrong", "uncertain are", ""} else "right")
    broken = kills = 0
    with tempfile.TemporaryDirectory(prefix="newsletter-faults-") as scratch:
        folder = make(Path(scratch) / "newsletter", count=chosen.people, mail_bytes=1)
        for story in catalogue(full=True):
            if chosen.only not in story.name:
                continue
            if story.needs and shutil.which(story.needs) is None:
                table.add_row(story.name, story.choice, f"left out: no {story.needs}")
                continue
            verdicts = []
            for time in range(story.times):
                print(f"{story.name}, {story.choice} ({time + 1} of {story.times}) …", file=sys.stderr, flush=True)
                verdicts.append(story.tell(folder, Path(scratch) / "story", story.choice))
            wrong = [said for verdict in verdicts for said in judge(story.choice, verdict)]
            broken += bool(wrong)
            kills += story.kills * story.times
            table.add_row(
                story.name,
                {"leave": "left", "retry": "sent again"}[story.choice],
                str(story.times),
                str(story.kills * story.times or ""),
                f"{sum(verdict.rows for verdict in verdicts):,}",
                str(sum(verdict.lost for verdict in verdicts)),
                str(sum(verdict.twice for verdict in verdicts)),
                str(sum(verdict.uncertain_events for verdict in verdicts)),
                "; ".join(wrong) or "kept",
            )
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    console.print(
        f"{kills} kills; {broken} stories with a broken promise." if broken else f"{kills} kills; every promise kept."
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
