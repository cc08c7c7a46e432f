"""Reads the HTML of a Joomla category blog, as its layouts of 1.5, 2.5, 3, 4 and 5 print it.

1.5 puts a title (`contentheading`) and then a table or block (`contentpaneopen`) one after the other; from 2.5 on every
article has an element of its own (`item`, `blog-item`, `itemprop="blogPost"`). Both are read in one walk, in the order
of the page. Pictures are no text, and neither are their alternative texts.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.dates import DateImpossible, find_date, split_date
from newsletter.appeals.item import Item
from newsletter.appeals.letters import listed, primary
from newsletter.appeals.sources.faults import ItemDateImpossible, ItemWithoutDate, ItemWithoutTitle
from newsletter.appeals.sources.identity import identities
from newsletter.appeals.sources.listing import read_listing
from newsletter.appeals.sources.mailcloak import address_in_element, address_in_script
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.prose import one_line, paragraphs, shown
from newsletter.appeals.sources.thumbnail import without_thumbnails
from newsletter.appeals.sources.wording import is_read_more, signature

_MOST: Final = 1000  # appeals on one page
_URL_LONGEST: Final = 2000
_DEEPEST: Final = 200  # elements within elements; no template nests so deeply, and each may be looked through whole
_SILENT: Final = frozenset(
    listed(
        "script style noscript template iframe object form button select textarea svg figure figcaption img picture "
        "audio video canvas head title nav footer"
    )
)
_BLOCKS: Final = frozenset(
    listed(
        "p div li ul ol table tbody tr td th blockquote pre section article header h1 h2 h3 h4 h5 h6 dl dd dt hr center"
    )
)
_HEADINGS: Final = frozenset(listed("h1 h2 h3 h4 h5 h6"))
# What templates print around an article that is none of its text.
_FURNITURE: Final = frozenset(
    listed(
        "buttonheading actions icons print-icon email-icon edit-icon hits category-name parent-category-name "
        "article-info-term tags item-separator article_separator article_seperator btn-group dropdown dropdown-menu "
        "label badge item-image pull-none img-intro-left img-intro-right img-intro-none modified modifydate "
        "contentpaneopen_edit content_rating content_vote contenttoc items-more blog_more blog-more cat-children "
        "element-invisible visually-hidden sr-only pagination pagenav pagenavcounter "
        "com-content-category-blog__navigation addtoany_share_save_container"
    )
)
_INFO: Final = frozenset({"article-info", "articleinfo", "article_info", "iteminfo", "article-tools"})
_AUTHORS: Final = frozenset({"createdby", "createby", "article-author"})
_DATES: Final = {"published": 0, "create": 1, "created": 1, "createdate": 1, "create-date": 1}
_BLOG: Final = frozenset({"blog", "blog-featured", "items-leading", "items-row", "blog-items"})
_ITEM: Final = frozenset({"blog-item", "com-content-category-blog__item", "com-content-featured__item"})


@dataclass(kw_only=True)
class _Draft:
    """An article while its pieces are gathered."""

    title: str = ""
    title_link: str = ""
    more_link: str = ""
    author: str = ""
    byline: str = ""
    days: dict[int, date] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    impossible: str = ""


def read_blog(text: str, *, place: str, base: str = "", language: str | None = None) -> list[Item]:
    """Read one page of a category blog.

    Args:
        text: the page's HTML.
        place: how to name it to a person.
        base: its address, against which links are resolved; empty for a file.
        language: BCP 47 tag; without it `<html lang>` tells, or else the 'Written by' wording.

    Raises:
        NoAppeals: there is no blog on it, and no text that reads like a listing.
        ItemWithoutTitle, ItemWithoutDate, ItemDateImpossible: an appeal lacks what it needs.
    """
    tree = LexborHTMLParser(bearable(text))
    base = base_of(tree, base)
    tag = language or _page_language(tree)
    walk = _Walk(tag or "en")
    if tree.root is not None:
        walk.over(tree.root)
    drafts = [draft for draft in walk.drafts if draft.title or draft.author or draft.days or draft.impossible]
    if not drafts:
        return read_listing(walk.page_text(), place=place, language=tag and primary(tag), links=walk.links(base))
    return [_item(draft, f"{place}, item {number}", base, tag) for number, draft in enumerate(drafts, start=1)]


def base_of(tree: LexborHTMLParser, address: str) -> str:
    """Find the address that a page's links start from: Joomla prints `<base href>`, saved pages keep it."""
    for selector in ("base[href]", 'link[rel="canonical"][href]'):
        node = tree.css_first(selector) if selector.startswith("base") or not address else None
        if node is not None and (found := absolute(address, node.attributes.get("href") or "")):
            return found
    return address


