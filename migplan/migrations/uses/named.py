"""Objects that are there already, as DROP, COMMENT, GRANT, ALTER ... OWNER and their kind name them."""

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import How, Thing, ThingKind
from migplan.migrations.uses import system
from migplan.migrations.uses.scope import Scope
from migplan.names import quoted
from migplan.sql.effects import RELATIONS, ROUTINES, Object

KINDS = {
    **dict.fromkeys(RELATIONS, ThingKind.TABLE),
    **dict.fromkeys(ROUTINES, ThingKind.FUNCTION),
    pg.OBJECT_SEQUENCE: ThingKind.SEQUENCE,
    pg.OBJECT_INDEX: ThingKind.INDEX,
    pg.OBJECT_TYPE: ThingKind.TYPE,
    pg.OBJECT_DOMAIN: ThingKind.TYPE,
    pg.OBJECT_COLUMN: ThingKind.COLUMN,
    pg.OBJECT_TRIGGER: ThingKind.TRIGGER,
    pg.OBJECT_POLICY: ThingKind.POLICY,
    pg.OBJECT_TABCONSTRAINT: ThingKind.CONSTRAINT,
    pg.OBJECT_SCHEMA: ThingKind.SCHEMA,
    pg.OBJECT_EXTENSION: ThingKind.EXTENSION,
    pg.OBJECT_ROLE: ThingKind.ROLE,
}
"""The types of objects that order migrations; what has another type is of no concern to it."""

WITHOUT_SCHEMA = frozenset({ThingKind.SCHEMA, ThingKind.EXTENSION, ThingKind.ROLE})


def use(
    scope: Scope, how: How, named: Object | None, *, tolerant: bool = False, cascade: bool = False
) -> None:
    """Take down what a statement does to an object."""
    kind = KINDS.get(named.type) if named else None
    if named is None or kind is None:
        return
    first = named.parts[0]
    if kind in WITHOUT_SCHEMA:
        own = first in (system.ROLES if kind is ThingKind.ROLE else system.SCHEMAS)
        if not own and (first != "public" or how == "drops"):
            scope.add(how, Thing(kind, quoted(first)), tolerant=tolerant, cascade=cascade)
        return
    if not named.schema:
        own = first in scope.temporary
        if own or (kind is ThingKind.TYPE and first in system.types()):
            return
        if kind is ThingKind.FUNCTION and first in system.functions():
            return
    scope.named(
        how,
        kind,
        named.schema,
        *named.parts,
        tolerant=tolerant,
        signature=named.signature,
        cascade=cascade,
    )
