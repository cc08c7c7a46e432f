"""`newsletter web`, started as a person would start it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scenarios.newsletter_command import Newsletter


@contextmanager
def serving(newsletter: Newsletter) -> Iterator[str]:
    """Serve an installation's pages on a free port; gives where."""
    command = [Path(sys.executable).parent / "newsletter", "web", "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=newsletter.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        try:
            yield _announced(server, r"at (http://127\.0\.0\.1:\d+)")
        finally:
            server.terminate()
            server.wait(timeout=20)


def _announced(server: subprocess.Popen[str], pattern: str) -> str:
    """Read what it prints until it says where it listens."""
    said = ""
    for line in server.stdout or ():
        said += line
        if found := re.search(pattern, line):
            return found[1]
    message = f"it ended without saying where it listens:\n{said}"
    raise AssertionError(message)
