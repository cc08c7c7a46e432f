"""Finds words of a mail that can hardly be read on their ground, by day and by night (WCAG 2.2, 1.4.3)."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from cssselect import SelectorError
from lxml.html import HtmlElement

from newsletter.editions.palette import PAPER, contrast

ENOUGH, ENOUGH_IF_LARGE = 4.5, 3.0
LARGE_PX, LARGE_IF_BOLD_PX = 24.0, 18.66
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_BOLD = frozenset({"b", "strong", "h1", "h2", "h3", "h4", "th"})

Light = Literal["light", "dark"]
_Styles = Mapping[HtmlElement, Mapping[str, str]]


def pale_places(page: HtmlElement) -> Iterator[tuple[Light, str]]:
    """Give the beginning of each such piece of text, each once, with the light in which that is so.

    Args:
        page: a whole mail, its styles inline but for a sheet with the night's colours.
    """
    night = _at_night(page)
    lights: tuple[tuple[Light, _Styles], ...] = (("light", {}), ("dark", night))
    told: set[tuple[str, str]] = set()
    for element in page.iter():
        words = " ".join((element.text or "").split()) if isinstance(element.tag, str) else ""
        if not words or element.tag in {"style", "title", "script"} or _is_hidden(element):
            continue
        for light, rules in lights:
            text = _nearest(element, "color", rules) or "#000000"
            ground = _nearest(element, "background-color", rules) or PAPER
            if contrast(text, ground) < _enough(element) and (light, text + ground) not in told:
                told.add((light, text + ground))
                yield light, words[:40]


def _enough(element: HtmlElement) -> float:
    size = re.match(r"[\d.]+", _own(element, "font-size") or _nearest_word(element, "font-size") or "16")
    px = float(size[0]) if size else 16.0
    bold = element.tag in _BOLD or _nearest_word(element, "font-weight") in {"bold", "700"}
    return ENOUGH_IF_LARGE if px >= LARGE_PX or (bold and px >= LARGE_IF_BOLD_PX) else ENOUGH


def _at_night(page: HtmlElement) -> _Styles:
    """Give what the night's sheet sets, by element."""
    rules: dict[HtmlElement, dict[str, str]] = {}
    sheets = "".join(style.text or "" for style in page.xpath("//style"))
    for inner in _DARK.findall(sheets):
        for selectors, declarations in _RULE.findall(inner):
            for element in _chosen(page, selectors):
                rules.setdefault(element, {}).update(_declared(declarations))
    return rules


def _chosen(page: HtmlElement, selectors: str) -> list[HtmlElement]:
    try:
        return list(page.cssselect(selectors.strip()))
    except SelectorError:
        return []  # ::before and its like: nothing that has words


def _nearest(element: HtmlElement, name: str, rules: _Styles) -> str:
    """Give the colour of the nearest element around that sets one."""
    for each in (element, *element.iterancestors()):
        said = rules.get(each, {}).get(name) or _own(each, name)
        found = _HEX.search(said)
        if found:
            return found[0]
    return ""


def _nearest_word(element: HtmlElement, name: str) -> str:
    return next((said for each in (element, *element.iterancestors()) if (said := _own(each, name))), "")


def _own(element: HtmlElement, name: str) -> str:
    return _declared(element.get("style") or "").get(name, "")


def _declared(declarations: str) -> dict[str, str]:
    pairs = (each.partition(":") for each in declarations.split(";"))
    return {name.strip().lower(): value.replace("!important", "").strip() for name, _, value in pairs if value.strip()}


def _is_hidden(element: HtmlElement) -> bool:
    return any(_own(each, "display") == "none" for each in (element, *element.iterancestors()))
