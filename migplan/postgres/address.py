"""Addresses of databases: a URL, a libpq connection string, a service or the environment, parsed once.

libpq's own rules hold: what the address leaves open comes from ``PGHOST`` and its sisters, the
service file and ``.pgpass``. The password is never shown: ``str(address)`` does not contain it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from migplan.errors import AddressError
from migplan.text import redaction
from migplan.text.redaction import MASK

_SCHEME = re.compile(r"^(postgres(?:ql)?)(\+\w+)?://", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"^((?:jdbc:)?[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRETS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
_ENVIRONMENT = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE")


@dataclass(frozen=True, slots=True)
class Address:
    """What libpq needs to find a database, and how to speak of it without its password."""

    params: Mapping[str, str] = field(repr=False)
    name: str | None = None  # what migplan.yaml calls it
    sessions_at: str = ""  # where sessions are to be had, if this is known for a pooler that shares them

    def __post_init__(self) -> None:
        """Have its secrets struck out of all output from now on."""
        redaction.remember(
            self.secrets, beside=(str(self.params.get(key, "")) for key in ("user", "dbname", "host"))
        )

    def __str__(self) -> str:
        shown = self._as_url()
        return f"{self.name} ({shown})" if self.name else shown

    @property
    def in_short(self) -> str:
        """The same without the parameters of a URL."""
        said, question, _ = str(self).partition("?")
        return f"{said})" if question and self.name else said

    def _as_url(self) -> str:
        if service := self._service():
            beside = ("host", "hostaddr", "port", "user", "dbname")  # they take precedence over the service's
            said = [f"{key}={self.params[key]}" for key in beside if self.params.get(key)]
            return " ".join([f"service={service}", *said])
        host = self.params.get("host") or self.params.get("hostaddr") or self._setting("host", "PGHOST")
        host = host or os.environ.get("PGHOSTADDR", "")
        port = self._setting("port", "PGPORT")
        user = self._setting("user", "PGUSER")
        database = self._setting("dbname", "PGDATABASE")
        if host.startswith("/"):
            where, socket = "", f"?host={host}" + (f"&port={port}" if port else "")
        else:
            where, socket = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else ""), ""
        return f"postgresql://{_escaped(user) + '@' if user else ''}{where}/{_escaped(database)}{socket}"

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port; an empty host where a service or a socket decides."""
        port = self._setting("port", "PGPORT") or "5432"
        if self._service():
            return "", 0
        host = self.params.get("host") or self._setting("host", "PGHOST")
        return ("", 0) if host.startswith("/") or not port.isdecimal() else (host, int(port))

    def _service(self) -> str:
        """The service, unless it comes from the environment and the address itself says where to go."""
        if any(self.params.get(key) for key in ("host", "hostaddr", "dbname")):
            return self.params.get("service", "")
        return self._setting("service", "PGSERVICE")

    def _setting(self, parameter: str, variable: str) -> str:
        return str(self.params.get(parameter) or os.environ.get(variable) or "")

    def of_database(self, name: str) -> Address:
        """The address of another database on the same server, for the same role."""
        return Address({**self.params, "dbname": name}, sessions_at=self.sessions_at)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must not be seen anywhere; whoever prints a foreign text strikes them out."""
        held = [self.params.get(secret) for secret in _SECRETS] + [os.environ.get("PGPASSWORD")]
        return tuple(value for value in held if value)

    def without_password(self, text: str) -> str:
        """Return the text of this address as it may be shown and typed again: without its secrets."""
        if not any(self.params.get(secret) for secret in _SECRETS):
            return text
        rest = {key: value for key, value in self.params.items() if key not in _SECRETS}
        user, database = _escaped(rest.pop("user", "")), _escaped(rest.pop("dbname", ""))
        host = rest.get("host", "")
        plain = re.fullmatch(r"[\w.-]+", host) is not None
        where = ":".join(filter(None, (rest.pop("host"), rest.pop("port", "")))) if plain else ""
        words = "&".join(f"{key}={quote(value, safe='/')}" for key, value in sorted(rest.items()))
        return f"postgresql://{user}{'@' if user else ''}{where}/{database}{'?' if words else ''}{words}"

    def without_secrets(self, text: str) -> str:
        """Return a text, such as a server's message, with this address's secrets struck out."""
        for secret in self.secrets:
            if len(secret) > 2:
                text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
        return redaction.redacted(text)


def parse(text: str, *, name: str | None = None) -> Address:
    """Parse an address; raise AddressError, which does not repeat it, if that fails.

    libpq's complaint about a URL may quote a piece of the password, so it is not passed on.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme:
        text = f"{scheme.group(1).lower()}://{text[scheme.end() :]}"
        _refuse_unescaped_password(text, name)
    elif other := _OTHER_SCHEME.match(text):
        raise AddressError(
            f"{_said(name)} begins with {other.group(1)}://, and only PostgreSQL is understood",
            do="write it as postgresql://user@host:5432/database",
        )
    elif "=" not in text:
        # What holds one of these may be a URL that lost its scheme, password and all.
        shown = _said(name) if re.search(r"[@:/]", text) else repr(text)
        raise AddressError(
            f"{shown} is neither a URL nor a name that migplan.yaml knows",
            do="write it as postgresql://user@host:5432/database or service=NAME",
        )
    params = _params(text)
    if params is None or not re.fullmatch(r"[\d,\s]*", params.get("port", "")):
        raise AddressError(
            f"{_said(name)} cannot be read as a PostgreSQL address",
            do="write it as postgresql://user@host:5432/database; in a user name or password, "
            "characters such as @ : / ? # % are written as %40 %3A %2F %3F %23 %25",
        )
    _refuse_address_for_database(params.get("dbname", ""), name)
    return Address(params, name)


