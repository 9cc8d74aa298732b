"""The rows of a data file taken back by SQL alone: TRUNCATE where the server allows it, else DELETE.

Nothing is emptied that refers to these tables from outside of the file; it is only looked at. Triggers of
users keep still, as they do while rows come in, and stand as before when the transaction ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from migplan.bundle.manifest import LoadedTable, Manifest
from migplan.bundle.wording import do_block, literal
from migplan.catalog.model import Catalog, TableKind
from migplan.config import Layout
from migplan.names import QualifiedName, quoted

_STATES = {"origin": "ENABLE", "always": "ENABLE ALWAYS"}  # in which a trigger fires


def emptied(manifest: Manifest, tables: Sequence[LoadedTable], catalog: Catalog) -> Iterator[str]:
    """The statements that empty these tables, the last of which was filled first."""
    names = {str(name): name for name in catalog.by_name}
    here = [names[table.table] for table in tables]
    live = manifest.constraints is Layout.WITH_SCHEMA or manifest.contents == "data"
    barred = _barred(catalog) if live else frozenset()
    truncated = [name for name in here if name not in barred]
    deleted = [name for name in here if name in barred]
    if truncated:
        later = _referring(manifest, catalog, truncated) if live else []
        still = _kept_still([*truncated, *later], later, catalog, "TRUNCATE") if live else ((), ())
        yield from _truncated(truncated, later, catalog, *still)
    if deleted:
        yield "-- TRUNCATE refuses tables to which a key refers that is not enforced, and what these need."
        later = [name for name in _referring(manifest, catalog, deleted) if name not in here]
        yield do_block(_deleted(deleted, later, catalog))


def _truncated(
    here: Sequence[QualifiedName],
    later: Sequence[QualifiedName],
    catalog: Catalog,
    quiet: Sequence[str],
    loud: Sequence[str],
) -> Iterator[str]:
    if not later and not quiet:
        yield f"TRUNCATE TABLE{_list(here, catalog, 4)};"
        return
    if later:  # TRUNCATE wants each table in the same statement that refers to one of its tables
        yield "-- Tables of later files that refer to these must be named as well, and must be empty."
    truncate = f"    TRUNCATE TABLE{_list([*later, *here], catalog, 8)};"
    lines = [*_locked(later, catalog), *quiet, *_checked_empty(later, catalog), truncate, *loud]
    yield do_block("\n".join(lines))


def _deleted(here: Sequence[QualifiedName], later: Sequence[QualifiedName], catalog: Catalog) -> str:
    """All in one statement, so that keys among them hold whatever way they point."""
    quiet, loud = _kept_still(here, [*here, *later], catalog, "DELETE")
    *first, last = (f"DELETE FROM {_rows_of(name, catalog)}" for name in here)  # noqa: S608 - quoted
    parts = ",\n         ".join(f"deleted_{number} AS ({each})" for number, each in enumerate(first, 1))
    delete = f"    WITH {parts}\n    {last};" if parts else f"    {last};"
    if loud:
        loud.insert(0, "    SET CONSTRAINTS ALL IMMEDIATE;")
    return "\n".join([*_locked(later, catalog), *quiet, *_checked_empty(later, catalog), delete, *loud])


def _kept_still(
    emptied: Sequence[QualifiedName], read: Sequence[QualifiedName], catalog: Catalog, event: str
) -> tuple[list[str], list[str]]:
    """What keeps triggers of users from firing, and policies from hiding rows from the owner; and back."""
    home = _homes(catalog)
    off, on = [], []
    for table in catalog.tables:
        head = f"    ALTER TABLE {table.name}"
        for trigger in table.triggers:
            if home[table.name] in emptied and event in trigger.events and trigger.enabled in _STATES:
                off.append(f"{head} DISABLE TRIGGER {quoted(trigger.name)};")
                on.append(f"{head} {_STATES[trigger.enabled]} TRIGGER {quoted(trigger.name)};")
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
            f"    IF EXISTS (SELECT FROM {_rows_of(name, catalog)}) THEN\n"
            f"        RAISE EXCEPTION '% still has rows: run its rollback first', {literal(str(name))};\n"
            f"    END IF;"
        )


def _barred(catalog: Catalog) -> frozenset[QualifiedName]:
    """Tables that TRUNCATE refuses: those of keys that are not enforced, and what they refer to."""
    home = _homes(catalog)
    needs: dict[QualifiedName, set[QualifiedName]] = {}
    found: set[QualifiedName] = set()
    for key in catalog.foreign_keys:
        if key.referenced in home:
            child, parent = home[key.table], home[key.referenced]
            needs.setdefault(child, set()).add(parent)
            if not key.enforced and child != parent:
                found.add(parent)
    waiting = list(found)
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return frozenset(found)


def _list(names: Sequence[QualifiedName], catalog: Catalog, indent: int) -> str:
    new_line = "\n" + " " * indent
    return new_line + f",{new_line}".join(_rows_of(name, catalog) for name in names)


def _referring(manifest: Manifest, catalog: Catalog, here: Collection[QualifiedName]) -> list[QualifiedName]:
    """The other tables of the bundle that refer to these, directly or through others, the last first."""
    home = _homes(catalog)
    users: dict[QualifiedName, set[QualifiedName]] = {}
    for key in catalog.foreign_keys:
        if key.referenced in home:
            users.setdefault(home[key.referenced], set()).add(home[key.table])
    found: set[QualifiedName] = set()
    waiting = list(here)
    while waiting:
        new = users.get(waiting.pop(), set()) - found - set(here)
        found |= new
        waiting += new
    names = {str(name): name for name in found}
    return [names[table.table] for table in reversed(manifest.tables) if table.table in names]


def _homes(catalog: Catalog) -> Mapping[QualifiedName, QualifiedName]:
    """Of each table the one whose name brings all its rows: a partition's top, or itself."""
    tables = catalog.by_name

    def home(name: QualifiedName) -> QualifiedName:
        parent = tables[name].partition_of
        return home(parent) if parent is not None and parent in tables else name

    return {name: home(name) for name in tables}


def _rows_of(name: QualifiedName, catalog: Catalog) -> str:
    """A table as a statement names it that is about its own rows: tables that inherit are others."""
    return str(name) if catalog.by_name[name].kind is TableKind.PARTITIONED else f"ONLY {name}"
