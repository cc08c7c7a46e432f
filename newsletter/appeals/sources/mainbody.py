"""Finds an article's text on its own page, and takes out what stands around it and within it and is none of it.

Systems mark the text: Joomla, WordPress, Drupal, Ghost, Blogger and others each in their way. A page without such marks
is read by its paragraphs: the element that holds most of their text is it, as Readability (arc90) does.
"""

import re
from collections.abc import Iterable
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.letters import listed
from newsletter.appeals.sources.hidden import drop
from newsletter.appeals.sources.wording import is_navigation, is_read_more, is_updated

_TEXTS: Final = (
    '[itemprop="articleBody"]',
    ".com-content-article__body",
    ".item-page",
    ".entry-content",
    ".e-content",
    ".gh-content",
    ".field--name-body",
    ".field-name-body",
    ".post-body",
    ".post-full-content",
    ".article-content",
    ".article-body",
    ".article__body",
    ".post-content",
    ".post__content",
    ".story-body",
    ".node__content",
    ".contentpaneopen",
    ".articlebody",
    "article",
    '[role="main"]',
    "main",
    "#article",
    "#content",
)
_SCOPES: Final = frozenset(
    listed("item-page post hentry h-entry node article post-outer post-full blog-post com-content-article")
)
# Names of what stands around an article, alone or after a prefix: `comments`, `jp-relatedposts`, `post-tags`.
_AROUND: Final = re.compile(
    r"(?:.*[-_])?(?:comments?(?:[-_]?(?:area|list|section|wrapper|container|form|template|box|body))?|commentlist|respond"
    r"|disqus|(?:share|shares|sharing|socials?)(?:[-_]?(?:buttons?|links?|bar|icons?|list|media))?|sharedaddy|sociallinks"
    r"|related(?:posts|-posts|-articles|-content)?|relatedposts|relateditems|recommended|newsletter|subscribe|signup|sidebar"
    r"|widget|breadcrumbs?|pagination|pager|pagenav|post-navigation|nav-links|navigation|navbar|menu|cookies?|cookieconsent"
    r"|consent|gdpr|advert|ads|advertisement|promo|popup|modal|tags|tag-links|tags-links|cat-links|post-labels|author-bio"
    r"|author-box|about-author|reply|replies|masthead|login|searchform)"
    r"|(?:addtoany|addthis|cookie|disqus)[-_].*|(?:site|page|global|main)?[-_]?footer|site-header|widget-area",
    re.IGNORECASE,
)
_ALONE: Final = frozenset(
    listed(
        "read-next readmore readon pagenavcounter buttonheading actions icons print-icon email-icon edit-icon hits "
        "rating content_rating content_vote contenttoc toolbar skip-link feedflare blog-pager post-feeds search "
        "modifydate modified article-info-term category-name parent-category-name outils toc print"
    )
)
_MARKS: Final = (
    "h1, main, article:not(.comment):not(.comment-body), .contentheading, .contentpaneopen, .item-page, "
    '.entry-content, .post-body, .field--name-body, .gh-content, .e-content, [itemprop="articleBody"]'
)
_WITHIN: Final = frozenset(
    listed(
        "contentheading article-info articleinfo iteminfo createdby createdate published create small entry-header "
        "entry-meta post-meta byline node__meta node__submitted submitted article-header post-full-header "
        "gh-article-header entry-footer post-footer post-header date-header page-header node__links article-tools "
        "dateline"
    )
)
_TAGS: Final = (
    "nav, aside, body > footer, body > div > footer, form[role=search], script, style, noscript, template, iframe, "
    "button, svg"
)
_HEAD: Final = "h1, h2, h3, .contentheading, time"
_SILENT: Final = frozenset({"script", "style", "noscript", "template", "svg", "iframe"})
_LINES: Final = "h1, h2, h3, p, div, td, span, li, strong, time, address, center, font"
_HEAD_LINES: Final = 25
_MOST: Final = 20_000  # elements that are looked at
_SHORT: Final = 120


def without_surroundings(tree: LexborHTMLParser) -> None:
    """Take comments, sidebars, menus, share bars, related posts and cookie notices off a page."""
    if tree.body is None:
        return
    whole, is_marked = len(tree.body.text().strip()), tree.body.css_first(_MARKS) is not None
    named = [node for node in tree.css("[class], [id]")[:_MOST] if _is_around(node)]
    drop(node for node in [*tree.css(_TAGS)[:_MOST], *named] if _may_go(node, whole, is_marked=is_marked))


