"""The structure of a target, object by object, against what it is to be.

What the bundle does not know is only noted, for a target may hold more; but not on the bundle's own tables
and views: another trigger, policy, column or key there changes what these do.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from migplan.catalog.compare import between
from migplan.catalog.model import Catalog, Column, ForeignKey, Grant, Index, Table, View
from migplan.names import QualifiedName, quoted
from migplan.text.wording import counted, listed
from migplan.verify.expectation import Expectation
from migplan.verify.spelling import Key, Spelling, identity, key_of
from migplan.verify.verification import MISSING, Check, Difference, Tally

_TABLE_PARTS: Mapping[str, Callable[[Table], tuple[Any, ...]]] = {
    "Columns": lambda table: table.columns,
    "Primary keys": lambda table: (table.primary_key,) if table.primary_key else (),
    "Unique keys": lambda table: table.unique_keys,
    "Foreign keys": lambda table: table.foreign_keys,
    "Checks": lambda table: table.checks,
    "Exclusions": lambda table: table.exclusions,
    "Policies": lambda table: table.policies,
}
_COMMON_PARTS: Mapping[str, Callable[[Table | View], tuple[Any, ...]]] = {
    "Indexes": lambda owner: owner.indexes,
    "Triggers": lambda owner: owner.triggers,
    "Rules": lambda owner: owner.rules,
}
_ONE = {"Exclusions": "exclusion constraint", "Indexes": "index", "Policies": "policy"}
"""Kinds whose singular is not the plural without its s."""

_ORDER = (
    *("Schemas", "Extensions", "Types", "Functions", "Tables", "Columns", "Primary keys", "Unique keys"),
    *("Foreign keys", "Checks", "Exclusions", "Indexes", "Triggers", "Rules", "Policies", "Views"),
    *("Sequences", "Grants"),
)
_SHOWN = 5

_MAINTAIN = 17
_IDENTITY_IN_PARTITIONS = 17


def compared(
    expectation: Expectation,
    expected: Catalog,
    found: Catalog,
    versions: tuple[int, int],
    spelling: Spelling,
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """A check a kind, and what is to be known beside; ``versions`` are the majors of both servers."""
    comparison = Comparison(*aligned(expectation, expected, found, versions, spelling), spelling.undecided)
    comparison.run()
    return comparison.checks, tuple(comparison.notes)


def aligned(
    expectation: Expectation,
    expected: Catalog,
    found: Catalog,
    versions: tuple[int, int],
    spelling: Spelling,
) -> tuple[Catalog, Catalog]:
    """Both catalogs, less what the bundle does not decide, with texts that mean the same spelt alike."""
    expected, found = _prepared(expectation, expected, found, versions)
    return spelling.of(expected, found), found


def _prepared(
    expectation: Expectation, expected: Catalog, found: Catalog, versions: tuple[int, int]
) -> tuple[Catalog, Catalog]:
    """Both catalogs, less what the bundle does not decide."""
    left = expectation.manifest.left_out
    forgotten = []
    if not expectation.manifest.keeps_owners:
        forgotten.append("owner")
        expected, found = (replace(each, grants=_of_others(each, found)) for each in (expected, found))
    if any(each.kind == "COMMENT" and "by choice" in each.why for each in left):
        forgotten.append("comment")
    if not expectation.with_rows:
        forgotten.append("populated")  # nobody has refreshed the materialised views
    both = [
        without_versions(_without(catalog, forgotten), min(versions), max(versions))
        for catalog in (expected, found)
    ]
    both = [_without_null_defaults(catalog) for catalog in both]
    both = [_without_others_keys(catalog, expected.provided_by_name) for catalog in both]
    if any(each.why == "privileges are left out by choice" for each in left):
        both = [replace(catalog, grants=()) for catalog in both]
    return both[0], both[1]


def _without_others_keys(catalog: Catalog, provided: Collection[QualifiedName]) -> Catalog:
    """Less the names of keys of provided tables to which foreign keys refer: they are the target's own."""
    if not provided:
        return catalog

    def unnamed(key: ForeignKey) -> ForeignKey:
        return replace(key, referenced_key="") if key.referenced in provided else key

    tables = (
        replace(table, foreign_keys=tuple(map(unnamed, table.foreign_keys))) for table in catalog.tables
    )
    return replace(catalog, tables=tuple(tables))


def without_versions(catalog: Catalog, oldest: int, newest: int) -> Catalog:
    """Return a catalog less what only one of two major versions says."""
    if oldest < _MAINTAIN:
        catalog = _without_maintain(catalog)
    if oldest < _IDENTITY_IN_PARTITIONS <= newest:
        catalog = _without_identity_in_partitions(catalog)
    return catalog


