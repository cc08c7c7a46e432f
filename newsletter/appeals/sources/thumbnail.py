"""Names of thumbnails that ran into the text when a page was copied: `bpj-logoTwo comrades …`."""

import re
from typing import Final

# How Joomla's image plugins and people name small pictures: what the file's name ends with.
_SUFFIX: Final = (
    r"(?:th|thn|thumb|thumbs|thumbnail|tn|sm|small|mini|med|medium|logo|icon|img|image|pic|photo|foto|bild|banner|web"
    r"|resized|cropped|crop|copy|\d{1,4}x\d{1,4})\d{0,3}"
)
_EXTENSION: Final = r"\.(?:jpe?g|png|gif|webp|bmp|svg)"

_NAME: Final = re.compile(
    rf"(?:thumbs?|thumbnail)[ _-]\w[\w.-]*"  # thumb oil_workers_logo|We
    rf"|\w[\w-]*[_-]{_SUFFIX}(?:{_EXTENSION})?"  # firstfourarrestedminers-th|The
    rf"|\w[\w.-]*{_EXTENSION}"  # strike2012.jpg|The
    r"|[a-z0-9]+(?:[_-][a-z0-9]+)*_[a-z0-9]+"  # oil_workers|We; no word of prose has an underscore
    r"|(?i:img|image|dscn?|pict?|photo|foto)[_-]?\d{2,}",  # dsc0123|The
    re.ASCII,
)
# A name without any mark of its own is told only by the word it ran into; 'iPhone' and 'openDemocracy' are none.
_BARE: Final = re.compile(
    r"[a-z][a-z0-9]{5,}(?=(?:The|This|These|We|On|In|At|As|An|After|It|Our|Two|Three|Today|Yesterday|El|La|Los|Las|Le|Les|"
    r"Der|Die|Das|Il|Nous|Wir)\s)"
)
_SIGNS: Final = "“\"‘'«„(¡¿"
_LONGEST: Final = 120  # characters of a name


def without_thumbnails(text: str) -> str:
    """Take the name of a picture off the beginning of each paragraph.

    The name is recognised by how such files are named, and by running into the first letter of a sentence without
    a space; prose such as 'Anti-fascist', 'The e-mail', 'McDonald workers' or 'iPhone' stays as it is.

    Args:
        text: paragraphs apart by an empty line.
    """
    return "\n\n".join(_without_thumbnail(paragraph) for paragraph in text.split("\n\n"))


def _without_thumbnail(paragraph: str) -> str:
    if bare := _BARE.match(paragraph):
        return paragraph[bare.end() :]
    for end in range(2, min(_LONGEST, len(paragraph))):
        if paragraph[end - 1].isspace() and not paragraph[:end].startswith("thumb"):
            break
        if _begins_sentence(paragraph, end) and _NAME.fullmatch(paragraph, 0, end):
            return paragraph[end:]
    return paragraph


def _begins_sentence(text: str, at: int) -> bool:
    """Tell whether a sentence may begin here: a capital, a letter of a script without case, an opening sign."""
    letter = text[at]
    if letter in _SIGNS:
        return True
    if not letter.isalpha() or letter.islower():
        return False
    return not letter.isupper() or not text[at - 1].isupper()
