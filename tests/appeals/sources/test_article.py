"""An article's own page: title, byline, date and text, and all that stands around them."""

import time
from datetime import date

import pytest

from newsletter.appeals.sources.article import read_article
from newsletter.appeals.sources.faults import ArticleUnreadable, SourceEmpty, SourceFault, SourceNotText

TODAY = date(2026, 11, 23)
BASE = "https://a.example/news/strike"
TEXT = "<p>Four miners have been held since Sunday, and nobody says where they are.</p>"


def read(html, **facts):
    content = html if isinstance(html, bytes) else html.encode()
    return read_article(content, place="the page", today=TODAY, **({"base": BASE} | facts))


def page(inner=TEXT, head="", title="Strike at the mine", lang="en"):
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{inner}</body></html>"
    )


def ld(facts):
    return f'<script type="application/ld+json">{facts}</script>'


ARTICLE = (
    '{"@type": "NewsArticle", "headline": "Strike", "datePublished": "2012-11-06T10:00:00Z", '
    '"author": {"name": "Anna"}}'
)
REFERRING = ARTICLE.replace('{"name": "Anna"}', '{"@id": "#a"}')


# Machines' words


@pytest.mark.parametrize(
    "facts",
    [
        ARTICLE,
        f"[{ARTICLE}]",
        f'{{"@graph": [{{"@type": "WebSite", "name": "News"}}, {ARTICLE}]}}',
        f"<!-- {ARTICLE} -->",
        f"//<![CDATA[\n{ARTICLE}\n//]]>",
        f"{ARTICLE};",
        ARTICLE.replace("}}", "},}"),
        ARTICLE.replace('"Strike"', '"Stri\nke"').replace("Stri\nke", "Strike\t"),
        ARTICLE.replace('"NewsArticle"', '["Article", "https://schema.org/BlogPosting"]'),
        ARTICLE.replace('{"name": "Anna"}', '["Anna"]'),
        ARTICLE.replace('{"name": "Anna"}', '[{"@type": "Person", "name": ["Anna"]}]'),
        f'{{"@graph": [{REFERRING}, {{"@id": "#a", "@type": "Person", "name": "Anna"}}]}}',
        f'{{"@type": "WebPage", "mainEntity": {ARTICLE}}}',
        ARTICLE + ARTICLE,
    ],
)
def test_json_ld_is_understood_however_templates_write_it(facts):
    found = read(page(head=ld(facts)))

    assert (found.title, found.byline, found.published_on) == ("Strike", "Anna", date(2012, 11, 6))


@pytest.mark.parametrize(
    "facts", ["", "{", "null", "7", '"x"', "[[[[", "{'single': 1}", "[" * 100_000, '{"@graph": 3}', '{"@type": {}}']
)
def test_json_ld_that_says_nothing_is_passed_over(facts):
    assert read(page(head=ld(facts))).title == "Strike at the mine"


def test_of_several_articles_in_json_ld_the_page_s_own_counts():
    others = [f'{{"@type": "Article", "url": "https://a.example/{n}", "headline": "Other {n}"}}' for n in range(5)]
    own = f'{{"@type": "Article", "mainEntityOfPage": {{"@id": "{BASE}/"}}, "headline": "Own"}}'

    assert read(page(head=ld(f"[{', '.join([*others, own])}]"))).title == "Own"
    assert read(page(head=ld(f"[{', '.join(others)}]"))).title == "Strike at the mine"


def test_open_graph_and_dublin_core_stand_in():
    head = (
        '<meta property="og:title" content="Strike &amp; Song - The News">'
        '<meta property="og:site_name" content="The News">'
        '<meta property="article:published_time" content="2012-11-06T23:00:00+03:00">'
        '<meta name="DC.creator" content="Anna K."><meta property="og:description" content="In short.">'
        '<meta property="og:image" content="/cover.jpg"><meta property="article:author" content="https://x.example/anna">'
    )
    found = read(page(head=head))

    assert (found.title, found.byline, found.published_on) == ("Strike & Song", "Anna K.", date(2012, 11, 6))
    assert (found.description, found.pictures[0].url) == ("In short.", "https://a.example/cover.jpg")


