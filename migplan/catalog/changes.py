"""What others changed of a database since a moment: the rows of its catalog then and now.

A lock on a table keeps TRUNCATE and ALTER TABLE away, but neither CREATE INDEX and CREATE TRIGGER nor what
happens to views, functions and types; and the server prints definitions as they are now, not as the snapshot
has them. So what was read is of one moment only if no row of the catalog that tells of it is another one
afterwards.

What is new and stands by itself does not count: it was not there at the moment, and nobody read it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import NamedTuple

import psycopg

from migplan.catalog.questions import sql
from migplan.errors import ChangedError, DatabaseError, MigplanError
from migplan.names import QualifiedName, quoted
from migplan.postgres.session import Session, connect

_QUESTION = "row_versions"
_MOST_NAMED = 5
_OF_ANYTHING = frozenset({"pg_description", "pg_seclabel"})

State = frozenset[tuple[str, int, int]]
"""Of each catalog of the server, the number of its rows and the sum of their versions."""

Concerns = Callable[[str], bool]
"""Tells whether changes in a schema matter. Changes of objects outside of schemas always do."""


def everything(schema: str) -> bool:  # noqa: ARG001 - it asks for nothing
    """Changes matter in every schema."""
    return True


class _Row(NamedTuple):
    """A row of ``queries/row_versions.sql``."""

    catalog: str
    key: int
    of_catalog: str
    of: int
    schema: str
    name: str
    word: str
    part: str
    counts_when_new: bool
    aside: bool
    version: int

    @property
    def whole(self) -> tuple[str, int]:
        """The catalog and key of the object that this row is a part of."""
        return self.of_catalog, self.of

    def __str__(self) -> str:
        name = (
            str(QualifiedName(self.schema, self.name))
            if self.schema and self.catalog != "pg_namespace"
            else ""
        )
        name = name or quoted(self.name)
        if self.part == "of it":
            return f"{self.word} of {name}"
        if self.part:
            numbered = self.part.startswith(("of ", "number "))
            return f"{self.word} {self.part if numbered else quoted(self.part)} of {name}"
        return f"{self.word} {name}"


def changes(
    session: Session,
    concerns: Concerns = everything,
    *,
    aside: bool = True,
    fresh: Session | None = None,
) -> tuple[str, ...]:
    """Return what has changed since the moment of the session's transaction, object by object.

    A ``fresh`` session that is open already, and in no transaction, spares the time that opening one takes.

    Without ``aside`` only what rows and definitions of tables hang on: not views, nor functions that nothing
    uses.
    """
    during = "asking what was changed meanwhile"
    opened = closing(connect(session.address)) if fresh is None else nullcontext(fresh)
    with opened as other, session.translate_errors(during):
        other.isolation_level, other.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        with other.transaction():
            other.execute("SET LOCAL search_path = ''")
            # First the one whose moment is now: the less time, the less can have happened.
            sums = _summed(other)
            catalogs = sorted({catalog for catalog, *_ in sums ^ _at_its_moment(session)})
            if not catalogs:
                return ()
            before, now = _rows(session, catalogs), _rows(other, catalogs)
    return tuple(_told(before, now, concerns, aside=aside))


def state_of(session: Session) -> State:
    """Return what is the same at two moments between which nobody changed anything that a catalog holds."""
    with session.translate_errors("asking what was changed"):
        return _at_its_moment(session)


def refuse_changes(
    session: Session,
    concerns: Concerns = everything,
    *,
    aside: bool = True,
    fresh: Session | None = None,
) -> None:
    """Raise a ChangedError that names what others changed since the moment of the session's transaction."""
    found = changes(session, concerns, aside=aside, fresh=fresh)
    if found:
        raise changed(session, found)


@contextmanager
def one_moment(
    session: Session,
    concerns: Concerns = everything,
    *,
    aside: bool = True,
    fresh: Session | None = None,
) -> Iterator[None]:
    """Raise a ChangedError if others changed what the block reads, even if the block itself fails.

    Without ``aside`` the block reads no definitions of views and functions, or has seen to those itself.

    Many things go wrong where definitions change while they are read: a function that is not there, a name
    that is missing. Others' doing is looked for first. What the block locks is given back at its end.
    """
    try:
        with session.translate_errors("reading"), session.transaction(force_rollback=True):
            yield
    except Exception as error:
        ours = isinstance(error, MigplanError) and not isinstance(error, DatabaseError)
        if not ours and not session.closed and (found := changes(session, concerns, fresh=fresh)):
            raise changed(session, found) from None
        raise
    refuse_changes(session, concerns, aside=aside, fresh=fresh)


def changed(session: Session, found: tuple[str, ...]) -> ChangedError:
    """Return the error that names these changes."""
    more = f"; and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
    return ChangedError(
        f"others changed {session.address} while it was read: {'; '.join(found[:_MOST_NAMED])}{more}",
        do="run the same command again when nobody changes definitions, after a deployment for example",
        address=str(session.address),
        changes=found,
    )


def _at_its_moment(session: Session) -> State:
    """The sums at the moment that a transaction sees to its end: they are asked for once."""
    if session.versions is None:
        session.versions = _summed(session)
    return session.versions


def _summed(session: Session) -> State:
    """The number of rows of each catalog, and a sum of their versions: the rows stay in the server."""
    question = (
        "SELECT v.catalog, pg_catalog.count(*), "  # noqa: S608 - the question is a file of ours
        "pg_catalog.sum(pg_catalog.hashint8extended(v.version, v.key)) "
        f"FROM ({_question(session)}) v GROUP BY v.catalog"
    )
    return frozenset(session.execute(question.encode()).fetchall())


def _rows(session: Session, catalogs: list[str]) -> dict[tuple[str, int], list[_Row]]:
    """Return the rows of some catalogs, and of the objects that those rows may belong to."""
    question = f"SELECT v.* FROM ({_question(session)}) v"  # noqa: S608 - the question is a file of ours
    if not _OF_ANYTHING.intersection(catalogs):
        wanted = ", ".join(f"'{catalog}'" for catalog in catalogs)
        question += f" WHERE v.catalog IN ({wanted}) OR v.catalog = v.of_catalog"
    found: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    for values in session.execute(question.encode()):
        row = _Row(*values)
        found[row.catalog, row.key].append(row)
    return found


def _question(session: Session) -> str:
    return sql(_QUESTION, session.version)


def _told(
    before: dict[tuple[str, int], list[_Row]],
    now: dict[tuple[str, int], list[_Row]],
    concerns: Concerns,
    *,
    aside: bool,
) -> Iterator[str]:
    """Yield a sentence for each difference; parts of objects that were dropped or made anew are not named."""
    gone = before.keys() - now.keys()
    names = {
        (row.word, row.schema, row.name) for key, rows in now.items() for row in rows if key == row.whole
    }
    said: dict[str, None] = {}
    for key in sorted(before.keys() | now.keys()):
        then, today = before.get(key, []), now.get(key, [])
        row = (then or today)[0]
        if sorted(each.version for each in then) == sorted(each.version for each in today):
            continue
        if row.aside and not aside:
            continue
        if row.schema and not concerns(row.schema):
            continue
        if not then and not (row.counts_when_new and row.whole in before):
            continue
        if row.whole in gone and key != row.whole:
            continue
        if not then:
            what = "is new"
        elif today:
            what = "was changed"
        else:
            anew = key == row.whole and (row.word, row.schema, row.name) in names
            what = "was made anew" if anew else "was dropped"
        said.setdefault(f"{row} {what}")
    yield from said
