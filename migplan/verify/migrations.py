"""Whether the migrations of a folder did what they say: what their files make, and their verify parts.

The same files ran on a scratch server, and what they made or changed there is what a target must have
(``concern``), compared as bundles are. Without such a server only the names are looked for that the files'
SQL makes and drops, as far as it can be read.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from migplan.catalog.attributes import Attributes
from migplan.catalog.model import Catalog, TableKind
from migplan.errors import PrivilegeError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Thing, ThingKind
from migplan.names import QualifiedName, quoted, split
from migplan.postgres.session import Session
from migplan.verify import attributes, structure
from migplan.verify.concern import Concern, Roles, State, concern_of
from migplan.verify.counts import TableCounts, counts_of, prefix_of
from migplan.verify.parts import Looked, look_alone
from migplan.verify.rebuilt import Rebuilt
from migplan.verify.spelling import Spelling
from migplan.verify.verification import Check, Difference, Tally

NOT_SEEN = (
    "types, defaults, NOT NULL, bodies, definitions and states, whatever DO blocks and functions made, "
    "and what is there beside"
)
"""What a judgement by inference cannot see."""

_UNKNOWN = "no applied migration makes it"
_KEYS = "Indexes of keys"

# What a name tells for certain. Roles and extensions are the cluster's and the server's affair.
_LOOKED_FOR = {
    ThingKind.SCHEMA: "Schemas",
    ThingKind.TYPE: "Types",
    ThingKind.TABLE: "Tables",
    ThingKind.COLUMN: "Columns",
    ThingKind.SEQUENCE: "Sequences",
    ThingKind.FUNCTION: "Functions",
    ThingKind.INDEX: "Indexes",
    ThingKind.CONSTRAINT: "Constraints",
    ThingKind.TRIGGER: "Triggers",
    ThingKind.POLICY: "Policies",
}


@dataclass(frozen=True)
class Scratch:
    """What came of the applied migrations on a scratch server."""

    before: State
    after: State
    said: str  # which server
    notes: tuple[str, ...] = ()
    wanted: frozenset[str] = frozenset()  # extensions that files create, and the server lacks


@dataclass(frozen=True)
class Target:
    """The target as it is read."""

    session: Session
    state: State
    there: Collection[Thing]  # everything by name
    appliers: tuple[str, ...]  # roles that have applied migrations
    of_extensions: frozenset[str] = frozenset()  # functions that extensions brought: schema and name


@dataclass(frozen=True, slots=True)
class MigrationsVerified:
    """The answer for a folder."""

    looked: tuple[Looked, ...]
    checks: tuple[Check, ...]
    judge: str = ""  # the server on which the files ran; empty: judged by inference only
    why: str = ""  # there was none
    tables: tuple[TableCounts, ...] = ()  # that the migrations made
    changed: tuple[str, ...] = ()  # tables that were there before, and parts of which they made or changed
    functions: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    indexes_named: tuple[str, int, int] = ("", 0, 0)  # a prefix, and of such indexes those found and expected
    drift: tuple[Difference, ...] = ()  # in what the migrations have nothing to do with, where that was asked
    notes: tuple[str, ...] = ()

    @property
    def did(self) -> bool:
        """Whether the migrations did what they say: every part holds, and nothing of theirs differs."""
        return all(check.holds for check in self.checks) and all(each.holds for each in self.looked)

    @property
    def holds(self) -> bool:
        """Whether nothing differs at all, as far as it was asked."""
        return self.did and not self.drift

    @property
    def rows(self) -> int:
        """In the tables that the migrations made."""
        return sum(table.rows or 0 for table in self.tables)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Every difference, in the order of the checks."""
        return tuple(each for check in self.checks for each in check.differences)


def verify(
    analysis: Analysis,
    names: Sequence[str],
    target: Target,
    scratch: Scratch | str,
    *,
    everything: bool = False,
) -> MigrationsVerified:
    """Look at the migrations of these names, which are applied.

    ``scratch`` is what came of them there, or why nothing did. ``everything``: what the migrations have
    nothing to do with is compared, too.
    """
    looked = look_at_each(analysis, names, target.session)
    if isinstance(scratch, str):
        return replace(_inferred(analysis, names, target), looked=looked, why=scratch)
    return replace(_judged(target, scratch, everything=everything), looked=looked)


def look_at_each(analysis: Analysis, names: Sequence[str], session: Session) -> tuple[Looked, ...]:
    """Run the verify parts of applied migrations, less those that another of them did anew, as in sqitch."""
    return tuple(
        Looked(each.name, exists=False, reworked_as=each.reworked_as)
        if each.reworked_as in names
        else look_alone(each, session, analysis.folder.style)
        for each in (analysis.by_name[name].migration for name in names)
    )


def _judged(target: Target, scratch: Scratch, *, everything: bool) -> MigrationsVerified:
    versions = [each.catalog.server.major for each in (scratch.after, target.state)]
    before, after, there = (
        replace(each, catalog=structure.without_versions(each.catalog, min(versions), max(versions)))
        for each in (scratch.before, _without_stand_ins(scratch.after, target), target.state)
    )
    nothing = State(Catalog(server=before.catalog.server), Attributes(there.attributes.columns))
    roles = Roles(after.catalog.server.role, target.appliers)
    concern = concern_of(before, after, there, roles)
    checks = _compared(concern, scratch, there.catalog)
    drift: tuple[Difference, ...] = ()
    if everything:
        whole = concern_of(nothing, after, there, roles, everything=True)
        every = _compared(whole, scratch, there.catalog, everything=True)
        told = {each.what for check in checks for each in check.differences}
        drift = tuple(each for check in every for each in check.differences if each.what not in told)
    tables = tuple(_counted(concern, there.catalog, target.session))
    prefix = prefix_of(concern.made)
    made = {table.name for table in concern.made.tables}
    return MigrationsVerified(
        (),
        checks,
        scratch.said,
        tables=tables,
        changed=tuple(str(each.name) for each in concern.expected.catalog.tables if each.name not in made),
        functions=tuple(f"{each.name}({each.arguments})" for each in concern.made.functions),
        views=tuple(str(each.name) for each in concern.made.views),
        indexes_named=(
            prefix,
            _named(there.catalog, made, prefix),
            _named(after.catalog, made, prefix),
        ),
        drift=drift,
        notes=scratch.notes,
    )


