"""A Debian package that was unpacked instead of installed, run with a folder for its root.

Debian lets one mail server be installed at a time, and that is Postfix. The others are downloaded and unpacked by
`tools/prepare system`; in a root of their own they find their users and libraries, and nothing of the system's.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[2] / ".venv" / "relays"
_FIRST_ID = 64_901  # of its users: nobody else's
_LIBRARY = re.compile(r"(/\S+) \(0x")


def lay_out(root: Path, *, package: str, program: str, users: Sequence[str]) -> None:
    """Make a root with the package's files, the libraries that its program needs, and its users."""
    unpacked = UNPACKED / package
    if not unpacked.is_dir():
        pytest.skip(f"Debian's {package} is not there: `tools/prepare system`, as root, downloads it")
    shutil.copytree(unpacked, root, symlinks=True, dirs_exist_ok=True)
    for library in _libraries(unpacked, program):
        copy = root / library.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)
    for name in ("etc", "dev", "tmp", "var/run", "var/spool", "var/log"):
        (root / name).mkdir(parents=True, exist_ok=True)
    ids = {"root": 0} | {user: _FIRST_ID + place for place, user in enumerate(users)}
    (root / "etc/passwd").write_text("".join(f"{user}:x:{number}:{number}::/:\n" for user, number in ids.items()))
    (root / "etc/group").write_text("".join(f"{user}:x:{number}:\n" for user, number in ids.items()))
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    # A plain file: not every container lets a device be made, and little goes into this one.
    (root / "dev/null").touch()
    (root / "dev/null").chmod(0o666)


def _libraries(unpacked: Path, program: str) -> list[Path]:
    """Give the system's libraries that the program needs beside those that were unpacked with it."""
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, unpacked.glob("usr/lib/*-linux-gnu*")))}
    found = subprocess.run(
        ["ldd", unpacked / program], env=environment, capture_output=True, check=True, encoding="utf-8"
    )
    assert "not found" not in found.stdout, f"{program} needs more than was downloaded:\n{found.stdout}"
    paths = map(Path, _LIBRARY.findall(found.stdout))
    return [path for path in paths if not path.is_relative_to(unpacked)]