def _without_maintain(catalog: Catalog) -> Catalog:
    """Less the privilege that 17 brought, and gives to whoever was given all of them."""
    return replace(
        catalog,
        grants=tuple(
            replace(
                grant,
                privileges=tuple(each for each in grant.privileges if not each.startswith("MAINTAIN")),
                withheld=tuple(each for each in grant.withheld if not each.startswith("MAINTAIN")),
            )
            for grant in catalog.grants
        ),
    )


def _without_identity_in_partitions(catalog: Catalog) -> Catalog:
    """Partitions have their table's identity columns since 17, as a part of it; before, they had none."""
    return _with_columns(
        catalog, lambda table, column: replace(column, identity=None) if table.partition_of else column
    )


def _without_null_defaults(catalog: Catalog) -> Catalog:
    """Less defaults that are NULL, which pg_dump gives to columns whose parents' have one.

    They say nothing, but for a domain that has a default of its own.
    """
    own = {
        str(each.name)
        for each in catalog.types
        if any(part.startswith("DEFAULT ") for part in each.definition)
    }

    def without(_table: Table, column: Column) -> Column:
        null = (column.default or "").startswith("NULL::") and column.type not in own
        return replace(column, default=None) if null else column

    return _with_columns(catalog, without)


def _with_columns(catalog: Catalog, change: Callable[[Table, Column], Column]) -> Catalog:
    """The catalog with each column as ``change`` returns it."""
    tables = []
    for table in catalog.tables:
        columns = tuple(change(table, column) for column in table.columns)
        tables.append(table if columns == table.columns else replace(table, columns=columns))
    return replace(catalog, tables=tuple(tables))


def _of_others(catalog: Catalog, found: Catalog) -> tuple[Grant, ...]:
    """The privileges of roles that own nothing in the target: an owner needs none, and may have lost some."""
    owned: tuple[Any, ...] = (*found.tables, *found.views, *found.sequences, *found.functions, *found.types)
    owners = {thing.owner for thing in owned} | {"(owner)"}
    return tuple(grant for grant in catalog.grants if grant.grantee not in owners)


