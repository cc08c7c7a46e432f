"""An operator makes keys that sign mails, and is told what to publish."""

import base64
import json
import re
import stat

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from newsletter.settings import Settings
from subscribers.keys import Keys


@pytest.fixture
def ours(ready, monkeypatch):
    """Run commands for a newsletter that is set up, and sends from hands.example."""
    monkeypatch.setenv("NEWSLETTER_SENDER_ADDRESS", "news@hands.example")
    return ready


def shown(run):
    return {key["selector"]: key for key in json.loads(run("dkim", "show", "--json").out)}


def test_a_key_is_made_kept_and_said_how_to_publish(ours, tmp_path):
    before = Keys.load(tmp_path / "newsletter.keys")
    said = ours("dkim", "create", "--selector", "spring")
    assert (said.status, said.err) == (0, "")
    after = Keys.load(tmp_path / "newsletter.keys")
    assert (after.tokens, after.current, after.suppression) == (before.tokens, before.current, before.suppression)
    assert stat.S_IMODE((tmp_path / "newsletter.keys").stat().st_mode) == 0o600
    public = after.dkim_key("spring").public_key()
    value = re.search(r"^  value  v=DKIM1; k=rsa; p=(\S+)$", said.out, re.MULTILINE)[1]
    assert load_der_public_key(base64.b64decode(value)) == public
    assert "\n  name   spring._domainkey.hands.example\n" in said.out
    zone_line = re.search(r"^  spring\._domainkey\.hands\.example\. IN TXT (.*)$", said.out, re.MULTILINE)[1]
    strings = re.findall(r'"([^"]*)"', zone_line)
    assert "".join(strings) == f"v=DKIM1; k=rsa; p={value}"
    assert [len(string) <= 255 for string in strings] == [True, True]
    assert said.out.endswith('put this into newsletter.toml:\n  dkim_selector = "spring"\n')


def test_without_a_name_it_is_called_after_its_type_and_the_month(ours):
    ours("dkim", "create")
    ours("dkim", "create", "--type", "ed25519")
    (first, second) = sorted(shown(ours))
    assert re.fullmatch(r"ed255192\d{3}[01]\d", first)
    assert re.fullmatch(r"rsa2\d{3}[01]\d", second)


def test_a_short_key_is_one_string(ours, tmp_path):
    ours("dkim", "create", "--type", "ed25519", "--selector", "ed1")
    (key,) = shown(ours).values()
    raw = (
        Keys.load(tmp_path / "newsletter.keys")
        .dkim_key("ed1")
        .public_key()
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    )
    value = f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    assert key == {
        "selector": "ed1",
        "type": "ed25519",
        "signs": False,
        "name": "ed1._domainkey.hands.example",
        "value": value,
        "strings": [value],
        "zone_line": f'ed1._domainkey.hands.example. IN TXT "{value}"',
    }


def test_the_line_to_set_has_the_newest_of_each_type(ours, monkeypatch):
    ours("dkim", "create", "--selector", "rsa1")
    monkeypatch.setenv("NEWSLETTER_DKIM_SELECTOR", "rsa1")
    assert 'dkim_selector = "rsa1, ed1"' in ours("dkim", "create", "--type", "ed25519", "--selector", "ed1").out
    monkeypatch.setenv("NEWSLETTER_DKIM_SELECTOR", "rsa1, ed1")
    assert 'dkim_selector = "ed1, rsa2"' in ours("dkim", "create", "--selector", "rsa2").out


def test_private_halves_are_never_shown(ours, tmp_path):
    said = [ours("dkim", "create", "--selector", "rsa1"), ours("dkim", "create", "--type", "ed25519")]
    said += [ours("dkim", "show"), ours("dkim", "show", "--json")]
    keys = Keys.load(tmp_path / "newsletter.keys")
    assert len(keys.dkim) == 2
    for key in keys.dkim.values():
        text = base64.b64encode(key).decode()
        # Not even a stretch of what is secret, which comes last.
        stretches = {text[start : start + 16] for start in range(len(text) // 2, len(text) - 16)}
        assert stretches
        for one in said:
            assert not any(stretch in one.out + one.err for stretch in stretches)


def test_show_says_which_keys_sign(ours, monkeypatch):
    assert "`newsletter dkim create`" in ours("dkim", "show").out
    assert shown(ours) == {}
    ours("dkim", "create", "--selector", "old")
    ours("dkim", "create", "--selector", "new")
    monkeypatch.setenv("NEWSLETTER_DKIM_SELECTOR", "new")
    said = ours("dkim", "show")
    assert (said.status, said.err) == (0, "")
    assert "old: rsa, does not sign\n" in said.out
    assert "new: rsa, signs\n" in said.out
    assert {name: key["signs"] for name, key in shown(ours).items()} == {"old": False, "new": True}


def test_a_selector_that_is_set_and_has_no_key_is_told(ours, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_DKIM_SELECTOR", "lost")
    said = ours("dkim", "show")
    assert "no DKIM key lost" in said.err
    assert "newsletter dkim create --selector lost" in said.err


def test_a_selector_that_is_taken_keeps_its_key(ours, tmp_path):
    ours("dkim", "create", "--selector", "spring")
    before = (tmp_path / "newsletter.keys").read_text()
    again = ours("dkim", "create", "--selector", "Spring")
    assert again.status == 1
    assert re.fullmatch(r"Error: \S+newsletter\.keys holds a DKIM key spring already\. .*\n", again.err)
    assert (tmp_path / "newsletter.keys").read_text() == before


@pytest.mark.parametrize("name", ["a b", "-a", "a-", "a.b", "a_b", "é", "a" * 64, 'a"', "a\nb", "a\n", "a=1"])
def test_a_selector_that_dns_has_no_room_for_is_told(ours, tmp_path, name):
    before = (tmp_path / "newsletter.keys").read_text()
    said = ours("dkim", "create", "--selector", name)
    assert said.status == 1
    assert re.fullmatch(r"Error: .* is no DKIM selector\. .*\n", said.err)
    assert (tmp_path / "newsletter.keys").read_text() == before


def test_keys_that_are_missing_are_told(ours, tmp_path):
    (tmp_path / "newsletter.keys").unlink()
    for command in (("dkim", "create"), ("dkim", "show")):
        said = ours(*command)
        assert said.status == 1
        assert "There is no keys file" in said.err
    assert not (tmp_path / "newsletter.keys").exists()


def test_a_domain_that_nobody_set_is_told(ready):
    for command in (("dkim", "create"), ("dkim", "show")):
        assert "sender_address is still at its default" in ready(*command).err


@pytest.mark.parametrize(
    ("text", "selectors"),
    [("", ()), (" ", ()), ("rsa1", ("rsa1",)), (" Rsa1 ,ed1", ("rsa1", "ed1")), ("a,a", ("a",))],
)
def test_selectors_are_set_as_one_or_two_names(text, selectors):
    assert Settings(dkim_selector=text).dkim_selectors == selectors


@pytest.mark.parametrize("text", ["a,,b", "a b", "a;b", ",", "a._domainkey", "a,-"])
def test_a_setting_that_names_no_selector_is_told(ours, monkeypatch, text):
    monkeypatch.setenv("NEWSLETTER_DKIM_SELECTOR", text)
    said = ours("dkim", "show")
    assert said.status == 1
    assert "dkim_selector: must be a selector" in said.err


def test_there_are_fewer_settings_than_anybody_would_give_up_on():
    assert len(Settings.model_fields) < 30
