"""Reading attributes: whole rows of the system catalogs, the oids in them replaced by names."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from migplan.catalog.attributes import REFERENCES, SECRET, WITHOUT_SCHEMA, Attributes, Thing
from migplan.catalog.questions import Questions, sql
from migplan.catalog.uncompared import UNCOMPARED
from migplan.postgres.session import Session

# What is no column of a catalog, and any server may have: it is compared also when one side has none of it.
_ANYWHERE = frozenset({"comment", "label", "granted", "depends_on_extensions", "where", "columns", "setting"})

# Told by -1 before 17, and by nothing since.
_NOTHING = {"attstattarget": -1, "stxstattarget": -1}

# Most columns of most tables are alike in all that is compared: the server says so once.
_DURING = "reading the catalog (attributes)"
_GROUPED = """
    SELECT a.catalog, a.kind, a.compared, pg_catalog.array_agg(a.owner), pg_catalog.array_agg(a.part)
    FROM (SELECT r.catalog, r.kind, r.values - '{{{uncompared}}}'::text[] AS compared, r.owner, r.part
          FROM ({rows}) r) a
    GROUP BY a.catalog, a.kind, a.compared
"""

_SYSTEM = ("information_schema", "migplan")


def read_attributes(session: Session) -> Attributes:
    """Return the attributes of all objects that users made, at the session's moment."""
    ask = Questions(session)
    names: dict[tuple[str, int], Thing] = {}
    own: dict[tuple[str, int], Thing] = {}
    for row in ask.all("identities"):
        thing = Thing(row.kind, tuple(part or "" for part in row.address))
        names[row.catalog, row.oid] = thing
        if _is_users(thing) and (not row.foreign or row.kind == "extension"):
            own[row.catalog, row.oid] = thing
    columns: set[str] = set(_ANYWHERE)
    things: dict[Thing, dict[str, Any]] = defaultdict(dict)
    grouped = _GROUPED.format(
        uncompared=",".join(sorted(UNCOMPARED)), rows=sql("attributes", session.version)
    )
    for catalog, kind, values, owners, parts in session.ask(grouped.encode(), during=_DURING):
        columns.update(values)
        compared = dict(_values(values, names))
        for owner, part in zip(owners, parts, strict=True):
            whole = own.get((catalog, owner))
            if whole is not None:
                things[Thing(whole.kind, whole.address, kind, part) if kind else whole] |= compared
    return Attributes(frozenset(columns - UNCOMPARED.keys()), things)


def _is_users(thing: Thing) -> bool:
    if thing.kind in WITHOUT_SCHEMA - {"schema"}:
        return True
    schema = thing.address[0]
    return not schema.startswith("pg_") and schema not in _SYSTEM


def _values(row: Mapping[str, Any], names: Mapping[tuple[str, int], Thing]) -> Iterator[tuple[str, Any]]:
    """Yield what is compared of a row: names instead of oids, digests of secrets, nothing unset."""
    for column, value in row.items():
        if value is None or column in UNCOMPARED or value == _NOTHING.get(column):
            continue
        found = _value(column, value, names)
        if found is not None:
            yield column, found


def _value(column: str, value: Any, names: Mapping[tuple[str, int], Thing]) -> Any:
    if column in REFERENCES:
        return _named(REFERENCES[column], value, names)
    if column in SECRET:
        return hashlib.sha256(json.dumps(sorted(value)).encode()).hexdigest()[:16]
    return sorted(map(str, value)) if isinstance(value, list) else value


def _named(catalog: str, value: Any, names: Mapping[tuple[str, int], Thing]) -> Any:
    if isinstance(value, list):
        return [_named(catalog, each, names) for each in value]
    oid = int(value)
    if not oid:
        return None
    found = names.get((catalog, oid))
    return found.name if found else f"unknown {catalog}"
