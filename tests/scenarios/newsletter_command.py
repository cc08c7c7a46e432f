"""Runs the real command as a person would: in a folder, with settings in a file."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Newsletter:
    """One installation: a folder with newsletter.toml, keys and database."""

    folder: Path

    def run(self, *arguments: object, expect: int = 0) -> Result:
        done = subprocess.run(
            [Path(sys.executable).parent / "newsletter", *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            env={key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER_")},
            check=False,
        )
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json").out)

    def settle(self, **settings: object) -> None:
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        (self.folder / "newsletter.toml").write_text("\n".join(lines) + "\n")
        self.run("init")
