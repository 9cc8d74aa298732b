"""Reading a Catalog: each question of ``queries/`` once, in one transaction, and no more than that."""

import gc
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeVar

from migplan.catalog import model
from migplan.catalog.counts import Counting, count_rows
from migplan.catalog.model import Catalog, Grant, TableKind, Unread
from migplan.catalog.questions import Questions
from migplan.names import QualifiedName
from migplan.postgres.session import Session

Part = TypeVar("Part")

log = logging.getLogger(__name__)

_KINDS = {"r": TableKind.TABLE, "p": TableKind.PARTITIONED, "f": TableKind.FOREIGN}
_PERSISTENCE = {"p": "permanent", "u": "unlogged"}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_MATCH = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}
_EVENTS = ((4, "INSERT"), (16, "UPDATE"), (8, "DELETE"), (32, "TRUNCATE"))
# What the server prints as it is now, and no lock on a table keeps from changing: asked first, right behind
# the snapshot.
_PRINTED_AS_NOW = (("functions", "grants"), ("views", "types", "rules", "policies"))
_ANY_COUNT = Counting()


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Switch garbage collection off: it would take a quarter of the time, and a catalog has no garbage."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


@_no_search_for_garbage()
def read(
    session: Session,
    counting: Counting = _ANY_COUNT,
    printed: Callable[[], None] = lambda: None,
) -> Catalog:
    """The catalog at the session's moment; open the session with ``postgres.session.reading``.

    ``printed`` is called as soon as the server has printed what no lock on a table keeps from changing: who
    wants to know whether that is of the same moment looks then.
    """
    started = time.monotonic()
    ask = Questions(session)
    (server,) = ask.all("server")
    for questions in _PRINTED_AS_NOW:
        for question in questions:
            ask.all(question)
        printed()
    names = {row.oid: QualifiedName(row.schema, row.name) for row in ask.all("tables")}
    counted = count_rows(session, ask.all("tables"), counting)
    schemas = _by_name(model.Schema(**row._asdict()) for row in ask.all("schemas"))
    relations = _Relations(ask, names, counted.exact)
    tables = _by_name(relations.tables())
    catalog = Catalog(
        server=model.Server(address=str(session.address), **server._asdict()),
        schemas=schemas,
        tables=tables,
        sequences=_by_name(_sequence(row, names) for row in ask.all("sequences")),
        views=_by_name(relations.views()),
        functions=_by_name((_function(row) for row in ask.all("functions")), then=lambda f: f.arguments),
        types=_by_name(_type(row) for row in ask.all("types")),
        extensions=_by_name(model.Extension(**row._asdict()) for row in ask.all("extensions")),
        grants=_by_name(_grant(row) for row in ask.all("grants")),
        signs=_signs(ask.all("signs"), schemas),
        unread=(*_unread(schemas, ask.all("tables"), ask.all("sequences")), *counted.unread),
    )
    log.info("catalog read in %.2f s: %d tables", time.monotonic() - started, len(tables))
    return catalog


