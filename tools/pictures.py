"""Takes pictures of every mail, as a phone and a window show it, by day and by night.

Run as `python -m tools.pictures FOLDER`.
"""

import argparse
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from newsletter.editions.slots import fill
from tools.sample_mails import sample_mails

SIZES = (360, 700)
LIGHTS = ("light", "dark")
USUAL = ("en", "es", "ar", "tr")  # in which all sample appeals are
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
    """Write a picture for each mail, language, width and light, and the page and the text beside them."""
    parser = argparse.ArgumentParser(description="Take pictures of every mail, with the sample appeals.")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--language", action="append", help="only this language; may be given again; `all` for all")
    parser.add_argument("--mail", action="append", help="only this mail, such as alert; may be given again")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    chosen = () if wanted.language == ["all"] else tuple(wanted.language or USUAL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        for sample in sample_mails(chosen):
            if wanted.mail and sample.mail not in wanted.mail:
                continue
            composed, slots = sample.composed, sample.slots()
            page = fill(composed.html or "", slots, html=True)
            (wanted.folder / f"{sample.name}.html").write_text(page, encoding="utf-8")
            text = composed.subject + "\n\n" + fill(composed.text, slots, html=False)
            (wanted.folder / f"{sample.name}.txt").write_text(text, encoding="utf-8")
            for width, light in product(SIZES, LIGHTS):
                _take(browser, page, width, light, wanted.folder / f"{sample.name}-{width}-{light}.png")
        browser.close()


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
