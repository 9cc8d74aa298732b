"""What is taken down while statements are read: under which names, for which statement, how sure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import How, Thing, ThingKind, Use
from migplan.migrations.uses import system
from migplan.names import quoted
from migplan.sql.tree import words

EVERY_COLUMN = "*"
"""Stands for the columns of something whose columns its statement does not say: a view, LIKE, INHERITS."""


_CHANGES = frozenset({"creates", "drops", "renames"})


def dotted(*parts: str) -> str:
    """The parts of a name as SQL."""
    return ".".join(part if part == EVERY_COLUMN else quoted(part) for part in parts)


class Scope:
    """A file while it is read: the search path so far, the tables that are its own, and the uses found."""

    def __init__(self, path: tuple[str, ...] = ("public",)) -> None:
        self.uses: list[Use] = []
        self.path = self.first_path = path
        self.checks_bodies = True
        self.temporary: set[str] = set()
        self.line = 1
        self.statement = self.digest = ""
        self.sure = True
        self.tolerant = False  # the statement stands where it may not run: in an IF of a DO block
        self.inside: Thing | None = None
        self.runs = False  # functions that it names run with it
        self.number = 0  # of the statement
        self.making: Thing | None = None  # what goes by CASCADE with what is needed
        self.unless: Thing | None = None  # what is read has no effect where this is there
        self._known: set[tuple[object, ...]] = set()

    # --- names -------------------------------------------------------------------------------------------

    def places(self, kind: ThingKind, schema: str, *parts: str) -> tuple[Thing, ...]:
        """What a name may mean: in its schema, or in any of the search path."""
        return tuple(Thing(kind, dotted(each, *parts)) for each in ([schema] if schema else self.path))

    def home(self, schema: str) -> str:
        """The schema in which something is made."""
        return schema or self.path[0]

    def own(self, relation: pg.RangeVar) -> bool:
        """Whether it is a temporary table of the file's own, or the system's."""
        if relation.schemaname:
            return relation.schemaname in system.SCHEMAS
        return relation.relname in self.temporary or relation.relname.startswith("pg_")

    # --- taking down -------------------------------------------------------------------------------------

    def add(
        self,
        how: How,
        thing: Thing,
        *,
        tolerant: bool = False,
        signature: str = "",
        of: Thing | None = None,
        also: tuple[Thing, ...] = (),
        to: Thing | None = None,
        cascade: bool = False,
        chosen: tuple[str, str, str] | None = None,
        columns: tuple[str, ...] = (),
        detail: str = "",
        clouds: frozenset[ThingKind] = frozenset(),
    ) -> None:
        """Take a use down; what a function's body would make when it runs is not made here."""
        if self.inside is not None:
            if how in _CHANGES:
                self.temporary.add(thing.name.rpartition(".")[2])
                how, of, to, clouds = "clouds", None, None, frozenset({thing.kind})
            how = "needs" if how == "alters" else how
        if how in {"needs", "calls", "fills", "clouds"}:
            where = (self.number, self.making) if self.inside is None else ()
            key = (how, thing, self.sure, self.inside, where)
            if key in self._known:
                return
            self._known.add(key)
        self.uses.append(
            Use(
                how,
                thing,
                self.line,
                self.statement,
                sure=self.sure,
                tolerant=tolerant or self.tolerant,
                signature=signature,
                of=of,
                also=also,
                digest=self.digest,
                inside=self.inside,
                number=self.number,
                to=to,
                cascade=cascade,
                by=self.making if self.inside is None else None,
                unless=self.unless,
                chosen=chosen,
                columns=columns,
                detail=detail,
                clouds=clouds,
            )
        )

    def relation(self, relation: pg.RangeVar, how: How = "needs", *, tolerant: bool = False) -> None:
        """A table, or a view, by its name."""
        if not self.own(relation):
            self.named(how, ThingKind.TABLE, relation.schemaname, relation.relname, tolerant=tolerant)

    def columns(self, relation: pg.RangeVar, names: Sequence[str], how: How = "needs") -> None:
        """Columns of a table."""
        if self.own(relation):
            return
        for name in names:
            self.named(how, ThingKind.COLUMN, relation.schemaname, relation.relname, name)

    def named(
        self,
        how: How,
        kind: ThingKind,
        schema: str,
        *parts: str,
        tolerant: bool = False,
        signature: str = "",
        cascade: bool = False,
        of: Thing | None = None,
        detail: str = "",
    ) -> None:
        """Something that is there already, by its name."""
        if schema not in system.SCHEMAS:
            first, *others = self.places(kind, schema, *parts)
            self.add(
                how,
                first,
                tolerant=tolerant,
                signature=signature,
                also=tuple(others),
                cascade=cascade,
                of=of,
                detail=detail,
            )

    def sequence(self, schema: str, name: str, how: How = "needs") -> None:
        """A sequence; names of sequences and tables are of one kind."""
        self.named(how, ThingKind.SEQUENCE, schema, name)

    def creates(
        self,
        kind: ThingKind,
        schema: str,
        *parts: str,
        tolerant: bool = False,
        signature: str = "",
        of: Thing | None = None,
        chosen: tuple[str, str, str] | None = None,
        columns: tuple[str, ...] = (),
        detail: str = "",
    ) -> Thing:
        """Something that the statement makes, in a schema that has to be there."""
        home = self.home(schema)
        thing = Thing(kind, dotted(home, *parts))
        self.add(
            "creates",
            thing,
            tolerant=tolerant,
            signature=signature,
            of=of,
            chosen=chosen,
            columns=columns,
            detail=detail,
        )
        if of is None and home != "public":
            self.add("needs", Thing(ThingKind.SCHEMA, quoted(home)))
        return thing

    def type(self, name: pg.TypeName) -> None:
        """A type: the system's, an extension's, somebody's, or a table's row."""
        parts = words(name.names)
        if not parts:
            return  # a partition says options of columns without their types
        if name.pct_type:
            if len(parts) >= 2:
                schema = parts[0] if len(parts) == 3 else ""
                self.named("needs", ThingKind.TABLE, schema, parts[-2])
            return
        schema, bare = parts[-2] if len(parts) > 1 else "", parts[-1]
        if schema in system.SCHEMAS or (not schema and bare in system.types()):
            return
        names = [bare]
        if bare.startswith("_"):  # an array, by the name that the server gives its type
            if not schema and bare[1:] in system.types():
                return
            names = [bare[1:], bare]
        meanings = [
            thing
            for each in names
            for kind in (ThingKind.TYPE, ThingKind.TABLE)
            for thing in self.places(kind, schema, each)
        ]
        self._brought(names[0], meanings)

    def function(self, parts: Sequence[str]) -> None:
        """A function by its name; whether it runs now is known from the statement."""
        schema, bare = parts[-2] if len(parts) > 1 else "", parts[-1]
        if schema in system.SCHEMAS or (not schema and bare in system.functions()):
            return
        meanings = list(self.places(ThingKind.FUNCTION, schema, bare))
        known = f"{schema}.{bare}" if f"{schema}.{bare}" in system.EXTENSION_OF else bare
        self._brought(known, meanings, "calls" if self.runs or self.inside else "needs")

    def extension_of(self, name: str) -> None:
        """An operator class, or a kind of index, that only an extension can bring."""
        extension = system.EXTENSION_OF.get(name)
        if extension:
            self.add("needs", Thing(ThingKind.EXTENSION, quoted(extension)))

    def role(self, role: pg.RoleSpec) -> None:
        """A role by its name; PUBLIC and CURRENT_USER are always there."""
        if role.roletype == pg.ROLESPEC_CSTRING and role.rolename not in system.ROLES:
            self.add("needs", Thing(ThingKind.ROLE, quoted(role.rolename)))

    def _brought(self, name: str, meanings: list[Thing], how: How = "needs") -> None:
        extension = system.EXTENSION_OF.get(name)
        if extension:
            meanings = [Thing(ThingKind.EXTENSION, quoted(extension)), *meanings]
        self.add(how, meanings[0], also=tuple(meanings[1:]))

    @contextmanager
    def made(self, thing: Thing) -> Iterator[None]:
        """What is needed meanwhile takes the thing with it when it is dropped with CASCADE."""
        before, self.making = self.making, thing
        yield
        self.making = before

    @contextmanager
    def unless_there(self, thing: Thing | None) -> Iterator[None]:
        """What is read meanwhile has no effect where the thing is there before the statement."""
        before = self.unless
        self.unless = thing or before
        yield
        self.unless = before

    # --- where the statement stands ----------------------------------------------------------------------

    @contextmanager
    def body(self, function: Thing, *, sure: bool) -> Iterator[None]:
        """What is read meanwhile stands in the body of a function."""
        before = self.inside, self.sure, self.temporary
        self.inside, self.sure, self.temporary = function, sure, set(self.temporary)
        yield
        self.inside, self.sure, self.temporary = before

    @contextmanager
    def doubt(self, doubtful: bool = True) -> Iterator[None]:
        """What is read meanwhile may not run."""
        before = self.sure, self.tolerant
        if doubtful:
            self.sure, self.tolerant = False, True
        yield
        self.sure, self.tolerant = before
