"""The plain-text listing."""

from datetime import date
from pathlib import Path

import pytest

from newsletter.appeals.countries import propose_countries
from newsletter.appeals.sources import read_source
from newsletter.appeals.sources.faults import ItemDateImpossible, ItemWithoutDate, ItemWithoutTitle, NoAppeals
from newsletter.appeals.sources.listing import read_listing

SEED = Path(__file__).parents[4] / "shared" / "seeds" / "solidarity-appeals.txt"


@pytest.mark.skipif(not SEED.exists(), reason=f"needs {SEED.name} in the folder shared/seeds beside the checkout")
def test_the_seed_holds_seven_appeals():
    items = read_source(str(SEED))

    facts = [(item.title[:30], item.byline, item.published_on.isoformat(), _countries(item)) for item in items]
    assert facts == [
        ("Kurdish prisoners on hunger st", "In Defence of Marxism", "2012-11-06", "TR"),
        ("Morocco: General Strike Paraly", "Communist League of Action", "2012-10-17", "MA"),
        (
            "Kazakhstan: NPSMK - Solidarity",
            "Committee of The Independent Union of Students and Youth of Kazakhstan (NPSMK)",
            "2012-05-09",
            "KZ",
        ),
        ("Urgent solidarity appeal with ", "Hamid Alizadeh", "2012-03-14", "SV"),
        ("Italy: Stop victimization of a", "In Defence of Marxism", "2012-02-21", "IT"),
        ("Workers massacred in Kazakhsta", "In Defence of Marxism", "2011-12-17", "KZ"),
        ("Kazakhstan oil workers’ strike", "New Socialists of Kazakhstan", "2011-11-29", "KZ"),
    ]
    assert [item.teaser[:12] for item in items] == [
        "We publish t",
        "The struggle",
        "The Independ",
        "Two leading ",
        "An Italian s",
        "“A war has b",
        "We have just",
    ]
    assert items[-1].teaser.endswith("who are fighting for their rights.")
    assert {item.language for item in items} == {"en"}


def _countries(item):
    return " ".join(propose_countries(item.title, item.teaser, item.language))


def test_titles_names_dates_and_teasers_are_told_apart(pages):
    docks, mill, chile = read_source(str(pages / "listing.txt"))

    assert docks.title == "Turkey: Free the Izmir dock organisers"
    assert docks.byline == "Harbour Workers' Committee"
    assert docks.published_on == date(2014, 3, 4)
    assert docks.teaser == (
        "Four organisers of the Izmir docks have been held since Sunday. Their union asks for letters to the port's "
        "management.\n\nThe e-mail addresses are below. Anti-fascist groups in the city have joined the call."
    )
    assert docks.identities == ("dated:2014-03-04:turkey free the izmir dock organisers",)
    assert docks.urgency is None
    assert docks.countries is None
    assert docks.place.endswith("listing.txt, line 3")

    assert mill.byline == "In Solidarity, Textile Section (ITS)"
    assert mill.teaser.startswith("“We will not eat")
    assert mill.teaser.endswith("in Bangladesh.")  # 'Read more...' is none of it

    assert (chile.byline, chile.published_on) == ("Ana Robles", date(2014, 2, 3))
    assert chile.teaser == (
        "We received this appeal from Calama. McDonald workers in Antofagasta have collected for the families."
    )


