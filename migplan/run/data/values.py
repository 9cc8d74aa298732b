"""Values that the server knows and Python does not: ``infinity``, years before 1 or after 9999, months.

They are read as text, as the server prints it, and written back as they are.
"""

import re

import psycopg
from psycopg.abc import Buffer, Loader

from migplan.postgres.session import Session

# A timedelta has neither months nor hours apart from days, and signs of its own.
_AS_TIMEDELTA = re.compile(rb"(\d+ days?)?( ?([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?)?")
_TYPES = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")


def read_all_dates(session: Session) -> None:
    """Let a session read every date, time and interval: as text where Python has no value for it."""
    adapters, text = session.adapters, psycopg.pq.Format.TEXT
    for name in _TYPES:
        kind = adapters.types[name]
        one, several = (adapters.get_loader(oid, text) for oid in (kind.oid, kind.array_oid))
        assert one is not None
        assert several is not None
        adapters.register_loader(kind.oid, _or_text(one, _AS_TIMEDELTA if name == "interval" else None))
        adapters.register_loader(kind.array_oid, _alike(several))


def _or_text(known: type[Loader], exact: re.Pattern[bytes] | None = None) -> type[Loader]:
    class OrText(psycopg.adapt.Loader):
        def __init__(self, oid: int, context: psycopg.abc.AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._known = known(oid, context)

        def load(self, data: Buffer) -> object:
            if exact is not None and not exact.fullmatch(data):
                return bytes(data).decode()
            try:
                return self._known.load(data)
            except (psycopg.DataError, ValueError, OverflowError):
                return bytes(data).decode()

    return OrText


def _alike(known: type[Loader]) -> type[Loader]:
    """Arrays, which can be written only if their elements are of one type: where one is text, all are."""

    class Alike(psycopg.adapt.Loader):
        def __init__(self, oid: int, context: psycopg.abc.AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._known = known(oid, context)

        def load(self, data: Buffer) -> object:
            found = self._known.load(data)
            return _as_text(found) if _holds_text(found) else found

    return Alike


def _holds_text(value: object) -> bool:
    return any(map(_holds_text, value)) if isinstance(value, list) else isinstance(value, str)


def _as_text(value: object) -> object:
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return None if value is None else str(value)