def _without(value: Any, names: Iterable[str]) -> Any:
    """The value and its parts, with those fields emptied."""
    names = tuple(names)
    if not names:
        return value
    if isinstance(value, tuple):
        return tuple(_without(item, names) for item in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    empty = {"owner": "", "comment": None, "populated": True}
    changes = {}
    for name in value.__dataclass_fields__:
        now = getattr(value, name)
        new = empty[name] if name in names else _without(now, names) if isinstance(now, tuple) else now
        if new is not now:
            changes[name] = new
    return replace(value, **changes) if changes else value


class Comparison:
    """Compares catalogs that were made alike, kind by kind; ``unknown`` is said of what is not expected."""

    def __init__(
        self,
        expected: Catalog,
        found: Catalog,
        undecided: Mapping[Key, str],
        unknown: str = "not in the bundle",
    ) -> None:
        self._expected = expected
        self._found = found
        self._undecided = undecided
        self._unknown = unknown
        self.tallies: dict[str, Tally] = {}
        self.notes: list[str] = []
        self.more: dict[str, tuple[str, ...]] = {}  # of each kind, what stands by itself and is not expected

    @property
    def checks(self) -> tuple[Check, ...]:
        """A check of each kind of which there is anything, in the order in which they are told."""
        found = ((name, self.tallies.get(name)) for name in _ORDER)
        return tuple(tally.check(name) for name, tally in found if tally and (tally.of or tally.differences))

    def run(self) -> None:
        expected, found = self._expected, self._found
        for name in ("schemas", "types", "functions", "sequences"):
            self._whole(name.capitalize(), getattr(expected, name), getattr(found, name))
        self._extensions()
        self._tables()
        self._provided()
        self._views()
        self._grants()

    def _whole(self, kind: str, expected: Iterable[Any], found: Iterable[Any]) -> list[tuple[Any, Any]]:
        """Objects that stand by themselves; the pairs that are on both sides."""
        there = {identity(thing): thing for thing in found}
        pairs = []
        for thing in expected:
            other = there.pop(identity(thing), None)
            self._pair(kind, named(kind, thing), thing, other)
            if other is not None:
                pairs.append((thing, other))
        self._more(kind, there)
        return pairs

    def _more(self, kind: str, there: Mapping[str, Any]) -> None:
        if there:
            self.more[kind] = tuple(named(kind, thing) for _, thing in sorted(there.items()))
            self.notes.append(
                f"the target has {kind.lower()} that the bundle does not know: "
                f"{listed(sorted(there), _SHOWN)}"
            )

    def _pair(self, kind: str, what: str, expected: Any, found: Any, owner: str = "") -> None:
        tally = self.tallies.setdefault(kind, Tally())
        tally.of += 1
        if found is None:
            withheld = isinstance(expected, Grant) and not expected.privileges
            said = f"not withheld: {', '.join(expected.withheld)}" if withheld else MISSING
            tally.differences.append(Difference(what, said))
            return
        differing = between(what, expected, found) if expected != found else ()
        if not differing:
            tally.right += 1
        why = self._undecided.get(key_of(expected, owner))
        said = f"; whether the texts mean the same could not be told: {why}" if why else ""
        tally.differences += [
            Difference(each.what, (each.detail or each.change) + said, known=not why) for each in differing
        ]

    def _parts(self, kind: str, owner: str, expected: tuple[Any, ...], found: tuple[Any, ...] | None) -> None:
        """Parts of one table or view; here what is more is a difference, too."""
        if found is None:  # with their owner, which is named
            if expected:
                self.tallies.setdefault(kind, Tally()).of += len(expected)
            return
        there = {identity(thing): thing for thing in found}
        for thing in expected:
            what = f"{named(kind, thing)} of {owner}"
            self._pair(kind, what, thing, there.pop(identity(thing), None), owner)
        for thing in there.values():
            tally = self.tallies.setdefault(kind, Tally())
            tally.differences.append(Difference(f"{named(kind, thing)} of {owner}", self._unknown))

    def _tables(self) -> None:
        both = [[bare(table) for table in catalog.tables] for catalog in (self._expected, self._found)]
        self._whole("Tables", *both)
        for table in self._expected.tables:
            other = self._found.by_name.get(table.name)
            for kind, parts in (*_TABLE_PARTS.items(), *_COMMON_PARTS.items()):
                self._parts(kind, str(table.name), parts(table), parts(other) if other else None)
            if other is not None:
                self._column_order(table, other)

    def _provided(self) -> None:
        """What is needed of the target's own tables, and what people made on them, and nothing else."""
        for table in self._expected.provided:
            other = self._found.provided_by_name.get(table.name)
            if other is None:
                tally = self.tallies.setdefault("Tables", Tally())
                tally.of += 1
                tally.differences.append(Difference(f"table {table.name}", "missing, and not the bundle's"))
                continue
            parts = (
                ("Columns", table.columns, other.columns),
                ("Triggers", table.triggers, other.triggers),
                ("Policies", table.policies, other.policies),
            )
            for kind, expected, found in parts:
                there = {identity(thing): thing for thing in found}
                for thing in expected:
                    what = f"{named(kind, thing)} of {table.name}"
                    self._pair(kind, what, thing, there.get(identity(thing)), str(table.name))

    def _column_order(self, table: Table, other: Table) -> None:
        here, there = [c.name for c in table.columns], [c.name for c in other.columns]
        known = (here, self._made_anew(table))
        if there not in known and sorted(here) == sorted(there):
            self.tallies["Columns"].differences.append(
                Difference(f"order of the columns of {table.name}", ", ".join(there))
            )

    def _made_anew(self, table: Table) -> list[str]:
        """The order of columns that CREATE TABLE gives: the parents' first, even if they came later."""
        parents = [self._expected.by_name.get(name) for name in table.inherits]
        inherited = [name for parent in parents if parent for name in self._made_anew(parent)]
        return list(dict.fromkeys((*inherited, *(column.name for column in table.columns))))

    def _views(self) -> None:
        both = [
            [replace(view, indexes=(), triggers=(), rules=(), reads=()) for view in catalog.views]
            for catalog in (self._expected, self._found)
        ]
        self._whole("Views", *both)
        there = {view.name: view for view in self._found.views}
        for view in self._expected.views:
            other = there.get(view.name)
            for kind, parts in _COMMON_PARTS.items():
                self._parts(kind, str(view.name), parts(view), parts(other) if other else None)

    def _extensions(self) -> None:
        versions = {extension.name: extension.version for extension in self._found.extensions}
        for extension in self._expected.extensions:
            version = versions.get(extension.name, extension.version)
            if version != extension.version:
                self.notes.append(
                    f"extension {extension.name} is {version} in the target, "
                    f"{extension.version} in the source"
                )
        bare = [
            [replace(extension, version="") for extension in catalog.extensions]
            for catalog in (self._expected, self._found)
        ]
        self._whole("Extensions", *bare)

    def _grants(self) -> None:
        """Privileges on what the bundle knows; those that the target's own default ones gave are noted."""
        known = set(privileged(self._expected))
        mine = self._own_creating()
        grants = (mine.get(identity(each), each) for each in self._found.grants)
        there = {identity(each): each for each in grants if each.privileges or each.withheld}
        for grant in self._expected.grants:
            if grant.privileges or grant.withheld:
                self._pair("Grants", f"grant {grant.name}", grant, there.pop(identity(grant), None))
        given = Counter[str]()
        ours = {each.name for each in self._expected.grants}
        for grant in there.values():
            if grant.on not in known and not self._is_about_ours(grant):
                continue
            if given_by_default(grant, self._found.grants, ours):
                given[grant.grantee] += 1
                continue
            tally = self.tallies.setdefault("Grants", Tally())
            said = ", ".join((*grant.privileges, *(f"not {each}" for each in grant.withheld)))
            tally.differences.append(Difference(f"grant {grant.name}", f"{self._unknown} ({said})"))
        self.notes += [
            f"the target's default privileges gave {grantee} more than the bundle does, on "
            f"{counted(number, 'object')}"
            for grantee, number in sorted(given.items())
        ]

    def _own_creating(self) -> dict[str, Grant]:
        """Privileges on schemas, less the CREATE that a run needs and the bundle does not give; it is noted.

        Who ran it needs that, and those who are to own what it made.
        """
        made: tuple[Any, ...] = (*self._expected.tables, *self._expected.views, *self._expected.functions)
        needing = {self._found.server.role, *(thing.owner for thing in made)}
        then = {identity(each): each for each in self._expected.grants}
        found = {}
        for grant in self._found.grants:
            known = then.get(identity(grant))
            more = {"CREATE"} - {*(known.privileges if known else ())}
            if grant.kind == "schema" and grant.grantee in needing and more & {*grant.privileges}:
                found[identity(grant)] = replace(
                    grant, privileges=tuple(each for each in grant.privileges if each not in more)
                )
                self.notes.append(
                    f"{grant.grantee} may create in schema {quoted(grant.schema)}, as a run needs it; "
                    "the bundle does not give that"
                )
        return found

    def _is_about_ours(self, grant: Grant) -> bool:
        """Whether default privileges are those of what the bundle makes: of its schemas, or of its owners.

        Those in schema public may have been in the target before.
        """
        if grant.kind != "default privileges":
            return False
        if grant.schema:
            ours = {schema.name for schema in self._expected.schemas} - {"public"}
            return grant.schema in ours
        made: tuple[Any, ...] = (*self._expected.tables, *self._expected.views, *self._expected.functions)
        return grant.of_role in {thing.owner for thing in made}


def given_by_default(grant: Grant, grants: Iterable[Grant], ours: Collection[str] = ()) -> bool:
    """Whether a target itself gives this to every new object, by default privileges that are not ``ours``."""
    kinds = {"table": "tables", "view": "tables", "sequence": "sequences", "function": "functions"}
    return any(
        each.kind == "default privileges"
        and each.name not in ours
        and each.object == kinds.get(grant.kind, f"{grant.kind}s")
        and each.grantee == grant.grantee
        and each.schema in ("", grant.schema)
        and {*grant.privileges} <= {*each.privileges}
        and {*grant.withheld} <= {*each.withheld}
        for each in grants
    )


def bare(table: Table) -> Table:
    """The table without its parts, which are compared by themselves."""
    return replace(
        table,
        columns=(),
        primary_key=None,
        unique_keys=(),
        foreign_keys=(),
        checks=(),
        exclusions=(),
        indexes=(),
        policies=(),
        triggers=(),
        rules=(),
    )


def privileged(catalog: Catalog) -> Iterator[str]:
    """Yield everything that privileges can be on, by the words that grants have for it."""
    for table in catalog.tables:
        yield f"table {table.name}"
        for column in table.columns:
            yield Grant("column", table.name.schema, table.name.name, column.name, "").on
    yield from (f"view {view.name}" for view in catalog.views)
    yield from (f"sequence {sequence.name}" for sequence in catalog.sequences)
    yield from (f"function {function.name}({function.arguments})" for function in catalog.functions)
    yield from (f"type {type_.name}" for type_ in catalog.types)
    yield from (Grant("schema", schema.name, "", "", "").on for schema in catalog.schemas)


def named(kind: str, thing: Any) -> str:
    """Return what a thing of a kind is called in messages."""
    if isinstance(thing, Index) and not thing.valid:
        return f"invalid index {thing.name}"
    return f"{_ONE.get(kind, kind.lower().removesuffix('s'))} {identity(thing)}"
