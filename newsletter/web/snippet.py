"""A sign-up form as plain HTML for other sites: no script, no frame, nothing fetched from us before it is sent."""

from html import escape

from newsletter.languages import direction, words


def sign_up_form(base_url: str, language: str, *, source: str = "") -> str:
    """Write the form.

    Args:
        base_url: where our pages are, without a slash at the end.
        language: BCP 47 tag that has a catalogue.
        source: what the record of consent calls the form; empty means our own page.
    """
    say = words(language).gettext
    named = f'\n  <input type="hidden" name="source" value="{escape(source)}">' if source else ""
    return (
        f'<form action="{escape(base_url)}/subscribe?in={language}" method="post"'
        f' lang="{language}" dir="{direction(language)}">{named}\n'
        f"  <label>{escape(say('Email address'))}\n"
        '    <input type="email" name="email" required autocomplete="email" dir="ltr">\n'
        "  </label>\n"
        f"  <button>{escape(say('Sign up'))}</button>\n"
        "</form>"
    )
