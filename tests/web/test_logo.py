"""The organisation's own picture: in the head of mails, and served from where they load it."""

import io

import pytest
from lxml import html
from PIL import Image

from newsletter.appeals.pictures import PictureUnreadable
from newsletter.web.app import create_app
from tests import builders
from tests.web.served import served


def picture(folder, size=(1120, 224), kind="PNG"):
    path = folder / f"logo.{kind.lower()}"
    Image.new("RGBA" if kind == "PNG" else "RGB", size, "teal").save(path, kind, comment="made by Rosa")
    return path


@pytest.fixture
def parts(database, keys, tmp_path):
    return builders.parts(database, keys, logo=picture(tmp_path), organisation="Hands Across Borders")


def test_it_stands_in_the_head_of_a_mail_with_the_name_for_those_who_load_nothing(parts):
    (image,) = html.fromstring(parts.renderer.shell_html("en")).xpath("//img")
    assert image.get("alt") == "Hands Across Borders"
    assert (image.get("width"), image.get("height")) == ("280", "56")
    assert image.get("src").startswith("https://news.hands.example/logo/")
    assert "Hands Across Borders" in parts.renderer.shell_text("en")


def test_it_is_served_made_anew_and_nothing_else_is(parts, client):
    address = parts.brand.logo.url.removeprefix("https://news.hands.example")
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert "max-age" in answer.headers["cache-control"]
    assert Image.open(io.BytesIO(answer.content)).size == (1120, 224)
    assert b"Rosa" not in answer.content
    # A mail of last year names the picture of last year, and gets the one of today.
    assert client.get(f"/logo/{'0' * 64}.png").content == answer.content
    for name in ("x.png", f"{'0' * 64}.svg", f"{'0' * 64}", "..%2fnewsletter.toml"):
        assert client.get(f"/logo/{name}").status_code == 404


def test_without_one_mails_load_nothing(database, keys):
    plain = builders.parts(database, keys)
    assert "<img" not in plain.renderer.shell_html("en")
    with served(create_app(plain)) as client:
        assert client.get(f"/logo/{'0' * 64}.png").status_code == 404


def test_what_is_no_picture_is_told_before_anything_goes_out(database, keys, tmp_path):
    (tmp_path / "logo.png").write_text("<svg/>")
    with pytest.raises(PictureUnreadable, match=r"logo\.png"):
        builders.parts(database, keys, logo=tmp_path / "logo.png").brand  # noqa: B018
    with pytest.raises(PictureUnreadable, match="no such file"):
        builders.parts(database, keys, logo=tmp_path / "gone.png").brand  # noqa: B018