class _Relations:
    """Tables and views with their parts. Oids and column positions tie rows together here, and stay here."""

    def __init__(self, ask: Questions, names: Mapping[int, QualifiedName], exact: Mapping[int, int]) -> None:
        self._tables = ask.all("tables")
        self._views = ask.all("views")
        self._names = names
        self._exact = exact
        self._positions: dict[int, dict[int, str]] = defaultdict(dict)
        for row in ask.all("columns"):
            self._positions[row.table_oid][row.position] = row.name
        self._columns = ask.by_table("columns", lambda row: (row.position, _column(row)))
        self._keys = ask.by_table("keys", self._key)
        self._checks = ask.by_table("checks", lambda row: (row.kind, _check(row)))
        self._null_fractions = {row.oid: row.null_fraction for row in ask.all("null_fractions")}
        # A key of or to a table that an extension brought is the extension's affair: it has no name here.
        self._foreign_keys: dict[int, list[model.ForeignKey]] = defaultdict(list)
        self._key_triggers: dict[int, set[str]] = defaultdict(set)
        for row in ask.all("key_triggers"):
            self._key_triggers[row.oid].add(f"{row.state} on {QualifiedName(row.schema, row.table)}")
        for row in ask.all("foreign_keys"):
            if row.table_oid in names and row.referenced_oid in names:
                self._foreign_keys[row.table_oid].append(self._foreign_key(row))
        self._indexes = ask.by_table("indexes", self._index)
        self._policies = ask.by_table("policies", _policy)
        self._triggers = ask.by_table("triggers", _trigger)
        self._rules = ask.by_table("rules", _rule)

    def tables(self) -> Iterator[model.Table]:
        """Every table, in the server's order."""
        return (self._table(row) for row in self._tables)

    def views(self) -> Iterator[model.View]:
        """Every view and materialised view, in the server's order."""
        return (self._view(row) for row in self._views)

    def _view(self, row: Any) -> model.View:
        oid = row.oid
        return model.View(
            name=QualifiedName(row.schema, row.name),
            definition=row.definition,
            materialized=row.materialized,
            populated=row.populated,
            owner=row.owner,
            options=tuple(sorted(row.options)),
            reads=tuple(sorted(QualifiedName(*pair) for pair in row.reads)),
            indexes=_by_name(self._indexes[oid]),
            triggers=_by_name(self._triggers[oid]),
            rules=_by_name(self._rules[oid]),
            comment=row.comment,
        )

    def _table(self, row: Any) -> model.Table:
        oid = row.oid
        keys, checks, indexes = self._keys[oid], self._checks[oid], self._indexes[oid]
        parents = tuple(self._names[parent] for parent in row.parents if parent in self._names)
        of_type = QualifiedName(row.of_type_schema, row.of_type_name) if row.of_type_name else None
        return model.Table(
            name=self._names[oid],
            kind=_KINDS[row.kind],
            owner=row.owner,
            columns=tuple(column for _, column in sorted(self._columns[oid], key=lambda pair: pair[0])),
            primary_key=next((key for key in keys if key.primary), None),
            unique_keys=_by_name(key for key in keys if not key.primary),
            foreign_keys=_by_name(self._foreign_keys[oid]),
            checks=_by_name(check for kind, check in checks if kind != "x"),
            exclusions=_by_name(check for kind, check in checks if kind == "x"),
            indexes=_by_name(indexes),
            policies=_by_name(self._policies[oid]),
            triggers=_by_name(self._triggers[oid]),
            rules=_by_name(self._rules[oid]),
            row_security=row.row_security,
            force_row_security=row.force_row_security,
            persistence=_PERSISTENCE[row.persistence],
            access_method=row.access_method,
            partition_key=row.partition_key,
            partition_of=parents[0] if row.is_partition and parents else None,
            partition_bound=row.partition_bound,
            inherits=() if row.is_partition else parents,
            of_type=of_type,
            replica_identity=row.replica_identity,
            options=tuple(sorted(row.options)),
            comment=row.comment,
            readable=row.readable,
            rows=self._exact.get(oid, row.estimated_rows),
            rows_exact=oid in self._exact,
            heap_bytes=row.main_bytes,
            table_bytes=row.table_bytes,
            index_bytes=None if row.table_bytes is None else sum(index.bytes or 0 for index in indexes),
            use=model.Use(
                sequential_scans=row.sequential_scans,
                index_scans=sum(index.scans or 0 for index in indexes),
                inserted=row.inserted,
                updated=row.updated,
                deleted=row.deleted,
                dead_rows=row.dead_rows,
            ),
        )

    def _named_columns(self, table_oid: int, positions: Sequence[int]) -> tuple[str, ...]:
        names = self._positions[table_oid]
        return tuple(names[position] for position in positions if position in names)

    def _key(self, row: Any) -> model.Key:
        return model.Key(
            name=row.name,
            columns=self._named_columns(row.table_oid, row.columns),
            primary=row.primary,
            deferrable=row.deferrable,
            initially_deferred=row.initially_deferred,
            nulls_not_distinct=row.nulls_not_distinct,
            without_overlaps=row.without_overlaps,
            comment=row.comment,
        )

    def _foreign_key(self, row: Any) -> model.ForeignKey:
        return model.ForeignKey(
            name=row.name,
            table=self._names[row.table_oid],
            columns=self._named_columns(row.table_oid, row.columns),
            referenced=self._names[row.referenced_oid],
            referenced_columns=self._named_columns(row.referenced_oid, row.referenced_columns),
            referenced_key=row.referenced_key,
            on_delete=_ACTIONS[row.on_delete],
            on_delete_columns=self._named_columns(row.table_oid, row.on_delete_columns or ()),
            on_update=_ACTIONS[row.on_update],
            match=_MATCH[row.match],
            deferrable=row.deferrable,
            initially_deferred=row.initially_deferred,
            validated=row.validated,
            enforced=row.enforced,
            period=row.period,
            comment=row.comment,
            triggers=tuple(sorted(self._key_triggers.get(row.oid, ()))),
            null_fraction=self._null_fractions.get(row.oid),
        )

    def _index(self, row: Any) -> model.Index:
        names = self._positions[row.table_oid]
        expressions = row.expressions or [None] * len(row.columns)
        columns = [names.get(position, sql) for position, sql in zip(row.columns, expressions, strict=True)]
        return model.Index(
            name=row.name,
            definition=row.definition,
            columns=tuple(columns),
            method=row.method,
            unique=row.unique,
            valid=row.valid,
            predicate=row.predicate,
            constraint=row.constraint,
            inherited=row.inherited,
            comment=row.comment,
            bytes=row.bytes,
            scans=row.scans,
        )


