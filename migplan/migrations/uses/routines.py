"""Functions, procedures and DO blocks, with what their bodies use as far as it can be read.

A body in SQL is checked when its function is made, and so is what it needs, unless the file turns
``check_function_bodies`` off. A body in PL/pgSQL is looked at when it runs: what it needs is not sure. A DO
block runs at once: what stands outside of its conditions, loops and handlers is sure.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.named import use
from migplan.migrations.uses.scope import Scope, dotted
from migplan.sql.effects import input_signature, named_object
from migplan.sql.qualify import search_path
from migplan.sql.tree import options, schema_and_name, words

UNREAD = Thing(ThingKind.OTHER, "SQL that is put together when it runs")
ANYTHING = frozenset(ThingKind)
_LEAVES = re.compile(r"\breturn\b", re.IGNORECASE)  # what stands below it in a DO block may not run
Statements = Callable[[Scope, pg.Node, str], None]

_ROW_TYPE = re.compile(r"((?:\w+|\"[^\"]+\")(?:\.(?:\w+|\"[^\"]+\"))*)%rowtype", re.IGNORECASE)
_COLUMN_TYPE = re.compile(r"((?:\w+|\"[^\"]+\")(?:\.(?:\w+|\"[^\"]+\"))+)%type", re.IGNORECASE)
_TRIGGER = (
    "new record, old record, tg_name text, tg_when text, tg_level text, tg_op text, tg_relid oid, "
    "tg_relname text, tg_table_name text, tg_table_schema text, tg_nargs int, tg_argv text[]"
)
# Where a body cannot be parsed, tables are still known by the words before them.
_TABLE_AFTER = re.compile(
    r"\b(?:from|join|into|update)\s+(?:only\s+)?((?:\w+|\"[^\"]+\")(?:\.(?:\w+|\"[^\"]+\"))?)", re.I
)
_NO_SQL = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_KEYWORDS = frozenset({"select", "strict", "set", "lateral", "unnest", "generate_series", "old", "new"})


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A statement or an expression of a body: as SQL, its line in the body, whether it certainly runs."""

    sql: str
    line: int
    certain: bool
    dynamic: bool = False  # it is an expression whose value is run as SQL


def create_function(
    scope: Scope, statement: pg.CreateFunctionStmt, statements: Statements, text: str
) -> None:
    """CREATE FUNCTION or PROCEDURE: its types first, then itself, then its body, which may call it."""
    schema, name = schema_and_name(statement.funcname)
    function = Thing(ThingKind.FUNCTION, dotted(scope.home(schema), name))
    for parameter in (node.function_parameter for node in statement.parameters):
        with scope.made(function):
            scope.type(parameter.arg_type)
        if parameter.HasField("defexpr"):
            expressions.read(scope, parameter.defexpr)
    if statement.HasField("return_type"):
        with scope.made(function):
            scope.type(statement.return_type)
    said = options(statement.options)
    signature = input_signature(statement)
    scope.creates(ThingKind.FUNCTION, schema, name, tolerant=statement.replace, signature=signature)
    if statement.HasField("sql_body"):
        with scope.body(function, sure=True):
            expressions.read(scope, statement.sql_body)
        return
    language = said["language"].arg.string.sval.lower() if "language" in said else "sql"
    texts = words(said["as"].arg.list.items) if "as" in said else ()
    if len(texts) != 1:
        return
    path = _own_path(statement)
    before, scope.path = scope.path, path or scope.path
    first = scope.line + _lines_before(text, said["as"].location)
    if language == "sql":
        with scope.body(function, sure=scope.checks_bodies):
            _sql_body(scope, texts[0], statements)
    elif language == "plpgsql":
        with scope.body(function, sure=False):
            _run(scope, body_parts(text, texts[0]), statements, first)
    elif language not in {"c", "internal"}:
        with scope.body(function, sure=False):
            scope.add("clouds", UNREAD, clouds=ANYTHING)
    scope.path = before


def _own_path(statement: pg.CreateFunctionStmt) -> tuple[str, ...]:
    """The search path that the function sets for itself, less the system's."""
    for node in statement.options:
        setting = node.def_elem.arg.variable_set_stmt
        if node.def_elem.defname == "set" and setting.name == "search_path":
            return search_path(setting)
    return ()


