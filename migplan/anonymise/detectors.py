"""What gives a secret or a person away by its looks, wherever it stands.

Each detector knows a shape and, where there is one, the check that tells the shape from chance (a control
digit, a valid address). They look at every value that is shown at all, and at every text of a catalog.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from itertools import pairwise
from math import log2
from urllib.parse import unquote

from migplan.config import ColumnKind

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_SEPARATORS = re.compile(r"[_\-./=+~:]+")
_CHANGES = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_HEX = re.compile(r"[0-9a-fA-F]{16,}")


@lru_cache(maxsize=2**12)
def looks_random(text: str, shortest: int = 12) -> bool:
    """Whether a string, or a piece of it, is such as machines make: keys, digests, encoded bytes.

    >>> looks_random("a8Kd93kQz1Lm"), looks_random("idx_guest_reservations_2024_01")
    (True, False)
    """
    if len(text) < shortest or (_UUID.fullmatch(text) and "-" in text):
        return False
    return any(_piece(piece, shortest) for piece in _SEPARATORS.split(text)) or _rich(text)


def _piece(piece: str, shortest: int) -> bool:
    if len(piece) < shortest:
        return False
    digits = sum(character.isdigit() for character in piece)
    letters = len(piece) - digits
    if _HEX.fullmatch(piece) and digits and letters:
        return True
    if not letters:
        return len(piece) >= 20
    changes = len(_CHANGES.findall(piece))
    if digits >= 2 and letters >= 2 and changes >= 3:
        return True
    return len(piece) >= 14 and _case_changes(piece) >= 5 and not _is_camel(piece)


def _case_changes(piece: str) -> int:
    return sum(a.isupper() != b.isupper() for a, b in pairwise(piece))


def _is_camel(piece: str) -> bool:
    """``mphbBookingStatusCode``: words of three letters and more, each with one capital."""
    return bool(re.fullmatch(r"[A-Z]{0,3}[a-z]*(?:[A-Z][a-z]{2,}|[A-Z]{2,4}$)*\d*", piece))


def _rich(text: str) -> bool:
    """Many different characters of every sort, in a text that is too long to be a name."""
    if len(text) < 20 or not (
        re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search(r"\d", text)
    ):
        return False
    counts = Counter(text)
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in counts.values())
    return entropy > 4.2 and max(map(len, _SEPARATORS.split(text))) >= 10


_NAMES_OF_SECRETS = (
    r"passw(?:or)?d|pwd|passphrase|passcode|contrase[nñ]a|secret|secreto|token|api[_-]?key|apikey|"
    r"access[_-]?key|private[_-]?key|client[_-]?secret|authorization|credentials?|clave"
)

# A name, perhaps in quotes, brackets and with a cast as the server prints them, and what sets it equal.
_CAST = r"\)*(?:::[\w .]+?)?"
_NAMED = rf"\b\w*(?:{_NAMES_OF_SECRETS})[\"'\]]?{_CAST}(?:, *true)?{_CAST}\)*\s*(?:=>|:=|[:=](?![:=]))\s*"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A piece of a text that must not be shown, and what it is taken for."""

    what: str
    kind: ColumnKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Detector:
    """A shape, and the check that tells it from chance.

    ``certain``: not even people's ``keep`` shows it, and code outside of literals is looked through for it.
    """

    what: str
    kind: ColumnKind
    shape: re.Pattern[str]
    check: Callable[[str], bool] = lambda text: True
    certain: bool = False
    in_code: bool = True  # outside of literals, SQL looks like this without meaning it


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19 or not re.match(r"3[0-9]|4|5[0-8]|2[2-7]|6", digits):
        return False
    if len(digits) == 13 and digits[0] != "4":
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0 and len(set(digits)) > 1


def _iban(text: str) -> bool:
    """With its control digits, perhaps followed by a short word that does not belong to it."""
    candidates = [re.sub(r"[ -]", "", each).upper() for each in (text, re.sub(r"[ -]\w{1,3}$", "", text))]
    return any(
        15 <= len(bare) <= 34
        and int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1
        for bare in candidates
    )


