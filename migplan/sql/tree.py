"""Reading PostgreSQL's parse trees: the names that stand in them, and what is below a node."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.names import QualifiedName

_PLAIN = frozenset({str, int, bool, float, bytes})


def statement_tree(text: str) -> pg.Node:
    """Return the tree of a text that is one statement; raise ``postgast.PgQueryError`` if it is none."""
    return postgast.parse(text).stmts[0].stmt


def words(nodes: Iterable[Any]) -> tuple[str, ...]:
    """Return the strings of a list: the parts of a name, or columns."""
    return tuple([node.string.sval for node in nodes if node.HasField("string")])


def schema_and_name(nodes: Iterable[Any]) -> tuple[str, str]:
    """Return the schema, empty where none is said, and the name of something that a list names."""
    parts = words(nodes)
    return (parts[-2] if len(parts) > 1 else ""), parts[-1]


@lru_cache(maxsize=1 << 16)
def sql_name(schema: str, name: str, home: str = "") -> str:
    """Return a name as SQL; in the schema ``home`` where none is said, and bare where that is empty, too."""
    return QualifiedName(schema or home, name).seen_from("")


def relation_name(relation: pg.RangeVar, home: str = "") -> str:
    """Return the name of a table, a view, an index or a sequence as SQL, as :func:`sql_name` does."""
    return sql_name(relation.schemaname, relation.relname, home)


def definition(command: pg.AlterTableCmd) -> pg.Node:
    """Return the field ``def`` of a command of ALTER TABLE, whose name is a word of Python's."""
    found: pg.Node = getattr(command, "def")
    return found


def options(nodes: Iterable[Any]) -> dict[str, pg.DefElem]:
    """Return options (``WITH (...)``, ``LANGUAGE ...``) by their names."""
    return {node.def_elem.defname: node.def_elem for node in nodes}


def inside(message: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is directly below a node, each with the name of its field."""
    for field, value in message.ListFields():
        if type(value) in _PLAIN or field.message_type is None:
            continue
        name = field.name
        if field.is_repeated:
            for part in value:
                yield name, part
        else:
            yield name, value


def names_in(expression: str) -> frozenset[QualifiedName]:
    """Return the functions, relations, types and operators that an expression names with their schema.

    None where this parser does not know the expression: it may be a newer server's.
    """
    try:
        tree = postgast.parse(f"SELECT {expression}")
    except postgast.PgQueryError:
        return frozenset()
    return frozenset(_named_below(tree))


def _named_below(message: Any) -> Iterator[QualifiedName]:
    lists = {"FuncCall": "funcname", "TypeName": "names", "A_Expr": "name"}
    kind = type(message).__name__
    if kind in lists and len(parts := words(getattr(message, lists[kind]))) > 1:
        yield QualifiedName(parts[-2], parts[-1])
    elif isinstance(message, pg.RangeVar) and message.schemaname:
        yield QualifiedName(message.schemaname, message.relname)
    for _, part in inside(message):
        yield from _named_below(part)
