"""What an operator sets: `newsletter.toml`, or the same keys as `NEWSLETTER_…` in the environment."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import idna
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from newsletter.errors import NewsletterError
from subscribers.addresses import parse_address
from subscribers.choices import time_zones
from subscribers.errors import Fault
from subscribers.keys import is_selector

PREFIX = "NEWSLETTER_"
FILE_NAME = "newsletter.toml"
CONFIG_VARIABLE = "NEWSLETTER_CONFIG"
NO_SETTINGS = frozenset({CONFIG_VARIABLE, "NEWSLETTER_AS"})  # variables that commands read
MAX_TAG = 16  # characters of a language tag; what the tables hold


class SettingsFileMissing(NewsletterError):
    """There is no settings file at {path}. Run `newsletter init` there, or name another with --config."""


class SettingsWrong(NewsletterError):
    """The settings can't be used: {faults}"""


class Security(StrEnum):
    """How the connection to the relay is protected."""

    PLAIN = "plain"
    STARTTLS = "starttls"
    TLS = "tls"


def _one_line(text: str) -> str:
    # Control characters in a setting would end up in headers.
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        msg = "must be one line without control characters"
        raise ValueError(msg)
    return text.strip()


def _address(text: str) -> str:
    try:
        wire = parse_address(text).wire
    except Fault as error:
        raise ValueError(str(error)) from None
    if not wire.isascii():
        msg = "must be in ASCII before the @: many mail servers take no other sender"
        raise ValueError(msg)
    return wire


def _base_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#\"<>]+(/[^\s?#\"<>]*)?", url):
        msg = "must be an address such as https://news.example.org"
        raise ValueError(msg)
    parts = urlsplit(url.rstrip("/"))
    host, colon, port = parts.netloc.partition(":")
    try:
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        msg = f"has no host that can be written in ASCII ({error})"
        raise ValueError(msg) from None
    if not parts.path.isascii():
        msg = "must have its path in ASCII (percent-encoded)"
        raise ValueError(msg)
    return parts._replace(netloc=f"{ascii_host}{colon}{port}").geturl()


def _selectors(names: str) -> str:
    listed = [name.strip().lower() for name in names.split(",")] if names.strip() else []
    wrong = next((name for name in listed if not is_selector(name)), None)
    if wrong is not None:
        msg = f"must be a selector such as rsa2026, or two with a comma between; {wrong!r} is none"
        raise ValueError(msg)
    return ", ".join(dict.fromkeys(listed))


def _servers(listed: str) -> str:
    entries = [entry.strip() for entry in listed.split(",")]
    for entry in entries:
        host, port = _host_and_port(entry)
        if not host or re.search(r"[\s/@\[\]]", host) or (port is not None and not 1 <= port <= 65535):
            msg = f"must be a host such as mail.example.org, or several with commas between; {entry!r} is none"
            raise ValueError(msg)
    return ", ".join(dict.fromkeys(entries))


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """Read host, host:port, an IPv6 address, or [address]:port."""
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?", entry)
    return (found[1].strip("[]"), int(found[2]) if found[2] else None) if found else ("", None)


def _networks(listed: str) -> str:
    entries = [entry.strip() for entry in listed.split(",")] if listed.strip() else []
    for entry in entries:
        try:
            ip_network(entry)
        except ValueError:
            msg = f"must be networks such as 10.0.0.0/8, with commas between; {entry!r} is none"
            raise ValueError(msg) from None
    return ", ".join(dict.fromkeys(entries))


def is_language_tag(tag: str) -> bool:
    """Say whether this is a BCP 47 tag of the kind that we keep: language, and at most two subtags."""
    return re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", tag) is not None and len(tag) <= MAX_TAG


def _language(tag: str) -> str:
    if not is_language_tag(tag):
        msg = "must be a language tag such as en or pt-BR"
        raise ValueError(msg)
    return tag


def _time_zone(name: str) -> str:
    if name not in time_zones():
        near = difflib.get_close_matches(name, time_zones(), n=1)
        msg = "must be a time zone such as Europe/Berlin" + (f"; did you mean {near[0]}?" if near else "")
        raise ValueError(msg)
    return name


