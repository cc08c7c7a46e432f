"""What a page holds and doesn't show: preheaders, spam, hints for screen readers, and forms, which a mail can't carry.

Joomla's cloak is the other way round: what it shows isn't there, and a script puts it together.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.letters import listed
from newsletter.appeals.sources.mailcloak import address_in_element, address_in_script

_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|$)|text-indent\s*:\s*-\d{3,}|left\s*:\s*-\d{4,}px",
    re.IGNORECASE,
)
_CLASSES: Final = frozenset(listed("visually-hidden visuallyhidden sr-only screen-reader-text element-invisible"))
_CLOAKED: Final = re.compile(
    r"<script\b[^<>]{0,200}>(?:(?!</script)[\s\S]){0,300}display:\s*none(?:(?!</script)[\s\S]){0,200}</script>"
    r"[^<]{0,400}(?=<script\b)",
    re.IGNORECASE,
)
_FORM_LONGEST: Final = 600  # characters of text; a form with more is wrapped around a page
_MAY_HIDE: Final = re.compile(
    r"hidden|style\s*=|class\s*=|<form|<input|<label|<fieldset|cloak|addy|joomla-hidden-mail|aria-", re.IGNORECASE
)


def without_hidden(html: str) -> str:
    """Take out of HTML what it doesn't show, and put in the addresses that it shows by script."""
    if not _MAY_HIDE.search(html):
        return html
    if "addy" in html:
        html = _CLOAKED.sub("", html)
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return html
    _uncloak(tree)
    drop_hidden(tree)
    return tree.body.html or ""


def drop_hidden(tree: LexborHTMLParser) -> None:
    """Take out of a tree what it doesn't show."""
    gone = [
        node
        for node in tree.css("[hidden], [aria-hidden=true], [style], [class], [role=alertdialog], input, label, dialog")
        if node.tag not in {"body", "html"} and is_hidden(node)
    ]
    gone += [form for form in tree.css("form") if _is_to_fill_in(form)]
    drop(gone)


def _is_to_fill_in(form: LexborNode) -> bool:
    """Tell a form from one that is wrapped around a page or a listing, as Joomla 1.5 and ASP.NET have them."""
    return len(form.text().strip()) <= _FORM_LONGEST and len(form.css("a[href]")[:3]) < 3


def drop(nodes: Iterable[LexborNode]) -> None:
    """Take elements out of their tree. Of two that stand within each other only the outer one may be touched."""
    wanted = {node.mem_id: node for node in nodes}
    outer = [node for node in wanted.values() if not _any_around(node, wanted)]
    for node in outer:
        node.decompose()


def _any_around(node: LexborNode, wanted: Mapping[int, LexborNode]) -> bool:
    around = node.parent
    while around is not None:
        if around.mem_id in wanted:
            return True
        around = around.parent
    return False


def is_hidden(node: LexborNode) -> bool:
    """Tell an element that a reader of the page doesn't see, or could only fill in."""
    attributes = node.attributes
    return bool(
        node.tag in {"input", "label", "dialog"}
        or "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") == "alertdialog"
        or _STYLE.search(attributes.get("style") or "")
        or not _CLASSES.isdisjoint((attributes.get("class") or "").lower().split())
    )


def _uncloak(tree: LexborHTMLParser) -> None:
    drop(tree.css('[id^="cloak"]'))
    for node in tree.css("script"):
        if "addy" in (said := node.text()) and (found := address_in_script(said)):
            node.replace_with(_link_to(found))
    for node in tree.css("joomla-hidden-mail"):
        found = address_in_element(node.attributes)
        node.replace_with(_link_to(found) if found else "")


def _link_to(mail: str) -> LexborNode | str:
    tree = LexborHTMLParser(f'<p><a href="mailto:{mail}">{mail}</a></p>'.replace("&", "&amp;"))
    return tree.css_first("a") or mail
