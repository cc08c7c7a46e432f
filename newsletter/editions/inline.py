"""Styles into style attributes, since much mail software reads no style sheet. Premailer does it, once a part."""

import logging

_EDGE = "<!--edge-->"


def inline_page(page: str) -> str:
    """Inline a whole page's style sheets, bar those marked `data-premailer="ignore"`, which stay as they are.

    Premailer would rewrite a media query or drop what it can't read in it, so those belong in a sheet that it ignores.
    """
    import cssutils  # noqa: PLC0415 - these two take as long to load as most commands take to run without them
    from premailer import Premailer  # noqa: PLC0415

    # The network stays out of reach: templates may be an organisation's own, and appeals are anybody's.
    cssutils.ser.prefs.minimizeColorHash = False  # three digits are another colour to some mail programs
    premailer = Premailer(
        page,
        allow_network=False,
        strip_important=False,
        remove_classes=False,  # the sheet that stays needs them: dark mode, wide windows
        keep_style_tags=False,
        disable_validation=True,  # mail needs properties that no standard knows, such as mso-padding-alt
        disable_basic_attributes=["align", "width", "height"],  # set by hand where Outlook needs them
        cssutils_logging_level=logging.CRITICAL,
    )
    return str(premailer.transform(pretty_print=False))


def inline_fragment(fragment: str, *, styles: str) -> str:
    """Inline a style sheet into a piece of a page, as the page would have it in the same place.

    Args:
        fragment: block elements, whole; what can stand in a table cell.
        styles: the sheet of the page that it will stand in; its selectors must not reach above the fragment.
    """
    page = f"<!DOCTYPE html><html><head><style>{styles}</style></head><body>{_EDGE}{fragment}{_EDGE}</body></html>"
    # The outermost edges: lxml leaves < and > in attributes as they are, so that a title there may look like an edge.
    _, _, rest = inline_page(page).partition(_EDGE)
    inlined, _, _ = rest.rpartition(_EDGE)
    return inlined.strip()
