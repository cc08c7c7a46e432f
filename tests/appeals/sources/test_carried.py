"""From untrusted HTML to what a mail can carry."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.sources.carried import carried
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.prose import BODY_LONGEST
from newsletter.editions.body import body_html, body_text

BASE = "https://a.example/news/1"


def markdown(html, base=BASE):
    return carried(html, base=base).markdown


def shown(html):
    """What a mail shows of it, without the space between elements."""
    return re.sub(r">\s+<", "><", body_html(markdown(html)))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One</p><p>Two</p>", "<p>One</p><p>Two</p>"),
        ("One<br><br>Two<br>three", "<p>One</p><p>Two<br>\nthree</p>"),
        ("Plain words\n\nand more", "<p>Plain words</p><p>and more</p>"),
        ("<h1>Head</h1><div>Words</div>", "<h3>Head</h3><p>Words</p>"),
        ("<b>Bold</b>, <i>leaning</i> and <strong><em>both</em></strong>", None),
        ("<blockquote><p>Said</p><p>more</p></blockquote>", "<blockquote><p>Said</p><p>more</p></blockquote>"),
        ("<ul><li>One</li><li>Two</li></ul>", "<ul><li>One</li><li>Two</li></ul>"),
        ("<ol start='4'><li>Four</li><li>Five</li></ol>", '<ol start="4"><li>Four</li><li>Five</li></ol>'),
        ("<ul><li>A<ul><li>B</li></ul></li><li>C</li></ul>", "<ul><li>A\n<ul><li>B</li></ul></li><li>C</li></ul>"),
        ("<ul><li>A</ul><ul><li>B</ul>", "<ul><li>A</li></ul><ul><li>B</li></ul>"),
        ("<p>A</p><ol start=4><li></li><li>B</li></ol>", '<p>A</p><ol start="5"><li>B</li></ol>'),
        ("<li>Stray</li>", "<ul><li>Stray</li></ul>"),
        ("<p>Above</p><hr><p>Below</p>", "<p>Above</p><hr><p>Below</p>"),
        ("<pre>a\n  b</pre>", "<pre><code>a\n  b\n</code></pre>"),
        ("<p>Run <code>a*b</code></p>", "<p>Run <code>a*b</code></p>"),
        ("<table><tr><th>Name<th>City<tr><td>Anna<td>Izmir</table>", "<p>Name | City<br>\nAnna | Izmir</p>"),
        (
            "<table><tr><td><p>A</p><p>B</p></td><td><ul><li>C</ul></td></tr></table>",
            "<p>A</p><p>B</p><ul><li>C</li></ul>",
        ),
        ("<dl><dt>When</dt><dd>Friday</dd></dl>", "<p>When</p><p>Friday</p>"),
        ("<a href='/x'>Here</a>", '<p><a href="https://a.example/x">Here</a></p>'),
        ("<a href='2?a=1&amp;b=(2)'>Here</a>", '<p><a href="https://a.example/news/2?a=1&amp;b=%282%29">Here</a></p>'),
        ("<a href='/x#part'>Here</a>", '<p><a href="https://a.example/x#part">Here</a></p>'),
        ("<a href='#note'>[1]</a>", "<p>[1]</p>"),
        ("<a href='mailto:a@b.example?subject=x'>Write</a>", '<p><a href="mailto:a@b.example?subject=x">Write</a></p>'),
        ("<a href='/x'><h2>Head</h2><p>Words</p></a>", None),
        (
            "<a href='/sign'><img src='/b.png' alt='Sign now'></a>",
            '<p><a href="https://a.example/sign">Sign now</a></p>',
        ),
        ("Now!<a href='/x'>Here</a>", '<p>Now!<a href="https://a.example/x">Here</a></p>'),
        ("سلام <b>رفقا</b>", "<p>سلام <strong>رفقا</strong></p>"),
    ],
)
def test_a_mail_shows_what_the_page_shows(html, expected):
    assert shown(html) == (expected or shown(html))
    assert _words(shown(html)) == _words(html) or "<img" in html or "<table" in html


def test_emphasis_and_links_survive_with_their_words():
    found = shown("<b>Bold</b>, <i>leaning</i> and <strong><em>both</em></strong>; un<b>bear</b>able <b>Note:</b>text")

    assert "<strong>Bold</strong>, <em>leaning</em> and " in found
    assert "un<strong>bear</strong>able" in found
    assert "<strong>Note</strong>:text" in found
    assert re.search(r"<(em|strong)><(em|strong)>both</", found)
    block = shown("<a href='/x'><h2>Head</h2><p>Words</p></a>")
    assert block == ('<h3><a href="https://a.example/x">Head</a></h3><p><a href="https://a.example/x">Words</a></p>')


@pytest.mark.parametrize(
    "text",
    [
        "*not bold*",
        "_not_ so",
        "`tick`",
        "# no heading",
        "- no list",
        "+ no",
        "1. no list",
        "12) no",
        "> no quote",
        "[no](link)",
        "![no](picture)",
        "[no]: reference",
        "&copy; as written",
        "back\\slash",
        "===",
        "---",
        "~~~ no fence",
        "<b>as written</b>",
        "http://a.example/x_y_z",
        "snake_case_word",
        "2 * 3 * 4",
        "|a|b|",
        "a  b",
        "no heading #",
        "<1@1>",
        "#",
        "##",
        "\\#",
        "<http://a.example>",
        "!",
        "[x",
        "x]",
        "\\*",
        "``",
        "***",
        "- - -",
        "    four",
    ],
)
@pytest.mark.parametrize(
    "around", ["<p>{}</p>", "<h3>{}</h3>", "<ul><li>{}</ul>", "a<br>{}", "<b>{}</b>", "<a href='/x'>{}</a>"]
)
def test_text_stays_text_whatever_markdown_makes_of_it(text, around):
    html = around.format(text.replace("&", "&amp;").replace("<", "&lt;"))

    assert _words(body_html(markdown(html))) == _words(html)
    assert body_html(markdown(html)).count("<") <= html.count("<") + 8


def _words(html):
    body = LexborHTMLParser(html).body
    return re.sub(r"\s+", "", body.text()) if body is not None else ""


WORDS = st.text(alphabet="ab1 *_`[]()<>&;#-+=.!\\~|:éش“!\"'/@", max_size=12).map(
    lambda text: text.replace("&", "&amp;").replace("<", "&lt;")
)


def _inline(inner):
    return st.one_of(
        st.tuples(st.sampled_from(["b", "i", "em", "code", "u"]), inner).map(lambda two: "<{0}>{1}</{0}>".format(*two)),
        inner.map(lambda each: f'<a href="https://a.example/x_(y)?a=1&amp;b=*2">{each}</a>'),
        st.tuples(inner, st.sampled_from(["", " ", "<br>"]), inner).map("".join),
    )


def _blocks(inner):
    return st.one_of(
        inner.map(lambda each: f"<blockquote>{each}</blockquote>"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda all_: "".join(["<ol start=4>", *(f"<li>{x}" for x in all_), "</ol>"])
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda all_: "".join(["<ul>", *(f"<li>{x}" for x in all_), "</ul>"])
        ),
        st.tuples(inner, inner).map("".join),
    )


INLINE = st.recursive(WORDS, _inline, max_leaves=6)
HTML = st.recursive(
    st.one_of(INLINE.map("<p>{}</p>".format), INLINE.map("<h3>{}</h3>".format), INLINE), _blocks, max_leaves=5
)


@settings(max_examples=250)
@given(HTML)
def test_the_same_words_come_back_from_any_html(html):
    assert _words(body_html(markdown(html))) == _words(html)


# What is out


@pytest.mark.parametrize(
    "html",
    [
        "<script>bad()</script>",
        "<style>.bad{}</style>",
        "<iframe src='/bad'>bad</iframe>",
        "<object>bad</object>",
        "<form action='/'><input value='bad'><label>bad</label><button>bad</button></form>",
        "<select><option>bad</select>",
        "<textarea>bad</textarea>",
        "<noscript>bad</noscript>",
        "<template>bad</template>",
        "<svg><text>bad</text></svg>",
        "<math><mi>bad</mi></math>",
        "<!-- bad -->",
        "<video>bad</video>",
        "<p hidden>bad</p>",
        "<p style='display:none'>bad</p>",
        "<div style='font-size: 0px;'>bad</div>",
        "<span aria-hidden='true'>bad</span>",
        "<p class='screen-reader-text'>bad</p>",
        "<p style='visibility : hidden'>bad</p>",
        "<dialog>bad</dialog>",
        "<p style='position:absolute;left:-9999px'>bad</p>",
        "<svg><style><img src=x onerror=bad()></style></svg>",
        "<a href='javascript:bad()'></a>",
        "<img src='x' onerror='bad()'>",
        "<plaintext hidden>bad",
    ],
)
def test_what_does_not_belong_into_a_mail_is_out(html):
    found = carried(f"<p>Good</p>{html}", base=BASE)

    assert "bad" not in found.markdown
    assert found.markdown.startswith("Good")


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "https://",
        "http://[",
        "ftp://a.example/x",
        "mailto:",
        "&#106;avascript:alert(1)",
        "\x01javascript:x",
    ],
)
def test_a_link_that_leads_nowhere_good_leaves_its_words(href):
    found = markdown(f'<a href="{href}">words</a>')

    assert "words" in found
    assert "script:" not in found or found.startswith("[words](https://a.example/")
    assert "data:" not in found
    assert "file:" not in found


def test_relative_links_without_a_base_are_dropped():
    assert carried("<a href='/x'>Here</a><img src='/y.jpg'>").markdown == "Here"
    assert carried("<img src='/y.jpg'>").pictures == ()


@pytest.mark.parametrize(
    "image",
    [
        '<img src="/p.gif" width="1" height="1">',
        '<img src="/p.gif" width="0">',
        '<img src="/p.gif" height="2px">',
        '<img src="/p.gif" style="display:none">',
        '<img hidden src="/p.gif">',
        '<img src="https://pixel.wp.com/b.gif?x=1">',
        '<img src="https://feeds.feedburner.com/~r/x/~4/y">',
        '<img src="https://www.facebook.com/tr?id=1">',
        '<img src="https://x.list-manage.com/track/open.php?u=1">',
        '<img src="/spacer.gif">',
        '<img src="/images/1x1.png">',
        '<img src="https://a.example/wf/open?upn=1">',
        '<img src="data:image/gif;base64,R0lGOD">',
        '<img src="javascript:x">',
        "<img>",
        '<img src="http://vg07.met.vgwort.de/na/1">',
    ],
)
def test_pixels_that_count_readers_are_no_pictures(image):
    assert carried(f"<p>Words</p>{image}", base=BASE).pictures == ()


def test_pictures_are_listed_with_what_they_show_and_are_not_in_the_text():
    found = carried(
        '<p>Words</p><img src="/a.jpg" alt="The  gate"><figure><img src="x.gif" data-src="/b.jpg">'
        '<figcaption>The yard</figcaption></figure><img srcset="/c.jpg 1x, /d.jpg 2x"><img src="/a.jpg">'
        '<img class="emoji" alt="✊" src="https://s.w.org/x.svg">',
        base=BASE,
    )

    assert [(each.url, each.alt) for each in found.pictures] == [
        ("https://a.example/a.jpg", "The gate"),
        ("https://a.example/b.jpg", "The yard"),
        ("https://a.example/c.jpg", ""),
    ]
    assert found.markdown == "Words\n\n✊"


def test_joomla_s_cloaked_addresses_are_links_again():
    found = markdown(
        "<p>Write: <script>var addy1 = 'info' + '&#64;'; addy1 = addy1 + 'a' + '.' + 'example';</script>"
        "<script>document.write('<span style=\\'display: none;\\'>');</script>This address is being protected "
        "<script>x</script></p>"
        '<joomla-hidden-mail first="aW5mbw==" last="Yi5leGFtcGxl">protected</joomla-hidden-mail>'
    )

    assert found == "Write: <info@a.example>\n\n<info@b.example>"


def test_wordpress_s_footer_and_read_more_are_no_text():
    more = "<p><a href='/1'>Read more</a></p>"
    appeared = "<p>The post <a href='/1'>X</a> appeared first on <a href='/'>Y</a>.</p>"

    assert markdown(f"<p>Words</p>{more}{appeared}") == "Words"


def test_text_in_plain_mails_has_its_addresses():
    assert body_text(markdown("<p>Sign <a href='/x'>here</a></p>")) == "Sign here <https://a.example/x>"


# Bounds


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "<b>" * 100_000 + "x",
        "<blockquote>" * 50_000 + "x",
        "<ul><li>" * 50_000 + "x",
        "<table><tr><td>" * 20_000 + "x",
        "<a href=x>" * 50_000,
        "<b><p>" * 50_000,
        "<" * 400_000,
        "<select><option>" * 30_000,
        "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x",
        "x<br>" * 40_000,
        "<b>x</b>" * 50_000,
        "<div/>" * 60_000,
        "[" * 300_000,
        "*" * 300_000,
        "`" * 300_000,
        "a_" * 150_000,
        "<script>" * 50_000,
        "<!--" * 100_000,
        "<font><p>" * 40_000,
        "<svg><desc>" * 30_000,
        "&" * 150_000,
        "<i a=1><i b=2>" * 25_000 + "<p>" * 10_000,
        "<img src=/x alt=y>" * 20_000,
        "<table>" + "<tr><td>x<td>y" * 10_000 + "</table>",
        "<ol>" + "<li>x" * 60_000 + "</ol>",
        "<h1>" * 80_000,
    ],
    ids=lambda html: html[:24],
)
def test_any_nesting_is_read_in_bounded_time_and_space(html):
    started = time.process_time()
    found = carried(html, base=BASE)

    assert time.process_time() - started < 6
    assert len(found.markdown) <= BODY_LONGEST
    assert len(found.pictures) <= 50


def test_a_text_that_is_too_long_ends_at_a_paragraph():
    found = markdown("<p>" + "word " * 400 + "</p>" + "<p>Again " + "word " * 400 + "</p>" * 300)
    assert len(found) <= BODY_LONGEST

    long = markdown(f"<p>{'word ' * 400}</p>" * 190)
    assert long.endswith("word\n\n…")
    assert len(long) <= BODY_LONGEST


def test_pages_that_people_write_are_parsed_as_they_are():
    for html in (
        "<p>One<p>Two<br><img src=x>",
        "<div><ul><li>a<li>b</ul></div>" * 50,
        "<svg><path/><path/></svg>" * 300,
    ):
        assert bearable(html) == html