def do(scope: Scope, statement: pg.DoStmt, statements: Statements, text: str) -> None:
    """A DO block: it runs now."""
    said = options(statement.args)
    if said["language"].arg.string.sval.lower() != "plpgsql" if "language" in said else False:
        scope.add("clouds", UNREAD, clouds=ANYTHING)
        return
    first = scope.line + _lines_before(text, said["as"].location)
    scope.runs = True
    body = said["as"].arg.string.sval
    with scope.doubt(bool(_LEAVES.search(_NO_SQL.sub("", body)))):
        _run(scope, body_parts(text, body), statements, first)


def call(scope: Scope, statement: pg.CallStmt) -> None:
    """CALL: the procedure runs."""
    scope.runs = True
    expressions.read(scope, statement.funccall)


def alter_function(scope: Scope, statement: pg.AlterFunctionStmt) -> None:
    """ALTER FUNCTION."""
    use(scope, "alters", named_object(pg.OBJECT_FUNCTION, pg.Node(object_with_args=statement.func)))


def _sql_body(scope: Scope, body: str, statements: Statements) -> None:
    try:
        tree = postgast.parse(body)
    except postgast.PgQueryError:
        return  # the server will say it better, with all it knows of the function
    _each(scope, body, tree, statements)


def _each(scope: Scope, text: str, tree: pg.ParseResult, statements: Statements) -> None:
    """Each statement of a text that is parsed, with its own text: it may have a body, too."""
    if len(tree.stmts) == 1:
        statements(scope, tree.stmts[0].stmt, text)
        return
    encoded = text.encode()
    for each in tree.stmts:
        end = each.stmt_location + each.stmt_len if each.stmt_len else len(encoded)
        own = encoded[each.stmt_location : end].decode()
        statements(scope, postgast.parse(own).stmts[0].stmt, own)


def _run(scope: Scope, found: Iterator[BodyPart], statements: Statements, first: int) -> None:
    line, whole = scope.line, scope.statement
    for part in found:
        scope.line = first + max(part.line, 1) - 1
        scope.statement = " ".join(part.sql.split())[:80]
        with scope.doubt(not part.certain or part.dynamic):
            _part(scope, part, statements)
    scope.line, scope.statement = line, whole


def _part(scope: Scope, part: BodyPart, statements: Statements) -> None:
    try:
        tree = postgast.parse(part.sql)
    except postgast.PgQueryError:
        return
    _each(scope, part.sql, tree, statements)
    if part.dynamic and len(tree.stmts) == 1:
        value = tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val
        if value.a_const.sval.sval:
            _part(scope, BodyPart(value.a_const.sval.sval, part.line, certain=False), statements)
        else:
            kinds = _kinds_of(_beginning(value))
            if kinds:
                scope.add("clouds", UNREAD, clouds=kinds)


def _beginning(value: pg.Node) -> str:
    """The text that a string which is put together begins with, as far as it is a literal."""
    if value.HasField("func_call") and value.func_call.args:
        return _beginning(value.func_call.args[0])
    if value.HasField("a_expr"):
        return _beginning(value.a_expr.lexpr)
    return str(value.a_const.sval.sval)


_OF_TABLES = frozenset(
    {
        ThingKind.TABLE,
        ThingKind.COLUMN,
        ThingKind.CONSTRAINT,
        ThingKind.INDEX,
        ThingKind.SEQUENCE,
        ThingKind.TRIGGER,
        ThingKind.POLICY,
    }
)
_BY_WORD = {
    "table": _OF_TABLES,
    "view": frozenset({ThingKind.TABLE, ThingKind.COLUMN}),
    "function": frozenset({ThingKind.FUNCTION}),
    "procedure": frozenset({ThingKind.FUNCTION}),
    "domain": frozenset({ThingKind.TYPE}),
    "user": frozenset({ThingKind.ROLE}),
    "column": frozenset({ThingKind.COLUMN}),
    "extension": ANYTHING,
    "schema": ANYTHING,
    "trigger": frozenset({ThingKind.TRIGGER, ThingKind.CONSTRAINT}),
    **{
        str(kind): frozenset({kind})
        for kind in (ThingKind.ROLE, ThingKind.TYPE, ThingKind.SEQUENCE, ThingKind.INDEX, ThingKind.POLICY)
    },
}
_CHANGES_NOTHING = re.compile(
    r"\s*(?:grant|revoke|comment|select|insert|update|delete|merge|with|refresh|analyze|set|reset|copy|lock|"
    r"truncate|notify|vacuum|explain|alter\s+(?:default\s+privileges|database|role|user|publication|"
    r"(?:table|sequence|function|view|schema|type)(?:\s+(?:if\s+exists|only))*\s+\S+\s+"
    r"(?:owner|enable|disable|force|no\s+force|replica|restart|alter|set\s*\()))\b",
    re.IGNORECASE,
)