def _ipv4(text: str) -> bool:
    try:
        address = IPv4Address(text.partition("/")[0])
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _ipv6(text: str) -> bool:
    groups = [group for group in text.split(":") if group]
    if len(groups) < 3 or not re.search(r"\d", text):
        return False
    try:
        return bool(IPv6Address(text.partition("%")[0].partition("/")[0]))
    except AddressValueError:
        return False


def _spanish_identity(text: str) -> bool:
    number = text.upper().replace("-", "")
    number = {"X": "0", "Y": "1", "Z": "2"}.get(number[0], number[0]) + number[1:]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number[:-1]) % 23] == number[-1]


def _phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if not (8 if text.lstrip().startswith(("+", "(")) else 9) <= len(digits) <= 15:
        return False
    return not (_MOMENT.match(text.strip()) or _ipv4(text.strip()))


def _telling_url(text: str) -> bool:
    """Whether a URL carries a user, a secret parameter, or a piece that no person would make up."""
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    host, *asked = host.split("?", 1) if "?" in host else (host,)
    if "@" in host:
        return True
    after = unquote("&".join(asked) + slash + path)
    if re.search(
        rf"[?&#;](?:\w*(?:{_NAMES_OF_SECRETS})|sig|signature|key|t|s|code|state|session\w*)=[^&]",
        "?" + after,
        re.I,
    ):
        return True
    if scheme.lower() in {"webcal", "webcals"} or re.search(r"\.ics\b", after, re.I):
        return True
    return any(looks_random(piece, 8) for piece in re.split(r"[/?&=#;,.]", after) if piece)


_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:$|[T ])|\d{2}[-/.]\d{2}[-/.]\d{4}$|\d{4}[/.]\d{2}[/.]\d{2}$"
    r"|\d{1,2}:\d{2}|\d{4}-\d{2}$"
)
_SECRET, _EMAIL, _PHONE = ColumnKind.SECRET, ColumnKind.EMAIL, ColumnKind.PHONE

