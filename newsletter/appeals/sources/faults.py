"""What can be wrong with a source, each in one sentence with what to do.

`place` is where it stands, as the person gave it: `appeals.txt, line 12` or an address.
"""

from newsletter.errors import NewsletterError


class SourceFault(NewsletterError):
    """A source can't be read."""


class FolderEmpty(SourceFault):
    """{place} is no folder with Markdown files. Name the folder that has them; their names end in .md."""


class SourceMissing(SourceFault):
    """There is no file {place}. Check its name, or give an address that begins with https://."""


class SourceUnreadable(SourceFault):
    """{place} can't be opened: {reason}. Check that it is a file which this account may read."""


class SourceIsFolder(SourceFault):
    """{place} is a folder. Name the files in it one by one, for example {place}/*.md."""


class SourceEmpty(SourceFault):
    """{place} is empty. Check that it was saved or downloaded whole."""


class SourceTooLarge(SourceFault):
    """{place} is larger than {limit_mb} MB. Give a listing page or a text, not an archive."""


class SourceNotText(SourceFault):
    """{place} is not text: it looks like {kind}. Give a text listing, a web page or a Markdown file."""


class SchemeRefused(SourceFault):
    """{place} is not a web address that can be read. Only http:// and https:// are."""


class AddressBroken(SourceFault):
    """{place} is not a whole web address. Copy it from the browser's address bar."""


class AddressRefused(SourceFault):
    """{place} leads to {address}, {kind}. Sources are read from public addresses only; if that one is yours, allow it
    in newsletter.toml: fetch_allow = "{address}".
    """


class PageRefused(SourceFault):
    """{place} answered {status} {phrase}. Open it in a browser, and give the address that you see there."""

    @property
    def status(self) -> int:
        """The status of the answer (RFC 9110, 15)."""
        return int(str(self.facts["status"]))


class PageMissing(PageRefused):
    """{place} answered {status} {phrase}. Open it in a browser, and give the address that you see there."""


class PageGone(PageRefused):
    """{place} answered {status} {phrase}: it was taken down for good. Give the address where the appeals are now."""


class PageBusy(SourceFault):
    """{place} wants to be left alone for now (it answered {status}). Try again {again}."""

    @property
    def retry_after_s(self) -> float | None:
        """The seconds after which it may be asked again, at most a day; None if it doesn't say."""
        wait_s = self.facts["retry_after_s"]
        return None if wait_s is None else float(str(wait_s))


class PageGarbled(SourceFault):
    """What {place} answered is broken: {reason}. Try again later, or save the page in a browser and give the file."""


class PageTimeout(SourceFault):
    """{place} did not answer within {timeout_s} seconds. Try again later, or save the page and give the file."""


class PageUnreachable(SourceFault):
    """{place} can't be reached: {reason}. Check the address and this server's connection."""


class RedirectLoop(SourceFault):
    """{place} redirects more than {limit} times. Open it in a browser, and give the address that you end up at."""


class RedirectElsewhere(SourceFault):
    """{place} leads to another site, {host}. If that is where the appeals are, give its address instead."""


class RedirectUnprotected(SourceFault):
    """{place} leads from https:// to {target}, which anybody on the way can read and change. If you want to read it all
    the same, give that address.
    """


class RobotsForbid(SourceFault):
    """{robots} asks programs not to read {place}. Ask whoever runs that site to allow {agent} there, or save the page
    in a browser and give the file.
    """


class RobotsUnreadable(SourceFault):
    """{place} was not read, for the site's robots.txt, which says what programs may read, can't be had now: {reason}.
    Try again later.
    """


class NoAppeals(SourceFault):
    """{place} has no appeals that can be read: no line such as “Written by NAME Tuesday, 06 November 2012” and no
    Joomla blog. A web page that lists articles otherwise is a source: `newsletter source add ADDRESS --take 10`.
    """


class FeedUnreadable(SourceFault):
    """{place} is no feed that can be read: {reason}. Give the address of an RSS, Atom or JSON feed."""


class NoListing(SourceFault):
    """{place} has no list of articles that can be found: no links with dates or headings that repeat. Give the page
    that lists them, or say by CSS selectors where they stand.
    """


class NothingSelected(SourceFault):
    """{place}: nothing on it matches “{selector}”. Look at the page's source, and correct the selector for {name}."""


class SelectorUnknown(SourceFault):
    """There is no selector named “{name}”; {hint}"""


class SelectorBroken(SourceFault):
    """The selector for {name}, “{selector}”, is not CSS that can be read. Write one such as `{example}`."""


class ArticleUnreadable(SourceFault):
    """{place} has no article that can be read: {reason}. Give the address of an article's own page."""


class ItemWithoutTitle(SourceFault):
    """{place}: this appeal has no title. Add one at its source, on a line of its own."""


class ItemWithoutDate(SourceFault):
    """{place}: “{title}” has no date. Show dates in the site's listing, or add one such as 2012-11-06."""


class FileWithoutDate(ItemWithoutDate):
    """{place}: “{title}” has no date. Add a line such as `date: 2012-11-06` to its front matter."""


class ItemDateImpossible(SourceFault):
    """{place}: “{written}” is a date that doesn't exist. Correct it at its source."""


class FrontMatterUnclosed(SourceFault):
    """{place}: the front matter has no end. Put a line of three dashes (---) below its last key."""


class FrontMatterUnreadable(SourceFault):
    """{place}: the front matter is not YAML that can be read ({reason}). Write lines such as `title: "Strike: day 4"`,
    with quotes around what holds a colon.
    """


class FrontMatterUnknownKey(SourceFault):
    """{place}: the front matter has no key “{key}”; {hint}"""


class FrontMatterTwice(SourceFault):
    """{place}: “{key}” and “{other}” say the same thing. Keep one of them."""


class FrontMatterWrongValue(SourceFault):
    """{place}: “{key}” should be {wanted}, not {found}."""
