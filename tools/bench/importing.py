"""How long it takes to take a list over, and how much memory."""

import json
import shutil
import sys
from dataclasses import asdict, dataclass

from tools.bench.contenders import Bench, run_program
from tools.bench.newsletter_folder import Folder, command

SECONDS_WANTED = 60.0
MEMORY_WANTED_MB = 300.0


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """What importing came to.

    Attributes:
        rows: of the file; everybody in it was taken.
        seconds: of the whole command.
        memory_mb: the most that it had.
    """

    rows: int
    seconds: float
    memory_mb: float

    @property
    def met(self) -> bool:
        """Whether it is as quick and as small as it should be; less than a million rows prove nothing."""
        return self.seconds < SECONDS_WANTED and self.memory_mb < MEMORY_WANTED_MB

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        wanted = {"seconds_wanted": SECONDS_WANTED, "memory_wanted_mb": MEMORY_WANTED_MB}
        return asdict(self) | wanted | {"met": self.met}


def import_row(bench: Bench, folder: Folder) -> ImportRow:
    """Import the people of a folder once more, into a newsletter of their own; SQLite."""
    path = bench.scratch / "imported"
    path.mkdir()
    shutil.copy(folder.path / "people.csv", path)
    command(path, "init")
    arguments = ("subscriber", "import", "people.csv", "--consent", "a bench", "--json")
    ran = run_program([sys.executable, "-m", "newsletter", *arguments], path, {})
    taken = json.loads(ran.out)["taken"]
    shutil.rmtree(path)
    if taken != folder.count:
        raise SystemExit(f"{folder.count} were to be taken, and {taken} were: no figure without proof.")
    return ImportRow(rows=taken, seconds=ran.wall_s, memory_mb=ran.memory_mb)
