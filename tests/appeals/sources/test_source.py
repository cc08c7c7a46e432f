"""Sources as a whole: files and sites, their pages, and all that can be wrong with them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter import __version__
from newsletter.appeals.sources import Page, SourceFault
from newsletter.appeals.sources.charset import decode
from newsletter.appeals.sources.faults import (
    AddressBroken,
    NoAppeals,
    PageRefused,
    PageUnreachable,
    RedirectElsewhere,
    RedirectLoop,
    SchemeRefused,
    SourceEmpty,
    SourceIsFolder,
    SourceMissing,
    SourceNotText,
    SourceTooLarge,
    SourceUnreadable,
)
from newsletter.appeals.sources.identity import identities
from tests.appeals.sources.site import read_source, running_site


def blog(*titles, following="", lang="en"):
    items = "".join(
        f'<div class="item"><h2><a href="/appeals/{title.replace(" ", "-")}">{title}</a></h2><dl class="article-info">'
        f'<dd class="published">06 November 2012</dd></dl><p>About {title}.</p></div>'
        for title in titles
    )
    pager = f'<div class="pagination"><ul>{following}</ul></div>'
    return (
        f'<html lang="{lang}"><body><div class="blog"><div class="items-row">{items}</div>{pager}</div></body></html>'
    )


def titles(items):
    return [item.title for item in items]


NEXT = '<li class="pagination-next"><a title="Next" href="{}" class="pagenav">Next</a></li>'


# Pages


@pytest.mark.parametrize(
    "link",
    [
        NEXT,
        '<li><strong><span class="pagenav">1</span></strong></li><li><a href="{}" title="2" class="pagenav">2</a></li>',
        '<li><a href="{}" title="Next" class="pagenav">&gt;</a></li>',
        '<li class="active page-item"><a aria-current="true" href="#">1</a></li><li><a href="{}">2</a></li>',
        '<li class="page-item"><a aria-label="Gehe zur nächsten Seite" rel="next" href="{}">x</a></li>',
        '<li><a class="hasTooltip" title="Suivant" href="{}"><span class="icon-next"></span></a></li>',
        '<li><a href="{}" class="pagenav">بعدی</a></li>',
    ],
)
def test_the_next_page_is_found_however_the_layout_links_to_it(site, link):
    site.page("/blog", blog("One", following=link.format("/blog?start=1")))
    site.page("/blog?start=1", blog("Two"))

    assert titles(read_source(f"{site.address}/blog")) == ["One", "Two"]


@pytest.mark.parametrize("name", ["joomla15-en.html", "joomla25-es.html", "joomla3-fr.html", "joomla4-de.html"])
def test_each_layout_s_own_pagination_is_followed(pages, tmp_path, name):
    """Beside the saved page lies the next one, under the name that its link has."""
    first = tmp_path / "first.html"
    first.write_bytes((pages / name).read_bytes())
    follows = {"joomla15-en.html": "solidarity", "joomla25-es.html": "solidaridad", "joomla3-fr.html": "solidarite"}
    (tmp_path / f"{follows.get(name, 'solidaritaet')}?start=2").write_text(blog("On the next page"), encoding="utf-8")

    assert titles(read_source(str(first)))[2:] == ["On the next page"]


def test_pages_keep_their_order_and_an_appeal_on_two_of_them_is_taken_once(site):
    site.page("/blog", blog("One", "Two", following=NEXT.format("?start=2")))
    site.page("/blog?start=2", blog("Two", "Three", following=NEXT.format("?start=4")))
    site.page("/blog?start=4", blog("Four"))
    told = []

    items = read_source(f"{site.address}/blog", on_page=lambda number, location: told.append((number, location)))

    assert titles(items) == ["One", "Two", "Three", "Four"]
    assert items[0].identities[0] == f"url:127.0.0.1:{site.address.rpartition(':')[2]}/appeals/One"
    assert told == [
        (1, f"{site.address}/blog"),
        (2, f"{site.address}/blog?start=2"),
        (3, f"{site.address}/blog?start=4"),
    ]
    assert site.agents == {f"solidarity-newsletter/{__version__}"}


def test_pages_that_lead_back_are_read_once(site):
    site.page("/blog", blog("One", following=NEXT.format("/blog?start=1")))
    site.page("/blog?start=1", blog("Two", following=NEXT.format("/blog")))

    assert titles(read_source(f"{site.address}/blog")) == ["One", "Two"]
    assert len(site.asked) == 2


def test_pages_that_bring_nothing_new_end_the_reading(site):
    for number in range(10):
        site.page(f"/blog?start={number}", blog("One", following=NEXT.format(f"/blog?start={number + 1}")))

    assert titles(read_source(f"{site.address}/blog?start=0")) == ["One"]
    assert len(site.asked) == 2


def test_no_more_pages_are_read_than_allowed(site):
    for number in range(10):
        site.page(f"/blog?start={number}", blog(f"Appeal {number}", following=NEXT.format(f"/blog?start={number + 1}")))

    assert len(read_source(f"{site.address}/blog?start=0", max_pages=3)) == 3
    assert len(site.asked) == 3


def test_an_empty_page_at_the_end_is_no_fault(site):
    site.page("/blog", blog("One", following=NEXT.format("/blog?start=1")))
    site.page("/blog?start=1", "<html><body>Nothing here</body></html>")

    assert titles(read_source(f"{site.address}/blog")) == ["One"]


def test_a_next_page_on_another_host_is_not_fetched(site):
    with running_site() as other:
        other.page("/blog", blog("Elsewhere"))
        site.page("/blog", blog("One", following=NEXT.format(f"{other.address}/blog")))

        assert titles(read_source(f"{site.address}/blog")) == ["One"]
        assert other.asked == []


def test_a_next_page_that_redirects_to_another_host_is_refused(site):
    with running_site() as other:
        other.page("/blog", blog("Elsewhere"))
        site.page("/blog", blog("One", following=NEXT.format("/2")))
        site.redirect("/2", f"{other.address}/blog")

        with pytest.raises(RedirectElsewhere, match="leads to another site"):
            read_source(f"{site.address}/blog")
        assert other.asked == [], "it must be refused before it is asked"


def test_the_page_s_base_is_where_its_links_start(site):
    page = blog("One", following=NEXT.format("blog?start=1"))
    site.page("/a/b/c", page.replace("<body>", f'<head><base href="{site.address}/x/"></head><body>'))
    site.page("/x/blog?start=1", blog("Two"))

    assert titles(read_source(f"{site.address}/a/b/c")) == ["One", "Two"]


def test_a_saved_page_is_followed_to_the_files_beside_it_and_no_further(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.html").write_text(blog("One", following=NEXT.format("2.html")), encoding="utf-8")
    (tmp_path / "in" / "2.html").write_text(blog("Two", following=NEXT.format("../3.html")), encoding="utf-8")
    (tmp_path / "3.html").write_text(blog("Three"), encoding="utf-8")

    assert titles(read_source(str(tmp_path / "in" / "1.html"))) == ["One", "Two"]


def test_a_fetch_of_one_s_own_is_used_for_the_web(pages):
    asked = []

    def fetch(url):
        asked.append(url)
        return Page(location=url, content=(pages / "joomla4-de.html").read_bytes())

    items = read_source("https://appeals.example/de", fetch=fetch, max_pages=1)

    assert asked == ["https://appeals.example/de"]
    assert items[0].url == "https://appeals.example/de/solidaritaet/kasachstan"


# What it is, and which charset it is in


def test_content_decides_not_the_file_s_name(pages, tmp_path):
    for name, wrong in [("listing.txt", "a.html"), ("joomla4-de.html", "a.md"), ("hunger-strike.md", "a.txt")]:
        (tmp_path / wrong).write_bytes((pages / name).read_bytes())

        assert titles(read_source(str(tmp_path / wrong))) == titles(read_source(str(pages / name)))


def test_a_listing_may_be_served_as_plain_text(site, pages):
    site.page(
        "/appeals.txt", (pages / "listing.txt").read_text(encoding="utf-8"), content_type="text/plain; charset=utf-8"
    )

    assert len(read_source(f"{site.address}/appeals.txt")) == 3


TEXTS = {
    "cp1252": "Huelga en España\n\nEscrito por José Núñez Martes, 06 Noviembre 2012\n\n¿Quién pagará mañana?\n",
    "cp1251": "Забастовка в Казахстане\n\nАвтор: Новые социалисты Вторник, 06 Ноябрь 2012\n\nМы получили это письмо.\n",
    "cp1253": "Απεργία πείνας\n\nΓράφτηκε από τον/την Άννα Τρίτη, 06 Νοεμβρίου 2012\n\nΟι κρατούμενοι συνεχίζουν.\n",
    "cp1254": "Açlık grevi\n\nYazan: Ayşe Işık Salı, 06 Kasım 2012\n\nİşçiler için dayanışma çağrısı yapıyoruz.\n",
    "cp1256": "إضراب عام في المغرب\n\nكتب بواسطة: رابطة العمل الثلاثاء, 06 نوفمبر 2012\n\nاعتقل العمال يوم الأحد.\n",
    "utf-8": "Çağrı\n\nYazan: Ayşe Salı, 06 Kasım 2012\n\nMetin.\n",
    "utf-8-sig": "Çağrı\n\nYazan: Ayşe Salı, 06 Kasım 2012\n\nMetin.\n",
    "utf-16": "Çağrı\n\nYazan: Ayşe Salı, 06 Kasım 2012\n\nMetin.\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_that_does_not_say_its_charset_is_understood(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(TEXTS[encoding].encode(encoding))

    (item,) = read_source(str(tmp_path / "a.txt"))

    assert item.title == TEXTS[encoding].split("\n")[0]
    assert item.published_on.isoformat() == "2012-11-06"


def test_what_the_server_says_of_the_charset_goes_before_what_the_page_says(site):
    page = blog("Забастовка", lang="ru").replace("<body>", '<head><meta charset="utf-8"></head><body>')
    site.page("/blog", page, encoding="cp1251", content_type="text/html; charset=windows-1251")

    assert titles(read_source(f"{site.address}/blog")) == ["Забастовка"]


@pytest.mark.parametrize(
    "said", ["rot13", "unicode_escape", "hex", "idna", "utf-7", "nonsense", "undefined", "x" * 100]
)
def test_a_charset_that_no_page_has_is_not_believed(said):
    assert decode("Grève".encode(), place="x", charset=said) == "Grève"


# What can be wrong


@pytest.mark.parametrize(
    ("content", "fault", "sentence"),
    [
        (b"", SourceEmpty, "is empty"),
        (b" \n\t", SourceEmpty, "is empty"),
        (b"\xef\xbb\xbf\n", SourceEmpty, "is empty"),
        (b"%PDF-1.7 x", SourceNotText, "it looks like a PDF"),
        (b"PK\x03\x04xxxx", SourceNotText, "an archive or an office document"),
        (b"\x89PNG\r\n\x1a\n", SourceNotText, "a picture"),
        (bytes(range(256)) * 10, SourceNotText, "binary data"),
        (b"Just some words.", NoAppeals, "has no appeals"),
        (b'<?xml version="1.0"?><rss><channel></channel></rss>', NoAppeals, "has no appeals"),
    ],
)
def test_a_file_that_is_no_source_is_refused_in_one_sentence(tmp_path, content, fault, sentence):
    file = tmp_path / "a.txt"
    file.write_bytes(content)

    with pytest.raises(fault) as refusal:
        read_source(str(file))
    assert str(refusal.value).startswith(str(file))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceMissing, match=r"There is no file .*nowhere\.txt"):
        read_source(str(tmp_path / "nowhere.txt"))


def test_a_folder_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(SourceIsFolder, match=r"is a folder\. Name the files"):
        read_source(str(tmp_path))


def test_a_file_that_can_t_be_opened_is_refused_with_the_reason(tmp_path):
    file = tmp_path / "a.txt"
    file.symlink_to(file)
    with pytest.raises(SourceUnreadable, match="Too many levels of symbolic links"):
        read_source(str(file))


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "/dev/zero", ""])
def test_paths_that_are_no_files_are_refused(path):
    with pytest.raises(SourceFault):
        read_source(path)


def test_a_file_larger_than_the_bound_is_refused(tmp_path):
    file = tmp_path / "a.txt"
    with file.open("wb") as sparse:
        sparse.truncate(10_000_001)
    with pytest.raises(SourceTooLarge, match="larger than 10 MB"):
        read_source(str(file))


@pytest.mark.parametrize("address", ["ftp://appeals.example/x", "file:///etc/passwd", "gopher://x", "javascript://x"])
def test_only_http_is_read(address):
    with pytest.raises(SchemeRefused, match="Only http:// and https:// are"):
        read_source(address)


@pytest.mark.parametrize(
    "address", ["http://", "http://[", "https://exa mple/", "http://a\0b/", "http://x:99999/", "http://.."]
)
def test_broken_addresses_are_refused(address):
    with pytest.raises((AddressBroken, PageUnreachable, SchemeRefused)):
        read_source(address)


def test_a_page_that_is_not_there_is_refused_with_its_status(site):
    with pytest.raises(PageRefused, match="answered 404 Not Found"):
        read_source(f"{site.address}/nowhere")


def test_redirects_are_followed_and_links_start_from_where_they_lead(site):
    site.redirect("/old", "/new/blog")
    site.page("/new/blog", blog("One", following=NEXT.format("blog?start=1")))
    site.page("/new/blog?start=1", blog("Two"))

    assert titles(read_source(f"{site.address}/old")) == ["One", "Two"]


def test_redirects_without_end_are_refused(site):
    site.redirect("/loop", "/loop")
    with pytest.raises(RedirectLoop, match="redirects more than 5 times"):
        read_source(f"{site.address}/loop")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://appeals.example/", "http://["])
def test_redirects_out_of_the_web_are_refused(site, to):
    site.redirect("/out", to)
    with pytest.raises((SchemeRefused, AddressBroken, PageUnreachable)):
        read_source(f"{site.address}/out")


def test_a_server_that_is_not_there_is_told():
    with running_site() as gone:
        address = gone.address
    with pytest.raises(PageUnreachable, match="can't be reached"):
        read_source(f"{address}/blog")


# Names


@pytest.mark.parametrize(
    "url",
    [
        "https://www.Appeals.example/a/b/",
        "http://appeals.example/a/b",
        "http://appeals.example:80/a/b?utm_source=x&print=1&tmpl=component#top",
        "https://appeals.example/a/b?format=pdf&fbclid=1",
        "https://appeals.example/%61/b",
    ],
)
def test_one_page_has_one_name_however_its_address_is_written(url, now):
    assert identities(title="T", published_on=now.date(), url=url)[0] == "url:appeals.example/a/b"


def test_what_the_address_asks_for_stays_if_it_makes_the_page(now):
    url = "https://appeals.example/index.php?view=article&id=42&option=com_content"

    assert identities(title="T", published_on=now.date(), url=url)[0] == (
        "url:appeals.example/index.php?id=42&option=com_content&view=article"
    )


def test_a_site_s_front_page_names_no_appeal(now):
    assert identities(title="T", published_on=now.date(), url="https://appeals.example/") == ("dated:2026-11-23:t",)


def test_titles_that_differ_in_case_space_and_marks_are_one(now):
    names = {
        identities(title=title, published_on=now.date())
        for title in ("Strike: day 4!", "STRIKE  day—4", "strike day 4")
    }

    assert len(names) == 1


def test_long_names_keep_within_600_characters_and_apart(now):
    one, other = (identities(title="x" * 900 + end, published_on=now.date())[0] for end in "ab")

    assert len(one) == len(other) == 600
    assert one != other


# Whatever the bytes


def read_bytes(content, tmp_path):
    file = tmp_path / "any"
    file.write_bytes(content)
    refusals, items = [], []
    try:
        items = read_source(str(file))
    except SourceFault as refusal:
        refusals.append(str(refusal))
    assert all("\n" not in refusal for refusal in refusals)
    for item in items:
        assert 0 < len(item.title) <= 300
        assert "\n" not in item.title
        assert len(item.byline) <= 300
        assert len(item.teaser) <= 20_000
        assert all(0 < len(name) <= 600 for name in item.identities)
        for text in (item.title, item.byline, item.teaser.replace("\n", " ")):
            assert not {unicodedata.category(letter) for letter in text} & {"Cc", "Co", "Cs"}
        item.content_hash.encode()


@given(st.binary(max_size=400))
@settings(max_examples=150)
def test_no_bytes_raise_anything_but_a_sentence(tmp_path, content):
    read_bytes(content, tmp_path)


PIECES = st.sampled_from(
    [
        *(b"---\n", b"\n", b": ", b"[", b"<", b">", b'"', b"\0", b"\xff", b"\xe2\x80\xae", b"\xd8\xa7", b"{{"),
        *(b"31 February 2012", b"<table>", b"</div>", b"<base href='http://['>", b'class="item"', b"Written by "),
        *(b"&#0;&#xD800;", b"!!python/name:os"),
    ]
)


@given(st.data())
@settings(max_examples=150)
def test_no_mutilated_page_raises_anything_but_a_sentence(tmp_path, pages, data):
    names = sorted(page.name for page in pages.iterdir())
    content = bytearray((pages / data.draw(st.sampled_from(names))).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 60))
        content[at : at + cut] = data.draw(st.one_of(PIECES, st.binary(max_size=8)))
    read_bytes(bytes(content), tmp_path)
