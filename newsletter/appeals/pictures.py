"""An appeal's picture: made anew from whatever came, so that nothing hidden in a file goes out with it.

A photograph says where and when and with whose camera it was taken; that alone can endanger who is on it.
"""

import hashlib
import io
import warnings
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.errors import NewsletterError
from subscribers.database import Base

LIMIT_BYTES: Final = 20_000_000
_LIMIT_PIXELS: Final = 60_000_000
_WIDEST: Final = 1200  # twice of what a mail shows
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY: Final = 82


class PictureUnreadable(NewsletterError):
    """{place} can't be used as a picture: {reason}. Give a JPEG, PNG, WebP or GIF file."""


class Picture(Base):
    """A picture as it goes out: JPEG, or PNG where it is partly transparent."""

    __tablename__ = "pictures"

    content_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(32))
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def file_name(self) -> str:
        """What it is called on the web."""
        return f"{self.content_hash}.{'png' if self.media_type == 'image/png' else 'jpg'}"


def read_picture(path: Path) -> bytes:
    """Read a picture's file.

    Raises:
        PictureUnreadable: it is not there, no file, or too large.
    """
    try:
        if not path.is_file():
            raise PictureUnreadable(place=path, reason="there is no such file")
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise PictureUnreadable(place=path, reason=(error.strerror or str(error)).lower()) from None
    if len(content) > LIMIT_BYTES:
        raise PictureUnreadable(place=path, reason=f"it has more than {LIMIT_BYTES // 1_000_000} MB")
    return content


def keep_picture(session: Session, content: bytes, *, place: str) -> Picture:
    """Make a picture anew, without anything but its pixels, and keep it.

    Args:
        session: a writing transaction.
        content: an image file.
        place: how to name it to a person.

    Raises:
        PictureUnreadable: it is none, or too large.
    """
    made = made_anew(content, place=place)
    found = session.get(Picture, made.content_hash)
    if found is None:
        found = made
        session.add(found)
        session.flush()
    return found


def made_anew(content: bytes, *, place: str) -> Picture:
    """Make a picture anew, without anything but its pixels; arguments and errors as for `keep_picture`."""
    made, media_type, (width, height) = _anew(content, place)
    digest = hashlib.sha256(made).hexdigest()
    return Picture(content_hash=digest, media_type=media_type, width=width, height=height, content=made)


def _anew(content: bytes, place: str) -> tuple[bytes, str, tuple[int, int]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
            reason = "it has more than 60 million pixels" if image.width * image.height > _LIMIT_PIXELS else ""
            if not reason:
                image.load()
                image = ImageOps.exif_transpose(image)
                transparent = "A" in image.getbands() or "transparency" in image.info
                image = image.convert("RGBA" if transparent else "RGB")
                image.thumbnail((_WIDEST, _WIDEST * 2))
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        reason = "it is no picture that is understood here"
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError, Warning):
        reason = "the file is broken"  # Pillow's readers let through what such a one makes them stumble over
    if reason:
        raise PictureUnreadable(place=place, reason=reason)
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    kept = io.BytesIO()
    if transparent:
        bare.save(kept, "PNG", optimize=True)
    else:
        bare.save(kept, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return kept.getvalue(), "image/png" if transparent else "image/jpeg", bare.size
