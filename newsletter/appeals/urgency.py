"""How urgent an appeal is. A title can propose it; an organiser decides."""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from newsletter.appeals.letters import fold


class Urgency(StrEnum):
    """How much an hour matters."""

    NORMAL = "normal"
    URGENT = "urgent"
    LIFE_AT_RISK = "life_at_risk"  # waits for nobody's night

    @property
    def rank(self) -> int:
        """What it sorts by: the more urgent, the higher."""
        return list(Urgency).index(self)


# 'Urgent' as titles have it, by the beginning of the word, folded.
_URGENT: Final = (
    "urgent",  # English, French, Spanish, Italian, Portuguese, Dutch, with their endings
    "dringend",
    "eilt",
    "срочн",
    "термінов",
    "пильн",
    "шугыл",
    "шұғыл",
    "acil",
    "ivedi",
    "επειγ",
    "piln",
    "عاجل",
    "العاجل",
    "فوری",
    "lezgin",
)
_WHOLE: Final = frozenset({"eilt", "acil"})  # 'acilen' and 'eiltempo' are no such words
_NOT: Final = re.compile(r"\b(?:not|no longer|nicht|nicht mehr|plus|non)\s+$")


def propose_urgent(title: str) -> bool:
    """Propose whether an appeal is urgent, by its title in any language that readers know."""
    folded = fold(unicodedata.normalize("NFC", title[:1000]))
    for word in re.finditer(r"[^\W\d_]+", folded):
        if any(word[0].startswith(each) and (each not in _WHOLE or word[0] == each) for each in _URGENT):
            return _NOT.search(folded[: word.start()]) is None
    return False
