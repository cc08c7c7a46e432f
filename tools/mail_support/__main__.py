"""Holds our mails against what Gmail, Outlook, Apple Mail and Yahoo support (caniemail.com, by doiuse-email).

Run as `python -m tools.mail_support`; ends with status 1 if there is something that `accepted.toml` doesn't know, or if
that knows something which is no more.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

from newsletter.editions.slots import fill
from tools.sample_mails import sample_mails

HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix) / "mail_support"  # made by `tools/prepare mail-support`
LANGUAGES = ("en", "ar", "ru")  # one of each script: the others use what these do
_LINE = re.compile(r"`(?P<feature>.+)` is (?:not|only partially) supported by `(?P<family>[a-z-]+)\.")


def main() -> int:
    """Check, and tell what is new and what is gone; gives the status to end with."""
    found = _found()
    accepted = tomllib.loads((HERE / "accepted.toml").read_text(encoding="utf-8"))["accepted"]
    wrong = [
        f"not accepted yet: {feature} in {family} ({', '.join(sorted(names)[:3])})"
        for (feature, family), names in sorted(found.items())
        if family not in accepted.get(feature, [[]])[0]
    ]
    wrong += [
        f"accepted, and not found any more: {feature} in {family}"
        for feature, (families, _why) in accepted.items()
        for family in families
        if (feature, family) not in found
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"Mail programs: {len(accepted)} features that some lack, each accepted with its reason.")
    return 1 if wrong else 0


def _found() -> dict[tuple[str, str], set[str]]:
    """Give what is not supported, by feature and family of programs, with the mails that use it."""
    node = shutil.which("node")
    if node is None or not INSTALLED.is_dir():
        raise SystemExit("Node.js with npm is needed (Debian: npm); then `tools/prepare mail-support`.")
    mails = {one.name: fill(one.composed.html or "", one.slots(), html=True) for one in sample_mails(LANGUAGES)}
    shutil.copy(HERE / "check.mjs", INSTALLED / "check.mjs")  # beside what it imports
    run = subprocess.run(
        [node, INSTALLED / "check.mjs"], input=json.dumps(mails), check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, _level, line in json.loads(run.stdout):
        said = _LINE.match(line)
        if said is None:
            raise SystemExit(f"doiuse-email says what is not understood here: {line}")
        found[said["feature"], said["family"]].add(name)
    return found


if __name__ == "__main__":
    sys.exit(main())