def _is_around(node: LexborNode) -> bool:
    attributes = node.attributes
    names = (attributes.get("class") or "").split() + (attributes.get("id") or "").split()
    return node.tag not in {"html", "body", "main", "article"} and any(
        name.lower() in _ALONE or (len(name) < 60 and _AROUND.fullmatch(name)) for name in names[:30]
    )


def _may_go(node: LexborNode, whole: int, *, is_marked: bool) -> bool:
    """Spare what holds the article itself, such as a `<div class="content-with-sidebar">`, whatever it is called.

    Beside an article that is marked as one, most of the page may be something else: appeals are short.
    """
    if node.tag in _SILENT:
        return True
    length = len(node.text().strip())
    if node.css_first(_MARKS) is not None:
        return length * 5 < whole
    return length * 5 <= whole * 4 if is_marked else length * 2 <= whole


def text_of(tree: LexborHTMLParser) -> LexborNode | None:
    """Find the element that holds the article's text; None if there is no text."""
    for selector in _TEXTS:
        found = [node for node in tree.css(selector)[:50] if len(node.text().strip()) > 20]
        if found:
            return max(found, key=lambda node: len(node.text().strip()))
    return _by_paragraphs(tree)


def _by_paragraphs(tree: LexborHTMLParser) -> LexborNode | None:
    """Find the element whose paragraphs say most; half of what they say counts for the element around it."""
    scores: dict[int, float] = {}
    nodes: dict[int, LexborNode] = {}
    if tree.body is None:
        return None
    for node in tree.body.css("p, br, blockquote")[:_MOST]:
        holder = node.parent
        if holder is None:
            continue
        said = node.text() if node.tag != "br" else _beside(node)
        linked = sum(len(link.text()) for link in node.css("a")[:50]) if node.tag != "br" else 0
        worth = max(0, len(said.strip()) - 2 * linked)
        for weight in (1.0, 0.5):
            if holder is None or holder.tag == "html":
                break
            scores[holder.mem_id] = scores.get(holder.mem_id, 0) + weight * worth
            nodes[holder.mem_id] = holder
            holder = holder.parent
    best = max(scores, key=lambda each: scores[each], default=None)
    if best is not None and scores[best] > 0:
        return nodes[best]
    return tree.body if (tree.body.text() or "").strip() else None


def _beside(node: LexborNode) -> str:
    """The text that stands before a line break."""
    before = node.prev
    return (before.text_content or "") if before is not None and before.tag == "-text" else ""


def scope_of(text: LexborNode) -> LexborNode:
    """Find the element that holds an article with its head, where title, author and date stand; else the page."""
    node = text
    for _ in range(30):
        classes = (node.attributes.get("class") or "").split()
        is_scope = node.tag in {"article", "main"} or not _SCOPES.isdisjoint(classes)
        if node.tag == "body" or (is_scope and (node.mem_id != text.mem_id or node.css_first(_HEAD) is not None)):
            return node
        if node.parent is None:
            break
        node = node.parent
    return node


def without_head_and_foot(text: LexborNode, said: Iterable[str]) -> None:
    """Take out of an article's text what its head and foot say: title, author, date, 'Read more', 'Next'.

    Args:
        text: the element that holds it.
        said: title, byline and date as they stand on the page; a line near the beginning that says one of them goes.
    """
    length = len(text.text())
    drop(
        node
        for node in text.css("[class], header, footer")[:_MOST]
        if node.mem_id != text.mem_id and _is_head(node) and len(node.text()) * 2 < length
    )
    lines = {" ".join(each.split()).casefold() for each in said if each.strip()}
    gone = []
    for number, node in enumerate(text.css(_LINES)[:_MOST]):
        line = " ".join(node.text().split()) if node.mem_id != text.mem_id else ""
        if not line or len(line) > 2 * _SHORT:
            continue
        repeated = number < _HEAD_LINES and line.casefold() in lines
        if repeated or (len(line) <= _SHORT and (is_updated(line) or is_navigation(line) or _is_more(node, line))):
            gone.append(node)
    drop(gone)


def _is_head(node: LexborNode) -> bool:
    return node.tag in {"header", "footer"} or not _WITHIN.isdisjoint((node.attributes.get("class") or "").split())


def _is_more(node: LexborNode, line: str) -> bool:
    return is_read_more(line) and node.css_first("a") is not None
