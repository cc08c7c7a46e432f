"""Reads each folder in `golden/` and compares with its `expected.json`.

A folder is one system's shape: `source.json` says where its parts would lie; `feed.xml` or `feed.json`, `listing.html`
and `article.html` are the parts, in words of our own. After a change in what readers make of them, look at the
difference, and write it if it is right:

    python -m tests.appeals.sources.golden_files           show what has changed
    python -m tests.appeals.sources.golden_files --write   and write it
"""

import difflib
import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from newsletter.appeals.sources.article import read_article
from newsletter.appeals.sources.charset import decode_doubting
from newsletter.appeals.sources.feeds import read_feed
from newsletter.appeals.sources.items import item_of
from newsletter.appeals.sources.links import feed_links
from newsletter.appeals.sources.selecting import read_entries

GOLDEN = Path(__file__).parent / "golden"
SHAPES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
TODAY = date(2026, 11, 23)


def feed_file(folder: Path) -> Path | None:
    return next((folder / name for name in ("feed.xml", "feed.json") if (folder / name).exists()), None)


def feed_of(folder: Path):
    file = feed_file(folder)
    return file and read_feed(file.read_bytes(), place="feed", today=TODAY, base=_said(folder)["feed"])


def listing_of(folder: Path):
    file = folder / "listing.html"
    if not file.exists():
        return []
    text = decode_doubting(file.read_bytes(), place="listing")
    return read_entries(text, place="listing", today=TODAY, base=_said(folder)["listing"])


def article_of(folder: Path):
    return read_article(
        (folder / "article.html").read_bytes(), place="article", today=TODAY, base=_said(folder)["article"]
    )


def read(folder: Path) -> dict[str, object]:
    """Read all that is in a folder, as plain JSON."""
    feed, listing, article = feed_of(folder), listing_of(folder), article_of(folder)
    entry = (feed.entries if feed else listing)[0]
    item = item_of(entry, article, today=TODAY, source_guid_scope=folder.name)
    links = [
        asdict(link)
        for name in ("listing.html", "article.html")
        if (folder / name).exists()
        for link in feed_links(
            decode_doubting((folder / name).read_bytes(), place=name), base=_said(folder)[name.partition(".")[0]]
        )
    ]
    found = {
        "feed": feed and {**asdict(feed), "entries": [_entry(each) for each in feed.entries]},
        "listing": [_entry(each) for each in listing],
        "links": links,
        "article": asdict(article),
        "item": {"identities": item.identities, "language": item.language, **item.said},
    }
    return json.loads(json.dumps({key: value for key, value in found.items() if value}, default=str))


def _entry(entry) -> dict[str, object]:
    return {key: value for key, value in asdict(entry).items() if value and key != "base"}


def _said(folder: Path) -> dict[str, str]:
    return json.loads((folder / "source.json").read_text(encoding="utf-8"))


def written(found: dict[str, object]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    for shape in SHAPES:
        file = GOLDEN / shape / "expected.json"
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = written(read(GOLDEN / shape))
        sys.stdout.writelines(
            difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"{shape}, expected", f"{shape}, now")
        )
        if "--write" in sys.argv[1:]:
            file.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
