"""Joomla's category blogs, layout by layout."""

import time

import pytest

from newsletter.appeals.sources.blog import read_blog
from newsletter.appeals.sources.faults import ItemDateImpossible, ItemWithoutDate, ItemWithoutTitle, NoAppeals
from tests.appeals.sources.site import read_source

BASE = "https://appeals.example/blog"

# file: title, byline, date, language, address, teaser
GOLDEN = {
    "joomla15-en.html": [
        (
            "Turkey: Free the Izmir dock organisers",
            "Harbour Workers' Committee",
            "2014-03-04",
            "en",
            "http://www.appeals.example/solidarity/42-izmir-docks",
            (
                "Four organisers of the Izmir docks have been held since Sunday. Their union asks for letters.\n\n"
                "Write to the port’s management & to the embassy."
            ),
        ),
        (
            "Urgent: hunger strike at the textile mill",
            "In Solidarity",
            "2014-02-28",
            "en",
            "http://www.appeals.example/solidarity/41-textile-mill",
            (
                "“We will not eat until they reinstate the six,” said the branch secretary in Bangladesh.\n\n"
                "The strike enters its ninth day."
            ),
        ),
    ],
    "joomla15-fa.html": [
        (
            "فوری: کارگران فولاد اهواز در ایران بازداشت شدند",
            "کمیته همبستگی",
            "2012-11-06",
            "fa",
            "https://appeals.example/fa/hambastegi/12-ahvaz",
            "پنج کارگر فولاد از دیروز در بازداشت\u200cاند.\n\nنامه\u200cهای اعتراضی بفرستید.",
        ),
        (
            "زندانیان کرد در ترکیه در اعتصاب غذا",
            "دفاع از زندانیان",
            "2012-11-05",
            "fa",
            "",
            "این فراخوان از ترکیه رسیده است.",
        ),
    ],
    "joomla25-es.html": [
        (
            "Marruecos: mineros en huelga en Uarzazat",
            "Liga de Acción",
            "2012-10-16",
            "es",
            "https://appeals.example/es/solidaridad/7-mineros",
            "La lucha de los mineros entra en una fase decisiva.\n\nQuince compañeros han sido detenidos.",
        ),
        (
            "Llamamiento urgente: compañeros heridos en El Salvador",
            "Hilda Rosales",
            "2012-03-14",
            "es",
            "https://appeals.example/es/solidaridad/6-heridos",
            "Dos compañeros saltaron de un autobús en llamas.",
        ),
    ],
    "joomla25-pt-iso-8859-1.html": [
        (
            "Greve geral em Moçambique",
            "José Conceição",
            "2012-03-17",
            "pt",
            "https://appeals.example/pt/1-greve",
            "Não há salários há três meses.",
        )
    ],
    "joomla3-fr.html": [
        (
            "Kazakhstan : ouvriers du pétrole en grève",
            "Nouveaux Socialistes",
            "2011-11-29",
            "fr",
            "https://appeals.example/fr/solidarite/9-zhanaozen",
            "Nous venons de recevoir cette lettre.\n\nCe que vous pouvez faire\n\nÉcrivez à l’ambassade.",
        ),
        (
            "Appel urgent : prisonniers kurdes en grève de la faim",
            "Défense du marxisme",
            "2012-11-06",
            "fr",
            "",
            "Cet appel nous vient de Turquie.",
        ),
    ],
    "joomla3-ru-windows-1251.html": [
        (
            "Срочно: расстрел рабочих в Казахстане",
            "Новые социалисты",
            "2011-12-17",
            "ru",
            "https://appeals.example/ru/solidarnost/3-zhanaozen",
            "«Началась война, расскажите всем!»",
        ),
        (
            "Голодовка в турецких тюрьмах",
            "В защиту марксизма",
            "2012-11-06",
            "ru",
            "",
            "Курдские заключённые голодают.",
        ),
    ],
    "joomla4-de.html": [
        (
            "Dringend: Ölarbeiter in Kasachstan brauchen Solidarität",
            "Neue Sozialisten",
            "2021-11-29",
            "de",
            "https://appeals.example/de/solidaritaet/kasachstan",
            "Seit sieben Monaten streiken die Ölarbeiter.\n\nSchreibt an die Botschaft.\n\nSammelt Geld.",
        ),
        ("Hafenarbeiter in der Türkei verhaftet", "", "2021-10-02", "de", "", "Vier Hafenarbeiter sitzen in Haft."),
    ],
    "joomla5-ar.html": [
        (
            "عاجل: إضراب عام في المغرب",
            "رابطة العمل",
            "2023-10-17",
            "ar",
            "https://appeals.example/ar/tadamun/5-ouarzazate",
            "اعتُقل خمسة عشر عاملاً من عمال المناجم.",
        ),
        (
            "عمال النفط في كازاخستان يطلبون التضامن",
            "اشتراكيون جدد",
            "2022-11-29",
            "ar",
            "",
            "وصلتنا هذه الرسالة اليوم.",
        ),
    ],
}


