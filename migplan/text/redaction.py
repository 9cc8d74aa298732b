"""Secrets that must not be seen: remembered when they are met, struck out of whatever leaves the program.

An address that somebody wrote is looked through before anything can fail over it, so that even a complaint
about the address itself, by whomever, shows no password. What looks like a URL with a password loses it in
any case, whether we have met it or not.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import quote, quote_plus, unquote

MASK = "********"

# In a URL after a colon that no port follows, or as a parameter, in quotes or without.
PASSWORD_OF_ADDRESS = re.compile(
    r"://[^/?#@]*?:(?!\d+(?:[,/?]|$))(?P<url>[^\s@]+)@"
    r"|\b(?:(?:ssl)?password|oauth_client_secret|scram_(?:client|server)_key)\s*=\s*(?P<parameter>'(?:[^'\\]|\\.)*'?|[^\s&]*)",
    re.IGNORECASE,
)
_URL = re.compile(
    r"(\b[a-z][a-z0-9+.-]*:/{1,3}[^\s/?#@:'\"<>]*:)(?!\d+(?:[,/?\s]|$))[^\s'\"<>]+@", re.IGNORECASE
)
# A quoted value ends on its line, and before a double quote: the text may be a string of JSON.
_PARAMETER = re.compile(
    r"\b((?:(?:ssl)?password|oauth_client_secret|scram_(?:client|server)_key)\s*=\s*)"
    r"(?:'(?:[^'\\\n\"]|\\.)+'|'?[^\s&'\"(){},;]+)"
    r"|\b(password\s+)'(?:[^'\n\"]|'')*'?",
    re.IGNORECASE,
)
# user:password@host behind the scheme, if there is one; and a port that is none, where the @ was forgotten.
_SCHEME = re.compile(r"^(?:(?:jdbc:)?[a-z][a-z0-9+.-]*://+|postgres(?:ql)?:/+)", re.IGNORECASE)
_CREDENTIALS = re.compile(r"^(?P<user>[^?#@:]*):(?P<password>.+)@(?P<rest>[^@]*)$", re.DOTALL)
_NO_PORT = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#@:]*:(?P<password>[^/?#@]*[^\d,/?#@][^/?#@]*)", re.I)
_NAMED = re.compile(
    r"(?:^|[\s?&;])\w*(?:passw(?:or)?d|pwd|secret|token|scram_(?:client|server)_key)\w*\s*=\s*"
    r"(?P<value>'(?:[^'\\]|\\.)*'?|[^\s&]+)",
    re.IGNORECASE,
)

# What of a statement is a value, a comment, or a name in quotes, which may look like either.
_LITERAL = re.compile(
    r"(?P<name>\"(?:[^\"]|\"\")*\")|(?P<comment>--[^\n]*|/\*.*?\*/)|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$"
    r"|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(?<![\w$.])\d[\w.]*",
    re.DOTALL,
)
_OPEN_QUOTE = re.compile(r"['\"]|\$\w*\$|/\*")
_QUOTED_NAME = re.compile(r'"(?:[^"]|"")*"')
_LONGEST_STATEMENT = 200

# Shorter ones stand in every text by chance. Where an address shows one, its shape gives it away.
_SHORTEST = 4
# What is said on any screen, and gives nothing away.
_EVERYDAY = frozenset(
    {"migplan", "postgres", "postgresql", "localhost", "public", "password", "secret", "test", "None", "null"}
)

_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


@contextmanager
def memory_of_its_own() -> Iterator[None]:
    """Forget in the block what was met before, and afterwards what was met in it: tests share a process."""
    global _known, _pattern
    before = _known, _pattern
    _known, _pattern = set(), None
    try:
        yield
    finally:
        _known, _pattern = before


def remember(secrets: Iterable[str], *, beside: Iterable[str] = ()) -> None:
    """Strike out these from now on, except words that also stand ``beside`` them, such as the user's name."""
    global _pattern  # noqa: PLW0603 - what this process knows is one thing
    harmless = _EVERYDAY | set(beside)
    met = {each for each in secrets if len(each) >= _SHORTEST and each not in harmless} - _known
    if met:
        _known.update(met)
        _pattern = None


