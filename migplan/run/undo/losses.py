"""What a rollback would take away, with numbers: for people to look at before they agree.

A row carries the number of the transaction that wrote it, and the journal those of a run. Transactions are
counted in 64 bits, rows carry the lower 32 of them: a run that lies too many transactions back, and a
journal that came with a copy of the data from another server, tell nothing about rows: none counts as its.

The server adds up rows by their transaction, as far as that is one of the time of the run; which of these
were the run's is looked up here. So a table costs the same whatever the number of transactions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migplan.bundle.verified import VerifiedBundle
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.run.engine.journal import Run

_REFRESHED = "materialised views"  # as bundles call the step that fills them

# Neither of these is an object: they go with one, or are said of one.
_NO_OBJECTS = frozenset(
    {
        "ACL",
        "COMMENT",
        "DEFAULT",
        "DEFAULT ACL",
        "INDEX ATTACH",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "ROW SECURITY",
        "SECURITY LABEL",
        "SEQUENCE OWNED BY",
        "SHELL TYPE",
        "TABLE ATTACH",
    }
)


@dataclass(frozen=True, slots=True)
class Losses:
    """What a rollback deletes: rows that exist now, and objects that the run created."""

    address: Address
    run: Run
    files: tuple[str, ...]  # that would be rolled back, in that order
    stay: tuple[str, ...]  # that were done, and stay
    tables: Sequence[TableRows]
    objects: Mapping[str, int]  # by kind
    preexisting: tuple[str, ...]  # what was there before, and stays
    data_only: bool
    also_changed: bool
    everything: bool  # the whole run, because no part of it was named
    before_rows: str = ""  # the file to go back to before rows can come again, where keys came after them
    differs: str = ""  # in which way the folder beside is not what was applied
    large_objects: int = 0  # that the run made, and that go with whatever was written to them since

    @property
    def rows(self) -> int:
        """Rows that would go."""
        return sum(self._goes(table) for table in self.tables)

    @property
    def own(self) -> int:
        """Rows that the run brought, and nobody changed since."""
        return sum(table.own for table in self.tables)

    @property
    def others(self) -> int:
        """Rows that were there before, or came or were changed since, in the tables that are concerned."""
        return sum(table.others for table in self.tables)

    @property
    def loses_others(self) -> bool:
        """Whether rows would go that the run did not bring, or that cannot be told."""
        return self.others_go and any(table.others or table.rows is None for table in self.tables)

    @property
    def others_go(self) -> bool:
        """Whether such rows go at all."""
        return self.also_changed or not self.data_only

    def _goes(self, table: TableRows) -> int:
        return (table.rows or 0) if self.others_go else table.own


def objects_of(
    bundle: VerifiedBundle, files: Sequence[str], preexisting: Collection[tuple[str, str]]
) -> dict[str, int]:
    """Count the objects that those files create, by kind, without those that existed before."""
    found = Counter(
        moved.kind.lower()
        for moved in bundle.manifest.objects
        if moved.file in files
        and moved.kind not in _NO_OBJECTS
        and (moved.kind, moved.name) not in preexisting
    )
    return dict(sorted(found.items()))


def before_rows(bundle: VerifiedBundle, stay: Sequence[str], emptied: Sequence[str]) -> str:
    """Return the last file before the rows, if keys or event triggers stay that come after them."""
    phases = {file.file: file.phase for file in bundle.manifest.files}
    schema = [file for file in stay if phases.get(file) == "schema"]
    later = any(phases.get(file) == "constraints" for file in stay)
    later = later or any(made_after_rows(bundle, file) for file in emptied)
    return schema[-1] if schema and later else ""


def made_after_rows(bundle: VerifiedBundle, file: str) -> list[str]:
    """Return the steps of a data file that create objects, which stay when only the rows are rolled back."""
    return [
        step.name
        for each in bundle.manifest.files
        if each.file == file and bundle.manifest.contents != "data"
        for step in each.steps
        if step.alone and not step.tables and step.name != _REFRESHED
    ]


def tables_of(bundle: VerifiedBundle, files: Sequence[str]) -> list[QualifiedName]:
    """Return the tables that those files create or fill, in the order of the plan."""
    manifest = bundle.manifest
    groups = {file.group for file in manifest.files if file.file in files and file.phase == "data"}
    made = {
        QualifiedName(moved.in_schema, moved.name)
        for moved in manifest.objects
        if moved.kind == "TABLE" and moved.file in files
    }
    listed = [table.name for table in manifest.tables if table.group in groups or table.name in made]
    return list(dict.fromkeys([*listed, *sorted(made)]))


_HORIZON = 1 << 31
_LOW = (1 << 32) - 1
_AT_ONCE = 500

_TABLES = """
    SELECT n.nspname, c.relname, c.oid::bigint, c.relkind = 'p', c.relforcerowsecurity AND NOT r.exempt
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY w (schema, name, place)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
    CROSS JOIN (SELECT rolsuper OR rolbypassrls AS exempt FROM pg_catalog.pg_roles
                WHERE rolname = current_user) r
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY w.place
"""
_COUNT = """
DO $migplan$
DECLARE
    one record;
    found jsonb;
    answers jsonb[];
