"""Tables that tie a database to other systems: recognised by what their columns and names say."""

import re
from collections import defaultdict
from functools import lru_cache

from migplan.catalog.model import Catalog, Column, Table
from migplan.document.derive.columns import is_moment, is_text, snake

GENERIC = "Generic"

# Names that are no common words, and how their owners write them: a prefix of these is enough by itself.
KNOWN = {
    "adyen": "Adyen",
    "airbnb": "Airbnb",
    "auth0": "Auth0",
    "bookingcom": "Booking.com",
    "docusign": "DocuSign",
    "dropbox": "Dropbox",
    "expedia": "Expedia",
    "facebook": "Facebook",
    "github": "GitHub",
    "gitlab": "GitLab",
    "google": "Google",
    "hubspot": "HubSpot",
    "instagram": "Instagram",
    "intercom": "Intercom",
    "jira": "Jira",
    "klarna": "Klarna",
    "linkedin": "LinkedIn",
    "magento": "Magento",
    "mailchimp": "Mailchimp",
    "mercadopago": "Mercado Pago",
    "microsoft": "Microsoft",
    "motopress": "MotoPress",
    "mphb": "MotoPress",
    "paypal": "PayPal",
    "quickbooks": "QuickBooks",
    "salesforce": "Salesforce",
    "sendgrid": "SendGrid",
    "shopify": "Shopify",
    "stripe": "Stripe",
    "telegram": "Telegram",
    "tripadvisor": "Tripadvisor",
    "twilio": "Twilio",
    "vrbo": "Vrbo",
    "whatsapp": "WhatsApp",
    "woocommerce": "WooCommerce",
    "wordpress": "WordPress",
    "xero": "Xero",
    "zapier": "Zapier",
    "zendesk": "Zendesk",
}

_EXTERNAL = re.compile(r"(?:^|_)(?:external|remote|upstream|third_party)_(?:\w+_)?(?:id|uid|uuid|key|ref)$")
_ID = re.compile(r"_(?:id|uid|sid|ref|key)$")
SYNCED = re.compile(r"(?:^|_)(?:last_)?sync(?:ed|hronized)?_(?:at|on|time)$|^last_sync$")
_SYNC = (
    (SYNCED, "when it was last synced"),
    (re.compile(r"(?:^|_)next_sync(?:_at)?$"), "when it is to be synced next"),
    (re.compile(r"(?:^|_)sync_(?:status|state)$"), "how far the sync has got"),
    (re.compile(r"(?:^|_)sync_(?:error|errors|message|failure)(?:_|$)"), "what went wrong in the sync"),
    (re.compile(r"(?:^|_)sync_(?:every|interval|frequency|schedule)"), "how often it is synced"),
    (re.compile(r"(?:^|_)sync_(?:direction|mode)$"), "which way it is synced"),
    (re.compile(r"(?:^|_)sync_(?:token|cursor)$"), "where the next sync goes on"),
    (re.compile(r"(?:^|_)sync_(?:attempts|retries|count|failures)$"), "how often the sync was tried"),
    (re.compile(r"(?:^|_)(?:sync_enabled|is_synced|needs_sync)$"), "whether it is, or is to be, synced"),
    (re.compile(r"^imported_at$"), "when it was brought in"),
)
# What says something of a sync only where other things already do.
_BESIDE = (
    (re.compile(r"^(?:last_)?error(?:_message|_details?)?$"), "what went wrong last"),
    (re.compile(r"^(?:status|state)$"), "how far it has got"),
    (re.compile(r"^(?:retry|attempt)(?:_count|s)$"), "how often it was tried"),
)
_WEBHOOK = re.compile(r"(?:^|_)webhook_(?:url|secret|id|token)$")
_NAMED = re.compile(r"(?:^|_)(?:integrations?|webhooks?|sync_(?:logs?|history|status|jobs?|runs?))(?:_|$)")
_SECRET = re.compile(
    r"(?:^|_)(?:api_?key|apikey|access_key|private_key|secret(?:_key)?|client_secret|password|passwd|"
    r"password_hash|credentials?|(?:\w+_)?token|auth_header|webhook_secret)$"
)
_SECRET_JSON = re.compile(r"(?:^|_)(?:config|configuration|settings|credentials?|auth|options)$")
_SECRET_URL = re.compile(r"(?:^|_)(?:feed|ics|ical|webhook|callback)_ur[li]$")


