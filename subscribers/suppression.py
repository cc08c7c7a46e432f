"""Addresses that must get no mail, kept as keyed hashes: they survive erasure and name nobody."""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import LargeBinary, String, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from subscribers.database import Base

DECLINED = "declined"  # they say that somebody else gave their address
LOOKUP_SIZE = 500  # hashes in one statement; SQLite's oldest limit is 999 parameters


class Suppression(Base):
    """One address that must get no mail.

    Attributes:
        hash: HMAC-SHA-256 of the address key (RFC 2104), 32 bytes.
        reason: the word for why; see `LeftReason`, and `DECLINED`.
        import_id: the import whose file alone says so; undoing it lifts this.
    """

    __tablename__ = "suppressions"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    import_id: Mapped[int | None]


class SuppressionList:
    """Asks and adds; needs the key, which is never in the database."""

    def __init__(self, key: bytes) -> None:
        """Take the HMAC key, `Keys.suppression`."""
        self._key = key

    def hash(self, address_key: str) -> bytes:
        """Give the 32-byte keyed hash of an `Address.key`."""
        return hmac.digest(self._key, address_key.encode(), "sha256")

    def add(self, session: Session, address_key: str, *, reason: str, now: datetime) -> None:
        """Suppress an address; the first reason stays."""
        self.add_hash(session, self.hash(address_key), reason=reason, now=now)

    def add_hash(self, session: Session, hashed: bytes, *, reason: str, now: datetime) -> None:
        """Suppress the address with this hash; as `add`."""
        found = session.get(Suppression, hashed)
        if found is not None:
            found.import_id = None  # no file's word alone any more
        else:
            # On PostgreSQL a bounce and a complaint may come in at the same moment: then the other one was first.
            session.flush()  # what others left in the session must fail on its own account
            with suppress(IntegrityError), session.begin_nested():
                session.add(Suppression(hash=hashed, reason=reason, at=now))

    def add_many(self, session: Session, reasons: Mapping[str, str], *, import_id: int, now: datetime) -> int:
        """Suppress many addresses because a file says so; those that are already stay as they are.

        Args:
            session: a writing transaction.
            reasons: why, by address key.
            import_id: the import's number.
            now: the moment.

        Returns:
            How many were not suppressed before.
        """
        rows = [
            {"hash": self.hash(key), "reason": reason, "at": now, "import_id": import_id}
            for key, reason in reasons.items()
        ]
        if not rows:
            return 0
        connection = session.connection()
        kind = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = kind(Suppression).on_conflict_do_nothing(index_elements=["hash"]).returning(Suppression.hash)
        added = {bytes(found) for (found,) in connection.execute(statement, rows)}
        others = [row["hash"] for row in rows if row["hash"] not in added]
        # What another file said before is no one file's word any more: undoing either leaves it.
        said_twice = update(Suppression).where(Suppression.hash.in_(others), Suppression.import_id != import_id)
        session.execute(said_twice.values(import_id=None).execution_options(synchronize_session=False))
        return len(added)

    def put(self, session: Session, address_key: str, *, reason: str, now: datetime) -> None:
        """Suppress an address for this reason, whatever the reason was before."""
        self.add(session, address_key, reason=reason, now=now)
        suppression = session.get_one(Suppression, self.hash(address_key))
        suppression.reason, suppression.at, suppression.import_id = reason, now, None

    def lift(self, session: Session, address_key: str) -> None:
        """Suppress an address no longer: its owner has come back by themselves."""
        if (suppression := self.find(session, address_key)) is not None:
            session.delete(suppression)

    def declines(self, session: Session, address_key: str, *, since: datetime) -> bool:
        """Say whether the owner of an address wants no confirmation: said so, or called a mail spam, since a moment."""
        found = self.find(session, address_key)
        return found is not None and found.reason in {DECLINED, "complained"} and found.at > since

    def find(self, session: Session, address_key: str) -> Suppression | None:
        """Give why and since when an address is suppressed; None if it is not."""
        return session.get(Suppression, self.hash(address_key))

    def among(self, session: Session, address_keys: Iterable[str]) -> set[str]:
        """Give those of the address keys that are suppressed."""
        by_hash = {self.hash(key): key for key in address_keys}
        hashes = list(by_hash)
        found: set[str] = set()
        for start in range(0, len(hashes), LOOKUP_SIZE):
            some = hashes[start : start + LOOKUP_SIZE]
            found.update(by_hash[bytes(h)] for h in _known(session.connection(), some))
        return found


def _known(connection: Connection, hashes: Sequence[bytes]) -> Iterator[bytes]:
    # Asked for every mail that goes out: building the statement would take longer than the database does.
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join(mark for _ in hashes)
    rows = connection.exec_driver_sql(f"SELECT hash FROM suppressions WHERE hash IN ({marks})", tuple(hashes))  # noqa: S608 - marks only
    return (found for (found,) in rows)
