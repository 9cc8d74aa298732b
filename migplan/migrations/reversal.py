"""The way back, derived from what a migration does: each statement's opposite, in reverse order.

What the opposite of a statement needs and the file does not say, such as an earlier default, or rows that are
gone, cannot be derived: it is named, with the reason, and people write the way back. Changes of what the file
itself made need no opposite: they go with it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Part, Thing
from migplan.migrations.opposites import HOME, altered, made, renamed
from migplan.migrations.source_files import statements_of
from migplan.sql.effects import named_object
from migplan.sql.qualify import qualified
from migplan.sql.statements import Parsed
from migplan.sql.tree import definition, relation_name, schema_and_name, sql_name

NOTHING: Collection[Thing] = frozenset()


@dataclass(frozen=True, slots=True)
class Cannot:
    """A statement that has no opposite, and why."""

    line: int
    statement: str
    why: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """The statements that roll a migration back, in the order in which they run."""

    statements: tuple[str, ...]
    cannot: tuple[Cannot, ...] = ()  # reasons why that is not all
    kept: tuple[Cannot, ...] = ()  # what stays on purpose, and is said

    @property
    def text(self) -> str:
        """The statements as one text."""
        return "".join(f"{statement};\n" for statement in self.statements)


@dataclass
class _Deriving:
    before: Collection[Thing]  # what earlier migrations made
    found: list[str] = field(default_factory=list)
    cannot: list[Cannot] = field(default_factory=list)
    kept: list[Cannot] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # tables by their names: what happens to them goes with them

    def is_own(self, relation: pg.RangeVar) -> bool:
        return relation.relpersistence == "t" or relation_name(relation, HOME) in self.made

    def refuse(self, statement: Parsed, why: str) -> None:
        self.cannot.append(Cannot(statement.line, statement.beginning, why))

    def keep(self, statement: Parsed, why: str) -> None:
        self.kept.append(Cannot(statement.line, statement.beginning, why))


def derive(part: Part, *, before: Collection[Thing] = NOTHING) -> Reversal:
    """The way back of a part; ``before`` is what earlier migrations made."""
    return derived(statements_of(part), before=before)


def derived(statements: Iterable[Parsed], *, before: Collection[Thing] = NOTHING) -> Reversal:
    """The same, of statements."""
    state = _Deriving(before)
    for statement in qualified(statements):
        _take_back(statement, state)
    return Reversal(tuple(reversed(state.found)), tuple(state.cannot), tuple(state.kept))


def _take_back(statement: Parsed, state: _Deriving) -> None:
    kind, tree = statement.kind, statement.tree
    if kind in _LEAVES_NOTHING:
        return
    if kind in _SPECIAL:
        _SPECIAL[kind](statement, tree, state)
        return
    thing = made(statement)
    if thing is None:
        state.refuse(statement, "what it does has no opposite that the file would tell")
        return
    if thing.thing is not None and thing.thing in state.before and thing.is_tolerant:
        if thing.replaces:
            state.refuse(
                statement, f"it replaces {thing.thing}, and an earlier file has what was there before"
            )
        else:
            state.keep(statement, f"{thing.thing} was there before")
        return
    if thing.stays:
        state.keep(statement, thing.stays)
        return
    if thing.table:
        state.made.add(thing.table)
    if thing.sql:
        state.found.append(thing.sql)


def _alter(statement: Parsed, tree: pg.AlterTableStmt, state: _Deriving) -> None:
    if state.is_own(tree.relation):
        # Keys between tables of one file would keep these from being dropped one after the other.
        commands = [
            node.alter_table_cmd
            for node in tree.cmds
            if definition(node.alter_table_cmd).constraint.contype == pg.CONSTR_FOREIGN
        ]
    else:
        commands = [node.alter_table_cmd for node in tree.cmds]
    for command in commands:
        sql, why = altered(tree, command)
        if why:
            state.refuse(statement, why)
        elif sql:
            state.found.append(sql)


def _drop(statement: Parsed, tree: pg.DropStmt, state: _Deriving) -> None:
    for node in tree.objects:
        thing = named_object(tree.remove_type, node)
        name = thing and sql_name(thing.schema, thing.parts[-1], HOME)
        if tree.missing_ok and thing is not None and name not in state.made and tree.remove_type in _REMADE:
            # DROP TRIGGER IF EXISTS before CREATE TRIGGER: what is rolled back is the second.
            state.keep(statement, "IF EXISTS: whether anything was dropped, the file does not say")
            return
    state.refuse(statement, "what was dropped, and its rows, is not in the file")


_REMADE = frozenset(
    {
        pg.OBJECT_TRIGGER,
        pg.OBJECT_POLICY,
        pg.OBJECT_VIEW,
        pg.OBJECT_FUNCTION,
        pg.OBJECT_INDEX,
        pg.OBJECT_PROCEDURE,
    }
)


def _rows(statement: Parsed, tree: Any, state: _Deriving) -> None:
    if not state.is_own(tree.relation):
        state.refuse(statement, "rows are changed, and what they were before is not in the file")


def _copy(statement: Parsed, tree: pg.CopyStmt, state: _Deriving) -> None:
    if tree.is_from:
        _rows(statement, tree, state)


def _truncate(statement: Parsed, tree: pg.TruncateStmt, state: _Deriving) -> None:
    if not all(state.is_own(node.range_var) for node in tree.relations):
        state.refuse(statement, "the rows that were there are not in the file")


def _select(statement: Parsed, tree: pg.SelectStmt, state: _Deriving) -> None:
    words = statement.text.lower()
    if tree.HasField("into_clause"):
        state.refuse(statement, "SELECT INTO: write CREATE TABLE AS, which has an opposite")
    elif "(" in words and not words.startswith(
        ("select set_config", "select setval", "select pg_catalog.set_config")
    ):
        state.refuse(statement, "functions that it calls may have changed something")


def _do(statement: Parsed, _: pg.DoStmt, state: _Deriving) -> None:
    state.refuse(statement, "what a DO block has done, the file does not tell for certain")


def _rename(statement: Parsed, tree: pg.RenameStmt, state: _Deriving) -> None:
    if tree.HasField("relation") and state.is_own(tree.relation):
        if tree.rename_type in {pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW}:
            state.made.add(sql_name(tree.relation.schemaname, tree.newname, HOME))
        elif tree.rename_type == pg.OBJECT_COLUMN:
            return
    sql = renamed(tree)
    if sql:
        state.found.append(sql)
    else:
        state.refuse(statement, "its opposite is not known")


def _about(statement: Parsed, tree: Any, state: _Deriving) -> None:
    """Comments, owners: of what the file made they go with it."""
    if tree.DESCRIPTOR.name == "AlterOwnerStmt":
        thing, what = named_object(tree.object_type, tree.object), "the owner before"
    else:
        thing, what = named_object(tree.objtype, tree.object), "the comment before"
    owner = thing and sql_name(thing.schema, thing.parts[0], HOME)
    if owner not in state.made:
        state.keep(statement, f"{what} is not in the file, and this one stays where the object does")


def _enum(statement: Parsed, tree: pg.AlterEnumStmt, state: _Deriving) -> None:
    name = sql_name(*schema_and_name(tree.type_name), HOME)
    if name in state.made:
        return
    if tree.old_val:
        old, new = (each.replace("'", "''") for each in (tree.old_val, tree.new_val))
        state.found.append(f"ALTER TYPE {name} RENAME VALUE '{new}' TO '{old}'")
    else:
        state.refuse(statement, "a value cannot be taken from an enum")


_LEAVES_NOTHING = frozenset(
    {
        "variable_set_stmt",
        "variable_show_stmt",
        "transaction_stmt",
        "constraints_set_stmt",
        "lock_stmt",
        "vacuum_stmt",
        "reindex_stmt",
        "refresh_mat_view_stmt",
        "check_point_stmt",
        "discard_stmt",
        "notify_stmt",
        "explain_stmt",
        "prepare_stmt",
        "deallocate_stmt",
        "listen_stmt",
        "unlisten_stmt",
        "load_stmt",
    }
)
_SPECIAL: dict[str, Callable[[Parsed, Any, _Deriving], None]] = {
    "alter_table_stmt": _alter,
    "drop_stmt": _drop,
    "insert_stmt": _rows,
    "update_stmt": _rows,
    "delete_stmt": _rows,
    "merge_stmt": _rows,
    "copy_stmt": _copy,
    "truncate_stmt": _truncate,
    "select_stmt": _select,
    "do_stmt": _do,
    "rename_stmt": _rename,
    "comment_stmt": _about,
    "alter_owner_stmt": _about,
    "alter_enum_stmt": _enum,
}