def external_ids(table: Table, platforms: frozenset[str]) -> tuple[str, ...]:
    """Return the columns that hold the ids of another system; never those of a foreign key."""
    keyed = {column for key in table.foreign_keys for column in key.columns}
    return tuple(
        column.name
        for column in table.columns
        if column.name not in keyed and _is_external(snake(column.name), column, platforms)
    )


def _is_external(name: str, column: Column, platforms: frozenset[str]) -> bool:
    if not _called_external(name, platforms):
        return False
    return not (is_moment(column) or column.type in ("boolean", "json", "jsonb"))


@lru_cache(maxsize=2**16)
def _called_external(name: str, platforms: frozenset[str]) -> bool:
    if _EXTERNAL.search(name):
        return True
    return bool(_ID.search(name)) and not platforms.isdisjoint(name.split("_")[:-1])


def sync_fields(table: Table) -> tuple[tuple[str, str], ...]:
    """Return the columns that keep the state of a sync, and what each says."""
    return tuple((column.name, says) for column in table.columns if (says := _of_sync(column.name)))


def fields_beside(table: Table) -> tuple[tuple[str, str], ...]:
    """Return these, and the columns that speak of a sync only where others do."""
    return tuple(
        (column.name, says)
        for column in table.columns
        if (says := _of_sync(column.name) or _said(column.name, _BESIDE))
    )


@lru_cache(maxsize=2**16)
def _of_sync(name: str) -> str:
    return _said(name, _SYNC)


def _said(name: str, meanings: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    return next((says for words, says in meanings if words.search(snake(name))), "")


def credentials(table: Table, *, integrated: bool) -> tuple[str, ...]:
    """Return the columns that may hold credentials: by name, and in integrations also settings and feeds."""
    return tuple(column.name for column in table.columns if _is_secret(column, integrated))


def _is_secret(column: Column, integrated: bool) -> bool:
    name = snake(column.name)
    if column.type in ("json", "jsonb"):
        return bool(_SECRET.search(name)) or (integrated and bool(_SECRET_JSON.search(name)))
    if not is_text(column) and column.type != "bytea":
        return False
    return bool(_SECRET.search(name)) or (integrated and bool(_SECRET_URL.search(name)))


def is_integration(table: Table, platforms: frozenset[str]) -> bool:
    """Whether something of it belongs to another system; a status alone is none of that."""
    return bool(
        platform_word(table.name.name, platforms)
        or _NAMED.search(snake(table.name.name))
        or _tied(table, platforms)
    )


def _tied(table: Table, platforms: frozenset[str]) -> bool:
    return bool(
        external_ids(table, platforms)
        or sync_fields(table)
        or any(_WEBHOOK.search(snake(column.name)) for column in table.columns)
    )


def platform_word(name: str, platforms: frozenset[str]) -> str:
    """Return the prefix of a table's name, where it stands for another system."""
    word, _, rest = snake(name).partition("_")
    return word if rest and word in platforms else ""


def platform(table: Table, platforms: frozenset[str]) -> str:
    """Return the other system's name: by the table's prefix, else by its columns."""
    words = [platform_word(table.name.name, platforms)]
    for column in external_ids(table, platforms):
        words += [word for word in snake(column).split("_") if word in platforms]
    found = next(filter(None, words), "")
    return (KNOWN.get(found) or found.capitalize()) if found else GENERIC


def platform_prefixes(catalog: Catalog) -> frozenset[str]:
    """Return the known prefixes, and those of which most tables, two at least, have external ids or a sync.

    A prefix that is the name of a table is a thing of this database: ``guest_keys`` beside ``guests``.
    """
    known = frozenset(KNOWN)
    by_prefix: dict[str, list[Table]] = defaultdict(list)
    for table in catalog.tables:
        if table.partition_of is None:
            word, _, rest = snake(table.name.name).partition("_")
            if rest:
                by_prefix[word].append(table)
    names = {snake(table.name.name) for table in catalog.tables}
    shared = {
        word
        for word, tables in by_prefix.items()
        if len(tables) > 1 and names.isdisjoint((word, f"{word}s")) and _mostly_tied(tables, known)
    }
    return known | shared


def _mostly_tied(tables: list[Table], known: frozenset[str]) -> bool:
    tied = sum(_tied(table, known) for table in tables)
    return tied > 1 and 2 * tied > len(tables)