def remember_words(words: Iterable[str]) -> None:
    """Remember whatever in these words (such as a command's) looks like the password of an address."""
    for word in words:
        for piece in (word, word.partition("=")[2]) if word.startswith("-") else (word,):
            if piece:
                remember(_within(piece), beside=_beside(piece))


def remember_environment(variables: Mapping[str, str]) -> None:
    """Remember the passwords in the environment: ``PGPASSWORD``, and those of addresses."""
    remember(value for name, value in variables.items() if name in {"PGPASSWORD", "PGSSLPASSWORD"})
    addresses = (value for value in variables.values() if "://" in value or "password" in value)
    remember_words(value for value in addresses if "\n" not in value)


def redacted(text: str) -> str:
    """Return the text without known secrets, and without what stands where URLs have a password."""
    if _known:
        text = (_compiled() if _pattern is None else _pattern).sub(MASK, text)
    if ":/" in text:
        text = _URL.sub(rf"\1{MASK}@", text)
    if "assword" in text.lower() or "secret" in text or "scram_" in text:
        text = _PARAMETER.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return text


def statement_for_log(statement: str | bytes) -> str:
    """A statement in one line, short, and without the values in it: for logs. Names stay.

    Where quotes do not come in pairs, only its first word is known to be no value.
    """
    text = statement.decode("utf-8", "replace") if isinstance(statement, bytes) else statement
    bare = " ".join(
        _LITERAL.sub(lambda found: found["name"] or (" " if found["comment"] else "?"), text).split()
    )
    if _OPEN_QUOTE.search(_QUOTED_NAME.sub("", bare)):
        bare = f"{re.match('[A-Za-z]*', bare)[0]} ..."  # type: ignore[index]  # which always matches
    return bare if len(bare) <= _LONGEST_STATEMENT else f"{bare[:_LONGEST_STATEMENT]} ..."


def _within(text: str) -> set[str]:
    """The secrets of an address, however badly it is written, and the pieces that a parser would quote."""
    found = {match["value"].strip("'") for match in _NAMED.finditer(text)}
    for match in (_CREDENTIALS.match(_SCHEME.sub("", text)), _NO_PORT.match(text)):
        if match is not None:
            password = match["password"]
            found |= {password, *re.split(r"[@/?#:]", password)}
            if len(password) < _SHORTEST and "user" in match.groupdict():
                found.add(f"{match['user']}:{password}@")
    return {each for text in found for each in (text, unquote(text))}


def _beside(text: str) -> set[str]:
    """The words of an address that are no secret."""
    match = _CREDENTIALS.match(_SCHEME.sub("", text))
    said = {value for _, value in re.findall(r"\b(user|dbname|host)\s*=\s*([^\s&]+)", text)}
    if match is not None:
        said |= {match["user"], unquote(match["user"]), *re.split(r"[/:?&=]", match["rest"])}
    return said


def _compiled() -> re.Pattern[str]:
    """What finds every known secret, however it was quoted on the way."""
    global _pattern  # noqa: PLW0603
    shapes = {shape for secret in _known for shape in _shapes(secret)}
    _pattern = re.compile("|".join(sorted(map(_bounded, shapes), key=len, reverse=True)))
    return _pattern


def _shapes(secret: str) -> set[str]:
    doubled = secret.replace("'", "''")
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
    shapes = {secret, doubled, escaped, html.escape(secret), repr(secret)[1:-1]}
    shapes |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    with suppress(UnicodeEncodeError):  # half of a surrogate: no URL can hold it
        shapes |= {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {shape for shape in shapes if len(shape) >= _SHORTEST}


def _bounded(secret: str) -> str:
    """A word of small letters, or a number, may be a part of another by chance; all else is no accident."""
    found = re.escape(secret)
    return rf"(?<!\w){found}(?!\w)" if re.fullmatch(r"[a-z]{1,11}|\d{1,11}", secret) else found
