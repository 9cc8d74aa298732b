"""Statements that cannot be in a transaction with others of their file, and files that bring their own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.sql.effects import effects
from migplan.sql.split import SqlFileError
from migplan.sql.statements import Parsed
from migplan.sql.tree import definition, schema_and_name, words

_NEVER = {
    "alter_system_stmt": "ALTER SYSTEM",
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "create_subscription_stmt": "CREATE SUBSCRIPTION, which makes a slot,",
}
_WHOLE = {
    pg.REINDEX_OBJECT_SCHEMA: "SCHEMA",
    pg.REINDEX_OBJECT_SYSTEM: "SYSTEM",
    pg.REINDEX_OBJECT_DATABASE: "DATABASE",
}


@dataclass(frozen=True, slots=True)
class NonTransactional:
    """A statement that cannot be in one transaction with the others of its file, and why."""

    line: int
    statement: str
    why: str
    index: Thing | None = None  # what stays behind, invalid, when it fails half-way
    commits: bool = False  # it may commit by itself, again and again, and nobody sees what it does to rows


def non_transactional(statements: Sequence[Parsed], *, together: bool = True) -> tuple[NonTransactional, ...]:
    """All of them in a file, in their order; where it asks for no transaction, also those that may commit."""
    found = [
        NonTransactional(each.line, each.beginning, *said) for each in statements if (said := _never(each))
    ]
    found += _new_values_in_use(statements)
    if not together:
        found += [
            NonTransactional(each.line, each.beginning, "it may commit by itself", commits=True)
            for each in statements
            if may_commit(each)
        ]
    return tuple(sorted(found, key=lambda each: each.line))


_COMMITS = re.compile(r"\b(?:call|commit|rollback)\b", re.IGNORECASE)


def may_commit(statement: Parsed) -> bool:
    """Whether a statement may end transactions: the call of a procedure, or a DO block that says so."""
    return statement.kind == "call_stmt" or (
        statement.kind == "do_stmt" and bool(_COMMITS.search(statement.text))
    )


_ENDS = {
    pg.TRANS_STMT_ROLLBACK: "ROLLBACK",
    pg.TRANS_STMT_PREPARE: "PREPARE TRANSACTION",
    pg.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
    pg.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}


def refuse_ends(statements: Sequence[Parsed], file: Path) -> None:
    """Raise SqlFileError at a statement that would end the transaction of its migration.

    BEGIN and COMMIT are none: each file is one transaction, and they are left out of it.
    """
    for each in statements:
        if each.kind == "transaction_stmt" and each.node.transaction_stmt.kind in _ENDS:
            word = _ENDS[each.node.transaction_stmt.kind]
            raise SqlFileError(
                f"{each.beginning}: {word} would end the transaction of this migration before its journal is "
                "written; nothing was run",
                file=file,
                line=each.line,
                do="take it out of the file: migplan commits a file that ran without an error, and rolls it "
                "back otherwise; ROLLBACK TO SAVEPOINT may stay",
            )


_CALLS_OUTSIDE = re.compile(
    r"dblink(_exec|_send_query)?|http(_\w+)?|lo_export|pg_file_\w+|pg_(create|drop)_\w*replication_slot|"
    r"pg_terminate_backend|pg_reload_conf"
)


def outside_effects(statements: Sequence[Parsed]) -> tuple[NonTransactional, ...]:
    """Return the statements whose effects a rollback does not undo: programs, files, other servers."""
    found = []
    for each in statements:
        if each.kind == "copy_stmt" and (each.node.copy_stmt.is_program or each.node.copy_stmt.filename):
            if not each.node.copy_stmt.is_from or each.node.copy_stmt.is_program:
                found.append(
                    NonTransactional(each.line, each.beginning, "COPY writes outside of the database")
                )
        elif _CALLS_OUTSIDE.search(each.text):
            calls = (words(call.funcname)[-1] for call in postgast.find_nodes(each.node, pg.FuncCall))
            name = next((call for call in calls if _CALLS_OUTSIDE.fullmatch(call)), "")
            if name:
                why = f"what {name}() does outside of the database is not rolled back"
                found.append(NonTransactional(each.line, each.beginning, why))
    return tuple(found)


def _never(statement: Parsed) -> tuple[str, Thing | None] | None:  # noqa: PLR0911 - one a kind
    tree: Any = statement.tree
    match statement.kind:
        case "index_stmt" if tree.concurrent:
            return "CREATE INDEX CONCURRENTLY cannot be in a transaction", Thing(
                ThingKind.INDEX, effects(statement.node).creates[0].name_in("public")
            )
        case "drop_stmt" if tree.concurrent:
            return "DROP INDEX CONCURRENTLY cannot be in a transaction", None
        case "reindex_stmt":
            return _reindex(tree)
        case "vacuum_stmt" if tree.is_vacuumcmd:
            return "VACUUM cannot be in a transaction", None
        case "cluster_stmt" if not tree.HasField("relation"):
            return "CLUSTER of everything cannot be in a transaction", None
        case "alter_table_stmt" if any(_is_detached(node.alter_table_cmd) for node in tree.cmds):
            return "DETACH PARTITION CONCURRENTLY cannot be in a transaction", None
        case "discard_stmt" if tree.target == pg.DISCARD_ALL:
            return "DISCARD ALL cannot be in a transaction", None
        case kind if kind in _NEVER:
            return f"{_NEVER[kind]} cannot be in a transaction", None
    return None


def _reindex(statement: pg.ReindexStmt) -> tuple[str, Thing | None] | None:
    if any(node.def_elem.defname == "concurrently" for node in statement.params):
        return "REINDEX CONCURRENTLY cannot be in a transaction", None
    if statement.kind in _WHOLE:
        return f"REINDEX {_WHOLE[statement.kind]} cannot be in a transaction", None
    return None


def _is_detached(command: pg.AlterTableCmd) -> bool:
    detaches = command.subtype == pg.AT_DetachPartition
    return detaches and bool(definition(command).partition_cmd.concurrent)


def _new_values_in_use(statements: Sequence[Parsed]) -> Iterator[NonTransactional]:
    """Values of an enum that the file itself uses later: they have to be committed first."""
    made: set[tuple[str, str]] = set()
    for place, each in enumerate(statements):
        if each.kind == "create_enum_stmt":
            made.add(schema_and_name(each.node.create_enum_stmt.type_name))
        elif each.kind == "alter_enum_stmt":
            enum = each.node.alter_enum_stmt
            value = enum.new_val
            if enum.old_val or not value or schema_and_name(enum.type_name) in made:
                continue
            user = next((s for s in statements[place + 1 :] if f"'{value}'" in s.text), None)
            if user is not None:
                why = f"the value {value!r} is used in line {user.line}, and has to be committed before"
                yield NonTransactional(each.line, each.beginning, why)
