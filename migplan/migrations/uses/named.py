"""Things as DROP, COMMENT, GRANT, ALTER ... OWNER and their kind name them: an object type, and a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import How, Thing, ThingKind
from migplan.migrations.uses import system
from migplan.migrations.uses.scope import Scope, words
from migplan.names import quoted

TABLES = frozenset({pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW, pg.OBJECT_FOREIGN_TABLE})
ROUTINES = frozenset({pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_AGGREGATE, pg.OBJECT_ROUTINE})
_IN_A_SCHEMA = {
    **dict.fromkeys(TABLES, ThingKind.TABLE),
    **dict.fromkeys(ROUTINES, ThingKind.FUNCTION),
    pg.OBJECT_SEQUENCE: ThingKind.SEQUENCE,
    pg.OBJECT_INDEX: ThingKind.INDEX,
    pg.OBJECT_TYPE: ThingKind.TYPE,
    pg.OBJECT_DOMAIN: ThingKind.TYPE,
}
_OF_A_TABLE = {
    pg.OBJECT_COLUMN: ThingKind.COLUMN,
    pg.OBJECT_TRIGGER: ThingKind.TRIGGER,
    pg.OBJECT_POLICY: ThingKind.POLICY,
    pg.OBJECT_TABCONSTRAINT: ThingKind.CONSTRAINT,
}
_ALONE = {
    pg.OBJECT_SCHEMA: ThingKind.SCHEMA,
    pg.OBJECT_EXTENSION: ThingKind.EXTENSION,
    pg.OBJECT_ROLE: ThingKind.ROLE,
}


@dataclass(frozen=True, slots=True)
class Named:
    """Something by its kind, its schema if it is said, its name, and the arguments of a routine."""

    kind: ThingKind
    schema: str
    parts: tuple[str, ...]
    signature: str = ""


def named(objtype: int, node: pg.Node) -> Named | None:
    """What a node of these statements names; None where that is of no concern to the order."""
    signature = ""
    if node.HasField("object_with_args"):
        routine = node.object_with_args
        parts = words(routine.objname)
        if not routine.args_unspecified:
            signature = signature_of(each.type_name for each in routine.objargs)
    elif node.HasField("type_name"):
        parts = words(node.type_name.names)
    elif node.HasField("list"):
        parts = _strings(node.list.items)
    elif node.HasField("string"):
        parts = (node.string.sval,)
    elif node.HasField("range_var"):
        relation = node.range_var
        parts = (relation.schemaname, relation.relname) if relation.schemaname else (relation.relname,)
    else:
        return None
    return of(objtype, parts, signature)


def of(objtype: int, parts: Sequence[str], signature: str = "") -> Named | None:
    """The same, of the parts of a name."""
    parts = tuple(parts)
    if objtype in _IN_A_SCHEMA:
        return Named(_IN_A_SCHEMA[objtype], parts[-2] if len(parts) > 1 else "", parts[-1:], signature)
    if objtype in _OF_A_TABLE and len(parts) >= 2:
        return Named(_OF_A_TABLE[objtype], parts[-3] if len(parts) > 2 else "", parts[-2:])
    if objtype in _ALONE:
        return Named(_ALONE[objtype], "", parts[-1:])
    return None


def use(scope: Scope, how: How, thing: Named, *, tolerant: bool = False) -> None:
    """Take down what a statement does to it."""
    if thing.kind in _ALONE.values():
        if thing.parts[0] not in system.SCHEMAS | system.ROLES:
            scope.add(how, Thing(thing.kind, quoted(thing.parts[0])), tolerant=tolerant)
        return
    first = thing.parts[0]
    if not thing.schema and first in scope.temporary:
        return
    if thing.kind is ThingKind.TYPE and not thing.schema and first in system.types():
        return
    if thing.kind is ThingKind.FUNCTION and not thing.schema and first in system.functions():
        return
    scope.named(how, thing.kind, thing.schema, *thing.parts, tolerant=tolerant, signature=thing.signature)


def signature_of(types: Any) -> str:
    """The types of arguments, as DROP FUNCTION takes them."""
    return f"({', '.join(type_text(each) for each in types)})"


def type_text(name: pg.TypeName) -> str:
    """A type as SQL, without the length that signatures have no use for."""
    parts = words(name.names)
    if parts[:1] == ("pg_catalog",):
        parts = parts[1:]
    text = ".".join(map(quoted, parts))
    return f"{text}%TYPE" if name.pct_type else text + "[]" * len(name.array_bounds)


def _strings(nodes: Sequence[Any]) -> tuple[str, ...]:
    """The parts of a name of which the first may be a type's (constraints of domains, casts)."""
    found: list[str] = []
    for node in nodes:
        found += words(node.type_name.names) if node.HasField("type_name") else words([node])
    return tuple(found)