def test_a_claimed_title_that_was_cut_off_is_the_heading_s():
    head = ld('{"@type": "Article", "headline": "Strike at the…"}')
    assert read(page(f"<h1>Strike at the mine of Soma</h1>{TEXT}", head)).title == "Strike at the mine of Soma"


def test_a_page_is_its_canonical_address_only_on_its_own_site():
    def address(canonical, base=BASE):
        return read(page(head=f'<link rel="canonical" href="{canonical}">'), base=base).url

    assert address("/news/own") == "https://a.example/news/own"
    assert address("https://www.a.example/own") == "https://www.a.example/own"
    assert address("https://thief.example/other") == BASE
    assert address("javascript:x") == BASE


# Who


@pytest.mark.parametrize(
    ("inner", "byline"),
    [
        (
            '<article><h1>S</h1><p itemprop="author" itemscope><b itemprop="name">Anna K.</b></p>{}</article>',
            "Anna K.",
        ),
        ('<article><h1>S</h1><a rel="author" href="/anna">Anna K.</a>{}</article>', "Anna K."),
        ('<article><h1>S</h1><p class="byline">By <a href="/x">Anna K.</a></p>{}</article>', "Anna K."),
        ("<h1>S</h1><p>Written by Anna K. on 6 November 2012</p>{}", "Anna K."),
        ("<h1>S</h1><p>Von Anna K.</p>{}", "Anna K."),
        ("<h1>S</h1><p>Geschrieben von Anna K.</p>{}", "Anna K."),
        ("<h1>S</h1><p>Anna K. tarafından yazıldı</p>{}", "Anna K."),
        ("<h1>S</h1><p>نوشته شده توسط آنا</p>{}", "آنا"),
        ('<div class="item-page"><h2>S</h2><dd class="createdby">Escrito por Anna K.</dd>{}</div>', "Anna K."),
        ("<h1>S</h1>{}<p>By then they had gone home, and nobody asked why they came.</p>", ""),
        ("<h1>S</h1>{}", ""),
        ('<article><h1>S</h1>{}</article><div class="author-bio">By Somebody Else</div>', ""),
        ('<article><h1>S</h1>{}</article><div id="comments"><span class="author">Troll</span></div>', ""),
        ('<article><h1>S</h1>{}</article><aside class="sidebar"><a rel="author">Neighbour</a></aside>', ""),
    ],
)
def test_the_byline_is_what_the_article_says_and_nobody_beside_it(inner, byline):
    assert read(page(inner.format(TEXT))).byline == byline


def test_the_site_s_own_name_is_nobody_s_byline_unless_it_signs():
    site = '<meta property="og:site_name" content="The News">'
    claimed = ld('{"@type": "Article", "author": {"@type": "Organization", "name": "The News"}}')
    marked = f'<article><h1>S</h1><span class="author">The News</span>{TEXT}</article>'

    assert read(page(head=site + claimed)).byline == ""
    assert read(page(marked, site)).byline == ""
    assert read(page(head=site + '<meta name="author" content="the news">')).byline == ""
    assert read(page(f"<h1>S</h1><p>Written by The News</p>{TEXT}", site)).byline == "The News"


def test_what_the_article_shows_goes_before_what_the_site_says_on_every_page():
    head = '<meta name="author" content="Webteam">'
    assert read(page(f"<h1>S</h1><p>Written by Anna K.</p>{TEXT}", head)).byline == "Anna K."
    assert read(page(head=head)).byline == "Webteam"


# When


