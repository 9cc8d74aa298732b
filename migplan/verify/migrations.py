"""Whether the migrations of a folder did what they say: each one's verify part, and what its SQL makes.

A verify part holds when it runs without an error, in a transaction that may only read, and no row that it
returns ends in ``false`` or ``DIFFERS``. Of everything that applied migrations make and do not drop again, it
is looked whether it is there.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg import sql

from migplan.errors import PrivilegeError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Thing, ThingKind
from migplan.names import quoted, split
from migplan.postgres.session import Session
from migplan.verify.parts import Looked, look

# What a name tells for certain. Roles and extensions are the cluster's and the server's affair.
_LOOKED_FOR = (
    ThingKind.SCHEMA,
    ThingKind.TYPE,
    ThingKind.TABLE,
    ThingKind.COLUMN,
    ThingKind.SEQUENCE,
    ThingKind.FUNCTION,
    ThingKind.INDEX,
    ThingKind.CONSTRAINT,
    ThingKind.TRIGGER,
    ThingKind.POLICY,
)


@dataclass(frozen=True, slots=True)
class MigrationsVerified:
    """The answer for a folder."""

    looked: tuple[Looked, ...]
    expected: dict[ThingKind, int]
    missing: tuple[Thing, ...]
    rows: int = 0  # in the tables that the migrations made

    @property
    def holds(self) -> bool:
        """Whether every part holds and everything is there."""
        return not self.missing and all(each.holds for each in self.looked)


def verify(
    analysis: Analysis,
    names: Collection[str],
    there: Collection[Thing],
    session: Session,
) -> MigrationsVerified:
    """Look at the migrations of these names, which are applied; ``there`` is what the target has."""
    applied = [name for name in analysis.order.order if name in names]
    looked = tuple(look(analysis.by_name[name].migration, session) for name in applied)
    expected = sorted(_made(analysis, applied))
    missing = tuple(thing for thing in expected if thing not in there)
    tables = [thing for thing in expected if thing.kind is ThingKind.TABLE and thing in there]
    return MigrationsVerified(
        looked,
        dict(Counter(thing.kind for thing in expected)),
        missing,
        _rows(tables, session),
    )


def _made(analysis: Analysis, names: Sequence[str]) -> set[Thing]:
    """What is there after these migrations, as far as their statements tell for certain."""
    found = {thing for thing in analysis.order.after(names).things() if thing.kind in _LOOKED_FOR}
    keys = [split(thing.name) for thing in found if thing.kind is ThingKind.CONSTRAINT]
    return found - {Thing(ThingKind.INDEX, f"{quoted(key[0])}.{quoted(key[-1])}") for key in keys}


def _rows(tables: Sequence[Thing], session: Session) -> int:
    """Rows of tables that may be counted."""
    total = 0
    for table in tables:
        question = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*split(table.name)))
        try:
            with session.transaction():
                ((number,),) = session.ask(question, during=f"counting {table.name}")
        except PrivilegeError:
            continue
        total += number
    return total
