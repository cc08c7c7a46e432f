"""Puts what is one person's alone into an edition: name, links, Message-ID, return path."""

from hashlib import blake2b

from newsletter.delivery.claimed import Claimed, Launched
from newsletter.delivery.letters import Letter
from newsletter.delivery.model import Lane, Mailing, MailingKind
from newsletter.editions.message import Personal, Sender
from newsletter.editions.prepared import Places
from newsletter.editions.slots import Slot
from newsletter.languages import greeting
from subscribers.tokens import Purpose, Tokens

MARK = "*"  # in the bounce address: where each mail's own mark goes
# Looked up once: an enum's members are not quick to get at.
_UNSUBSCRIBE, _PREFERENCES = Purpose.UNSUBSCRIBE, Purpose.PREFERENCES
_GREETING, _UNSUBSCRIBE_URL, _PREFERENCES_URL = Slot.GREETING, Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL


class Links:
    """Where the links in a mail lead."""

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        """Take what seals tokens, and the address that pages are reached at, without a slash at its end."""
        self._tokens = tokens
        self._unsubscribe_at = f"{base_url}/{Purpose.UNSUBSCRIBE}/"
        self._preferences_at = f"{base_url}/{Purpose.PREFERENCES}/"
        self._base_url = base_url

    def refresh(self) -> None:
        """Seal with fresh keys from now on, if there are any."""
        self._tokens.refresh()

    def token(self, purpose: Purpose, *, subscriber_id: int, epoch: int) -> str:
        """Give the token for one subscriber and purpose."""
        return self._tokens.issue(purpose, subscriber_id=subscriber_id, epoch=epoch)

    def personal(
        self, *, subscriber_id: int, epoch: int, name: str, address: str, message_id: str, language: str
    ) -> Personal:
        """Put together what is one person's alone in a mail."""
        unsubscribe = self._tokens.issue(_UNSUBSCRIBE, subscriber_id=subscriber_id, epoch=epoch)
        preferences = self._tokens.issue(_PREFERENCES, subscriber_id=subscriber_id, epoch=epoch)
        return Personal(
            name,
            address,
            message_id,
            unsubscribe,
            {
                _GREETING: greeting(name, language),
                _UNSUBSCRIBE_URL: self._unsubscribe_at + unsubscribe,
                _PREFERENCES_URL: self._preferences_at + preferences,
            },
        )

    def service(self, claimed: Claimed, language: str) -> Personal:
        """Put together what is one person's alone in a service mail: no name, and just the links that it is about."""
        slots = {_GREETING: greeting("", language)}
        match claimed.mailing.kind:
            case MailingKind.CONFIRMATION:
                slots[Slot.CONFIRM_URL] = self._errand(Purpose.CONFIRM, claimed.errand)
                slots[Slot.DECLINE_URL] = self._errand(Purpose.DECLINE, claimed.errand)
            case MailingKind.MOVE:
                slots[Slot.CONFIRM_URL] = self._errand(Purpose.MOVE, claimed.errand)
            case MailingKind.GOODBYE:
                pass
            case _:
                token = self.token(_PREFERENCES, subscriber_id=claimed.subscriber_id, epoch=claimed.token_epoch)
                slots[_PREFERENCES_URL] = self._preferences_at + token
        return Personal("", claimed.address, message_id(claimed.mailing, claimed.id), "", slots)

    def _errand(self, purpose: Purpose, errand: int) -> str:
        return f"{self._base_url}/{purpose}/{self._tokens.issue_errand(purpose, errand)}"


class Stamp:
    """Writes the letter for a claimed delivery."""

    def __init__(self, links: Links, sender: Sender) -> None:
        """Take where links lead, and who mails come from."""
        self._links = links
        self._sender = sender

    def refresh(self) -> None:
        """Seal links with fresh keys from now on, if there are any."""
        self._links.refresh()

    def letter(self, claimed: Claimed, places: Places) -> Letter:
        """Write what is one reader's alone.

        Args:
            claimed: the delivery.
            places: of its edition.
        """
        mailing, address = claimed.mailing, claimed.address
        if mailing.lane is Lane.SERVICE:
            person = self._links.service(claimed, places.language)
        else:
            person = self._links.personal(
                subscriber_id=claimed.subscriber_id,
                epoch=claimed.token_epoch,
                name=claimed.name,
                address=address,
                message_id=message_id(mailing, claimed.id),
                language=places.language,
            )
        return Letter(
            claimed.hold,
            mailing,
            claimed.edition_id,
            return_path(self._sender.bounce_address, mailing, claimed.id),
            address,
            claimed.domain,
            not address.isascii(),
            places.values(person),
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
