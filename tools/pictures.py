"""Takes pictures of a digest of the sample appeals, as a phone and a window show it, by day and by night.

Run as `python -m tools.pictures FOLDER`.
"""

import argparse
from datetime import date
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, sync_playwright

from newsletter.editions.render import Renderer
from newsletter.editions.slots import Slot, fill
from newsletter.editions.stored import compose_html, compose_text, more_words
from newsletter.editions.view import AppealView, Brand
from newsletter.languages import greeting

BRAND = Brand(
    name="Solidarity Without Borders",
    colour="#14545c",
    postal_address="14 Rue des Tisserands\n1000 Sampletown",
    home_url="https://appeals.example.org",
    appeals_url="https://news.example.org/appeals",
)
READERS = {"en": "Anna Bergström", "es": "Tomás Ibarra", "ar": "ليلى حداد", "tr": "Elif Korkmaz"}
SIZES = (360, 700)
MORE = 3  # appeals beside those in the mail
LIGHTS = ("light", "dark")
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> None:
    """Write a picture for each language, width and light, and the page and the text beside them."""
    parser = argparse.ArgumentParser(description="Take pictures of a digest of the sample appeals.")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--language", action="append", help="only this language; may be given again")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(BRAND)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        for language in wanted.language or READERS:
            page, text = _digest(renderer, language)
            (wanted.folder / f"{language}.html").write_text(page, encoding="utf-8")
            (wanted.folder / f"{language}.txt").write_text(text, encoding="utf-8")
            for width, light in product(SIZES, LIGHTS):
                _take(browser, page, width, light, wanted.folder / f"{language}-{width}-{light}.png")
        browser.close()


def sample_appeals(language: str) -> list[AppealView]:
    """The sample appeals in a language: urgent ones first, then the newest."""
    found = []
    for entry in files("newsletter").joinpath("demo", "samples").iterdir():
        if entry.name.endswith(".md"):
            _, front, body = entry.read_text(encoding="utf-8").split("---\n", 2)
            facts = yaml.safe_load(front)
            if facts["language"] == language:
                found.append(_view(facts, body.strip()))
    return sorted(found, key=lambda a: (not a.urgent, -a.published_on.toordinal(), a.reference))


def _view(facts: dict[str, Any], body: str) -> AppealView:
    published: date = facts["date"]
    return AppealView(
        reference=facts["id"],
        language=facts["language"],
        title=facts["title"],
        byline=facts.get("byline", ""),
        published_on=published,
        countries=tuple(facts.get("countries", ())),
        topics=tuple(facts.get("topics", ())),
        urgent=facts.get("urgent", False),
        deadline=facts.get("deadline"),
        teaser=facts["teaser"],
        body=body,
        url=facts.get("url", ""),
    )


def _digest(renderer: Renderer, language: str) -> tuple[str, str]:
    appeals = sample_appeals(language)
    preheader, intro = renderer.preheader(appeals, language), renderer.intro(appeals, language)
    personal = {
        Slot.GREETING: greeting(READERS.get(language, ""), language),
        Slot.UNSUBSCRIBE_URL: "https://news.example.org/u/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        Slot.PREFERENCES_URL: "https://news.example.org/p/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    }
    page = compose_html(
        renderer.shell_html(language),
        cards=[renderer.card_html(appeal) for appeal in appeals],
        preheader=preheader,
        intro=intro,
        more=more_words(MORE, language),
    )
    text = compose_text(
        renderer.shell_text(language),
        cards=[renderer.card_text(appeal) for appeal in appeals],
        preheader=preheader,
        intro=intro,
        more=more_words(MORE, language),
    )
    return fill(page, personal, html=True), renderer.subject(appeals, language) + "\n\n" + fill(
        text, personal, html=False
    )


def _take(browser: Browser, page: str, width: int, light: str, to: Path) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if light == "dark" else "light",
        java_script_enabled=False,
        offline=True,
    )
    sheet = context.new_page()
    sheet.set_content(page)
    sheet.screenshot(path=to, full_page=True)
    context.close()


if __name__ == "__main__":
    main()
