"""Where appeals come in from: listings, blogs and files, read into `Item`s."""

from newsletter.appeals.sources.faults import SourceFault
from newsletter.appeals.sources.fetching import Fetch, Page, Unchanged, WebFetch
from newsletter.appeals.sources.source import OnPage, read_source

__all__ = ["Fetch", "OnPage", "Page", "SourceFault", "Unchanged", "WebFetch", "read_source"]
