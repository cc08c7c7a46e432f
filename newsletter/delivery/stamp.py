"""Puts what is one person's alone into an edition: name, links, Message-ID."""

import re
from collections import OrderedDict

from newsletter.delivery.courier import Envelope
from newsletter.delivery.outbox import Claimed
from newsletter.editions.compose import stored_edition
from newsletter.editions.message import Personal, Sender
from newsletter.editions.prepared import Prepared
from newsletter.editions.slots import Slot
from newsletter.languages import greeting
from subscribers.database import Database
from subscribers.tokens import Purpose, Tokens

KEPT_EDITIONS = 64  # editions held in memory; a mailing may have thousands
# What must never reach an SMTP command line, whatever is in the database (RFC 5321 4.1.2).
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f<>]|^[^@]*$|@$|^@")


class Links:
    """Where the links in a mail lead."""

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        """Take what seals tokens, and the address that pages are reached at, without a slash at its end."""
        self._tokens = tokens
        self._base_url = base_url

    def token(self, purpose: Purpose, *, subscriber_id: int, epoch: int) -> str:
        """Give the token for one subscriber and purpose."""
        return self._tokens.issue(purpose, subscriber_id=subscriber_id, epoch=epoch)

    def url(self, purpose: Purpose, token: str) -> str:
        """Give the address of the page that the token opens."""
        return f"{self._base_url}/{purpose}/{token}"

    def personal(
        self, *, subscriber_id: int, epoch: int, name: str, address: str, message_id: str, language: str
    ) -> Personal:
        """Put together what is one person's alone in a mail."""
        unsubscribe = self.token(Purpose.UNSUBSCRIBE, subscriber_id=subscriber_id, epoch=epoch)
        preferences = self.token(Purpose.PREFERENCES, subscriber_id=subscriber_id, epoch=epoch)
        return Personal(
            name=name,
            address=address,
            message_id=message_id,
            unsubscribe_token=unsubscribe,
            slots={
                Slot.GREETING: greeting(name, language),
                Slot.UNSUBSCRIBE_URL: self.url(Purpose.UNSUBSCRIBE, unsubscribe),
                Slot.PREFERENCES_URL: self.url(Purpose.PREFERENCES, preferences),
            },
        )


class Stamp:
    """Makes the mail for a claimed delivery."""

    def __init__(self, database: Database, links: Links, sender: Sender) -> None:
        """Take where editions are, where links lead and who it comes from."""
        self._database = database
        self._links = links
        self._sender = sender
        self._editions: OrderedDict[int, Prepared] = OrderedDict()

    def envelope(self, claimed: Claimed) -> Envelope | None:
        """Make one mail; None if the stored address can't be written to."""
        if _UNSENDABLE.search(claimed.address):
            return None
        edition = self._edition(claimed)
        person = self._links.personal(
            subscriber_id=claimed.subscriber_id,
            epoch=claimed.token_epoch,
            name=claimed.name,
            address=claimed.address,
            message_id=claimed.message_id,
            language=edition.language,
        )
        return Envelope(
            sender=self._sender.bounce_address,
            recipient=claimed.address,
            data=edition.stamp(person),
            smtputf8=not claimed.address.isascii(),
        )

    def _edition(self, claimed: Claimed) -> Prepared:
        edition_id = claimed.edition_id
        if edition_id in self._editions:
            self._editions.move_to_end(edition_id)
        else:
            with self._database.read() as session:
                composed = stored_edition(session, edition_id)
            self._editions[edition_id] = Prepared(composed, self._sender, date=claimed.date)
            if len(self._editions) > KEPT_EDITIONS:
                self._editions.popitem(last=False)
        return self._editions[edition_id]