Line = Annotated[str, AfterValidator(_one_line)]
Mailbox = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """Every setting with its default. Field descriptions become the comments of `newsletter init`'s file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    database_url: str = Field("sqlite:///newsletter.db", description="SQLite file, or postgresql://user@host/name")
    keys_file: Path = Field(Path("newsletter.keys"), description="the secrets; mode 0600, backed up apart")
    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "http://localhost:8000",
        description="where people reach `newsletter web`; links in mails start with it",
    )

    organisation: Line = Field("Solidarity Newsletter", description="your organisation's name, as mails show it")
    postal_address: str = Field("", description="postal address for the footer; the law asks for one in many places")
    footer: str = Field("", description="lines below the postal address, such as a register and its number")
    home_url: Line = Field("", description="your organisation's own site")
    logo: Path | None = Field(
        None, description="a picture of your name for the head of mails, PNG or JPEG; mails then load it from base_url"
    )
    colour: str = Field("#14545c", pattern=r"^#[0-9a-fA-F]{6}$", description="the colour of rules and buttons")
    templates: Path | None = Field(None, description="a folder with templates of your own, file by file")
    language: Annotated[str, AfterValidator(_language)] = Field("en", description="of people and files that say none")

    sender_address: Mailbox = Field("newsletter@localhost.localdomain", description="the From address")
    bounce_address: Mailbox | None = Field(
        None,
        description="where bounces go (MAIL FROM); empty means the From address. A * becomes each mail's own mark"
        " (VERP): bounces+*@example.org",
    )
    unsubscribe_address: Mailbox | None = Field(None, description="where unsubscribe mails go; empty means From")

    smtp_host: Annotated[str, AfterValidator(_servers)] = Field(
        "localhost",
        description="the mail server that takes our mail; others for when it is away follow after commas, each with a"
        " port of its own if need be: mail.example.org, relay.example.net:2525",
    )
    smtp_port: int = Field(25, ge=1, le=65535)
    smtp_security: Security = Field(Security.PLAIN, description="plain, starttls (often port 587) or tls (465)")
    smtp_username: Line = Field("", description="empty means no sign-in")
    smtp_password: str = Field("", repr=False, description="better given as NEWSLETTER_SMTP_PASSWORD")
    smtp_connections: int = Field(4, ge=1, le=100, description="connections at once")
    smtp_mails_per_hour: int = Field(
        0, ge=0, description="no more than the mail server grants, shared by all senders; 0 means any number"
    )
    daily_limit: int = Field(0, ge=0, description="mails a day (UTC), alerts apart; 0 means any number")
    warm_up_from: date | None = Field(
        None, description="first day with a new address or server, as 2026-11-23: slowly growing numbers for 30 days"
    )

    dkim_selector: Annotated[str, AfterValidator(_selectors)] = Field(
        "", description="what to sign mails with: see `newsletter dkim create`; empty means the mail server signs"
    )

    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="your organisation's, as Europe/Berlin; a subscriber may choose another"
    )
    second_look: bool = Field(
        True, description="whether an appeal goes out only once an organiser approved it who didn't write it"
    )
    digest_most: int = Field(
        20, ge=1, le=30, description="appeals in one digest at the most; the others come with the next"
    )
    lookback_days: int = Field(14, ge=0, le=366, description="how far back appeals are new to somebody who just joined")

    fetch_allow: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="networks that sources may be read from though they are not public, with commas: 10.0.0.0/8. Any"
        " site can then lead us there, so name no more than needed",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if bool(self.smtp_username) != bool(self.smtp_password):
            msg = "smtp_username and smtp_password belong together: give both, or none"
            raise ValueError(msg)
        away = any(host not in LOOPBACK for host, _port in self.smtp_servers)
        if self.smtp_username and self.smtp_security is Security.PLAIN and away:
            msg = "smtp_security is plain: the password would cross the network readable. Use starttls or tls"
            raise ValueError(msg)
        return self

    @property
    def unset(self) -> list[str]:
        """The settings that no newsletter should go out without, as far as they still have their defaults."""
        needed = ("organisation", "postal_address", "base_url", "sender_address")
        return [name for name in needed if getattr(self, name) == type(self).model_fields[name].default]

    @property
    def sender_domain(self) -> str:
        """The domain of the From address, in ASCII."""
        return self.sender_address.rpartition("@")[2]

    @property
    def dkim_selectors(self) -> tuple[str, ...]:
        """The selectors of the DKIM keys that sign each mail; none where the mail server does."""
        return tuple(self.dkim_selector.split(", ")) if self.dkim_selector else ()

    @property
    def smtp_servers(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each mail server, the preferred one first."""
        listed = (_host_and_port(entry) for entry in self.smtp_host.split(", "))
        return tuple((host, port or self.smtp_port) for host, port in listed)

    @property
    def fetch_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks that sources may be read from though they are not public."""
        return tuple(ip_network(entry) for entry in self.fetch_allow.split(", ") if entry)

    @property
    def list_identifier(self) -> str:
        """The List-Id's identifier (RFC 2919)."""
        return f"newsletter.{self.sender_domain}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose values `load_settings` passes in."""
        return env_settings, init_settings


