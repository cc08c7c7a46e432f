"""Pictures go out without what cameras and attackers put into them."""

import io

import pytest
from PIL import Image

from newsletter.appeals.pictures import PictureUnreadable, keep_picture, read_picture


def file_of(image, kind="JPEG", **about):
    kept = io.BytesIO()
    image.save(kept, kind, **about)
    return kept.getvalue()


def test_place_time_and_camera_stay_here(database):
    exif = Image.Exif()
    exif[0x0110] = "Camera of Karim"
    exif.get_ifd(0x8825)[1] = "N"
    content = file_of(Image.new("RGB", (40, 30), "red"), exif=exif, comment=b"taken at home")
    assert b"Karim" in content
    with database.write() as session:
        kept = keep_picture(session, content, place="a.jpg")
    assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 40, 30)
    assert b"Karim" not in kept.content
    assert b"home" not in kept.content
    assert not Image.open(io.BytesIO(kept.content)).getexif()


def test_a_picture_that_lay_on_its_side_stands(database):
    exif = Image.Exif()
    exif[0x0112] = 6
    with database.write() as session:
        kept = keep_picture(session, file_of(Image.new("RGB", (40, 30)), exif=exif), place="a.jpg")
    assert (kept.width, kept.height) == (30, 40)


def test_what_is_wider_than_a_page_is_made_smaller_and_the_same_is_kept_once(database):
    content = file_of(Image.new("RGBA", (3000, 1500), (0, 0, 0, 128)), "PNG")
    with database.write() as session:
        one, other = (keep_picture(session, content, place="a.png") for _ in range(2))
        assert one is other
    assert (one.width, one.height, one.media_type) == (1200, 600, "image/png")
    assert one.file_name.endswith(".png")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a",
        file_of(Image.new("RGB", (40, 30)))[:80],
        file_of(Image.new("L", (9000, 9000)), "PNG"),
    ],
    ids=["nothing", "svg", "cut", "half", "bomb"],
)
def test_what_is_no_picture_is_refused(database, content):
    with database.write() as session, pytest.raises(PictureUnreadable, match=r"a\.jpg"):
        keep_picture(session, content, place="a.jpg")


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(PictureUnreadable):
        read_picture(tmp_path)
    with pytest.raises(PictureUnreadable):
        read_picture(tmp_path / "none.jpg")
