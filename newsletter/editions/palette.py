"""An organisation's one colour, made into colours that can be read on light and on dark."""

import re
from dataclasses import dataclass
from typing import Self

from newsletter.errors import NewsletterError

PAPER = "#ffffff"
NIGHT = "#1d1c1a"
INK = "#1c1a17"

_TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_NIGHT_CONTRAST = 5.5  # thin letters on dark ground need more than the rule
_SHAPE_CONTRAST = 3.0  # WCAG 2.2, 1.4.11
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class ColourInvalid(NewsletterError):
    """The colour '{colour}' is not written as # and six digits, such as #8a1c1c. Mend `brand_colour`."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours as `#rrggbb`: six digits, since some mail programs read three as another colour.

    Attributes:
        brand: the organisation's colour as it gave it, for rules.
        accent, accent_dark: the same for text on light and dark ground.
        button, button_text: a button on light ground.
        button_dark, button_text_dark: a button on dark ground.
    """

    brand: str
    accent: str
    accent_dark: str
    button: str
    button_text: str
    button_dark: str
    button_text_dark: str

    @classmethod
    def of(cls, colour: str) -> Self:
        """Derive all colours from one.

        Raises:
            ColourInvalid: it isn't `#rrggbb`. Nothing else may come near a style sheet.
        """
        if not _HEX.fullmatch(colour):
            raise ColourInvalid(colour=colour)
        brand = colour.lower()
        button = _apart(brand, from_=PAPER, towards="#000000", enough=_SHAPE_CONTRAST)
        button_dark = _apart(brand, from_=NIGHT, towards="#ffffff", enough=_SHAPE_CONTRAST)
        return cls(
            brand=brand,
            accent=_apart(brand, from_=PAPER, towards="#000000", enough=_TEXT_CONTRAST),
            accent_dark=_apart(brand, from_=NIGHT, towards="#ffffff", enough=_NIGHT_CONTRAST),
            button=button,
            button_text=_readable_on(button),
            button_dark=button_dark,
            button_text_dark=_readable_on(button_dark),
        )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, by WCAG 2.2."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _apart(colour: str, *, from_: str, towards: str, enough: float) -> str:
    """The colour, or the nearest mix with black or white that stands out enough."""
    for share in range(0, 101, 4):
        mixed = _mix(colour, towards, share / 100)
        if contrast(mixed, from_) >= enough:
            return mixed
    return towards


def _readable_on(ground: str) -> str:
    return PAPER if contrast(PAPER, ground) >= contrast(INK, ground) else INK


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
