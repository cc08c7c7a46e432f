"""The root of every mistake that a person can make or mend."""

from functools import partial
from inspect import cleandoc
from typing import Any


class Fault(Exception):
    """Something is wrong, and the reader of this sentence can do something about it."""

    def __init__(self, **facts: object) -> None:
        """Take the facts that the class's docstring names in braces.

        Args:
            facts: one value for each name in the docstring; ids and codes, kept as `self.facts`.
        """
        self.facts = facts
        super().__init__(cleandoc(self.__doc__ or "").format(**facts).replace("\n", " "))

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return partial(type(self), **self.facts), ()


class SubscribersError(Fault):
    """Something about subscribers is wrong."""


class DatabaseMissing(SubscribersError):
    """There is no database at {place}. Go to your newsletter's folder, or make a new one: `newsletter init`."""


class DatabaseLocked(SubscribersError):
    """The database is locked by another program; nothing was changed. Try again when that one has ended."""


class DatabaseUnreachable(SubscribersError):
    """The database does not answer: {reason}. Check database_url and that the server is up."""
