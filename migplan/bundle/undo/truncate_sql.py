"""The rows of a data file rolled back by SQL alone: TRUNCATE where the server allows it, else DELETE.

Nothing is emptied that refers to these tables from outside of the file; it is only looked at. Triggers of
users keep still, as they do while rows come in, and stand as before when the transaction ends.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from migplan.bundle.manifest import LoadedTable, Manifest
from migplan.bundle.undo.batches import BATCH, MOST_REFERENCING, batches, with_referencing
from migplan.catalog.model import Catalog
from migplan.config import Layout
from migplan.names import QualifiedName, quoted
from migplan.sql.text import do_block, literal

_ENABLE = {"origin": "ENABLE", "always": "ENABLE ALWAYS"}


def truncate_sql(manifest: Manifest, tables: Sequence[LoadedTable], catalog: Catalog) -> Iterator[str]:
    """Yield the statements that empty these tables, the last of which was filled first."""
    here = [table.name for table in tables]
    if manifest.constraints is not Layout.WITH_SCHEMA and manifest.contents != "data":
        for start in range(0, len(here), BATCH):  # no key is there, or not any more
            yield f"TRUNCATE TABLE{_list(here[start : start + BATCH], catalog, 4)};"
        return
    needs, users = _references(catalog)
    barred = _barred(catalog, needs)
    place = {table.name: number for number, table in enumerate(manifest.tables)}
    for batch in batches(here[::-1], needs):
        named = _named_together([name for name in batch if name not in barred], users)
        truncated = [name for name in batch if name in named]
        deleted = [name for name in batch if name not in named]
        if truncated:
            later = _in_turn(named - {*batch}, place)
            switches = _disabled_and_enabled([*truncated, *later], later, catalog, {"TRUNCATE"})
            yield from _truncated(truncated, later, catalog, *switches)
        if deleted:
            yield "-- TRUNCATE refuses tables of keys that are not enforced, and what these need,"
            yield "-- and wants all tables named that refer to one, which may be too many."
            direct = {user for name in deleted for user in users.get(name, ())} - {*batch}
            yield do_block(_deleted(deleted, _in_turn(direct, place), catalog))


def _named_together(
    names: Sequence[QualifiedName], users: Mapping[QualifiedName, Collection[QualifiedName]]
) -> set[QualifiedName]:
    """Return the tables that can be truncated, and all that TRUNCATE wants named with them."""
    found: set[QualifiedName] = set()
    for name in names:
        more = with_referencing(name, users)
        if more is not None and len(found | more) <= MOST_REFERENCING:
            found |= more
    return found


def _in_turn(names: Collection[QualifiedName], place: Mapping[QualifiedName, int]) -> list[QualifiedName]:
    """Return those of the tables that are in the bundle, the last first."""
    return sorted((name for name in names if name in place), key=lambda name: -place[name])


def _truncated(
    here: Sequence[QualifiedName],
    later: Sequence[QualifiedName],
    catalog: Catalog,
    disable: Sequence[str],
    enable: Sequence[str],
) -> Iterator[str]:
    if not later and not disable:
        yield f"TRUNCATE TABLE{_list(here, catalog, 4)};"
        return
    if later:  # TRUNCATE wants each table in the same statement that refers to one of its tables
        yield "-- Tables of later files that refer to these must be named as well, and must be empty."
    truncate = f"    TRUNCATE TABLE{_list([*later, *here], catalog, 8)};"
    lines = [*_locked(later, catalog), *disable, *_checked_empty(later, catalog), truncate, *enable]
    yield do_block("\n".join(lines))


def _deleted(here: Sequence[QualifiedName], later: Sequence[QualifiedName], catalog: Catalog) -> str:
    """Return one statement that deletes the rows of all tables, so that keys among them hold."""
    # Keys act on later tables; a trigger of theirs fires for the statement, even without a row.
    disable, enable = _disabled_and_enabled([*here, *later], [*here, *later], catalog, {"DELETE", "UPDATE"})
    *first, last = (f"DELETE FROM {catalog.rows_of(name)}" for name in here)  # noqa: S608 - quoted
    parts = ",\n         ".join(f"deleted_{number} AS ({each})" for number, each in enumerate(first, 1))
    delete = f"    WITH {parts}\n    {last};" if parts else f"    {last};"
    if enable:
        enable.insert(0, "    SET CONSTRAINTS ALL IMMEDIATE;")
    return "\n".join([*_locked(later, catalog), *disable, *_checked_empty(later, catalog), delete, *enable])


def _disabled_and_enabled(
    emptied: Sequence[QualifiedName],
    read: Sequence[QualifiedName],
    catalog: Catalog,
    events: Collection[str],
) -> tuple[list[str], list[str]]:
    """Return what disables triggers, rules and forced row-level security, and what enables them again."""
    home = catalog.tops
    off, on = [], []
    for table in catalog.tables:
        head = f"    ALTER TABLE {table.name}"
        for trigger in table.triggers:
            fires = trigger.fires and not {*trigger.events}.isdisjoint(events)
            if fires and home[table.name] in emptied:
                off.append(f"{head} DISABLE TRIGGER {quoted(trigger.name)};")
                on.append(f"{head} {_ENABLE[trigger.enabled]} TRIGGER {quoted(trigger.name)};")
        for rule in table.rules if "DELETE" in events and home[table.name] in emptied else ():
            if rule.fires:
                off.append(f"{head} DISABLE RULE {quoted(rule.name)};")
                on.append(f"{head} {_ENABLE[rule.enabled]} RULE {quoted(rule.name)};")
        if home[table.name] in read and table.force_row_security:
            off.append(f"{head} NO FORCE ROW LEVEL SECURITY;")
            on.append(f"{head} FORCE ROW LEVEL SECURITY;")
    return off, on


def _locked(later: Sequence[QualifiedName], catalog: Catalog) -> Iterator[str]:
    if later:
        yield f"    LOCK TABLE{_list(later, catalog, 8)}\n    IN ACCESS EXCLUSIVE MODE;"


def _checked_empty(later: Sequence[QualifiedName], catalog: Catalog) -> Iterator[str]:
    for name in later:
        yield (
            f"    IF EXISTS (SELECT FROM {catalog.rows_of(name)}) THEN\n"
            f"        RAISE EXCEPTION '% still has rows: run its rollback first', {literal(str(name))};\n"
            f"    END IF;"
        )


def _barred(
    catalog: Catalog, needs: Mapping[QualifiedName, Collection[QualifiedName]]
) -> frozenset[QualifiedName]:
    """Return tables that TRUNCATE refuses: what keys refer to that are not enforced, and what those need."""
    home = catalog.tops
    found: set[QualifiedName] = set()
    for key in catalog.foreign_keys:
        if key.referenced in home and not key.enforced and home[key.table] != home[key.referenced]:
            found.add(home[key.referenced])
    waiting = list(found)
    while waiting:
        new = set(needs.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return frozenset(found)


def _references(
    catalog: Catalog,
) -> tuple[dict[QualifiedName, set[QualifiedName]], dict[QualifiedName, set[QualifiedName]]]:
    """Return the tables that each table refers to, and those that refer to it."""
    home = catalog.tops
    needs: dict[QualifiedName, set[QualifiedName]] = defaultdict(set)
    users: dict[QualifiedName, set[QualifiedName]] = defaultdict(set)
    for key in catalog.foreign_keys:
        if key.referenced in home:
            needs[home[key.table]].add(home[key.referenced])
            users[home[key.referenced]].add(home[key.table])
    return needs, users


def _list(names: Sequence[QualifiedName], catalog: Catalog, indent: int) -> str:
    new_line = "\n" + " " * indent
    return new_line + f",{new_line}".join(catalog.rows_of(name) for name in names)