def _column(row: Any) -> model.Column:
    return model.Column(*row[2:])


def _check(row: Any) -> model.Check:
    return model.Check(row.name, row.definition, row.validated, row.enforced, row.comment)


def _policy(row: Any) -> model.Policy:
    return model.Policy(
        row.name, row.command, tuple(sorted(row.roles)), row.permissive, row.using, row.check, row.comment
    )


def _trigger(row: Any) -> model.Trigger:
    bits = row.type
    return model.Trigger(
        name=row.name,
        function=QualifiedName(row.function_schema, row.function_name),
        definition=row.definition,
        timing="BEFORE" if bits & 2 else "INSTEAD OF" if bits & 64 else "AFTER",
        events=tuple(event for bit, event in _EVENTS if bits & bit),
        level="ROW" if bits & 1 else "STATEMENT",
        enabled=row.enabled,
        constraint=row.constraint,
        comment=row.comment,
    )


def _rule(row: Any) -> model.Rule:
    return model.Rule(row.name, row.definition, row.enabled, row.comment)


def _sequence(row: Any, names: Mapping[int, QualifiedName]) -> model.Sequence:
    fields = row._asdict()
    owner = names.get(fields.pop("owner_table_oid"))
    del fields["visible"]
    return model.Sequence(name=_name(fields), owned_by=owner, **fields)


def _function(row: Any) -> model.Function:
    fields = row._asdict()
    settings = tuple(sorted(fields.pop("settings")))
    return model.Function(name=_name(fields), settings=settings, **fields)


def _type(row: Any) -> model.Type:
    fields = row._asdict()
    definition = tuple(fields.pop("definition"))
    return model.Type(name=_name(fields), definition=definition, **fields)


def _signs(rows: Iterable[Any], schemas: Iterable[model.Schema]) -> model.Signs:
    found = sorted((row.kind, row.name) for row in rows)
    return model.Signs(
        schemas=tuple(schema.name for schema in schemas),
        roles=tuple(name for kind, name in found if kind == "role"),
        settings=tuple(name for kind, name in found if kind == "setting"),
        others=tuple(name for kind, name in found if kind not in {"role", "setting"}),
    )


def _grant(row: Any) -> Grant:
    return Grant(
        kind=row.kind,
        schema=row.schema,
        object=row.name,
        part=row.part,
        grantee=row.grantee,
        privileges=tuple(sorted(row.privileges)),
        withheld=tuple(sorted(row.withheld)),
        of_role=row.of_role,
    )


def _name(fields: dict[str, Any]) -> QualifiedName:
    return QualifiedName(fields.pop("schema"), fields.pop("name"))


def _by_name(things: Iterable[Part], then: Callable[[Part], str] = lambda _: "") -> tuple[Part, ...]:
    return tuple(sorted(things, key=lambda thing: (thing.name, then(thing))))  # type: ignore[attr-defined]


def _unread(
    schemas: tuple[model.Schema, ...], tables: Sequence[Any], sequences: Sequence[Any]
) -> Iterable[Unread]:
    for schema in schemas:
        if not schema.usable:
            yield Unread(f"schema {schema.name}", "the role has no USAGE on it")
    for row in sorted(tables, key=attrgetter("schema", "name")):
        if not row.readable:
            yield Unread(f"rows of {QualifiedName(row.schema, row.name)}", "the role may not SELECT from it")
        elif row.hidden:
            yield Unread(
                f"rows of {QualifiedName(row.schema, row.name)}",
                "row-level security hides some from the role, or may",
            )
    for name in sorted(QualifiedName(row.schema, row.name) for row in sequences if not row.visible):
        yield Unread(f"value of sequence {name}", "the role may neither use it nor SELECT from it")