def _without_stand_ins(after: State, target: Target) -> State:
    """Less functions that an extension brings in the target, and that had stand-ins on the scratch server."""
    there = {function.name for function in target.state.catalog.functions}
    functions = tuple(
        each
        for each in after.catalog.functions
        if each.name in there or str(each.name) not in target.of_extensions
    )
    return replace(after, catalog=replace(after.catalog, functions=functions))


def _compared(
    concern: Concern, scratch: Scratch, target: Catalog, *, everything: bool = False
) -> tuple[Check, ...]:
    expected, found = concern.expected, concern.found
    spelling = Spelling(expected.catalog, lambda: Rebuilt(expected.catalog, expected.attributes))
    comparison = structure.Comparison(
        spelling.of(expected.catalog, found.catalog), found.catalog, spelling.undecided, _UNKNOWN
    )
    comparison.run()
    more = {kind: [Difference(each, _UNKNOWN) for each in names] for kind, names in comparison.more.items()}
    for kind, differences in (*concern.dropped.items(), *(more.items() if everything else ())):
        comparison.tallies.setdefault(kind, Tally()).differences += differences
    there = {extension.name for extension in target.extensions}
    for name in sorted(scratch.wanted):
        tally = comparison.tallies.setdefault("Extensions", Tally())
        tally.of += 1
        tally.right += name in there
        tally.differences += [] if name in there else [Difference(f"extension {name}", "missing")]
    others, _ = attributes.compared(
        expected.attributes, found.attributes, attributes.Scope(), lambda: expected.attributes, _UNKNOWN
    )
    dropped = comparison.tallies.get("Others", Tally()).differences
    others = tuple(
        replace(each, differences=(*each.differences, *dropped)) if each.name == "Others" else each
        for each in others
    )
    told = (*_without_keys(comparison.checks, expected.catalog), *others)
    return tuple(check for check in told if check.of or check.differences)


def _without_keys(checks: Sequence[Check], expected: Catalog) -> list[Check]:
    """The checks, with the indexes behind constraints as one of its own."""
    told = []
    keys = {
        f"index {index.name} of {table.name}"
        for table in expected.tables
        for index in table.indexes
        if index.constraint
    }
    for check in checks:
        if check.name != "Indexes" or not keys:
            told.append(check)
            continue
        of_keys = tuple(each for each in check.differences if each.what in keys)
        rest = tuple(each for each in check.differences if each.what not in keys)
        wrong = len({each.what for each in of_keys})
        right = len(keys) - wrong
        told.append(Check("Indexes", check.right - right, check.of - len(keys), rest))
        told.append(Check(_KEYS, right, len(keys), of_keys))
    return told


def _counted(concern: Concern, there: Catalog, session: Session) -> list[TableCounts]:
    found = []
    for table in concern.made.tables:
        now = there.by_name.get(table.name)
        rows = _rows(table.name, session) if now and now.kind is not TableKind.FOREIGN else None
        found.append(TableCounts(table.name, counts_of(table), counts_of(now) if now else None, rows))
    return found


def _named(catalog: Catalog, tables: Collection[QualifiedName], prefix: str) -> int:
    indexes = (index.name for each in catalog.tables if each.name in tables for index in each.indexes)
    return sum(name.startswith(prefix) for name in indexes) if prefix else 0


def _inferred(analysis: Analysis, names: Sequence[str], target: Target) -> MigrationsVerified:
    """What the files' SQL makes and does not drop again, by name alone."""
    tallies: dict[str, Tally] = {}
    expected = sorted(_made(analysis, names))
    for kind, said in _LOOKED_FOR.items():
        for thing in (each for each in expected if each.kind is kind):
            tally = tallies.setdefault(said, Tally())
            tally.of += 1
            tally.right += thing in target.there
            tally.differences += [] if thing in target.there else [Difference(str(thing), "missing")]
    tables = []
    made = {thing.name for thing in expected if thing.kind is ThingKind.TABLE}
    for table in target.state.catalog.tables:
        if str(table.name) in made:
            counts = counts_of(table)
            tables.append(TableCounts(table.name, counts, counts, _rows(table.name, target.session)))
    return MigrationsVerified(
        (), tuple(tally.check(kind) for kind, tally in tallies.items()), tables=tuple(tables)
    )


def _made(analysis: Analysis, names: Sequence[str]) -> set[Thing]:
    """What is there after these migrations, as far as their statements tell for certain."""
    found = {thing for thing in analysis.order.after(names).things() if thing.kind in _LOOKED_FOR}
    keys = [split(thing.name) for thing in found if thing.kind is ThingKind.CONSTRAINT]
    return found - {Thing(ThingKind.INDEX, f"{quoted(key[0])}.{quoted(key[-1])}") for key in keys}


def _rows(table: QualifiedName, session: Session) -> int | None:
    """Return how many rows a table has; None where the role may not count them."""
    question = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema, table.name))
    try:
        with session.transaction():
            ((number,),) = session.ask(question, during=f"counting {table}")
    except PrivilegeError:
        return None
    return int(number)
