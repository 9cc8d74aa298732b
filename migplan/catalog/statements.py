"""The statements that a database is asked most, as pg_stat_statements counts them, without their literals.

The extension takes literals out of queries, but not all, and comments never. So each statement is read by
PostgreSQL's own parser: what is no query, what does not parse, and what holds a literal still, is left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import postgast
import psycopg
from postgast import pg_query_pb2 as pg
from psycopg import sql

from migplan.names import QualifiedName
from migplan.postgres.failures import is_loss
from migplan.postgres.session import Session
from migplan.sql.effects import relations

MOST = 500  # statements that are asked for, by the time that they took in all
_LONGEST = 4_000

_KINDS = frozenset(("select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"))
_COMMENTS = frozenset((pg.SQL_COMMENT, pg.C_COMMENT))
_LITERALS = frozenset((pg.SCONST, pg.USCONST, pg.BCONST, pg.XCONST, pg.FCONST))
_WHERE = """
SELECT n.nspname, e.extversion FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
"""
_TABLES = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'migplan')
"""


@dataclass(frozen=True, slots=True)
class CountedStatement:
    """A statement that holds no literals and no comments, and the tables that it names."""

    text: str
    calls: int
    mean_milliseconds: float
    rows: int
    tables: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements with the greatest total time first; or the reason why there are none."""

    counted: tuple[CountedStatement, ...] = ()
    unread: str = ""


def read_statements(session: Session) -> Statements:
    """The statements of this database, in the reader's transaction."""
    found = session.ask(_WHERE, during="looking for pg_stat_statements")
    if not found:
        return Statements(unread="pg_stat_statements is not installed in this database")
    with session.translate_errors("reading pg_stat_statements"):
        try:
            with session.transaction(force_rollback=True):
                counted = session.execute(_question(*found[0])).fetchall()
                names = [QualifiedName(*row) for row in session.execute(_TABLES)]
        except psycopg.Error as error:
            if is_loss(error):
                raise
            return Statements(unread=_why(error))
        except UnicodeDecodeError:
            return Statements(unread="it holds text that is not UTF-8")
    return Statements(_cleaned(counted, names))


def _question(schema: str, version: str) -> sql.Composed:
    """Version 1.8, which came with 13, tells the time of planning from that of running."""
    parts = tuple(int(part) for part in version.split(".")[:2])
    total = "total_exec_time" if parts >= (1, 8) else "total_time"
    return sql.SQL(
        "SELECT s.query, s.calls, s.{total}, s.rows FROM {view} s WHERE s.dbid = "
        "(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
        "AND s.query IS NOT NULL AND s.query <> '<insufficient privilege>' "
        "ORDER BY s.{total} DESC, s.calls DESC, s.query LIMIT {most}"
    ).format(
        total=sql.Identifier(total),
        view=sql.Identifier(schema, "pg_stat_statements"),
        most=sql.Literal(MOST),
    )


def _why(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "the role may not read pg_stat_statements"
    if isinstance(error, psycopg.errors.ObjectNotInPrerequisiteState):
        return "pg_stat_statements is not in shared_preload_libraries of this server"
    return f"the server could not read pg_stat_statements (SQLSTATE {error.sqlstate})"


def _cleaned(counted: Iterable[Any], names: Iterable[QualifiedName]) -> tuple[CountedStatement, ...]:
    """Each text once; the server counts the same one for each role, and each comment."""
    known: dict[str, list[QualifiedName]] = defaultdict(list)
    for name in names:
        known[name.name].append(name)
    sums: dict[str, tuple[int, float, int]] = {}
    for query, calls, total, rows in counted:
        text = without_literals(query)
        if text is not None:
            before = sums.get(text, (0, 0.0, 0))
            sums[text] = before[0] + calls, before[1] + total, before[2] + rows
    longest = sorted(sums.items(), key=lambda each: (-each[1][1], each[0]))
    return tuple(
        CountedStatement(text, calls, total / calls if calls else 0.0, rows, tables_of(text, known))
        for text, (calls, total, rows) in longest
    )


def without_literals(query: str) -> str | None:
    """The query on one line, ``$1`` in place of each literal; None for what cannot be shown.

    >>> without_literals("SELECT * FROM t WHERE a = 'b' -- why")
    'SELECT * FROM t WHERE a = $1'
    """
    try:
        parsed = postgast.parse(query)
        if len(parsed.stmts) != 1 or parsed.stmts[0].stmt.WhichOneof("node") not in _KINDS:
            return None
        text = postgast.normalize(query).encode()
        tokens = postgast.scan(text.decode()).tokens
        if any(token.token in _LITERALS for token in tokens):
            return None
        kept = [token for token in tokens if token.token not in _COMMENTS]
        # What stood between two tokens comes down to whether anything did.
        starts = zip(kept, [0, *(token.end for token in kept)], strict=False)
        clean = b"".join(
            (b" " if token.start > end else b"") + text[token.start : token.end] for token, end in starts
        ).decode()
        clean = clean.strip("; ")
        postgast.parse(clean)
    except (postgast.PgQueryError, UnicodeDecodeError):
        return None
    return clean if len(clean) <= _LONGEST else None


def tables_of(text: str, known: Mapping[str, list[QualifiedName]]) -> tuple[QualifiedName, ...]:
    """The tables that a query names; without a schema, where only one table is called that."""
    found: set[QualifiedName] = set()
    for each in relations(postgast.parse(text)):
        candidates = known.get(each.relname, [])
        if each.schemaname:
            found.update(name for name in candidates if name.schema == each.schemaname)
        elif len(candidates) == 1:
            found.update(candidates)
    return tuple(sorted(found))
