"""The expressions of policies, as PostgreSQL's own parser sees them."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Rule, Subject
from migplan.catalog.model import Policy, Table
from migplan.sql.tree import inside, words

_BEFORE = "SELECT "
_TRUE = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})

Wanted = Callable[[tuple[str, ...]], bool]


class UnreadableError(ValueError):
    """An expression that this parser does not know: a newer server's, perhaps."""


@lru_cache(maxsize=4096)
def tree(expression: str) -> pg.Node:
    """The expression, parsed."""
    try:
        parsed = postgast.parse(_BEFORE + expression)
    except postgast.PgQueryError as error:
        raise UnreadableError(f"its expression cannot be parsed: {error.message}") from None
    return parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val


def per_row(message: Any, wanted: Wanted) -> Iterator[pg.FuncCall]:
    """The wanted calls that do not depend on the row, but are made for each.

    A sub-select that reads no relation and names no column is evaluated once, so what stands in it is fine.
    """
    if isinstance(message, pg.SubLink) and _once(message.subselect.select_stmt):
        if message.HasField("testexpr"):
            yield from per_row(message.testexpr, wanted)
        return
    if isinstance(message, pg.FuncCall) and wanted(words(message.funcname)) and not _names_columns(message):
        yield message
        return
    for _, part in inside(message):
        yield from per_row(part, wanted)


def _names_columns(message: Any) -> bool:
    return any(postgast.find_nodes(message, pg.ColumnRef))


def _once(select: pg.SelectStmt) -> bool:
    if select.from_clause or select.op != pg.SETOP_NONE or select.values_lists:
        return False
    return not any(isinstance(part, pg.ColumnRef) for part in _own(select))


def _own(message: Any) -> Iterator[Any]:
    """All of a sub-select, but for sub-selects in it that read relations of their own."""
    yield message
    for _, part in inside(message):
        if not (isinstance(part, pg.SubLink) and part.subselect.select_stmt.from_clause):
            yield from _own(part)


def wrapped(expression: str, wanted: Wanted) -> str | None:
    """The expression with each such call in a sub-select of its own; None where that cannot be done."""
    text = (_BEFORE + expression).encode()
    tokens = postgast.scan(text.decode()).tokens
    places = sorted(call.location for call in per_row(tree(expression), wanted))
    for start in reversed(places):
        end = _end_of_call(tokens, start)
        if end is None:
            return None
        text = text[:start] + b"(SELECT " + text[start:end] + b")" + text[end:]
    done = text.decode().removeprefix(_BEFORE)
    try:
        return None if any(per_row(tree(done), wanted)) else done
    except UnreadableError:
        return None


def _end_of_call(tokens: Any, start: int) -> int | None:
    depth = 0
    for token in tokens:
        if token.start < start:
            continue
        if token.token == pg.ASCII_40:
            depth += 1
        elif token.token == pg.ASCII_41:
            depth -= 1
            if depth == 0:
                return int(token.end)
    return None


def always_true(expression: str | None) -> bool:
    """Whether it is true of whatever row, as far as constants alone can say."""
    return expression is not None and _constant(tree(expression)) is True


def _constant(node: pg.Node) -> bool | None:
    """The truth of a condition that is made of constants; None where it is not, or where that is hard."""
    match node.WhichOneof("node"):
        case "a_const":
            return bool(node.a_const.boolval.boolval) if node.a_const.HasField("boolval") else None
        case "type_cast":
            return _cast(node.type_cast)
        case "bool_expr":
            return _combined(node.bool_expr)
        case "a_expr":
            return _equal(node.a_expr)
        case "sub_link":
            select = node.sub_link.subselect.select_stmt
            if node.sub_link.sub_link_type == pg.EXPR_SUBLINK and _bare(select):
                return _constant(select.target_list[0].res_target.val)
    return None


def _bare(select: pg.SelectStmt) -> bool:
    """Whether it is SELECT and one value, and nothing more."""
    return len(select.target_list) == 1 and not (
        select.from_clause or select.HasField("where_clause") or select.limit_option > 1
    )


def _cast(cast: pg.TypeCast) -> bool | None:
    if words(cast.type_name.names)[-1:] != ("bool",):
        return None
    if cast.arg.HasField("a_const") and cast.arg.a_const.HasField("sval"):
        return str(cast.arg.a_const.sval.sval).strip().lower() in _TRUE
    return _constant(cast.arg)


def _combined(expression: pg.BoolExpr) -> bool | None:
    parts = [_constant(arg) for arg in expression.args]
    if expression.boolop == pg.NOT_EXPR:
        return None if parts[0] is None else not parts[0]
    decisive = bool(expression.boolop == pg.OR_EXPR)  # what decides by itself: a true in OR, a false in AND
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def _equal(expression: pg.A_Expr) -> bool | None:
    if words(expression.name) != ("=",) or expression.kind != pg.AEXPR_OP:
        return None
    left, right = (_literal(side) for side in (expression.lexpr, expression.rexpr))
    return left == right if left is not None and right is not None else None


def _literal(node: pg.Node) -> str | None:
    if node.HasField("type_cast"):
        return _literal(node.type_cast.arg)
    if not node.HasField("a_const") or node.a_const.isnull:
        return None
    constant = pg.A_Const()
    constant.CopyFrom(node.a_const)
    constant.location = 0
    return str(constant)


def judge_policies(
    rule: Rule, context: Context, judge: Callable[[Table, Policy], Iterator[Finding | Blind]]
) -> Iterator[Finding | Blind]:
    """Yield what ``judge`` finds about each policy; of one that cannot be parsed, that it was not judged."""
    for table, policy in context.policies:
        try:
            yield from judge(table, policy)
        except UnreadableError as error:
            yield rule.blind(Subject.policy(table, policy), str(error))


def text_constants(message: Any) -> Iterator[str]:
    """Every string constant in it, at any depth."""
    for constant in postgast.find_nodes(message, pg.A_Const):
        if constant.HasField("sval"):
            yield constant.sval.sval