@pytest.mark.parametrize(
    ("inner", "lang", "day"),
    [
        (
            '<article><h1>S</h1><time datetime="2012-11-06T23:00:00-08:00">last week</time>{}</article>',
            "en",
            "2012-11-06",
        ),
        ("<article><h1>S</h1><time>6 November 2012</time>{}</article>", "en", "2012-11-06"),
        (
            (
                '<article><h1>S</h1><time class="updated" datetime="2020-01-01">x</time>'
                '<time class="published" datetime="2012-11-06">x</time>{}</article>'
            ),
            "en",
            "2012-11-06",
        ),
        ('<div itemscope><meta itemprop="datePublished" content="2012-11-06">{}</div>', "en", "2012-11-06"),
        ("<h1>S</h1><p>6 Kasım 2012</p>{}", "tr", "2012-11-06"),
        ("<h1>S</h1><p>۱۶ آبان ۱۳۹۱</p>{}", "fa", "2012-11-06"),
        ("<p>06/11/2012</p><h1>S</h1>{}", "fr", "2012-11-06"),
        ("<h1>S</h1>{}<p>Madrid, 6 de noviembre de 2012</p>", "es", "2012-11-06"),
        ("<h1>S</h1><p>Last updated 7 May 2019</p>{}", "en", None),
        (
            (
                "<h1>S</h1>{}<p>On 1 May 2012 they came again, and a long story began that nobody has told to its end "
                "as yet.</p>"
            ),
            "en",
            None,
        ),
        ('<article><h1>S</h1>{}</article><div class="sidebar"><time datetime="2019-01-01">x</time></div>', "en", None),
        ('<article><h1>S</h1>{}</article><ul class="related-posts"><li>1 January 2019</li></ul>', "en", None),
        ('<article><h1>S</h1><time datetime="2031-01-01">x</time>{}</article>', "en", None),
        ("<h1>S</h1><p>31.02.2012</p>{}", "de", None),
        ("<h1>S</h1>{}", "en", None),
    ],
)
def test_the_date_is_the_article_s_and_no_neighbour_s(inner, lang, day):
    assert read(page(inner.format(TEXT), lang=lang)).published_on == (day and date.fromisoformat(day))


# What


@pytest.mark.parametrize(
    "around",
    [
        '<div class="cookie-notice">{}</div>',
        '<div id="cookieConsent">{}</div>',
        "<nav>{}</nav>",
        "<aside>{}</aside>",
        '<div class="comments-area">{}</div>',
        '<section id="respond">{}</section>',
        '<div class="related-posts">{}</div>',
        '<div class="sharedaddy">{}</div>',
        '<ul class="social-share">{}</ul>',
        '<div class="widget">{}</div>',
        '<div class="newsletter-signup newsletter">{}</div>',
        '<div class="breadcrumbs">{}</div>',
        "<script>{}</script>",
        '<div class="author-bio">{}</div>',
        '<div class="site-footer">{}</div>',
        "<noscript>{}</noscript>",
        '<div class="pagination">{}</div>',
        '<div class="jp-relatedposts">{}</div>',
        '<div class="post-tags">{}</div>',
    ],
)
@pytest.mark.parametrize(
    "article",
    [
        '<article><h1>Strike</h1><div class="entry-content">{0}{1}</div></article>',
        "<div><h1>Strike</h1>{0}{0}{0}</div>{1}",
        "<h1>Strike</h1>{1}{0}{0}",
    ],
)
def test_what_stands_around_an_article_is_none_of_it(around, article):
    noise = around.format("<p>Something else that has nothing to do with it, 1 May 2020</p>")
    found = read(page(article.format(TEXT * 2, noise)))

    assert "Four miners" in found.body
    assert "Something else" not in found.body
    assert found.published_on is None


def test_longer_comments_are_not_the_text():
    comments = '<div id="comments"><div class="comment"><p>' + "And so on. " * 300 + "</p></div></div>"
    assert read(page(f"<article><h1>S</h1>{TEXT}</article>{comments}")).body.startswith("Four miners")


