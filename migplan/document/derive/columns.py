"""What columns are for, by name and type: a guess, for queries and notes only."""

import re
from collections.abc import Iterator
from functools import lru_cache

from migplan.catalog.model import Column, Table

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CREATED = ("created_at", "created", "created_on", "inserted_at", "creation_date", "date_created")
_STATUS = re.compile(r"(?:^|_)(?:status|state)$")
_SPANS = (
    ("check_in", "check_out"),
    ("checkin", "checkout"),
    ("arrival", "departure"),
    ("starts", "ends"),
    ("started", "ended"),
    ("started", "finished"),
    ("start", "end"),
    ("begins", "ends"),
    ("begin", "end"),
    ("from", "to"),
    ("from", "until"),
    ("since", "until"),
)
_DISPLAY = ("name", "title", "label", "display_name", "full_name", "legal_name", "subject", "slug", "code")
_TENANT = re.compile(r"(?:tenant|organi[sz]ation|org|workspace|company|account|customer)_(?:id|uuid|key)")
_TEXT = ("text", "character", "citext", "name", '"char"')


@lru_cache(maxsize=2**16)
def snake(name: str) -> str:
    """Return a name in snake case: ``mph_booking_id`` for ``mphBookingId``."""
    return re.sub(r"[\W_]+", "_", _HUMP.sub("_", name)).strip("_").lower()


def bare_type(type_: str) -> str:
    """Return a type without schema, quotes and modifier: ``vector`` for ``extensions.vector(1536)``."""
    return type_.partition("(")[0].rpartition(".")[2].strip('" ')


def is_moment(column: Column) -> bool:
    """Whether it holds a date or a time of a date."""
    return column.type == "date" or (column.type.startswith("timestamp") and not column.type.endswith("]"))


def is_text(column: Column) -> bool:
    """Whether it holds plain text."""
    return column.type.startswith(_TEXT) and not column.type.endswith("]")


def is_status(column: Column) -> bool:
    """Whether it holds a row's status."""
    other = ("json", "boolean", "timestamp", "date", "numeric", "double", "real")
    return bool(_STATUS.search(snake(column.name))) and not (
        column.type.startswith(other) or column.type.endswith("]")
    )


def created(table: Table) -> Column | None:
    """Return the column with the time of insertion, or None."""
    moments = {snake(column.name): column for column in table.columns if is_moment(column)}
    return next((moments[name] for name in _CREATED if name in moments), None)


def status(table: Table) -> Column | None:
    """Return the column with a row's status, or None."""
    return next((column for column in table.columns if is_status(column)), None)


def is_tenant(name: str) -> bool:
    """Whether a column is called as the ones are by which tenants are told apart."""
    return bool(_TENANT.fullmatch(snake(name)))


def display(table: Table) -> Column | None:
    """Return the column with a row's name for people, or None."""
    key = table.primary_key.columns if table.primary_key else ()
    texts = {snake(c.name): c for c in table.columns if is_text(c) and c.name not in key}
    first = next((texts[name] for name in _DISPLAY if name in texts), None)
    return first or next((column for name, column in texts.items() if name.endswith("_name")), None)


def spans(table: Table) -> Iterator[tuple[Column, Column]]:
    """Return pairs of columns that hold the start and the end of a period."""
    moments = {snake(column.name): column for column in table.columns if is_moment(column)}
    for name, column in moments.items():
        other = next((moments[each] for each in _ends(name) if each in moments), None)
        if other is not None and other.type == column.type:
            yield column, other


@lru_cache(maxsize=2**16)
def _ends(name: str) -> tuple[str, ...]:
    """Return what the end column may be called, if this is the name of a start column."""
    found = (re.sub(rf"(?<![a-z]){begin}(?![a-z])", end, name) for begin, end in _SPANS)
    return tuple(each for each in found if each != name)