def looks_like_one(text: str) -> bool:
    """Whether a text is meant as an address, even a wrong one, rather than as a file or a name."""
    return "://" in text or re.search(r"^\s*\w+\s*=|^[^/]*:[^/]*@", text) is not None


def from_environment() -> Address | None:
    """The database that libpq's environment variables name, if they name any."""
    if not any(os.environ.get(variable) for variable in _ENVIRONMENT):
        return None
    _refuse_address_for_database(os.environ.get("PGDATABASE", ""), "PGDATABASE")
    return Address({})


def _params(text: str) -> dict[str, str] | None:
    """What libpq reads in the text, or None: its complaint does not even stay as an error's context."""
    # It takes a tenth of a second, and what is done with a folder alone needs no address.
    import psycopg  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        return {key: str(value) for key, value in conninfo_to_dict(text).items() if value is not None}
    except (psycopg.Error, ValueError):  # ValueError: characters that no UTF-8 text can hold
        return None


def _refuse_address_for_database(dbname: str, name: str | None) -> None:
    """Refuse a URL as the name of a database: it would be printed, password included."""
    if _SCHEME.match(dbname) or re.search(r"\bpassword\s*=", dbname):
        raise AddressError(
            f"{_said(name)} gives a whole address where the name of a database belongs",
            do="write the name alone, or the address alone",
        )


def _refuse_unescaped_password(url: str, name: str | None) -> None:
    """A bare @ or / in a password makes libpq take a piece of it for the host, and then print it."""
    rest = url.split("://", 1)[1]
    # As libpq has it: the first @ ends user and password, unless a / comes before it.
    credentials = re.match(r"[^@/]*@", rest)
    place = rest[credentials.end() if credentials else 0 :].split("?", 1)[0]
    if "@" in place:
        raise AddressError(
            f"{_said(name)} has a character in its password that must be escaped",
            do="write @ : / ? # % in the password as %40 %3A %2F %3F %23 %25, "
            "or leave the password out and use PGPASSWORD or .pgpass",
        )


def _said(name: str | None) -> str:
    return f"the address of {name!r}" if name else "the address"


def _escaped(text: str) -> str:
    return quote(text, safe="")
