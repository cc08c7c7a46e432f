"""`newsletter dkim`: keys that sign mails, and what to publish of them in DNS."""

from pathlib import Path

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say, show_json, warn
from newsletter.delivery.dkim import SelectorWithoutKey, signers
from newsletter.delivery.dkim_record import KeyType, TxtRecord
from newsletter.settings import FILE_NAME, Settings
from subscribers.keys import DkimKey, Keys


@click.group()
def dkim() -> None:
    """Sign mails yourself (DKIM), if the mail server that takes them doesn't."""


@dkim.command()
@click.option(
    "--selector", metavar="NAME", help="What to call it in DNS; without it type and month, such as rsa202611."
)
@click.option(
    "--type",
    "kind",
    type=click.Choice([kind.value for kind in KeyType]),
    default=KeyType.RSA.value,
    show_default=True,
    help="Every receiver can check rsa; ed25519 is short and quick, and to be used beside it.",
)
@pass_context
def create(context: Context, selector: str | None, kind: str) -> None:
    """Make a key, keep it in the keys file, and say what to publish. Nothing is signed until it is set."""
    settings = context.settings
    key_type = KeyType(kind)
    name = selector.lower() if selector else f"{kind}{context.parts.clock():%Y%m}"
    key = key_type.new_key()
    keys = Keys.add_dkim(settings.keys_file, name, key)
    say(f"Added the DKIM key {name} to {settings.keys_file.name}: keep a copy of that file, apart from the database's.")
    say("")
    _say_record(_record(key, settings, name))
    say("")
    say(f"Once DNS answers with it, put this into {(context.config or Path(FILE_NAME)).name}:")
    say(f'  dkim_selector = "{", ".join(_to_set(settings, keys, name, key_type))}"')
    _warn_of_default_domain(settings)


@dkim.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """Show what to publish of each key, and which ones sign. Private halves are never shown."""
    settings = context.settings
    keys = context.parts.keys
    made = {name: keys.dkim_key(name) for name in keys.dkim}
    if as_json:
        show_json([_facts(name, key, settings) for name, key in made.items()])
    else:
        for name, key in made.items():
            say(f"{name}: {KeyType.of(key)}, {'signs' if name in settings.dkim_selectors else 'does not sign'}")
            _say_record(_record(key, settings, name))
            say("")
        if not made:
            say("There is no DKIM key. If your mail server doesn't sign, make one: `newsletter dkim create`.")
    _warn_of_default_domain(settings)
    try:
        signers(settings.dkim_selectors, keys, settings.sender_domain)
    except SelectorWithoutKey as error:
        warn(str(error))


def _record(key: DkimKey, settings: Settings, selector: str) -> TxtRecord:
    return TxtRecord.publishing(key, domain=settings.sender_domain, selector=selector)


def _say_record(record: TxtRecord) -> None:
    say("Publish this TXT record. In a form:")
    say(f"  name   {record.name}")
    say(f"  value  {record.value}")
    say("In a zone file:")
    say(f"  {record.zone_line}")


def _facts(selector: str, key: DkimKey, settings: Settings) -> dict[str, object]:
    record = _record(key, settings, selector)
    return {
        "selector": selector,
        "type": KeyType.of(key).value,
        "signs": selector in settings.dkim_selectors,
        "name": record.name,
        "value": record.value,
        "strings": record.strings,
        "zone_line": record.zone_line,
    }


def _to_set(settings: Settings, keys: Keys, selector: str, kind: KeyType) -> list[str]:
    """The new key takes the place of the one of its type; the one of the other type goes on signing beside it."""
    beside = [name for name in settings.dkim_selectors if name in keys.dkim and name != selector]
    return [*(name for name in beside if KeyType.of(keys.dkim_key(name)) is not kind), selector]


def _warn_of_default_domain(settings: Settings) -> None:
    if "sender_address" in settings.unset:
        warn("sender_address is still at its default: set it first. Its domain is where the record has to stand.")