def absolute(base: str, link: str) -> str:
    """Resolve a link; empty if it is none to a page of the web."""
    link = "".join(letter for letter in link.strip() if letter.isprintable() and not letter.isspace())
    if not link or link.startswith("#") or len(link) > _URL_LONGEST:
        return ""
    try:
        whole = urljoin(base, link)
        parts = urlsplit(whole)
        if parts.scheme in {"http", "https"} and parts.hostname and len(whole) <= _URL_LONGEST:
            return parts._replace(fragment="").geturl()
    except ValueError:
        pass
    return ""


def _page_language(tree: LexborHTMLParser) -> str:
    html = tree.css_first("html")
    said = (html.attributes.get("lang") or html.attributes.get("xml:lang") or "") if html is not None else ""
    return said.strip() if 2 <= len(primary(said)) <= 3 and said.strip()[:1].isalpha() else ""


def _item(draft: _Draft, place: str, base: str, tag: str) -> Item:
    title = one_line(draft.title)
    if not title:
        raise ItemWithoutTitle(place=place)
    signed = signature(draft.author)
    tongue = primary(tag or (signed.language if signed else "en"))
    if not draft.days:
        if draft.impossible:
            raise ItemDateImpossible(place=place, written=draft.impossible)
        raise ItemWithoutDate(place=place, title=shown(title))
    published_on = draft.days[min(draft.days)]
    url = absolute(base, draft.title_link) or absolute(base, draft.more_link)
    return Item(
        identities=identities(title=title, published_on=published_on, url=url),
        title=title,
        byline=one_line(draft.byline),
        published_on=published_on,
        teaser=without_thumbnails(paragraphs("".join(draft.text))),
        language=tongue,
        url=url,
        place=place,
    )


