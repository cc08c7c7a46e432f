"""From bytes to text: which charset a page is in, by what it says and by what it is."""

import codecs
import re
from typing import Final

from charset_normalizer import from_bytes

from newsletter.appeals.sources.faults import SourceEmpty, SourceNotText

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KINDS: Final = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "an archive or an office document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a recording"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
)
_META: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_XML: Final = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")
# Python also has codecs such as rot13 or unicode_escape, which no page is written in: only these are believed.
_TEXT_CHARSET: Final = re.compile(
    r"utf-?8|utf-?(?:16|32)(?:-?[lb]e)?|(?:us-)?ascii|(?:iso-?)?8859-\d{1,2}|iso-8859-\d{1,2}|latin-?\d{1,2}"
    r"|(?:windows|cp)-?(?:125\d|874|1361)|koi8-[rut]|mac-?(?:roman|cyrillic|greek|turkish)|gb2312|gbk|gb18030|big5"
    r"|euc-(?:jp|kr)|shift[_-]jis|iso-2022-jp"
)
_LANGUAGE: Final = re.compile(rb"""<html[^>]{0,300}?\slang\s*=\s*["']?([A-Za-z]{2,3})\b""", re.IGNORECASE)
_LEGACY: Final = {
    "cp1251": {"ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg"},
    "cp1250": {"pl", "cs", "sk", "hu", "ro", "sl", "hr", "bs", "sq"},
    "cp1253": {"el"},
    "cp1254": {"tr", "ku", "az"},
    "cp1255": {"he"},
    "cp1256": {"ar", "fa", "ur", "ckb"},
    "cp1257": {"et", "lv", "lt"},
}
_LIKELY: Final = [
    "cp1252",
    *_LEGACY,
    "koi8_r",
    "cp437",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "mac_roman",
]
_LATIN: Final = frozenset({"cp1250", "cp1252", "cp1254", "cp1257", "mac_roman", "cp437"})
_ODD_IN_WESTERN: Final = re.compile(
    r"(?<=[^\W\d_])[ðþýÐÞÝ¹³¿¼¾œŸ\ufffd]|[ðþýÐÞÝ¹³¿¼¾Ÿ\ufffd](?=[^\W\d_])(?!(?<=¿)[A-ZÁÉÍÓÚ])"
)
_SAMPLE_BYTES: Final = 200_000  # what the guess is made from
_BEYOND_ASCII: Final = re.compile("[\x80-\ufffc\U00010000-\U0010ffff]")
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(content: bytes, *, place: str, charset: str = "") -> str:
    """Make text of bytes: by its byte order mark, by what HTTP and then the page say, as UTF-8, and last by a guess.

    Args:
        content: the whole page or file.
        place: how to name it to a person.
        charset: what the HTTP header says, or nothing.

    Raises:
        SourceEmpty: there is nothing but space in it.
        SourceNotText: it is something else, such as a picture.
    """
    if not content.strip():
        raise SourceEmpty(place=place)
    kind = next((kind for magic, kind in _KINDS if content.startswith(magic)), None)
    if kind:
        raise SourceNotText(place=place, kind=kind)
    text = _decoded(content, charset)
    if text is None or len(_CONTROLS.findall(text[:_SAMPLE_BYTES])) > len(text[:_SAMPLE_BYTES]) // 50:
        raise SourceNotText(place=place, kind="binary data")
    if not text.strip("\ufeff \t\r\n\0"):
        raise SourceEmpty(place=place)
    return text.removeprefix("\ufeff")


def decode_doubting(content: bytes, *, place: str, charset: str = "") -> str:
    """As `decode`, but whoever says what: bytes that can only be UTF-8 are read as UTF-8.

    Feeds say one charset in HTTP and another in XML, and are written in a third; text in any other charset is hardly
    ever UTF-8 by accident. A few broken bytes, as at the end of what was cut off, don't make it something else.
    """
    if content.startswith((b"<\x00?\x00", b"<\x00r\x00", b"<\x00f\x00")):
        return decode(content, place=place, charset="utf-16-le")
    if content.startswith((b"\x00<\x00?", b"\x00<\x00r", b"\x00<\x00f")):
        return decode(content, place=place, charset="utf-16-be")
    if not content.isascii() and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-8", errors="replace")
        broken = text.count("\ufffd")
        if broken * 4 < len(_BEYOND_ASCII.findall(text, 0, _SAMPLE_BYTES)):
            return decode(text.encode() if broken else content, place=place, charset="utf-8")
    return decode(content, place=place, charset=charset)


def _decoded(content: bytes, charset: str) -> str | None:
    said = [encoding for mark, encoding in _BOMS if content.startswith(mark)]
    head = content[:8192]
    said += [
        charset,
        *(found[1].decode("ascii") for found in (_META.search(head), _XML.search(head)) if found),
        "utf-8",
    ]
    for name in said:
        try:
            text = content.decode(_codec(name)) if _codec(name) else None
        except (UnicodeError, LookupError):
            continue
        if text is not None:
            return text
    return _guessed(content)


def _codec(name: str) -> str:
    """Understand a charset's name as browsers do: who says Latin-1 means windows-1252 (WHATWG Encoding, 4.2)."""
    plain = name.strip().lower()
    if plain in {"utf-8-sig", "utf-16", "utf-32"}:
        return plain
    if plain in {"iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "ascii"}:
        return "cp1252"
    return plain if _TEXT_CHARSET.fullmatch(plain) else ""


def _guessed(content: bytes) -> str | None:
    """Guess as browsers do, by the page's language (WHATWG HTML, 13.2.3.2); without one, by its bytes."""
    if b"\0" in content:
        return None
    if language := _LANGUAGE.search(content[:8192]):
        code = language[1].decode("ascii").lower()
        encoding = next((each for each, codes in _LEGACY.items() if code in codes), "cp1252")
        return content.decode(encoding, errors="replace")
    guesses = from_bytes(content[:_SAMPLE_BYTES], cp_isolation=_LIKELY)
    best = guesses.best()
    if best is None:
        return None
    encoding = _latin(content) if best.encoding in _LATIN else ""
    return content.decode(encoding or best.encoding, errors="replace")


def _latin(content: bytes) -> str:
    """Tell western from Turkish among Latin charsets, which a statistical guess mixes up; empty if it is neither."""
    odd = set(_ODD_IN_WESTERN.findall(content[:_SAMPLE_BYTES].decode("cp1252", errors="replace")))
    if not odd:
        return "cp1252"
    return "cp1254" if odd <= set("ðþýÐÞÝ") else ""
