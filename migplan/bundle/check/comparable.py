"""Whether the text of two values, as COPY writes them, tells that they are equal: by their columns' types.

Most types have one text for each value. Of some the text has to be brought into one form first; of others
(``interval``, ``double precision``, what extensions bring) it tells nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from postgast import pg_query_pb2 as pg

from migplan.sql.tree import options, relation_name, words

Form = Callable[[bytes], bytes]

_ONE_TEXT = frozenset({"bool", "bytea", "date", "timestamp", "timestamptz", "time", "uuid", "macaddr"}) | {
    *("macaddr8", "inet", "cidr", "bit", "varbit", "pg_lsn", "xid8", "char")
}
_NUMBERS = frozenset({"int2", "int4", "int8", "oid", "numeric"})
_TEXTS = frozenset({"text", "varchar", "name", "bpchar"})
_ZEROS = re.compile(rb"(-?\d+)(?:\.0*|(\.\d*?[1-9])0*)")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type in the files: what it is called, and the collation it says."""

    type: str
    collation: str = ""


@dataclass
class Types:
    """The types of columns, gathered from the statements that make tables, domains and enums."""

    _columns: dict[str, dict[str, ColumnType]] = field(default_factory=dict)
    _domains: dict[str, ColumnType] = field(default_factory=dict)
    _enums: set[str] = field(default_factory=set)
    _loose: set[str] = field(default_factory=set)  # collations to which different texts may be equal

    def see(self, node: pg.Node) -> None:
        """Take the types that a statement defines."""
        match node.WhichOneof("node"):
            case "create_stmt":
                self._table(node.create_stmt)
            case "create_domain_stmt":
                domain = node.create_domain_stmt
                self._domains[".".join(words(domain.domainname))] = _typed(
                    domain.type_name, domain.coll_clause
                )
            case "create_enum_stmt":
                self._enums.add(".".join(words(node.create_enum_stmt.type_name)))
            case "define_stmt":
                define = node.define_stmt
                if define.kind == pg.OBJECT_COLLATION and _is_loose(define):
                    self._loose.add(".".join(words(define.defnames)))

    def of(self, table: str, column: str) -> ColumnType | None:
        """Return the type of a column; None if no statement says it."""
        return self._columns.get(table, {}).get(column)

    def forms(self, own: ColumnType, other: ColumnType) -> tuple[Form, Form] | str:
        """Return functions that make equal values equal texts, for each side; or why there are none."""
        own, other = self._base(own), self._base(other)
        loose = {own.collation, other.collation} & self._loose
        if loose:
            return f"collation {loose.pop()} holds different texts for equal"
        if own.type in _NUMBERS and other.type in _NUMBERS:
            form = _number if "numeric" in {own.type, other.type} else as_it_is
            return form, form
        if own.type in _TEXTS and other.type in _TEXTS:
            return _text(own.type), _text(other.type)
        if own.type != other.type:
            return f"{own.type} and {other.type} do not write equal values alike"
        return self._form(own.type) or f"equal values of type {own.type} may have different texts"

    def _form(self, type_: str) -> tuple[Form, Form] | None:
        if type_ in _ONE_TEXT or type_ in self._enums:
            return as_it_is, as_it_is
        return (_folded, _folded) if type_.rpartition(".")[2] == "citext" else None

    def _base(self, type_: ColumnType) -> ColumnType:
        base = type_
        while base.type in self._domains:
            under = self._domains[base.type]
            base = ColumnType(under.type, base.collation or under.collation)
        return base

    def _table(self, create: pg.CreateStmt) -> None:
        columns = self._columns.setdefault(relation_name(create.relation), {})
        for parent in create.inh_relations:
            columns |= self._columns.get(relation_name(parent.range_var), {})
        for node in create.table_elts:
            if node.column_def.HasField("type_name"):  # typed tables have columns without one
                column = node.column_def
                columns[column.colname] = _typed(column.type_name, column.coll_clause)


def lenient(value: bytes) -> bytes:
    """Return a form for any type: equal values rarely have two, different values may share one."""
    return _number(_folded(value).rstrip(b" "))


def _typed(type_: pg.TypeName, collation: pg.CollateClause) -> ColumnType:
    names = words(type_.names)
    parts = names[1:] if names[0] == "pg_catalog" and len(names) > 1 else names
    return ColumnType(".".join(parts) + "[]" * len(type_.array_bounds), ".".join(words(collation.collname)))


def _is_loose(define: pg.DefineStmt) -> bool:
    said = options(define.definition).get("deterministic")
    if said is None:
        return False
    return words([said.arg]) == ("false",) or (said.arg.HasField("boolean") and not said.arg.boolean.boolval)


def as_it_is(value: bytes) -> bytes:
    """Return the text unchanged, which is the form of most types."""
    return value


def _folded(value: bytes) -> bytes:
    return value.decode().lower().encode()


def _number(value: bytes) -> bytes:
    """``1.50`` is ``1.5``, and ``2.00`` is ``2``."""
    found = _ZEROS.fullmatch(value)
    return found[1] + (found[2] or b"") if found else value


def _text(type_: str) -> Form:
    """Blanks at the end of char(n) do not count."""
    return (lambda value: value.rstrip(b" ")) if type_ == "bpchar" else as_it_is