class _Walk:
    """Goes through a page once, in its order, without recursion: pages may be nested as deeply as they like."""

    def __init__(self, tag: str) -> None:
        self.drafts: list[_Draft] = []
        self._tag = tag
        self._draft: _Draft | None = None
        self._container: int | None = None  # the depth of the element that holds the article, from 2.5 on
        self._blog: list[int] = []  # the depths of elements that hold articles
        self._info: list[int] = []  # the depths of info blocks, whose text is furniture
        self._page: list[str] = []
        self._anchors: list[tuple[str, str]] = []

    def over(self, root: LexborNode) -> None:
        """Walk through an element and all that it holds."""
        depth, node = 0, root
        while True:
            child = node.child if self._enter(node, depth) else None
            if child is not None:
                depth, node = depth + 1, child
                continue
            while True:
                self._leave(node, depth)
                if depth == 0:
                    return
                if (following := node.next) is not None:
                    node = following
                    break
                parent = node.parent
                if parent is None:
                    return
                depth, node = depth - 1, parent

    def page_text(self) -> str:
        """Give the page's whole text, a line for each block."""
        return "".join(self._page)

    def links(self, base: str) -> dict[str, str]:
        """Tell where the page's links lead, by their words."""
        return {words: found for words, link in reversed(self._anchors) if (found := absolute(base, link))}

    def _enter(self, node: LexborNode, depth: int) -> bool:
        """Take in an element; tell whether to go into it."""
        tag = node.tag or ""
        if tag == "-text":
            self._take_text(node.text_content or "")
            return False
        if tag == "script" and self._draft is not None:
            self._take(address_in_script(node.text()))
        if tag in _SILENT or tag.startswith(("-", "_", "!")):
            return False
        attributes = node.attributes
        classes = frozenset((attributes.get("class") or "").split())
        cloaked = (attributes.get("id") or "").startswith("cloak")  # its script has the address
        if depth > _DEEPEST or cloaked or "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return False
        if tag in {"br", "joomla-hidden-mail"}:
            self._take("\n" if tag == "br" else address_in_element(attributes))
            return False
        if tag == "a" and (link := attributes.get("href")):
            self._anchors.append((" ".join(node.text().split()), link))
        if tag in _BLOCKS:
            self._take("\n\n")
        self._open(tag, classes, attributes, depth)
        return self._draft is None or self._inside(node, tag, classes, attributes, depth)

    def _open(self, tag: str, classes: frozenset[str], attributes: dict[str, str | None], depth: int) -> None:
        """Begin an article where its element begins, or where a heading of 1.5 stands."""
        if self._container is not None:
            return
        if classes & _BLOG or attributes.get("itemtype", "") == "https://schema.org/Blog":
            self._blog.append(depth)
        leads = any(name.startswith("leading-") for name in classes)
        holds = attributes.get("itemprop") == "blogPost" or bool(classes & _ITEM)
        if holds or (self._blog and ("item" in classes or leads)):
            self._container = depth
            self._begin()
        elif "contentheading" in classes and tag != "table":
            self._begin()
        elif classes & {"article_separator", "article_seperator", "blog_more"}:
            self._draft = None

    def _begin(self) -> None:
        if len(self.drafts) < _MOST:
            self._draft = _Draft()
            self.drafts.append(self._draft)

    def _inside(
        self, node: LexborNode, tag: str, classes: frozenset[str], attributes: dict[str, str | None], depth: int
    ) -> bool:
        """Take in an element of an article; tell whether to go into it."""
        draft = self._draft
        assert draft is not None
        itemprop = attributes.get("itemprop") or ""
        if self._is_title(tag, classes, itemprop) and not draft.title:
            draft.title, draft.title_link = node.text(separator=" "), _first_link(node, attributes)
            return not draft.title.strip()
        if (
            classes & _AUTHORS
            or (itemprop == "author" and tag != "meta")
            or ("small" in classes and self._signed(node))
        ):
            self._take_author(node)
            return False
        rank = min((_DATES[name] for name in classes & _DATES.keys()), default=None)
        if rank is not None or (tag == "time" and itemprop in {"datePublished", "dateCreated"}):
            self._take_date(node, 2 if rank is None else rank)
            return False
        if classes & {"readmore", "readon"} or (tag == "a" and is_read_more(node.text())):
            draft.more_link = draft.more_link or _first_link(node, attributes)
            return False
        if classes & _FURNITURE or ("small" in classes and not _has_text(draft)):
            return False
        if classes & _INFO:
            self._info.append(depth)
        return True

    def _is_title(self, tag: str, classes: frozenset[str], itemprop: str) -> bool:
        if self._container is None:
            return "contentheading" in classes
        return tag in _HEADINGS or (itemprop in {"headline", "name"} and tag in {"a", "span", "div"} and not self._info)

    def _signed(self, node: LexborNode) -> bool:
        return signature(node.text()) is not None

    def _take_author(self, node: LexborNode) -> None:
        draft = self._draft
        assert draft is not None
        self._drop_before_info(draft)
        said = " ".join(node.text(separator=" ").split())[:2000]
        named = node.css_first("[itemprop=name]") or node.css_first("a")
        signed = signature(said)
        byline = named.text() if named is not None else signed.said if signed else said
        try:
            if (dated := split_date(byline, self._tag)) is not None:
                byline = dated[0]
                draft.days.setdefault(3, dated[1])
        except DateImpossible as fault:
            draft.impossible = str(fault.facts["written"])
        draft.author, draft.byline = said, byline.strip(" \xa0/|:")

    def _take_date(self, node: LexborNode, rank: int) -> None:
        draft = self._draft
        assert draft is not None
        time = node if node.tag == "time" else node.css_first("time[datetime]")
        exact = (time.attributes.get("datetime") or "") if time is not None else ""
        for said in (exact, " ".join(node.text(separator=" ").split())):
            try:
                found = find_date(said, self._tag)
            except DateImpossible as fault:
                draft.impossible = draft.impossible or str(fault.facts["written"])
                continue
            if found is not None:
                self._drop_before_info(draft)
                draft.days.setdefault(rank, found.day)
                return

    def _drop_before_info(self, draft: _Draft) -> None:
        """Drop the names of section and category, which 1.5 prints without any mark above author and date."""
        if self._container is None and not draft.days and not draft.author and len("".join(draft.text).strip()) < 150:
            draft.text.clear()

    def _take_text(self, text: str) -> None:
        self._take(" ".join(f"|{text}|".split())[1:-1])

    def _take(self, text: str) -> None:
        self._page.append(text)
        if self._draft is not None and not self._info:
            self._draft.text.append(text)

    def _leave(self, node: LexborNode, depth: int) -> None:
        if (node.tag or "") in _BLOCKS:
            self._take("\n\n")
        if self._info and self._info[-1] == depth:
            self._info.pop()
        if self._container == depth:
            self._container, self._draft = None, None
        if self._blog and self._blog[-1] == depth:
            self._blog.pop()
            if self._container is None:
                self._draft = None


def _has_text(draft: _Draft) -> bool:
    return any(part.strip() for part in draft.text)


def _first_link(node: LexborNode, attributes: dict[str, str | None]) -> str:
    """Find where an element leads: its own link, or the first within it."""
    if link := attributes.get("href"):
        return link
    inner = node.css_first("a[href]")
    return (inner.attributes.get("href") or "") if inner is not None else ""