@pytest.mark.parametrize(
    ("line", "language", "byline"),
    [
        ("Written by Ana Robles Tuesday, 06 November 2012", "en", "Ana Robles"),
        ("Written by: Ana Robles Tuesday, 06 November 2012", "en", "Ana Robles"),
        ("Escrito por Ana Robles Martes, 06 Noviembre 2012", "es", "Ana Robles"),
        ("Escrito por Ana Robles Terça, 06 Novembro 2012", "pt", "Ana Robles"),
        ("Écrit par Ana Robles Mardi, 06 Novembre 2012", "fr", "Ana Robles"),
        ("Geschrieben von: Ana Robles Dienstag, 06. November 2012", "de", "Ana Robles"),
        ("Scritto da Ana Robles Martedì 06 Novembre 2012", "it", "Ana Robles"),
        ("Geschreven door Ana Robles dinsdag 06 november 2012", "nl", "Ana Robles"),
        ("Автор: Ана Роблес Вторник, 06 Ноябрь 2012", "ru", "Ана Роблес"),
        ("Автор: Ана Роблес Сейсенбі, 06 Қараша 2012", "kk", "Ана Роблес"),
        ("Автор: Ана Роблес Вівторок, 06 листопада 2012", "uk", "Ана Роблес"),
        ("Wpisany przez Ana Robles wtorek, 06 listopada 2012", "pl", "Ana Robles"),
        ("Γράφτηκε από τον/την Άννα Τρίτη, 06 Νοεμβρίου 2012", "el", "Άννα"),
        ("Ana Robles tarafından yazıldı. Salı, 06 Kasım 2012", "tr", "Ana Robles"),
        ("Yazan: Ana Robles Salı, 06 Kasım 2012", "tr", "Ana Robles"),
        ("كتب بواسطة: آنا الثلاثاء, 06 تشرين الثاني/نوفمبر 2012", "ar", "آنا"),
        ("نوشته شده توسط آنا سه شنبه, 16 آبان 1391", "fa", "آنا"),
        ("Nivîskar: Ana Robles sêşem 06 mijdar 2012", "ku", "Ana Robles"),
    ],
)
def test_written_by_is_understood_in_the_language_of_the_site(line, language, byline):
    (item,) = read_listing(f"A title\n\n{line}\n\nA teaser.\n", place="x.txt")

    assert (item.byline, item.published_on, item.language) == (byline, date(2012, 11, 6), language)
    assert item.teaser == "A teaser."


def test_the_language_that_was_asked_for_wins():
    (item,) = read_listing("T\n\nWritten by Ana 06/11/2012\n\nText.\n", place="x.txt", language="es")

    assert (item.language, item.published_on) == ("es", date(2012, 11, 6))


def test_lines_that_only_begin_like_a_signature_are_prose():
    text = (
        "Title\n\nWritten by Ana Tuesday, 06 November 2012\n\n"
        "Written by hand, their letter reached us.\n\nWritten by hand, and read by all:\nthe strike goes on.\n"
    )
    (item,) = read_listing(text, place="x.txt")

    assert item.teaser == (
        "Written by hand, their letter reached us.\n\nWritten by hand, and read by all: the strike goes on."
    )


def test_an_appeal_without_a_teaser_is_still_one():
    first, second = read_listing(
        "One\nWritten by A 06 November 2012\nTwo\nWritten by B 05 November 2012\nText\n", place="x.txt"
    )

    assert (first.title, first.teaser, second.title, second.teaser) == ("One", "", "Two", "Text")


def test_what_misleads_is_dropped_and_what_persian_needs_is_kept():
    (item,) = read_listing(
        "A\u202e\ue000 tit\x07le\u200b\n\nWritten by A\x00na 06 November 2012\n\nمی\u200cخورند\u2028next\r\n", place="x"
    )

    assert (item.title, item.byline, item.teaser) == ("A title", "Ana", "می\u200cخورند next")


def test_a_title_is_bounded_to_one_line_of_300_characters():
    (item,) = read_listing(f"{'word ' * 100}\n\nWritten by A 06 November 2012\n\n{'text ' * 9000}", place="x")

    assert len(item.title) <= 300
    assert item.title.endswith("word…")
    assert len(item.teaser) <= 20_000
    assert all(len(name) <= 600 for name in item.identities)


@pytest.mark.parametrize(
    ("text", "fault", "sentence"),
    [
        ("A title\n\nSome text.\n", NoAppeals, "x.txt has no appeals"),
        ("T\n\nWritten by A 31 February 2012\n", ItemDateImpossible, "x.txt, line 3: “31 February 2012”"),
        ("T\n\nWritten by A\n31 February 2012\n", ItemDateImpossible, "x.txt, line 3: “31 February 2012”"),
        ("\nWritten by A 06 November 2012\n\nText", ItemWithoutTitle, "x.txt, line 2"),
        ("Strike\n\nWritten by Ana Robles\n\nText", ItemWithoutDate, "x.txt, line 3: “Strike” has no date"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence_with_its_line(text, fault, sentence):
    with pytest.raises(fault) as refusal:
        read_listing(text, place="x.txt")
    assert str(refusal.value).startswith(sentence)