BEGIN
    -- Names arrive and answers leave as settings of this transaction, for a DO block takes no parameters.
    FOR one IN
        SELECT value ->> 0 AS schema, value ->> 1 AS name, (value ->> 2)::boolean AS whole,
               (value ->> 3)::boolean AS forced
        FROM jsonb_array_elements(current_setting('migplan.tables')::jsonb)
    LOOP
        BEGIN
            IF one.forced THEN  -- upon the owner himself, who would be refused
                EXECUTE format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', one.schema, one.name);
            END IF;
            EXECUTE format(
                'SELECT coalesce(jsonb_object_agg(coalesce(brought::text, %L), number), %L) FROM ('
                'SELECT CASE WHEN age(xmin) BETWEEN age(%L::xid) AND age(%L::xid) THEN xmin END, count(*) '
                'FROM %s %I.%I GROUP BY 1) q (brought, number)',
                '', '{}', current_setting('migplan.last'), current_setting('migplan.first'),
                CASE WHEN one.whole THEN '' ELSE 'ONLY' END, one.schema, one.name
            ) INTO found;
            -- Going back gives the locks back, and the table its policies; the count stays.
            RAISE EXCEPTION USING ERRCODE = 'MPLAN';
        EXCEPTION
            WHEN SQLSTATE 'MPLAN' THEN
                answers := answers || found;
            WHEN insufficient_privilege THEN
                answers := answers || 'null'::jsonb;
        END;
    END LOOP;
    PERFORM set_config('migplan.counts', to_jsonb(answers)::text, true);
END
$migplan$
"""


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table's rows; None where the role may not read them."""

    name: QualifiedName
    oid: int
    partitioned: bool
    rows: int | None
    own: int  # the run brought them, and nobody changed them since
    transactions: tuple[str, ...] = ()  # of the run, as these rows carry them

    @property
    def table(self) -> str:
        """The table as SQL names it."""
        return str(self.name)

    @property
    def others(self) -> int:
        """Rows that were there before the run, or came or were changed since."""
        return (self.rows or 0) - self.own

    @property
    def whole(self) -> str:
        """The table as a statement names it that is about its own rows: tables that inherit are others."""
        return self.table if self.partitioned else f"ONLY {self.table}"


def transactions_of(session: Session, transactions: Iterable[str | None]) -> list[str]:
    """Return transaction ids as rows carry them, the oldest first, of those that are not too old to tell."""
    (now,) = session.execute(
        "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text"
    ).fetchone() or ("0",)
    numbers = {int(each) for each in transactions if each is not None}
    if any(number >= int(now) for number in numbers):
        return []
    return [str(number & _LOW) for number in sorted(numbers) if int(now) - number < _HORIZON]


def count_rows(
    session: Session,
    tables: Sequence[QualifiedName],
    transactions: Sequence[str],
) -> list[TableRows]:
    """Count the rows of the tables that exist; of a partitioned table those of all partitions."""
    schemas, names = [table.schema for table in tables], [table.name for table in tables]
    with session.translate_errors("counting the rows that would be lost"):
        there = session.execute(_TABLES, [schemas, names]).fetchall()
        found: list[TableRows] = []
        for start in range(0, len(there), _AT_ONCE):
            found += _some(session, there[start : start + _AT_ONCE], transactions)
        return found


def _some(
    session: Session, there: Sequence[tuple[Any, ...]], transactions: Sequence[str]
) -> Iterator[TableRows]:
    ours = set(transactions)
    first, last = (transactions[0], transactions[-1]) if transactions else ("0", "0")
    asked = [[schema, name, whole, forced] for schema, name, _, whole, forced in there]
    settings = {"migplan.tables": json.dumps(asked), "migplan.first": first, "migplan.last": last}
    with session.transaction(force_rollback=True):
        session.execute("SET LOCAL row_security = off; SET LOCAL statement_timeout = 0")
        session.execute("SET LOCAL lock_timeout = '10s'; SET LOCAL search_path = ''")
        for name, value in settings.items():
            session.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])
        session.execute(_COUNT)
        (said,) = session.execute("SELECT pg_catalog.current_setting('migplan.counts')").fetchone() or ("[]",)
    for (schema, name, oid, whole, _), counts in zip(there, json.loads(said), strict=True):
        rows = None if counts is None else sum(counts.values())
        brought = {xmin: number for xmin, number in (counts or {}).items() if xmin in ours}
        own, by = sum(brought.values()), tuple(sorted(brought))
        yield TableRows(QualifiedName(schema, name), oid, whole, rows, own, by)
