"""Mail addresses that Joomla's cloak hides from robots and shows by script: whom an appeal asks to write to.

Up to 3 a script puts the address together from string literals (`addy`); from 4 on `<joomla-hidden-mail>` holds its
halves in base64. Where neither can be read, nothing is taken: better than 'This email address is being protected'.
"""

import base64
import binascii
import html
import re
from collections.abc import Mapping
from typing import Final

_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,190}")
_PARTS: Final = re.compile(r"addy\w*\s*=\s*((?:(?:addy\w*|'[^'\n]{0,200}')\s*\+?\s*){1,20});")
_LITERAL: Final = re.compile(r"'([^'\n]*)'")
_LONGEST: Final = 5000


def address_in_script(script: str) -> str:
    """Put an address together as Joomla 1.5 to 3 has the browser do it; empty if the script hides none."""
    parts = (part for line in _PARTS.finditer(script[:_LONGEST]) for part in _LITERAL.findall(line[1]))
    return _checked(html.unescape("".join(parts)))


def address_in_element(attributes: Mapping[str, str | None]) -> str:
    """Put an address together from the halves that `<joomla-hidden-mail>` has in base64; empty if it has none."""
    try:
        first, last = (
            base64.b64decode((attributes.get(half) or "")[:400], validate=True).decode("utf-8")
            for half in ("first", "last")
        )
    except (binascii.Error, ValueError):
        return ""
    return _checked(f"{first}@{last}")


def _checked(address: str) -> str:
    return address if _ADDRESS.fullmatch(address) else ""
