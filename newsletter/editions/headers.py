"""Header values as they go on the wire, folded by us.

The standard library's folding loses spaces between encoded words (seen in 3.11 to 3.13), and a subject or a name
that arrives changed is not the one that was approved.
"""

import base64
import re

MAX_WORD_BYTES = 45  # 60 characters of base64 and 12 around them: within the 75 of RFC 2047 section 2
MAX_LINE = 76
_WORD = re.compile(r"[A-Za-z]+")  # an atom (RFC 5322 3.2.3) that is most first names
_ATOM_SPECIALS = frozenset('()<>[]:;@\\,."')


def unstructured(text: str, *, name: str) -> str:
    """Encode a header of free text (RFC 5322 2.2.1, RFC 2047).

    Args:
        text: one line of Unicode; whatever would start another line becomes a space.
        name: the header's name, for the length of the first line.

    Returns:
        ASCII, folded with CRLF and a space; no line over 76 characters but for an unbreakable ASCII word.
    """
    text = " ".join(text.split())
    if _is_plain(text):
        return _fold(text.split(" "), first=len(name) + 2)
    return _encoded_words(text)


def mailbox(display_name: str, address: str) -> str:
    """Write `Name <address>` (RFC 5322 3.4).

    Args:
        display_name: may be empty; one line of Unicode.
        address: as it stands in SMTP; without angle brackets.
    """
    if _WORD.fullmatch(display_name) and len(display_name) + len(address) < MAX_LINE - 20:
        return f"{display_name} <{address}>"
    display_name = " ".join(display_name.split())
    if not display_name:
        return address
    if not _is_plain(display_name) or len(display_name) > MAX_LINE - 10:
        phrase = _encoded_words(display_name)
    elif _ATOM_SPECIALS.isdisjoint(display_name):
        phrase = display_name
    else:
        phrase = '"' + display_name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    one_line = f"{phrase} <{address}>"
    return one_line if len(one_line) < MAX_LINE - 16 else f"{phrase}\r\n <{address}>"


def _is_plain(text: str) -> bool:
    # '=?' would be taken for an encoded word.
    return text.isascii() and text.isprintable() and "=?" not in text and all(len(w) < MAX_LINE for w in text.split())


def _encoded_words(text: str) -> str:
    whole = text.encode("utf-8", "replace")
    if len(whole) <= MAX_WORD_BYTES:
        return _word(whole)
    words: list[str] = []
    chunk = b""
    for char in text:
        encoded = char.encode("utf-8", "replace")
        if len(chunk) + len(encoded) > MAX_WORD_BYTES:
            words.append(_word(chunk))
            chunk = b""
        chunk += encoded
    words.append(_word(chunk))
    return "\r\n ".join(words)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="


def _fold(words: list[str], *, first: int) -> str:
    lines: list[str] = []
    line = ""
    for word in words:
        room = MAX_LINE - (first if not lines else 1)
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])