def _kinds_of(text: str) -> frozenset[ThingKind]:
    """What SQL may make, rename or drop of which only the beginning is known."""
    if _CHANGES_NOTHING.match(text):
        return frozenset()
    head = re.match(r"\s*(?:create|drop|alter)\s+((?:[a-z]+\s+)+)", text, re.IGNORECASE)
    for word in head[1].lower().split() if head else ():
        if word in _BY_WORD:
            return _BY_WORD[word]
    return ANYTHING


def _lines_before(text: str, location: int) -> int:
    """How many lines below the statement's first one its body begins."""
    encoded = text.encode()
    opening = re.search(rb"\$[^$\s]*\$|'", encoded[location:])
    return encoded.count(b"\n", 0, location + (opening.end() if opening else 0))


# --- PL/pgSQL ---------------------------------------------------------------------------------------------


def body_parts(statement: str, body: str) -> Iterator[BodyPart]:
    """The SQL in a body of PL/pgSQL."""
    tree = _tree(statement, body)
    yield from _declared(body)
    if tree is None:
        yield from _by_words(body)
        yield BodyPart("SELECT unread", 1, certain=False, dynamic=True)
    else:
        for function in tree:
            yield from _walk(function, 1, certain=True)


def _tree(statement: str, body: str) -> list[dict[str, Any]] | None:
    """The body as the parser reads it: as what it is, or at least as a trigger's, whose output it garbles."""
    quote = "$body_of_migplan$"
    again = f"LANGUAGE plpgsql AS {quote}{_ROW_TYPE.sub('record', body)}{quote}"
    for text in (
        _ROW_TYPE.sub("record", statement),
        f"CREATE FUNCTION f({_TRIGGER}) RETURNS record {again}",
        f"CREATE FUNCTION f() RETURNS event_trigger {again}",
    ):
        try:
            found: list[dict[str, Any]] = postgast.parse_plpgsql(text)
        except (postgast.PgQueryError, json.JSONDecodeError):
            continue
        return found
    return None


def _walk(node: Any, line: int, *, certain: bool) -> Iterator[BodyPart]:
    if isinstance(node, list):
        for each in node:
            yield from _walk(each, line, certain=certain)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "PLpgSQL_expr":
                yield BodyPart(_as_statement(value), line, certain)
            elif isinstance(value, dict) and key.startswith("PLpgSQL_stmt_"):
                here = value.get("lineno", line)
                yield from _statement(key, value, here, certain=certain)
            elif isinstance(value, dict | list):
                yield from _walk(value, line, certain=certain)


def _statement(key: str, value: dict[str, Any], line: int, *, certain: bool) -> Iterator[BodyPart]:
    guarded = key == "PLpgSQL_stmt_block" and "exceptions" in value
    branches = key.endswith(
        ("_if", "_case", "_loop", "_while", "_fori", "_fors", "_foreach_a", "_forc", "_dynfors")
    )
    for name, inner in value.items():
        if key.endswith(("_dynexecute", "_dynfors")) and name == "query":
            yield BodyPart(_as_statement(inner["PLpgSQL_expr"]), line, certain, dynamic=True)
            continue
        always = name in {"cond", "query", "t_expr", "lower", "upper", "expr"}
        yield from _walk(inner, line, certain=certain and not guarded and (always or not branches))


def _as_statement(expression: dict[str, Any]) -> str:
    """An expression as a statement that has it: assignments lose what they assign to."""
    query, mode = str(expression["query"]), expression.get("parseMode", 0)
    if mode == 0:
        return query
    if mode == 2:
        return f"SELECT {query}"
    return f"SELECT {re.split(r':?=', query, maxsplit=1)[-1]}"


def _declared(body: str) -> Iterator[BodyPart]:
    """Tables whose rows or columns give a variable its type."""
    plain = _NO_SQL.sub("", body)
    for found in _ROW_TYPE.finditer(plain):
        yield BodyPart(f"SELECT FROM {found[1]}", 1, certain=True)
    for found in _COLUMN_TYPE.finditer(plain):
        yield BodyPart(f"SELECT FROM {found[1].rpartition('.')[0]}", 1, certain=True)


def _by_words(body: str) -> Iterator[BodyPart]:
    plain = _NO_SQL.sub(lambda found: "\n" * found[0].count("\n"), body)
    for found in _TABLE_AFTER.finditer(plain):
        if found[1].lower() not in _KEYWORDS:
            yield BodyPart(f"SELECT FROM {found[1]}", plain.count("\n", 0, found.start()) + 1, certain=False)