def facts(items):
    return [
        (item.title, item.byline, item.published_on.isoformat(), item.language, item.url, item.teaser) for item in items
    ]


@pytest.mark.parametrize("name", GOLDEN)
def test_each_layout_is_read_as_it_is_printed(pages, site, name):
    body = (pages / name).read_bytes()
    site.page("/blog", body.decode("latin-1"), encoding="latin-1")

    items = read_source(f"{site.address}/blog", max_pages=1)

    assert facts(items) == [
        (*item[:4], item[4].replace("https://appeals.example", site.address), item[5]) for item in GOLDEN[name]
    ]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_saved_page_reads_the_same_but_for_links_that_lead_nowhere_from_a_file(pages, name):
    items = read_source(str(pages / name))

    assert [(item.title, item.byline, item.teaser) for item in items] == [
        (title, byline, teaser) for title, byline, _, _, _, teaser in GOLDEN[name]
    ]
    assert all(item.url.startswith("http://www.appeals.example/") or not item.url for item in items)


def test_an_address_is_the_first_name_of_an_item_and_date_with_title_the_second(pages):
    item = read_source(str(pages / "joomla15-en.html"))[0]

    assert item.identities == (
        "url:appeals.example/solidarity/42-izmir-docks",
        "dated:2014-03-04:turkey free the izmir dock organisers",
    )


def blog(item, lang="en", around=""):
    return (
        f'<html lang="{lang}"><body><div class="blog"><div class="items-row"><div class="item">{item}</div></div>'
        f"{around}</div></body></html>"
    )


INFO = '<dl class="article-info"><dd class="published">06 November 2012</dd></dl>'


@pytest.mark.parametrize("heading", ["h1", "h2", "h3", "h4"])
@pytest.mark.parametrize("linked", [True, False])
def test_a_title_may_be_any_heading_with_or_without_a_link(heading, linked):
    title = '<a href="/a">A strike</a>' if linked else "A strike"
    (item,) = read_blog(blog(f"<{heading}>{title}</{heading}>{INFO}<p>Text</p>"), place="x", base=BASE)

    assert (item.title, item.url) == ("A strike", "https://appeals.example/a" if linked else "")


def test_the_info_block_may_stand_below_the_text():
    (item,) = read_blog(
        blog(f'<h2>T</h2><p>One.</p><p>Two.</p>{INFO}<p class="readmore"><a href="t">Read more: T</a></p>'),
        place="x",
        base=BASE,
    )

    assert (item.teaser, item.url) == ("One.\n\nTwo.", "https://appeals.example/t")


def test_the_day_of_publication_goes_before_the_day_of_creation():
    info = (
        '<dl class="article-info"><dd class="create">Created: 01 May 2012</dd>'
        '<dd class="published">Published: 06 November 2012</dd></dl>'
    )
    (item,) = read_blog(blog(f"<h2>T</h2>{info}<p>Text</p>"), place="x")

    assert item.published_on.isoformat() == "2012-11-06"


