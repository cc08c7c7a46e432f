"""Which country an appeal is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.countries import country_code, propose_countries
from newsletter.appeals.urgency import propose_urgent


def proposed(title, teaser="", language="en"):
    return " ".join(propose_countries(title, teaser, language))


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Niger: teachers arrested", "NE"),
        ("Nigeria: general strike", "NG"),
        ("Guinea: general strike", "GN"),
        ("Equatorial Guinea: activist jailed", "GQ"),
        ("Guinea-Bissau dockers", "GW"),
        ("Nurses of Papua New Guinea", "PG"),
        ("Democratic Republic of Congo: strikers shot", "CD"),
        ("Republic of the Congo: strikers shot", "CG"),
        ("Congo-Brazzaville: strikers shot", "CG"),
        ("Teachers of Congo on strike in Brazzaville", "CG"),
        ("Congo miners shot", "CD"),
        ("Northern Ireland: bus drivers", "GB"),
        ("Ireland: bus drivers", "IE"),
        ("New Mexico miners", "US"),
        ("New Jersey nurses", "US"),
        ("Jersey nurses", "JE"),
        ("Georgia: miners on strike", "GE"),
        ("Prison strike in Atlanta, Georgia", "US"),
        ("Jordan: teachers arrested", "JO"),
        ("Chad: students shot", "TD"),
        ("Chad Teachers Union on Strike", "TD"),
        ("South Korea: metal workers", "KR"),
        ("North Korean workers abroad", "KP"),
        ("Dominica: bananas", "DM"),
        ("Dominican Republic: sugar cutters", "DO"),
        ("US dockers on strike", "US"),
        ("U.S. dockers on strike", "US"),
        ("USA: dockers on strike", "US"),
        ("Palestine: prisoners' hunger strike", "PS"),
        ("Western Sahara: activists on trial", "EH"),
        ("Kosovo miners", "XK"),
        ("Taiwan: flight attendants", "TW"),
        ("Hong Kong dockers", "HK"),
        ("China: Foxconn workers", "CN"),
        ("Polish miners march", "PL"),
        ("Turkey’s prisoners", "TR"),
        ("Türkiye: arrests", "TR"),
        ("Turkish prisons", "TR"),
        ("Burma: union banned", "MM"),
        ("Swaziland: unionist jailed", "SZ"),
        ("Ivory Coast: teachers", "CI"),
        ("Holland: cleaners", "NL"),
        ("Zaire: miners", "CD"),
        ("UK: cleaners", "GB"),
        ("Britain: cleaners", "GB"),
        ("British cleaners", "GB"),
        ("Indian miners", "IN"),
        ("Moroccans in Spanish prisons", "MA ES"),
        ("MOROCCO: GENERAL STRIKE", "MA"),
        ("From Greece to Turkey, and back to Greece", "GR TR"),
        ("South Sudan: nurses", "SS"),
        ("Czech Republic: steel workers", "CZ"),
        ("Urgent solidarity appeal with El Salvador comrades", "SV"),
    ],
)
def test_a_title_names_its_countries(title, codes):
    assert proposed(title) == codes


@pytest.mark.parametrize(
    "title",
    [
        "Michael Jordan speaks out",
        "Chad Smith arrested in front of the factory",
        "A woman on hunger strike",
        "Latin American solidarity",
        "Tsunami in the Indian Ocean",
        "Join us now",
        "JOIN US NOW",
        "To polish the china, with turkey for all",
        "Kurdish prisoners on hunger strike",
        "An appeal in English",
        "The Spanish translation is here",
        "Workers of the Americas",
        "Students of the Jordan Valley",
        "",
    ],
)
def test_what_only_looks_like_a_country_is_none(title):
    assert proposed(title) == ""


def test_what_stands_before_the_colon_is_not_simply_taken_for_a_country():
    assert proposed("Urgent: hunger strike in Turkish prisons") == "TR"
    assert proposed("Quebec: students strike against Canada’s new law") == "CA"


def test_the_teaser_is_asked_only_if_the_title_names_none():
    assert proposed("Italy: Stop it", "A protest in France, in France and in France.") == "IT"
    assert proposed("Stop it", "A protest in France.") == "FR"


def test_of_a_teaser_the_country_named_most_often_is_proposed_not_those_in_passing():
    teaser = "Denounced in Libya and Syria: workers of Kazakhstan strike. We support the workers of Kazakhstan."
    assert proposed("Solidarity!", teaser) == "KZ"


def test_of_countries_named_equally_often_the_teaser_s_first_is_proposed():
    assert proposed("Solidarity!", "Miners of Peru wrote to miners of Chile.") == "PE"


@pytest.mark.parametrize(
    ("language", "title", "codes"),
    [
        ("es", "Mineros marroquíes en huelga", "MA"),
        ("es", "Presos kurdos en cárceles turcas", "TR"),
        ("es", "República Dominicana: huelga", "DO"),
        ("es", "América Latina unida", ""),
        ("fr", "Les prisons turques", "TR"),
        ("fr", "Ouvrières grecques et mineurs indiens", "GR IN"),
        ("fr", "Côte d’Ivoire : grève", "CI"),
        ("fr", "Dominique Dupont licencié", ""),
        ("fr", "Grève à la Dominique", "DM"),
        ("de", "Hungerstreik in der Türkei", "TR"),
        ("de", "Massaker an kasachischen Arbeitern", "KZ"),
        ("de", "Marokkos Bergarbeiter", "MA"),
        ("it", "Nelle carceri turche", "TR"),
        ("it", "Minatori marocchini", "MA"),
        ("pt", "Greve geral em Marrocos", "MA"),
        ("nl", "Hongerstaking in Turkije", "TR"),
        ("ru", "Расстрел рабочих в Казахстане", "KZ"),
        ("ru", "Курдские заключённые в турецких тюрьмах", "TR"),
        ("ru", "Солидарность с Кубой", "CU"),
        ("ru", "Грузы задержаны", ""),
        ("ru", "В Грузии бастуют шахтёры", "GE"),
        ("pl", "Strajk głodowy w Turcji", "TR"),
        ("el", "Στις φυλακές της Τουρκίας", "TR"),
        ("tr", "Türkiye'de açlık grevi", "TR"),
        ("tr", "Kazakistan'daki işçiler", "KZ"),
        ("ku", "Girtiyên kurd li Tirkiyeyê", "TR"),
        ("kk", "Қазақстандағы мұнайшылар", "KZ"),
        ("ar", "إضراب عام في المغرب", "MA"),
        ("ar", "عمال النفط بكازاخستان", "KZ"),
        ("ar", "السجون التركية", "TR"),
        ("ar", "نداء للسودان ولإيطاليا", "SD IT"),
        ("ar", "الوضع المالي للعمال", ""),
        ("fa", "زندانیان کرد در ترکیه", "TR"),
        ("fa", "کارگر ایرانی", "IR"),
        ("fa", "بحران مالی", ""),
        ("es", "Solidarity with Morocco", "MA"),  # English names are understood everywhere
    ],
)
def test_titles_in_other_languages_name_countries_in_their_own_forms(language, title, codes):
    assert proposed(title, language=language) == codes


@pytest.mark.parametrize(
    ("written", "language", "code"),
    [
        ("TR", "en", "TR"),
        ("tr", "en", "TR"),
        (" Turkey ", "en", "TR"),
        ("Türkiye", "en", "TR"),
        ("turkey", "en", "TR"),
        ("Türkei", "en", "TR"),
        ("Турция", "en", "TR"),
        ("المغرب", "ar", "MA"),
        ("uk", "en", "GB"),
        ("XK", "en", "XK"),
        ("Kosovo", "en", "XK"),
        ("Palestine", "en", "PS"),
        ("the Netherlands", "en", "NL"),
        ("Bosnia and Herzegovina", "en", "BA"),
        ("USA", "en", "US"),
        ("Zaire", "en", "CD"),
        ("DRC", "en", "CD"),
        ("Congo", "en", None),  # which one?
        ("Kurdistan", "en", None),
        ("ZZ", "en", None),
        ("EU", "en", None),
        ("", "en", None),
    ],
)
def test_a_field_that_holds_a_country_is_understood(written, language, code):
    assert country_code(written, language) == code


@pytest.mark.parametrize(
    "title",
    [
        "Urgent solidarity appeal with El Salvador comrades",
        "URGENT: strikers arrested",
        "International solidarity urgently needed!",
        "Appel urgent : prisonniers en grève de la faim",
        "Llamamiento urgente",
        "Appello urgente",
        "Dringend: Ölarbeiter brauchen Solidarität",
        "Срочно: расстрел рабочих",
        "عاجل: إضراب عام",
        "فوری: کارگران بازداشت شدند",
        "ACİL: Açlık grevi",
        "Επείγον: απεργία πείνας",
        "Pilne: strajk głodowy",
    ],
)
def test_a_title_that_calls_itself_urgent_is_proposed_as_urgent(title):
    assert propose_urgent(title)


@pytest.mark.parametrize(
    "title", ["Kurdish prisoners on hunger strike", "Insurgent miners", "No longer urgent: thanks", "", "Eiltempo"]
)
def test_other_titles_are_not(title):
    assert not propose_urgent(title)


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(["en", "ar", "ru", "kk", "xx", ""]))
def test_no_text_breaks_it(title, teaser, language):
    codes = propose_countries(title, teaser, language)
    assert all(country_code(code) == code for code in codes)
    propose_urgent(title)
    country_code(title, language)