LOOPBACK: tuple[Literal["localhost", "127.0.0.1", "::1"], ...] = ("localhost", "127.0.0.1", "::1")


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings.

    Args:
        path: the file that --config names; None takes NEWSLETTER_CONFIG, then `newsletter.toml` here, then defaults.
        environ: the environment to look for unknown names in; None means this process's own.

    Raises:
        SettingsFileMissing: a file was named and is not there.
        SettingsWrong: with every fault in one message.
    """
    environ = os.environ if environ is None else environ
    named = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    file = named or Path(FILE_NAME)
    values = _read(file) if named or file.exists() else {}
    faults = [_unknown(key, file.name) for key in values if key not in Settings.model_fields]
    for variable in environ:
        key = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable not in NO_SETTINGS and key not in Settings.model_fields:
            faults.append(_unknown(key, f"the environment ({variable})"))
    try:
        settings = Settings(**{key: value for key, value in values.items() if key in Settings.model_fields})
    except ValidationError as error:
        faults += [_fault(part) for part in error.errors()]
    if faults:
        raise SettingsWrong(faults=" · ".join(faults))
    return _anchored(settings, file.absolute().parent)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsFileMissing(path=file) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsWrong(faults=f"{file}: {error}") from None


def _unknown(key: str, where: str) -> str:
    near = difflib.get_close_matches(key, Settings.model_fields, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{key} in {where} is not a setting{hint}"


def _fault(part: Any) -> str:
    said = part["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{'.'.join(map(str, part['loc']))}: {said}" if part["loc"] else said


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Read relative paths from the settings file's folder: a cron job elsewhere must find the same database."""
    changes: dict[str, Any] = {"keys_file": folder / settings.keys_file}
    if settings.templates:
        changes["templates"] = folder / settings.templates
    if settings.logo:
        changes["logo"] = folder / settings.logo
    try:
        url = make_url(settings.database_url)
    except ArgumentError:
        raise SettingsWrong(faults="database_url: must look like sqlite:///newsletter.db or postgresql://…") from None
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        changes["database_url"] = url.set(database=str(folder / url.database)).render_as_string(hide_password=False)
    return settings.model_copy(update=changes)


def settings_file() -> str:
    """Write the file that `newsletter init` puts down: every setting with its default, explained, switched off."""
    lines = [
        "# Settings of this newsletter. Take the # away from what you change; what is left out has the value shown.",
        "# Each can also stand in the environment: NEWSLETTER_SMTP_HOST and so on.",
    ]
    for name, setting in Settings.model_fields.items():
        default = setting.default
        shown = str(default).lower() if isinstance(default, bool) else default
        value = shown if isinstance(shown, int | float) else f'"{"" if shown is None else shown}"'
        lines += ["", *([f"# {setting.description}"] if setting.description else []), f"#{name} = {value}"]
    return "\n".join(lines) + "\n"
