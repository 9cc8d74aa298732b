"""Whether two texts that servers printed are one definition, as far as the grammar of SQL alone can tell.

The server prints views, checks and expressions from trees of its own, and what it prints is read as another
tree now and then: ``kind IN ('a', 'b')`` of a varchar is printed as ``ANY ((ARRAY[...])::text[])``, and that
as ``ANY (ARRAY[('a'::varchar)::text, ...])``. Here the texts are parsed, and what the server's own analysis
is known to do with the trees is done to them. Trees that are equal then mean the same; of others nothing is
known, and a server has to be asked.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.sql.tree import inside, words

# What makes a statement of a text, by the syntax that the catalog's model gives for it.
_AS_STATEMENT = {
    "statement": "{}",
    "expression": "SELECT ({})",
    "constraint": "ALTER TABLE t ADD {}",
    "partition key": "CREATE TABLE t () PARTITION BY {}",
    "partition bound": "CREATE TABLE t PARTITION OF p {}",
}
_PLAIN = re.compile(r'"([a-z_][a-z0-9_]*)"')
_PLACES = frozenset({"location", "list_start", "list_end", "stmt_location", "stmt_len", "name_location"})


def same(syntax: str, one: Any, other: Any) -> bool:
    """Whether two values of a field with that syntax are surely the same definition."""
    if one == other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same_part(syntax), one, other))
    if not (one and other):
        return False
    if syntax == "name":
        return unquoted(one) == unquoted(other)
    trees = [tree_of(syntax, text) for text in (one, other)]
    return trees[0] is not None and trees[0] == trees[1]


def tree_of(syntax: str, text: str) -> bytes | None:
    """Return what all spellings of a definition have in common; None if its text cannot be parsed.

    It is that of one version of the parser, and no other's.
    """
    return _tree(_AS_STATEMENT[syntax].format(text)) if syntax in _AS_STATEMENT else None


def unquoted(text: str) -> str:
    """Names without quotes that they need in some versions only, for they would be words of SQL there."""
    return _PLAIN.sub(r"\1", text)


def _same_part(syntax: str) -> Callable[[str, str], bool]:
    """The parts of a domain begin with a word that says what they are; those of an index are expressions."""

    def of_domain(one: str, other: str) -> bool:
        if one.startswith("CHECK ") and other.startswith("CHECK "):
            return same("constraint", one, other)
        if one.startswith("DEFAULT ") and other.startswith("DEFAULT "):
            return same("expression", one.removeprefix("DEFAULT "), other.removeprefix("DEFAULT "))
        return same("name", one, other)

    def of_others(one: str, other: str) -> bool:
        return same(syntax, one, other)

    return of_domain if syntax == "domain" else of_others


@lru_cache(10_000)
def _tree(text: str) -> bytes | None:
    """Return the parse tree without positions, or None if the text cannot be parsed."""
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        return None
    for statement in tree.stmts:
        for select in _all(statement, pg.SelectStmt):
            _without_needless_name(select)
            _without_needless_labels(select)
            if select.op != pg.SETOP_NONE:
                _without_needless_results(select.rarg)
    _as_analysed(tree)
    return bytes(tree.SerializeToString(deterministic=True))


def _as_analysed(message: Any) -> None:
    """Remove positions, and cast arrays' elements instead of arrays, as the server's analysis does."""
    for field, _ in message.ListFields():
        if field.name in _PLACES:
            message.ClearField(field.name)
    for _, part in inside(message):
        _as_analysed(part)
    if isinstance(message, pg.Node) and message.HasField("type_cast"):
        _cast_elements(message)
        _as_number(message)


def _cast_elements(node: pg.Node) -> None:
    """``ARRAY[a, b]::t[]`` is read as ``ARRAY[a::t, b::t]`` (transformTypeCast in parse_expr.c)."""
    cast = node.type_cast
    elements = cast.arg.a_array_expr.elements
    if not elements or len(cast.type_name.array_bounds) != 1:
        return
    if any(element.HasField("a_array_expr") for element in elements):
        return
    array, of = pg.Node(), pg.TypeName()
    of.CopyFrom(cast.type_name)
    of.ClearField("array_bounds")
    for element in elements:
        inner = array.a_array_expr.elements.add().type_cast
        inner.arg.CopyFrom(element)
        inner.type_name.CopyFrom(of)
    node.CopyFrom(array)


def _as_number(node: pg.Node) -> None:
    """``'-1'::integer`` is ``-1``, and ``'-1.5'::numeric`` is ``-1.5`` (make_const in parse_node.c).

    Positive ones are left alone: ``ORDER BY 1`` is the first column.
    """
    name = [part.string.sval for part in node.type_cast.type_name.names]
    value = node.type_cast.arg.a_const.sval.sval
    plain = not (node.type_cast.type_name.typmods or node.type_cast.type_name.array_bounds)
    constant = pg.Node()
    if plain and name == ["pg_catalog", "int4"] and re.fullmatch(r"-[1-9]\d{0,9}", value):
        if abs(int(value)) >= 1 << 31:
            return
        constant.a_const.ival.ival = int(value)
    elif plain and name == ["pg_catalog", "numeric"] and re.fullmatch(r"-\d+\.\d+", value):
        constant.a_const.fval.fval = value
    else:
        return
    node.CopyFrom(constant)


def _without_needless_name(select: pg.SelectStmt) -> None:
    """Take the name of a query's only relation from its columns: since 16 it is not printed.

    Queries within the query keep it: a column of theirs may have the same name. So do columns in ORDER BY and
    DISTINCT ON that are called like a column of the result, which would be meant without it.
    """
    if len(select.from_clause) != 1:
        return
    name = _name(select.from_clause[0])
    if not name:
        return
    results = {target.res_target.name for target in select.target_list}
    for field, part in inside(select):
        meant = results if field in {"sort_clause", "distinct_clause"} else frozenset()
        # Within an expression a name is always that of a column, never of a result.
        if field == "sort_clause" and not part.sort_by.node.HasField("column_ref"):
            meant = frozenset()
        references = () if isinstance(part, pg.SelectStmt) else _all(part, pg.ColumnRef, pg.SelectStmt)
        for reference in references:
            qualified = len(reference.fields) == 2 and reference.fields[0].string.sval == name
            if qualified and reference.fields[1].string.sval not in meant:
                del reference.fields[0]


def _without_needless_labels(select: pg.SelectStmt) -> None:
    """Take the names from constants that are called like their type, as they are without one."""
    for target in select.target_list:
        result = target.res_target
        cast = result.val.type_cast
        if cast.arg.HasField("a_const") and result.name == (*words(cast.type_name.names), "")[-2]:
            result.ClearField("name")


def _without_needless_results(select: pg.SelectStmt) -> None:
    """Take the names from what all but the first of united queries select, unless these speak of them."""
    for part in (select.larg, select.rarg) if select.op != pg.SETOP_NONE else ():
        _without_needless_results(part)
    if not (select.sort_clause or select.group_clause or select.distinct_clause):
        for target in select.target_list:
            target.res_target.ClearField("name")


def _name(relation: pg.Node) -> str:
    """What columns of a relation are called by; nothing for a join."""
    kind = relation.WhichOneof("node")
    if kind == "range_table_sample":
        return _name(relation.range_table_sample.relation)
    if kind not in {"range_var", "range_subselect", "range_function"}:
        return ""
    found = getattr(relation, str(kind))
    if found.HasField("alias"):
        return str(found.alias.aliasname)
    return str(found.relname) if kind == "range_var" else ""


def _all(message: Any, kind: type, outside: type | None = None) -> Iterator[Any]:
    """Every message of a kind in another, but for those that are within messages of the kind ``outside``."""
    for _, part in inside(message):
        if isinstance(part, kind):
            yield part
        if outside is None or not isinstance(part, outside):
            yield from _all(part, kind, outside)
