"""Foreign keys: no row that refers to nothing, and hierarchies of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psycopg
from psycopg import sql

from migplan.catalog.digests import rows_of
from migplan.catalog.model import Catalog, ForeignKey
from migplan.catalog.orphans import Orphans, find_orphans
from migplan.names import QualifiedName
from migplan.postgres.failures import explained
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Hierarchy

Told = Callable[[str, int, int], None]


def without_orphans(expectation: Expectation, target: Moment, told: Told) -> tuple[Check, tuple[str, ...]]:
    """Every key of the bundle that the target has, valid or not, looked at row by row."""
    here = {(key.table, key.name): key for key in target.catalog.foreign_keys}
    expected = [key for key in _keys(expectation) if (key.table, key.name) in here]
    found = find_orphans(
        target.connection,
        target.address,
        [here[key.table, key.name] for key in expected],
        lambda *at: told("looking for orphans", *at),
    )
    broken = {(orphans.key.table, orphans.key.name): orphans for orphans in found}
    carried = {each.key: each.rows for each in expectation.manifest.carried}
    differences, notes = [], []
    for key in expected:
        orphans = broken.get((key.table, key.name))
        if orphans is None:
            continue
        if orphans.unread:
            notes.append(f"orphans of {key.name}: {orphans.unread}")
        elif not key.validated and orphans.rows <= carried.get(f"{key.name}: {key}", orphans.rows):
            notes.append(f"{orphans.rows:,} rows break {key.name}, which is NOT VALID, as in the bundle")
        else:
            differences.append(_difference(orphans))
    check = Check("Orphans", len(expected) - len(differences), len(expected), tuple(differences))
    return check, tuple(notes)


def _keys(expectation: Expectation) -> Iterable[ForeignKey]:
    """The keys that the bundle makes, or that its rows must keep to."""
    if expectation.with_schema:
        return expectation.catalog.foreign_keys
    families = {name for family in expectation.families.values() for name in family}
    return (key for key in expectation.catalog.foreign_keys if key.table in families)


def _difference(orphans: Orphans) -> Difference:
    rows = "row refers" if orphans.rows == 1 else "rows refer"
    values = tuple(f"({', '.join(sample)})" for sample in orphans.samples)
    return Difference(f"{orphans.key.name}: {orphans.key}", f"{orphans.rows:,} {rows} to nothing", values)


def hierarchies(
    expectation: Expectation, target: Moment, source: Moment | None
) -> tuple[Check, tuple[Hierarchy, ...]]:
    """Roots, linked rows and all rows of tables that refer to themselves."""
    found, differences = [], []
    rows = {str(name): table.rows for name, table in expectation.loaded.items()}
    names = [name for name in expectation.loaded if _own_keys(expectation.catalog, name)]
    for name in names:
        there = _hierarchy(target, expectation.catalog, name)
        if there is None:
            differences.append(
                Difference(f"self-references of {name}", "not read in the target", known=False)
            )
            continue
        found.append(there)
        then = _hierarchy(source, expectation.catalog, name) if source is not None else None
        if then is not None and (then.roots, then.linked) != (there.roots, there.linked):
            differences.append(
                Difference(f"self-references of {name}", f"{_shape(there)}, not {_shape(then)}")
            )
        elif source is None and there.total != rows[str(name)]:
            differences.append(
                Difference(f"self-references of {name}", f"{_shape(there)}, not {rows[str(name)]:,} in all")
            )
    check = Check("Self-references", len(names) - len(differences), len(names), tuple(differences))
    return check, tuple(found)


def _shape(hierarchy: Hierarchy) -> str:
    return f"{hierarchy.roots:,} roots, {hierarchy.linked:,} linked, {hierarchy.total:,} in all"


def _own_keys(catalog: Catalog, name: QualifiedName) -> list[ForeignKey]:
    return [key for key in catalog.by_name[name].foreign_keys if key.refers_to_itself]


def _hierarchy(moment: Moment, catalog: Catalog, name: QualifiedName) -> Hierarchy | None:
    table = moment.catalog.by_name.get(name)
    keys = _own_keys(catalog, name)
    columns = {column.name for column in table.columns} if table else set()
    if table is None or not all(columns.issuperset(key.columns) for key in keys):
        return None
    linked = sql.SQL(" OR ").join(_refers(key) for key in keys)
    question = sql.SQL("SELECT count(*) FILTER (WHERE NOT ({0})), count(*) FILTER (WHERE {0}) FROM {1}")
    with explained(moment.address, f"counting the roots of {name}"):
        try:
            with moment.driver.transaction(force_rollback=True):
                roots, others = moment.driver.execute(question.format(linked, rows_of(table))).fetchall()[0]
        except psycopg.errors.InsufficientPrivilege:
            return None
    return Hierarchy(str(name), roots, others)


def _refers(key: ForeignKey) -> sql.Composed:
    conditions = [sql.SQL("{} IS NOT NULL").format(sql.Identifier("t", column)) for column in key.columns]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(conditions))