def test_a_date_counts_as_the_site_shows_it_whatever_its_zone():
    info = (
        '<dl class="article-info"><dd class="published"><time datetime="2012-11-06T00:30:00+02:00">x</time></dd></dl>'
    )
    (item,) = read_blog(blog(f"<h2>T</h2>{info}<p>Text</p>"), place="x")

    assert item.published_on.isoformat() == "2012-11-06"


def test_name_and_date_may_share_one_line_in_1_5():
    page = (
        '<table class="contentpaneopen"><tr><td class="contentheading">T</td></tr></table>'
        '<table class="contentpaneopen"><tr><td><span class="small">Written by Ana Tuesday, 6 November 2012</span></td>'
        "</tr><tr><td>Text</td></tr></table>"
    )
    (item,) = read_blog(page, place="x")

    assert (item.byline, item.published_on.isoformat(), item.teaser, item.language) == (
        "Ana",
        "2012-11-06",
        "Text",
        "en",
    )


def test_without_a_language_of_the_page_the_wording_tells():
    page = blog(
        '<h2>T</h2><dl class="article-info"><dd class="createdby">Écrit par Ana</dd>'
        '<dd class="published">Publié le 6 novembre 2012</dd></dl><p>Texte</p>'
    ).replace(' lang="en"', "")
    (item,) = read_blog(page, place="x")

    assert item.language == "fr"


def test_alternative_texts_scripts_and_hidden_words_are_no_text():
    (item,) = read_blog(
        blog(
            f'<h2>T</h2>{INFO}<p><img src="a.jpg" alt="miners-th">One<script>alert(1)</script>'
            '<span style="" hidden>hidden</span><!-- note --> two</p><style>p{}</style>'
        ),
        place="x",
    )

    assert item.teaser == "One two"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "mailto:a@b.example", "#", "http://[", "ftp://a.example/x", "http:///x"]
)
def test_links_that_are_no_pages_are_dropped(link):
    (item,) = read_blog(blog(f'<h2><a href="{link}">T</a></h2>{INFO}<p>Text</p>'), place="x", base=BASE)

    assert item.url == ""


def test_a_page_of_another_kind_is_read_by_its_words():
    page = (
        '<html lang="en"><body><h1>Appeals</h1><div><a href="/t">A strike</a></div>'
        "<div>Written by Ana 06 November 2012</div><p>Text.</p><p>More.</p></body></html>"
    )
    (item,) = read_blog(page, place="x", base=BASE)

    assert (item.title, item.byline, item.teaser, item.url) == (
        "A strike",
        "Ana",
        "Text.\n\nMore.",
        "https://appeals.example/t",
    )


@pytest.mark.parametrize(
    ("page", "fault", "sentence"),
    [
        ("<html><body><p>Nothing</p></body></html>", NoAppeals, "x has no appeals"),
        (blog(f"<p>Text</p>{INFO}"), ItemWithoutTitle, "x, item 1: this appeal has no title"),
        (blog("<h2>Strike</h2><p>Text</p>"), ItemWithoutDate, "x, item 1: “Strike” has no date"),
        (blog(f"<h2>T</h2>{INFO.replace('06 Nov', '31 Nov')}"), ItemDateImpossible, "x, item 1: “31 November 2012”"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(page, fault, sentence):
    with pytest.raises(fault) as refusal:
        read_blog(page, place="x")
    assert str(refusal.value).startswith(sentence)


def test_a_page_nested_beyond_all_reason_does_no_harm():
    page = (
        "<div class=blog><div class=item><h2>T</h2><p class=published>06 November 2012</p>"
        + "<span class=small><p>" * 20_000
    )
    (item,) = read_blog(page + "deep", place="x")

    assert item.title == "T"


def test_a_page_of_tags_that_are_never_closed_costs_bounded_time():
    started = time.process_time()

    with pytest.raises(NoAppeals):
        read_blog('<div class="blog">' + "<div>" * 200_000, place="x")

    assert time.process_time() - started < 5