def test_a_short_appeal_beside_a_long_sidebar_is_read():
    beside = '<div class="sidebar">' + "<p>Something else, 1 May 2020, and more of it.</p>" * 6 + "</div>"
    found = read(page(f"<div><h1>Strike at the mine</h1>{TEXT}</div>{beside}"))

    assert (found.body, found.published_on) == (TEXT.removeprefix("<p>").removesuffix("</p>"), None)


def test_comments_that_call_themselves_articles_are_none():
    comment = '<article class="comment-body"><p>And so on, 1 May 2020.</p></article>' * 8
    found = read(page(f'<div><h1>Strike</h1>{TEXT}</div><div class="comments-area"><h2>Comments</h2>{comment}</div>'))

    assert "And so on" not in found.body
    assert found.published_on is None


def test_what_a_script_would_fade_in_is_read():
    assert "Four miners" in read(page(f'<article style="opacity: 0" class="fade">{TEXT}</article>')).body


def test_title_date_and_byline_are_not_said_again_in_the_text():
    found = read(page(f"<div><h1>Strike at the mine</h1><p>By Anna K.</p><p>6 November 2012</p>{TEXT}{TEXT}</div>"))

    assert (found.title, found.byline, found.published_on) == ("Strike at the mine", "Anna K.", date(2012, 11, 6))
    assert found.body.startswith("Four miners")
    assert found.teaser.startswith("Four miners")


def test_a_class_such_as_content_with_sidebar_hides_nothing():
    assert (
        "Four miners"
        in read(page(f'<div class="no-sidebar has-sidebar"><div class="sidebar"><h1>S</h1>{TEXT * 3}</div></div>')).body
    )


def test_a_form_around_the_page_hides_nothing():
    assert "Four miners" in read(page(f'<form id="aspnetForm"><input type="hidden">{TEXT * 10}</form>')).body


def test_a_page_of_line_breaks_is_read():
    text = "<font>One long line of a text from before.<br><br>Another one.</font>"
    inner = f"<table><tr><td><a href='/'>Home</a></td><td>{text}</td></tr></table>"
    assert read(page(inner)).body == "One long line of a text from before.\n\nAnother one."


def test_the_language_is_the_page_s():
    assert read(page(lang="pt-br")).language == "pt-BR"
    assert read(page(lang="xx-nonsense")).language == ""
    assert read(page(lang="en"), language="fr").language == "fr"
    assert read(page(lang="", head='<meta property="og:locale" content="tr_TR">')).language == "tr-TR"


def test_a_charset_that_lies_is_seen_through():
    assert read(page("<p>Забастовка в шахте продолжается</p>").encode("utf-8"), charset="iso-8859-1").body.startswith(
        "Забастовка"
    )
    russian = '<html lang="ru"><meta charset="windows-1251"><h1>Шахта</h1><p>Забастовка продолжается</p></html>'
    assert read(russian.encode("cp1251")).body == "Забастовка продолжается"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", SourceEmpty),
        (b"%PDF-1.5", SourceNotText),
        (b"<html><body><script>x()</script></body></html>", ArticleUnreadable),
    ],
)
def test_what_is_no_article_is_refused_in_one_sentence(content, fault):
    with pytest.raises(fault, match="the page"):
        read(content)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 300_000,
        "<p>" * 300_000,
        "<p>x" * 60_000,
        "<div class=comment>x</div>" * 40_000,
        "<br>x" * 60_000,
        "<h1>x</h1>" * 30_000,
        ld("[" + '{"@type":"Article"},' * 30_000 + "{}]"),
        "<meta name=a content=b>" * 50_000,
        "<span class=author>x</span>" * 50_000,
        "<time datetime=x>y</time>" * 50_000,
        "<li><a href=x>x</a>" * 50_000,
    ],
    ids=lambda html: html[:24],
)
def test_a_hostile_page_costs_bounded_time(html):
    started = time.process_time()
    try:
        read(page(html))
    except SourceFault as fault:
        assert isinstance(fault, ArticleUnreadable)  # noqa: PT017
    assert time.process_time() - started < 8
