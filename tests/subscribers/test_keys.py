"""The secrets are kept in a file that only its owner reads, and a damaged one is noticed at once."""

import base64

import pytest

from subscribers.keys import KEY_BYTES, Keys, KeysMissing, KeysUnreadable


@pytest.fixture
def path(tmp_path):
    return tmp_path / "newsletter.keys"


def test_saved_keys_come_back(keys, path):
    keys.save(path)
    assert Keys.load(path) == keys


def test_only_the_owner_may_read_the_file(keys, path):
    keys.save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_overwritten(keys, path):
    keys.save(path)
    with pytest.raises(FileExistsError):
        Keys.generate().save(path)
    assert Keys.load(path) == keys


def test_two_newsletters_never_have_the_same_keys():
    assert Keys.generate().suppression != Keys.generate().suppression
    assert Keys.generate().tokens != Keys.generate().tokens


def test_keys_are_not_shown_in_a_traceback(keys):
    assert base64.b64encode(keys.suppression).decode() not in repr(keys)
    assert repr(keys.suppression) not in repr(keys)


def test_a_missing_file_is_told_in_one_sentence(path):
    with pytest.raises(KeysMissing, match=r"newsletter\.keys"):
        Keys.load(path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_that_others_may_read_is_refused(keys, path, mode):
    keys.save(path)
    path.chmod(mode)
    with pytest.raises(KeysUnreadable, match="chmod 600"):
        Keys.load(path)


def saved(**changes: str) -> str:
    good = base64.b64encode(bytes(KEY_BYTES)).decode()
    facts = {"suppression": f'"{good}"', "current": "1", "tokens": f'{{ 1 = "{good}" }}', **changes}
    return "".join(f"{name} = {value}\n" for name, value in facts.items() if value)


SHORT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not toml",
        "schlüssel = 1",
        "\0",
        saved(suppression=""),
        saved(suppression='""'),
        saved(suppression=f'"{SHORT}"'),
        saved(suppression='"?"'),
        saved(suppression="7"),
        saved(current=""),
        saved(current="2"),
        saved(current='"one"'),
        saved(current="[]"),
        saved(tokens=""),
        saved(tokens="{}"),
        saved(tokens="[]"),
        saved(tokens=f'{{ 1 = "{SHORT}" }}'),
        saved(tokens='{ 1 = "cut" }'),
        saved(tokens="{ 1 = 1 }"),
        saved(tokens=saved().split("tokens = ")[1].strip().replace("1 =", "one =")),
        saved(current="256", tokens=saved().split("tokens = ")[1].strip().replace("1 =", "256 =")),
        saved(current="-1", tokens=saved().split("tokens = ")[1].strip().replace("1 =", "-1 =")),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(path, content):
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeysUnreadable) as caught:
        Keys.load(path)
    assert "\n" not in str(caught.value)


def test_the_file_that_the_damaged_ones_are_made_from_is_good(path):
    path.write_text(saved(), encoding="utf-8")
    path.chmod(0o600)
    assert Keys.load(path).current == 1


def test_a_folder_in_its_place_is_refused_in_one_sentence(path):
    path.mkdir(mode=0o700)
    with pytest.raises(KeysUnreadable):
        Keys.load(path)
