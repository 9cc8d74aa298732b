"""Keys that rows of the source break: the export stops at them, or carries them on record as NOT VALID.

Such a key can only be created behind the rows, and without a look at them. In the bundle it stands like one
that was NOT VALID in the source: the same places, the same treatment while rows come in.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from migplan.bundle.manifest import CarriedKey
from migplan.catalog.model import Catalog, ForeignKey, TableKind
from migplan.catalog.orphans import Orphans, find_orphans
from migplan.errors import PlanError
from migplan.names import QualifiedName, quoted
from migplan.postgres.archive import Archive, Entry
from migplan.postgres.session import Session
from migplan.text.wording import counted

_KEY = "FK CONSTRAINT"
_VALID_ONLY = 18
"""The first version that knows a key NOT VALID of a partitioned table."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A key with orphans, and a query that finds them."""

    orphans: Orphans
    query: str


@dataclass(eq=False)
class OrphansError(PlanError):
    """Rows that refer to nothing, and would break the keys of the target."""

    orphans: tuple[Broken, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class OrphanKeys:
    """The keys that have orphans in the source, and what else is to be said."""

    keys: tuple[ForeignKey, ...] = ()  # those that were valid, and will be NOT VALID
    record: tuple[CarriedKey, ...] = ()
    notes: tuple[str, ...] = ()

    def catalog(self, catalog: Catalog) -> Catalog:
        """Return the catalog as the target will have it, with these keys not validated."""
        if not self.keys:
            return catalog
        return replace(
            catalog,
            tables=tuple(
                replace(
                    table,
                    foreign_keys=tuple(
                        replace(key, validated=False) if key in self.keys else key
                        for key in table.foreign_keys
                    ),
                )
                for table in catalog.tables
            ),
        )

    def archive(self, archive: Archive) -> Archive:
        """Return the definitions, with these keys NOT VALID."""
        if not self.keys:
            return archive
        wanted = {(key.table.schema, f"{key.table.name} {key.name}") for key in self.keys}
        entries = tuple(
            _not_valid(entry) if entry.kind == _KEY and (entry.schema, entry.tag) in wanted else entry
            for entry in archive.entries
        )
        return replace(archive, entries=entries)


def find_orphan_keys(
    session: Session,
    catalog: Catalog,
    on_progress: Callable[[int, int], None],
    *,
    carry: bool,
    look: bool = True,
    empty: Collection[QualifiedName] = (),
) -> OrphanKeys:
    """Look for orphans of the keys that the target will enforce; OrphansError unless they are carried.

    Rows that refer to tables which stay ``empty`` are looked for in any case, and refused; without ``look``
    nothing else is.
    """
    tops = catalog.tops
    keys = [
        key
        for key in catalog.foreign_keys
        if key.enforced and key.referenced in catalog.by_name and tops[key.table] not in empty
    ]
    absent = {key for key in keys if tops[key.referenced] in empty}
    wanted = keys if look else [key for key in keys if key in absent]
    found = find_orphans(session, wanted, on_progress, absent=absent) if wanted else ()
    broken = tuple(each for each in found if each.rows and each.key.validated)
    if not carry:
        _refuse_dangling([each for each in broken if each.key in absent])
    if broken and not carry:
        raise OrphansError(
            f"{counted(len(broken), 'foreign key')} of {session.address} would not hold in the target: "
            "rows refer to nothing",
            do="fix the rows; --carry-orphans writes these keys NOT VALID, on record",
            orphans=tuple(Broken(each, finding(each.key, catalog)) for each in broken),
        )
    _refuse_partitioned(broken, catalog)
    return OrphanKeys(
        keys=tuple(each.key for each in broken),
        record=tuple(
            CarriedKey(
                key=each.key.label,
                rows=each.rows,
                samples=each.samples,
                in_source=not each.key.validated,
            )
            for each in found
            if each.rows
        ),
        notes=tuple(_notes(found)),
    )


def _refuse_dangling(broken: Sequence[Orphans]) -> None:
    """Raise PlanError for rows that refer to tables whose rows stay at home."""
    if not broken:
        return
    lines = [
        f"{each.key.label}: {counted(each.rows, 'row')}, such as "
        + "; ".join(", ".join(values) for values in each.samples)
        for each in broken
    ]
    empty = ", ".join(dict.fromkeys(str(each.key.referenced) for each in broken))
    raise PlanError(
        f"rows refer to {empty}, whose rows stay at home (schema-only), and their keys would not hold:\n  "
        + "\n  ".join(lines),
        do="set the tables that refer to it to schema-only, too, or bring its rows; --carry-orphans writes "
        "the keys NOT VALID, on record",
    )


def finding(key: ForeignKey, catalog: Catalog) -> str:
    """Return a query, for people to run, that finds the rows of a key which refer to nothing."""
    refers, match = conditions(key)
    return (
        f"SELECT * FROM {catalog.rows_of(key.table)} o WHERE ({refers}) "  # noqa: S608 - names are quoted
        f"AND NOT EXISTS (SELECT FROM {catalog.rows_of(key.referenced)} r WHERE {match});"
    )


def conditions(key: ForeignKey) -> tuple[str, str]:
    """Return when a row ``o`` refers to any other, and when it is the row ``r``, as SQL.

    MATCH SIMPLE is content as soon as one column is NULL; MATCH FULL only when all of them are:
    https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-REFERENCES
    """
    joint = " OR " if key.match == "FULL" else " AND "
    pairs = zip(key.columns, key.referenced_columns, strict=True)
    return (
        joint.join(f"o.{quoted(here)} IS NOT NULL" for here in key.columns),
        " AND ".join(f"r.{quoted(there)} = o.{quoted(here)}" for here, there in pairs),
    )


def _refuse_partitioned(broken: Collection[Orphans], catalog: Catalog) -> None:
    """Raise PlanError for keys that cannot be NOT VALID: those of partitioned tables before PostgreSQL 18."""
    refused = [
        each.key
        for each in broken
        if catalog.by_name[each.key.table].kind is TableKind.PARTITIONED
        and catalog.server.major < _VALID_ONLY
    ]
    if refused:
        names = ", ".join(f"{key.name} of {key.table}" for key in refused)
        raise PlanError(
            f"{names} cannot be carried: a key of a partitioned table cannot be NOT VALID before "
            f"PostgreSQL {_VALID_ONLY}, and the source is PostgreSQL {catalog.server.major}",
            do="fix the rows that refer to nothing, or leave the key out of the source",
        )


def _notes(found: Iterable[Orphans]) -> Iterable[str]:
    for each in found:
        key = each.key.label
        if each.unread:
            yield f"not looked at for orphans: {key}: {each.unread}"
            continue
        samples = "; ".join(", ".join(values) for values in each.samples)
        refer = "refers" if each.rows == 1 else "refer"
        how = "carried as NOT VALID, by choice" if each.key.validated else "NOT VALID as in the source"
        yield f"{how}: {key}: {counted(each.rows, 'row')} {refer} to nothing, such as {samples}"


def _not_valid(entry: Entry) -> Entry:
    """Return a key's entry with NOT VALID at the end of its definition, where the server prints it."""
    text = entry.definition.rstrip()
    assert text.endswith(";")
    return replace(entry, definition=f"{text.removesuffix(';')} NOT VALID;\n")
