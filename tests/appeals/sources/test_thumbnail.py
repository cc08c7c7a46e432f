"""Names of thumbnails that ran into the text."""

import pytest

from newsletter.appeals.sources.thumbnail import without_thumbnails


@pytest.mark.parametrize(
    ("glued", "text"),
    [
        ("firstfourarrestedminers-thThe struggle", "The struggle"),
        ("bpj-logoTwo leading comrades", "Two leading comrades"),
        ("thumb oil_workers_logoWe have", "We have"),
        ("thumb_minersThe strike", "The strike"),
        ("strike-2012.jpgThe strike", "The strike"),
        ("img_1234Workers", "Workers"),
        ("oil_workersWe have", "We have"),
        ("miners-th“A war has broken out”", "“A war has broken out”"),
        ("logo-200x150Workers", "Workers"),
        ("union_logoРабочие", "Рабочие"),
        ("bpj-logoنحن العمال", "نحن العمال"),
        ("grevistes-thumbÉtudiants", "Étudiants"),
        ("minersThe struggle", "The struggle"),
        ("One.\n\nbpj-logoTwo.", "One.\n\nTwo."),
    ],
)
def test_the_name_is_taken_off(glued, text):
    assert without_thumbnails(glued) == text


@pytest.mark.parametrize(
    "prose",
    [
        "Anti-fascist workers",
        "The e-mail of the ministry",
        "e-mailThe",
        "McDonald workers",
        "iPhone workers at Foxconn",
        "eBay drivers",
        "openDemocracy reports",
        "LabourStart asks",
        "YouTube moderators",
        "Al-Thani",
        "T-shirt makers",
        "thumbs up The end",
        "thumb drive The end",
        "19th-century The Times",
        "sub-Saharan Africa",
        "non-EU workers",
        "pro-Palestinian",
        "post-Soviet states",
        "macOS",
        "“A war has broken out",
        "union-led The end",
        "a",
        "",
    ],
)
def test_ordinary_prose_stays_as_it_is(prose):
    assert without_thumbnails(prose) == prose