DETECTORS: tuple[Detector, ...] = (
    Detector(
        "a private key or certificate", _SECRET,
        re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.S), certain=True,
    ),
    Detector(
        "a signed token", _SECRET,
        re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]+){0,4}"), certain=True,
    ),
    Detector(
        "a service's key", _SECRET,
        re.compile(
            r"\b(?:(?:sk|pk|rk)[_-](?:live|test)[_-]\w{6,}|whsec_\w{6,}|gh[pousr]_\w{16,}|github_pat_\w{16,}"
            r"|glpat-[\w-]{12,}|xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{8,}|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}"
            r"|AIza[\w-]{20,}|ya29\.[\w-]{8,}|GOCSPX-[\w-]{8,}|1//0[\w-]{16,}|sbp_\w{16,}"
            r"|sb_(?:secret|publishable)_[\w-]{8,}|sk-[\w-]{16,}|SG\.[\w-]{8,}\.[\w-]{8,}|key-[0-9a-zA-Z]{24,}"
            r"|npm_\w{24,}|pypi-[\w-]{16,}|shp(?:at|ca|pa|ss)_\w{16,}|EAA[0-9A-Za-z]{16,}|dop_v1_\w{16,}"
            r"|hf_\w{16,}|(?:AC|SK)[0-9a-f]{32}|hooks\.slack\.com/\S+)"
        ),
        certain=True,
    ),
    Detector(
        "a password's hash", _SECRET,
        re.compile(
            r"\$(?:2[abxy]?|5|6|y|1|argon2\w*|scrypt|pbkdf2[\w-]*)\$[^\s'\"]{8,}|SCRAM-SHA-256\$[^\s'\"]+"
            r"|pbkdf2_\w+\$[^\s'\"]+|\bmd5[0-9a-f]{32}\b|\{SS?HA\d*\}[^\s'\"]+"
        ),
        certain=True,
    ),
    Detector(
        "a connection with its password", _SECRET,
        re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/@'\"]*:[^\s'\"]*@[^\s'\"]*", re.I), certain=True,
    ),
    Detector(
        "a password or token with its name", _SECRET,
        re.compile(_NAMED + r"(?:E?'[^']+'?|\"[^\"]+\"?)", re.I), certain=True,
    ),
    Detector(
        "a password or token with its name", _SECRET,
        re.compile(_NAMED + r"(?!(?:true|false|null|none)\b)[^\s'\"(){},;&|]{3,}", re.I),
        certain=True, in_code=False,
    ),
    Detector(
        "a header that signs in", _SECRET,
        re.compile(r"\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}", re.I), certain=True,
    ),
    Detector(
        "a URL that carries a secret", ColumnKind.URL,
        re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>|)\]}]+", re.I), _telling_url, certain=True,
    ),
    Detector(
        "a bank account", ColumnKind.NUMBER,
        re.compile(
            r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?"
            r"(?![A-Za-z0-9])"
        ),
        _iban, certain=True,
    ),
    Detector(
        "a payment card", ColumnKind.NUMBER,
        re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])"), _card, certain=True,
    ),
    Detector(
        "an e-mail address", _EMAIL,
        re.compile(r"[\w.+%&~^!#$*?`{|}-]*[\w+%-](?:@|%40|＠)[\w-]+(?:\.[\w-]+)*", re.I),
    ),
    Detector(
        "a hardware address", ColumnKind.IP,
        re.compile(
            r"(?<![\w:.-])(?:[0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}(?![\w:-])|\b[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}\b",
            re.I,
        ),
    ),
    Detector(
        "an IP address", ColumnKind.IP,
        re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"), _ipv4,
    ),
    Detector(
        "an IP address", ColumnKind.IP,
        re.compile(r"(?<![\w:.])(?:[0-9a-f]{1,4}:|:(?=:)){1,7}[0-9a-f:]*[0-9a-f](?:/\d+)?(?![\w:])", re.I),
        _ipv6,
    ),
    Detector(
        "an identity number", ColumnKind.DOCUMENT,
        re.compile(r"(?<![\w-])(?:\d{8}|[XYZ]\d{7})-?[A-Z](?![\w-])", re.I), _spanish_identity,
    ),
    Detector(
        "an identity number", ColumnKind.DOCUMENT,
        re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])|(?<!\w)\d{1,3}(?:\.\d{3}){2}-[\dkK](?!\w)"
                   r"|(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"),
    ),
    Detector(
        "a telephone number", _PHONE,
        re.compile(r"(?<![\w.-])(?:\+|00|\()?\s?\d(?:[ ().\u00a0/-]{0,3}\d){7,14}(?![\w]|-\d|\.\d)"), _phone,
    ),
    Detector(
        "a random string", _SECRET,
        re.compile(r"[A-Za-z0-9_+/=~-]{12,}"), looks_random,
    ),
)  # fmt: skip

# Nothing can fire on a text in which none of these is: most labels and names of objects.
_PERHAPS = re.compile(r"\d.*\d.*\d|[@:=$＠]|://|%40|-----|Bearer|Basic|[A-Za-z0-9_+/=~-]{12}", re.S)


class Looking(StrEnum):
    """How closely a text is looked at."""

    CLOSELY = "at values, literals and prose"
    FOR_SECRETS = "at what people want shown"
    AT_CODE = "at SQL outside of its literals"


@lru_cache(maxsize=2**12)
def sightings(text: str, looking: Looking = Looking.CLOSELY) -> tuple[Sighting, ...]:
    """All that detectors see in a text, from its start; what overlaps is one."""
    if not _PERHAPS.search(text):
        return ()
    found = sorted(_seen(text, looking), key=lambda each: (each.start, -each.end))
    kept: list[Sighting] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
        elif each.end > kept[-1].end:
            last = kept.pop()
            kept.append(Sighting(last.what, last.kind, last.start, each.end))
    return tuple(kept)


def _seen(text: str, looking: Looking) -> Iterator[Sighting]:
    for detector in DETECTORS:
        if looking is not Looking.CLOSELY and not detector.certain:
            continue
        if looking is Looking.AT_CODE and not detector.in_code:
            continue
        for match in detector.shape.finditer(text):
            if detector.check(match.group()):
                yield Sighting(detector.what, detector.kind, match.start(), match.end())
