"""The secrets are kept in a file that only its owner reads, and a damaged one is noticed at once."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from subscribers.keys import (
    KEY_BYTES,
    Keys,
    KeysMissing,
    KeysUnreadable,
    KeysWatch,
    NoKeyLeft,
    SelectorTaken,
    SelectorWrong,
)
from subscribers.tokens import InvalidToken, Purpose, Tokens


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


# ── keys that sign mails ─────────────────────────────────────────────────────────────────────────────────────────

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # the same in every run: tests are named after it
RSA = generate_private_key(65537, 2048)


def der(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def in_base64(key):
    return base64.b64encode(der(key)).decode()


def write(path, content):
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)


def test_a_file_from_before_there_were_dkim_keys_goes_on_working(path):
    write(path, saved())
    assert Keys.load(path).dkim == {}


def test_dkim_keys_are_added_to_what_is_there(keys, path):
    keys.save(path)
    before = path.read_text()
    assert Keys.add_dkim(path, "rsa1", RSA).dkim == {"rsa1": der(RSA)}
    grown = Keys.add_dkim(path, "2026", ED25519)
    assert grown == Keys.load(path)
    assert grown.dkim == {"rsa1": der(RSA), "2026": der(ED25519)}
    assert (grown.tokens, grown.current, grown.suppression) == (keys.tokens, keys.current, keys.suppression)
    assert path.read_text().startswith(before.rstrip())
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert grown.dkim_key("rsa1").private_numbers() == RSA.private_numbers()
    assert grown.dkim_key("2026").private_bytes_raw() == ED25519.private_bytes_raw()


def test_dkim_keys_are_saved_with_the_others(keys, path):
    both = Keys(tokens=keys.tokens, current=1, suppression=keys.suppression, dkim={"a": der(RSA), "b": der(ED25519)})
    both.save(path)
    assert Keys.load(path) == both
    assert in_base64(RSA) not in repr(both)


@pytest.mark.parametrize(
    "table",
    ["[dkim]", "  [ dkim ]  # what signs", f'[dkim] # "\nb = "{in_base64(ED25519)}"\n[later]\nx = 1', "[x]\ny = 1"],
)
def test_what_an_operator_wrote_beside_the_keys_stays(path, table):
    content = f"# what is in [dkim]\n{saved()}# a note of ours\n{table}\n# the end"
    write(path, content)
    grown = Keys.add_dkim(path, "new", RSA)
    assert grown.dkim["new"] == der(RSA)
    assert set(content.splitlines()) <= set(path.read_text().splitlines())


@pytest.mark.parametrize("table", ["dkim = {}", 'x = """\n[dkim]\n"""', f'dkim.old = "{in_base64(ED25519)}"'])
def test_a_file_that_no_key_can_be_added_to_is_left_alone(path, table):
    content = f"{table}\n{saved()}"
    write(path, content)
    Keys.load(path)
    with pytest.raises(KeysUnreadable, match="no DKIM key can be added"):
        Keys.add_dkim(path, "new", ED25519)
    assert path.read_text() == content


def test_a_key_that_is_there_is_never_replaced(keys, path):
    keys.save(path)
    Keys.add_dkim(path, "a", ED25519)
    with pytest.raises(SelectorTaken, match="holds a DKIM key a already"):
        Keys.add_dkim(path, "a", RSA)
    assert Keys.load(path).dkim == {"a": der(ED25519)}


@pytest.mark.parametrize("name", ["", "A", "a.b", "a-", "-a", "a" * 64, "a\n", 'a" = 1'])
def test_a_name_that_is_no_label_is_refused(keys, path, name):
    keys.save(path)
    with pytest.raises(SelectorWrong):
        Keys.add_dkim(path, name, ED25519)
    assert Keys.load(path) == keys


def test_no_key_is_added_to_a_file_that_is_missing_or_open_to_others(keys, path):
    with pytest.raises(KeysMissing):
        Keys.add_dkim(path, "a", ED25519)
    with pytest.raises(KeysMissing):
        Keys.add_dkim(path.parent / "nowhere" / "x.keys", "a", ED25519)
    keys.save(path)
    path.chmod(0o640)
    with pytest.raises(KeysUnreadable, match="chmod 600"):
        Keys.add_dkim(path, "a", ED25519)


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (os, "fdopen"), (Path, "replace")])
def test_a_full_disk_leaves_the_old_file_whole(keys, path, monkeypatch, owner, call):
    keys.save(path)
    before = path.read_bytes()

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(owner, call, fail)
        with pytest.raises(OSError, match="No space left"):
            Keys.add_dkim(path, "a", ED25519)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_new_file_is_on_the_disk_before_it_takes_the_old_ones_name(keys, path, monkeypatch):
    keys.save(path)
    steps = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: steps.append("fsync") or fsync(file))
    monkeypatch.setattr(Path, "replace", lambda old, new: steps.append("replace") or replace(old, new))
    Keys.add_dkim(path, "a", ED25519)
    assert steps == ["fsync", "replace", "fsync"]


def test_of_two_that_add_at_once_neither_loses_the_others_key(keys, path):
    keys.save(path)
    names = [f"s{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as together:
        list(together.map(lambda name: Keys.add_dkim(path, name, ED25519), names))
    assert sorted(Keys.load(path).dkim) == sorted(names)
    assert list(path.parent.iterdir()) == [path]


def test_a_link_to_the_file_stays_one(keys, path, tmp_path):
    keys.save(path)
    link = tmp_path / "link.keys"
    link.symlink_to(path.name)
    Keys.add_dkim(link, "a", ED25519)
    assert link.is_symlink()
    assert list(Keys.load(path).dkim) == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_file_still_belongs_to_whom_the_newsletter_runs_as(keys, path):
    keys.save(path)
    os.chown(path, 12345, 54321)
    Keys.add_dkim(path, "a", ED25519)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)
    assert path.stat().st_mode & 0o777 == 0o600


# 768 bits; no verifier takes what it signs.
SHORT_RSA = (
    "MIIBygIBAAJhAMkMLAPHA3Z+3m5VNdzDvowClsCS+sBFJfFIl2iJwqPgeMBhptxOBZoGhRJzqlfhT0zx/oaN8siZIUiiD6CFpTtJ"
    "mYMnBnGbBsMjhmcFhJdorqDPVjJF3Zo57q1mUTwkMwIDAQABAmBhOwjCXuo20Y6jT4R4Gxa5QbtEsRCiEg8SjOfkv9MpTDM530BC"
    "hV1CK2sKDHRSgfzqjptdRG+ptEnDnaywLcGTevHE7YRSs0AYHo4N2gwbLdNydECfmG2W4s58NBRIAmkCMQD62y9uZeJNCsUXG6Dy"
    "40Jsfgh9+fwSuMa9xfsXhdAQSaIm+27ZKeI8pgkHf4yzNWUCMQDNK4btcnAUp90L3d8N9PNsnYBd05ww1Q/hD+xHjvBP06lDl93q"
    "V1SAJu+Ae/peBbcCMHH8NJIyY2DkeufkGv8iuqT3o74yYBLVuSC0HEL0/7TW8IJMD3NH78/lFgc9Mt6fbQIxALiC3pMICZfp5rbX"
    "T9PDaG9Tra+zsJGR6vfiVAF+oMuJdH2fRCmNZCbj3RvVYzHPPQIwN0z5WM/eEDThS6W7lBzlqUkPW6PwR/Ds629Ngiokjmowjgbd"
    "sak5y1j4c73P1iyD"
)


@pytest.mark.parametrize(
    "table",
    [
        "dkim = 1",
        'dkim = "a"',
        "dkim = []",
        "dkim = { a = 1 }",
        'dkim = { a = "" }',
        'dkim = { a = "?" }',
        f'dkim = {{ a = "{SHORT}" }}',
        f'dkim = {{ a = "{in_base64(RSA)[:-8]}" }}',
        f'dkim = {{ a = "{in_base64(generate_ec_key(SECP256R1()))}" }}',
        f'dkim = {{ a = "{SHORT_RSA}" }}',
        f'dkim = {{ "a.b" = "{in_base64(ED25519)}" }}',
        f'dkim = {{ A = "{in_base64(ED25519)}" }}',
    ],
)
def test_a_damaged_dkim_key_is_refused_in_one_sentence(path, table):
    write(path, f"{table}\n{saved()}")
    with pytest.raises(KeysUnreadable, match=r"DKIM|dkim") as caught:
        Keys.load(path)
    assert "\n" not in str(caught.value)


def test_the_table_that_the_damaged_ones_are_made_from_is_good(path):
    write(path, f'dkim = {{ a = "{in_base64(ED25519)}" }}\n{saved()}')
    assert list(Keys.load(path).dkim) == ["a"]


# ── rotation ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fresh_key_seals_and_the_old_one_still_opens(keys, path):
    keys.save(path)
    grown = Keys.rotate(path)
    assert Keys.load(path) == grown
    assert (grown.current, set(grown.tokens), grown.tokens[1]) == (2, {1, 2}, keys.tokens[1])
    assert (grown.suppression, grown.dkim) == (keys.suppression, keys.dkim)
    assert path.stat().st_mode & 0o777 == 0o600
    old = Tokens(keys).issue(Purpose.UNSUBSCRIBE, subscriber_id=7, epoch=0)
    assert Tokens(grown).read(Purpose.UNSUBSCRIBE, old).subscriber_id == 7


def test_after_a_theft_the_old_ones_open_nothing(keys, path):
    keys.save(path)
    Keys.add_dkim(path, "rsa2026", Ed25519PrivateKey.generate())
    Keys.rotate(path)
    grown = Keys.rotate(path, forget_old=True)
    assert (set(grown.tokens), grown.current) == ({3}, 3)
    assert set(Keys.load(path).dkim) == {"rsa2026"}
    old = Tokens(keys).issue(Purpose.UNSUBSCRIBE, subscriber_id=7, epoch=0)
    with pytest.raises(InvalidToken):
        Tokens(grown).read(Purpose.UNSUBSCRIBE, old)


def test_what_a_person_wrote_beside_the_keys_stays(keys, path):
    keys.save(path)
    path.write_text(path.read_text().replace("[tokens]", "# ours since May\n[tokens]  # never print this"))
    Keys.rotate(path)
    assert "# ours since May\n[tokens]  # never print this\n2 = " in path.read_text()


def test_numbers_come_again_only_when_none_is_left(keys, path):
    full = Keys(tokens={n: keys.tokens[1] for n in range(256) if n != 3}, current=255, suppression=keys.suppression)
    full.save(path)
    assert Keys.rotate(path).current == 3
    with pytest.raises(NoKeyLeft):
        Keys.rotate(path)


def test_a_process_that_runs_for_long_opens_what_another_sealed_with_the_fresh_key(keys, path):
    keys.save(path)
    running = Tokens(Keys.load(path), news=KeysWatch(path).news)
    token = Tokens(Keys.rotate(path)).issue(Purpose.PREFERENCES, subscriber_id=7, epoch=0)
    assert running.read(Purpose.PREFERENCES, token).subscriber_id == 7


def test_an_unknown_key_makes_it_read_the_file_once_and_not_for_each_token(keys, path, monkeypatch):
    keys.save(path)
    running = Tokens(keys, news=KeysWatch(path).news)
    stranger = Keys(tokens={9: keys.suppression}, current=9, suppression=keys.suppression)
    token = Tokens(stranger).issue(Purpose.PREFERENCES, subscriber_id=7, epoch=0)
    read = []
    monkeypatch.setattr(Keys, "load", read.append)
    for _ in range(5):
        with pytest.raises(InvalidToken):
            running.read(Purpose.PREFERENCES, token)
    assert read == []
