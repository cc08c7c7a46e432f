"""Puts what is one person's alone into an edition: name, links, Message-ID, return path."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from newsletter.delivery.courier import Envelope
from newsletter.delivery.model import Mailing
from newsletter.delivery.outbox import Claimed, Launched
from newsletter.editions.compose import stored_edition
from newsletter.editions.message import Personal, Sender
from newsletter.editions.prepared import Prepared, Signer
from newsletter.editions.slots import Slot
from newsletter.languages import greeting
from subscribers.database import Database
from subscribers.tokens import Purpose, Tokens

KEPT_EDITIONS = 256  # held in memory; a mailing may have thousands
MARK = "*"  # in the bounce address: where each mail's own mark goes
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

    def __init__(self, database: Database, links: Links, sender: Sender, signers: Sequence[Signer] = ()) -> None:
        """Take where editions are, where links lead, who it comes from and who signs."""
        self._database = database
        self._links = links
        self._sender = sender
        self._signers = signers
        self._editions: OrderedDict[int, Prepared] = OrderedDict()

    def load(self, claims: Iterable[Claimed]) -> None:
        """Make the editions of these claims ready, so that `envelope` need not ask the database."""
        missing = {one.edition_id: one.mailing for one in claims if one.edition_id not in self._editions}
        if missing:
            with self._database.read() as session:
                for edition_id, mailing in missing.items():
                    composed = stored_edition(session, edition_id)
                    self._editions[edition_id] = Prepared(
                        composed, self._sender, date=mailing.launched_at, signers=self._signers
                    )
        for edition_id in {one.edition_id for one in claims}:
            self._editions.move_to_end(edition_id)
        while len(self._editions) > KEPT_EDITIONS:
            self._editions.popitem(last=False)

    def envelope(self, claimed: Claimed) -> Envelope | None:
        """Make one mail; None if the stored address can't be written to."""
        if _UNSENDABLE.search(claimed.address):
            return None
        edition = self._editions.get(claimed.edition_id)
        if edition is None:
            self.load([claimed])
            edition = self._editions[claimed.edition_id]
        person = self._links.personal(
            subscriber_id=claimed.subscriber_id,
            epoch=claimed.token_epoch,
            name=claimed.name,
            address=claimed.address,
            message_id=message_id(claimed.mailing, claimed.id),
            language=edition.language,
        )
        return Envelope(
            claimed=claimed,
            sender=return_path(self._sender.bounce_address, claimed.mailing, claimed.id),
            recipient=claimed.address,
            data=edition.stamp(person),
            smtputf8=not claimed.address.isascii(),
        )


def message_id(mailing: Mailing | Launched, delivery_id: int) -> str:
    """Give the Message-ID of a delivery (RFC 5322 3.6.4): fixed, unique, and telling nobody how many there are."""
    return f"<{_proof(mailing, b'message', delivery_id, size=15)}@{mailing.message_domain}>"


def return_path(bounce_address: str, mailing: Launched, delivery_id: int) -> str:
    """Give the MAIL FROM of one delivery, so that a bounce says by itself what bounced (VERP).

    Args:
        bounce_address: as it is set; a `*` in it becomes the delivery's number and a proof that we wrote it.
        mailing: what it is part of.
        delivery_id: which.
    """
    if MARK not in bounce_address:
        return bounce_address
    return bounce_address.replace(MARK, f"{delivery_id}-{_proof(mailing, b'bounce', delivery_id, size=5)}")


def _proof(mailing: Mailing | Launched, purpose: bytes, delivery_id: int, *, size: int) -> str:
    """Give what nobody can guess who does not know the mailing's nonce: keyed BLAKE2b (RFC 7693), in hexadecimal.

    Args:
        mailing: what the delivery is part of.
        purpose: what it is for, in 16 bytes or less; for another purpose it is another.
        delivery_id: which.
        size: in bytes.
    """
    number = delivery_id.to_bytes(8, "big")
    return blake2b(number, key=mailing.nonce, person=purpose, digest_size=size).hexdigest()
