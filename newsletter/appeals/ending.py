"""How an appeal ended."""

from enum import StrEnum


class Ending(StrEnum):
    """What became of an appeal; its page says so."""

    WON = "won"
    PARTLY_WON = "partly_won"
    LOST = "lost"
    OVER = "over"  # nothing more can be done, or needs to be
    WITHDRAWN = "withdrawn"  # it should not be read any more: its page shows none of it
